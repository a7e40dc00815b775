package cli

import (
	"cmp"
	"encoding"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"time"

	"sluice.internal/shared/config"
	"sluice.internal/sluice/cli/term"
)

// showCommand is `sluice config show`: what takes effect of file, variables and defaults. Secrets are shown as set or not
// set, never as themselves.
type showCommand struct {
	configFlag

	JSON bool `name:"json" help:"Print one JSON object a line."`
}

func (showCommand) Help() string {
	return `Example:

    SLUICE_LOG_LEVEL=debug sluice config show`
}

// Run prints all values that take effect.
func (c *showCommand) Run(s *session) error {
	cfg, err := c.load(s)
	if err != nil {
		return err
	}
	rows := term.NewTable(s.out, term.Left("KEY"), term.Left("VALUE"))
	for _, value := range effective(reflect.ValueOf(*cfg), "") {
		if c.JSON {
			err = s.out.Object(value)
		} else {
			err = rows.Add(value.Key, value.Value)
		}
		if err != nil {
			return err
		}
	}
	return rows.End()
}

// effectiveValue is the value of a key, as it would be written. An empty one is a key that is not set.
type effectiveValue struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// effective walks the configuration by its yaml tags. What it does not know it leaves to the value's own way to
// print itself, which hides secrets.
func effective(v reflect.Value, key string) []effectiveValue {
	switch {
	case v.Kind() == reflect.Map:
		return effectiveMap(v, key)
	case v.Kind() == reflect.Slice && isSection(v.Type().Elem()):
		var all []effectiveValue
		for i := range v.Len() {
			all = append(all, effective(v.Index(i), fmt.Sprintf("%s[%d]", key, i))...)
		}
		return all
	case isSection(v.Type()):
		var all []effectiveValue
		for i := range v.NumField() {
			name := v.Type().Field(i).Tag.Get("yaml")
			if name != "-" {
				all = append(all, effective(v.Field(i), strings.TrimPrefix(key+"."+name, "."))...)
			}
		}
		return all
	default: // A value, or a list of values in one line.
		return []effectiveValue{{Key: key, Value: written(v)}}
	}
}

// isSection reports whether a struct holds several values. One that writes itself as text, such as a time or a secret,
// is a value.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// effectiveMap walks a map in the order of its names, so that two runs can be compared.
func effectiveMap(v reflect.Value, key string) []effectiveValue {
	names := v.MapKeys()
	slices.SortFunc(names, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	var all []effectiveValue
	for _, name := range names {
		all = append(all, effective(v.MapIndex(name), key+"."+name.String())...)
	}
	return all
}

// written is a value as it would be written in the file, so that it can be copied there. Types that hide their content
// write themselves; a new type of secret has to do so as well, and a test looks for secrets in the output.
func written(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case config.Secret:
		if value == (config.Secret{}) {
			return "" // One that is not set is no secret.
		}
	case time.Time:
		if value.IsZero() {
			return "" // It is no bound.
		}
		return value.UTC().Format(time.RFC3339)
	case slog.Level:
		return strings.ToLower(value.String())
	case time.Duration:
		return shortDuration(value)
	case encoding.TextMarshaler:
		if text, err := value.MarshalText(); err == nil {
			return string(text)
		}
	}
	if v.Kind() != reflect.Slice {
		return fmt.Sprint(v.Interface())
	}
	items := make([]string, v.Len())
	for i := range items {
		items[i] = written(v.Index(i))
	}
	return strings.Join(items, ", ")
}

// shortDuration leaves out what is zero: "24h" for "24h0m0s".
func shortDuration(d time.Duration) string {
	text := d.String()
	if rest, found := strings.CutSuffix(text, "m0s"); found {
		text = rest + "m"
	}
	if rest, found := strings.CutSuffix(text, "h0m"); found {
		text = rest + "h"
	}
	return text
}
