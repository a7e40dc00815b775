package cli

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

const (
	// longestAnswer is more than a gateway says, in bytes.
	longestAnswer = 64 << 10
	// longestMessage is how much is shown of what may be a page of HTML.
	longestMessage = 200
)

// outcome is what became of a file, as --json prints it.
type outcome struct {
	File string `json:"file"`
	// Status is 0 when there was no answer.
	Status    int    `json:"status,omitempty"`
	Receipt   uint64 `json:"receipt,omitempty"`
	RequestID string `json:"request_id,omitempty"`
	// Code is a stable word, the gateway's or codeUnanswered.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// Duration is in milliseconds.
	Duration float64 `json:"duration_ms"`
}

const (
	codeStored     = "stored"
	codeAnswered   = "answered"
	codeUnanswered = "unanswered"
)

// String is the outcome for people, without the file.
func (o outcome) String() string {
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

func unanswered(err error) outcome {
	return outcome{Code: codeUnanswered, Message: err.Error()}
}

// answered reads an answer. One that is not a gateway's, such as a proxy's, is shown as far as it can be.
func answered(response *http.Response, content []byte) outcome {
	var document struct {
		Status, Code, Message string
		Receipt               uint64
	}
	readable := json.Unmarshal(content, &document) == nil
	result := outcome{
		Status: response.StatusCode, Receipt: document.Receipt,
		RequestID: printable(response.Header.Get("Sluice-Request-Id")),
		Code:      printable(document.Code), Message: printable(document.Message),
	}
	if receipt, err := strconv.ParseUint(response.Header.Get("Sluice-Receipt"), 10, 64); err == nil {
		result.Receipt = receipt
	}
	switch {
	case response.StatusCode == http.StatusOK && result.Receipt != 0:
		result.Code = codeStored
	case response.StatusCode == http.StatusOK && result.RequestID != "": // A gateway's, as to a challenge.
		result.Code, result.Message = codeAnswered, gist(content, response.StatusCode)
	case response.StatusCode == http.StatusOK:
		result.Message = "the answer has no receipt; is that a gateway of Sluice?"
	case !readable || result.Message == "":
		result.Message = gist(content, response.StatusCode)
	}
	return result
}

// gist is the beginning of an answer that is no document of a gateway, in one line.
func gist(content []byte, status int) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(content), "\uFFFD")), " ")
	return cmp.Or(shorten(printable(text), longestMessage), http.StatusText(status))
}

// tally counts what was sent.
type tally struct {
	total, sent, stored int
	refusedToken        bool
	unanswered          bool
}

func (t *tally) add(o outcome) {
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

// verdict is nil when all were answered 200, else it says in sentences what was not.
func (t *tally) verdict(to inlet) error {
	if t.stored == t.total {
		return nil
	}
	sentences := []error{fmt.Errorf("%d of %s answered 200", t.stored, counted(t.total, "file"))}
	if t.total == 1 {
		sentences = []error{errors.New("the file was not answered 200")}
	}
	if rest := t.total - t.sent; t.unanswered && rest > 0 {
		sentences = append(sentences, fmt.Errorf("%s not sent, so as not to overtake the one without an answer", counted(rest, "file")))
	}
	if t.refusedToken && to.token == "" {
		sentences = append(sentences, errors.New("no token was sent; set SLUICE_TOKEN or name a file with --token-file"))
	}
	return errors.Join(sentences...)
}
