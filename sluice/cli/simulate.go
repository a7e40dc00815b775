package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sluice.internal/sluice/cli/term"
	"sluice.internal/sluice/ledger"
	"sluice.internal/sluice/simulate"
)

// progressInterval is how often a person is told how far a simulation has come.
const progressInterval = time.Second

// anyURL stands for an address that is not known yet, so that the other settings can be validated before it is.
const anyURL = "http://127.0.0.1"

// simulateCommand is `sluice simulate`: senders as GREEN-API's are, with their pauses, repetitions and expiry, and a ledger
// that an audit can account for. The simulator is the package simulate; this has its flags.
type simulateCommand struct {
	Source    string `placeholder:"NAME" default:"green-api" help:"Source to send as (default: ${default})."`
	URL       string `name:"url" placeholder:"URL" xor:"where" help:"Where to send to, and then not the data folder's token (default: the gateway of the data folder)."`
	TokenFile string `placeholder:"FILE" help:"File with the token (default: $$SLUICE_TOKEN, else the data folder's)."`
	Data      string `placeholder:"DIR" xor:"where" help:"Data folder of sluice up (default: $$SLUICE_DATA, else ./data)."`

	apiFlags

	// How much is sent, and for how long.

	Instances int           `placeholder:"N" default:"4" help:"Instances, each with one notification at a time (default: ${default})."`
	Duration  time.Duration `placeholder:"TIME" help:"How long notifications come into being (default: until it is interrupted)."`
	Count     int           `placeholder:"N" help:"Notifications of each instance (default: any number)."`
	Rate      float64       `placeholder:"N" help:"Notifications a second of all instances together, at random times (default: as fast as they are accepted; each instance sends at most 50 a second)."`
	Drain     bool          `default:"true" negatable:"" help:"At the end, go on sending again what was not accepted (default: yes)."`

	// What the provider documents. Speed shortens it all in proportion, so that a day can be seen in minutes.

	Pause   time.Duration `placeholder:"TIME" default:"60s" help:"Pause before sending again (default: ${default})."`
	Timeout time.Duration `placeholder:"TIME" default:"180s" help:"How long to wait for an answer (default: ${default})."`
	Expiry  time.Duration `placeholder:"TIME" default:"24h" help:"Age at which a notification is given up (default: ${default})."`
	Speed   float64       `placeholder:"N" default:"1" help:"How many times faster pause, expiry and the 50 a second are (default: ${default})."`

	// What is in the notifications, and how often they are not as they should be.

	Seed       uint64  `placeholder:"N" help:"Decides about contents, ids and their order (default: random)."`
	Duplicates float64 `placeholder:"PART" default:"0.01" help:"Part that is sent again although it was accepted (default: ${default})."`
	Unknown    float64 `placeholder:"PART" default:"0.001" help:"Part of a new type (default: ${default})."`
	Invalid    float64 `placeholder:"PART" default:"0" help:"Part that no schema accepts (default: ${default})."`

	Ledger string `placeholder:"FILE" help:"File that gets a line of JSON for each attempt, appended."`
	JSON   bool   `name:"json" help:"Print the summary as a JSON object."`
}

func (simulateCommand) Help() string {
	return `Sends as GREEN-API does: each instance waits for a 200 to one notification before it sends the next, and ` +
		`otherwise pauses and sends the same one again. The same seed sends the same ids, so repeat one with another ` +
		`data folder. Ctrl-C ends at once. The exit code is 0 when everything was accepted.

Example:

    sluice simulate --instances 8 --duration 1m --ledger sent.ndjson
    sluice simulate --api 127.0.0.1:7103 --fault receiveNotification=502`
}

// Validate refuses what can't be meant.
func (c *simulateCommand) Validate() error {
	for _, positive := range []struct {
		flag string
		set  bool
	}{
		{"instances", c.Instances > 0},
		{"pause", c.Pause > 0},
		{"timeout", c.Timeout > 0},
		{"expiry", c.Expiry > 0},
		{"speed", c.Speed > 0},
	} {
		if !positive.set {
			return fmt.Errorf("--%s must be more than 0", positive.flag)
		}
	}
	if err := c.validate(); err != nil {
		return err
	}
	if err := (&sendCommand{URL: c.URL, Timeout: c.Timeout}).Validate(); err != nil {
		return err
	}
	if err := c.settings(destination{url: cmp.Or(c.URL, anyURL)}).Validate(); err != nil {
		return errors.New("--" + strings.ReplaceAll(err.Error(), "\n", "\n--"))
	}
	return nil
}

// Run sends, or plays the API that hands out. The seed is printed first: an interrupted run can be repeated too.
func (c *simulateCommand) Run(ctx context.Context, s *session) error {
	if c.API != "" {
		return c.playAPI(ctx, s)
	}
	from := sendCommand{Source: c.Source, URL: c.URL, TokenFile: c.TokenFile, Data: c.Data}
	to, err := from.destination(s)
	if err != nil {
		return err
	}
	return c.send(ctx, s, c.settings(to), to)
}

// send runs the simulator, and prints what came of it also when it was interrupted.
func (c *simulateCommand) send(ctx context.Context, s *session, settings simulate.Settings, to destination) (err error) {
	if c.Ledger != "" {
		if settings.Ledger, err = ledger.Open(c.Ledger); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, settings.Ledger.Close()) }()
	}
	simulator, err := simulate.New(settings)
	if err != nil {
		return err
	}
	s.diagnostics.Line("The seed is %d.", simulator.Seed())
	stop := watchProgress(s, simulator)
	summary, err := simulator.Run(ctx)
	stop()
	return errors.Join(c.print(s, summary), err, summary.Err(), hint(summary, to))
}

// settings are the flags as the simulator takes them. What it finds wrong it names by the flag, since both have the same
// names.
func (c *simulateCommand) settings(to destination) simulate.Settings {
	_, line, _ := c.faults() // They were validated.
	return simulate.Settings{
		Line: line,
		URL:  to.url, Token: to.token, Source: c.Source, Instances: c.Instances, Duration: c.Duration, Count: c.Count, Rate: c.Rate,
		Pause: c.Pause, Timeout: c.Timeout, Expiry: c.Expiry, Speed: c.Speed, NoDrain: !c.Drain, Seed: c.Seed,
		Duplicates: c.Duplicates, Unknown: c.Unknown, Invalid: c.Invalid,
	}
}

// print writes the summary. Who no longer reads does not make the run another one.
func (c *simulateCommand) print(s *session, summary simulate.Summary) error {
	var err error
	if c.JSON {
		err = s.out.Object(summary)
	} else {
		_, err = s.out.Write([]byte(summary.String()))
	}
	if err = errors.Join(err, s.out.Flush()); term.IsClosed(err) {
		return nil
	}
	return err
}

// hint names the likely cause when every answer was that the sender is not known. Its condition is narrow: a token that
// was sent and refused is another fault, of which the gateway has more to say.
func hint(summary simulate.Summary, to destination) error {
	refused := len(summary.Outcomes) > 0 && summary.Outcomes[0].Status == http.StatusUnauthorized
	if refused && summary.Accepted == 0 && to.token == "" {
		return errors.New("no token was sent; set SLUICE_TOKEN or name a file with --token-file")
	}
	return nil
}

// watchProgress shows a person at a terminal how far the simulator has come, until it is stopped.
func watchProgress(s *session, simulator *simulate.Simulator) (stop func()) {
	progress := term.NewProgress(s.diagnostics)
	if !progress.Watched() {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		defer progress.Clear()
		ticker := time.NewTicker(progressInterval)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p := simulator.Progress()
				progress.Show("%d sent, %d answered 200, %d others, %d resent, %d pending",
					p.Attempts, p.Answered200, p.Others, p.Resent, p.Pending)
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
