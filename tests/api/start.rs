//! Starting and stopping, with the real program.

mod audit;
mod commands;
mod disk;
mod fetched;
mod first;
mod hostile;
mod instances;
mod logs;
mod outage;
mod program;
mod schedule;
mod surroundings;
mod tls;

use std::{net::TcpListener, path::Path, time::Duration};

use diesel_async::RunQueryDsl;
use nix::sys::signal::Signal;
use tempfile::TempDir;
use warta::database::{Database, migrations};

use self::program::{Program, command, is_alive, output, postmaster};

use crate::support::cluster::{empty_database, fresh_database};

#[tokio::test]
async fn counts_statements_and_discards_open_transactions() {
    let database = Database::connect(&fresh_database().await, 1).await.unwrap();
    assert_eq!(database.statements(), 0);
    let backend = async |sql: &str| {
        #[derive(diesel::QueryableByName)]
        struct Backend {
            #[diesel(sql_type = diesel::sql_types::Integer)]
            pid: i32,
        }
        let mut connection = database.get().await.unwrap();
        let pid =
            diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result::<Backend>(&mut connection).await;
        diesel::sql_query(sql).execute(&mut connection).await.unwrap();
        pid.unwrap().pid
    };
    let first = backend("SELECT 1").await;
    assert_eq!(database.statements(), 2);
    assert_eq!(backend("SELECT 1").await, first, "connections are kept");

    // A request that is cancelled inside of a transaction.
    let cancelled = async {
        let mut connection = database.get().await.unwrap();
        let transaction = diesel_async::AsyncConnection::transaction(&mut *connection, async |connection| {
            diesel::sql_query("SELECT pg_sleep(10)").execute(connection).await
        });
        transaction.await.unwrap();
    };
    let limit = std::time::Duration::from_millis(100);
    tokio::time::timeout(limit, cancelled).await.unwrap_err();
    assert_ne!(backend("SELECT 1").await, first, "its connection is not given to the next request");
}

#[tokio::test]
async fn databases_are_independent() {
    let urls = futures::future::join_all((0..8).map(|_| fresh_database())).await;
    for url in urls {
        let database = Database::connect(&url, 1).await.unwrap();
        let mut connection = database.get().await.unwrap();
        diesel::sql_query("CREATE TABLE only_here ()").execute(&mut connection).await.unwrap();
    }
}

#[tokio::test]
async fn instances_migrate_together_and_newer_databases_are_refused() {
    let url = empty_database().await;
    let together = futures::future::join_all((0..4).map(|_| migrations::migrate(&url))).await;
    let ran: Vec<_> = together.into_iter().flat_map(Result::unwrap).collect();
    let distinct: std::collections::HashSet<_> = ran.iter().collect();
    assert_eq!(ran.len(), distinct.len(), "each migration runs once");
    assert!(migrations::pending(&url).await.unwrap().is_empty());

    let database = Database::connect(&url, 1).await.unwrap();
    let future = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
    diesel::sql_query(future).execute(&mut database.get().await.unwrap()).await.unwrap();
    let error = migrations::migrate(&url).await.unwrap_err().to_string();
    assert!(error.contains("migrated by a newer Warta"), "{error}");
}

/// Fails unless the program ends with `code` and one line that contains each of `words`.
#[track_caller]
fn ends_with_one_line(command: &mut std::process::Command, code: i32, words: &[&str]) {
    let (status, stderr) = output(command);
    assert_eq!(status, Some(code), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    for word in words {
        assert!(stderr.contains(word), "no {word:?} in {stderr}");
    }
}

/// Fails unless a data folder's server is gone within 5 seconds.
#[track_caller]
fn assert_nothing_left(data_dir: &Path, server: i32) {
    let since = std::time::Instant::now();
    while is_alive(server) || postmaster(data_dir).is_some() {
        assert!(since.elapsed() < Duration::from_secs(5), "the server {server} is left running");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A folder whose server will run in it: root's server needs to get there.
fn data_dir() -> TempDir {
    let folder = TempDir::new().unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    folder
}

#[test]
fn starts_stops_and_recovers() {
    let folder = data_dir();
    let path = folder.path();

    let mut first = Program::start(&mut command(path));
    let server = postmaster(path).expect("a server in the data folder");
    ends_with_one_line(&mut command(path), 1, &["another warta", &path.display().to_string()]);
    let taken = data_dir();
    let mut on_taken_port = command(taken.path());
    ends_with_one_line(
        on_taken_port.env("WARTA_LISTEN", &first.address),
        1,
        &["WARTA_LISTEN", &first.address],
    );
    assert_eq!(postmaster(taken.path()), None, "its cluster is stopped");
    // Beside a running instance, commands use its database.
    assert_eq!(output(command(path).args(["migrate", "--check"])), (Some(0), String::new()));
    first.kill(Signal::SIGTERM);
    assert_eq!(first.ended(), Some(0));
    assert!(!is_alive(server) && postmaster(path).is_none(), "the server stops first");

    // Killed: the guard stops the server, and the next start does not wait for it.
    let second = Program::start(&mut command(path));
    let server = postmaster(path).unwrap();
    second.kill(Signal::SIGKILL);
    let mut third = Program::start(&mut command(path));
    assert_ne!(postmaster(path), Some(server));
    third.kill(Signal::SIGINT);
    assert_eq!(third.ended(), Some(0));
    assert!(!is_alive(server));

    // A lock file that names a process which is not a server: this one.
    let lock = format!("{}\n{}\n1\n5432\n/nowhere\n\n1 1\nready\n", std::process::id(), path.display());
    std::fs::write(path.join("postgres/postmaster.pid"), lock).unwrap();
    let mut fourth = Program::start(&mut command(path));
    let server = postmaster(path).unwrap();
    fourth.kill(Signal::SIGKILL);
    assert_eq!(fourth.ended(), None);
    assert_nothing_left(path, server);
}

/// When the guard dies too, the next start stops what is left.
#[cfg(target_os = "linux")]
#[test]
fn an_orphaned_server_is_replaced() {
    let folder = data_dir();
    let path = folder.path();
    let mut first = Program::start(&mut command(path));
    let server = postmaster(path).unwrap();
    let status = |pid: &str| std::fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let tasks = std::fs::read_dir(format!("/proc/{}/task", first.pid())).unwrap();
    let children =
        tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default());
    let children: Vec<_> =
        children.flat_map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>()).collect();
    let guard = children.iter().find(|pid| status(pid).contains("warta-guard")).expect("a guard");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(guard.parse().unwrap()), Signal::SIGKILL).unwrap();
    first.kill(Signal::SIGKILL);
    first.ended();
    assert!(is_alive(server), "without its guard the server stays");

    let mut second = Program::start(&mut command(path));
    assert!(!is_alive(server) && postmaster(path) != Some(server));
    second.kill(Signal::SIGTERM);
    assert_eq!(second.ended(), Some(0));
}

#[test]
fn a_wrong_setting_ends_the_start_with_one_line() {
    let folder = data_dir();
    let wrong = |name: &str, value: &str| {
        ends_with_one_line(command(folder.path()).env(name, value), 2, &[name]);
    };
    wrong("WARTA_LISTEN", "nonsense");
    wrong("WARTA_WORKERS", "-1");
    wrong("DATABASE_URL", "postgres://u:p@h/d?sslmode=maybe");
    wrong("WARTA_ADMIN_PASSWORD", "without an email");
    wrong("WARTA_TRUSTED_PROXIES", "10.0.0.0/8,everyone");
    ends_with_one_line(
        command(folder.path()).env("WARTA_LISTN", "127.0.0.1:0"),
        2,
        &["WARTA_LISTN: ", "WARTA_LISTEN may be meant"],
    );
    ends_with_one_line(command(folder.path()).env("WARTA_COLOUR", "red"), 2, &["WARTA_COLOUR: ", "--help"]);
    let keyless = &mut command(folder.path());
    ends_with_one_line(keyless.env("DATABASE_URL", "postgres://h/d"), 2, &["WARTA_JWT_KEY_FILE"]);
    ends_with_one_line(command(folder.path()).arg("--lsiten"), 2, &["--lsiten"]);
    ends_with_one_line(
        command(folder.path()).env("WARTA_PG_BIN", "/nowhere"),
        1,
        &["WARTA_PG_BIN", "/nowhere"],
    );
    let help = command(folder.path()).env("WARTA_LISTEN", "").arg("--help").output().unwrap();
    assert!(help.status.success() && String::from_utf8(help.stdout).unwrap().contains("WARTA_LISTEN"));
}

#[tokio::test]
async fn an_unusable_database_ends_the_start_with_one_line() {
    let folder = data_dir();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let unreachable = format!("postgres://u:secret@{free}/d");
    let mut start = command(folder.path());
    start.env("WARTA_JWT_KEY_FILE", folder.path().join("jwt.pem"));
    let (_, line) = output(start.env("DATABASE_URL", &unreachable));
    assert!(!line.contains("secret"), "{line}");
    ends_with_one_line(&mut start, 1, &["DATABASE_URL", &free.to_string()]);

    let url = fresh_database().await;
    let database = Database::connect(&url, 1).await.unwrap();
    let future = "INSERT INTO __diesel_schema_migrations (version) VALUES ('99990101000000')";
    diesel::sql_query(future).execute(&mut database.get().await.unwrap()).await.unwrap();
    ends_with_one_line(start.env("DATABASE_URL", url.expose()), 1, &["migrated by a newer Warta"]);
}
