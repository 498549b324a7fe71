alter table editions alter column search set statistics -1;
drop trigger published on editions;
drop trigger published_new on editions;
drop function edition_published;
drop trigger published on citations;
drop trigger published on edition_tags;
drop function edge_published;
alter table citations drop column published_at, drop column language;
alter table edition_tags drop column published_at, drop column language;
