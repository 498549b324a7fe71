drop index sources_search_idx;
drop index tags_search_idx;
drop function completes(text, text, text);
drop function search_prefixes(text);
drop function search_words(text);

drop index editions_draft_search_idx;
drop index editions_live_search_idx;

alter table editions
    drop column search,
    drop column search_config;

drop function search_vector(text, text, text, text);
drop function search_text(text);
drop function search_fold(text);
drop function search_config(text);
