// Package provider has the kinds of senders: how each proves who it is, from where it sends, how long it waits, and how its
// notifications say what they are. There is one file for each. A new one registers itself in a file of its own, and nothing
// else changes; generic.go is for senders that have none. A Provider is described here alone: what becomes of it in a source
// is the package source.
//
// Where to look:
//
//	provider.go        what a provider consists of, and how it is registered
//	address_list.go    what it publishes about where it sends from
//	talk.go            how it asks whether somebody listens, and what it wants to be answered
//	describe.go        how it is described in words, for the table of senders
//	green_api.go       GREEN-API, whose chats are found in green_api_chat.go; each other one has a file of its name
//	former.go          identities by the formula of before
package provider
