package config

import (
	"cmp"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/knadh/koanf/providers/confmap"
	"github.com/knadh/koanf/v2"
)

// DefaultFile is read when Options names no file and it exists.
const DefaultFile = "sluice.yaml"

// Options says where configuration comes from: a file, variables over it, flags over those.
// The zero value is what a process gets that was told nothing.
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
	// FlagNames are how the flags are called, such as "--listen", by dotted key; "--" and the key unless told.
	FlagNames map[string]string
	// Providers are the kinds of senders there are. Nil means that the caller has no use for sources: providers are
	// then not checked, and Path and PublishDeadline stay empty where they are not configured.
	Providers map[string]Provider
	// AllowMissingTokens leaves Tokens of a source empty instead of making it a fault, for a caller that creates one.
	AllowMissingTokens bool
	// WithoutTokens neither asks for tokens nor reads their files, for processes that take nothing in.
	WithoutTokens bool
}

// Provider is what has to be known about a kind of sender.
type Provider struct {
	// Path takes webhooks in unless a source says otherwise.
	Path string
	// Patience is the publish deadline unless a source says otherwise.
	Patience time.Duration
	// Lists are the names of the address lists that the provider publishes.
	Lists []string
	// Auth is how its senders prove who they are unless a source says otherwise; empty means AuthToken.
	Auth string
	// Auths are the other ways that its sources may choose, beside AuthNone and AuthCertificate.
	Auths []string
	// GivesSecret says that only the provider can make its secrets.
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
	l := &loader{Options: opts, table: table(), named: map[string]place{}, sectionsAt: map[string][]place{}}
	file := l.file()
	known := l.known()
	if err := l.merge(file, l.environ(known), l.flags(known)); err != nil {
		return nil, err
	}
	cfg := l.config()
	if len(l.faults) > 0 {
		l.faults.sort()
		return nil, l.faults
	}
	cfg.Warnings = l.warnings
	return cfg, nil
}

// loader is one Load.
type loader struct {
	Options

	table *knob
	// named are the sources in the file with the lines they start on, also those with faults in them.
	named map[string]place
	// sectionsAt are the places of the sections in each list of them, by the list's key.
	sectionsAt map[string][]place
	// broken tells that there may be more in the file than could be read, so that what is missing is no fault.
	broken bool

	merged   *koanf.Koanf
	faults   Faults
	warnings []string
}

// setting is a value as it was written, and where. Its fields are exported because koanf copies it.
type setting struct {
	Text  string
	Items []setting // of a list, instead of Text
	Place place
}

// path is the text as a path, for use in this process's working directory.
func (s setting) path() string {
	if s.Text == "" || filepath.IsAbs(s.Text) {
		return s.Text
	}
	return filepath.Join(filepath.Dir(s.Place.File), s.Text)
}

// merge lays the layers over one another, the last on top.
func (l *loader) merge(layers ...map[string]any) error {
	l.merged = koanf.New(".")
	for _, layer := range layers {
		if err := l.merged.Load(confmap.Provider(layer, "."), nil); err != nil {
			return err
		}
	}
	return nil
}

// lookup returns what the key was set to, or else its default; false when it has neither.
func (l *loader) lookup(k *knob, key string) (setting, bool) {
	if s, ok := l.merged.Get(key).(setting); ok {
		return s, true
	}
	text := k.tag("default")
	return setting{Text: text}, text != ""
}

// items returns what a key without a default was set to: any number of values for a list, else one or none.
func (l *loader) items(key string) []setting {
	s, ok := l.merged.Get(key).(setting)
	switch {
	case !ok:
		return nil
	case s.Items != nil:
		return s.Items
	default:
		return []setting{s}
	}
}

// at is where the key was set; the zero place when it was not.
func (l *loader) at(key string) place {
	s, _ := l.merged.Get(key).(setting)
	return s.Place
}

func (l *loader) config() *Config {
	var cfg Config
	for _, k := range l.table.leaves() {
		if !strings.Contains(k.key, anySource) {
			l.fill(reflect.ValueOf(&cfg).Elem(), k, k.key)
		}
	}
	l.checkNATS(&cfg.NATS)
	l.checkServer()
	l.checkListen("gateway.listen", cfg.Gateway.Listen, false)
	l.checkListen("admin.listen", cfg.Admin.Listen, true)
	l.checkWindow(cfg.Streams.Events)
	if !l.broken {
		cfg.Sources = l.sources()
	}
	return &cfg
}

// fill sets the knob's field in the struct to what the key was set to. A field with a fault keeps its zero value.
func (l *loader) fill(target reflect.Value, k *knob, key string) {
	s, ok := l.lookup(k, key)
	if !ok {
		return
	}
	field := target.FieldByIndex(k.index)
	if !k.isList() {
		l.fillValue(field, k, key, s)
		return
	}
	list := reflect.MakeSlice(field.Type(), len(s.Items), len(s.Items))
	for i, item := range s.Items {
		l.fillValue(list.Index(i), k, key, item)
	}
	field.Set(list)
}

func (l *loader) fillValue(v reflect.Value, k *knob, key string, s setting) {
	text := s.Text
	if k.isPath() {
		text = s.path()
	}
	if err := k.set(v, text); err != nil {
		l.fault(s.Place, key, "%s", err)
	}
}

// placed names the place of the key's value in the middle of a sentence.
func (l *loader) placed(key string) string {
	return cmp.Or(l.at(key).String(), "the default")
}
