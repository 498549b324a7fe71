-- The line above the headline. It is found by search like the dek.
alter table editions
    add column kicker text not null default '',
    drop column search;
alter table editions
    add column search tsvector not null
        generated always as (search_vector(search_config(language), title, kicker || ' ' || summary, body_html)) stored;

create index editions_live_search_idx on editions using gin (search) where kind = 'live' and status = 'published';
create index editions_draft_search_idx on editions using gin (search) where kind = 'draft';
