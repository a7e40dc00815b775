package cli

import (
	"context"
	"fmt"

	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/cli/term"
)

// decisions tells what became of notifications that a command sent through: to store one is not yet to take it in.
type decisions struct {
	streams *admin.Client
	// refused says that the intake refused one: "refused again".
	refused string
	// since is the newest dead letter before the first of them.
	since    uint64
	receipts []uint64
}

func newDecisions(ctx context.Context, streams *admin.Client, refused string) (*decisions, error) {
	since, err := streams.LastDeadLetter(ctx)
	return &decisions{streams: streams, refused: refused, since: since}, err
}

// add notes a notification that was stored; 0 is none.
func (d *decisions) add(receipt uint64) {
	if receipt != 0 {
		d.receipts = append(d.receipts, receipt)
	}
}

// maxRefusalsShown is how many refusals are told one by one.
const maxRefusalsShown = 20

// report waits for the intake and says what it refused. The error counts that.
func (d *decisions) report(ctx context.Context, s *session) error {
	if ctx.Err() != nil || len(d.receipts) == 0 { // Who interrupts waits for nothing.
		return nil //nolint:nilerr // What the command was asked for is done.
	}
	made, err := d.streams.AwaitDecisions(ctx, d.receipts, d.since)
	if err != nil {
		return err
	}
	for i := range made.Refused[:min(len(made.Refused), maxRefusalsShown)] {
		refused := &made.Refused[i]
		s.diagnostics.Error("%s, now dead letter %d: %s", d.refused, refused.DeadSequence, term.Printable(refused.Error))
	}
	if made.Waiting > 0 {
		s.diagnostics.Line("%s not taken in yet, since no worker does; `sluice dead` shows later what was refused",
			term.Counted(made.Waiting, "notification"))
	}
	if len(made.Refused) == 0 {
		return nil
	}
	return fmt.Errorf("%d of %s %s", len(made.Refused), term.Counted(len(d.receipts), "notification"), d.refused)
}

// presentSources are the sources as they are configured now, by name. Whatever was wrong about their tokens does not
// matter here.
func (f configFlag) presentSources(s *session) (map[string]*source.Configured, error) {
	cfg, err := f.load(s)
	if err != nil {
		return nil, err
	}
	present := map[string]*source.Configured{}
	for name, written := range cfg.Sources {
		// Its secrets are of no use here, and may be missing.
		written.Token, written.Tokens, written.Secrets, written.Auth = config.Secret{}, nil, nil, config.AuthNone
		one, err := source.Configure(map[string]config.Source{name: written})
		if err != nil {
			return nil, err
		}
		present[name] = one[0]
	}
	return present, nil
}

// readAsNow gives a dead letter that never was an event the mode and the mapping that its source has now, instead of those
// that it had when it came. A source that is not configured keeps them.
func readAsNow(letter *notification.DeadLetter, present map[string]*source.Configured) {
	now, configured := present[letter.Source]
	if letter.Group == "" && configured && now.Provider.Name == letter.Provider {
		letter.Quarantine, letter.Mapping = now.Quarantine, now.Mapping
	}
}
