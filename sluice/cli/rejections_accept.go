package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"sluice.internal/gateway"
	"sluice.internal/shared/config"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/source"
	"sluice.internal/shared/stream/admin"
	"sluice.internal/sluice/local"
)

// rejectionsAcceptCommand is `sluice rejections accept`. A secret that was configured wrongly costs no notification: the
// requests that it refused are verified again once it is right, as of the time when they came, and let in.
type rejectionsAcceptCommand struct {
	Sequences []uint64 `arg:"" optional:"" name:"sequence" help:"Sequence of a rejection, as the listing has it."`
	All       bool     `help:"All rejections, or all that the filters leave."`
	rejectionFilter
	Since  moment `placeholder:"TIME" help:"Only what was stored since: 1h is an hour ago; or a time as in RFC 3339."`
	As     string `placeholder:"NAME" help:"Take those at unknown paths for this source's."`
	Force  bool   `help:"Let it in whoever sent it, because you vouch for it. Needs --yes."`
	Yes    bool   `help:"With --force: do it."`
	DryRun bool   `help:"Only say what would be let in."`
	connectFlags
}

func (rejectionsAcceptCommand) Help() string {
	return `Each is verified again, as of the time when it came, with the configuration that --config names: the one that ` +
		`the gateway has now. What passes becomes a notification, as if it had never been refused, and the rejection is gone. ` +
		`What is still refused stays, with the reason. The command waits for the intake: what becomes a dead letter there is ` +
		`told, and makes it fail. A request at an unknown path belongs to the source that listens there now, or to that of --as. ` +
		`--force lets in what the configuration refuses; who did it is recorded.

Example:

    sluice rejections accept --all --source github --since 24h`
}

// Validate refuses what can't be meant.
func (c *rejectionsAcceptCommand) Validate() error {
	filtered := c.rejectionFilter != rejectionFilter{} || c.Since != moment{}
	if err := checkSelection("rejections", c.Sequences, c.All, filtered); err != nil {
		return err
	}
	if c.Force && !c.Yes && !c.DryRun {
		return errors.New("--force lets in what nobody proved to have sent: add --yes, or look with --dry-run first")
	}
	return nil
}

// Run accepts rejections. The configuration is read before the streams are looked for: without it nothing can be verified.
func (c *rejectionsAcceptCommand) Run(ctx context.Context, s *session) error {
	review, err := c.review(s)
	if err != nil {
		return err
	}
	log, err := service.NewLogger(s.diagnostics, "info", service.FormatText)
	if err != nil {
		return err
	}
	return c.withStreams(ctx, s, func(streams *admin.Client) error {
		sequences, err := c.collect(ctx, streams)
		if err != nil {
			return err
		}
		made, err := newDecisions(ctx, streams, "refused by the intake")
		if err != nil {
			return err
		}
		work := &acceptance{rejectionsAcceptCommand: c, streams: streams, review: review, log: log, by: operator(), made: made}
		accepted, err := (&batch{
			session: s, noun: "rejection", done: "accepted", listed: c.All, notFound: admin.ErrNoRejection,
			missing: noRejection, do: work.accept,
		}).run(ctx, sequences)
		heading := "accepted"
		if c.DryRun {
			heading = "would be accepted"
		}
		err = errors.Join(err, made.report(ctx, s))
		return errors.Join(s.out.Line("%s: %s", heading, accepted.Describe("rejection")), err)
	})
}

// review verifies as the gateway with the present configuration does. It is the gateway's own code, so that the two can't
// differ.
func (c *rejectionsAcceptCommand) review(s *session) (*gateway.Review, error) {
	cfg, err := c.load(s)
	if err != nil {
		return nil, err
	}
	if err := c.addTokens(s, cfg); err != nil {
		return nil, err
	}
	sources, err := source.Configure(cfg.Sources)
	if err != nil {
		return nil, err
	}
	return gateway.NewReview(sources, int64(cfg.Gateway.BodyLimit)), nil
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
			if description, _, err = readDescription(s, c.Data, "--config FILE"); err != nil {
				return err
			}
		}
		token, err := description.Token(name)
		if err != nil {
			return err
		}
		if token == "" {
			return fmt.Errorf("source %q has no secret in the configuration; name the gateway's with --config", name)
		}
		configured.Tokens = []config.Secret{config.NewSecret(token)}
		cfg.Sources[name] = configured
	}
	return nil
}

// collect returns the sequences of the selected rejections, oldest first. It reads to the end before the first of them
// is touched. Those that stand for requests that were only counted hold nothing to accept and are left out.
func (c *rejectionsAcceptCommand) collect(ctx context.Context, streams *admin.Client) (sequences []uint64, err error) {
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

// acceptance is what is needed to accept one rejection after the other. Accepting stores the notification, then records
// the deed, then removes the rejection. The message id makes it harmless to begin again after a crash in between.
type acceptance struct {
	*rejectionsAcceptCommand

	streams *admin.Client
	review  *gateway.Review
	log     *slog.Logger
	by      string
	made    *decisions
}

// accept verifies one rejection again and stores it as a notification, whose type it returns.
func (a *acceptance) accept(ctx context.Context, sequence uint64) (typeName string, err error) {
	rejection, err := a.streams.Rejection(ctx, sequence)
	if err != nil {
		return "", err
	}
	n, err := a.review.Notification(&rejection, a.As, a.Force)
	if err != nil {
		return "", err
	}
	if a.DryRun {
		return n.Type, nil
	}
	return n.Type, a.store(ctx, &rejection, n)
}

// store makes the rejection a notification and removes it. One that was let in without proof is logged as well as
// recorded, since somebody vouched for it.
func (a *acceptance) store(ctx context.Context, rejection *notification.Rejection, n *notification.Notification) error {
	detail := "the present configuration accepts it"
	if a.Force {
		detail = "the operator vouched for it"
	}
	receipt, err := a.streams.AcceptRejection(ctx, rejection, n, a.by, detail)
	a.made.add(receipt)
	if err != nil {
		return err
	}
	if a.Force {
		a.log.Warn("rejection accepted without proof", "sequence", rejection.Sequence, "cause", rejection.Cause,
			"source", rejection.Source, "remote", rejection.RemoteAddress, "receipt", receipt, "by", a.by)
	}
	return nil
}
