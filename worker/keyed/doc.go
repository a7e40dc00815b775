// Package keyed runs the deliveries of partitions: those of one key one after the other, those of different keys side by
// side, and it acknowledges them in any order. It knows neither the broker nor what is done: a Broker hands deliveries
// out, and a function does the work.
//
// A partition is a consumer of the broker that one worker owns at a time. The difficult moments are those in which the
// owner changes, because what the owner before held comes again later than what is newer. So an owner begins nothing
// until everything that is handed out is in its own hands:
//
//	┌──────────────▶ claiming: asks for one delivery, to be chosen
//	│                   │ it comes, with a pin
//	│                   ▼
//	│               staging: keeps what comes, begins nothing new ◀─┐
//	│                   │ nothing is handed out                     │ a delivery is missing, or
//	│                   │ that this owner does not hold             │ one comes again
//	│                   ▼                                           │
//	│               owning: queues what comes by its key ───────────┘
//	│                   │
//	└───────────────────┤ another owner was chosen, or a hold ran out
//	                    ▼ told to give it up
//	                given up: what has not begun goes back, what runs is finished
//
// A hold is the time for which the broker gives a delivery to nobody else. It counts from when the request was sent that
// the delivery came with, or from a renewal that the broker confirmed in time, and ends early by a margin. Nothing begins
// and nothing is acknowledged after that, so a worker that was frozen or cut off never begins what another one has, however
// late it notices.
//
// A key of which too much waits is set aside: its deliveries are acknowledged as they come, and read again from where they are
// stored.
//
//	engine.go        who is next, and how many at once?
//	queue.go         what waits for a key?
//	partition.go     who owns a partition, and when may its deliveries begin?
//	asking.go        what is the broker asked for next?
//	asides.go        what does a broker that can set keys aside have to do?
//	aside.go         which keys are aside, and how does their order hold?
//	aside_record.go  how is it saved which they are, and how does a new owner go on with them?
//	recent.go        what was done that the broker may not know of?
//	hold.go          until when is a delivery in no other hands?
package keyed
