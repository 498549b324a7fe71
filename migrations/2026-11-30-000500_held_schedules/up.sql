-- A schedule that was set by somebody who may not publish any more, when its time came: it waits for somebody who may.
alter table editions
    add column schedule_held_at timestamptz,
    add constraint editions_held_check check (schedule_held_at is null or status = 'scheduled');

-- What is held is not due.
drop index editions_scheduled_idx;
create index editions_scheduled_idx on editions (scheduled_at)
    where kind = 'draft' and status = 'scheduled' and schedule_held_at is null;
