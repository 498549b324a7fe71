-- Full-text search. What is searched is derived by Postgres itself, so that no way of writing an edition can forget it, and none can
-- make it differ from what queries are folded with.

-- The text search configuration of a canonical BCP 47 tag. Its name, and not a `regconfig`: a column of that type would keep
-- pg_upgrade from working.
create function search_config(language text) returns text
    language sql immutable strict parallel safe
    return case split_part(language, '-', 1)
        when 'ar' then 'arabic'
        when 'ca' then 'catalan'
        when 'da' then 'danish'
        when 'de' then 'german'
        when 'el' then 'greek'
        when 'en' then 'english'
        when 'es' then 'spanish'
        when 'eu' then 'basque'
        when 'fi' then 'finnish'
        when 'fr' then 'french'
        when 'ga' then 'irish'
        when 'hi' then 'hindi'
        when 'hu' then 'hungarian'
        when 'hy' then 'armenian'
        when 'id' then 'indonesian'
        when 'it' then 'italian'
        when 'lt' then 'lithuanian'
        when 'nb' then 'norwegian'
        when 'ne' then 'nepali'
        when 'nl' then 'dutch'
        when 'nn' then 'norwegian'
        when 'no' then 'norwegian'
        when 'pt' then 'portuguese'
        when 'ro' then 'romanian'
        when 'ru' then 'russian'
        when 'sr' then 'serbian'
        when 'sv' then 'swedish'
        when 'ta' then 'tamil'
        when 'tr' then 'turkish'
        when 'yi' then 'yiddish'
        else 'simple'
    end;

-- Takes accents off (the block of combining diacritical marks alone: elsewhere marks are vowels), and what the parser would take for
-- an element, an entity or a path: "dan/atau" is two words. The same in `articles::search`, which marks what was found.
create function search_fold(given text) returns text
    language sql immutable strict parallel safe
    return translate(
        normalize(regexp_replace(normalize(given, NFKD), '[\u0300-\u036f]+', '', 'g'), NFC),
        E'<>&/\x02\x03',
        '      '
    );

-- The plain text of a sanitised body. Elements within a line join what they stand in: "un<b>dua</b>" is one word. Only the beginning
-- of a very long one, 100,000 characters: a tsvector has 1 MiB at most, and no save may fail for it.
create function search_text(html text) returns text
    language sql immutable strict parallel safe
    return left(btrim(regexp_replace(
        replace(replace(replace(replace(replace(
            regexp_replace(
                regexp_replace(
                    left(html, 400000),
                    '</?(a|abbr|b|bdi|bdo|cite|code|data|del|dfn|em|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|u|var|wbr)(\s("[^"]*"|[^">])*)?>',
                    '', 'g'
                ),
                '<("[^"]*"|[^">])*("[^"]*$|>|$)', ' ', 'g'
            ),
        '&lt;', '<'), '&gt;', '>'), '&quot;', '"'), '&nbsp;', ' '), '&amp;', '&'),
        '\s+', ' ', 'g'
    )), 100000);

-- Immutable, since a configuration that Postgres ships keeps its meaning; the cast of its name alone is not known to be.
create function search_vector(config text, title text, summary text, body_html text) returns tsvector
    language sql immutable strict parallel safe
    return setweight(to_tsvector(config::regconfig, search_fold(title)), 'A')
        || setweight(to_tsvector(config::regconfig, search_fold(summary)), 'B')
        || setweight(to_tsvector(config::regconfig, left(search_fold(search_text(body_html)), 100000)), 'C');

alter table editions
    add column search_config text not null generated always as (search_config(language)) stored,
    add column search tsvector not null
        generated always as (search_vector(search_config(language), title, summary, body_html)) stored;

-- The conditions are literal in the queries too.
create index editions_live_search_idx on editions using gin (search) where kind = 'live' and status = 'published';
create index editions_draft_search_idx on editions using gin (search) where kind = 'draft';

-- The words that a tag or a source is found by as its name is typed.
create function search_words(given text) returns text[]
    language sql immutable strict parallel safe
    return array_remove(regexp_split_to_array(lower(search_fold(given)), '[^[:alnum:]]+'), '');

-- Each typed word begins a word. Where there is none, nothing is found.
create function search_prefixes(typed text) returns tsquery
    language sql immutable strict parallel safe
    return coalesce(
        (select string_agg('''' || word || ''':*', ' & ') from unnest(search_words(typed)) as words (word)), ''
    )::tsquery;

-- Inlined by the planner, which then sees that an index of the same expression serves it.
create function completes(name text, slug text, typed text) returns boolean
    language sql immutable parallel safe
    return array_to_tsvector(search_words(name || ' ' || slug)) @@ search_prefixes(typed);

create index tags_search_idx on tags using gin (array_to_tsvector(search_words(name || ' ' || slug)));
create index sources_search_idx on sources using gin (array_to_tsvector(search_words(name || ' ' || slug)));
