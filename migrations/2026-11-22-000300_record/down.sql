drop table events;
drop table revisions;
