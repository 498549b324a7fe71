drop trigger stays_together on revisions;
drop trigger stays on revisions;
drop function stays_with_article();

alter table revisions
    drop column restored_from,
    drop column changed;
