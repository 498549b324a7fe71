drop index articles_trashed_idx;
drop index editions_live_retracted_idx;
drop index editions_draft_status_idx;

create or replace function source_used(id uuid) returns void language sql as $$
    select pg_notify('warta', concat('articles:source:', id));
    select pg_notify('warta', concat('articles:source:', s.slug)) from sources s where s.id = source_used.id;
$$;

create or replace function tag_used(id uuid) returns void language sql as $$
    select pg_notify('warta', concat('articles:tag:', id));
    select pg_notify('warta', concat('articles:tag:', n.name)) from tag_names n where n.tag_id = id;
$$;
