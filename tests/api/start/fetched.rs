//! Fetching Postgres: on a machine without one, from a server here, with an archive made of this machine's
//! own programs.
//!
//! The machine's Postgres is hidden from the program, which takes a file system of its own: where a test may
//! not do that, it is skipped.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use nix::sys::signal::{self, Signal};
use tempfile::TempDir;

use super::{
    data_dir,
    disk::Disk,
    ends_with_one_line,
    program::{Program, after, command, output},
};

/// Where Debian's packages, and those of postgresql.org, have their programs.
const PACKAGED: &str = "/usr/lib/postgresql";

/// The newest Postgres of this machine, where it is one of packages and can be hidden.
fn hideable() -> Option<PathBuf> {
    let newest = fs::read_dir(PACKAGED).ok().and_then(|versions| {
        versions.flatten().map(|version| version.path()).filter(|path| path.join("bin/initdb").exists()).max()
    });
    let hidden = Command::new("unshare")
        .args(["-m", "sh", "-c", &format!("mount -t tmpfs none {PACKAGED} && ! command -v initdb")])
        .output();
    if let (Some(newest), Ok(hidden)) = (newest, hidden)
        && hidden.status.success()
    {
        return Some(newest);
    }
    eprintln!("SKIPPED: the Postgres of this machine cannot be hidden from a test");
    None
}

/// The program where no Postgres is found.
fn without_postgres(data_dir: &Path, archive: &str) -> Command {
    let mut start = command(data_dir);
    start.env("WARTA_DEMO", "false").env("WARTA_PG_ARCHIVE", archive);
    after(&["unshare", "-m"], &format!("mount -t tmpfs none {PACKAGED}"), &start)
}

/// An archive of this machine's Postgres, as they are published: a folder in it, and in that `bin` and `lib`.
fn archive(postgres: &Path) -> Vec<u8> {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("archive.tar.gz");
    let packed = Command::new("tar")
        .arg("-czf")
        .arg(&file)
        .args(["--transform", "s,^,postgresql-15.0.0-here/,", "--exclude", "bitcode", "-C"])
        .arg(postgres)
        .args(["bin", "lib"])
        .output()
        .unwrap();
    assert!(packed.status.success(), "{}", String::from_utf8_lossy(&packed.stderr));
    fs::read(file).unwrap()
}

/// Serves it: whole, cut short, so slowly that it never ends, and under names without a checksum or with a
/// wrong one.
fn serve(archive: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let archive = Arc::new(archive);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let archive = Arc::clone(&archive);
            std::thread::spawn(move || answer(stream, &archive));
        }
    });
    address
}

fn answer(mut stream: TcpStream, archive: &[u8]) {
    let mut request = Vec::new();
    let mut byte = [0];
    while !request.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
        request.push(byte[0]);
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let path = request.split(' ').nth(1).unwrap_or_default();
    let head =
        |length: usize| format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n");
    let half = &archive[..archive.len() / 2];
    // Whoever asks may be gone.
    let _ = match path {
        "/unsigned.tar.gz.sha256" => write!(stream, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
        "/odd.tar.gz.sha256" => write!(stream, "{}<html>", head(6)),
        "/wrong.tar.gz.sha256" => writeln!(stream, "{}{}", head(65), "0".repeat(64)),
        path if path.ends_with(".sha256") => {
            let line = format!("{}  archive.tar.gz\n", sha256(archive));
            write!(stream, "{}{line}", head(line.len()))
        }
        "/cut.tar.gz" => write!(stream, "{}", head(archive.len())).and_then(|()| stream.write_all(half)),
        "/slow.tar.gz" => write!(stream, "{}", head(archive.len())).and_then(|()| {
            stream.write_all(half)?;
            std::thread::sleep(Duration::from_secs(60));
            Ok(())
        }),
        _ => write!(stream, "{}", head(archive.len())).and_then(|()| stream.write_all(archive)),
    };
}

/// What `sha256sum` says.
fn sha256(bytes: &[u8]) -> String {
    hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes))
}

#[test]
fn postgres_is_fetched_whatever_happened_before() {
    let Some(postgres) = hideable() else { return };
    let archive = archive(&postgres);
    let server = serve(archive);
    let folder = data_dir();
    let path = folder.path().join("data");
    for (name, words) in [
        ("wrong", &["its checksum is", "0000000000"][..]),
        ("cut", &["/cut.tar.gz failed"]),
        ("unsigned", &[".sha256", "404"]),
        ("odd", &[".sha256", "no SHA-256"]),
    ] {
        let address = format!("http://{server}/{name}.tar.gz");
        let words: Vec<_> = ["no Postgres to run", "Postgres 15 or newer", "WARTA_PG_ARCHIVE"]
            .iter()
            .chain(words)
            .copied()
            .collect();
        ends_with_one_line(&mut without_postgres(&path, &address), 1, &words);
    }
    // A proxy of the caller's is not asked.
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for signal in [Signal::SIGKILL, Signal::SIGTERM] {
        let mut slow = without_postgres(&path, &format!("http://{server}/slow.tar.gz"));
        slow.env("http_proxy", format!("http://{nobody}"));
        let mut slow = slow.stdout(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs(2));
        assert!(slow.try_wait().unwrap().is_none());
        signal::kill(nix::unistd::Pid::from_raw(i32::try_from(slow.id()).unwrap()), signal).unwrap();
        slow.wait().unwrap();
    }

    // Two at once: one fetches and serves, the other one says so.
    let good = format!("http://{server}/postgresql-{{major}}-{{target}}.tar.gz");
    let first = std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(300));
            output(&mut without_postgres(&path, &good))
        });
        let first = Program::start(&mut without_postgres(&path, &good));
        let (code, line) = other.join().unwrap();
        assert_eq!(code, Some(1), "{line}");
        assert!(line.contains("another warta"), "{line}");
        first
    });
    assert!(!path.join("temporary").exists());
    let fetched = fs::read_dir(&path)
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("postgresql-"));
    assert_eq!(fetched.count(), 1);
    first.stop();

    // From now on without asking anybody.
    Program::start(&mut without_postgres(&path, &format!("http://{nobody}/none.tar.gz"))).stop();
}

#[test]
fn an_archive_that_does_not_fit_is_told_and_leaves_nothing() {
    let Some(postgres) = hideable() else { return };
    let Some(disk) = Disk::mount(20) else { return };
    let server = serve(archive(&postgres));
    let path = disk.path().join("data");
    let mut start = without_postgres(&path, &format!("http://{server}/good.tar.gz"));
    ends_with_one_line(&mut start, 1, &["not enough room", &path.display().to_string()]);
    assert!(!path.join("temporary").exists());
    disk.resize(500);
    Program::start(&mut start).stop();
}

#[test]
fn without_postgres_and_network_it_is_said_what_to_install() {
    if hideable().is_none() {
        return;
    }
    let folder = data_dir();
    let start = command(&folder.path().join("data"));
    let mut start = after(&["unshare", "-m", "-n"], &format!("mount -t tmpfs none {PACKAGED}"), &start);
    let since = Instant::now();
    let words =
        ["Postgres 15 or newer", "Debian", "Ubuntu", "Fedora", "Homebrew", "WARTA_PG_BIN", "DATABASE_URL"];
    ends_with_one_line(&mut start, 1, &words);
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
}
