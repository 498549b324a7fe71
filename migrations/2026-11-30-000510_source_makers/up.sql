-- Who made a source. Of those that were made before, the record tells.
alter table sources add column created_by uuid references editors (id);

update sources set created_by = made.actor_id
from (
    select distinct on (subject_id) subject_id, actor_id from events
    where type = 'source.created' and actor_id is not null
    order by subject_id, created_at desc
) made
where made.subject_id = sources.id;
