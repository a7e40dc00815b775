package greenapi

import api "sluice.internal/shared/greenapi"

// Client calls GREEN-API for one instance. Its errors are verdicts, see Accounts.Client.
type Client = api.Client

// What the methods that send take: a text, a file, a poll, a place, a person, messages of another chat.
type (
	// Message is a text for a chat.
	Message = api.Message
	// File is a file for a chat, which GREEN-API fetches.
	File = api.File
	// Poll is a question with answers to choose from.
	Poll = api.Poll
	// Location is a place on the map.
	Location = api.Location
	// Contact is a person for the reader's address book.
	Contact = api.Contact
	// Person is who a contact is about.
	Person = api.Person
	// Forward is messages of another chat.
	Forward = api.Forward
)

// Outgoing is a message that an instance sent or is about to send.
type Outgoing = api.Outgoing

// Error is why a call failed. It is inside of the errors that a Client returns.
type Error = api.Error

// Reason says in one of few words why a call failed.
type Reason = api.Reason

// The reasons of errors that a handler may want to know, see ReasonOf.
const (
	Unauthorized    = api.Unauthorized
	NoInstance      = api.NoInstance
	Inactive        = api.Inactive
	Invalid         = api.Invalid
	TooManyRequests = api.TooManyRequests
	QuotaExceeded   = api.QuotaExceeded
	Unavailable     = api.Unavailable
)

// ReasonOf returns why a call failed, Unavailable for an error that is not GREEN-API's and empty for none.
func ReasonOf(err error) Reason { return api.ReasonOf(err) }

// PollOptions returns the answers of a poll.
func PollOptions(names ...string) []api.Option { return api.PollOptions(names...) }
