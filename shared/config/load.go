package config

import (
	"fmt"
	"maps"
	"reflect"
	"time"

	"sluice.internal/shared/config/internal/layers"
)

// DefaultFile is read when Options names no file and it exists.
const DefaultFile = "sluice.yaml"

// Options says where configuration comes from: a file, variables over it, flags over those.
// The zero value is for a process without arguments and environment.
type Options struct {
	// File is the path of the file; empty means DefaultFile if it exists and else none.
	File string
	// Environ is as os.Environ returns it. Only names that start with SLUICE_ are looked at. An empty value sets
	// text, secrets and URLs to empty and leaves everything else as if the variable were not set.
	Environ []string
	// Variables are names with SLUICE_ in front that the caller reads itself, such as SLUICE_CONFIG.
	Variables []string
	// Flags are values from the command line by dotted key, written as in variables. Secrets among them are faults.
	Flags map[string]string
	// FlagNames are how the flags are called, such as "--listen", by dotted key; one that is missing is called "--" and its key.
	FlagNames map[string]string
	// Providers are the kinds of senders there are. Nil means that the caller has no use for sources: providers are
	// then not checked, and Path and PublishDeadline stay empty where they are not configured.
	Providers map[string]Provider
	// AllowMissingTokens leaves Tokens of a source empty instead of making it a fault, for a caller that creates one.
	AllowMissingTokens bool
	// WithoutTokens neither asks for tokens nor reads their files, for processes that take nothing in.
	WithoutTokens bool
	// HandlerSecrets reads the secrets by which requests to handlers are signed, for processes that handle events. All others
	// leave these files alone.
	HandlerSecrets bool
	// Accounts reads the tokens by which Sluice itself logs in at providers, and those of bots, for processes that poll or
	// serve bots. All others leave these files alone.
	Accounts bool
}

// Provider is what has to be known about a kind of sender.
type Provider struct {
	// Path takes webhooks in unless a source says otherwise.
	Path string
	// PublishTimeout is the publish_deadline of a source that has none.
	PublishTimeout time.Duration
	// BodyLimit is the body_limit of a source that has none.
	BodyLimit Size
	// HTTPAPI says that the provider hands out notifications to who asks, by GREEN-API's HTTP API.
	HTTPAPI bool
	// Lists are the names of the address lists that the provider publishes.
	Lists []string
	// Auth is how its senders prove who they are unless a source says otherwise; empty means AuthToken.
	Auth string
	// Auths are the other ways that its sources may choose, beside AuthNone and AuthCertificate.
	Auths []string
	// GivesSecret says that only the provider can make its secrets, so that none is created here.
	GivesSecret bool
	// Check finds what else is wrong with a source: keys below the source's, with messages. Nil finds nothing.
	Check func(Source) []SourceFault
}

// SourceFault is something wrong with a source that only its provider can know.
type SourceFault struct {
	// Key is below the source's, such as "signature.hash".
	Key, Message string
}

// Load reads and checks everything. Its error is [Faults] with all that is wrong, at once.
// Relative paths in the file start at the file's folder, those in variables and flags at the working directory.
func Load(opts Options) (*Config, error) {
	l := newLoader(opts)
	maps.Copy(l.Values, l.FromFile()) // First, as the names of sources come from there.
	known := l.known()
	maps.Copy(l.Values, l.FromEnviron(known))
	maps.Copy(l.Values, l.FromFlags(known))
	cfg := l.config()
	if len(l.Faults) > 0 {
		l.Faults.Sort()
		return nil, l.Faults
	}
	cfg.Warnings = l.Warnings
	return cfg, nil
}

// Default returns the configuration that Load makes without a file, variables and flags: complete, with one source, whose token and path are still empty. It reads no file, and no two calls share
// anything, so that the caller may change what it got. Programs and tests start from it instead of from a zero Config.
func Default() *Config {
	l := newLoader(Options{WithoutTokens: true})
	cfg := l.config()
	if len(l.Faults) > 0 {
		panic(fmt.Sprintf("defaults have faults:\n%v", l.Faults)) // A test reads them all.
	}
	return cfg
}

// loader is the state of one Load.
type loader struct {
	Options
	*layers.Loader
}

func newLoader(opts Options) *loader {
	return &loader{opts, layers.New(table(), layers.Origin{
		File: opts.File, UsualFile: DefaultFile, Environ: opts.Environ, Variables: opts.Variables, Flags: opts.Flags, FlagNames: opts.FlagNames,
	})}
}

// config makes the Config of the values. What is at fault is missing from it.
func (l *loader) config() *Config {
	var cfg Config
	for _, k := range l.Table.Leaves() {
		if !inSource(k) && !k.FileOnly {
			l.Fill(reflect.ValueOf(&cfg).Elem(), k, k.Key)
		}
	}
	l.readPassword(&cfg.NATS)
	events, alerts := cfg.Streams.Events, cfg.Streams.Alerts
	l.checkWindow("streams.events", events.Keep, "duplicate_window", events.DuplicateWindow)
	l.checkMaxAge("streams.events", events.Keep, events.MaxAge)
	l.checkMaxAge("streams.notifications", cfg.Streams.Notifications.Keep, cfg.Streams.Notifications.MaxAge)
	l.checkWindow("streams.alerts", alerts.Keep, "group_window", alerts.GroupWindow)
	l.checkWork()
	cfg.Settings = l.ReadSettings()
	if !l.Broken {
		cfg.Sources = l.sources()
		cfg.Handlers = l.handlers()
		cfg.Bots = l.bots(cfg.Sources, events.Keep)
	}
	return &cfg
}
