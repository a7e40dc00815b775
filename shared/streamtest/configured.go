package streamtest

import (
	"testing"

	"sluice.internal/shared/config"
)

// Change adjusts how a test wants the streams. What it leaves is as the configuration has it by default, so that a test says
// only what it is about.
type Change = func(*config.Streams)

// Configured returns the default configuration of the streams with the changes, in their order. The counts of shards and
// lanes are 0 without a change: as the streams were made, or as config has it when they are made.
func Configured(change ...Change) config.Streams {
	streams := config.Default().Streams
	for _, apply := range change {
		apply(&streams)
	}
	return streams
}

// Lanes divides events into so many lanes.
func Lanes(count int) Change { return func(s *config.Streams) { s.Lanes = count } }

// Shards divides notifications into so many shards.
func Shards(count int) Change { return func(s *config.Streams) { s.Shards = count } }

// Unmanaged leaves making the streams to another process.
func Unmanaged(s *config.Streams) { s.Manage = false }

// At returns how to reach a server that asks for no login.
func At(t testing.TB, url string) config.NATS {
	t.Helper()
	return Login(t, url, "", "")
}

// Login returns how to reach a server as a user.
func Login(t testing.TB, url, user, password string) config.NATS {
	t.Helper()
	access, err := config.NewNATS(url, user, password)
	must(t, err)
	return access
}
