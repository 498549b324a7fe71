//! The migrations: each can be taken back, and `src/schema.rs` says what they make.

use std::collections::BTreeMap;

use diesel_async::RunQueryDsl;
use warta::database::{Connection, Database, DatabaseUrl, migrations};

use crate::support::cluster::{empty_database, fresh_database};

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

/// Everything that a migration can make, a line each, but the table in which the migrations themselves are noted.
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

/// The tables of `schema.rs`: `<table>.<column>` with its type, and the primary keys.
fn declared() -> BTreeMap<String, String> {
    let text = include_str!("../../src/schema.rs");
    let mut declared = BTreeMap::new();
    for table in text.split("diesel::table! {").skip(1) {
        let table = &table[..table.find("\n}").unwrap()];
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
