-- What readers can see is kept in memory by every instance of the program. These triggers tell them, on the channel `warta` and in the
-- transaction of the change, which keys no longer hold: those that the answers are made of. They stand here, and not in the program,
-- so that nothing goes past them. What readers cannot see tells nothing.
--
-- A notification has at most 8,000 bytes: each trigger sends the keys of one row. Postgres sends the same text once in a transaction.

-- The lists of the articles with a tag or a source, as requests name them.
create function tag_used(id uuid) returns void language sql as $$
    select pg_notify('warta', concat('articles:tag:', id));
    select pg_notify('warta', concat('articles:tag:', n.name)) from tag_names n where n.tag_id = id;
$$;

create function source_used(id uuid) returns void language sql as $$
    select pg_notify('warta', concat('articles:source:', id));
    select pg_notify('warta', concat('articles:source:', s.slug)) from sources s where s.id = source_used.id;
$$;

-- The article itself, its translations, and the lists that it is on.
--
-- Of two translations that come before the readers at the same time, neither transaction sees what the other one does: the later one
-- waits for the end of the earlier one, and then tells of both.
create function article_changed(id uuid, language text, translation_group uuid) returns void language sql as $$
    select pg_advisory_xact_lock(hashtextextended(concat('translations ', translation_group), 0));
    select pg_notify('warta', concat('articles article:', id, ' articles:language:', language));
    select pg_notify('warta', concat('article:', e.article_id))
        from editions e
        where e.translation_group_id = translation_group and e.kind = 'live' and e.article_id <> id;
    select tag_used(t.tag_id) from edition_tags t where t.article_id = id and t.kind = 'live';
    select source_used(c.source_id) from citations c where c.article_id = id and c.kind = 'live';
$$;

create function editions_notice() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        perform article_changed(old.article_id, old.language, old.translation_group_id);
    end if;
    if tg_op <> 'DELETE' then
        perform article_changed(new.article_id, new.language, new.translation_group_id);
    end if;
    return null;
end
$$;

create trigger notice_new after insert or update on editions for each row when (new.kind = 'live')
    execute function editions_notice();
create trigger notice_old after delete on editions for each row when (old.kind = 'live')
    execute function editions_notice();

-- Into the trash and out of it.
create function articles_notice() returns trigger language plpgsql as $$
begin
    perform article_changed(e.article_id, e.language, e.translation_group_id)
        from editions e where e.article_id = new.id and e.kind = 'live';
    return null;
end
$$;

create trigger notice after update on articles for each row when (old.trashed_at is distinct from new.trashed_at)
    execute function articles_notice();

-- Of a live edition with its tags and citations, the row may come before them or after: whichever was there, and whichever is.
create function edition_tags_notice() returns trigger language plpgsql as $$
begin
    perform tag_used(case tg_op when 'DELETE' then old.tag_id else new.tag_id end);
    return null;
end
$$;

create trigger notice_new after insert or update on edition_tags for each row when (new.kind = 'live')
    execute function edition_tags_notice();
create trigger notice_old after delete on edition_tags for each row when (old.kind = 'live')
    execute function edition_tags_notice();

create function citations_notice() returns trigger language plpgsql as $$
begin
    perform source_used(case tg_op when 'DELETE' then old.source_id else new.source_id end);
    return null;
end
$$;

create trigger notice_new after insert or update on citations for each row when (new.kind = 'live')
    execute function citations_notice();
create trigger notice_old after delete on citations for each row when (old.kind = 'live')
    execute function citations_notice();

create function corrections_notice() returns trigger language plpgsql as $$
begin
    perform pg_notify('warta', concat('article:', new.article_id));
    return null;
end
$$;

create trigger notice after insert on corrections for each row execute function corrections_notice();

-- Names of tags and sources stand on articles and in lists.
create function tags_notice() returns trigger language plpgsql as $$
begin
    perform pg_notify('warta', concat('tags lists tag:', case tg_op when 'DELETE' then old.id else new.id end));
    return null;
end
$$;

create trigger notice after insert or update or delete on tags for each row execute function tags_notice();

create function tag_names_notice() returns trigger language plpgsql as $$
begin
    if tg_op <> 'INSERT' then
        perform pg_notify('warta', concat('tags lists tag:', old.tag_id));
    end if;
    if tg_op <> 'DELETE' then
        perform pg_notify('warta', concat('tags lists tag:', new.tag_id));
    end if;
    return null;
end
$$;

create trigger notice after insert or update or delete on tag_names for each row execute function tag_names_notice();

create function sources_notice() returns trigger language plpgsql as $$
begin
    perform pg_notify('warta', concat('sources lists source:', case tg_op when 'DELETE' then old.id else new.id end));
    return null;
end
$$;

create trigger notice after insert or update or delete on sources for each row execute function sources_notice();
