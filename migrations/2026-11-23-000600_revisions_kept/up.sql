-- Revisions that say what they changed, and that nobody can rewrite.

alter table revisions
    -- The fields that the save changed. Kept, and not worked out on reading: a list would have to read the text of every revision.
    add column changed jsonb,
    -- The revision whose content was made the draft's again.
    add column restored_from integer;

-- Of what was saved so far: the fields that differ from the revision before; of a first one, those that hold something. What a tag
-- or a source was called does not count.
with plain as (
    select
        article_id,
        number,
        translation_group_id,
        (content - 'tags' - 'citations') || jsonb_build_object(
            'tags', (
                select coalesce(jsonb_agg(tag -> 'id' order by place), '[]')
                from jsonb_array_elements(content -> 'tags') with ordinality as given (tag, place)
            ),
            'citations', (
                select coalesce(jsonb_agg(citation || jsonb_build_object('source', citation -> 'source' -> 'id') order by place), '[]')
                from jsonb_array_elements(content -> 'citations') with ordinality as given (citation, place)
            )
        ) as content
    from revisions
),

compared as (
    select
        article_id,
        number,
        content,
        translation_group_id,
        lag(content) over earlier as content_before,
        coalesce(lag(translation_group_id) over earlier, article_id) as group_before
    from plain
    window earlier as (partition by article_id order by number)
)

update revisions set changed = (
    select coalesce(jsonb_agg(field order by place), '[]')
    from unnest(array[
        'title', 'slug', 'language', 'summary', 'body', 'image', 'byline', 'provenance', 'tags', 'citations', 'translation_of'
    ]) with ordinality as known (field, place)
    where case
        when field = 'translation_of' then compared.translation_group_id <> compared.group_before
        when compared.content_before is null then coalesce(compared.content -> field, 'null') not in ('null', '""', '[]')
        else coalesce(compared.content -> field, 'null') <> coalesce(compared.content_before -> field, 'null')
    end
)
from compared
where compared.article_id = revisions.article_id and compared.number = revisions.number;

alter table revisions
    alter column changed set not null,
    add constraint revisions_changed_check check (jsonb_typeof(changed) = 'array'),
    add constraint revisions_restored_from_check check (restored_from >= 1 and restored_from < number),
    -- It was there, and is there as long as this one is.
    add constraint revisions_restored_from_fkey foreign key (article_id, restored_from) references revisions (article_id, number);

-- What was saved is evidence: no statement changes it, whoever sends it, and none takes it away but with the article itself. In the
-- cascade from an article its row is gone by the time that what belongs to it follows. For each table that has an `article_id` and
-- is to stay like that.
create function stays_with_article() returns trigger language plpgsql as $$
begin
    if tg_op = 'DELETE' then
        if not exists (select from articles where id = old.article_id) then
            return old;
        end if;
    end if;
    raise exception '% of % is refused: it is never changed, and deleted only with its article', tg_op, tg_table_name
        using errcode = 'restrict_violation';
end
$$;

create trigger stays before update or delete on revisions for each row execute function stays_with_article();
create trigger stays_together before truncate on revisions for each statement execute function stays_with_article();
