// Package gateway is the HTTP edge: it takes webhook notifications in and answers 200 once they are stored.
//
// It asks who sends and how much, never what: a notification that is authenticated and within the limits is
// accepted even if it is not JSON, because a refused one would block the sender's queue for as long as the
// sender repeats it (24 hours with GREEN-API). Validating bodies is the worker's job. The package knows no NATS;
// everything that outlives a request goes through Store.
//
// Which file answers which question:
//
//	webhook.go    What happens to a request, from the first check to the receipt? Start here.
//	accept.go     How does an accepted body become a stored notification, and for how long is that tried?
//	body.go       How are bodies read?
//	memory.go     How is the memory limit divided, and how large may a source's body be?
//	exchange.go   What is known of a request from the start? What does each one pass, with a panic too?
//	responses.go  Which error is answered how? What is done with a refused request?
//	paths.go      What becomes of doubled slashes and of paths where no source listens?
//	tls.go        Which certificates are shown, and which of a client's are believed?
//	health.go     What do /healthz and /readyz say?
//	outage.go     What does the log say while the store takes nothing?
//	review.go     Would the present configuration accept a request that was refused?
//	gateway.go    How does the gateway start, route and stop?
//	program.go    What is a gateway as a program, with senders of its own?
//	settings.go   What can be chosen, and what is refused?
//
// Packages below it, none of which knows this one:
//
//	connections/  How many connections and how much of headers may there be, and whose goes first?
//	budget/       Which body has how much memory, and which gives way when there is none left?
//	unpack/       What becomes of content encodings?
//	rejection/    What is kept, counted and told of refused requests?
//
// Where a request comes from, behind proxies, is the package forwarded in shared.
package gateway
