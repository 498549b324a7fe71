-- Sign-in under attack: several counters for each attempt, networks from which a password was right, emails in one form.

-- Their keys were made in another way.
truncate sign_in_attempts;

-- Charges an attempt to each key in turn, until one has no room: which, counted from 1, and how long until all have. Null: all had.
-- A key that was charged stays charged when a later one refuses. No stored time may be farther ahead than burst x step, whoever
-- wrote it: an instance whose clock was ahead would lock its keys for as long.
create function charge_sign_in(
    charged_keys bytea[], bursts integer[], steps_ms integer[], counts integer[], moment timestamptz,
    out refused integer, out wait_ms bigint
) language plpgsql as $$
declare
    step interval;
    most timestamptz;
    stored timestamptz;
    held timestamptz;
begin
    for i in 1 .. cardinality(charged_keys) loop
        step := make_interval(secs => steps_ms[i] / 1000.0);
        most := moment + step * bursts[i];
        loop
            -- Who is refused makes no rows.
            if refused is null then
                insert into sign_in_attempts (key, free_at) values (charged_keys[i], moment) on conflict do nothing;
            end if;
            select free_at into stored from sign_in_attempts where key = charged_keys[i] for update;
            -- Another attempt may have been forgiven, and its row gone, in between.
            exit when found or refused is not null;
        end loop;
        continue when stored is null;
        -- What it owes beside this attempt comes first.
        held := least(greatest(stored, moment) + step * (counts[i] - 1), most);
        if held > most - step then
            refused := coalesce(refused, i);
            wait_ms := greatest(wait_ms, ceil(extract(epoch from held - (most - step)) * 1000));
        elsif refused is null then
            held := held + step;
        end if;
        update sign_in_attempts set free_at = held where key = charged_keys[i] and free_at <> held;
    end loop;
end
$$;

-- Gives an attempt's charges back: one step of each key or, where the step is null, all that it had. In the order of the keys, as
-- in a charge, or the two could wait for each other.
create function forgive_sign_in(charged_keys bytea[], steps_ms integer[], moment timestamptz) returns void
language plpgsql as $$
begin
    for i in 1 .. cardinality(charged_keys) loop
        if steps_ms[i] is null then
            delete from sign_in_attempts where key = charged_keys[i];
        else
            update sign_in_attempts set free_at = free_at - make_interval(secs => steps_ms[i] / 1000.0)
            where key = charged_keys[i];
        end if;
    end loop;
    -- What has been free for long, and what a clock that was ahead left.
    delete from sign_in_attempts where key in (
        select key from sign_in_attempts
        where free_at < moment - interval '1 hour' or free_at > moment + interval '1 day'
        limit 1000 for update skip locked
    );
end
$$;

-- Networks from which an editor's password was right: guessing from elsewhere does not keep the editor out there.
create table sign_in_networks (
    editor_id uuid not null references editors (id) on delete cascade,
    -- An HMAC of the editor and the network: who has the table alone cannot tell from where anybody works.
    network bytea not null,
    right_at timestamptz not null,
    primary key (editor_id, network)
);

-- Emails that look alike are one person's. Of those that were two accounts' so far each stays as it is.
update editors set email = normalize(email, NFC)
where email is not NFC normalized
    and not exists (
        select from editors other
        where other.id <> editors.id and lower(normalize(other.email, NFC)) = lower(normalize(editors.email, NFC))
    );
