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
	"sluice.internal/sluice/local"
)

// Variables that are no keys of the configuration, and one that is.
const (
	dataVariable   = "SLUICE_DATA"
	configVariable = "SLUICE_CONFIG"
	tokenVariable  = "SLUICE_TOKEN"
	natsVariable   = "SLUICE_NATS_URL"
)

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

// reach is how a command finds the streams.
type reach struct {
	configFlag

	NATS string `name:"nats" placeholder:"URL" xor:"where" help:"Address of NATS (default: $$SLUICE_NATS_URL, else that of the data folder)."`
	Data string `placeholder:"DIR" xor:"where" help:"Data folder of sluice up (default: $$SLUICE_DATA, else ./data)."`
}

// place is where streams are.
type place struct {
	access stream.Access
	// dir is the data folder that says so, gateway the URL in it; both are empty when none was asked.
	dir, gateway string
}

// place decides where to look: what is said on the command line counts before what the configuration says, and
// that before the data folder in the working directory.
func (r reach) place(s *session) (place, error) {
	if r.Data != "" {
		return placeIn(r.Data)
	}
	nats, configured, err := r.nats(s)
	if err != nil {
		return place{}, err
	}
	if configured {
		return place{access: stream.AccessFrom(nats)}, nil
	}
	return placeIn(dataDir(s, ""))
}

// nats reads how to reach NATS. Configured is false when that is the mere default.
func (r reach) nats(s *session) (nats config.NATS, configured bool, err error) {
	options := r.options(s)
	options.WithoutTokens = true
	if r.NATS != "" {
		options.Flags = map[string]string{"nats.url": r.NATS}
		options.FlagNames = map[string]string{"nats.url": "--nats"}
	}
	cfg, err := config.Load(options)
	if err != nil {
		return config.NATS{}, false, err
	}
	told := r.NATS != "" || s.lookup(natsVariable) != ""
	return cfg.NATS, told || !isDefault(cfg.NATS), nil
}

// isDefault tells whether nothing says where NATS is or how to log in. Who configured a user and no address
// means the default address.
func isDefault(nats config.NATS) bool {
	url := nats.URL.Reveal()
	nats.URL = config.URL{}
	return nats == config.NATS{} && slices.ContainsFunc(config.Keys(), func(key config.Key) bool {
		return key.Key == "nats.url" && key.Default == url
	})
}

func dataDir(s *session, flag string) string {
	return cmp.Or(flag, s.lookup(dataVariable), defaultData)
}

// describe reads a data folder.
func describe(dir, instead string) (local.Description, error) {
	description, err := local.Read(dir)
	if errors.Is(err, local.ErrNotThere) {
		return description, fmt.Errorf("no sluice has run with %s; start one with `sluice up`, or say %s", dir, instead)
	}
	return description, err
}

func placeIn(dir string) (place, error) {
	description, err := describe(dir, "--nats URL")
	if err != nil {
		return place{}, err
	}
	return place{
		access: stream.Access{
			URL: description.NATSURL, User: description.NATSUser, Password: description.NATSPassword,
		},
		dir: dir, gateway: description.GatewayURL,
	}, nil
}

// look finds the streams, calls read with them and ends the connection.
func (r reach) look(ctx context.Context, s *session, read func(*stream.Streams) error) error {
	where, err := r.place(s)
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

// open connects and looks for the streams. Disconnect ends the connection.
func (p place) open(ctx context.Context, s *session) (streams *stream.Streams, disconnect func(), err error) {
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
	streams, err = stream.Attach(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, nil, err
	}
	return streams, conn.Close, nil
}
