-- People with an account, their sessions, and what slows guessing down.

create table editors (
    id uuid primary key,
    email text not null,
    name text not null,
    role text not null check (role in ('author', 'editor', 'admin')),
    active boolean not null default true,
    password_hash text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

-- Addresses that differ only in case are one person's.
create unique index editors_email_key on editors (lower(email));

-- A sign-in. Deleting the row ends it, and every token that belongs to it.
create table sessions (
    id uuid primary key,
    editor_id uuid not null references editors (id) on delete cascade,
    created_at timestamptz not null,
    expires_at timestamptz not null
);

create index sessions_editor_id_idx on sessions (editor_id);

-- The refresh tokens of a session, of which only the newest is not spent. The table holds hashes: a copy of it signs nobody in.
create table refresh_tokens (
    token_hash bytea primary key,
    session_id uuid not null references sessions (id) on delete cascade,
    created_at timestamptz not null,
    spent_at timestamptz,
    -- The successor is derived from the spent token and this salt, so that a repeated request gets the same one although it is not stored.
    successor_salt bytea,
    check ((spent_at is null) = (successor_salt is null))
);

create index refresh_tokens_session_id_idx on refresh_tokens (session_id);

-- Failed sign-ins by account and by address: a row says when the next attempt is free again (generic cell rate algorithm).
-- Unlogged: losing it in a crash forgives some failures, which is better than a disk write for each guess.
create unlogged table sign_in_attempts (
    key bytea primary key,
    free_at timestamptz not null
);
