create table sluice_inbox (
    group_name text        not null, -- of the workers that handled the event
    key        text        not null, -- of the event
    type       text        not null,
    handled_at timestamptz not null default now(),
    primary key (group_name, key)
);
create index sluice_inbox_handled_at on sluice_inbox (handled_at);

create table sluice_outbox (
    id         bigint      generated always as identity primary key,
    group_name text        not null, -- of the event that it answers, as key
    key        text        not null,
    source     text        not null,
    instance   text        not null, -- with the chat: what stays in order
    chat       text        not null,
    kind       text        not null, -- for whoever sends it
    body       bytea       not null, -- emptied once it is sent
    attempts   integer     not null default 0,
    unsure     boolean     not null default false, -- an attempt may have sent it all the same
    error      text        not null default '',    -- of the last attempt
    created_at timestamptz not null default now(),
    due_at     timestamptz not null default now(), -- nobody takes it before; while it is being sent, until when
    done_at    timestamptz,
    outcome    text        check (outcome in ('sent', 'failed'))
);
create index sluice_outbox_due on sluice_outbox (due_at, id) where done_at is null;
create index sluice_outbox_chat on sluice_outbox (source, instance, chat, id) where done_at is null;
create index sluice_outbox_done on sluice_outbox (done_at) where done_at is not null;
