-- What was saved, and what was done.

-- A numbered snapshot of a draft, made by every save.
create table revisions (
    article_id uuid not null references articles (id) on delete cascade,
    number integer not null,
    editor_id uuid not null references editors (id),
    created_at timestamptz not null,
    -- The draft's fields, with tags and sources by id.
    content jsonb not null,
    primary key (article_id, number)
);

-- One line for each change, written in the transaction that made it.
create table events (
    id uuid primary key,
    created_at timestamptz not null,
    type text not null,
    -- Who did it; null for the command line and the first start.
    actor_id uuid references editors (id),
    request_id text,
    subject_type text not null,
    subject_id uuid not null,
    -- What changed: names of fields and the like, never secrets.
    details jsonb not null
);

create index events_subject_idx on events (subject_type, subject_id, created_at);
