-- A frontend's menu is made of tags, and a name that once led to a tag keeps leading to it.

alter table tags
    add column menu boolean not null default false,
    add column position smallint constraint tags_position_check check (position >= 0);

-- Both in the order of menus: positions first, then names; what has no position comes after all that have one, which a keyset
-- can only walk where nulls compare. The menu itself is read for every page of a frontend.
create index tags_position_idx on tags (coalesce(position::integer, 32768), lower(name), id);
create index tags_menu_idx on tags (coalesce(position::integer, 32768), lower(name), id) where menu;

-- Every name by which a tag is found: its id and its slug, the slugs that it had, and all of those of the tags that were merged
-- into it. An id is written out; no slug has the shape of one. The primary key is what keeps a slug that leads somewhere from
-- being taken by another tag.
create table tag_names (
    name text constraint tag_names_pkey primary key,
    -- A slug is reserved before its tag is there.
    tag_id uuid not null references tags (id) on delete cascade deferrable initially deferred,
    unique (tag_id, name)
);

insert into tag_names (name, tag_id) select id::text, id from tags;
insert into tag_names (name, tag_id) select slug, id from tags;

-- No tag goes by a slug that does not lead to it. Checked at the end: a merge moves the names before the tag is gone.
alter table tags
    add constraint tags_name_fkey foreign key (id, slug) references tag_names (tag_id, name) deferrable initially deferred;
