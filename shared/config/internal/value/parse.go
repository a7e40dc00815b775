// Package value has the types of values that can be configured, and how each is read from a text. An error goes on from the text,
// as in "is not a size", so that only whoever knows that the text is no secret repeats it.
package value

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Parse reads the text into the target. Its error goes on from the text: "is not a size".
func Parse(target any, text string) (err error) {
	switch target := target.(type) {
	case *string:
		*target = text
	case *Secret:
		*target = NewSecret(strings.TrimSpace(text))
	case *URL:
		*target, err = ParseURL(text)
	case *Size:
		*target, err = ParseSize(text)
	case *time.Duration:
		*target, err = parseDuration(text)
	case *time.Time:
		*target, err = parseTime(text)
	case *bool:
		*target, err = strconv.ParseBool(text)
		err = replaced(err, "is neither true nor false")
	case *int:
		*target, err = strconv.Atoi(text)
		err = replaced(err, "is not a whole number")
	case *int64:
		*target, err = strconv.ParseInt(text, 10, 64)
		err = replaced(err, "is not a whole number")
	case *float64:
		*target, err = strconv.ParseFloat(text, 64)
		err = replaced(err, "is not a number")
	case *netip.Prefix:
		*target, err = ParsePrefix(text)
	case *slog.Level:
		err = target.UnmarshalText([]byte(text))
	default:
		panic(fmt.Sprintf("no key can be a %T", target)) // every key is set by a test
	}
	return err
}

// Is reports whether parse can read a text into the target.
func Is(target any) bool {
	switch target.(type) {
	case *string, *Secret, *URL, *Size, *time.Duration, *time.Time, *bool, *int, *int64, *float64, *netip.Prefix, *slog.Level:
		return true
	}
	return false
}

func replaced(err error, message string) error {
	if err == nil {
		return nil
	}
	return errors.New(message)
}

func parseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	return d, replaced(err, "is not a duration; write for example 30s, 15m or 24h")
}

// parseTime reads a moment, or a day, which is its beginning.
func parseTime(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if day, noDay := time.Parse(time.DateOnly, text); noDay == nil {
		at, err = day, nil
	}
	return at.UTC(), replaced(err, "is not a time; write for example 2026-12-31T18:00:00Z or 2026-12-31")
}

// ParsePrefix reads an address or a CIDR. IPv4 in IPv6 becomes IPv4, as which clients' addresses are compared.
func ParsePrefix(text string) (netip.Prefix, error) {
	prefix, err := netip.ParsePrefix(text)
	if addr, notAddr := netip.ParseAddr(text); notAddr == nil && addr.Zone() == "" {
		prefix, err = netip.PrefixFrom(addr, addr.BitLen()), nil
	}
	if err != nil {
		return netip.Prefix{}, errors.New("is neither an address nor a CIDR; write for example 192.0.2.7 or 192.0.2.0/24")
	}
	if addr := prefix.Addr(); addr.Is4In6() && prefix.Bits() >= 96 {
		prefix = netip.PrefixFrom(addr.Unmap(), prefix.Bits()-96)
	}
	if prefix != prefix.Masked() {
		return netip.Prefix{}, fmt.Errorf("has bits behind its mask; write %s or %s", prefix.Masked(), prefix.Addr())
	}
	return prefix, nil
}
