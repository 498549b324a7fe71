drop index editions_scheduled_idx;
alter table editions
    drop constraint editions_held_check,
    drop column schedule_held_at;
create index editions_scheduled_idx on editions (scheduled_at) where kind = 'draft' and status = 'scheduled';
