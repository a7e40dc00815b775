package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// readyPatience is how long the readiness check may take.
const readyPatience = 2 * time.Second

type statusDocument struct {
	Status string `json:"status"`
}

// healthy says that the process serves, whatever is behind it. A restart would not bring the store back.
func healthy(*visit) (answer, error) {
	return answer{status: http.StatusOK, code: "ok", document: statusDocument{Status: "ok"}}, nil
}

// ready says whether notifications can be taken.
func (g *Gateway) ready(v *visit) (answer, error) {
	if g.stopping.Load() {
		return answer{}, fmt.Errorf("%w: %w", errNotReady, errors.New("shutting down"))
	}
	if g.settings.Ready != nil {
		ctx, cancel := context.WithTimeout(v.request.Context(), readyPatience)
		defer cancel()
		if err := g.settings.Ready(ctx); err != nil {
			// Only the text: what is behind the error is not this request's to be answered by.
			return answer{}, fmt.Errorf("%w: %s", errNotReady, err.Error())
		}
	}
	return answer{status: http.StatusOK, code: "ready", document: statusDocument{Status: "ready"}}, nil
}
