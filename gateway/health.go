package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// readyTimeout is how long the readiness check may take.
const readyTimeout = 2 * time.Second

type statusDocument struct {
	Status string `json:"status"`
}

// healthy says that the process serves, whatever is behind it. A restart would not bring the store back.
func healthy(*exchange) (outcome, error) {
	return outcome{response: response{status: http.StatusOK, code: "ok", document: statusDocument{Status: "ok"}}}, nil
}

// ready says whether notifications can be taken.
func (g *Gateway) ready(x *exchange) (outcome, error) {
	if g.stopping.Load() {
		return outcome{}, fmt.Errorf("%w: %w", errNotReady, errors.New("shutting down"))
	}
	if g.settings.Ready != nil {
		// The outcome may be told to others who ask: it must not be that this client hung up.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(x.request.Context()), readyTimeout)
		defer cancel()
		if err := g.settings.Ready(ctx); err != nil {
			// Only the text: what is behind the error is not this request's to be answered by.
			return outcome{}, fmt.Errorf("%w: %s", errNotReady, err.Error())
		}
	}
	return outcome{response: response{status: http.StatusOK, code: "ready", document: statusDocument{Status: "ready"}}}, nil
}
