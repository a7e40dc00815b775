package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"sluice.internal/shared/notification"
	"sluice.internal/shared/stream/position"
)

const (
	// Times that receiveNotification waits: what is asked for, within bounds, since proxies give up after a minute; and what
	// is right for who asks for nothing, since the official PHP client gives up after 30 s.
	defaultWait = 5 * time.Second
	longestWait = 55 * time.Second
	// firstLook is when is looked once more for what was on its way into the store before anybody watched.
	firstLook = 400 * time.Millisecond
	// soon and lastLook are the first and the longest time between looks for an event that was told of.
	soon     = 5 * time.Millisecond
	lastLook = 500 * time.Millisecond
	// maxPassed is how many events that are too old are passed over before the position is stored.
	maxPassed = 1000
	// maxReceiptBody bounds a receipt that is sent as a body, and ignoredBody what is read of other bodies, in bytes.
	maxReceiptBody = 100
	ignoredBody    = 64 << 10
	// clearPause is how often a queue may be cleared. Source: GREEN-API's documentation of clearWebhooksQueue.
	clearPause = time.Minute
)

// ServeHTTP serves a request for a path of the API.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	// A listener for webhooks gives its requests less time than a long poll takes.
	controller := http.NewResponseController(w)
	_ = controller.SetReadDeadline(time.Now().Add(readTimeout)) // It fails on a connection that is gone.
	_ = controller.SetWriteDeadline(time.Now().Add(writeTimeout))
	allowPages(w)
	if request.Method == http.MethodOptions {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	c, ok := read(request)
	if !ok {
		r.refuse(w, request, http.StatusNotFound)
		return
	}
	if c.bot = r.identify(c.instance, c.token); c.bot == nil {
		r.refuse(w, request, http.StatusUnauthorized)
		return
	}
	r.serve(w, c) //nolint:contextcheck // A request has a context of its own.
}

func (r *Receiver) serve(w http.ResponseWriter, c call) {
	switch c.method {
	case "receiveNotification":
		_, _ = io.Copy(io.Discard, io.LimitReader(c.request.Body, ignoredBody)) // The Go client sends one with a GET.
		r.receive(w, c)
	case "deleteNotification":
		r.delete(w, c)
	case "getWebhooksCount":
		r.count(w, c)
	case "clearWebhooksQueue":
		r.clear(w, c)
	case "getSettings":
		r.getSettings(w, c)
	case "setSettings":
		r.setSettings(w, c)
	case "getStateInstance":
		r.getState(w, c)
	default:
		r.forward(w, c)
	}
}

func (c call) filter() position.Filter {
	return position.Filter{Source: c.bot.Source, Instance: c.instance, Types: c.bot.Types}
}

// wait is how long the request is to wait.
func (c call) wait() time.Duration {
	seconds, err := strconv.Atoi(c.request.URL.Query().Get("receiveTimeout"))
	if err != nil || seconds <= 0 {
		return defaultWait
	}
	return min(time.Duration(min(seconds, int(longestWait/time.Second)))*time.Second, longestWait)
}

// receive hands the head out, and waits for one.
func (r *Receiver) receive(w http.ResponseWriter, c call) {
	if !c.bot.waiting.begin() {
		r.unavailable(w, c, nil)
		return
	}
	defer c.bot.waiting.end()
	ctx, cancel := context.WithTimeout(c.request.Context(), c.wait())
	defer cancel()
	r.states.asked(c)
	head, err := r.await(ctx, c)
	switch {
	case err != nil:
		r.unavailable(w, c, err)
	case head == nil:
		write(w, []byte(nothing))
	default:
		r.states.handedOut(c, head)
		write(w, handedOut(receiptOf(head.Sequence), head.Body))
	}
}

// await returns the head as soon as there is one, nil at the end of the context or of the process.
func (r *Receiver) await(ctx context.Context, c call) (*notification.Event, error) {
	looking := context.WithoutCancel(ctx) // A look that has begun ends: it has a time of its own.
	head, at, err := r.head(looking, c)
	if head != nil || err != nil {
		return head, err
	}
	if err := r.goBack(looking, c, at); err != nil {
		return nil, err
	}
	coming, stop, err := r.settings.Positions.Watch(ctx, c.filter())
	if ctx.Err() != nil {
		return nil, nil //nolint:nilnil // That is the answer.
	}
	if err != nil {
		return nil, err
	}
	defer stop()
	for pause := firstLook; ; {
		// What was on its way before the watch is looked for as well. The watch tells before an event can be read.
		if head, _, err = r.head(looking, c); head != nil || err != nil {
			return head, err
		}
		timer := time.NewTimer(pause)
		select {
		case <-coming:
			pause = soon
		case <-timer.C:
			if pause *= 2; pause > lastLook {
				pause = longestWait // Nothing is on its way.
			}
		case <-r.stopping:
			timer.Stop()
			return nil, nil //nolint:nilnil // That is the answer.
		case <-ctx.Done():
			timer.Stop()
			head, _, err = r.head(looking, c)
			return head, err
		}
		timer.Stop()
	}
}

// head returns the event behind the bot's position, nil when there is none, and the position. What is too old is passed over.
func (r *Receiver) head(ctx context.Context, c call) (*notification.Event, position.Position, error) {
	for {
		if err := c.bot.began.once(ctx, r.settings.Positions, c.bot.Name); err != nil {
			return nil, position.Position{}, err
		}
		at, err := r.settings.Positions.Read(ctx, c.bot.Name, c.instance)
		if err != nil {
			return nil, at, err
		}
		to := at
		head, err := r.settings.Positions.Next(ctx, c.filter(), to.Sequence)
		for err == nil && head != nil && time.Since(head.StoredAt) > c.bot.Keep && to.PassedOver-at.PassedOver < maxPassed {
			to.Sequence, to.PassedOver = head.Sequence, to.PassedOver+1
			head, err = r.settings.Positions.Next(ctx, c.filter(), to.Sequence)
		}
		if err != nil {
			return nil, at, err
		}
		if to == at {
			return head, at, nil
		}
		to.LateAt = time.Now().UTC()
		r.states.passedOver(c, to.PassedOver-at.PassedOver)
		if _, err := r.settings.Positions.Move(ctx, c.bot.Name, c.instance, at, to); err != nil && !errors.Is(err, position.ErrMoved) {
			return nil, at, err
		}
	}
}

// delete moves the position behind the head when the receipt is the head's. Of two deletions of one head one moves it.
func (r *Receiver) delete(w http.ResponseWriter, c call) {
	text := c.rest
	if text == "" { // The asynchronous Python client sends it as a body behind a slash.
		body, _ := io.ReadAll(io.LimitReader(c.request.Body, maxReceiptBody))
		text = string(body)
	}
	number := json.Number(text)
	if _, err := number.Float64(); err != nil {
		empty(w, http.StatusBadRequest)
		return
	}
	receipt, err := strconv.ParseUint(text, 10, 64)
	deleted := false
	if err == nil && receipt > 0 && receipt <= maxReceipt {
		if deleted, err = r.deleteHead(c, receipt); err != nil {
			r.unavailable(w, c, err)
			return
		}
	}
	if deleted {
		write(w, []byte(`{"result":true,"reason":""}`))
		return
	}
	write(w, []byte(`{"result":false,"reason":"the notification was deleted earlier, or the receiptId is not that of the one received last"}`))
}

// deleteHead works on when who asked is gone: what has begun is done.
func (r *Receiver) deleteHead(c call, receipt uint64) (deleted bool, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.request.Context()), storeTimeout)
	defer cancel()
	head, at, err := r.head(ctx, c)
	if err != nil || head == nil || receiptOf(head.Sequence) != receipt {
		return false, err
	}
	to := at
	to.Sequence, to.Deleted = head.Sequence, to.Deleted+1
	_, err = r.settings.Positions.Move(ctx, c.bot.Name, c.instance, at, to)
	if errors.Is(err, position.ErrMoved) {
		return false, nil
	}
	if err == nil {
		r.states.deleted(c)
	}
	return err == nil, err
}

// storeTimeout is how long moving a position may take.
const storeTimeout = 10 * time.Second

// count answers how much waits for the bot.
func (r *Receiver) count(w http.ResponseWriter, c call) {
	ctx, cancel := context.WithTimeout(c.request.Context(), storeTimeout)
	defer cancel()
	_, at, err := r.head(ctx, c)
	var count uint64
	if err == nil {
		count, err = r.settings.Positions.Count(ctx, c.filter(), at.Sequence)
	}
	if err != nil {
		r.unavailable(w, c, err)
		return
	}
	write(w, []byte(`{"count":`+strconv.FormatUint(count, 10)+`}`))
}

// clear moves the bot's position to the end. The events stay, and can be replayed.
func (r *Receiver) clear(w http.ResponseWriter, c call) {
	if c.request.Method != http.MethodDelete {
		empty(w, http.StatusMethodNotAllowed)
		return
	}
	if left := r.states.cleared(c); left > 0 {
		write(w, []byte(`{"isCleared":false,"reason":"Too many requests","leftTime":`+strconv.Itoa(int(left/time.Second)+1)+`}`))
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.request.Context()), storeTimeout)
	defer cancel()
	for {
		end, err := r.settings.Positions.End(ctx)
		var at position.Position
		if err == nil {
			at, err = r.settings.Positions.Read(ctx, c.bot.Name, c.instance)
		}
		var waiting uint64
		if err == nil {
			waiting, err = r.settings.Positions.Count(ctx, c.filter(), at.Sequence)
		}
		if err == nil && end > at.Sequence {
			to := at
			to.Sequence, to.PassedOver = end, to.PassedOver+waiting
			_, err = r.settings.Positions.Move(ctx, c.bot.Name, c.instance, at, to)
		}
		switch {
		case errors.Is(err, position.ErrMoved):
			continue
		case err != nil:
			r.unavailable(w, c, err)
		default:
			write(w, []byte(`{"isCleared":true,"reason":""}`))
		}
		return
	}
}
