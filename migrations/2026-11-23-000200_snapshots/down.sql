update revisions set content = content || jsonb_build_object(
    'translation_group_id', translation_group_id,
    'tags', (
        select coalesce(jsonb_agg(tag -> 'id' order by place), '[]')
        from jsonb_array_elements(content -> 'tags') with ordinality as kept (tag, place)
    ),
    'citations', (
        select coalesce(jsonb_agg(citation || jsonb_build_object('source', citation -> 'source' -> 'id') order by place), '[]')
        from jsonb_array_elements(content -> 'citations') with ordinality as kept (citation, place)
    )
);

alter table revisions
    drop column translation_group_id,
    drop column version,
    drop column note;

alter table editions drop column provenance;
