package bench

import (
	"context"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
)

// patience is how long to wait for the last answers, as long as GREEN-API waits for one.
const patience = 180 * time.Second

// job is what a generator is to do.
type job struct {
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

// runWith does the job with streams of its own, where it needs any.
func (j job) runWith(ctx context.Context, access stream.Access, log *slog.Logger) (*Result, error) {
	if access.URL == "" {
		return j.run(ctx, nil)
	}
	conn, err := stream.Connect(access, "sluice bench", log)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	streams, err := stream.Open(ctx, conn, storeSettings(), log)
	if err != nil {
		return nil, err
	}
	return j.run(ctx, streams)
}

// run does the job. It needs streams to publish without HTTP and to check.
func (j job) run(ctx context.Context, streams *stream.Streams) (*Result, error) {
	run := newRun()
	senders, err := j.senders(run, streams)
	if err != nil {
		return nil, err
	}
	var behind uint64
	if j.Check {
		if behind, err = lastSequence(ctx, streams.JetStream()); err != nil {
			return nil, err
		}
	}
	var samples []sample
	sent, tallies := plan{
		rate: j.Rate, warmUp: j.WarmUp, duration: j.Duration, patience: patience, receipts: j.Receipts,
	}.run(ctx, senders, func() { samples = append(samples, takeSample(j.Processes)) })
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	result := newResult(sent, tallies, samples)
	if j.Check {
		verdict, err := check(ctx, streams.JetStream(), run, tallies, behind)
		if err != nil {
			return nil, err
		}
		result.Checked = &verdict
	}
	return result, nil
}

func (j job) senders(run string, streams *stream.Streams) ([]sender, error) {
	senders := make([]sender, j.Connections)
	if j.URL == "" {
		for i := range senders {
			message := newMessage(run, i, j.Size, j.Instances, noHead)
			senders[i] = newPublisher(streams, message)
			if j.Bare {
				senders[i] = &barePublisher{streams.JetStream(), message}
			}
		}
		return senders, nil
	}
	to, err := newTarget(j.URL, j.Token)
	if err != nil {
		return nil, err
	}
	for i := range senders {
		senders[i] = newClient(to, newMessage(run, i, j.Size, j.Instances, to.head))
	}
	return senders, nil
}

func check(ctx context.Context, js jetstream.JetStream, run string, tallies []*tally, behind uint64) (Verdict, error) {
	receipts := make([][]uint64, len(tallies))
	for i, t := range tallies {
		receipts[i] = t.receipts
	}
	found := newLedger(run, receipts)
	if err := found.read(ctx, js, behind); err != nil {
		return Verdict{}, err
	}
	return found.close(), nil
}
