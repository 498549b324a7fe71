alter table tags drop constraint tags_name_fkey;
drop table tag_names;
drop index tags_menu_idx;
drop index tags_position_idx;
alter table tags drop column menu, drop column position;
