package loadgen

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

// answerTimeout is how long the generator waits for the last answers: as long as GREEN-API waits for one.
const answerTimeout = 180 * time.Second

// Job says what to send where. It has no defaults. It travels to the generator's process as JSON.
type Job struct {
	// URL is where to send; empty publishes without HTTP.
	URL   string `json:"url"`
	Token string `json:"token"`
	// Bare publishes without Sluice's publisher.
	Bare        bool          `json:"bare"`
	Connections int           `json:"connections"`
	Rate        float64       `json:"rate"`
	WarmUp      time.Duration `json:"warm_up"`
	Duration    time.Duration `json:"duration"`
	Size        int           `json:"size"`
	Instances   int           `json:"instances"`
	// Receipts says that a 200 must have one, Check that it must be in the stream.
	Receipts bool `json:"receipts"`
	Check    bool `json:"check"`
	// Processes are what to measure beside the generator itself.
	Processes []int `json:"processes"`
}

// Run does the job. It needs a publisher to publish without HTTP, and JetStream to publish bare and to check. Wrong answers and a wrong
// stream are in the result; the error is for what kept the job from being done.
func (j Job) Run(ctx context.Context, publisher *stream.Publisher, js jetstream.JetStream) (*Result, error) {
	run := NewRun()
	senders, err := j.senders(run, publisher, js)
	if err != nil {
		return nil, err
	}
	var behind uint64
	if j.Check {
		if behind, err = lastSequence(ctx, js); err != nil {
			return nil, err
		}
	}
	var samples []Sample
	sent, tallies := plan{
		rate: j.Rate, warmUp: j.WarmUp, duration: j.Duration, timeout: answerTimeout, receipts: j.Receipts,
	}.run(ctx, senders, func() { samples = append(samples, TakeSample(j.Processes)) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	result := newResult(sent, tallies, samples)
	if j.Check {
		found, err := check(ctx, js, run, tallies, behind)
		if err != nil {
			return nil, err
		}
		result.Checked = &found
	}
	return result, nil
}

func (j Job) senders(run string, publisher *stream.Publisher, js jetstream.JetStream) ([]sender, error) {
	senders := make([]sender, j.Connections)
	if j.URL == "" {
		for i := range senders {
			message := NewTemplate(run, i, j.Size, j.Instances, NoHead)
			senders[i] = newPublisher(publisher, message)
			if j.Bare {
				senders[i] = &barePublisher{js, message}
			}
		}
		return senders, nil
	}
	to, err := newTarget(j.URL, j.Token)
	if err != nil {
		return nil, err
	}
	for i := range senders {
		senders[i] = newClient(to, NewTemplate(run, i, j.Size, j.Instances, to.head))
	}
	return senders, nil
}

func check(ctx context.Context, js jetstream.JetStream, run string, tallies []*tally, behind uint64) (StoredCheck, error) {
	receipts := make([][]uint64, len(tallies))
	for i, t := range tallies {
		receipts[i] = t.receipts
	}
	found := newLedger(run, receipts)
	if err := found.read(ctx, js, behind); err != nil {
		return StoredCheck{}, err
	}
	return found.close(), nil
}

// Validate finds all faults of a job.
func (j Job) Validate() error {
	var faults []error
	if j.Connections < 1 || j.Connections > maxConnections {
		faults = append(faults, errors.New("there must be 1 to 65536 connections"))
	}
	if j.Rate < 0 || j.Rate > maxRate {
		faults = append(faults, errors.New("the rate must be 0 to 1000000 a second"))
	}
	if j.Duration <= 0 {
		faults = append(faults, errors.New("the duration must be more than 0"))
	}
	if j.Size < 0 || j.Size > maxSize {
		faults = append(faults, errors.New("the size must be 0 to 8388608 bytes"))
	}
	if j.Instances < 1 || j.Instances > maxInstances {
		faults = append(faults, errors.New("there must be 1 to 1000000 instances"))
	}
	return errors.Join(faults...)
}

const (
	maxRate      = 1_000_000
	maxSize      = 8 << 20
	maxInstances = 1_000_000
)
