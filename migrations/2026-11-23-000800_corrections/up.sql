-- What readers were told: the corrections of a story, and each version of it that they could read. Both stay as they were.

-- What was set right in a story that readers had seen.
create table corrections (
    id uuid primary key,
    article_id uuid not null references articles (id) on delete cascade,
    kind text not null check (kind in ('correction', 'clarification', 'update')),
    text text not null,
    created_at timestamptz not null
);

-- Oldest first, of one article.
create index corrections_article_id_idx on corrections (article_id, created_at, id);

-- One row for each publication. The text is the revision's, which is immutable itself; what was derived from it stands here, as
-- readers got it, and so does the headline: a list of versions must not have to read all texts.
create table versions (
    article_id uuid not null references articles (id) on delete cascade,
    number integer not null check (number > 0),
    revision integer not null,
    -- When it went live here, also of an article that was dated back.
    published_at timestamptz not null,
    title text not null,
    body_html text not null,
    word_count integer not null,
    reading_minutes integer not null,
    primary key (article_id, number),
    foreign key (article_id, revision) references revisions (article_id, number)
);

insert into versions (article_id, number, revision, published_at, title, body_html, word_count, reading_minutes)
-- A live edition was last changed by its publication, or by its retraction: then the only time that is left is the first one.
select
    article_id, 1, revision, case status when 'retracted' then published_at else updated_at end, title, body_html,
    word_count, reading_minutes
from editions
where kind = 'live';

alter table editions add column public_version integer;

update editions set public_version = 1 where kind = 'live';

alter table editions
    -- Readers never see what is not kept as a version.
    add constraint editions_public_version_check check ((kind = 'live') = (public_version is not null)),
    add constraint editions_public_version_fkey foreign key (article_id, public_version)
        references versions (article_id, number);

create trigger stays before update or delete on corrections for each row execute function stays_with_article();
create trigger stays_together before truncate on corrections for each statement execute function stays_with_article();
create trigger stays before update or delete on versions for each row execute function stays_with_article();
create trigger stays_together before truncate on versions for each statement execute function stays_with_article();
