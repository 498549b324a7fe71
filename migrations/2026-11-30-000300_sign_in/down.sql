drop table sign_in_networks;
drop function forgive_sign_in;
drop function charge_sign_in;
truncate sign_in_attempts;
