package greenapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Reason says in one of few words why a call failed.
type Reason string

// The reasons. What to do about each is for the caller to say.
const (
	// Unauthorized is status 401: the token is not this instance's.
	Unauthorized Reason = "unauthorized"
	// NoInstance is status 403 or 404: there is no such instance at this host.
	NoInstance Reason = "no-instance"
	// WebhookSet is status 400 with the sentence that notifications go to a webhookUrl.
	WebhookSet Reason = "webhook-set"
	// Starting is status 400 with the sentence that the instance is starting.
	Starting Reason = "starting"
	// Inactive is status 400 with the sentence that the instance expired, was deleted or is not authorized.
	Inactive Reason = "inactive"
	// Invalid is status 400 for any other cause, 413 or 422: what was asked for is refused, and will be again.
	Invalid Reason = "invalid"
	// TooManyRequests is status 429.
	TooManyRequests Reason = "too-many-requests"
	// QuotaExceeded is status 466: the tariff allows no more.
	QuotaExceeded Reason = "quota-exceeded"
	// Unreadable is status 200 with an answer that is not what the documentation says.
	Unreadable Reason = "unreadable"
	// Unavailable is everything else: another status, a connection that was cut or never came, no answer in time.
	Unavailable Reason = "unavailable"
	// Cancelled says that the caller gave up.
	Cancelled Reason = "cancelled"
)

// Error is why a call failed. It has no token in it.
type Error struct {
	Reason Reason
	// Method is the API's, such as "receiveNotification".
	Method string
	// Status is the answer's, 0 when there was none.
	Status int
	// Text says what went wrong, from GREEN-API or from the network.
	Text string
	// Answer is the beginning of an answer that could not be read.
	Answer string
	// RetryAfter is how long GREEN-API asks to wait, 0 when it does not say.
	RetryAfter time.Duration
	// MayBeDone says that GREEN-API may have done what it was asked for: the request went out, and no answer came that tells. A
	// message that was to be sent may be sent then.
	MayBeDone bool
}

// Error is the method, the status and what went wrong.
func (e *Error) Error() string {
	text := "call " + e.Method
	if e.Status != 0 {
		text += ": status " + strconv.Itoa(e.Status)
	}
	if e.Text != "" {
		text += ": " + e.Text
	}
	return text
}

// Unsure is MayBeDone, for those who know no more of an error.
func (e *Error) Unsure() bool { return e.MayBeDone }

// ReasonOf returns the reason of an error of this package, Unavailable for any other and empty for none.
func ReasonOf(err error) Reason {
	var failure *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &failure):
		return failure.Reason
	default:
		return Unavailable
	}
}

// failed is the error of a request without a whole answer. The URL in errors of net/http has the token in it, so only what
// they wrap is told.
func (c *Client) failed(call call, status int, err error) *Error {
	reason := Unavailable
	if errors.Is(err, context.Canceled) {
		reason = Cancelled
	}
	text := err.Error()
	if asked := (*url.Error)(nil); errors.As(err, &asked) {
		text = asked.Err.Error()
		if asked.Timeout() {
			text = "no answer in time"
		}
	}
	return &Error{Reason: reason, Method: call.method, Status: status, Text: c.masked(text)}
}

// refused is the error of an answer with another status than 200.
func (c *Client) refused(call call, response *http.Response, answer []byte) *Error {
	text := sentence(response.Header.Get("Content-Type"), answer)
	return &Error{
		Reason: reasonOf(response.StatusCode, text), Method: call.method, Status: response.StatusCode,
		Text: c.masked(text), RetryAfter: retryAfter(response.Header.Get("Retry-After")),
		MayBeDone: response.StatusCode >= http.StatusInternalServerError || response.StatusCode == clientClosed,
	}
}

// sentence is the beginning of a refusal, in one line. A page of HTML says nothing that the status does not.
func sentence(contentType string, answer []byte) string {
	if strings.Contains(contentType, "html") {
		return ""
	}
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(answer[:min(len(answer), maxReason)]), "")), " ")
}

// Statuses that only GREEN-API, or nginx in front of it, answers.
const (
	quotaExceeded = 466
	clientClosed  = 499
)

// Source: https://green-api.com/en/telegram/docs/api/common-errors
func reasonOf(status int, text string) Reason {
	text = strings.ToLower(text)
	switch {
	case status == http.StatusUnauthorized:
		return Unauthorized
	case status == http.StatusForbidden, status == http.StatusNotFound:
		return NoInstance
	case status == http.StatusTooManyRequests:
		return TooManyRequests
	case status == quotaExceeded:
		return QuotaExceeded
	case status == http.StatusBadRequest && strings.Contains(text, "webhook url"):
		return WebhookSet
	case status == http.StatusBadRequest && strings.Contains(text, "starting"):
		return Starting
	case status == http.StatusBadRequest && isInactive.MatchString(text):
		return Inactive
	case status == http.StatusBadRequest, status == http.StatusRequestEntityTooLarge, status == http.StatusUnprocessableEntity:
		return Invalid
	default:
		return Unavailable
	}
}

// isInactive finds what GREEN-API says about instances of which nothing can be had.
var isInactive = regexp.MustCompile(`expired|is deleted|not authorized`)

// maxRetryAfter bounds, in seconds, what is believed about how long to wait.
const maxRetryAfter = 60

func retryAfter(value string) time.Duration {
	seconds, err := strconv.Atoi(value)
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, maxRetryAfter)) * time.Second
}
