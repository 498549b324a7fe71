alter table citations drop column document_key;
