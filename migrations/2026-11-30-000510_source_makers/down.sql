alter table sources drop column created_by;
