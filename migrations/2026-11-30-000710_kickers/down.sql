alter table editions
    drop column search,
    drop column kicker;
alter table editions
    add column search tsvector not null
        generated always as (search_vector(search_config(language), title, summary, body_html)) stored;

create index editions_live_search_idx on editions using gin (search) where kind = 'live' and status = 'published';
create index editions_draft_search_idx on editions using gin (search) where kind = 'draft';
