package greenapi

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// maxJournal bounds the answers about what was sent and what waits, in bytes. They may have thousands of messages.
const maxJournal = 16 << 20

// Outgoing is a message that an instance sent or is about to send.
type Outgoing struct {
	ID     string
	ChatID string
	// Text is that of a text message, empty of any other.
	Text string
	// SentAt is when it was sent, or when something happened to it last; zero while it waits.
	SentAt time.Time
}

// Waiting returns the messages that wait to be sent. The first of them, which is being sent, is missing there: public issue
// green-api/issues#714. Source: https://green-api.com/en/docs/api/queues/ShowMessagesQueue/
func (c *Client) Waiting(ctx context.Context) ([]Outgoing, error) {
	var answer []struct {
		ID   string `json:"messageID"`
		Body struct {
			ChatID string `json:"chatId"`
			Text   string `json:"message"`
		} `json:"body"`
	}
	err := c.ask(ctx, call{verb: http.MethodGet, method: "showMessagesQueue", limit: maxJournal}, &answer)
	waiting := make([]Outgoing, len(answer))
	for i, one := range answer {
		waiting[i] = Outgoing{ID: one.ID, ChatID: one.Body.ChatID, Text: one.Body.Text}
	}
	return waiting, err
}

// JournalDelay is within how long a message that was sent is in the journal.
const JournalDelay = 2 * time.Minute

// Sent returns the messages that were sent through the API since a time. A message may take JournalDelay to appear there.
// Source: https://green-api.com/en/docs/api/journals/LastOutgoingMessages/
func (c *Client) Sent(ctx context.Context, since time.Time) ([]Outgoing, error) {
	minutes := max(int(time.Since(since)/time.Minute)+1, 1)
	var answer []struct {
		ID        string `json:"idMessage"`
		ChatID    string `json:"chatId"`
		Timestamp int64  `json:"timestamp"`
		ByAPI     *bool  `json:"sendByApi"`
		Text      string `json:"textMessage"`
		Extended  struct {
			Text string `json:"text"`
		} `json:"extendedTextMessage"`
	}
	err := c.ask(ctx, call{
		verb: http.MethodGet, method: "lastOutgoingMessages", query: "?minutes=" + strconv.Itoa(minutes), limit: maxJournal,
	}, &answer)
	var sent []Outgoing
	for _, one := range answer {
		if one.ByAPI != nil && !*one.ByAPI {
			continue
		}
		text := one.Text
		if text == "" { // With a link in it, or a quotation.
			text = one.Extended.Text
		}
		sent = append(sent, Outgoing{ID: one.ID, ChatID: one.ChatID, Text: text, SentAt: time.Unix(one.Timestamp, 0).UTC()})
	}
	return sent, err
}
