//! Databases full of articles: minutes for a million.
//!
//! Two connections copy the rows, with triggers off and without the indexes that can be made afterwards.
//! Everything that the schema demands is checked in the end.

pub(crate) mod cast;
mod check;
mod events;
mod rows;
mod search;
mod story;

use std::{
    collections::VecDeque,
    io::Cursor,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use futures::{SinkExt, future::try_join};
use tokio_postgres::Client;
use warta::{clock::Clock, database::migrations};

use self::{cast::Cast, rows::TABLES, story::World};
use crate::{
    cluster::Cluster,
    outcome::{Outcome, about, progress},
    words::Tongue,
};

/// Of a hundred articles so many are before the readers, at least.
const LIVE: u64 = 94;

/// How many articles a transaction copies.
const BATCH: u64 = 2000;

/// Says in the comment of a database that it was filled like this. To be changed with what is filled.
const MARK: &str = "figures 2";

/// The session of a connection that fills: triggers off, and with them the checks of references.
const SESSION: &str =
    "set session_replication_role = replica; set maintenance_work_mem = '1GB'; set statement_timeout = 0";

/// The name of the database with so many articles before the readers.
pub(crate) fn database(size: u64) -> String {
    format!("figures_{size}")
}

/// Whether an earlier run filled it.
pub(crate) async fn is_filled(admin: &Client, size: u64) -> Outcome<bool> {
    let query = "select coalesce(shobj_description(oid, 'pg_database') = $2, false) from pg_database where datname = $1";
    Ok(admin.query_opt(query, &[&database(size), &MARK]).await?.is_some_and(|row| row.get(0)))
}

/// Makes the database and fills it.
pub(crate) async fn fill(cluster: &Cluster, size: u64) -> Outcome<()> {
    let started = Instant::now();
    let name = database(size);
    let admin = cluster.connect("postgres").await?;
    admin.batch_execute(&format!("drop database if exists {name}")).await?;
    admin.batch_execute(&format!("create database {name}")).await?;
    let url = cluster.url(&name);
    migrations::migrate(&url).await?;
    let [one, other] = [cluster.connect(&name).await?, cluster.connect(&name).await?];
    for client in [&one, &other] {
        client.batch_execute(SESSION).await?;
    }
    let tongues = Tongue::both()?;
    let cast = Cast::make(&url, &one, &tongues[0]).await?;
    let world = Arc::new(World { tongues, cast, count: size * 100 / LIVE + 50, now: Clock::default().now() });
    let indexes = drop_indexes(&one).await?;
    let original = search::prepare(&one, &world.tongues).await?;
    let next = AtomicU64::new(0);
    try_join(copy_stories(&one, &world, &next), copy_stories(&other, &world, &next)).await?;
    one.batch_execute(&original).await?;
    progress(format!("  {size}: rows are in after {:.0} s", started.elapsed().as_secs_f64()));
    let indexes = Arc::new(Mutex::new(indexes));
    let second = async {
        events::copy_all(&other, &world).await?;
        build(&other, &indexes).await
    };
    try_join(build(&one, &indexes), second).await?;
    progress(format!("  {size}: indexes are there after {:.0} s", started.elapsed().as_secs_f64()));
    one.batch_execute("vacuum (analyze)").await?;
    check::references(&one).await?;
    check::rows(&one, size, world.count).await?;
    check::edges(&one).await?;
    search::check(&one).await?;
    admin.batch_execute(&format!("comment on database {name} is '{MARK}'; checkpoint")).await?;
    progress(format!("  {size}: filled and checked in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(())
}

/// Drops what makes copying slow; the statements that make it again, those that take longest first.
async fn drop_indexes(client: &Client) -> Outcome<VecDeque<String>> {
    let query = "select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index \
         join pg_class on pg_class.oid = indrelid \
         where relnamespace = 'public'::regnamespace and not exists (select from pg_constraint where conindid = indexrelid) \
         and relname in ('articles', 'editions', 'edition_tags', 'citations', 'revisions', 'versions', 'corrections', 'events') \
         order by pg_get_indexdef(indexrelid) like '%USING gin%' desc, relname = 'events', 1";
    let mut definitions = VecDeque::new();
    for row in client.query(query, &[]).await? {
        client.batch_execute(&format!("drop index {}", row.get::<_, String>(0))).await?;
        definitions.push_back(row.get(1));
    }
    Ok(definitions)
}

/// Makes indexes until none is left to make.
async fn build(client: &Client, indexes: &Mutex<VecDeque<String>>) -> Outcome<()> {
    loop {
        let next = indexes.lock().map_err(|error| error.to_string())?.pop_front();
        let Some(definition) = next else { return Ok(()) };
        client.batch_execute(&definition).await.map_err(about(&definition))?;
    }
}

/// Copies batches of stories until none is left to copy.
async fn copy_stories(client: &Client, world: &Arc<World>, next: &AtomicU64) -> Outcome<()> {
    loop {
        let first = next.fetch_add(BATCH, Ordering::Relaxed);
        if first >= world.count {
            return Ok(());
        }
        if first > 0 && first.is_multiple_of(BATCH * 25) {
            progress(format!("  {first} of {}", world.count));
        }
        let numbers = first..(first + BATCH).min(world.count);
        let rows = {
            let world = Arc::clone(world);
            tokio::task::spawn_blocking(move || {
                let mut rows = rows::Rows::default();
                numbers.into_iter().try_for_each(|number| world.write(number, &mut rows)).map(|()| rows)
            })
            .await??
        };
        client.batch_execute("begin").await?;
        for (table, rows) in TABLES.into_iter().zip(rows) {
            copy(client, table, rows).await?;
        }
        client.batch_execute("commit").await?;
    }
}

/// Copies rows into a table.
async fn copy(client: &Client, table: &str, rows: String) -> Outcome<()> {
    let mut sink = pin!(client.copy_in::<_, Cursor<Vec<u8>>>(&format!("copy {table} from stdin")).await?);
    sink.send(Cursor::new(rows.into_bytes())).await?;
    sink.finish().await.map_err(about(table))?;
    Ok(())
}
