-- That an old address leads on to a story is kept in memory, too: an address that is freed leads nowhere from then on.
create function article_slugs_notice() returns trigger language plpgsql as $$
begin
    perform pg_notify('warta', concat('article:', old.article_id));
    return null;
end
$$;

create trigger notice after delete on article_slugs for each row when (old.ever_live)
    execute function article_slugs_notice();
