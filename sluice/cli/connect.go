package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"sluice.internal/shared/config"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/local"
)

// Variables that are no keys of the configuration, and one that is. The first three are named to the configuration as
// known, since it refuses variables that it does not know.
const (
	dataVariable   = "SLUICE_DATA"
	configVariable = "SLUICE_CONFIG"
	tokenVariable  = "SLUICE_TOKEN"
	natsVariable   = "SLUICE_NATS_URL"
)

// defaultData is where `sluice up` keeps everything unless it was started otherwise.
const defaultData = "./data"

// configFlag names the file with the configuration.
type configFlag struct {
	Config string `placeholder:"FILE" help:"Configuration file (default: $$SLUICE_CONFIG, else sluice.yaml if it is there)."`
}

// options are how the configuration is read.
func (f configFlag) options(s *session) config.Options {
	return config.Options{
		File: cmp.Or(f.Config, s.lookup(configVariable)), Environ: s.Environ,
		Variables: []string{dataVariable, configVariable, tokenVariable},
	}
}

// connectFlags is how a command finds the streams. Every command that reads or changes them embeds it.
type connectFlags struct {
	configFlag

	NATS string `name:"nats" placeholder:"URL" xor:"where" help:"Address of NATS (default: $$SLUICE_NATS_URL, else that of the data folder)."`
	Data string `placeholder:"DIR" xor:"where" help:"Data folder of sluice up (default: $$SLUICE_DATA, else ./data)."`
}

// location is where streams are, and what a data folder says beside.
type location struct {
	access config.NATS
	// dir is the data folder that says so, gateway the URL in it; both are empty when none was asked.
	dir, gateway string
}

// location decides where to look: what is said on the command line counts before what the configuration says, and
// that before the data folder in the working directory.
func (f connectFlags) location(s *session) (location, error) {
	if f.Data != "" {
		return locationInFolder(s, f.Data)
	}
	nats, configured, err := f.nats(s)
	if err != nil {
		return location{}, err
	}
	if configured {
		return location{access: nats}, nil
	}
	return locationInFolder(s, "")
}

// nats reads how to reach NATS. Configured is false when that is the mere default.
func (f connectFlags) nats(s *session) (nats config.NATS, configured bool, err error) {
	options := f.options(s)
	options.WithoutTokens = true
	if f.NATS != "" {
		options.Flags = map[string]string{"nats.url": f.NATS}
		options.FlagNames = map[string]string{"nats.url": "--nats"}
	}
	cfg, err := config.Load(options)
	if err != nil {
		return config.NATS{}, false, err
	}
	told := f.NATS != "" || s.lookup(natsVariable) != ""
	return cfg.NATS, told || !isDefault(cfg.NATS), nil
}

// isDefault reports whether nothing says where NATS is or how to log in: then the data folder is asked. Who configured a
// user and no address means the default address.
func isDefault(nats config.NATS) bool {
	url := nats.URL.Reveal()
	nats.URL = config.URL{}
	return nats == config.NATS{} && slices.ContainsFunc(config.Keys(), func(key config.Key) bool {
		return key.Key == "nats.url" && key.Default == url
	})
}

// dataDir is the data folder: the flag's, else the variable's, else the one in the working directory.
func dataDir(s *session, flag string) string {
	return cmp.Or(flag, s.lookup(dataVariable), defaultData)
}

// readDescription reads the data folder that the flag or a variable names, or else the one in the working directory,
// which must be the caller's own. Instead is how to do without one.
func readDescription(s *session, flag, instead string) (description local.Description, dir string, err error) {
	dir = dataDir(s, flag)
	read := local.Read
	if flag == "" && s.lookup(dataVariable) == "" {
		read = local.ReadOwn
	}
	description, err = read(dir)
	if errors.Is(err, local.ErrNotThere) {
		err = fmt.Errorf("no sluice has run with %s; start one with `sluice up`, or say %s", dir, instead)
	}
	return description, dir, err
}

// locationInFolder reads a location from the data folder that a flag names, empty for none.
func locationInFolder(s *session, flag string) (location, error) {
	description, dir, err := readDescription(s, flag, "--nats URL")
	if err != nil {
		return location{}, err
	}
	access, err := config.NewNATS(description.NATSURL, description.NATSUser, description.NATSPassword)
	if err != nil {
		return location{}, fmt.Errorf("the description in %s has an address that %w", dir, err)
	}
	return location{access: access, dir: dir, gateway: cmp.Or(description.AdminURL, description.GatewayURL)}, nil
}

// withStreams finds the streams, calls read with them and ends the connection.
func (f connectFlags) withStreams(ctx context.Context, s *session, read func(*admin.Client) error) error {
	where, err := f.location(s)
	if err != nil {
		return err
	}
	streams, disconnect, err := where.open(ctx, s)
	if err != nil {
		return err
	}
	defer disconnect()
	return read(streams)
}

// open connects and attaches to the streams, which it does not create: a mistyped address must not leave empty ones
// behind. Disconnect ends the connection.
func (p location) open(ctx context.Context, s *session) (streams *admin.Client, disconnect func(), err error) {
	log, err := service.NewLogger(s.diagnostics, "info", service.FormatText)
	if err != nil {
		return nil, nil, err
	}
	conn, err := stream.Connect(p.access, "sluice command", log)
	if err != nil && p.dir != "" {
		return nil, nil, fmt.Errorf("is `sluice up` running with %s? %w", p.dir, err)
	}
	if err != nil {
		return nil, nil, err
	}
	streams, err = admin.Attach(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return streams, conn.Close, nil
}
