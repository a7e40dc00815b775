// Package find tells what became of a notification, from nothing but what is stored: it arrived, was folded into an event or
// became one, was handled by a group, failed, is parked, dead or refused. It changes nothing, and knows neither the command
// line nor how the streams are made.
//
// Nothing indexes the streams by what somebody may ask for, so it reads: the newest first, since that is what people ask
// about, and no longer than it may. What it says is as far as it looked, which it tells.
//
//	find.go       the order of looking, and how the time is divided
//	text.go       what a text can mean, and where it stands
//	walk.go       reads a large stream from its end backwards
//	relations.go  looks for what belongs to the findings and does not have the text in it
//	story.go      what happened to a notification, step by step
//	assemble.go   makes stories of what was found
//	handling.go   what people did to it, and how far the groups are
//
// It holds what it found without the bodies, at most so many stories. Reading is bound by the store: some 100,000 messages
// a second.
package find
