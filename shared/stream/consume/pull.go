package consume

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	// lateTime is how long messages of a request may come after the server has ended it.
	lateTime = time.Second
	// maxRest bounds how long what is on its way then may take. The largest body comes in that time over any line that
	// could carry the notifications of one sender.
	maxRest = time.Minute
)

// pullRequest is what the server is asked for. Source: NATS ADR-13, ADR-42.
type pullRequest struct {
	Expires  time.Duration `json:"expires"`
	Batch    int           `json:"batch"`
	MaxBytes int64         `json:"max_bytes,omitempty"`
	Group    string        `json:"group,omitempty"`
	PinID    string        `json:"id,omitempty"`
}

// pull is one request for messages of a consumer, from its beginning to its end.
//
// The client of NATS has requests too, but it takes one for ended as soon as the server says so. A consumer with replicas
// sends a message only once these know of it, and says that a request reached its bound in bytes before the last messages
// have come; they would be lost. The server also says how many messages of the request are left over, so it is known here
// how many are still to come. It is not safe for concurrent use.
type pull struct {
	conn         *nats.Conn
	subscription *nats.Subscription
	messages     chan *nats.Msg
	expired      context.Context //nolint:containedctx // It is the request's time.
	cancel       context.CancelFunc
	// over says that nothing more comes.
	over     bool
	count    int // of the messages that come: those asked for, until the server says that it ends with fewer
	received int
	tooLarge bool  // the next message is larger than the bound
	failure  error // why there are no more messages; nil where the request has only ended
}

// newPull asks a consumer for messages.
func newPull(ctx context.Context, js jetstream.JetStream, stream, consumer string, request pullRequest) (*pull, error) {
	data, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	conn := js.Conn()
	p := &pull{conn: conn, messages: make(chan *nats.Msg, request.Batch+1), count: request.Batch} // One place for how it ended.
	inbox := conn.NewInbox()
	if p.subscription, err = conn.ChanSubscribe(inbox, p.messages); err != nil {
		return nil, err
	}
	prefix := strings.TrimSuffix(js.Options().APIPrefix, ".")
	if prefix == "" {
		prefix = strings.TrimSuffix(jetstream.DefaultAPIPrefix, ".")
	}
	if err := conn.PublishRequest(prefix+".CONSUMER.MSG.NEXT."+stream+"."+consumer, inbox, data); err != nil {
		_ = p.subscription.Unsubscribe() // The connection is closed.
		return nil, err
	}
	p.expired, p.cancel = context.WithTimeout(ctx, request.Expires+lateTime)
	return p, nil
}

// next returns the next message. Without one, open reports whether more may come: when it should not wait and none is
// there, or when the context ended. It is false once the request has ended.
func (p *pull) next(ctx context.Context, wait bool) (message *nats.Msg, open bool) {
	for p.failure == nil && p.received < p.count {
		message := p.take(ctx, wait)
		switch {
		case message != nil && isStatus(message):
			p.end(message)
		case message != nil:
			p.received++
			return message, true
		case p.over:
			return nil, false
		default:
			return nil, true
		}
	}
	return nil, false
}

// take returns what comes next, nil when nothing does.
func (p *pull) take(ctx context.Context, wait bool) *nats.Msg {
	if message := p.here(); message != nil || !wait {
		return message
	}
	select {
	case message := <-p.messages:
		return message
	case <-p.expired.Done():
		if errors.Is(p.expired.Err(), context.Canceled) || !p.conn.IsConnected() {
			p.over = true
			return nil
		}
		return p.rest(ctx)
	case <-ctx.Done():
		return nil
	}
}

// here returns a message that has come, nil of none.
func (p *pull) here() *nats.Msg {
	select {
	case message := <-p.messages:
		return message
	default:
		return nil
	}
}

// rest returns what was on its way when the request's time was over. A large body may take longer over its line than the
// request has; asked for anew it would come from its beginning, again and again. What the server has sent comes before its
// answer to a ping, so that nobody waits for what was never sent. The wait ends when the connection falls as well.
func (p *pull) rest(ctx context.Context) *nats.Msg {
	bounded, cancel := context.WithTimeout(ctx, maxRest)
	defer cancel()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		_ = p.conn.FlushWithContext(bounded) // Without an answer nothing comes either.
	}()
	select {
	case message := <-p.messages:
		return message
	case <-answered:
		message := p.here()
		p.over = message == nil
		return message
	case <-ctx.Done():
		return nil
	}
}

// end notes what the server says about the request: that it has ended, and with how many messages.
func (p *pull) end(status *nats.Msg) {
	code, text := status.Header.Get("Status"), strings.ToLower(status.Header.Get("Description"))
	left, err := strconv.Atoi(status.Header.Get("Nats-Pending-Messages"))
	if err != nil {
		left = p.count // It had delivered nothing, or it is not known; what is missed then is noticed by its number.
	}
	switch {
	case code == "100":
		return
	case code == "404", code == "408":
	case code == "423":
		p.failure = jetstream.ErrPinIDMismatch
	case code == "400":
		p.failure = jetstream.ErrBadRequest
	case code == "503":
		p.failure = nats.ErrNoResponders
	case strings.Contains(text, "exceeds maxbytes"):
		p.tooLarge = left == p.count
	case strings.Contains(text, "batch completed"):
	case strings.Contains(text, "consumer deleted"):
		p.failure = jetstream.ErrConsumerDeleted
	default:
		p.failure = fmt.Errorf("%s: %s", code, text)
	}
	p.count = max(p.count-left, 0)
}

// isStatus reports whether a message is one of the server's about the request.
func isStatus(message *nats.Msg) bool {
	return message.Reply == "" && len(message.Data) == 0 && message.Header.Get("Status") != ""
}

// drain ends the request and returns the messages that have come for it and were not taken. Where the last must not be
// missed, it waits for what the server has sent until then.
func (p *pull) drain(last bool) []*nats.Msg {
	if last && p.subscription.Drain() == nil {
		_ = p.conn.FlushTimeout(lateTime) // What a server that does not answer has sent comes again.
	}
	p.close()
	var messages []*nats.Msg
	for {
		select {
		case message := <-p.messages:
			if !isStatus(message) {
				messages = append(messages, message)
			}
		default:
			return messages
		}
	}
}

// close ends the request. After that the server sends nothing more for it.
func (p *pull) close() {
	p.cancel()
	if err := p.subscription.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return // It was not subscribed any more.
	}
}
