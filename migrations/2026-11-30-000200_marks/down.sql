create or replace function search_fold(given text) returns text
    language sql immutable strict parallel safe
    return translate(
        normalize(regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]+', '', 'g'), NFC),
        E'<>&/\x02\x03',
        '      '
    );

reindex index tags_search_idx;
reindex index sources_search_idx;
