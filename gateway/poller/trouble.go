package poller

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"sluice.internal/shared/greenapi"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream"
)

const (
	// refusedPause is how long to wait after what only a person can put right.
	refusedPause = time.Minute
	// ratePause is how long to wait after too many requests where GREEN-API does not say; startingPause while an instance
	// starts.
	ratePause     = 2 * time.Second
	startingPause = 10 * time.Second
	// firstPause doubles up to longestPause while GREEN-API does not answer.
	firstPause   = time.Second
	longestPause = time.Minute
	// tellAfter is how long trouble that may end by itself lasts before the operator is told.
	tellAfter = 5 * time.Minute
)

// trouble is what is wrong with polling an instance at the moment. One goroutine uses it.
type trouble struct {
	instance *instance
	state    string // empty when all is well
	since    time.Time
	failures int
	kept     bool // whether the answer that can't be read was kept
}

// remedy is what a failure means, and what is to be done about it.
type remedy struct {
	state string
	// pause is how long to wait; 0 means longer each time.
	pause time.Duration
	// atOnce says that only a person can put it right.
	atOnce bool
	title  string
	todo   string
}

func remedies() map[greenapi.Reason]remedy {
	return map[greenapi.Reason]remedy{
		greenapi.Unauthorized: {
			stream.PollRefused, refusedPause, true, "GREEN-API refuses the token of an instance",
			"The token is not this instance's. Put its apiTokenInstance into the file that token_file names, and restart.",
		},
		greenapi.NoInstance: {
			stream.PollRefused, refusedPause, true, "GREEN-API knows no such instance",
			"There is no such instance at this host. Compare api_url with what the console of GREEN-API shows.",
		},
		greenapi.QuotaExceeded: {
			stream.PollRefused, refusedPause, true, "The tariff of an instance at GREEN-API is used up",
			"GREEN-API hands out nothing more until the next month, or with another tariff.",
		},
		greenapi.WebhookSet: {
			stream.PollWebhookSet, refusedPause, true, "GREEN-API posts the notifications of a polled instance elsewhere",
			"Somebody has set a webhookUrl, and then nothing can be polled. Take it away with: sluice green-api settings ID --poll",
		},
		greenapi.Unreadable: {
			stream.PollStuck, refusedPause, true, "The queue of an instance at GREEN-API is stuck",
			"The answer was kept, see `sluice rejections`. Nothing behind it comes until GREEN-API gives another one, or somebody " +
				"clears the queue there, which loses what is in it.",
		},
		greenapi.Starting: {
			stream.PollStarting, startingPause, false, "An instance at GREEN-API does not get ready",
			"It says that it is starting. See its state with: sluice green-api state",
		},
		greenapi.Inactive: {
			stream.PollRefused, refusedPause, true, "An instance at GREEN-API has expired or is not authorized",
			"Renew or authorize it in the console of GREEN-API.",
		},
		greenapi.Invalid: {
			stream.PollUnavailable, 0, false, "GREEN-API refuses what it is asked for an instance",
			"It is asked again and again, at least once a minute. GREEN-API keeps notifications for 24 hours.",
		},
		greenapi.TooManyRequests: {
			stream.PollUnavailable, ratePause, false, "GREEN-API refuses an instance for too many requests",
			"Another program polls it too.",
		},
		greenapi.Unavailable: {
			stream.PollUnavailable, 0, false, "GREEN-API does not answer for an instance",
			"It is asked again and again, at least once a minute. GREEN-API keeps notifications for 24 hours.",
		},
	}
}

// failed notes a failure and returns how long to wait.
func (t *trouble) failed(ctx context.Context, err error) (pause time.Duration) {
	if errors.Is(ctx.Err(), context.Canceled) || greenapi.ReasonOf(err) == greenapi.Cancelled {
		return 0
	}
	reason := greenapi.ReasonOf(err)
	what := remedies()[reason]
	t.began(what.state, "polling GREEN-API fails", err)
	if what.atOnce || t.now().Sub(t.since) >= tellAfter {
		severity := notification.SeverityWarning
		if what.atOnce {
			severity = notification.SeverityCritical
		}
		t.instance.alert(severity, what.title, fmt.Sprintf("Instance %s at %s: %s. %s", t.instance.account.ID, t.instance.client.Host(), err, what.todo))
	}
	if reason == greenapi.Unreadable {
		t.keep(ctx, err)
	}
	if failure := (*greenapi.Error)(nil); errors.As(err, &failure) && failure.RetryAfter > 0 {
		return failure.RetryAfter
	}
	if what.pause > 0 {
		return what.pause
	}
	return spread(min(firstPause<<min(t.failures-1, 6), longestPause))
}

// began notes that something is wrong. It has one line in the log for each kind, however long it lasts.
func (t *trouble) began(state, line string, err error) {
	t.failures++
	if t.state != state {
		if t.state == "" || t.since.IsZero() {
			t.since = t.now()
		}
		t.state = state
		t.instance.log.Warn(line, "state", state, "error", err)
	}
	t.instance.note(func(s *stream.PollState) {
		if s.State != state {
			s.State, s.Since = state, t.now().UTC()
		}
		s.Error = err.Error()
	})
}

func (t *trouble) now() time.Time { return t.instance.poller.settings.Now() }

// over notes that all is well.
func (t *trouble) over() {
	if t.state == "" {
		return
	}
	t.instance.log.Info("polling GREEN-API works again", "was", t.state, "failures", t.failures, "after", t.now().Sub(t.since).Round(time.Second))
	t.state, t.since, t.failures, t.kept = "", time.Time{}, 0, false
	t.instance.note(func(s *stream.PollState) {
		s.State, s.Since, s.Error = stream.PollReceiving, t.now().UTC(), ""
	})
}

// keep stores an answer that can't be read, once, for people to look at.
func (t *trouble) keep(ctx context.Context, err error) {
	var failure *greenapi.Error
	if t.kept || !errors.As(err, &failure) {
		return
	}
	rejection := &notification.Rejection{
		Cause: "unreadable-answer", Detail: failure.Text, Source: t.instance.from.Name, Method: http.MethodGet, Path: "receiveNotification",
		RequestID: rand.Text(), ReceivedAt: t.now().UTC(), Body: []byte(failure.Answer), Truncated: true,
	}
	if err := t.instance.poller.settings.Store.PublishRejection(ctx, rejection); err != nil {
		t.instance.log.Warn("answer that can't be read was not kept", "error", err)
		return
	}
	t.kept = true
}
