package cli

import (
	"context"
	"errors"
	"io"

	"sluice.internal/shared/config"
	"sluice.internal/shared/source"
)

// UpOptions are what `sluice up` was told.
type UpOptions struct {
	// Data is the folder for everything that is kept.
	Data string
	// NATSListen is the address of the embedded NATS.
	NATSListen string
	// Config says how to read the configuration: file, environment, the flags that were given, and the providers.
	// A token that is missing is no fault, since one is made.
	Config config.Options
	// Stdout is for the person who started it, Stderr for the log.
	Stdout, Stderr io.Writer
	// Abort ends the process at once, for a second signal. It may be nil.
	Abort func()
}

// upCommand has a pointer for each flag that is a key of the configuration: nil leaves it to the other places.
type upCommand struct {
	configFlag

	Data          string  `placeholder:"DIR" help:"Folder for everything that is kept (default: $$SLUICE_DATA, else ./data)."`
	GatewayListen *string `placeholder:"ADDR" help:"Address that takes webhooks in (default: :8080)."`
	NATSListen    string  `name:"nats-listen" placeholder:"ADDR" default:"127.0.0.1:4222" help:"Loopback address of the embedded NATS (default: ${default}); port 0 takes any that is free."`
	EncryptionKey *string `name:"encryption-key-file" placeholder:"FILE" help:"File with the key by which the embedded NATS encrypts what it stores; sluice secrets encryption-key makes one (default: none)."`
	Group         *string `placeholder:"NAME" help:"Group whose workers share the events (default: default)."`
	Types         *string `placeholder:"A,B" help:"Types of events to handle (default: all with a handler)."`
	LogLevel      *string `placeholder:"LEVEL" help:"debug, info, warn or error (default: info)."`
	LogFormat     *string `placeholder:"FORMAT" help:"text, json or auto: text on a terminal (default: auto)."`
}

func (upCommand) Help() string {
	return `With no configuration it takes in what GREEN-API sends, makes a token at the first start and prints a ` +
		`request to try.

Example:

    sluice up --data /var/lib/sluice --gateway-listen :9000`
}

// Run hands the options to the process's Up.
func (c *upCommand) Run(ctx context.Context, s *session) error {
	if s.Up == nil {
		return errors.New("this program was built without `up`; start gateway and worker by themselves")
	}
	options := c.options(s)
	options.Providers = source.Known()
	options.AllowMissingTokens, options.Accounts, options.HandlerSecrets = true, true, true
	options.Flags, options.FlagNames = c.given()
	return s.Up(ctx, UpOptions{
		Data: dataDir(s, c.Data), NATSListen: c.NATSListen, Config: options,
		Stdout: s.Stdout, Stderr: s.Stderr, Abort: s.Abort,
	})
}

// given returns the flags that set keys of the configuration: their values, and what they are called.
func (c *upCommand) given() (values, names map[string]string) {
	values, names = map[string]string{}, map[string]string{}
	for _, flag := range []struct {
		key, name string
		value     *string
	}{
		{"gateway.listen", "--gateway-listen", c.GatewayListen},
		{"nats.encryption_key_file", "--encryption-key-file", c.EncryptionKey},
		{"worker.group", "--group", c.Group},
		{"worker.types", "--types", c.Types},
		{"log.level", "--log-level", c.LogLevel},
		{"log.format", "--log-format", c.LogFormat},
	} {
		names[flag.key] = flag.name
		if flag.value != nil {
			values[flag.key] = *flag.value
		}
	}
	return values, names
}
