package retention

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"sluice.internal/shared/stream"
	"sluice.internal/shared/stream/internal/wire"
)

// TestEveryoneWhoNeedsEventsIsAsked says whose messages hold trimming back, and who is missing.
func TestEveryoneWhoNeedsEventsIsAsked(t *testing.T) {
	t.Parallel()
	lane := func(group string, filters ...string) *jetstream.ConsumerInfo {
		config := jetstream.ConsumerConfig{FilterSubjects: filters, Metadata: map[string]string{wire.MetadataGroup: group}}
		if len(filters) == 1 {
			config.FilterSubject, config.FilterSubjects = filters[0], nil
		}
		return &jetstream.ConsumerInfo{Name: group + "-x", Config: config}
	}
	moved := lane("old", "events.>")
	moved.Config.Metadata[wire.MetadataMoved] = "old-p0"
	guard := lane("old")
	guard.Config.Metadata[wire.MetadataMoved] = wire.MovedGuard
	reader := &jetstream.ConsumerInfo{Name: "reader", Config: jetstream.ConsumerConfig{Durable: "reader"}}
	subscription := &jetstream.ConsumerInfo{
		Name: "subscription", Config: jetstream.ConsumerConfig{Metadata: map[string]string{"sluice.subscription": "s"}},
	}
	for name, test := range map[string]struct {
		consumers   []*jetstream.ConsumerInfo
		obligations int
		missing     string
	}{
		"nobody":                        {nil, 0, "all groups that may come, since there is none yet"},
		"somebody else's consumer":      {[]*jetstream.ConsumerInfo{reader}, 0, "all groups that may come, since there is none yet"},
		"a lane for each":               {[]*jetstream.ConsumerInfo{lane("a", "events.0.>"), lane("a", "events.1.>"), reader}, 2, ""},
		"one for all lanes":             {[]*jetstream.ConsumerInfo{lane("a", "events.>")}, 1, ""},
		"one without a filter":          {[]*jetstream.ConsumerInfo{lane("a")}, 1, ""},
		"one for both lanes":            {[]*jetstream.ConsumerInfo{lane("a", "events.0.>", "events.1.>")}, 1, ""},
		"a lane missing":                {[]*jetstream.ConsumerInfo{lane("a", "events.>"), lane("b", "events.1.>")}, 0, `group "b", which lacks lane 0`},
		"a lane with a similar number":  {[]*jetstream.ConsumerInfo{lane("a", "events.0.>"), lane("a", "events.11.>")}, 0, `group "a", which lacks lane 1`},
		"a lane of which a type is had": {[]*jetstream.ConsumerInfo{lane("a", "events.0.>"), lane("a", "events.1.x.>")}, 0, `group "a", which lacks lane 1`},
		"a group being taken over":      {[]*jetstream.ConsumerInfo{lane("a", "events.>"), moved, guard}, 0, `group "old", which lacks lane 0`},
		"a group taken over":            {[]*jetstream.ConsumerInfo{lane("old", "events.>"), moved, guard}, 1, ""},
		"a group that is only guarded":  {[]*jetstream.ConsumerInfo{lane("a", "events.>"), guard}, 1, ""},
		"who is no group but ours":      {[]*jetstream.ConsumerInfo{lane("a", "events.>"), subscription}, 2, ""},
	} {
		pass := &trimming{lanes: 2, name: stream.Events}
		held, missing := pass.obligations(test.consumers)
		if len(held) != test.obligations || missing != test.missing {
			t.Errorf("%s: %d obligations, missing %q; want %d and %q", name, len(held), missing, test.obligations, test.missing)
		}
	}
}

func TestEveryShardIsAsked(t *testing.T) {
	t.Parallel()
	pass := &trimming{shards: 11, name: stream.Notifications}
	var consumers []*jetstream.ConsumerInfo
	for shard := 10; shard >= 0; shard-- {
		const want = "the intake of shard 0, which never ran"
		if _, missing := pass.obligations(consumers); missing != want {
			t.Errorf("without shards below %d: missing %q", shard+1, missing)
		}
		consumers = append(consumers, &jetstream.ConsumerInfo{Name: wire.IntakeName(shard)})
	}
	if held, missing := pass.obligations(consumers); len(held) != 11 || missing != "" {
		t.Errorf("%d obligations, missing %q", len(held), missing)
	}
}
