-- The role `author` becomes `writer`, and who made an article is its `created_by`: the public authors of a story are other people.
-- The record and old revisions keep the words that they were written with.
alter table editors drop constraint editors_role_check;
update editors set role = 'writer' where role = 'author';
alter table editors add constraint editors_role_check check (role in ('writer', 'editor', 'admin'));

alter table articles rename column author_id to created_by;
alter table articles rename constraint articles_author_id_fkey to articles_created_by_fkey;
alter index articles_author_id_idx rename to articles_created_by_idx;
