// Package groupcommit stores messages for many callers at once, and shares the cost of a sync among them where that
// pays. It knows neither NATS nor streams: it is given functions that write, and decides which of them to call.
//
// # Why
//
// Where every write is synced to the disk, a single write costs about one sync (0.35 ms on a common disk). A batch
// costs about ten of them (4.5 ms), and then hardly more for each message in it (20 µs). So with two callers single
// writes are faster, with two hundred a batch is, and where nothing is synced single writes always are. Which it is
// depends on the disk, the server's configuration and the load of the moment. Nobody can configure that, so the
// publisher measures both and takes the cheaper one. It must never be slower than the better of the two.
//
// # How a message is stored
//
// A caller's message enters the queue. The publisher then lets the caller write the message by itself ("single"), or
// takes it into a batch. While a batch is under way everything else waits, and so forms the next batch: this is group
// commit as databases do it. The threshold is the number of waiting messages from which a batch is cheaper than
// single writes; [Costs] learns it.
//
// A batch stores all of its messages or none. Whatever makes it fail, each of its callers then writes its message
// singly, with the same id: the store folds repetitions, so this tells what became of the message without storing it
// twice.
//
// # States
//
// All state is under one mutex. [Publisher.dispatch] looks at it whenever something has changed: a message came, a
// single write or a batch ended, the time to linger is over.
//
//	                  threshold messages wait
//	        ┌────────────────────────────────────────────┐
//	        │                                            ▼
//	   ┌────────┐  fewer wait   ┌───────────┐       ┌──────────┐
//	──▶│ single │◀──────────────│ lingering │◀──────│ batching │
//	   └────────┘               └───────────┘ ended └──────────┘
//	        ▲                         │                  ▲
//	        │                         └──────────────────┘
//	        │                          threshold messages wait
//	        │
//	        │ ended    ┌──────────┐    batching is due, but nobody knows any more
//	        ├──────────│ probeFew │◀── what single writes cost, and none is under way
//	        │          └──────────┘
//	        │               │ ended, and was not much dearer than a batch
//	        │ ended         ▼
//	        │          ┌───────────┐
//	        └──────────│ probeMany │
//	                   └───────────┘
//
//	state      who writes                                it ends when
//	single     as many callers as the threshold says     threshold messages wait
//	batching   one batch of what waited; the rest waits  the batch succeeded or failed
//	lingering  nobody new                                half as many wait as the last batch had, or after 2 ms
//	probeFew   64 callers                                the last of them has its answer
//	probeMany  everybody who comes                       50 ms are over
//
// Lingering is Kafka's word (linger.ms): whoever was answered just now is about to come again, and a batch of the
// first few of them would cost as much as one of all.
//
// Probing is what keeps a decision from lasting for ever: what is not done is not measured, so now and then single
// writes are measured although batches seem to be cheaper. Batches are measured again the other way round, because
// an old estimate is taken for the first guess again (see [Costs]).
//
// # Where to look
//
//	publisher.go  a caller's way: enter, wait, withdraw, leave
//	dispatch.go   the state machine above
//	batch.go      one batch and what becomes of its callers
//	costs.go      the cost model: from how many messages on does a batch pay?
//	estimate.go   one measured value that may be out of date
//
// The publisher runs no goroutine of its own while nothing is under way.
package groupcommit
