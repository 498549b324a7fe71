-- Tags, sources, and articles with their editions.

create table tags (
    id uuid primary key,
    slug text not null constraint tags_slug_key unique,
    name text not null,
    description text not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index tags_name_idx on tags (lower(name), id);

create table sources (
    id uuid primary key,
    slug text not null constraint sources_slug_key unique,
    name text not null,
    homepage_url text,
    description text not null,
    language text,
    created_at timestamptz not null,
    updated_at timestamptz not null
);

create index sources_name_idx on sources (lower(name), id);

-- The identity of a story. It holds no text.
create table articles (
    id uuid primary key,
    author_id uuid not null references editors (id),
    -- Counts every write; an ETag names it.
    version bigint not null default 1,
    first_published_at timestamptz,
    trashed_at timestamptz,
    created_at timestamptz not null
);

create index articles_author_id_idx on articles (author_id);

-- Which story a slug belongs to, whichever of its editions has it: no two stories ever share one.
create table article_slugs (
    slug text constraint article_slugs_pkey primary key,
    article_id uuid not null references articles (id) on delete cascade,
    -- Whether readers have seen it: links to it are out there.
    ever_live boolean not null default false,
    unique (article_id, slug)
);

-- The copies of an article's content: `draft` is what editors work on, `live` is what readers see.
create table editions (
    article_id uuid not null references articles (id) on delete cascade,
    kind text not null check (kind in ('draft', 'live')),
    status text not null,
    slug text not null,
    language text not null,
    title text not null,
    summary text not null,
    body text not null,
    -- Derived from the body and sanitised when it is saved.
    body_html text not null,
    image jsonb,
    byline text,
    -- Editions of one kind that share it are translations of each other.
    translation_group_id uuid not null,
    word_count integer not null,
    reading_minutes integer not null,
    -- The revision that the edition holds.
    revision integer not null,
    published_at timestamptz,
    updated_at timestamptz not null,
    primary key (article_id, kind),
    foreign key (article_id, slug) references article_slugs (article_id, slug),
    constraint editions_status_check check (
        (kind = 'live' and status in ('published', 'retracted') and published_at is not null)
        or (kind = 'draft' and status in ('draft', 'in_review', 'scheduled', 'published'))
    )
);

-- What readers see, in each order that lists have. The conditions are literal in the queries too.
create index editions_live_published_idx on editions (published_at, article_id)
    where kind = 'live' and status = 'published';
create index editions_live_updated_idx on editions (updated_at, article_id)
    where kind = 'live' and status = 'published';
create index editions_live_title_idx on editions (lower(title), article_id)
    where kind = 'live' and status = 'published';
create index editions_live_language_idx on editions (language, published_at, article_id)
    where kind = 'live' and status = 'published';
create unique index editions_live_slug_idx on editions (slug) where kind = 'live';

-- What editors see. A story that was never published sorts as the newest.
create index editions_draft_published_idx on editions (coalesce(published_at, 'infinity'), article_id)
    where kind = 'draft';
create index editions_draft_updated_idx on editions (updated_at, article_id) where kind = 'draft';
create index editions_draft_title_idx on editions (lower(title), article_id) where kind = 'draft';
create unique index editions_draft_slug_idx on editions (slug) where kind = 'draft';

create index editions_translation_group_idx on editions (translation_group_id);

create table edition_tags (
    article_id uuid not null,
    kind text not null,
    tag_id uuid not null references tags (id) on delete cascade,
    position smallint not null,
    primary key (article_id, kind, tag_id),
    foreign key (article_id, kind) references editions (article_id, kind) on delete cascade
);

create index edition_tags_tag_id_idx on edition_tags (tag_id, kind, article_id);

-- The edge between an edition and a source: which document of it, at which address, in which role.
create table citations (
    article_id uuid not null,
    kind text not null,
    position smallint not null,
    source_id uuid not null constraint citations_source_id_fkey references sources (id),
    url text not null,
    title text not null,
    role text not null check (role in ('original', 'translated_from', 'quoted', 'data', 'press_release')),
    primary key (article_id, kind, position),
    foreign key (article_id, kind) references editions (article_id, kind) on delete cascade
);

create index citations_source_id_idx on citations (source_id, kind, article_id);
