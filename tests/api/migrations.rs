//! The migrations: each can be taken back, and `src/schema.rs` says what they make.

use std::{collections::BTreeMap, fs, path::Path};

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use serde_json::{Value, json};
use warta::{
    database::{Connection, Database, DatabaseUrl, migrations},
    principal::Role,
};

use crate::support::{
    Server,
    cluster::{empty_database, fresh_database},
};

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text)]
    line: String,
}

async fn lines(conn: &mut Connection, sql: &str) -> Vec<String> {
    let rows = diesel::sql_query(sql).load::<Line>(conn).await.unwrap();
    rows.into_iter().map(|row| row.line).collect()
}

async fn connection(url: &DatabaseUrl) -> Connection {
    Database::connect(url, 1).await.unwrap().get().await.unwrap()
}

/// Everything that a migration can make, a line each, but the table in which the migrations themselves are
/// noted.
async fn catalog(url: &DatabaseUrl) -> Vec<String> {
    const QUERIES: [&str; 6] = [
        "select format('column %s.%s %s %s %s', table_name, column_name, data_type, is_nullable, column_default) as line \
         from information_schema.columns where table_schema = 'public'",
        "select 'index ' || indexdef as line from pg_indexes where schemaname = 'public'",
        "select format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) as line \
         from pg_constraint where connamespace = 'public'::regnamespace",
        "select format('relation %s %s %s %s', relname, relkind, relpersistence, reloptions) as line \
         from pg_class where relnamespace = 'public'::regnamespace",
        "select format('function %s %s', oid::regprocedure, md5(prosrc)) as line \
         from pg_proc where pronamespace = 'public'::regnamespace",
        "select format('type %s %s', typname, typtype) as line from pg_type where typnamespace = 'public'::regnamespace \
         union all select format('trigger %s', pg_get_triggerdef(oid)) from pg_trigger where not tgisinternal \
         union all select format('extension %s', extname) from pg_extension",
    ];
    let mut conn = connection(url).await;
    let mut catalog = Vec::new();
    for query in QUERIES {
        catalog.extend(lines(&mut conn, query).await);
    }
    catalog.retain(|line| !line.contains("__diesel_schema_migrations"));
    catalog.sort();
    catalog
}

/// The lines that one has and the other has not.
fn difference(before: &[String], after: &[String]) -> String {
    let gone = before.iter().filter(|line| !after.contains(line)).map(|line| format!("- {line}"));
    let new = after.iter().filter(|line| !before.contains(line)).map(|line| format!("+ {line}"));
    gone.chain(new).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_migration_can_be_taken_back() {
    let url = empty_database().await;
    let empty = catalog(&url).await;
    let applied = migrations::migrate(&url).await.unwrap();
    let made = catalog(&url).await;
    assert!(!applied.is_empty() && made.len() > empty.len());

    let mut reverted = migrations::revert_all(&url).await.unwrap();
    reverted.reverse();
    assert_eq!(reverted, applied);
    let left = catalog(&url).await;
    assert_eq!(
        left,
        empty,
        "down.sql does not take back all that up.sql makes. Fix the down.sql of the migration that makes this:\n{}",
        difference(&empty, &left)
    );
    assert_eq!(migrations::migrate(&url).await.unwrap(), applied);
    let again = catalog(&url).await;
    assert_eq!(
        again,
        made,
        "up, down, up is not the same as up. Fix the down.sql of the migration that makes this:\n{}",
        difference(&made, &again)
    );
    assert!(migrations::pending(&url).await.unwrap().is_empty());
}

/// Takes the migrations since the tables of the first version back, and applies them again.
async fn there_and_back(conn: &mut Connection) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations");
    let all = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut since: Vec<_> =
        all.filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with("2026-11-22")).collect();
    since.sort();
    let script = |folder: &Path, name: &str| fs::read_to_string(folder.join(name)).unwrap();
    for folder in since.iter().rev() {
        conn.batch_execute(&script(folder, "down.sql"))
            .await
            .unwrap_or_else(|error| panic!("{folder:?} down: {error}"));
    }
    for folder in &since {
        conn.batch_execute(&script(folder, "up.sql"))
            .await
            .unwrap_or_else(|error| panic!("{folder:?} up: {error}"));
    }
}

#[tokio::test]
async fn stories_in_every_state_go_back_and_forth() {
    let server = Server::start().await;
    let token = server.sign_in(Role::Editor).await;
    let editor = Some(token.as_str());
    server.post("/v1/tags", editor, json!({"name": "Ekonomi", "menu": true})).await.expect(201);
    server.post("/v1/tags", editor, json!({"name": "Pasar"})).await.expect(201);
    server.post("/v1/sources", editor, json!({"name": "Pesisir"})).await.expect(201);
    for slug in ["tayang", "antre", "terjadwal", "ditarik", "dibuang", "dibuang-ditarik"] {
        let citation = json!({"source": "pesisir", "url": format!("https://pesisir.example/{slug}"), "title": "Laporan"});
        let body = json!({"title": slug, "slug": slug, "language": "id", "tags": ["pasar"], "citations": [citation]});
        server.post("/v1/articles", editor, body).await.expect(201);
    }
    let act = async |slug: &str, action: &str, body: Value| {
        server.post(&format!("/v1/articles/{slug}/{action}"), editor, body).await
    };
    for slug in ["tayang", "ditarik", "dibuang-ditarik"] {
        act(slug, "publish", json!({})).await.expect(200);
        act(slug, "corrections", json!({"kind": "update", "text": "Lanjutan."})).await.expect(201);
        act(slug, "preview-links", json!({})).await.expect(201);
    }
    server.patch("/v1/articles/tayang", editor, json!({"title": "Berubah"})).await.expect(200);
    act("antre", "submit", json!({})).await.expect(200);
    act("terjadwal", "publish", json!({"at": "2999-01-01T00:00:00Z"})).await.expect(200);
    for slug in ["ditarik", "dibuang-ditarik"] {
        act(slug, "retract", json!({"reason": "Keliru."})).await.expect(200);
    }
    for slug in ["dibuang", "dibuang-ditarik"] {
        server.delete(&format!("/v1/articles/{slug}"), editor).await.expect(204);
    }
    server.post("/v1/tags/pasar/merge", editor, json!({"into": "ekonomi"})).await.expect(200);
    let before = server.get("/v1/articles/tayang", None).await.expect(200);

    there_and_back(&mut server.database.get().await.unwrap()).await;

    let after = server.get("/v1/articles/tayang", None).await.expect(200);
    for member in ["title", "body_html", "tags", "citations", "status", "published_at"] {
        assert_eq!(after.body[member], before.body[member], "{member}");
    }
    // What only the later schema can say is not there any more: no time, and no reason. Nothing of it comes
    // before the readers.
    for (slug, query, state) in [
        ("tayang", "?draft=true", "draft"),
        ("antre", "?draft=true", "in_review"),
        ("terjadwal", "?draft=true", "draft"),
        ("ditarik", "?draft=true", "draft"),
        ("dibuang", "?trashed=true", "trashed"),
        ("dibuang-ditarik", "?trashed=true", "trashed"),
    ] {
        let draft = server.get(&format!("/v1/articles/{slug}{query}"), editor).await.expect(200);
        assert_eq!(draft.body["editorial"]["state"], state, "{slug}");
        if slug != "tayang" {
            assert_eq!(draft.body["published_at"], Value::Null, "{slug}");
            server.get(&format!("/v1/articles/{slug}"), None).await.expect(404);
        }
    }
    act("ditarik", "publish", json!({})).await.expect(200);
}

/// The tables of `schema.rs`: `<table>.<column>` with its type, and the primary keys.
fn declared() -> BTreeMap<String, String> {
    let text = include_str!("../../src/schema.rs");
    let mut declared = BTreeMap::new();
    for table in text.split("diesel::table! {").skip(1) {
        let table = &table[..table.find("\n}").unwrap()];
        // Types of Postgres that Diesel does not know are imported first.
        let table = table.rsplit_once(";\n").map_or(table, |(_, table)| table);
        let (name, rest) = table.trim().split_once(" (").unwrap();
        let (key, columns) = rest.split_once(") {").unwrap();
        declared.insert(format!("{name} primary key"), key.replace(' ', ""));
        let mut sql_name = None;
        for line in columns.lines().map(str::trim) {
            if let Some(name) = line.strip_prefix("#[sql_name = \"") {
                sql_name = Some(name.trim_end_matches("\"]").to_owned());
            } else if let Some((column, r#type)) = line.split_once(" -> ") {
                let column = sql_name.take().unwrap_or_else(|| column.to_owned());
                declared.insert(format!("{name}.{column}"), r#type.trim_end_matches(',').to_owned());
            }
        }
    }
    declared
}

#[tokio::test]
async fn the_schema_in_rust_is_that_of_the_database() {
    let mut conn = connection(&fresh_database().await).await;
    let columns = lines(
        &mut conn,
        "select format('%s.%s|%s|%s', table_name, column_name, udt_name, is_nullable) as line \
         from information_schema.columns where table_schema = 'public' and table_name <> '__diesel_schema_migrations'",
    )
    .await;
    let keys = lines(
        &mut conn,
        "select format('%s primary key|%s', conrelid::regclass, (select string_agg(attname, ',' order by place) \
             from unnest(conkey) with ordinality key(number, place) join pg_attribute on attrelid = conrelid and attnum = number)) \
             as line \
         from pg_constraint where contype = 'p' and connamespace = 'public'::regnamespace \
             and conrelid::regclass::text <> '__diesel_schema_migrations'",
    )
    .await;
    let key =
        |line: String| line.split_once('|').map(|(name, key)| (name.to_owned(), key.to_owned())).unwrap();
    let column = |line: String| {
        let [name, r#type, nullable] = line.split('|').collect::<Vec<_>>().try_into().unwrap();
        // Diesel names its types as Postgres names its own, with a capital.
        let r#type = r#type[..1].to_uppercase() + &r#type[1..];
        (name.to_owned(), if nullable == "YES" { format!("Nullable<{}>", r#type) } else { r#type })
    };
    let found: BTreeMap<_, _> = columns.into_iter().map(column).chain(keys.into_iter().map(key)).collect();
    let line = |(name, r#type): (&String, &String)| format!("{name}: {}", r#type);
    let declared: Vec<_> = declared().iter().map(line).collect();
    let found: Vec<_> = found.iter().map(line).collect();
    assert_eq!(
        declared,
        found,
        "src/schema.rs is not what the migrations make. Generate it again: diesel print-schema > src/schema.rs\n{}",
        difference(&declared, &found)
    );
}

#[tokio::test]
async fn authors_become_writers_and_back() {
    let server = Server::start().await;
    server.sign_in(Role::Writer).await;
    let mut conn = server.database.get().await.unwrap();
    let file = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/2026-11-30-000700_writers");
        fs::read_to_string(folder.join(name)).unwrap()
    };
    for (script, role, column) in [("down.sql", "author", "author_id"), ("up.sql", "writer", "created_by")] {
        conn.batch_execute(&file(script)).await.unwrap();
        assert_eq!(lines(&mut conn, "select role as line from editors").await, [role]);
        lines(&mut conn, &format!("select {column}::text as line from articles")).await;
    }
}
