package wire

import "strconv"

// The header fields of messages. Times are RFC 3339 with nanoseconds. The names are part of what is stored: a reader of
// another version looks for the same ones, and one that it does not know does no harm.
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
	HeaderPart                 = "Sluice-Part" // which of how many, as in 2/3
	HeaderObject               = "Sluice-Object"
	HeaderOutdated             = "Sluice-Outdated"
	HeaderFaults               = "Sluice-Faults"  // a JSON array of notification.Fault
	HeaderMapping              = "Sluice-Mapping" // a JSON object, see notification.Notification
	HeaderQuarantine           = "Sluice-Quarantine"
	// HeaderRequestField is what the names of the request's own fields begin with.
	HeaderRequestField = "Sluice-Request-Field-"

	// On retries and dead letters.
	HeaderAttempt       = "Sluice-Attempt"
	HeaderHistory       = "Sluice-History" // a JSON array of notification.Try
	HeaderFirstFailedAt = "Sluice-First-Failed-At"
	HeaderRound         = "Sluice-Round"
	HeaderReplayed      = "Sluice-Replayed"
	HeaderAnswerAgain   = "Sluice-Answer-Again"
	HeaderReason        = "Sluice-Reason"
	HeaderError         = "Sluice-Error"
	HeaderGroup         = "Sluice-Group"
	HeaderEventSequence = "Sluice-Event-Sequence"
	HeaderDiedAt        = "Sluice-Died-At"
	HeaderBodySize      = "Sluice-Body-Size"
	HeaderBodySHA256    = "Sluice-Body-SHA256"

	HeaderLane  = "Sluice-Lane"
	HeaderDueAt = "Sluice-Due-At"

	HeaderHolder = "Sluice-Holder" // on leases

	// On rejections.
	HeaderCause         = "Sluice-Cause"
	HeaderDetail        = "Sluice-Detail"
	HeaderMethod        = "Sluice-Method"
	HeaderPath          = "Sluice-Path"
	HeaderQuery         = "Sluice-Query"
	HeaderRequestHeader = "Sluice-Request-Header" // a JSON object of arrays of strings
	HeaderTokenDigests  = "Sluice-Token-Digests"  // a JSON object of strings, see notification.Rejection
	HeaderTruncated     = "Sluice-Truncated"
	HeaderSkipped       = "Sluice-Skipped"
)

// Names of consumers.
const (
	// IntakeGroup is the priority group of the intake consumers. Each has one pinned client at a time.
	IntakeGroup = "intake"
	// OwnerGroup is the priority group of the consumers of an ordered group. Each has one owner at a time.
	OwnerGroup = "owner"
	// UnorderedSuffix ends the names of an unordered group's consumers.
	UnorderedSuffix = "-all"
	// AllTypes stands in a group's metadata for all types that have a handler.
	AllTypes = "*"
)

// IntakeName is the durable name of a shard's intake consumer.
func IntakeName(shard int) string { return "shard-" + strconv.Itoa(shard) }

// FormerIntakeName is the name that programs with version 1 of the keys have for it.
func FormerIntakeName(shard int) string { return "intake-" + strconv.Itoa(shard) }

// PartitionName is the durable name of a partition's consumer in an ordered group.
func PartitionName(group string, partition int) string { return group + "-p" + strconv.Itoa(partition) }

// LaneName is what the consumer of a lane was called, of which a group had one each. The same goes for parts of what is due.
func LaneName(group string, lane int) string { return group + "-" + strconv.Itoa(lane) }

// Keys of the metadata of streams and consumers.
const (
	MetadataShards = "sluice.shards"
	// MetadataLanes and MetadataKeys, the version of the formula of keys, are on the stream of events. Programs with version 1
	// look for the lanes under FormerMetadataLanes and do not start where they find none there.
	MetadataLanes       = "sluice.event_lanes"
	MetadataKeys        = "sluice.keys"
	FormerMetadataLanes = "sluice.lanes"
	// MetadataFormer is on the consumers of the intake: the last sequence that was there before the keys became those of the
	// present version.
	MetadataFormer = "sluice.former"
	MetadataGroup  = "sluice.group"
	MetadataTypes  = "sluice.types"
	// MetadataDone is on a consumer that took over from those of lanes: up to which sequence each of these was done.
	MetadataDone = "sluice.done"
	// MetadataBorn is when the group was made whose consumers were taken over.
	MetadataBorn = "sluice.born"
	// MetadataMoved is on consumers of lanes whose events are handed out by others: by which. MovedGuard is its value on what
	// keeps older workers from making them anew.
	MetadataMoved = "sluice.moved"
	MovedGuard    = "guard"
	// MetadataLogKey is on the stream of events: the key by which logs hash ids of people. Whoever may read it may read the
	// events as well.
	MetadataLogKey = "sluice.log_key"
	// MetadataMaxBytes is on the stream of retries, whose bound the server can't keep.
	MetadataMaxBytes = "sluice.max_bytes"
)
