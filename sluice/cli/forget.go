package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/source/chat"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/shared/stream/erasure"
	"sluice.internal/sluice/cli/term"
)

// forgetCommand is `sluice forget`: it erases what is stored about a person, an account or a single event. What is found and
// how it is removed is the business of package erasure; this asks, and says what was done and what was not.
type forgetCommand struct {
	Chat     []string `placeholder:"ID" help:"Person or group: a telephone number, or as notifications name it, such as 79001234567@c.us; may be given several times."`
	Instance []string `placeholder:"ID" help:"Account of a sender; may be given several times."`
	Key      []string `placeholder:"KEY" help:"Single event, by its key; may be given several times."`
	Source   string   `placeholder:"NAME" help:"Only what this source sent."`
	DryRun   bool     `help:"Only say what would be erased."`
	Yes      bool     `help:"Erase without a question."`
	JSON     bool     `name:"json" help:"Print one JSON object a line."`
	connectFlags
}

func (forgetCommand) Help() string {
	return `Looks through all streams: raw notifications, events, retries, dead letters, rejections, alerts and records, also for ` +
		`what names the chat in its body alone, however that writes it. What it finds it removes and overwrites, whether it is processed or not. Who erased how ` +
		`much and from which places is recorded, without the id, and sluice audit counts it as erased. On a terminal it asks first; ` +
		`elsewhere it needs --yes. When it was interrupted, run it again.

Example:

    sluice forget --chat 79001234567@c.us --dry-run`
}

// Validate refuses what can't be meant.
func (c *forgetCommand) Validate() error {
	if c.DryRun && c.Yes {
		return errors.New("--dry-run erases nothing, so --yes goes with no --dry-run")
	}
	if len(c.Chat)+len(c.Instance)+len(c.Key) == 0 {
		return errors.New("say what is to be erased: --chat, --instance or --key")
	}
	return c.target().Check()
}

// target has the chats in all spellings, and what can't be meant as it is, for the check.
func (c *forgetCommand) target() erasure.Target {
	var chats []string
	for _, text := range c.Chat {
		if err := (erasure.Target{Chats: []string{text}}).Check(); err != nil {
			chats = append(chats, text)
			continue
		}
		chats = append(chats, chat.Spellings(text)...)
	}
	return erasure.Target{Chats: chats, Instances: c.Instance, Keys: c.Key, Source: c.Source}
}

// Run looks, shows what it found, and erases it once that is confirmed.
func (c *forgetCommand) Run(ctx context.Context, s *session) error {
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		progress := term.NewProgress(s.diagnostics)
		watch := func(verb string) erasure.Watch {
			if !progress.Watched() {
				return nil
			}
			return func(name string, done, all uint64) { progress.Show("%s: %d of %d %s", name, done, all, verb) }
		}
		eraser := erasure.New(streams, interpret)
		found, err := eraser.Look(ctx, c.target(), watch("read"))
		progress.Clear()
		if err != nil {
			return err
		}
		staged, err := streams.StagedRegions(ctx)
		if err != nil {
			return err
		}
		_ = c.showFound(s.out, found)
		c.showDigests(s.out, streams.LogKey())
		if err := s.out.Flush(); err != nil {
			return err
		}
		erase, err := c.confirmed(s, found.Messages())
		if err != nil || !erase {
			return errors.Join(c.showResult(s, found, nil, staged), err)
		}
		erased, err := eraser.Erase(ctx, found, operator(), watch("erased"))
		progress.Clear()
		return errors.Join(c.showResult(s, found, erased, staged), err)
	})
}

// interpret reads a notification as the intake does. One that can't be read has no identity, one that is divided several.
func interpret(n *notification.Notification) (identities []notification.Identity) {
	parts, _ := source.Parts(source.Providers(), n)
	for _, part := range parts {
		if what, fault := source.Interpret(source.Providers(), part); fault == nil {
			identities = append(identities, what.Identity)
		}
	}
	return identities
}

// confirmed reports whether to erase. Where nobody can be asked, and nobody has said yes, that is an error: a script must not
// take it for done.
func (c *forgetCommand) confirmed(s *session, messages uint64) (bool, error) {
	switch {
	case c.DryRun || messages == 0:
		return false, nil
	case c.Yes:
		return true, nil
	}
	if in, ok := s.Stdin.(io.Writer); !ok || !service.IsTerminal(in) || !s.diagnostics.IsTerminal() {
		return false, fmt.Errorf("nothing erased; --yes would erase %s", term.Counted(int(messages), "message")) //nolint:gosec // Far below.
	}
	_, _ = fmt.Fprintf(s.diagnostics, "Erase %s for good? Type yes: ", term.Counted(int(messages), "message")) //nolint:gosec // Far below.
	answer, err := bufio.NewReader(s.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return false, fmt.Errorf("read the answer: %w", err)
	}
	if strings.TrimSpace(answer) != "yes" {
		return false, errors.New("nothing erased")
	}
	return true, nil
}

// foundDocument says what was found in a stream.
type foundDocument struct {
	// Kind is "found".
	Kind     string `json:"kind"`
	Stream   string `json:"stream"`
	Messages uint64 `json:"messages"`
	// Bytes are those of the bodies.
	Bytes  uint64    `json:"bytes"`
	Oldest time.Time `json:"oldest"`
	Newest time.Time `json:"newest"`
	// Sequences are the places, as ranges.
	Sequences string `json:"sequences"`
}

func (c *forgetCommand) showFound(out *term.Output, found *erasure.Found) error {
	if c.JSON {
		for i := range found.Streams {
			in := &found.Streams[i]
			_ = out.Object(foundDocument{
				Kind: "found", Stream: in.Stream, Messages: in.Sequences.Len(), Bytes: in.Bytes,
				Oldest: in.First.UTC(), Newest: in.Last.UTC(), Sequences: in.Sequences.String(),
			})
		}
		return nil
	}
	if found.Messages() == 0 {
		return out.Line("nothing found for %s", strings.Join(slices.Concat(c.target().Chats, c.Instance, c.Key), ", "))
	}
	rows := term.NewTable(out, term.Left("STREAM"), term.Right("MESSAGES"), term.Right("BYTES"), term.Left("OLDEST"), term.Left("NEWEST"))
	for i := range found.Streams {
		in := &found.Streams[i]
		_ = rows.Add(in.Stream, strconv.FormatUint(in.Sequences.Len(), 10), strconv.FormatUint(in.Bytes, 10),
			in.First.Local().Format(time.DateTime), in.Last.Local().Format(time.DateTime))
	}
	return rows.End()
}

// digestDocument says what stands in place of a chat in logs.
type digestDocument struct {
	// Kind is "log_digest".
	Kind   string `json:"kind"`
	Chat   string `json:"chat"`
	Digest string `json:"digest"`
}

// showDigests says by what the lines about a chat are found in logs, which this can't reach. An error of writing comes with
// the next flush.
func (c *forgetCommand) showDigests(out *term.Output, key []byte) {
	if len(key) == 0 {
		return
	}
	for _, chat := range c.target().Chats {
		if strings.HasPrefix(chat, "+") {
			continue // Logs have chats as chat.Normal writes them.
		}
		digest := service.Digest(key, chat)
		if c.JSON {
			_ = out.Object(digestDocument{Kind: "log_digest", Chat: chat, Digest: digest})
		} else {
			_ = out.Line("In logs %s is %s, unless they keep ids.", chat, digest)
		}
	}
}

// forgottenDocument is the last line.
type forgottenDocument struct {
	// Kind is "result".
	Kind   string `json:"kind"`
	Found  uint64 `json:"found"`
	Erased uint64 `json:"erased"`
	DryRun bool   `json:"dry_run"`
	// NotReached is where there may be more.
	NotReached []string `json:"not_reached"`
}

// notReached is what no command of Sluice can erase, and what lies elsewhere.
func notReached(regions []admin.Staged) []string {
	places := []string{
		"backups of the streams",
		"logs of gateways, workers and what is in front of them",
		"what handlers wrote elsewhere, and those to whom events were handed on",
		"what a worker had in its hands; run this again in a minute to be sure",
	}
	for _, staged := range regions {
		holds := "which nobody answers for"
		if staged.Known {
			holds = "which holds " + term.Counted(int(staged.Messages), "message") //nolint:gosec // Far below.
		}
		places = append(places, fmt.Sprintf("the region behind %s, %s: run this there, and here again once that is empty", staged.Stream, holds))
	}
	return places
}

func (c *forgetCommand) showResult(s *session, found *erasure.Found, erased erasure.Erased, regions []admin.Staged) error {
	if c.JSON {
		_ = s.out.Object(forgottenDocument{
			Kind: "result", Found: found.Messages(), Erased: erased.Messages(), DryRun: c.DryRun, NotReached: notReached(regions),
		})
		return s.out.Flush()
	}
	if c.DryRun {
		_ = s.out.Line("Dry run: nothing was erased.")
	}
	if erased != nil {
		_ = s.out.Line("Erased: %s.", term.Counted(int(erased.Messages()), "message")) //nolint:gosec // Far below.
	}
	if found.Messages() > 0 || len(regions) > 0 {
		_ = s.out.Line("Not reached: %s.", strings.Join(notReached(regions), "; "))
	}
	return s.out.Flush()
}
