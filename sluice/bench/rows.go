package bench

import (
	"fmt"
	"slices"
	"strings"
	"time"
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
	endToEnd     subject = "gateway and worker"
	intake       subject = "intake, backlog of" // a worker without handlers
	inOrder      subject = "handlers in order"  // workers without intake
	manyChats    subject = "handlers in order, many chats"
	oneKilled    subject = "one of the workers killed"
	besideParked subject = "handlers in order, parked events"
)

// row is one line of the table.
type row struct {
	subject subject
	// synced says how the store writes; the HTTP limit has none.
	synced      bool
	connections int
	// backlog is how many notifications wait for the worker.
	backlog int
	// workers handle events, for each of which a handler takes that long, while that many others are parked.
	workers int
	takes   time.Duration
	parked  int
	// chats is how many chats the events are of, 0 for as many as there are otherwise, and concurrency how many events a
	// worker handles at a time, 0 for the default.
	chats, concurrency int
}

// hasWorkers reports whether the row is about workers alone.
func (r row) hasWorkers() bool { return r.subject == intake || r.workers > 0 }

// hasStore reports whether the row needs NATS. HTTP by itself does not.
func (r row) hasStore() bool { return r.subject != httpLimit }

// server is the role that the row sends to, empty when it publishes by itself.
func (r row) server() role {
	switch r.subject {
	case httpLimit:
		return roleHTTP
	case wholeGateway, halfRate, endToEnd:
		return roleGateway
	case perRequest:
		return rolePerRequest
	case storeLimit, barePublish, intake, inOrder, manyChats, oneKilled, besideParked:
	}
	return ""
}

// String is the row's name.
func (r row) String() string {
	parts := []string{r.title()}
	switch {
	case r.workers == 1:
		parts = append(parts, "1 worker")
	case r.workers > 1:
		parts = append(parts, fmt.Sprintf("%d workers", r.workers))
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

// title is the name's first part.
func (r row) title() string {
	switch r.subject { //nolint:exhaustive // The others have none of these numbers.
	case intake:
		return fmt.Sprintf("%s %d", r.subject, r.backlog)
	case inOrder:
		return fmt.Sprintf("%s, %d ms", r.subject, r.takes.Milliseconds())
	case manyChats:
		return fmt.Sprintf("%s, %d ms, %d chats, %d at a time", inOrder, r.takes.Milliseconds(), r.chats, r.concurrency)
	case oneKilled:
		return fmt.Sprintf("%s, %d ms, %s", inOrder, r.takes.Milliseconds(), r.subject)
	case besideParked:
		return fmt.Sprintf("%s, %d ms, %d parked", inOrder, r.takes.Milliseconds(), r.parked)
	default:
		return string(r.subject)
	}
}

// rows are all of the table in the order in which each round goes through them.
func rows(o TableOptions) []row {
	all := sendingRows(o.Connections)
	for _, count := range o.Backlogs {
		all = append(all, row{subject: intake, synced: true, backlog: count})
	}
	for _, takes := range handlerTimes() {
		for _, workers := range workerCounts() {
			all = append(all, row{subject: inOrder, synced: true, workers: workers, takes: takes})
		}
	}
	all = append(all, manyChatsRows()...)
	all = append(all, killedRow())
	if o.Parked > 0 {
		all = append(all, parkedRow(0), parkedRow(o.Parked))
	}
	return all
}

// handlerTimes are how long the handlers take: nothing, a query to a database, a request to a service.
func handlerTimes() []time.Duration {
	return []time.Duration{0, time.Millisecond, 20 * time.Millisecond}
}

// manyChatsRows are those of handlers that wait for others, a database or a bank, for thousands of chats at once.
func manyChatsRows() []row {
	return []row{
		{subject: manyChats, synced: true, workers: 1, takes: 20 * time.Millisecond, chats: 5_000, concurrency: 4_000},
		{subject: manyChats, synced: true, workers: 1, takes: time.Second, chats: 20_000, concurrency: 8_000},
	}
}

// workerCounts are how many workers share the lanes.
func workerCounts() []int { return []int{1, 2, 4} }

// killedRow is the row in which a worker is killed: how long do its lanes stand still?
func killedRow() row {
	return row{subject: oneKilled, synced: true, workers: 2, takes: 20 * time.Millisecond}
}

// parkedRow does not sync, because parking so many would take its time otherwise.
func parkedRow(parked int) row { return row{subject: besideParked, workers: 1, parked: parked} }

// sendingRows are those in which something is sent.
func sendingRows(connections []int) []row {
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
	return append(all,
		row{subject: barePublish, synced: true, connections: 1},
		row{subject: wholeGateway, synced: true, connections: 1},
		row{subject: halfRate, synced: true, connections: most},
		row{subject: endToEnd, synced: true, connections: most},
	)
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
