package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"sluice.internal/sluice/cli/term"
)

const (
	// maxResponseBytes is more than a gateway says, in bytes.
	maxResponseBytes = 64 << 10
	// maxMessageRunes is how much is shown of what may be a page of HTML.
	maxMessageRunes = 200
)

// sendResult is what became of a file, as --json prints it.
type sendResult struct {
	File string `json:"file"`
	// Status is 0 when there was no answer.
	Status int `json:"status,omitempty"`
	// Receipt is the place in NOTIFICATIONS, which only a stored notification has.
	Receipt   uint64 `json:"receipt,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	// Code is a stable word, the gateway's or codeUnanswered.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Duration is in milliseconds.
	Duration float64 `json:"duration_ms"`
}

// Codes for what no gateway has a word for. codeAnswered is a 200 that stores nothing, as to an endpoint verification.
const (
	codeStored     = "stored"
	codeAnswered   = "answered"
	codeUnanswered = "unanswered"
)

// String is the result for people, without the file.
func (o sendResult) String() string {
	status := "-"
	if o.Status != 0 {
		status = strconv.Itoa(o.Status)
	}
	detail := o.Message
	if o.Receipt != 0 {
		detail = "receipt " + strconv.FormatUint(o.Receipt, 10)
	}
	return fmt.Sprintf("%-3s  %s  %s", status, cmp.Or(o.Code, "-"), detail)
}

// notAnswered is the result of a request without an answer. Nobody knows whether it was stored.
func notAnswered(err error) sendResult {
	return sendResult{Code: codeUnanswered, Message: err.Error()}
}

// answered reads an answer. One that is not a gateway's, such as a proxy's, is shown as far as it can be.
func answered(response *http.Response, content []byte) sendResult {
	var document struct {
		Status, Code, Message string
		Receipt               uint64
	}
	// What is not JSON leaves the document empty, which then counts as no message.
	readable := json.Unmarshal(content, &document) == nil
	result := sendResult{
		Status: response.StatusCode, Receipt: document.Receipt,
		RequestID: term.Printable(response.Header.Get("Sluice-Request-Id")),
		Code:      term.Printable(document.Code), Message: term.Printable(document.Message),
	}
	if receipt, err := strconv.ParseUint(response.Header.Get("Sluice-Receipt"), 10, 64); err == nil {
		result.Receipt = receipt
	}
	switch {
	case response.StatusCode == http.StatusOK && result.Receipt != 0:
		result.Code = codeStored
	case response.StatusCode == http.StatusOK && result.RequestID != "": // A gateway's, as to a challenge.
		result.Code, result.Message = codeAnswered, summarize(content, response.StatusCode)
	case response.StatusCode == http.StatusOK:
		result.Message = "the answer has no receipt; is that a gateway of Sluice?"
	case !readable || result.Message == "":
		result.Message = summarize(content, response.StatusCode)
	}
	return result
}

// summarize is the beginning of an answer that is no document of a gateway, in one line.
func summarize(content []byte, status int) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(content), "\uFFFD")), " ")
	return cmp.Or(term.Shorten(term.Printable(text), maxMessageRunes), http.StatusText(status))
}

// sendTotals counts what was sent.
type sendTotals struct {
	// total are the files, sent those that were tried, stored those that were answered 200.
	total, sent, stored int
	// refusedToken and unanswered say that at least one was.
	refusedToken, unanswered bool
}

// add counts a file by its status alone: a code is for people, and another gateway may have others.
func (t *sendTotals) add(o sendResult) {
	t.sent++
	switch o.Status {
	case http.StatusOK:
		t.stored++
	case http.StatusUnauthorized:
		t.refusedToken = true
	case 0:
		t.unanswered = true
	}
}

// err is nil when all were answered 200, else it says in sentences what was not, and what is likely to be the cause.
func (t *sendTotals) err(to destination) error {
	if t.stored == t.total {
		return nil
	}
	sentences := []error{fmt.Errorf("%d of %s answered 200", t.stored, term.Counted(t.total, "file"))}
	if t.total == 1 {
		sentences = []error{errors.New("the file was not answered 200")}
	}
	if rest := t.total - t.sent; t.unanswered && rest > 0 {
		sentences = append(sentences, fmt.Errorf("%s not sent, so as not to overtake the one without an answer", term.Counted(rest, "file")))
	}
	if t.refusedToken && to.token == "" {
		sentences = append(sentences, errors.New("no token was sent; set SLUICE_TOKEN or name a file with --token-file"))
	}
	return errors.Join(sentences...)
}
