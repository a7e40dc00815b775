// Package retention frees capacity in NOTIFICATIONS and EVENTS and tells the operator when there is little. It takes out
// what was processed and kept long enough, oldest first, and never what somebody has still to process: the low-water
// mark is the first message that is unprocessed, whoever it waits for. Every worker runs it; whoever comes first trims.
// What is never processed goes at its greatest age, by the server's hand; here the operator is told before.
//
//	retention.go       Run: a pass again and again
//	trim.go            what goes, and when it goes early
//	low_water_mark.go  who has not processed what yet
//	lookup.go          asking the stream's leader for one message
//	capacity.go        how full a stream is: ok, high, full, recovering
//	capacity_alert.go  what the operator is told about it
//	rejections.go      RunRejections: what goes of refused requests, and who hears of it
//	fair.go            whose rejections go
//	aging.go           what is about to go unprocessed: told in time, and recorded
package retention
