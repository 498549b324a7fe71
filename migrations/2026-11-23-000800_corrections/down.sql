alter table editions drop column public_version;

drop table versions;
drop table corrections;
