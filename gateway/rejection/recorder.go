package rejection

import (
	"bytes"
	"context"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
	"sluice.internal/shared/source"
)

const (
	// recordRate and recordBurst are how many rejections of a source are kept in a second for long, and at once. The burst
	// is also how many of all sources may be in memory.
	recordRate  = 20
	recordBurst = 100
	// minBody is how many bytes of a body are kept when there is no memory left, and strangersBody of one whose sender is
	// neither authenticated nor known. incompleteBody is how much is kept of a body that is not there as a whole.
	minBody        = 8 << 10
	strangersBody  = 1 << 20
	incompleteBody = 64 << 10
	// strangersRate and strangersBurst are how many bytes of strangers' bodies are kept in a second for long, and at once. The
	// store frees capacity every two seconds, and until then takes nothing beyond it. Of what is over a little is kept.
	strangersRate  = 2 << 20
	strangersBurst = 16 << 20
	// Of requests at paths where no source listens little is kept, since most come from those who try every host: strayRate
	// and strayBurst of them, nearRate and nearBurst of those whose path is nearly that of a source, and strayBody bytes of a
	// body.
	strayRate  = 0.2
	strayBurst = 10
	nearRate   = 5
	nearBurst  = 50
	strayBody  = 256 << 10
)

// Refused is a request that was refused, and what is known of it. Nothing in it is changed.
type Refused struct {
	// Source is the name of the source whose path was called; empty for other paths. Nearest is then the source with nearly
	// that path, nil when there is none.
	Source  string
	Nearest *source.Configured
	// Request is the request as it came. Its Body is read on where it was not read and is worth keeping.
	Request *http.Request
	// Path is what is kept of the path: what may be a secret in it is redacted. PathSecret is that part, empty where there is
	// none.
	Path, PathSecret string
	// RequestID is the one that the client gets.
	RequestID string
	// Client is where it comes from, the zero Addr when that is not known.
	Client netip.Addr
	// At is when it came.
	At time.Time
	// Body is what was read of the body. BodyBegun says that reading began, BodyComplete that it got to the end.
	Body                    []byte
	BodyBegun, BodyComplete bool
	// Authenticated says that address and proof were right.
	Authenticated bool
	// Unproven is the request as it did not prove where it comes from, nil for other refusals. Then the cause is found out
	// after the answer.
	Unproven *proof.Request
	// Code is what the client is told. Cause is a stable word, and Detail a sentence for the operator.
	Code, Cause, Detail string
	// Keep asks for a rejection.
	Keep bool
	// Quiet says that the log has it already.
	Quiet bool
}

// calls returns the name of the source that was called, or nearly.
func (r *Refused) calls() string {
	if r.Nearest != nil {
		return r.Nearest.Name
	}
	return r.Source
}

// meant returns the source that the request was probably meant for, which is the given one where the path says no other.
func (r *Refused) meant(called *source.Configured) *source.Configured {
	if r.Nearest != nil {
		return r.Nearest
	}
	return called
}

// Store is where rejections go. It is used concurrently.
type Store interface {
	// PublishRejection stores a refused request.
	PublishRejection(ctx context.Context, r *notification.Rejection) error
}

// Settings are what a Recorder needs to know.
type Settings struct {
	Store Store
	Log   *slog.Logger
	// Sources are all that a Refused may name.
	Sources []*source.Configured
	// Memory is how much bodies may take until they are stored, in bytes. Half of it is for those who are not authenticated.
	Memory int64
	// Alert tells the operator and does not block. Nil leaves it to the log.
	Alert func(alert notification.Alert)
}

// Recorder keeps refused requests for the operator. It is safe for concurrent use.
type Recorder struct {
	settings Settings
	log      *slog.Logger
	redactor redactor
	lines    *summaries
	failures *failures
	recent   *recentSenders
	sources  map[string]*sourceState
	queue    chan queued
	// Unauthenticated and authenticated requests have their own bounds: whoever floods a public path with wrong tokens must
	// not hide that a known sender's body was too large, or that a sender's secret is suddenly wrong.
	unauthenticated, authenticated bounds
	skipped                        skipped
	// strangersBytes bounds what requests of strangers bring to the store, whichever source they call.
	strangersBytes *rate.Limiter
}

// sourceState is a source at run time.
type sourceState struct {
	*source.Configured

	// hints are what a diagnosis of its requests needs to know.
	hints                          proof.Hints
	unauthenticated, authenticated *rate.Limiter
	spike                          spike
}

// queued is a rejection on its way to the store.
type queued struct {
	rejection *notification.Rejection
	// refused is what it was made of, without the request and its body.
	refused Refused
	// tokens are those whose digests are kept.
	tokens map[string]string
	// release gives back the memory that it takes.
	release func()
}

// New makes a recorder. Nothing is written before Run.
func New(settings Settings) *Recorder {
	newBounds := func() bounds {
		return bounds{make(chan struct{}, recordBurst), semaphore.NewWeighted(settings.Memory / 2)}
	}
	r := &Recorder{
		settings: settings, log: settings.Log, redactor: newRedactor(settings.Sources), lines: newSummaries(settings.Log),
		failures: newFailures(), recent: newRecentSenders(), sources: map[string]*sourceState{},
		queue: make(chan queued, 2*recordBurst), unauthenticated: newBounds(), authenticated: newBounds(),
		skipped: skipped{counts: map[kind]*tally{}}, strangersBytes: rate.NewLimiter(strangersRate, strangersBurst),
	}
	verifiers := map[string]*proof.Verifier{}
	for _, from := range settings.Sources {
		if from.Verifier != nil {
			verifiers[from.Name] = from.Verifier
		}
	}
	for _, from := range settings.Sources {
		others := maps.Clone(verifiers)
		delete(others, from.Name)
		r.sources[from.Name] = &sourceState{
			Configured: from, hints: proof.Hints{Others: others, SignatureHeaders: source.SignatureHeaders()},
			unauthenticated: rate.NewLimiter(recordRate, recordBurst), authenticated: rate.NewLimiter(recordRate, recordBurst),
		}
	}
	r.sources[""] = &sourceState{
		Configured:      &source.Configured{Reads: []proof.Fields{proof.FieldsOf(proof.Token("Authorization"))}, BodyLimit: strayBody},
		unauthenticated: rate.NewLimiter(strayRate, strayBurst), authenticated: rate.NewLimiter(nearRate, nearBurst),
	}
	return r
}

// NoteSender remembers that an authenticated request came from the address: when it begins to fail, that is worth
// keeping even in a flood of others.
func (r *Recorder) NoteSender(source string, client netip.Addr) { r.recent.note(source, client) }

// Hide takes the secrets of all sources out of a text.
func (r *Recorder) Hide(text string) string { return r.redactor.hide(text) }

// Limit counts a refused request of a source. It reports whether there were too many that proved nothing of its address:
// then the request is neither kept nor looked into. An authenticated request is never limited.
func (r *Recorder) Limit(source, cause string, client netip.Addr, authenticated bool) (limited bool) {
	r.sources[source].spike.add()
	if authenticated || r.failures.spend(source, client) {
		return false
	}
	r.skip(cause, source)
	return true
}

// Record keeps the refused request, if that is asked for and there is room, and logs it. Where the cause has to be found
// out it is logged after that.
func (r *Recorder) Record(refused Refused) {
	if !refused.Keep || !r.keep(refused) {
		r.report(refused, refused.Cause, refused.Detail)
	}
}

// keep queues a refused request, and reports whether its cause is found out and logged later. No more of a body is read
// than there is room for.
func (r *Recorder) keep(refused Refused) (diagnosed bool) {
	from := r.sources[refused.Source]
	in, limit, maxBody := r.unauthenticated, from.unauthenticated, min(from.BodyLimit, strangersBody)
	known := refused.Authenticated || r.recent.knows(refused.calls(), refused.Client)
	if known {
		in, limit, maxBody = r.authenticated, from.authenticated, from.BodyLimit
	} else if refused.Nearest != nil {
		limit = from.authenticated
	}
	if !in.enter(limit) {
		r.skip(refused.Cause, refused.Source)
		return false
	}
	body, whole, release := in.body(refused, maxBody)
	if size := len(body); !known && size > minBody && !r.strangersBytes.AllowN(time.Now(), size) {
		body, whole = bytes.Clone(body[:minBody]), false
	}
	rejection := &notification.Rejection{
		Cause: refused.Cause, Detail: r.redactor.hide(refused.Detail), Source: refused.Source,
		Method: refused.Request.Method, Path: r.redactor.hide(refused.Path),
		Query:         r.redactor.query(refused.Request, refused.meant(from.Configured)),
		Header:        r.redactor.header(refused.Request, refused.meant(from.Configured)),
		RemoteAddress: clientText(refused.Client), RequestID: refused.RequestID,
		ContentType: r.redactor.hide(refused.Request.Header.Get("Content-Type")),
		ReceivedAt:  refused.At, Body: body, Truncated: !whole, Known: known,
	}
	next := queued{rejection: rejection, refused: refused, tokens: tokensOf(refused, refused.meant(from.Configured)), release: release}
	// What is queued holds no more of the request than is needed later, and of its body only what was counted.
	next.refused.Request, next.refused.Body, next.refused.Unproven = nil, nil, unprovenWith(refused.Unproven, body)
	r.queue <- next // It has room for all that have a slot.
	return next.refused.Unproven != nil
}

// unprovenWith returns the request for a diagnosis with what was kept of its body, nil when that is too little to find out
// anything. What is not looked at need not be there.
func unprovenWith(unproven *proof.Request, kept []byte) *proof.Request {
	if unproven == nil || len(kept) < min(len(unproven.Body), proof.MaxDiagnosedBody+1) {
		return nil
	}
	same := *unproven
	same.Body = kept[:min(len(kept), len(unproven.Body))]
	return &same
}

// clientText is a client's address as text, empty when it is not known.
func clientText(client netip.Addr) string {
	if !client.IsValid() {
		return ""
	}
	return client.String()
}
