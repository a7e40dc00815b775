package bench

import (
	"fmt"
	"math"
	"slices"
)

// findings are the medians of each row.
type findings map[row]figures

// of returns a figure of a row, NaN when it was not measured.
func (f findings) of(r row, wanted figure) float64 {
	if found, ok := f[r]; ok {
		return found[wanted]
	}
	return math.NaN()
}

// claim is something said about figures, and what it should be.
type claim struct {
	about  string
	value  float64
	digits int
	bound  bound
}

// bound is where a figure should be. The zero value is content with any.
type bound struct {
	kind  boundKind
	limit float64
}

type boundKind string

const (
	atLeast boundKind = "≥"
	atMost  boundKind = "≤"
)

func (c claim) target() string {
	if c.bound.kind == "" {
		return ""
	}
	return fmt.Sprintf("%s %v", c.bound.kind, c.bound.limit)
}

func (c claim) verdict() string {
	met := c.bound.kind == atLeast && c.value >= c.bound.limit || c.bound.kind == atMost && c.value <= c.bound.limit
	switch {
	case c.bound.kind == "" || math.IsNaN(c.value):
		return ""
	case met:
		return "ok"
	default:
		return "MISSED"
	}
}

// claims are all that can be told from what was measured.
func claims(options TableOptions, found findings) []claim {
	most := slices.Max(options.Connections)
	var all []claim
	for _, synced := range []bool{true, false} {
		for _, count := range options.Connections {
			all = append(all, found.limits(synced, count), found.advantage(synced, count))
		}
	}
	all = append(all, found.oneConnection(), found.tail(most), found.gatewayMemory(most))
	all = append(all, found.intakes(options.Backlogs)...)
	all = append(all, found.crews()...)
	all = append(all, found.afterKill())
	all = append(all, found.parked(options.Parked)...)
	return slices.DeleteFunc(all, func(c claim) bool { return math.IsNaN(c.value) })
}

// limits compares the gateway with what HTTP and store allow when they take turns on the same processors.
func (f findings) limits(synced bool, connections int) claim {
	gateway := row{subject: wholeGateway, synced: synced, connections: connections}
	http := f.of(row{subject: httpLimit, connections: connections}, answered)
	store := f.of(row{subject: storeLimit, synced: synced, connections: connections}, answered)
	c := claim{
		about: fmt.Sprintf("%s: part of what HTTP limit and store limit allow together", gateway),
		value: f.of(gateway, answered) * (1/http + 1/store), digits: 2,
	}
	if connections == 256 {
		c.bound = bound{atLeast, 0.8}
	}
	return c
}

// advantage compares the gateway with what is written when nobody measures.
func (f findings) advantage(synced bool, connections int) claim {
	gateway := row{subject: wholeGateway, synced: synced, connections: connections}
	other := row{subject: perRequest, synced: synced, connections: connections}
	c := claim{
		about: fmt.Sprintf("%s: times publish per request", gateway),
		value: f.of(gateway, answered) / f.of(other, answered), digits: 2,
	}
	switch {
	case synced && connections == 256:
		c.bound = bound{atLeast, 4}
	case synced && connections == 64:
		c.bound = bound{atLeast, 1.7}
	}
	return c
}

func (f findings) oneConnection() claim {
	gateway := row{subject: wholeGateway, synced: true, connections: 1}
	bare := row{subject: barePublish, synced: true, connections: 1}
	return claim{
		about: fmt.Sprintf("%s: times what a bare publish takes", gateway),
		value: f.of(bare, answered) / f.of(gateway, answered), digits: 2, bound: bound{atMost, 1.3},
	}
}

func (f findings) tail(connections int) claim {
	half := row{subject: halfRate, synced: true, connections: connections}
	return claim{about: fmt.Sprintf("%s: p99, ms", half), value: f.of(half, p99), digits: 1, bound: bound{atMost, 25}}
}

func (f findings) gatewayMemory(connections int) claim {
	gateway := row{subject: wholeGateway, synced: true, connections: connections}
	return claim{about: fmt.Sprintf("%s: memory, MB", gateway), value: f.of(gateway, peak), bound: bound{atMost, 150}}
}
