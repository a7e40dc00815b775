package bench

import (
	"fmt"
	"math"
	"slices"
)

// summary are the medians of each row.
type summary map[row]figures

// of returns a figure of a row, NaN when it was not measured.
func (f summary) of(r row, wanted figure) float64 {
	if found, ok := f[r]; ok {
		return found[wanted]
	}
	return math.NaN()
}

// expectation is something said about figures, and what it should be.
type expectation struct {
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

// boundKind is in which direction a figure may go.
type boundKind string

const (
	atLeast boundKind = "≥"
	atMost  boundKind = "≤"
)

// target is what the figure should be, as text; empty where nothing is expected.
func (c expectation) target() string {
	if c.bound.kind == "" {
		return ""
	}
	return fmt.Sprintf("%s %v", c.bound.kind, c.bound.limit)
}

// result says whether it is. A figure that was not measured is neither right nor wrong.
func (c expectation) result() string {
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

// expectations are all that can be told from what was measured.
func expectations(options TableOptions, found summary) []expectation {
	most := slices.Max(options.Connections)
	var all []expectation
	for _, synced := range []bool{true, false} {
		for _, count := range options.Connections {
			all = append(all, found.shareOfLimits(synced, count), found.speedUp(synced, count))
		}
	}
	all = append(all, found.oneConnection(), found.tail(most), found.gatewayMemory(most))
	all = append(all, found.intakes(options.Backlogs)...)
	all = append(all, found.workerScaling()...)
	all = append(all, found.afterKill())
	all = append(all, found.parked(options.Parked)...)
	return slices.DeleteFunc(all, func(c expectation) bool { return math.IsNaN(c.value) })
}

// shareOfLimits compares the gateway with what HTTP and store allow when they take turns on the same processors.
func (f summary) shareOfLimits(synced bool, connections int) expectation {
	gateway := row{subject: wholeGateway, synced: synced, connections: connections}
	http := f.of(row{subject: httpLimit, connections: connections}, answered)
	store := f.of(row{subject: storeLimit, synced: synced, connections: connections}, answered)
	c := expectation{
		about: fmt.Sprintf("%s: part of what HTTP limit and store limit allow together", gateway),
		value: f.of(gateway, answered) * (1/http + 1/store), digits: 2,
	}
	if connections == 256 {
		c.bound = bound{atLeast, 0.8}
	}
	return c
}

// speedUp compares the gateway with what is written when nobody measures.
func (f summary) speedUp(synced bool, connections int) expectation {
	gateway := row{subject: wholeGateway, synced: synced, connections: connections}
	other := row{subject: perRequest, synced: synced, connections: connections}
	c := expectation{
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

// oneConnection compares the gateway with a bare publish where there is no other request to share a sync with: what it does
// besides may cost a third at most.
func (f summary) oneConnection() expectation {
	gateway := row{subject: wholeGateway, synced: true, connections: 1}
	bare := row{subject: barePublish, synced: true, connections: 1}
	return expectation{
		about: fmt.Sprintf("%s: times what a bare publish takes", gateway),
		value: f.of(bare, answered) / f.of(gateway, answered), digits: 2, bound: bound{atMost, 1.3},
	}
}

// tail bounds the slowest of a hundred answers, in milliseconds, at half the rate that the gateway reaches.
func (f summary) tail(connections int) expectation {
	half := row{subject: halfRate, synced: true, connections: connections}
	return expectation{about: fmt.Sprintf("%s: p99, ms", half), value: f.of(half, p99), digits: 1, bound: bound{atMost, 25}}
}

// gatewayMemory bounds the most that the gateway held under load.
func (f summary) gatewayMemory(connections int) expectation {
	gateway := row{subject: wholeGateway, synced: true, connections: connections}
	return expectation{about: fmt.Sprintf("%s: memory, MB", gateway), value: f.of(gateway, peak), bound: bound{atMost, 150}}
}
