-- What tags and sources were called when readers saw a version: a tag may be merged, or a source renamed, between the saving of a text
-- and its publication.

alter table versions
    add column tags jsonb,
    add column citations jsonb;

-- Of those so far the names at publication were not kept; those at the saving were.
alter table versions disable trigger stays;

update versions set tags = r.content -> 'tags', citations = r.content -> 'citations'
from revisions r
where r.article_id = versions.article_id and r.number = versions.revision;

alter table versions enable trigger stays;

alter table versions
    alter column tags set not null,
    alter column citations set not null,
    add constraint versions_names_check check (jsonb_typeof(tags) = 'array' and jsonb_typeof(citations) = 'array');
