package gateway

import (
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"time"

	"github.com/labstack/echo/v4"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/source"
)

// visit is one request on its way through the gateway. One goroutine uses it.
type visit struct {
	http    echo.Context
	request *http.Request
	// from is the source whose path was called, nil for other paths.
	from *inlet
	// id is made here and never taken from the client: a repeated one would make the store take another
	// notification for a repetition.
	id string
	// client is where the request comes from, the zero Addr when that is not known.
	client netip.Addr
	began  time.Time
	// at is when the request came.
	at time.Time
	// kept is the rejection that is looked at once more, nil for a request that comes.
	kept *notification.Rejection
	// peer is the client's certificate, verified; nil without one.
	peer *x509.Certificate
	// admitted says that address and proof were right.
	admitted bool
	// refused is what did not prove who sends, nil otherwise.
	refused *source.Request
	// metered says that the memory for the body is taken as it comes, so that none is set aside on the client's word.
	metered bool
	// read is what was read of the body, incomplete when reading ended before the body did.
	read       []byte
	incomplete bool
	// stored is the notification with its receipt, nil unless it was stored.
	stored *notification.Notification
}

// serveFunc serves a visit: with an answer, or with an error that says why not.
type serveFunc func(v *visit) (answer, error)

// handle is what every request passes: it serves it, turns an error into an answer, and answers.
//
//nolint:contextcheck,nolintlint // Callers of New are told: but a request has a context of its own.
func (g *Gateway) handle(from *inlet, serve serveFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		v := g.newVisit(c, from)
		reply, err := g.guard(v, serve)
		if err != nil {
			reply = g.refuse(v, err)
		}
		v.write(reply)
		g.observe(v, reply)
		return nil
	}
}

// routingError serves what the router had no handler for.
func (g *Gateway) routingError(err error, c echo.Context) {
	_ = g.handle(nil, func(*visit) (answer, error) { return answer{}, err })(c) // It returns none.
}

func (g *Gateway) newVisit(c echo.Context, from *inlet) *visit {
	now := time.Now()
	return &visit{
		http:    c,
		request: c.Request(),
		from:    from,
		id:      rand.Text(),
		client:  g.clients.of(c.Request()),
		peer:    g.peers.of(c.Request()),
		began:   now,
		at:      now.UTC(),
	}
}

// guard keeps a panic from ending more than its request.
func (g *Gateway) guard(v *visit, serve serveFunc) (reply answer, err error) {
	defer func() {
		if value := recover(); value != nil {
			g.log.Error("panic in a request", "panic", g.secrets.hide(shorten(fmt.Sprint(value))),
				"stack", string(debug.Stack()), "source", v.source(), "request_id", v.id)
			err = errPanic
		}
	}()
	return serve(v)
}

// observe sees every request once, when it was answered. Metrics belong here: reply.code is one of few, and
// time.Since(v.began) the duration.
func (g *Gateway) observe(v *visit, reply answer) {
	ctx := v.request.Context()
	if !g.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attributes := []slog.Attr{
		slog.String("code", reply.code), slog.Int("status", reply.status), slog.String("source", v.source()),
		slog.String("remote", v.remote()), slog.String("request_id", v.id),
		slog.Duration("duration", time.Since(v.began)),
	}
	if v.stored == nil {
		g.log.LogAttrs(ctx, slog.LevelDebug, "request answered", attributes...)
		return
	}
	g.log.LogAttrs(ctx, slog.LevelDebug, "notification stored", append(attributes,
		slog.String("type", shorten(v.stored.Type)), slog.String("instance", shorten(v.stored.Instance)),
		slog.Uint64("receipt", v.stored.Sequence), slog.Int("bytes", len(v.stored.Body)))...)
}

// write sends the answer. A client that is gone by now can't be told anything.
func (v *visit) write(reply answer) {
	v.setHeader("Sluice-Request-Id", v.id)
	if len(v.request.TransferEncoding) > 0 {
		// It may have had a length beside the chunks, which net/http passes over. What a proxy that went by the length took
		// for the rest of it is not read as another request.
		v.setHeader("Connection", "close")
	}
	if reply.text != "" {
		v.setHeader("X-Content-Type-Options", "nosniff") // What is sent back is the client's.
		_ = v.http.String(reply.status, reply.text)
		return
	}
	_ = v.http.JSON(reply.status, reply.document)
}

func (v *visit) setHeader(name, value string) { v.http.Response().Header().Set(name, value) }

// hurry leaves the client little time for the rest of a body that nobody wants: the server reads it before it
// answers, and a slow one must not hold it up.
func (v *visit) hurry() {
	// It fails on a connection that is gone, where nothing is left to hurry.
	_ = http.NewResponseController(v.http.Response()).SetReadDeadline(time.Now().Add(restPatience))
}

// remote is the client's address as text, empty when it is not known.
func (v *visit) remote() string {
	if !v.client.IsValid() {
		return ""
	}
	return v.client.String()
}

func (v *visit) source() string {
	if v.from == nil {
		return ""
	}
	return v.from.Name
}
