//! A database that takes no writes, such as a standby.

use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use serde_json::json;
use warta::{database::migrations, principal::Role};

use super::{beside, draft, published, until};
use crate::support::{PASSWORD, Server, cluster::empty_database};

#[tokio::test]
async fn reads_go_on_and_writes_are_told_to_wait() {
    let server = Server::uncached().await;
    let (token, story) = published(&server).await;
    server.editor("budi@example.org", Role::Writer).await;
    let login = json!({"email": "budi@example.org", "password": PASSWORD});
    let session = server.post("/v1/auth/login", None, login.clone()).await.expect(200).body;
    let refresh = json!({"refresh_token": session["refresh_token"]});
    let mut other = beside(&server.url).await;
    let name = server.url.database().unwrap();
    other
        .batch_execute(&format!("alter database \"{name}\" set default_transaction_read_only = on"))
        .await
        .unwrap();

    // It finds the database as it is, and starts.
    let late = Server::on(server.url.clone()).await;
    assert!(migrations::migrate(&server.url).await.unwrap().is_empty());
    for path in [&story, "/v1/articles", "/v1/articles?q=kabar", "/feeds/rss.xml", "/v1/tags", "/readyz"] {
        late.get(path, None).await.expect(200);
    }
    assert!(late.database.is_read_only());
    server.get("/v1/events", Some(&token)).await.expect(200);
    for (path, body) in [
        ("/v1/auth/login", login.clone()),
        ("/v1/auth/refresh", refresh.clone()),
        ("/v1/auth/login", json!({"email": "nobody@example.org", "password": "wrong password"})),
    ] {
        let answer = late.post(path, None, body).await.expect_problem(503, "read-only");
        answer.header("retry-after");
    }

    let back = format!("alter database \"{name}\" set default_transaction_read_only = off");
    other.batch_execute(&format!("set default_transaction_read_only = off; {back}")).await.unwrap();
    // Sessions that may not write are made anew.
    until(200, async || late.post("/v1/auth/login", None, login.clone()).await).await;
    // The probe finds out, whichever of the sessions it asks.
    let since = Instant::now();
    while late.database.is_read_only() {
        assert!(since.elapsed() < Duration::from_secs(20), "it says for ever that it takes no writes");
        late.get("/readyz", None).await.expect(200);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn each_write_is_told_so() {
    let server = Server::uncached().await;
    let (token, story) = published(&server).await;
    let mut other = beside(&server.url).await;
    let name = server.url.database().unwrap();
    other
        .batch_execute(&format!("alter database \"{name}\" set default_transaction_read_only = on"))
        .await
        .unwrap();
    let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity \
               where datname = current_database() and application_name = 'warta'";
    other.batch_execute(end).await.unwrap();
    until(200, async || server.get(&story, None).await).await;

    let etag =
        server.get(&format!("{story}?draft=true"), Some(&token)).await.expect(200).header("etag").to_owned();
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("if-match", etag.as_str())];
    let write = async |method: &str, path: &str, body| {
        let answer = server.send(method, path, &headers, body).await.expect_problem(503, "read-only");
        answer.header("retry-after");
    };
    let title = json!({"title": "Lain"});
    write("PATCH", &story, Some(title)).await;
    write("POST", &format!("{story}/unpublish"), None).await;
    write("DELETE", &story, None).await;
    write("POST", "/v1/tags", Some(json!({"name": "Baru"}))).await;
    write("POST", "/v1/sources", Some(json!({"name": "Baru"}))).await;
    write("POST", "/v1/auth/logout", None).await;
    draft(&server, &token).await.expect_problem(503, "read-only");
    server.get("/v1/me", Some(&token)).await.expect(200);
    server.get(&story, None).await.expect(200);

    let back = format!("alter database \"{name}\" set default_transaction_read_only = off");
    other.batch_execute(&format!("set default_transaction_read_only = off; {back}")).await.unwrap();
    until(201, async || draft(&server, &token).await).await;
}

#[tokio::test]
async fn what_is_to_be_migrated_needs_writes() {
    let url = empty_database().await;
    let name = url.database().unwrap().to_owned();
    let mut other = beside(&url).await;
    other
        .batch_execute(&format!("alter database \"{name}\" set default_transaction_read_only = on"))
        .await
        .unwrap();
    let error = migrations::migrate(&url).await.unwrap_err().to_string();
    assert!(error.contains("takes no writes") && error.contains("pending"), "{error}");
    assert!(!migrations::pending(&url).await.unwrap().is_empty());
}
