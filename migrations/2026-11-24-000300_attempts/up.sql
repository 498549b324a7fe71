-- Publications that failed at their time, so that all instances leave such an article alone for a while, and publish the others.

-- A table of its own: it is written also where the article's own rows are what cannot be written.
create table failed_publications (
    article_id uuid primary key references articles (id) on delete cascade,
    -- The schedule that failed. Of an article that was scheduled anew since, the row says nothing.
    scheduled_at timestamptz not null,
    attempts integer not null check (attempts > 0),
    next_attempt_at timestamptz not null
);
