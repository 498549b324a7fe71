//! The embedded start wherever it is: killed again and again, in folders of any name, with anybody's
//! environment.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;

use super::{
    data_dir, ends_with_one_line,
    first::Visitor,
    program::{Program, command, output, postmaster},
};

/// Longer than any guard takes.
const GUARDED: Duration = Duration::from_secs(8);

/// What somebody's shell may have set for other programs of Postgres, for other languages and for the dynamic
/// linker.
const FOREIGN: [(&str, &str); 32] = [
    ("PGPORT", "6543"),
    ("PGDATA", "/nonexistent"),
    ("PGHOST", "db.example.org"),
    ("PGHOSTADDR", "192.0.2.1"),
    ("PGUSER", "somebody"),
    ("PGPASSWORD", "secret"),
    ("PGPASSFILE", "/nonexistent"),
    ("PGDATABASE", "other"),
    ("PGOPTIONS", "-c search_path=nowhere -c default_transaction_read_only=on"),
    ("PGSSLMODE", "verify-full"),
    ("PGSSLROOTCERT", "/nonexistent"),
    ("PGSERVICE", "other"),
    ("PGSERVICEFILE", "/nonexistent"),
    ("PGCLIENTENCODING", "LATIN1"),
    ("PGTZ", "Asia/Jakarta"),
    ("PGDATESTYLE", "German"),
    ("PGTARGETSESSIONATTRS", "standby"),
    ("PGSYSCONFDIR", "/nonexistent"),
    ("PGLOCALEDIR", "/nonexistent"),
    ("PG_COLOR", "always"),
    ("LC_ALL", "xx_XX.UTF-8"),
    ("LC_MESSAGES", "de_DE.UTF-8"),
    ("LC_COLLATE", "tr_TR.UTF-8"),
    ("LANG", "xx_XX.ISO-8859-9"),
    ("LANGUAGE", "de:fr"),
    ("TZ", "Nowhere/Land"),
    ("LD_PRELOAD", "/nonexistent/libnone.so"),
    ("LD_LIBRARY_PATH", "/nonexistent"),
    ("LD_BIND_NOW", "1"),
    ("TMPDIR", "/nonexistent"),
    ("HOME", "/nonexistent"),
    ("IFS", "/"),
];

/// Folders that the program can work in, whoever the server's user is.
fn reachable(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755)).unwrap();
}

fn quiet(data_dir: &Path) -> std::process::Command {
    let mut start = command(data_dir);
    start.env("WARTA_DEMO", "false");
    start
}

/// Fails unless the database is reached by whoever comes now.
async fn assert_served(program: &Program) {
    assert_eq!(Visitor::of(program).total("/v1/articles", "").await, 0);
}

#[tokio::test]
async fn kills_in_a_folder_that_is_called_like_ours() {
    let folder = data_dir();
    let parent = folder.path().join("warta-data");
    reachable(&parent);
    let path = parent.join("warta-site");
    // What somebody keeps there is not ours either.
    reachable(&path.join("warta-backup"));
    reachable(&path.join("postgres.new-backup"));
    fs::write(path.join("warta-backup/notes"), "Catatan").unwrap();
    let mut program = Program::start(&mut quiet(&path));
    for _ in 0..6 {
        program.kill(Signal::SIGKILL);
        program.ended();
        program = Program::start(&mut quiet(&path));
        assert_served(&program).await;
    }
    // Each of their guards has cleaned up by now, if they ever will.
    let since = Instant::now();
    while since.elapsed() < GUARDED {
        assert_served(&program).await;
        std::thread::sleep(Duration::from_millis(500));
    }
    assert!(path.join("socket/.s.PGSQL.5432").exists());
    assert_eq!(fs::read_to_string(path.join("warta-backup/notes")).unwrap(), "Catatan");
    assert!(path.join("postgres.new-backup").exists());
    program.stop();
}

#[tokio::test]
async fn the_callers_environment_reaches_nothing() {
    let folder = data_dir();
    let path = folder.path().join("data");
    let mark = folder.path().join("mark");
    let script = folder.path().join("script");
    fs::write(&script, format!("touch '{}'\n", mark.display())).unwrap();
    let foreign = || {
        let mut start = quiet(&path);
        start.envs(FOREIGN).env("ENV", &script).env("BASH_ENV", &script);
        start
    };
    for _ in 0..2 {
        let program = Program::start(&mut foreign());
        assert_served(&program).await;
        if cfg!(target_os = "linux") {
            let server = postmaster(&path).unwrap();
            let variables = fs::read(format!("/proc/{server}/environ")).unwrap();
            let names = variables.split(|byte| *byte == 0).map(|variable| {
                String::from_utf8_lossy(variable).split('=').next().unwrap_or_default().to_owned()
            });
            let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
            assert!(names.iter().all(|name| ["PATH", "LC_ALL", "TZ"].contains(&&**name)), "{names:?}");
        }
        // Beside it, too.
        assert_eq!(foreign().args(["editor", "list"]).output().unwrap().status.code(), Some(0));
        program.stop();
    }
    assert!(!mark.exists(), "a script of the caller's was run");
    let settings = fs::read_to_string(path.join("postgres/postgresql.conf")).unwrap();
    for foreign in ["tr_TR", "de_DE", "xx_XX", "Jakarta", "Nowhere"] {
        assert!(!settings.contains(foreign), "{foreign} went into the cluster");
    }
}

#[tokio::test]
async fn folders_may_have_any_name() {
    let folder = data_dir();
    for name in ["it's \"two words\", a $HOME\\ and `ls`; 新聞 ü%s", &"panjang-sekali/".repeat(16), "plain"]
    {
        let path = folder.path().join(name);
        let mut start = quiet(&path);
        if name == "plain" {
            // By a link, and from where we are.
            std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
            reachable(&path);
            start.current_dir(folder.path()).env("WARTA_DATA_DIR", "./link");
        }
        // The mode of the folders between is the umask's, which is no part of this test.
        path.ancestors().take_while(|part| *part != folder.path()).for_each(reachable);
        let first = Program::start(&mut start);
        assert_served(&first).await;
        assert_eq!(output(quiet(&path).args(["editor", "list"])), (Some(0), String::new()), "{name}");
        first.kill(Signal::SIGKILL);
        let second = Program::start(&mut start);
        std::thread::sleep(Duration::from_secs(1));
        assert_served(&second).await;
        let socket = socket_dir(&path);
        second.stop();
        assert_eq!(postmaster(&path), None);
        assert_eq!(socket.exists(), socket.starts_with(fs::canonicalize(&path).unwrap()), "{socket:?}");
    }
}

/// Where the server of a data folder has its socket.
fn socket_dir(data_dir: &Path) -> PathBuf {
    let text = fs::read_to_string(data_dir.join("postgres/postmaster.pid")).unwrap();
    text.lines().nth(4).unwrap().into()
}

#[tokio::test]
async fn a_folder_that_the_servers_user_cannot_reach_has_its_cluster_elsewhere() {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("SKIPPED: only root's server runs as another user");
        return;
    }
    let folder = data_dir();
    let closed = folder.path().join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let path = closed.join("data");
    let first = Program::start(&mut quiet(&path));
    let elsewhere = fs::read_link(path.join("postgres")).unwrap();
    let elsewhere = elsewhere.parent().unwrap().to_owned();
    assert_served(&first).await;
    first.kill(Signal::SIGKILL);
    let second = Program::start(&mut quiet(&path));
    assert_served(&second).await;
    assert_eq!(output(quiet(&path).args(["editor", "list"])), (Some(0), String::new()));
    second.stop();

    // The way to it is lost: nothing new is made in its place.
    let moved = elsewhere.with_extension("moved");
    fs::rename(&elsewhere, &moved).unwrap();
    fs::remove_file(path.join("postgres")).unwrap();
    std::os::unix::fs::symlink("/nonexistent/postgres", path.join("postgres")).unwrap();
    ends_with_one_line(&mut quiet(&path), 1, &["/nonexistent/postgres", "is its disk mounted"]);
    fs::remove_dir_all(moved).unwrap();
}

#[test]
fn commands_that_look_make_nothing() {
    let folder = data_dir();
    let mistyped = folder.path().join("mistyped");
    let commands: [&[&str]; 6] = [
        &["editor", "list"],
        &["editor", "disable", "--email", "ayu@example.org"],
        &["editor", "set-password", "--email", "ayu@example.org"],
        &["migrate"],
        &["migrate", "--check"],
        &["audit", "verify"],
    ];
    for arguments in commands {
        let mut look = command(&mistyped);
        look.args(arguments).env("WARTA_EDITOR_PASSWORD", "correct horse battery staple");
        ends_with_one_line(
            look.stdin(Stdio::null()),
            1,
            &[&mistyped.display().to_string(), "WARTA_DATA_DIR"],
        );
        assert!(!mistyped.exists(), "{arguments:?} made it");
    }
    fs::create_dir(&mistyped).unwrap();
    ends_with_one_line(command(&mistyped).args(["editor", "list"]), 1, &["no database"]);
    assert!(fs::read_dir(&mistyped).unwrap().next().is_none());

    // Who makes an editor means it.
    let mut create = command(&mistyped);
    create.args(["editor", "create", "--email", "ayu@example.org", "--name", "Ayu", "--role", "admin"]);
    create.env("WARTA_EDITOR_PASSWORD", "correct horse battery staple");
    assert_eq!(output(&mut create), (Some(0), String::new()));
    let list = command(&mistyped).args(["editor", "list"]).output().unwrap();
    assert!(String::from_utf8(list.stdout).unwrap().contains("ayu@example.org"));
}
