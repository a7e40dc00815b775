package config

import "sluice.internal/shared/config/internal/value"

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
