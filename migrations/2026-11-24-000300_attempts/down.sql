drop table failed_publications;
