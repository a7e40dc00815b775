package notification_test

import (
	"errors"
	"testing"

	"sluice.internal/shared/notification"
)

func TestDeadLetterGetsBackTheBodyItLacksAndNoOther(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"body", ""} {
		whole := notification.DeadLetter{Event: notification.Event{Origin: notification.Origin{Body: []byte(body)}}, Error: "too large"}
		reduced := whole.WithoutBody()
		if !reduced.BodyOmitted() || reduced.BodySize != len(body) || reduced.Body != nil || reduced.Error != "too large" {
			t.Errorf("without its body %q it is %+v", body, reduced)
		}
		if whole.BodyOmitted() || string(whole.Body) != body {
			t.Errorf("the whole one became %+v", whole)
		}
		for _, other := range []string{"Body", "body ", "x"} {
			if err := reduced.RestoreBody([]byte(other)); !errors.Is(err, notification.ErrOtherBody) {
				t.Errorf("%q was taken for %q: %v", other, body, err)
			}
		}
		if err := reduced.RestoreBody([]byte(body)); err != nil || reduced.BodyOmitted() || string(reduced.Body) != body {
			t.Errorf("restored %q: %v, %+v", body, err, reduced)
		}
	}
}
