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
)

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
	rows := newTable(s.out, column{name: "KEY"}, column{name: "VALUE"})
	for _, value := range effective(reflect.ValueOf(*cfg), "") {
		if c.JSON {
			err = s.out.object(value)
		} else {
			err = rows.add(value.Key, value.Value)
		}
		if err != nil {
			return err
		}
	}
	return rows.end()
}

// effectiveValue is the value of a key, as it would be written.
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
			// A source's name is in its key already.
			if name != "-" && name != "name" {
				all = append(all, effective(v.Field(i), strings.TrimPrefix(key+"."+name, "."))...)
			}
		}
		return all
	default:
		return []effectiveValue{{Key: key, Value: written(v)}}
	}
}

// isSection tells structs of several values from structs that are one.
func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && !t.Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

func effectiveMap(v reflect.Value, key string) []effectiveValue {
	names := v.MapKeys()
	slices.SortFunc(names, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	var all []effectiveValue
	for _, name := range names {
		all = append(all, effective(v.MapIndex(name), key+"."+name.String())...)
	}
	return all
}

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
