// Package stream is JetStream as Sluice uses it: the connection, the streams and what they are called, storing a message,
// and what everybody above needs of consumers. With its packages it is the only one that makes streams and consumers. It
// knows neither HTTP nor what a notification means.
//
// What a program may do with the streams is a type of its own, so that what it must not do does not compile: a gateway
// has a Publisher, which reads nothing; a worker has a consume.Client; an operator has an admin.Client, which publishes
// no notifications. All are made of a Client, the opened streams. The packages depend on each other in one direction:
//
//	internal/wire  <-  stream  <-  consume
//	internal/groupcommit  <-'  <-  admin  <-  retention
//
// Where to look:
//
//	topology.go         Open, Client: making the streams, bringing them to the configuration
//	topology_names.go   names of the streams
//	stream_configs.go   what each stream is to be, from the configuration and from what nobody chooses
//	attach_streams.go   opening streams that another process made, without a configuration
//	await_streams.go    waiting for them
//	restore.go          making them anew when the server came back without them
//	key_version.go      the version of the keys, and how streams of one before go over to it
//	connect.go          the connection to NATS
//	disconnects.go      waiting for an answer no longer than the connection lasts
//	leader.go           one message, as the leader has it
//	consumers.go        asking until there is a leader; listing consumers, telling them apart
//	errors.go           the errors that callers branch on, and what the server's mean
//	publisher.go        what a gateway stores
//	regions.go          what a region and the centre have of each other's streams
//	rejection.go        how refused requests are stored
//	publish.go          storing one message; alerts
//	lease.go            what only one process at a time should do
//	aside.go            which chats of a group are set aside, and how far they are
//	poll_state.go       what pollers say about themselves
//	worker_state.go     what workers say about themselves
//	attempt.go          one attempt, and trying again
//	retry_quota.go      the bound of RETRIES
//	ready.go            can anything be stored at the moment?
//	flight.go           one call on behalf of all who ask
package stream
