drop trigger events_no_truncate on events;
drop trigger events_append_only on events;
drop function events_append_only();

drop index events_created_at_idx;
drop index events_type_idx;
drop index events_actor_idx;
drop index events_subject_type_idx;
drop index events_subject_idx;
drop index events_sequence_key;
drop index events_unsealed_idx;
create index events_subject_idx on events (subject_type, subject_id, created_at);

alter table events
    drop constraint events_created_at_check,
    drop constraint events_seal_check,
    drop column hash,
    drop column sequence,
    drop column ordinal;
