package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream"
	"sluice.internal/sluice/local"
)

type rejectionsAcceptCommand struct {
	Sequences []uint64 `arg:"" optional:"" name:"sequence" help:"Sequence of a rejection, as the listing has it."`
	All       bool     `help:"All rejections, or all that the filters leave."`
	rejectionFilter
	Since  moment `placeholder:"TIME" help:"Only what was stored since: 1h is an hour ago; or a time as in RFC 3339."`
	Force  bool   `help:"Let it in whoever sent it, because you vouch for it. Needs --yes."`
	Yes    bool   `help:"With --force: do it."`
	DryRun bool   `help:"Only say what would be let in."`
	reach
}

func (rejectionsAcceptCommand) Help() string {
	return `Each is verified again, as of the time when it came, with the configuration that --config names: the one that ` +
		`the gateway has now. What passes becomes a notification, as if it had never been refused, and the rejection is gone. ` +
		`What is still refused stays, with the reason. --force lets in what the configuration refuses; who did it is recorded.

Example:

    sluice rejections accept --all --source github --since 24h`
}

// Validate refuses what can't be meant.
func (c *rejectionsAcceptCommand) Validate() error {
	filtered := c.rejectionFilter != rejectionFilter{} || c.Since != moment{}
	switch {
	case len(c.Sequences) == 0 && !c.All && filtered:
		return errors.New("filters narrow down --all: add it")
	case len(c.Sequences) == 0 && !c.All:
		return errors.New("name rejections by their sequence, or all with --all")
	case len(c.Sequences) > 0 && (c.All || filtered):
		return errors.New("sequences go with neither --all nor a filter")
	case c.Force && !c.Yes && !c.DryRun:
		return errors.New("--force lets in what nobody proved to have sent: add --yes, or look with --dry-run first")
	}
	return nil
}

// Run accepts rejections.
func (c *rejectionsAcceptCommand) Run(ctx context.Context, s *session) error {
	review, err := c.review(s)
	if err != nil {
		return err
	}
	log, err := service.NewLogger(s.diagnostics, "info", service.FormatText)
	if err != nil {
		return err
	}
	return c.look(ctx, s, func(streams *stream.Streams) error {
		sequences, err := c.gather(ctx, streams)
		if err != nil {
			return err
		}
		work := &acceptance{rejectionsAcceptCommand: c, session: s, streams: streams, review: review, log: log, by: operator()}
		err = work.each(ctx, sequences)
		said := "accepted"
		if c.DryRun {
			said = "would be accepted"
		}
		return errors.Join(s.out.line("%s: %s", said, work.accepted.of("rejection")), err)
	})
}

// review is how the gateway judges requests now.
func (c *rejectionsAcceptCommand) review(s *session) (*gateway.Review, error) {
	cfg, err := c.load(s)
	if err != nil {
		return nil, err
	}
	if err := c.addTokens(s, cfg); err != nil {
		return nil, err
	}
	settings, err := gateway.FromConfig(cfg, source.Providers())
	if err != nil {
		return nil, err
	}
	return gateway.NewReview(settings)
}

// addTokens fills in the tokens that the configuration lacks and `sluice up` made.
func (c *rejectionsAcceptCommand) addTokens(s *session, cfg *config.Config) error {
	var description local.Description
	for name, configured := range cfg.Sources {
		if !configured.NeedsSecret() || len(configured.Credentials()) > 0 {
			continue
		}
		if description.Sources == nil && c.NATS == "" {
			var err error
			if description, err = describe(dataDir(s, c.Data), "--config FILE"); err != nil {
				return err
			}
		}
		file := description.Sources[name].TokenFile
		if file == "" {
			return fmt.Errorf("source %q has no secret in the configuration; name the gateway's with --config", name)
		}
		token, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read token: %w", err)
		}
		configured.Tokens = []config.Secret{config.NewSecret(strings.TrimSpace(string(token)))}
		cfg.Sources[name] = configured
	}
	return nil
}

// gather returns the sequences of the chosen rejections, oldest first, before the first of them is touched.
func (c *rejectionsAcceptCommand) gather(ctx context.Context, streams *stream.Streams) (sequences []uint64, err error) {
	if !c.All {
		return c.Sequences, nil
	}
	query := c.query()
	query.Since = c.Since.at
	for rejection, err := range streams.Rejections(ctx, query) {
		if err != nil {
			return nil, err
		}
		if rejection.Skipped == 0 {
			sequences = append(sequences, rejection.Sequence)
		}
	}
	return sequences, ctx.Err()
}

// acceptance is rejections being accepted, one after the other.
type acceptance struct {
	*rejectionsAcceptCommand

	session  *session
	streams  *stream.Streams
	review   *gateway.Review
	log      *slog.Logger
	by       string
	accepted kinds
}

// each accepts what may be accepted. It goes on after one that may not, stops when the store fails, and finishes the
// one that it has begun when it is interrupted.
func (a *acceptance) each(ctx context.Context, sequences []uint64) error {
	a.accepted = kinds{}
	refused := 0
	progress := newProgress(a.session.Stderr, len(sequences))
	defer progress.clear()
	for i, sequence := range sequences {
		if ctx.Err() != nil {
			return fmt.Errorf("interrupted: %d of %s accepted", a.accepted.sum(), counted(len(sequences), "rejection"))
		}
		err := a.one(ctx, sequence)
		progress.show(i + 1)
		if err == nil || a.All && errors.Is(err, stream.ErrNoRejection) {
			continue
		}
		progress.clear()
		if errors.Is(err, stream.ErrNoRejection) {
			err = noRejection(sequence)
		} else {
			err = fmt.Errorf("rejection %d: %w", sequence, err)
		}
		a.session.complain("%v", err)
		if errors.Is(err, stream.ErrUnavailable) || errors.Is(err, stream.ErrFull) {
			return fmt.Errorf("%d of %s accepted, then the store failed", a.accepted.sum(), counted(len(sequences), "rejection"))
		}
		refused++
	}
	if refused > 0 {
		return fmt.Errorf("%d of %s not accepted", refused, counted(len(sequences), "rejection"))
	}
	return nil
}

func (a *acceptance) one(ctx context.Context, sequence uint64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), letterTimeout)
	defer cancel()
	rejection, err := a.streams.Rejection(ctx, sequence)
	if err != nil {
		return err
	}
	n, err := a.review.Notification(&rejection, a.Force)
	if err != nil {
		return err
	}
	if !a.DryRun {
		if err := a.accept(ctx, &rejection, n); err != nil {
			return err
		}
	}
	a.accepted[n.Type]++
	return nil
}

func (a *acceptance) accept(ctx context.Context, rejection *notification.Rejection, n *notification.Notification) error {
	detail := "the present configuration accepts it"
	if a.Force {
		detail = "the operator vouched for it"
	}
	receipt, err := a.streams.AcceptRejection(ctx, rejection, n, a.by, detail)
	if err != nil {
		return err
	}
	if a.Force {
		a.log.Warn("rejection accepted without proof", "sequence", rejection.Sequence, "cause", rejection.Cause,
			"source", rejection.Source, "remote", rejection.RemoteAddress, "receipt", receipt, "by", a.by)
	}
	return nil
}
