-- When readers first saw the article, and in which language, on its tags and citations too: the latest articles with a tag or of a
-- source then come out of one index in their order, however many others there are.

-- Null where readers do not see the edition.
alter table edition_tags add column published_at timestamptz, add column language text;
alter table citations add column published_at timestamptz, add column language text;

-- To readers nothing changes, so nothing is told.
alter table edition_tags disable trigger notice_new;
alter table citations disable trigger notice_new;

update edition_tags t set published_at = e.published_at, language = e.language from editions e
where e.article_id = t.article_id and e.kind = 'live' and e.status = 'published' and t.kind = 'live';

update citations c set published_at = e.published_at, language = e.language from editions e
where e.article_id = c.article_id and e.kind = 'live' and e.status = 'published' and c.kind = 'live';

alter table edition_tags enable trigger notice_new;
alter table citations enable trigger notice_new;

create index edition_tags_published_idx on edition_tags (tag_id, published_at, article_id) where published_at is not null;
create index edition_tags_language_idx on edition_tags (tag_id, language, published_at, article_id) where published_at is not null;
create index citations_published_idx on citations (source_id, published_at, article_id) where published_at is not null;
create index citations_language_idx on citations (source_id, language, published_at, article_id) where published_at is not null;

-- Whatever a statement says: it is what the edition says. The edition is held, so that no change of it goes by unseen meanwhile.
create function edge_published() returns trigger language plpgsql as $$
begin
    select e.published_at, e.language into new.published_at, new.language from editions e
        where e.article_id = new.article_id and e.kind = new.kind and e.kind = 'live' and e.status = 'published'
        for share;
    return new;
end
$$;

create trigger published before insert or update of article_id, kind, published_at, language on edition_tags
    for each row when (new.kind = 'live' or new.published_at is not null or new.language is not null)
    execute function edge_published();
create trigger published before insert or update of article_id, kind, published_at, language on citations
    for each row when (new.kind = 'live' or new.published_at is not null or new.language is not null)
    execute function edge_published();

-- Has the tags and citations of an edition look again.
create function edition_published() returns trigger language plpgsql as $$
begin
    update edition_tags set published_at = null where article_id = new.article_id and kind = 'live';
    update citations set published_at = null where article_id = new.article_id and kind = 'live';
    return null;
end
$$;

-- Also of a new one: one statement may make an edition with its tags and citations.
create trigger published_new after insert on editions for each row when (new.kind = 'live')
    execute function edition_published();
create trigger published after update on editions for each row
    when (new.kind = 'live' and (old.status, old.published_at, old.language) is distinct from (new.status, new.published_at, new.language))
    execute function edition_published();

-- Of a word that is not in its statistics Postgres assumes that every two-hundredth text has it, and then walks a list of a million
-- articles to find the seven that do. With ten thousand words in them, what is not there is known to be rare.
alter table editions alter column search set statistics 1000;

-- They are collected anew at once, where there is something to collect: else that is left to chance for a long time.
do $$
begin
    if exists (select from editions) then
        analyze editions (search);
    end if;
end
$$;
