-- A list of the articles with a tag or of a source is told of by the id: a name may come to lead to another tag while an article is
-- published, and the publication does not see it. Whenever a name does, every list is told of.
create or replace function tag_used(id uuid) returns void language sql as $$
    select pg_notify('warta', concat('articles:tag:', id));
$$;

create or replace function source_used(id uuid) returns void language sql as $$
    select pg_notify('warta', concat('articles:source:', id));
$$;

-- What editors look for among very many drafts, and there is little of.
create index editions_draft_status_idx on editions (status, coalesce(published_at, 'infinity'), article_id)
    where kind = 'draft' and status <> 'published';
create index editions_live_retracted_idx on editions (article_id) where kind = 'live' and status = 'retracted';
create index articles_trashed_idx on articles (id) where trashed_at is not null;
