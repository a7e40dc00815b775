// Package bench measures Sluice: how many notifications it takes in a second, how long each takes, and what that
// costs.
//
// [Load] sends to a Sluice that is running and looks in the stream for everything that was answered 200. [Table]
// measures all parts of Sluice side by side, each as a process of its own, together with what limits them and with
// what is written when nobody measures. The generator is this package's own, because it shares the processors with
// what it measures: a request costs it little more than the two system calls. It knows no more of HTTP than that.
package bench

import (
	"context"
	"errors"
	"time"

	"sluice.internal/shared/stream"
)

// LoadOptions say what to send where. There are no defaults.
type LoadOptions struct {
	// URL is where a source's notifications are sent, Token what is sent with them; empty means none.
	URL, Token string
	// Connections are kept alive. Each has one request under way at a time.
	Connections int
	// Rate is how many requests begin in a second, however many of those before are answered; more than there are
	// connections wait for one, and that time counts. 0 begins the next one when the one before is answered.
	Rate float64
	// Duration is how long to send.
	Duration time.Duration
	// Size is that of a body in bytes, Instances how many accounts send.
	Size, Instances int
	// Processes are processes on this machine whose processor time and memory are to be told.
	Processes []int
}

// Load sends notifications and checks every answer. It then looks for everything that was answered 200 in the streams;
// without streams it does not. What is wrong with the answers or the stream is in the result and not in the error.
func Load(ctx context.Context, options LoadOptions, streams *stream.Streams) (*Result, error) {
	work := job{
		URL: options.URL, Token: options.Token, Connections: options.Connections, Rate: options.Rate,
		Duration: options.Duration, Size: options.Size, Instances: options.Instances, Processes: options.Processes,
		Receipts: true, Check: streams != nil,
	}
	if err := work.check(); err != nil {
		return nil, err
	}
	return work.run(ctx, streams)
}

// check finds all faults of a job.
func (j job) check() error {
	var faults []error
	if j.Connections < 1 || j.Connections > mostConnections {
		faults = append(faults, errors.New("there must be 1 to 65536 connections"))
	}
	if j.Rate < 0 || j.Rate > mostRate {
		faults = append(faults, errors.New("the rate must be 0 to 1000000 a second"))
	}
	if j.Duration <= 0 {
		faults = append(faults, errors.New("the duration must be more than 0"))
	}
	if j.Size < 0 || j.Size > mostSize {
		faults = append(faults, errors.New("the size must be 0 to 8388608 bytes"))
	}
	if j.Instances < 1 || j.Instances > mostInstances {
		faults = append(faults, errors.New("there must be 1 to 1000000 instances"))
	}
	return errors.Join(faults...)
}

const (
	mostRate      = 1_000_000
	mostSize      = 8 << 20
	mostInstances = 1_000_000
)
