package service_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"

	"sluice.internal/shared/service"
)

func TestConditionLogsEachChangeOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	store := service.NewCondition("store", slog.New(slog.NewJSONHandler(&out, nil)))
	store.Works() // It is well from the start.
	for range 3 {
		store.Failed(errors.New("disk full"))
	}
	for range 3 {
		store.Works()
	}
	store.Failed(errors.New("gone"))
	var got []string
	for decoder := json.NewDecoder(&out); decoder.More(); {
		var line struct{ Level, Msg, Error string }
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		got = append(got, line.Level+" "+line.Msg+" "+line.Error)
	}
	want := []string{
		"ERROR store is in trouble, trying again disk full", "INFO store works again ", "ERROR store is in trouble, trying again gone",
	}
	if len(got) != len(want) || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("logged %q, want %q", got, want)
	}
}
