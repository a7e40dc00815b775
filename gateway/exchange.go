package gateway

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"sluice.internal/gateway/connections"
	"sluice.internal/gateway/rejection"
	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

const (
	// maxFields is how many fields of different names a header may have. Each takes far more memory than its bytes.
	maxFields = 200
	// usualHeader is the size of a header, in bytes, that is not counted by itself, and headerCopies how many times its size
	// another one takes: as fields, and as what is kept of them.
	usualHeader  = 4 << 10
	headerCopies = 3
)

// exchange is one request and its answer. It has only what is known from the start: functions return what they find out
// later. One goroutine uses it.
type exchange struct {
	http    echo.Context
	request *http.Request
	// source is the one whose path was called, nil for other paths.
	source *source.Configured
	// id is made here and never taken from the client: a repeated one would make the store take another
	// notification for a repetition.
	id string
	// client is where the request comes from, the zero Addr when that is not known.
	client netip.Addr
	// began is when the request came.
	began time.Time
	// proof is the request as verifiers see it, still without its body. It is empty where there is no source.
	proof proof.Request
}

// outcome is what serving an exchange found out. Where it ended with an error, it has what was found out before that.
type outcome struct {
	// response is what the client gets, unless there was an error.
	response response
	// authenticated says that address and proof were right.
	authenticated bool
	// secret is the index of the secret that the request was made with, 0 where it needs none.
	secret int
	// body is what was read of it, as it came.
	body received
	// stored is the notification with its receipt, nil unless it was stored.
	stored *notification.Notification
}

// serveFunc serves an exchange: with a response, or with an error that says why not.
type serveFunc func(x *exchange) (outcome, error)

// handle is what every request passes: it serves it, turns an error into a response, and writes that.
//
//nolint:contextcheck,nolintlint // Callers of New are told: but a request has a context of its own.
func (g *Gateway) handle(from *source.Configured, serve serveFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := g.newExchange(c, from)
		g.counts.Begin()
		found, err := g.guard(x, serve)
		if found.authenticated {
			x.markKnown()
			g.rejections.NoteSender(x.source.Name, x.client)
		}
		if err != nil {
			found.response = g.refuse(x, found, err)
		}
		x.write(found)
		g.observe(x, found)
		return nil
	}
}

// routingError serves what the router had no handler for.
func (g *Gateway) routingError(err error, c echo.Context) {
	serve := func(*exchange) (outcome, error) { return outcome{}, err }
	if errors.Is(err, echo.ErrNotFound) {
		serve = g.unknownPath
	}
	_ = g.handle(nil, serve)(c) // It returns none.
}

func (g *Gateway) newExchange(c echo.Context, from *source.Configured) *exchange {
	request := c.Request()
	x := &exchange{
		http: c, request: request, source: from, id: rand.Text(), began: time.Now(), client: g.clients.Address(request),
	}
	if from != nil {
		x.proof = proof.Request{
			Method: request.Method, Path: pathAsSent(request), Rest: restOf(request.URL.Path, from), Query: request.URL.Query(), RawQuery: request.URL.RawQuery,
			Header: request.Header, Remote: x.client, Peer: g.peers.of(request), At: x.began.UTC(),
		}
	}
	return x
}

// restOf is what follows the source's own path, without slashes around it: a secret, for some.
func restOf(path string, from *source.Configured) string {
	return strings.Trim(strings.TrimPrefix(path, from.Path), "/")
}

// guard keeps a panic from ending more than its request.
func (g *Gateway) guard(x *exchange, serve serveFunc) (found outcome, err error) {
	defer func() {
		if value := recover(); value != nil {
			g.log.Error("panic in a request", "panic", g.rejections.Hide(rejection.Shorten(fmt.Sprint(value))),
				"stack", string(debug.Stack()), "source", x.sourceName(), "request_id", x.id)
			found, err = outcome{}, errPanic
		}
	}()
	if fields := len(x.request.Header); fields > maxFields {
		return outcome{}, fmt.Errorf("%w: it has %d fields, %d are taken", errHeaderTooLarge, fields, maxFields)
	}
	return serve(x)
}

// observe sees every request once, when it was answered.
func (g *Gateway) observe(x *exchange, found outcome) {
	bytes := 0
	if found.stored != nil {
		bytes = len(found.stored.Body)
	}
	g.counts.End(x.sourceName(), found.response.code, time.Since(x.began), bytes)
	ctx := x.request.Context()
	if !g.log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	attributes := []slog.Attr{
		slog.String("code", found.response.code), slog.Int("status", found.response.status),
		slog.String("source", x.sourceName()), slog.String("remote", clientText(x.client)),
		slog.String("request_id", x.id), slog.Duration("duration", time.Since(x.began)),
	}
	if found.stored == nil {
		g.log.LogAttrs(ctx, slog.LevelDebug, "request answered", attributes...)
		return
	}
	g.log.LogAttrs(ctx, slog.LevelDebug, "notification stored", append(attributes,
		slog.String("type", rejection.Shorten(found.stored.Type)),
		slog.String("instance", rejection.Shorten(found.stored.Instance)),
		slog.Uint64("receipt", found.stored.Sequence), slog.Int("bytes", len(found.stored.Body)))...)
}

// write sends the response. A client that is gone by now can't be told anything.
func (x *exchange) write(found outcome) {
	reply := found.response
	x.setHeader("Sluice-Request-Id", x.id)
	if found.stored != nil {
		x.setHeader("Sluice-Receipt", strconv.FormatUint(found.stored.Sequence, 10))
	}
	if len(x.request.TransferEncoding) > 0 {
		// It may have had a length beside the chunks, which net/http passes over. What a proxy that went by the length took
		// for the rest of it is not read as another request.
		x.setHeader("Connection", "close")
	}
	if reply.retryAfter > 0 {
		x.setHeader("Retry-After", strconv.Itoa(int(reply.retryAfter.Seconds())))
	}
	if reply.status == http.StatusUnauthorized {
		x.setHeader("WWW-Authenticate", "Bearer")
	}
	if own := reply.reply; own != nil {
		x.writeOwn(own)
		return
	}
	_ = x.http.JSON(reply.status, reply.document)
}

// writeOwn sends what the sender wants to read.
func (x *exchange) writeOwn(reply *source.Reply) {
	if reply.Body == "" {
		_ = x.http.NoContent(reply.Status) // Which is "without a body", whatever the status is.
		return
	}
	x.setHeader("X-Content-Type-Options", "nosniff") // Some of it may be the client's.
	_ = x.http.Blob(reply.Status, reply.ContentType, []byte(reply.Body))
}

func (x *exchange) setHeader(name, value string) { x.http.Response().Header().Set(name, value) }

// SetReadDeadline bounds the reading of the body, also the one that is under way.
func (x *exchange) SetReadDeadline(at time.Time) error {
	return http.NewResponseController(x.http.Response()).SetReadDeadline(at)
}

// markKnown remembers that the client's connection is a sender's, so that it is the last to give way to others.
func (x *exchange) markKnown() {
	connections.MarkKnown(x.request.Context())
}

// headerMemory returns about how much memory the header takes, in bytes; 0 for one of the usual size, which the bound of
// connections covers.
func (x *exchange) headerMemory() int64 {
	size := connections.HeaderSize(x.request.Context())
	if size <= usualHeader {
		return 0
	}
	return headerCopies * size
}

// shortenDeadline leaves the client little time for the rest of a body that nobody wants: the server reads it before
// it answers, and a slow one must not hold it up.
func (x *exchange) shortenDeadline() {
	// It fails on a connection that is gone, where there is nothing left to shorten.
	_ = x.SetReadDeadline(time.Now().Add(restTimeout))
}

// sourceName is the name of the source whose path was called, empty for other paths.
func (x *exchange) sourceName() string {
	if x.source == nil {
		return ""
	}
	return x.source.Name
}
