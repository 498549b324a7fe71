-- Links with which a person without an account reads the draft of one article. The token in a link is signed and not stored:
-- a copy of this table opens nothing.

create table preview_links (
    id uuid primary key,
    article_id uuid not null references articles (id) on delete cascade,
    created_by uuid not null references editors (id),
    created_at timestamptz not null,
    expires_at timestamptz not null,
    -- The row stays, so that the article's links can be looked over later.
    revoked_at timestamptz,
    -- In hours, which do not depend on a time zone as days do.
    constraint preview_links_lifetime_check check (
        expires_at > created_at and expires_at <= created_at + interval '168 hours'
    )
);

-- An article's links, newest first.
create index preview_links_article_id_idx on preview_links (article_id, created_at, id);
