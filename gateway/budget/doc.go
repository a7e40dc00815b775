// Package budget divides the memory that bodies of requests under way may take, and decides who gives way when there is
// none left.
//
// What is counted is capacity: the memory that was allocated, not the bytes that came. It is counted as a body comes, for
// everybody. A client that announces much or sends slowly holds what it has sent, and no more.
//
// Three bounds hold at any time: all bodies together, those whose sender is not verified yet (half of it), and those of
// one source and of one address (a quarter, or what one of the source's largest bodies needs). Where one of them is
// reached, the body that comes slowest of those that the bound counts gives way: its reading ends with [ErrDisplaced]. Where
// all come fast, the request that wants memory waits for a moment, and fails with [ErrExhausted].
//
//	budget.go       How is memory divided? Who gives way?
//	reservation.go  What does one request hold, and how fast must its body come?
//	read.go         How is a body of unknown or doubtful length read without taking twice its size?
//
// The package knows neither HTTP nor what a body is for.
package budget
