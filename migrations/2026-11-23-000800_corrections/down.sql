alter table editions drop column public_version;

drop table versions;
drop table corrections;
drop function keep_what_readers_were_told();
