create table orders (
    id      text        primary key, -- the message that ordered it
    chat    text        not null,
    what    text        not null,
    at      timestamptz not null
);
