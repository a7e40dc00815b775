package postgres

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"sluice.internal/worker/handler"
)

// Message is something to be sent after the transaction that it was written in, such as an answer to a customer.
type Message struct {
	// ID is the message's own, the same for each attempt: an idempotency key for whoever takes one.
	ID int64
	// Group and Key are those of the event that it answers.
	Group, Key string
	// Source, Instance and Chat say in whose name and where it is sent. Those of one chat are sent one after the other, in the
	// order in which they were written; without a chat in any order.
	Source, Instance, Chat string
	// Kind tells whoever sends it what Body is.
	Kind string
	// Body is emptied once it is sent.
	Body []byte
	// Attempt counts the attempts, from 1.
	Attempt int
	// Unsure says that an earlier attempt may have sent it: its worker died or froze, or its time was over. Who can look
	// whether it was sent, should.
	Unsure bool
	// CreatedAt is when the handler wrote it.
	CreatedAt time.Time
}

const insertMessage = `insert into sluice_outbox (group_name, key, source, instance, chat, kind, body) values ($1, $2, $3, $4, $5, $6, $7)`

// Enqueue writes a message into the outbox in a handler's transaction: it is sent if the transaction is committed, and so once
// for the event, however often that comes. What it leaves out of Source, Instance and Chat is the event's own. A [Sender]
// sends it.
func Enqueue(ctx context.Context, tx pgx.Tx, event handler.About, message Message) error {
	_, err := tx.Exec(ctx, insertMessage, event.Group, event.Key, text(cmp.Or(message.Source, event.Source)),
		text(cmp.Or(message.Instance, event.Instance)), text(cmp.Or(message.Chat, event.OrderKey)), text(message.Kind),
		append([]byte{}, message.Body...)) // Nil would be null.
	return err
}

// text replaces what senders may write and PostgreSQL does not store.
func text(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
