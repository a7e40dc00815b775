package service_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"sluice.internal/shared/service"
)

func TestSleepTakesItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if err := service.Sleep(t.Context(), time.Hour); err != nil || time.Since(began) != time.Hour {
			t.Errorf("slept for %s, error %v", time.Since(began), err)
		}
		if err := service.Sleep(t.Context(), -time.Hour); err != nil || time.Since(began) != time.Hour {
			t.Errorf("slept for a time that is over: %s, error %v", time.Since(began), err)
		}
	})
}

func TestSleepEndsWithItsContextAndSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("no more work")
		ctx, cancel := context.WithCancelCause(t.Context())
		began := time.Now()
		time.AfterFunc(time.Minute, func() { cancel(why) })
		if err := service.Sleep(ctx, time.Hour); !errors.Is(err, why) || time.Since(began) != time.Minute {
			t.Errorf("slept for %s, error %v", time.Since(began), err)
		}
		for _, d := range []time.Duration{0, time.Hour} {
			if err := service.Sleep(ctx, d); !errors.Is(err, why) || time.Since(began) != time.Minute {
				t.Errorf("slept for %s after the end, error %v", d, err)
			}
		}
	})
}
