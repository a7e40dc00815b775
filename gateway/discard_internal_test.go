package gateway

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
)

// client counts what is read of it, and has the deadlines that it is given.
type client struct {
	http.ResponseWriter

	read      int64
	deadlines []time.Time
}

func (c *client) Read(p []byte) (int, error) {
	c.read += int64(len(p))
	return len(p), nil
}

func (c *client) SetReadDeadline(at time.Time) error {
	c.deadlines = append(c.deadlines, at)
	return nil
}

func TestClientThatGoesOnSendingGetsTimeToReadWhyItIsRefused(t *testing.T) {
	t.Parallel()
	sender := &client{ResponseWriter: httptest.NewRecorder()}
	request := httptest.NewRequest(http.MethodPost, "/", io.NopCloser(sender))
	began := time.Now()
	x := &exchange{request: request, http: echo.New().NewContext(request, sender)}
	x.discardBody()
	if sender.read < maxDiscarded || sender.read > maxDiscarded+restPiece {
		t.Errorf("%d bytes are read of what never ends, want %d", sender.read, maxDiscarded)
	}
	if len(sender.deadlines) != maxDiscarded/restPiece {
		t.Errorf("it got time %d times", len(sender.deadlines))
	}
	for _, deadline := range sender.deadlines {
		if deadline.Before(began.Add(restTimeout)) || deadline.After(time.Now().Add(maxRestTime)) {
			t.Errorf("it got until %s, having begun at %s", deadline, began)
		}
	}
	request.Header.Set("Expect", "100-continue")
	before := sender.read
	if x.discardBody(); sender.read != before {
		t.Error("what the client waits to send is read")
	}
}
