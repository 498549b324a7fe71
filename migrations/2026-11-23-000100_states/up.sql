-- What the states of an article need beside their names: when and for whom a draft is published, why a story was taken back.

alter table editions
    add column scheduled_at timestamptz,
    add column scheduled_by uuid references editors (id),
    add column retracted_at timestamptz,
    add column retraction_reason text,
    add constraint editions_schedule_check check (
        (status = 'scheduled') = (scheduled_at is not null and scheduled_by is not null)
    ),
    add constraint editions_retraction_check check (
        (status = 'retracted') = (retracted_at is not null and retraction_reason is not null)
    );

-- What is due, for the workers of all instances.
create index editions_scheduled_idx on editions (scheduled_at) where kind = 'draft' and status = 'scheduled';
