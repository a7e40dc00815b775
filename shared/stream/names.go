// Package stream has all of the JetStream topology: names, subjects, headers, and how messages are written and
// read. It is the only package that creates streams and consumers. It knows neither HTTP nor what a
// notification means.
package stream

// The streams.
const (
	Notifications = "NOTIFICATIONS" // raw requests as they came
	Events        = "EVENTS"        // accepted, valid, unique
	Retries       = "RETRIES"       // events that wait for their next attempt
	DeadLetters   = "DEAD_LETTERS"  // what could not be processed
	Rejections    = "REJECTIONS"    // refused requests
	Alerts        = "ALERTS"        // what the operator is told
	Probes        = "PROBES"        // written to find out whether anything can be
	Operations    = "OPERATIONS"    // what operators did to the data
	Objects       = "OBJECTS"       // the newest time of each object whose events come out of order
)

// The header fields of messages. Times are RFC 3339 with nanoseconds.
const (
	HeaderSource               = "Sluice-Source"
	HeaderProvider             = "Sluice-Provider"
	HeaderType                 = "Sluice-Type"
	HeaderInstance             = "Sluice-Instance"
	HeaderReceivedAt           = "Sluice-Received-At"
	HeaderSentAt               = "Sluice-Sent-At"
	HeaderKey                  = "Sluice-Key"
	HeaderOrderKey             = "Sluice-Order-Key"
	HeaderNotificationSequence = "Sluice-Notification-Sequence"
	HeaderContentType          = "Sluice-Content-Type"
	HeaderContentEncoding      = "Sluice-Content-Encoding"
	HeaderRemoteAddress        = "Sluice-Remote-Address"
	HeaderRequestID            = "Sluice-Request-Id"
	HeaderTraceParent          = "traceparent"
	HeaderRetryOf              = "Sluice-Retry-Of"
	HeaderObject               = "Sluice-Object"
	HeaderOutdated             = "Sluice-Outdated"
	HeaderReading              = "Sluice-Reading" // a JSON object, see notification.Notification
	HeaderObserve              = "Sluice-Observe"
	// HeaderRequestField is what the names of the request's own fields begin with.
	HeaderRequestField = "Sluice-Request-Field-"

	// On retries and dead letters.
	HeaderAttempt       = "Sluice-Attempt"
	HeaderHistory       = "Sluice-History" // a JSON array of notification.Try
	HeaderFirstFailedAt = "Sluice-First-Failed-At"
	HeaderRound         = "Sluice-Round"
	HeaderReplayed      = "Sluice-Replayed"
	HeaderReason        = "Sluice-Reason"
	HeaderError         = "Sluice-Error"
	HeaderFaults        = "Sluice-Faults" // a JSON array of notification.Fault
	HeaderGroup         = "Sluice-Group"
	HeaderEventSequence = "Sluice-Event-Sequence"
	HeaderDiedAt        = "Sluice-Died-At"

	HeaderLane  = "Sluice-Lane"
	HeaderDueAt = "Sluice-Due-At"

	// On rejections.
	HeaderCause         = "Sluice-Cause"
	HeaderDetail        = "Sluice-Detail"
	HeaderMethod        = "Sluice-Method"
	HeaderPath          = "Sluice-Path"
	HeaderRequestHeader = "Sluice-Request-Header" // a JSON object of arrays of strings
	HeaderSealed        = "Sluice-Sealed"         // a JSON object of strings, see notification.Rejection
	HeaderTruncated     = "Sluice-Truncated"
	HeaderSkipped       = "Sluice-Skipped"
)

// intakeGroup is the priority group of the intake consumers. Each has one pinned client at a time.
const intakeGroup = "intake"

// Keys of the metadata of streams and consumers.
const (
	metadataShards = "sluice.shards"
	metadataLanes  = "sluice.lanes"
	metadataGroup  = "sluice.group"
	metadataTypes  = "sluice.types"
	// metadataMaxBytes is on the stream of retries, whose bound the server can't keep.
	metadataMaxBytes = "sluice.max_bytes"
)
