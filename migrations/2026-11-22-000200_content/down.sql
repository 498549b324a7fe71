drop table citations;
drop table edition_tags;
drop table editions;
drop table article_slugs;
drop table articles;
drop table sources;
drop table tags;
