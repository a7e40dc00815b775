package cli

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// replayCommand is `sluice replay`: events that were handled are handled once more, by a group, or posted to a program.
// Keys stay the same, so that whoever makes effects idempotent by them is safe.
type replayCommand struct {
	Group string `xor:"target" required:"" placeholder:"NAME" help:"Hand the events to the handlers of this group again."`
	To    string `xor:"target" required:"" placeholder:"URL" help:"Post the events to this address instead, one after the other."`

	replayChoice

	Rate    float64       `placeholder:"N" default:"100" help:"How many a second; 0 is as many as can be (default: ${default})."`
	Timeout time.Duration `placeholder:"TIME" default:"10s" help:"How long to wait for each answer (default: ${default})."`
	Again   bool          `name:"answer-again" help:"Answer chats again that the events were answered in before. Goes with --group."`
	Tries   int           `placeholder:"N" default:"5" help:"How often an event is posted before it ends there (default: ${default})."`
	DryRun  bool          `help:"Only count the events."`
	connectFlags
}

func (replayCommand) Help() string {
	return `Handlers see that an event is replayed, and by its key which one it is. What they answered before they do not ` +
		`answer again, unless --answer-again is given. --to posts bodies as they came, with ` +
		`key, type, source and sequence in the header, and ends at the first event that is not answered 2xx. The ` +
		`oldest come first, and what comes in meanwhile is left out.

Example:

    sluice replay --group billing --type incomingCall --since 2h`
}

// Validate refuses what can't be meant.
func (c *replayCommand) Validate() error {
	switch {
	case c.Rate < 0:
		return errors.New("--rate must not be negative")
	case c.Timeout <= 0:
		return errors.New("--timeout must be more than 0")
	case c.Tries < 1:
		return errors.New("--tries must be more than 0")
	case c.Again && c.Group == "":
		return errors.New("--answer-again goes with --group")
	}
	if c.To != "" {
		if err := checkTarget("--to", c.To); err != nil {
			return err
		}
	}
	return c.replayChoice.Validate()
}

// replayChoice are the events that are replayed. One of its filters must be given, or --all: a replay of everything is
// sometimes meant and never by accident.
type replayChoice struct {
	Type     string   `placeholder:"TYPE" help:"Only events of this type."`
	Source   string   `placeholder:"NAME" help:"Only events of this source."`
	Instance string   `placeholder:"ID" help:"Only events of this instance."`
	Key      []string `placeholder:"KEY" help:"Only events with one of these keys."`
	Since    moment   `placeholder:"TIME" help:"Only what was stored since: 1h is an hour ago; or a time as in RFC 3339."`
	Until    moment   `placeholder:"TIME" help:"Only what was stored until then, as --since."`
	From     uint64   `name:"from-sequence" placeholder:"N" help:"Only events from this place in the stream on."`
	All      bool     `help:"All events that are kept."`
}

// Validate refuses what can't be meant.
func (c replayChoice) Validate() error {
	filtered := c.Type != "" || c.Source != "" || c.Instance != "" || len(c.Key) > 0 || c.From > 0 ||
		c.Since != moment{} || c.Until != moment{}
	switch {
	case !filtered && !c.All:
		return errors.New("say which events with a filter such as --since, or all that are kept with --all")
	case filtered && c.All:
		return errors.New("--all goes with no filter")
	}
	return nil
}

// query is what the store can filter by. Keys are compared here: the streams have no index of them.
func (c replayChoice) query() admin.Query {
	return admin.Query{
		Type: c.Type, Source: c.Source, Instance: c.Instance, Since: c.Since.at, Until: c.Until.at, From: c.From,
	}
}

func (c replayChoice) wants(event *notification.Event) bool {
	return len(c.Key) == 0 || slices.Contains(c.Key, event.Key)
}

// Run replays events, in the order of the stream. It is recorded what was replayed, also when it ended early, and a dry
// run is not.
func (c *replayCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		if c.Group != "" {
			groups, err := streams.GroupNames(ctx)
			if err != nil {
				return err
			}
			bots, err := streams.Bots(ctx)
			if err != nil {
				return err
			}
			bots = slices.DeleteFunc(bots, func(bot admin.Bot) bool { return bot.Bot != c.Group })
			if len(bots) > 0 && !slices.Contains(groups, c.Group) {
				return c.replayToBot(ctx, s, streams, bots)
			}
			if err := checkGroup(c.Group, groups); err != nil {
				return err
			}
		}
		job := &replay{command: c, session: s, streams: streams, began: time.Now().UTC(), replayed: term.CountByType{}}
		if c.DryRun {
			job.deliver, job.limit = func(context.Context, *notification.Event) error { return nil }, newRateLimit(0)
			err := job.run(ctx)
			return errors.Join(s.out.Line("would be replayed: %s", job.replayed.Describe("event")), err)
		}
		defer c.setTarget(job)()
		err := job.run(ctx)
		return errors.Join(s.out.Line("replayed: %s", job.replayed.Describe("event")), err, job.record(ctx))
	})
}

// setTarget decides where events go: to a group by way of the streams, so that its workers handle them as any other, or by
// POST to an address. Release ends the connections to there.
func (c *replayCommand) setTarget(job *replay) (release func()) {
	job.limit = newRateLimit(c.Rate)
	if c.Group != "" {
		job.where, job.round = "group "+c.Group, "replay/"+job.began.Format(time.RFC3339Nano)
		job.deliver = job.toGroup
		return func() {} // The connection to the streams is the command's.
	}
	to := &target{client: newClient(), url: c.To, timeout: c.Timeout, replayed: true}
	job.where = withoutSecrets(c.To)
	job.deliver = func(ctx context.Context, event *notification.Event) error {
		return to.postWithRetries(ctx, event, c.Tries)
	}
	return to.client.CloseIdleConnections
}

// withoutSecrets is an address without user and query, in which there may be secrets. It goes into the record, which
// every operator can read.
func withoutSecrets(address string) string {
	parsed, err := url.Parse(address)
	if err != nil {
		return "an address that can't be read"
	}
	return fmt.Sprintf("%s://%s%s", parsed.Scheme, parsed.Host, parsed.EscapedPath())
}
