package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"sluice.internal/shared/service"
	"sluice.internal/sluice/simulate"
)

// progressEvery is how often a person is told how far a simulation has come.
const progressEvery = time.Second

// anyURL stands for one that is not known yet.
const anyURL = "http://127.0.0.1"

type simulateCommand struct {
	Source    string `placeholder:"NAME" default:"green-api" help:"Source to send as (default: ${default})."`
	URL       string `name:"url" placeholder:"URL" xor:"where" help:"Where to send to, and then not the data folder's token (default: the gateway of the data folder)."`
	TokenFile string `placeholder:"FILE" help:"File with the token (default: $$SLUICE_TOKEN, else the data folder's)."`
	Data      string `placeholder:"DIR" xor:"where" help:"Data folder of sluice up (default: $$SLUICE_DATA, else ./data)."`

	Instances int           `placeholder:"N" default:"4" help:"Instances, each with one notification at a time (default: ${default})."`
	Duration  time.Duration `placeholder:"TIME" help:"How long notifications come into being (default: until it is interrupted)."`
	Count     int           `placeholder:"N" help:"Notifications of each instance (default: any number)."`
	Rate      float64       `placeholder:"N" help:"Notifications a second of all instances together, at random times (default: as fast as they are accepted; each instance sends at most 50 a second)."`
	Drain     bool          `default:"true" negatable:"" help:"At the end, go on sending again what was not accepted (default: yes)."`

	Pause   time.Duration `placeholder:"TIME" default:"60s" help:"Pause before sending again (default: ${default})."`
	Timeout time.Duration `placeholder:"TIME" default:"180s" help:"How long to wait for an answer (default: ${default})."`
	Expiry  time.Duration `placeholder:"TIME" default:"24h" help:"Age at which a notification is given up (default: ${default})."`
	Speed   float64       `placeholder:"N" default:"1" help:"How many times faster pause, expiry and the 50 a second are (default: ${default})."`

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

    sluice simulate --instances 8 --duration 1m --ledger sent.ndjson`
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
	if err := (&sendCommand{URL: c.URL, Timeout: c.Timeout}).Validate(); err != nil {
		return err
	}
	if err := c.settings(inlet{url: cmp.Or(c.URL, anyURL)}).Validate(); err != nil {
		return errors.New("--" + strings.ReplaceAll(err.Error(), "\n", "\n--"))
	}
	return nil
}

// Run sends, and prints what came of it also when it was interrupted.
func (c *simulateCommand) Run(ctx context.Context, s *session) (err error) {
	from := sendCommand{Source: c.Source, URL: c.URL, TokenFile: c.TokenFile, Data: c.Data}
	to, err := from.inlet(s)
	if err != nil {
		return err
	}
	settings := c.settings(to)
	if c.Ledger != "" {
		if settings.Ledger, err = simulate.OpenLedger(c.Ledger); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, settings.Ledger.Close()) }()
	}
	simulator, err := simulate.New(settings)
	if err != nil {
		return err
	}
	s.say("The seed is %d.", simulator.Seed())
	stop := watchProgress(s, simulator)
	summary, err := simulator.Run(ctx)
	stop()
	return errors.Join(c.print(s, summary), err, summary.Err(), hint(summary, to))
}

func (c *simulateCommand) settings(to inlet) simulate.Settings {
	return simulate.Settings{
		URL: to.url, Token: to.token, Source: c.Source, Instances: c.Instances, Duration: c.Duration, Count: c.Count, Rate: c.Rate,
		Pause: c.Pause, Timeout: c.Timeout, Expiry: c.Expiry, Speed: c.Speed, NoDrain: !c.Drain, Seed: c.Seed,
		Duplicates: c.Duplicates, Unknown: c.Unknown, Invalid: c.Invalid,
	}
}

// print writes the summary. Who no longer reads does not make the run another one.
func (c *simulateCommand) print(s *session, summary simulate.Summary) error {
	var err error
	if c.JSON {
		err = s.out.object(summary)
	} else {
		_, err = s.out.Write([]byte(summary.String()))
	}
	if err = errors.Join(err, s.out.flush()); isClosed(err) {
		return nil
	}
	return err
}

// hint says what is likely to be wrong when every answer was that the sender is not known.
func hint(summary simulate.Summary, to inlet) error {
	refused := len(summary.Outcomes) > 0 && summary.Outcomes[0].Status == http.StatusUnauthorized
	if refused && summary.Accepted == 0 && to.token == "" {
		return errors.New("no token was sent; set SLUICE_TOKEN or name a file with --token-file")
	}
	return nil
}

// watchProgress tells a person at a terminal in one line how far the simulator has come, until it is stopped.
func watchProgress(s *session, simulator *simulate.Simulator) (stop func()) {
	if !service.IsTerminal(s.Stderr) {
		return func() {}
	}
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(progressEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				p := simulator.Progress()
				_, _ = fmt.Fprintf(s.diagnostics, "\r\x1b[K%d sent, %d answered 200, %d others, %d resent, %d pending",
					p.Attempts, p.Answered200, p.Others, p.Resent, p.Pending)
			case <-done:
				_, _ = fmt.Fprint(s.diagnostics, "\r\x1b[K")
				return
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}
