-- Which document a citation names, whichever way its address is written: what `cites` filters by, and what tells that a story is
-- covered already. An address is longer than a row of an index may be, so it is a key of 16 bytes; `values::document` says how it is
-- made.

alter table citations add column document_key bytea;

-- The parts of the normal form that SQL can say: the scheme, the host's case, a default port, the fragment, slashes at the end.
-- Parameters, percent-encoding, dots in paths and hosts that are not in ASCII stay as they are until the article is saved again.
update citations set document_key = substring(
    sha256(convert_to(
        'https://' || regexp_replace(lower(parts[1]), ':(80|443)?$', '') || regexp_replace(parts[2], '/+$', '')
            || regexp_replace(coalesce(parts[3], ''), '^\?$', ''),
        'UTF8'
    ))
    from 1 for 16
)
from (
    select article_id, kind, position, regexp_match(url, '^https?://([^/?#]*)([^?#]*)(\?[^#]*)?', 'i') as parts from citations
) as addresses
where citations.article_id = addresses.article_id
    and citations.kind = addresses.kind
    and citations.position = addresses.position;

alter table citations
    alter column document_key set not null,
    add constraint citations_document_key_check check (octet_length(document_key) = 16);

create index citations_document_key_idx on citations (document_key, kind, article_id);
