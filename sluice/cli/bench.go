package cli

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/service"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/bench"
	"sluice.internal/sluice/local"
)

// How much is measured unless the command line says otherwise. A table has dozens of rows, so each of them is shorter.
const (
	loadConnections = 64
	loadDuration    = 10 * time.Second
	tableDuration   = 5 * time.Second
	// tableEventRate is about what workers handle in a second.
	tableEventRate = 20_000
)

// tableConnections are those that the published figures are about: few enough that single publishes win, and enough that
// batches do.
func tableConnections() []int { return []int{64, 256} }

// benchCommand is `sluice bench`, in one of two modes: it loads a sluice that runs, or with --table starts each part of
// Sluice as a process of its own and measures that. The measuring is the package bench's.
type benchCommand struct {
	configFlag

	Source    string `placeholder:"NAME" default:"green-api" help:"Source to send as (default: ${default})."`
	URL       string `name:"url" placeholder:"URL" help:"Where to send to, and then not the data folder's token (default: the gateway of the data folder)."`
	TokenFile string `placeholder:"FILE" help:"File with the token (default: $$SLUICE_TOKEN, else the data folder's)."`
	NATS      string `name:"nats" placeholder:"URL" xor:"where" help:"NATS in which to look for what was sent (default: $$SLUICE_NATS_URL, else that of the data folder; with --url none)."`
	Data      string `placeholder:"DIR" xor:"where" help:"Data folder of sluice up (default: $$SLUICE_DATA, else ./data)."`

	// Zero leaves these to the mode: load and table have different defaults.

	Connections []int         `placeholder:"N" help:"Connections, each with one request at a time (default: 64; of a table 64,256)."`
	Rate        float64       `placeholder:"N" help:"Requests that begin in a second, also while others wait; 0 is as fast as they are answered (default: 0)."`
	Duration    time.Duration `placeholder:"TIME" help:"How long to send (default: 10s; of a table 5s each)."`
	Size        int           `placeholder:"BYTES" default:"960" help:"Size of a notification (default: ${default})."`
	Instances   int           `placeholder:"N" default:"16" help:"Instances that the notifications are of (default: ${default})."`
	PID         []int         `name:"pid" placeholder:"PID" help:"Processes to tell the CPU time and memory of (default: that of the data folder)."`
	JSON        bool          `name:"json" xor:"form" help:"Print the result as a JSON object."`

	// Table changes the mode; what follows is for a table only.

	Table    bool   `xor:"form" help:"Measure all parts of Sluice and what limits them; needs no running sluice."`
	Rounds   int    `placeholder:"N" default:"3" help:"Rounds of a table, of which the medians are told (default: ${default})."`
	Backlogs []int  `placeholder:"N" default:"10000,50000" help:"Notifications that wait for a worker in a table (default: ${default})."`
	Parked   int    `placeholder:"N" default:"100000" help:"Parked events beside which a table measures handlers; 0 leaves that out (default: ${default})."`
	Only     string `placeholder:"TEXT" help:"Leave out rows of a table without this in their names."`
	Folder   string `placeholder:"DIR" default:"." help:"Folder on the disk that a table measures; made if missing (default: the working directory)."`
	Profiles string `placeholder:"DIR" help:"Folder for CPU profiles of a table's servers; made if missing."`

	// Part makes this process one of those that a table starts; it is not for people.
	Part bool `hidden:"" help:"Be one process of a table, as standard input says."`
}

func (benchCommand) Help() string {
	return `Sends notifications to a sluice, checks every answer, and then looks in the stream whether everything that ` +
		`was answered 200 is there exactly once. The exit code is 0 when all was, and of a table also when a figure ` +
		`misses its target.

Example:

    sluice bench --rate 500 --duration 30s
    sluice bench --table --only parked --parked 1000000 --rounds 1`
}

// Validate refuses what can't be meant.
func (c *benchCommand) Validate() error {
	for _, count := range c.Connections {
		if count < 1 {
			return errors.New("--connections must be more than 0")
		}
	}
	switch {
	case len(c.Connections) > 1 && !c.Table:
		return errors.New("--connections takes one number without --table")
	case c.Duration < 0:
		return errors.New("--duration must be more than 0")
	case c.Rounds < 1:
		return errors.New("--rounds must be more than 0")
	case c.Parked < 0:
		return errors.New("--parked must be 0 or more")
	}
	return (&sendCommand{URL: c.URL, Timeout: time.Second}).Validate()
}

// Run measures.
func (c *benchCommand) Run(ctx context.Context, s *session) error {
	switch {
	case c.Part:
		log, err := service.NewLogger(s.diagnostics, "warn", service.FormatText)
		if err != nil {
			return err
		}
		return bench.RunPart(ctx, s.Stdin, s.Stdout, log)
	case c.Table:
		return c.table(ctx, s)
	default:
		return c.load(ctx, s)
	}
}

// load sends to a running sluice and then looks in its streams whether all that was answered 200 is there. Both errors
// are reported: the result is printed also when something is missing.
func (c *benchCommand) load(ctx context.Context, s *session) error {
	from := sendCommand{Source: c.Source, URL: c.URL, TokenFile: c.TokenFile, Data: c.Data}
	to, err := from.destination(s)
	if err != nil {
		return err
	}
	options := bench.LoadOptions{
		URL: to.url, Token: to.token, Connections: loadConnections, Rate: c.Rate, Duration: cmp.Or(c.Duration, loadDuration),
		Size: c.Size, Instances: c.Instances, Processes: c.PID,
	}
	if len(c.Connections) > 0 {
		options.Connections = c.Connections[0]
	}
	if pid := local.Owner(dataDir(s, c.Data)); c.URL == "" && c.PID == nil && pid != 0 {
		options.Processes = []int{pid}
	}
	return c.withStreams(ctx, s, func(js jetstream.JetStream) error {
		result, err := bench.Load(ctx, options, js)
		if err != nil {
			return err
		}
		if c.JSON {
			err = s.out.Object(result)
		} else {
			_, err = s.out.Write([]byte(result.String()))
		}
		return errors.Join(err, result.Err())
	})
}

// withStreams calls use with the streams to look in, nil when nobody said where those of the URL are.
func (c *benchCommand) withStreams(ctx context.Context, s *session, use func(jetstream.JetStream) error) error {
	if c.URL != "" && c.NATS == "" && c.Data == "" && s.lookup(natsVariable) == "" {
		s.diagnostics.Line("The stream is not looked at: --nats or --data would say where it is.")
		return use(nil)
	}
	return connectFlags{configFlag: c.configFlag, NATS: c.NATS, Data: c.Data}.withStreams(ctx, s, func(streams *admin.Client) error {
		return use(streams.JetStream())
	})
}

// table runs this program again and again, as each part of Sluice, with the hidden flag --part. Processes of their own
// have a CPU time and a memory of their own, which is what the table is about.
func (c *benchCommand) table(ctx context.Context, s *session) error {
	if s.Executable == "" {
		return errors.New("this program can't run itself as a part of a table")
	}
	options := bench.TableOptions{
		Program: bench.Program{Path: s.Executable, Args: []string{"bench", "--part"}, Environ: s.Environ},
		Rounds:  c.Rounds, Duration: cmp.Or(c.Duration, tableDuration), Connections: c.Connections, Backlogs: c.Backlogs,
		EventRate: tableEventRate, Parked: c.Parked, Only: c.Only, Size: c.Size, Instances: c.Instances, Folder: c.Folder, Profiles: c.Profiles,
		Out: s.out, Progress: s.diagnostics,
	}
	if len(options.Connections) == 0 {
		options.Connections = tableConnections()
	}
	return bench.Table(ctx, options)
}
