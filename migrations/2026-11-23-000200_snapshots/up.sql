-- How a text came about, for readers; and revisions that are complete without the rest of the database.

alter table editions add column provenance jsonb;

alter table revisions
    add column note text,
    -- The article's version once the revision was saved: the revision that an ETag names is the newest that is not newer.
    add column version bigint,
    -- A relation, not content: a revision keeps it, so that a change of it can be told.
    add column translation_group_id uuid;

update revisions set
    -- The true one was not kept. One that is too high makes two changes clash that might not; one that is too low would lose one.
    version = (select version from articles where id = article_id),
    translation_group_id = (content ->> 'translation_group_id')::uuid,
    -- Names beside ids: a tag that is deleted later still says what it was.
    content = (content - 'translation_group_id') || jsonb_build_object(
        'tags', coalesce(
            (
                select jsonb_agg(jsonb_build_object('id', t.id, 'slug', t.slug, 'name', t.name) order by place)
                from jsonb_array_elements_text(content -> 'tags') with ordinality as given (id, place)
                join tags t on t.id = given.id::uuid
            ),
            '[]'
        ),
        'citations', coalesce(
            (
                select jsonb_agg(
                    given.citation || jsonb_build_object('source', jsonb_build_object(
                        'id', s.id, 'slug', s.slug, 'name', s.name, 'homepage_url', s.homepage_url
                    )) order by place
                )
                from jsonb_array_elements(content -> 'citations') with ordinality as given (citation, place)
                join sources s on s.id = (given.citation ->> 'source')::uuid
            ),
            '[]'
        )
    );

alter table revisions
    alter column version set not null,
    alter column translation_group_id set not null;
