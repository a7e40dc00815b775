package config_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"sluice.internal/shared/config"
)

func TestEveryKeyHasAMeaningAndAType(t *testing.T) {
	t.Parallel()
	keys := config.Keys()
	if len(keys) < 40 {
		t.Fatalf("only %d keys", len(keys))
	}
	for _, k := range keys {
		if k.Type == "" || k.Type == "list: " || len(k.Meaning) < 10 || !strings.HasSuffix(k.Meaning, ".") {
			t.Errorf("%+v", k)
		}
	}
}

func TestAKeySaysAllThatATableOfThemSays(t *testing.T) {
	t.Parallel()
	for _, want := range []config.Key{
		{
			Key: "gateway.body_limit", Env: "SLUICE_GATEWAY_BODY_LIMIT", Type: "size", Default: "32MiB", Min: "1KiB", Max: "32MiB",
			Meaning: "The largest body that is accepted of any source, whatever the source's own limit is.",
		},
		{
			Key: "sources.<source>.token", Env: "SLUICE_SOURCES_<SOURCE>_TOKEN", Type: "secret", Secret: true,
			Meaning: "A token that senders send.",
		},
		{
			Key: "log.level", Env: "SLUICE_LOG_LEVEL", Type: "debug, info, warn, error", Default: "info",
			Meaning: "The lowest level that is written.",
		},
	} {
		if !slices.Contains(config.Keys(), want) {
			t.Errorf("there is no %+v", want)
		}
	}
}

func TestDefaultsAndBoundsAreValuesLikeAnyOther(t *testing.T) {
	t.Parallel()
	for _, k := range config.Keys() {
		for _, text := range []string{k.Default, k.Min, k.Max} {
			if text == "" || k.Env == "" {
				continue
			}
			environ := []string{strings.ReplaceAll(k.Env, "<SOURCE>", "GREEN_API") + "=" + text}
			opts := config.Options{Environ: environ, AllowMissingTokens: true}
			// The shortest that events can be kept depends on the window.
			if _, faults := load(t, "", opts); faults != "" && !strings.HasPrefix(k.Key, "streams.") {
				t.Error(faults)
			}
		}
	}
}

// schema is what the tests look at of a JSON Schema.
type schema struct {
	Schema               string             `json:"$schema"`
	Type                 any                `json:"type"`
	Enum                 []any              `json:"enum"`
	Description          string             `json:"description"`
	Default              any                `json:"default"`
	Properties           map[string]*schema `json:"properties"`
	AdditionalProperties json.RawMessage    `json:"additionalProperties"`
	Items                *schema            `json:"items"`
}

// leaves returns the dotted keys of the schema, and holds each section closed.
func (s *schema) leaves(t *testing.T, key string) []string {
	t.Helper()
	if s.Description == "" && key != "" && !strings.HasSuffix(key, ">") && !strings.HasSuffix(key, "[]") {
		t.Errorf("%s has no description", key)
	}
	if key == ".settings" { // Its keys are those of handlers.
		return []string{"settings"}
	}
	if s.Items != nil && s.Items.Type == "object" {
		return s.Items.leaves(t, key+"[]")
	}
	if s.Type != "object" {
		return []string{strings.TrimPrefix(key, ".")}
	}
	if strings.HasPrefix(string(s.AdditionalProperties), "{") {
		var each schema
		if err := json.Unmarshal(s.AdditionalProperties, &each); err != nil {
			t.Fatal(err)
		}
		_, section, _ := strings.Cut(key[strings.LastIndex(key, "."):], ".")
		return each.leaves(t, key+".<"+strings.TrimSuffix(section, "s")+">")
	}
	if string(s.AdditionalProperties) != "false" {
		t.Errorf("%s is open to unknown keys", key)
	}
	var all []string
	for name, property := range s.Properties {
		all = append(all, property.leaves(t, key+"."+name)...)
	}
	return all
}

func TestTheSchemaKnowsTheSameKeys(t *testing.T) {
	t.Parallel()
	text, err := config.JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	var s schema
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	if s.Schema != "https://json-schema.org/draft/2020-12/schema" {
		t.Errorf("it is of %q", s.Schema)
	}
	var want []string
	for _, k := range config.Keys() {
		want = append(want, k.Key)
	}
	got := s.leaves(t, "")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if lanes := s.Properties["streams"].Properties["lanes"]; lanes.Type != "integer" || lanes.Default != 0.0 {
		t.Errorf("lanes are %+v", lanes)
	}
	if replicas := s.Properties["streams"].Properties["replicas"]; !slices.Equal(replicas.Enum, []any{1.0, 3.0, 5.0}) {
		t.Errorf("replicas are %+v", replicas)
	}
	if proxies := s.Properties["gateway"].Properties["trusted_proxies"]; proxies.Type != "array" || proxies.Items.Type != "string" {
		t.Errorf("proxies are %+v", proxies)
	}
}
