//! Errors of the database are told apart by their SQLSTATE, whatever they say and in whatever language.

use diesel_async::SimpleAsyncConnection;
use serde_json::json;
use warta::principal::Role;

use super::beside;
use crate::support::Server;

#[tokio::test]
async fn each_class_of_errors_is_what_it_is() {
    let server = Server::uncached().await;
    let token = server.sign_in(Role::Editor).await;
    let mut other = beside(&server.url).await;
    let raise = r"
        create function raise() returns trigger language plpgsql as $$
        begin
            if new.name like 'SQLSTATE %' then
                raise exception 'tidak ada ruang: canceling statement, deadlock detected' using errcode = right(new.name, 5);
            end if;
            return new;
        end $$;
        create trigger raise before insert on tags for each row execute function raise();";
    other.batch_execute(raise).await.unwrap();
    let expected = [
        // A disk that is full, memory, connections, a limit that was set.
        (503, "unavailable", &["53000", "53100", "53200", "53300", "53400"][..]),
        // A disk that cannot be read or written.
        (503, "unavailable", &["58000", "58030"]),
        // Cancelled, ended, crashed, starting, dropped.
        (503, "unavailable", &["57000", "57014", "57P01", "57P02", "57P03", "57P04", "57P05"]),
        (503, "unavailable", &["08000", "08003", "08006"]),
        (503, "unavailable", &["55P03", "25P03", "40003"]),
        (503, "read-only", &["25006"]),
        (409, "conflict", &["40001", "40P01"]),
        (500, "internal", &["XX000", "XX001", "22012", "42501", "42P01", "P0001", "54000"]),
    ];
    for (status, kind, codes) in expected {
        for code in codes {
            let tag = json!({"name": format!("SQLSTATE {code}")});
            let answer = server.post("/v1/tags", Some(&token), tag).await;
            assert_eq!(answer.status, status, "{code}: {}", answer.text);
            let answer = answer.expect_problem(status, kind);
            assert!(!answer.text.contains("ruang") && !answer.text.contains(code), "{}", answer.text);
            assert_eq!(answer.headers.contains_key("retry-after"), status == 503, "{code}");
            // And all is well again.
            let name = format!("Sesudah {code}");
            server.post("/v1/tags", Some(&token), json!({"name": name})).await.expect(201);
        }
    }
}

/// What was prepared before a migration is not what the table is now.
#[tokio::test]
async fn statements_of_yesterday_are_prepared_anew() {
    let server = Server::uncached().await;
    server.get("/v1/tags", None).await.expect(200);
    let mut other = beside(&server.url).await;
    other.batch_execute("alter table tags alter column description type varchar(100000)").await.unwrap();
    super::until(200, async || server.get("/v1/tags", None).await).await;
}
