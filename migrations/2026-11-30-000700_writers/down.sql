alter index articles_created_by_idx rename to articles_author_id_idx;
alter table articles rename constraint articles_created_by_fkey to articles_author_id_fkey;
alter table articles rename column created_by to author_id;

alter table editors drop constraint editors_role_check;
update editors set role = 'author' where role = 'writer';
alter table editors add constraint editors_role_check check (role in ('author', 'editor', 'admin'));
