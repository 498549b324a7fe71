alter table editions
    drop column scheduled_at,
    drop column scheduled_by,
    drop column retracted_at,
    drop column retraction_reason;

-- Without a time, what waits for it is a draft again. Without a reason, a story that was taken back is hidden from readers, and not
-- put before them again.
update editions set status = 'draft' where status = 'scheduled';

update editions set status = 'draft', published_at = null
where kind = 'draft' and article_id in (select article_id from editions where status = 'retracted');

delete from editions where status = 'retracted';
