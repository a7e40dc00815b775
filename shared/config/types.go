package config

import (
	"sluice.internal/shared/config/internal/layers"
	"sluice.internal/shared/config/internal/value"
)

// The types of values that no other package has.
type (
	// Secret is text that can be compared with == and is shown by Reveal alone: every way to print, log or marshal it
	// gives "[redacted]". The zero value is the empty secret.
	Secret = value.Secret
	// URL is where NATS servers are: one or more, separated by commas. User and password in it are shown by Reveal alone.
	URL = value.URL
	// Size is a number of bytes.
	Size = value.Size
)

// Units of Size.
const (
	Byte = value.Byte
	KiB  = value.KiB
	MiB  = value.MiB
	GiB  = value.GiB
)

// NewSecret keeps the text secret from here on.
func NewSecret(text string) Secret { return value.NewSecret(text) }

// ParseSize reads a whole number with a unit of B, KB, MB, GB, KiB, MiB or GiB, or without one for bytes.
func ParseSize(text string) (Size, error) { return value.ParseSize(text) }

// ParseURL accepts what nats.Connect does: servers as nats://, tls://, ws://, wss:// or as host:port.
// Its error does not repeat the text, which may hold a password.
func ParseURL(text string) (URL, error) { return value.ParseURL(text) }

// Settings are what handlers of one's own are told: sections of sluice.yaml, and variables over them, that nobody knows but
// the program whose they are. The zero value has none.
type Settings = layers.Settings

type (
	// Fault is one thing wrong with the configuration.
	Fault = layers.Fault
	// Faults is the error that [Load] returns: everything that is wrong, by place.
	Faults = layers.Faults
)

// Lookup returns the value of the variable in an environment as os.Environ returns it, empty when it is not set. Of several
// the last counts, as for exec.
func Lookup(environ []string, name string) string { return layers.Lookup(environ, name) }

// Distance counts the letters to insert, remove or replace to make one text the other (Levenshtein), which tells what somebody
// meant to write. It takes time in proportion to the product of the lengths, so bound what strangers wrote.
func Distance(a, b string) int { return layers.Distance(a, b) }
