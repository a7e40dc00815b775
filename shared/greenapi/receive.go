package greenapi

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// The bounds of the time for which receiveNotification waits for something to hand out.
const (
	MinWait = 5 * time.Second
	MaxWait = time.Minute
)

// Received is what receiveNotification handed out. It stays the head of the instance's queue until it is deleted.
type Received struct {
	// Receipt is the receiptId, with its digits as they were written.
	Receipt string
	// Body is the notification, to the byte as it stands in the answer.
	Body []byte
	// Remote is the address of who handed it out, without its port.
	Remote string
	// Broken says that the answer was not JSON and that receipt and body were cut out of it.
	Broken bool
}

// Receive returns the head of the queue, nil when nothing came within the wait. Limit is how large an answer may be, in
// bytes. An answer from which no receipt can be read is an *Error with Unreadable; nothing can be deleted then, and the
// queue is stuck.
func (c *Client) Receive(ctx context.Context, wait time.Duration, limit int64) (*Received, error) {
	const method = "receiveNotification"
	var remote string
	answer, err := c.do(ctx, call{
		verb: http.MethodGet, method: method, wait: wait, limit: limit, remote: &remote,
		query: "?receiveTimeout=" + strconv.Itoa(int(wait/time.Second)),
	})
	if err != nil {
		return nil, err
	}
	received, err := readReceived(answer)
	if err != nil {
		return nil, c.wrap(c.unreadable(method, err.Error(), answer))
	}
	if received != nil {
		received.Remote = remote
	}
	return received, nil
}

// readReceived reads an answer to receiveNotification; nil is an empty queue, for which the documentation has null, and an
// empty body elsewhere.
func readReceived(answer []byte) (*Received, error) {
	if isNothing(answer) {
		return nil, nil //nolint:nilnil // That is the answer.
	}
	var document struct {
		ReceiptID json.RawMessage `json:"receiptId"`
		Body      json.RawMessage `json:"body"`
	}
	if err := json.Unmarshal(answer, &document); err != nil {
		return cutOut(answer)
	}
	receipt := string(bytes.Trim(document.ReceiptID, `"`))
	if !isReceipt.MatchString(receipt) {
		return nil, errors.New("the answer has no receiptId")
	}
	if len(document.Body) == 0 {
		return nil, fmt.Errorf("the answer has no body for receipt %s", receipt)
	}
	return &Received{Receipt: receipt, Body: document.Body}, nil
}

// isNothing reports whether an answer says, apart from white space, that there is nothing to hand out.
func isNothing(answer []byte) bool {
	answer = bytes.TrimSpace(answer)
	if len(answer) == 0 || string(answer) == "null" {
		return true
	}
	return answer[0] == '{' && string(bytes.TrimSpace(answer[1:])) == "}"
}

var (
	isReceipt   = regexp.MustCompile(`^[0-9]{1,20}$`)
	receiptAt   = regexp.MustCompile(`"receiptId"\s*:\s*"?([0-9]{1,20})`)
	bodyBegins  = regexp.MustCompile(`"body"\s*:`)
	errNoAnswer = errors.New("the answer is not JSON and has no receiptId in it")
)

// cutOut finds receipt and body in an answer that is not JSON, which rare notifications are. The body is what stands behind
// its name, up to the brace that ends the answer.
func cutOut(answer []byte) (*Received, error) {
	receipt, body := receiptAt.FindSubmatch(answer), bodyBegins.FindIndex(answer)
	end := bytes.LastIndexByte(answer, '}')
	if receipt == nil || body == nil || end < body[1] {
		return nil, errNoAnswer
	}
	return &Received{Receipt: string(receipt[1]), Body: bytes.TrimSpace(answer[body[1]:end]), Broken: true}, nil
}

// Delete takes the notification with the receipt out of the queue. It is false where GREEN-API has none with this receipt,
// as after a deletion whose answer was lost.
func (c *Client) Delete(ctx context.Context, receipt string) (deleted bool, err error) {
	var answer struct {
		Result bool `json:"result"`
	}
	err = c.ask(ctx, call{verb: http.MethodDelete, method: "deleteNotification", suffix: "/" + receipt}, &answer)
	return answer.Result, err
}
