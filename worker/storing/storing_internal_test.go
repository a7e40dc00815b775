package storing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/service"
	"sluice.internal/shared/stream"
)

// attempts runs f in a bubble with a clock of its own and returns how long it took and what it returned.
func attempts(t *testing.T, f func(context.Context, Storer) error) (took time.Duration, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		log := slog.New(slog.DiscardHandler)
		err = f(t.Context(), Storer{Health: service.NewCondition("store", log), Pause: time.Second})
		took = time.Since(begin)
	})
	return took, err
}

func TestStoreThatIsFullOrSilentIsAskedAsLongAsItTakes(t *testing.T) {
	t.Parallel()
	for _, passing := range []error{stream.ErrFull, stream.ErrUnavailable} {
		tries := 0
		took, err := attempts(t, func(ctx context.Context, s Storer) error {
			return s.Store(ctx, func(context.Context) error {
				if tries++; tries <= 7200 {
					return fmt.Errorf("store it: %w", passing)
				}
				return nil
			})
		})
		if err != nil || took != 2*time.Hour {
			t.Errorf("%v: error %v after %s, want none after 2 h", passing, err, took)
		}
	}
}

func TestRefusalIsBelievedAfterAMinuteAndASizeAtOnce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		refusal error
		small   bool
		want    time.Duration
	}{
		"too large":                        {refusal: stream.ErrTooLarge, want: 0},
		"small, and yet too large":         {refusal: stream.ErrTooLarge, small: true, want: refusalLimit},
		"for a reason that nobody foresaw": {refusal: errors.New("stream is read-only"), want: refusalLimit},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			took, err := attempts(t, func(ctx context.Context, s Storer) error {
				attempt := func(context.Context) error { return test.refusal }
				if test.small {
					return s.StoreSmall(ctx, attempt)
				}
				return s.Store(ctx, attempt)
			})
			if !IsRefused(err) || !errors.Is(err, test.refusal) || took != test.want {
				t.Errorf("error %v after %s, want a refusal after %s", err, took, test.want)
			}
		})
	}
}

func TestStopEndsStoringAndIsNoRefusal(t *testing.T) {
	t.Parallel()
	_, err := attempts(t, func(ctx context.Context, s Storer) error {
		ctx, cancel := context.WithTimeout(ctx, time.Hour)
		defer cancel()
		return s.Store(ctx, func(context.Context) error { return stream.ErrUnavailable })
	})
	if err == nil || IsRefused(err) {
		t.Errorf("error %v", err)
	}
}

func TestDeadLetterThatNobodyTakesEndsToo(t *testing.T) {
	t.Parallel()
	whole := &notification.DeadLetter{Event: notification.Event{Origin: notification.Origin{Body: []byte("body")}}}
	var offered []*notification.DeadLetter
	took, err := attempts(t, func(ctx context.Context, s Storer) error {
		_, err := s.Bury(ctx, whole, func(_ context.Context, letter *notification.DeadLetter) error {
			offered = append(offered, letter)
			return errors.New("no")
		})
		return err
	})
	last := offered[len(offered)-1]
	if !IsRefused(err) || took != 2*refusalLimit || offered[0] != whole || !last.BodyOmitted() || last.BodySize != 4 {
		t.Errorf("error %v after %s, offered last %+v", err, took, last)
	}
}
