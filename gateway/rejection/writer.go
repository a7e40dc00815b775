package rejection

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/proof"
)

// writeTimeout is how long writing one rejection may take, and how long writing the last ones may.
const writeTimeout = 5 * time.Second

// Run writes rejections until the context ends, and then those that are left, for at most a few seconds. It can be called
// once.
func (r *Recorder) Run(ctx context.Context) {
	// What was refused before the end is written after it, so that writing has an end of its own.
	writing, giveUp := context.WithCancel(context.WithoutCancel(ctx))
	defer giveUp()
	var both sync.WaitGroup
	both.Go(func() { r.write(writing, ctx.Done()) })
	both.Go(func() { r.watch(ctx.Done()) })
	<-ctx.Done()
	defer time.AfterFunc(writeTimeout, giveUp).Stop()
	both.Wait()
	r.lines.flush()
}

// write is the one goroutine that writes, so that a slow store costs nobody else anything.
func (r *Recorder) write(ctx context.Context, stopped <-chan struct{}) {
	ticker := time.NewTicker(reportInterval)
	defer ticker.Stop()
	for {
		select {
		case next := <-r.queue:
			r.writeOne(ctx, next)
		case <-ticker.C:
			r.writeSkipped(ctx, false)
		case <-stopped:
			r.writeRest(ctx)
			r.writeSkipped(ctx, true)
			return
		}
	}
}

// writeRest writes what is in the queue. By then no request is served any more, so that nothing is added.
func (r *Recorder) writeRest(ctx context.Context) {
	for {
		select {
		case next := <-r.queue:
			r.writeOne(ctx, next)
		default:
			return
		}
	}
}

// writeOne stores one rejection. One that the store does not take is counted instead and not tried again: it is a trace for the
// operator, and behind it others wait that the store may take.
func (r *Recorder) writeOne(ctx context.Context, next queued) {
	defer next.release()
	r.complete(next)
	if err := r.publish(ctx, next.rejection); err != nil {
		r.skipped.add(kind{next.rejection.Cause, next.rejection.Source}, 1)
		r.lose("the store did not take them", err)
	}
}

// complete finds out what was wrong with a request that proved nothing, logs it, and makes the digests of its tokens. All
// of that takes long enough to be done after the answer.
func (r *Recorder) complete(next queued) {
	defer func() {
		if value := recover(); value != nil {
			r.log.Error("panic in a diagnosis", "panic", r.redactor.hide(Shorten(fmt.Sprint(value))), "stack", string(debug.Stack()))
		}
	}()
	if next.refused.Unproven != nil {
		from := r.sources[next.refused.Source]
		found := from.Verifier.Diagnose(next.refused.Unproven, from.hints)
		next.rejection.Cause, next.rejection.Detail = found.Cause, r.redactor.hide(found.Detail)
		r.report(next.refused, next.rejection.Cause, next.rejection.Detail)
	}
	if next.tokens == nil {
		return
	}
	// A digest is slow to make, so that a token that is nearly right can't be found by trying.
	next.rejection.TokenDigests = make(map[string]string, len(next.tokens))
	for name, token := range next.tokens {
		next.rejection.TokenDigests[name] = proof.HashToken(token)
	}
}

// publish stores a rejection, with a bound on its time and a panic as an error: whatever the store does, the next one is
// written.
func (r *Recorder) publish(ctx context.Context, rejection *notification.Rejection) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v", value)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return r.settings.Store.PublishRejection(ctx, rejection)
}

// lose says that rejections are not kept, once a minute for each reason.
func (r *Recorder) lose(why string, err error) {
	attributes := []any{"why", why}
	if err != nil {
		attributes = append(attributes, "error", r.redactor.hide(err.Error()))
	}
	r.lines.warn("rejection lost: "+why, "rejections are not kept", attributes...)
}

// skipped counts what was refused and not kept.
type skipped struct {
	mutex  sync.Mutex
	counts map[kind]*tally
}

// kind is a cause of a source. There are few.
type kind struct{ cause, source string }

// tally is what was counted of a kind and is not written down yet. Of one that goes on and on it is written down ever more
// rarely, so that what is only counted does not fill the store.
type tally struct {
	count uint64
	// wait is for how many minutes more it is only counted, and pause for how many the last time.
	wait, pause int
}

// maxPause is how many minutes at the most pass between two times that a kind is written down.
const maxPause = 60

// skip counts a refused request instead of keeping it.
func (r *Recorder) skip(cause, source string) {
	r.lose("there were too many", nil)
	r.skipped.add(kind{cause, source}, 1)
}

func (s *skipped) add(of kind, count uint64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.counts[of] == nil {
		s.counts[of] = &tally{}
	}
	s.counts[of].count += count
}

// due ends a minute. It returns what is to be written down, which then counts no more, and forgets kinds that are over. All is
// for the end.
func (s *skipped) due(all bool) map[kind]uint64 {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	due := map[kind]uint64{}
	for of, one := range s.counts {
		one.wait--
		switch {
		case one.wait > 0 && !all:
		case one.count == 0:
			delete(s.counts, of)
		default:
			due[of] = one.count
			one.count, one.pause = 0, min(max(2*one.pause, 1), maxPause)
			one.wait = one.pause
		}
	}
	return due
}

// writeSkipped stores a rejection for all that were counted, one for each kind that is due. What the store does not take is
// counted on.
func (r *Recorder) writeSkipped(ctx context.Context, all bool) {
	for kind, count := range r.skipped.due(all) {
		summary := &notification.Rejection{
			Cause: kind.cause, Source: kind.source, Skipped: count, ReceivedAt: time.Now().UTC(),
			Detail: fmt.Sprintf("%d more were refused since the last one of these lines and not kept, because there were too many", count),
		}
		if err := r.publish(ctx, summary); err != nil {
			r.skipped.add(kind, count)
			r.lose("the store did not take them", err)
		}
	}
}
