drop table sign_in_attempts;
drop table refresh_tokens;
drop table sessions;
drop table editors;
