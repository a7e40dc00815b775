package stream

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
)

// TestEveryoneWhoNeedsEventsIsAsked says whose messages hold trimming back, and who is missing.
func TestEveryoneWhoNeedsEventsIsAsked(t *testing.T) {
	t.Parallel()
	lane := func(group string, filters ...string) *jetstream.ConsumerInfo {
		config := jetstream.ConsumerConfig{FilterSubjects: filters, Metadata: map[string]string{metadataGroup: group}}
		if len(filters) == 1 {
			config.FilterSubject, config.FilterSubjects = filters[0], nil
		}
		return &jetstream.ConsumerInfo{Name: group + "-x", Config: config}
	}
	reader := &jetstream.ConsumerInfo{Name: "reader", Config: jetstream.ConsumerConfig{Durable: "reader"}}
	subscription := &jetstream.ConsumerInfo{
		Name: "subscription", Config: jetstream.ConsumerConfig{Metadata: map[string]string{"sluice.subscription": "s"}},
	}
	for name, test := range map[string]struct {
		consumers []*jetstream.ConsumerInfo
		duties    int
		missing   string
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
		"who is no group but ours":      {[]*jetstream.ConsumerInfo{lane("a", "events.>"), subscription}, 2, ""},
	} {
		pass := &trimming{streams: &Streams{lanes: 2}, name: Events}
		duties, missing := pass.duties(test.consumers)
		if len(duties) != test.duties || missing != test.missing {
			t.Errorf("%s: %d duties, missing %q; want %d and %q", name, len(duties), missing, test.duties, test.missing)
		}
	}
}

func TestEveryShardIsAsked(t *testing.T) {
	t.Parallel()
	pass := &trimming{streams: &Streams{shards: 11}, name: Notifications}
	var consumers []*jetstream.ConsumerInfo
	for shard := 10; shard >= 0; shard-- {
		const want = "the intake of shard 0, which never ran"
		if _, missing := pass.duties(consumers); missing != want {
			t.Errorf("without shards below %d: missing %q", shard+1, missing)
		}
		consumers = append(consumers, &jetstream.ConsumerInfo{Name: intakeName(shard)})
	}
	if duties, missing := pass.duties(consumers); len(duties) != 11 || missing != "" {
		t.Errorf("%d duties, missing %q", len(duties), missing)
	}
}
