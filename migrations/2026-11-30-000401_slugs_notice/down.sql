drop trigger notice on article_slugs;
drop function article_slugs_notice();
