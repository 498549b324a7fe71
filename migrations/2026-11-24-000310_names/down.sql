alter table versions
    drop column tags,
    drop column citations;
