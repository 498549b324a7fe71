-- The record is a chain: who commits an event only inserts it, and a sealer, one at a time, then gives it its place in the
-- chain. What is written is never changed or deleted.

alter table events
    -- The order of the inserts, which is not that of the commits. Of two events the one that was caused by the other has the
    -- greater one, whatever the clocks of the instances say: the sealer keeps that order.
    add column ordinal bigint generated always as identity,
    -- The place in the chain, gapless from 1; null until it is sealed.
    add column sequence bigint,
    -- SHA-256 over this event and the hash of the one before; null until it is sealed.
    add column hash bytea,
    add constraint events_seal_check check (
        (sequence is null and hash is null) or (sequence is not null and hash is not null and sequence > 0 and octet_length(hash) = 32)
    ),
    -- What RFC 3339 can write, which is what is hashed. A time that it cannot would hold the sealer up.
    add constraint events_created_at_check check (
        created_at >= '0001-01-01T00:00:00Z' and created_at < '10000-01-01T00:00:00Z'
    );

-- What is to be sealed, in order. The index has nothing but that, so it stays small.
create index events_unsealed_idx on events (ordinal) where sequence is null;

-- The rest is only for sealed events: writers have no part in keeping it.
create unique index events_sequence_key on events (sequence) where sequence is not null;

-- One for each filter of the list, in the order that it is walked in.
drop index events_subject_idx;
create index events_subject_idx on events (subject_id, sequence) where sequence is not null;
create index events_subject_type_idx on events (subject_type, sequence) where sequence is not null;
create index events_actor_idx on events (actor_id, sequence) where sequence is not null;
create index events_type_idx on events (type, sequence) where sequence is not null;
create index events_created_at_idx on events (created_at) where sequence is not null;

-- Append-only, whoever asks. An owner of the table can still drop the triggers: that is what the hashes are for.
create function events_append_only() returns trigger language plpgsql as $$
begin
    if tg_op = 'INSERT' then
        if new.sequence is null and new.hash is null then
            return new;
        end if;
        raise exception 'events are sealed after they are committed, not when they are inserted'
            using errcode = 'restrict_violation';
    end if;
    if tg_op = 'UPDATE' and old.sequence is null and new.sequence is not null then
        -- Equal but for the seal, byte by byte: `=` would take 1.0 for 1.00.
        old.sequence := new.sequence;
        old.hash := new.hash;
        if new *= old then
            return new;
        end if;
    end if;
    raise exception 'events are append-only: % is refused', tg_op using errcode = 'restrict_violation';
end
$$;

create trigger events_append_only before insert or update or delete on events
    for each row execute function events_append_only();

create trigger events_no_truncate before truncate on events
    for each statement execute function events_append_only();
