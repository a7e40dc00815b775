package config

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// set reads the text as a value of the key's type and checks it as the key's tags say. Its error repeats no secret.
func (k *keySpec) set(v reflect.Value, text string) error {
	if choices := k.choices(); choices != nil {
		i := slices.IndexFunc(choices, func(choice string) bool { return strings.EqualFold(choice, text) })
		if i < 0 {
			return fmt.Errorf("%q is not one of %s", text, strings.Join(choices, ", "))
		}
		text = choices[i]
	}
	if pattern := k.tag("pattern"); pattern != "" && !regexp.MustCompile(pattern).MatchString(text) {
		return fmt.Errorf("%q does not match %s", text, pattern)
	}
	if err := parse(v.Addr().Interface(), text); err != nil {
		if k.item() == reflect.TypeFor[URL]() {
			return err
		}
		return fmt.Errorf("%q %w", text, err)
	}
	if err := k.checkListen(text); err != nil {
		return fmt.Errorf("%q %w", text, err)
	}
	return k.checkBounds(v, text)
}

func (k *keySpec) checkBounds(v reflect.Value, text string) error {
	if minimum := k.tag("min"); minimum != "" && v.Int() < k.bound(minimum) {
		return fmt.Errorf("%s is less than the minimum, %s", text, minimum)
	}
	if maximum := k.tag("max"); maximum != "" && v.Int() > k.bound(maximum) {
		return fmt.Errorf("%s is more than the maximum, %s", text, maximum)
	}
	return nil
}

// bound reads a bound, which is written as the key's values are.
func (k *keySpec) bound(text string) int64 {
	v := reflect.New(k.item())
	if err := parse(v.Interface(), text); err != nil {
		panic(fmt.Sprintf("bound of %s: %q %s", k.key, text, err)) // every bound is read by a test
	}
	return v.Elem().Int()
}

// parse reads the text into the target. Its error goes on from the text: "is not a size".
func parse(target any, text string) (err error) {
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
		*target, err = parsePrefix(text)
	case *slog.Level:
		err = target.UnmarshalText([]byte(text))
	default:
		panic(fmt.Sprintf("no key can be a %T", target)) // every key is set by a test
	}
	return err
}

// isValue reports whether parse can read a text into the target.
func isValue(target any) bool {
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

// parsePrefix reads an address or a CIDR. IPv4 in IPv6 becomes IPv4, as which clients' addresses are compared.
func parsePrefix(text string) (netip.Prefix, error) {
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

// canBeEmpty reports whether an empty text is a value like any other.
func (k *keySpec) canBeEmpty() bool {
	switch k.item() {
	case reflect.TypeFor[string](), reflect.TypeFor[Secret](), reflect.TypeFor[URL]():
		return !k.isList() && k.choices() == nil
	}
	return false
}

// isSecret reports whether the text must not stand where others can read it.
func (k *keySpec) isSecret(text string) bool {
	switch k.item() {
	case reflect.TypeFor[Secret]():
		return true
	case reflect.TypeFor[URL]():
		return URL{text}.hasUser()
	}
	return false
}

// What the file tag says about what a path names.
const (
	fileContent = "content" // a file with a secret that Load reads
	fileSecret  = "secret"  // a file with a secret that somebody else reads
	fileFolder  = "folder"
)

// isPath reports whether the value names a file, or the values in a list do.
func (k *keySpec) isPath() bool {
	return k.tag("file") != ""
}
