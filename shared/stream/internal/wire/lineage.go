package wire

import (
	"encoding/json"
	"slices"

	"github.com/nats-io/nats.go"

	"sluice.internal/shared/notification"
)

const (
	// maxTryError bounds the error of one attempt in the history, in bytes.
	maxTryError = 300
	// firstTries is how many of the oldest attempts a history keeps that has grown too long: how it began tells most.
	firstTries = 3
	// maxTries is more attempts than fit into a header, however short their errors are.
	maxTries = 320
)

// setLineage writes where an event comes from that was in the stream of events before, and what was tried.
func (h header) setLineage(event *notification.Event) {
	h.setNumber(HeaderEventSequence, event.Sequence)
	h.setNumber(HeaderLane, uint64(event.Lane)) //nolint:gosec // Not negative.
	h.setNumber(HeaderAttempt, uint64(max(event.Attempt, 0)))
	h.setTime(HeaderFirstFailedAt, event.FirstFailedAt)
	h.set(HeaderRound, event.Round)
	h.setTrue(HeaderReplayed, event.Replayed)
	h.setTrue(HeaderAnswerAgain, event.AnswerAgain)
	if history := boundedHistory(event.History); history != "" {
		h[HeaderHistory] = []string{history}
	}
}

// readLineage reads what setLineage wrote.
func readLineage(h nats.Header, event *notification.Event) {
	event.Sequence = readNumber(h, HeaderEventSequence)
	event.Lane = int(readNumber(h, HeaderLane))       //nolint:gosec // Written from an int.
	event.Attempt = int(readNumber(h, HeaderAttempt)) //nolint:gosec // Written from an int.
	event.FirstFailedAt = ReadTime(h, HeaderFirstFailedAt)
	event.Round = HeaderValue(h, HeaderRound)
	event.Replayed = isTrue(h, HeaderReplayed)
	event.AnswerAgain = isTrue(h, HeaderAnswerAgain)
	if history := HeaderValue(h, HeaderHistory); history != "" {
		// A header that another program wrote may be anything; the rest is still worth having.
		_ = json.Unmarshal([]byte(history), &event.History)
	}
}

// boundedHistory writes as many attempts as fit: the first few and the latest.
func boundedHistory(history []notification.Try) string {
	if len(history) == 0 {
		return ""
	}
	shown := slices.Clone(history)
	if more := len(shown) - maxTries; more > 0 { // A lane that waited for weeks has tens of thousands.
		shown = slices.Delete(shown, firstTries, firstTries+more)
	}
	for i := range shown {
		shown[i].Error = oneLine(shown[i].Error, maxTryError)
	}
	for {
		document, err := json.Marshal(shown)
		if err != nil {
			return ""
		}
		if len(document) <= maxHeaderDocument {
			return string(document)
		}
		shown = append(shown[:firstTries:firstTries], shown[firstTries+1:]...)
	}
}
