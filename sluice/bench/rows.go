package bench

import (
	"fmt"
	"slices"
	"strings"
)

// subject is what a row measures.
type subject string

const (
	httpLimit    subject = "HTTP limit"          // echo reads the body and answers
	storeLimit   subject = "store limit"         // Sluice's publisher without HTTP
	wholeGateway subject = "gateway"             // with its check of the token
	perRequest   subject = "publish per request" // what is written when nobody measures
	barePublish  subject = "bare publish"        // the same without HTTP
	halfRate     subject = "gateway at half its most"
	wholeWay     subject = "gateway and worker"
	drain        subject = "worker, backlog of"
)

// row is one line of the table.
type row struct {
	subject subject
	// synced says how the store writes; the HTTP limit has none.
	synced      bool
	connections int
	// backlog is how many notifications wait for the worker.
	backlog int
}

func (r row) hasStore() bool { return r.subject != httpLimit }

// server is the role that the row sends to, empty when it publishes by itself.
func (r row) server() role {
	switch r.subject {
	case httpLimit:
		return roleHTTP
	case wholeGateway, halfRate, wholeWay:
		return roleGateway
	case perRequest:
		return rolePerRequest
	case storeLimit, barePublish, drain:
	}
	return ""
}

// String is the row's name.
func (r row) String() string {
	parts := []string{string(r.subject)}
	if r.backlog > 0 {
		parts[0] = fmt.Sprintf("%s %d", r.subject, r.backlog)
	}
	switch {
	case !r.hasStore():
	case r.synced:
		parts = append(parts, "synced")
	default:
		parts = append(parts, "default syncing")
	}
	switch {
	case r.connections == 1:
		parts = append(parts, "1 connection")
	case r.connections > 1:
		parts = append(parts, fmt.Sprintf("%d connections", r.connections))
	}
	return strings.Join(parts, ", ")
}

// rows are all of the table in the order in which each round goes through them.
func rows(connections, backlogs []int) []row {
	var all []row
	for _, count := range connections {
		all = append(all, row{subject: httpLimit, connections: count})
		for _, synced := range []bool{true, false} {
			for _, what := range []subject{storeLimit, wholeGateway, perRequest} {
				all = append(all, row{subject: what, synced: synced, connections: count})
			}
		}
	}
	most := slices.Max(connections)
	all = append(all,
		row{subject: barePublish, synced: true, connections: 1},
		row{subject: wholeGateway, synced: true, connections: 1},
		row{subject: halfRate, synced: true, connections: most},
		row{subject: wholeWay, synced: true, connections: most},
	)
	for _, count := range backlogs {
		all = append(all, row{subject: drain, synced: true, backlog: count})
	}
	return all
}

// only keeps the rows whose names contain the text, and the row that half the rate is half of.
func only(text string, all []row) []row {
	half := slices.ContainsFunc(all, func(r row) bool { return r.subject == halfRate && strings.Contains(r.String(), text) })
	return slices.DeleteFunc(all, func(r row) bool {
		needed := half && slices.ContainsFunc(all, func(other row) bool { return other.subject == halfRate && other.full() == r })
		return !needed && !strings.Contains(r.String(), text)
	})
}

// full is the row without a limit to its rate.
func (r row) full() row {
	r.subject = wholeGateway
	return r
}
