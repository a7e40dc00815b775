package bench

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/sluice/bench/loadgen"
)

// LoadOptions say what [Load] sends where. They have no defaults.
type LoadOptions struct {
	// URL is where a source's notifications are sent, Token what is sent with them; empty means none.
	URL, Token string
	// Connections are kept alive. Each has one request under way at a time.
	Connections int
	// Rate is how many requests begin in a second, however many of those before are answered; more than there are
	// connections wait for one, and that time counts. 0 begins the next one when the one before is answered.
	Rate float64
	// Duration is how long requests begin. Answers are waited for up to 180 s longer.
	Duration time.Duration
	// Size is that of a body in bytes, Instances how many accounts send.
	Size, Instances int
	// Processes are processes on this machine whose processor time and memory are reported.
	Processes []int
}

// Load sends notifications and checks every answer. Then it looks in the streams for everything that was answered 200;
// without JetStream it does not look. Wrong answers and a wrong stream are in the result, see its Err, and not in the
// error, which is for what kept Load from measuring.
func Load(ctx context.Context, options LoadOptions, js jetstream.JetStream) (*loadgen.Result, error) {
	job := loadgen.Job{
		URL: options.URL, Token: options.Token, Connections: options.Connections, Rate: options.Rate,
		Duration: options.Duration, Size: options.Size, Instances: options.Instances, Processes: options.Processes,
		Receipts: true, Check: js != nil,
	}
	if err := job.Validate(); err != nil {
		return nil, err
	}
	return job.Run(ctx, nil, js)
}
