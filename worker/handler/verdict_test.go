package handler_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"sluice.internal/worker/handler"
)

func TestPermanentIsSeenThroughWrapping(t *testing.T) {
	t.Parallel()
	permanent := handler.Permanent(errOops)
	for name, err := range map[string]error{
		"itself":          permanent,
		"wrapped":         fmt.Errorf("send: %w", permanent),
		"joined":          errors.Join(errors.New("other"), permanent),
		"joined, wrapped": fmt.Errorf("send: %w", errors.Join(permanent, errors.New("other"))),
		"twice":           handler.Permanent(permanent),
		"around a delay":  handler.Permanent(handler.RetryAfter(time.Minute, errOops)),
		"inside a delay":  handler.RetryAfter(time.Minute, permanent),
		"beside a delay":  errors.Join(handler.RetryAfter(time.Minute, errOops), permanent),
	} {
		if !errors.Is(err, handler.ErrPermanent) || !errors.Is(err, errOops) {
			t.Errorf("%s: permanent %t, cause %t", name, errors.Is(err, handler.ErrPermanent), errors.Is(err, errOops))
		}
		if delay, ok := handler.RetryDelay(err); ok {
			t.Errorf("%s: asks for a try after %s", name, delay)
		}
	}
}

func TestDelayIsSeenThroughWrapping(t *testing.T) {
	t.Parallel()
	retry := handler.RetryAfter(time.Minute, errOops)
	for name, err := range map[string]error{
		"itself":      retry,
		"wrapped":     fmt.Errorf("send: %w", retry),
		"joined":      errors.Join(errors.New("other"), retry),
		"outermost":   handler.RetryAfter(time.Minute, handler.RetryAfter(time.Hour, errOops)),
		"first joint": errors.Join(retry, handler.RetryAfter(time.Hour, errOops)),
	} {
		delay, ok := handler.RetryDelay(err)
		if !ok || delay != time.Minute {
			t.Errorf("%s: delay %s, %t", name, delay, ok)
		}
		if errors.Is(err, handler.ErrPermanent) || !errors.Is(err, errOops) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestOtherErrorsAskForNothing(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, errOops, fmt.Errorf("send: %w", errOops), errors.New("permanent")} {
		if delay, ok := handler.RetryDelay(err); ok || delay != 0 {
			t.Errorf("%v: delay %s, %t", err, delay, ok)
		}
		if errors.Is(err, handler.ErrPermanent) {
			t.Errorf("%v is permanent", err)
		}
	}
}

func TestNoErrorStaysNoError(t *testing.T) {
	t.Parallel()
	if err := handler.Permanent(nil); err != nil {
		t.Errorf("Permanent(nil) is %v", err)
	}
	if err := handler.RetryAfter(time.Minute, nil); err != nil {
		t.Errorf("RetryAfter(_, nil) is %v", err)
	}
}

func TestVerdictsKeepTheText(t *testing.T) {
	t.Parallel()
	for _, err := range []error{handler.Permanent(errOops), handler.RetryAfter(time.Minute, errOops)} {
		if err.Error() != "oops" {
			t.Errorf("text %q", err)
		}
	}
}

func TestNegativeDelayIsNone(t *testing.T) {
	t.Parallel()
	if delay, ok := handler.RetryDelay(handler.RetryAfter(-time.Minute, errOops)); !ok || delay != 0 {
		t.Errorf("delay %s, %t", delay, ok)
	}
}
