alter table editions
    drop column scheduled_at,
    drop column scheduled_by,
    drop column retracted_at,
    drop column retraction_reason;
