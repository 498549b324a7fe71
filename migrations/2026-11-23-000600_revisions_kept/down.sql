drop trigger revisions_stay_together on revisions;
drop trigger revisions_stay on revisions;
drop function revisions_stay();

alter table revisions
    drop column restored_from,
    drop column changed;
