package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// A message is claimed by moving the time at which it is due behind the end of its attempt, so that nobody holds a transaction
// while it is sent, and a sender that dies needs nobody to notice. Only the first message of a chat that is not done can be
// claimed. A row that another one claims at the same time is skipped, and looked at again after that has committed.
const claimMessages = `
with due as (
	select id, unsure from sluice_outbox waiting
	where done_at is null and due_at <= now() and not exists (
		select from sluice_outbox before
		where before.done_at is null and before.source = waiting.source and before.instance = waiting.instance
			and before.chat = waiting.chat and before.chat <> '' and before.id < waiting.id)
	order by due_at, id limit $1 for update skip locked
)
update sluice_outbox message
set attempts = attempts + 1, unsure = true, due_at = now() + make_interval(secs => $2)
from due where message.id = due.id
returning message.id, group_name, key, source, instance, chat, kind, body, attempts, due.unsure, created_at`

// An attempt is the last one to say that it failed. What was sent stays so, whoever says it.
const (
	markSent = `update sluice_outbox set done_at = now(), outcome = 'sent', unsure = false, error = '', body = ''
		where id = $1 and outcome is distinct from 'sent'`
	markFailed = `update sluice_outbox set due_at = now() + make_interval(secs => $3), unsure = $4, error = $5
		where id = $1 and attempts = $2 and done_at is null`
	markGivenUp = `update sluice_outbox set done_at = now(), outcome = 'failed', unsure = $3, error = $4
		where id = $1 and attempts = $2 and done_at is null`
)

// claim takes up to so many messages for so long.
func claim(ctx context.Context, db Executor, count int, lease time.Duration) ([]Message, error) {
	rows, err := db.Query(ctx, claimMessages, count, lease.Seconds())
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (m Message, err error) {
		err = row.Scan(&m.ID, &m.Group, &m.Key, &m.Source, &m.Instance, &m.Chat, &m.Kind, &m.Body, &m.Attempt, &m.Unsure, &m.CreatedAt)
		return m, err
	})
}
