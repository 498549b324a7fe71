//! A full disk: at the first start, and while the program serves. And a server that is killed.

use std::{
    fs,
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use nix::sys::signal::{self, Signal};
use serde_json::json;
use tempfile::TempDir;

use super::{
    data_dir, ends_with_one_line,
    first::Visitor,
    instances::{EMAIL, PASSWORD},
    program::{Program, command, is_alive, postmaster},
};

/// How long anything may take until it is well again. Far more than it does.
const PATIENCE: Duration = Duration::from_secs(60);

/// A disk of its own size, for as long as it is held.
pub(super) struct Disk(TempDir);

impl Disk {
    /// `None`, said loudly, where no disk can be mounted.
    pub(super) fn mount(mib: u32) -> Option<Self> {
        let folder = data_dir();
        let options = format!("size={mib}m,mode=755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "warta-test"])
            .arg(folder.path())
            .output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(Self(folder));
        }
        eprintln!("SKIPPED: this machine does not let a test mount a disk");
        None
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) fn resize(&self, mib: u32) {
        let options = format!("remount,size={mib}m");
        assert!(Command::new("mount").args(["-o", &options]).arg(self.path()).status().unwrap().success());
    }

    /// Writes until nothing more fits.
    fn fill(&self, name: &str) {
        let mut file = fs::File::create(self.path().join(name)).unwrap();
        for size in [1 << 20, 1 << 12] {
            while file.write_all(&vec![7; size]).is_ok() {}
        }
    }

    fn empty(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Whatever still works there.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

fn start(data_dir: &Path) -> Command {
    let mut start = command(data_dir);
    start
        .env("WARTA_LOG", "warn")
        .env("WARTA_DEMO", "false")
        .env("WARTA_ADMIN_EMAIL", EMAIL)
        .env("WARTA_ADMIN_PASSWORD", PASSWORD);
    start
}

/// Creates a story; the status of the answer.
async fn save(visitor: &Visitor<'_>, token: &str, size: usize) -> u16 {
    // Words that are all different, which Postgres cannot make smaller.
    let mut number = u64::from(visitor.program.pid().unsigned_abs());
    let mut words = String::new();
    while words.len() < size {
        number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words.push_str(&format!("{number:016x} "));
    }
    let story = json!({"title": "Kabar", "language": "id", "body": words});
    visitor.post("/v1/articles", token, &story).await.status().as_u16()
}

async fn status(visitor: &Visitor<'_>, path: &str) -> u16 {
    let url = format!("http://{}{path}", visitor.program.address);
    visitor.client.get(url).send().await.unwrap().status().as_u16()
}

/// Waits until something is so; meanwhile the program never ends.
async fn until(program: &Program, what: &str, mut so: impl AsyncFnMut() -> bool) {
    let since = Instant::now();
    while !so().await {
        assert!(is_alive(program.pid()), "it ended: {}", program.complaints());
        assert!(since.elapsed() < PATIENCE, "not {what}: {}", program.complaints());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[test]
fn a_full_disk_at_the_first_start_is_told_and_leaves_nothing() {
    let Some(disk) = Disk::mount(24) else { return };
    let path = disk.path().join("data");
    ends_with_one_line(&mut start(&path), 1, &["not enough room", &path.display().to_string(), "MiB"]);
    assert!(!path.join("postgres").exists());
    // It was enough when it began, and not when it went on.
    for mib in [100, 110, 120] {
        disk.resize(mib);
        fs::write(disk.path().join("ballast"), vec![7; 1 << 20]).unwrap();
        let mut child = start(&path).stderr(std::process::Stdio::piped()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        // It may have no effect any more: any outcome will do, but for one that lasts.
        let mut fill = fs::File::create(disk.path().join("ballast")).unwrap();
        while fill.write_all(&[7; 1 << 16]).is_ok() {}
        std::thread::sleep(Duration::from_secs(2));
        let _ = child.kill();
        child.wait().unwrap();
        fs::remove_file(disk.path().join("ballast")).unwrap();
    }
    disk.resize(400);
    let program = Program::start(&mut start(&path));
    assert!(!path.join("temporary").exists(), "what was unfinished is still there");
    program.stop();
}

#[tokio::test]
async fn a_full_disk_stops_writes_alone() {
    let Some(disk) = Disk::mount(300) else { return };
    let path = disk.path().join("data");
    let mut program = Program::start(&mut start(&path));
    let visitor = Visitor::of(&program);
    let token = visitor.sign_in(EMAIL, PASSWORD).await.unwrap();
    let mut saved = 0;
    for round in 1..=2 {
        assert_eq!(save(&visitor, &token, 1000).await, 201);
        saved += 1;
        disk.fill("fill");
        until(&program, "full", async || match save(&visitor, &token, 400_000).await {
            201 => {
                saved += 1;
                false
            }
            status => {
                // A server in trouble, never a client's fault, and it passes.
                assert_eq!(status, 503);
                true
            }
        })
        .await;
        // What filled it may have been faster than the keeper, and the server be started again. After that it
        // stays full, and nobody who reads is troubled.
        until(&program, "readable", async || status(&visitor, "/v1/articles?limit=9").await == 200).await;
        for _ in 0..20 {
            assert_eq!(status(&visitor, &format!("/v1/articles?limit={round}")).await, 200);
            assert_eq!(status(&visitor, "/readyz").await, 200);
            let draft = visitor.get("/v1/articles?draft=true&count=true&sort=title", &token).await;
            assert_eq!(draft["total"], saved);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        disk.empty("fill");
        until(&program, "well", async || save(&visitor, &token, 1000).await == 201).await;
        saved += 1;
    }
    assert_eq!(
        visitor.total("/v1/articles?draft=true", &token).await,
        saved,
        "what was acknowledged is there"
    );
    let told = program.complaints();
    assert!(told.contains("writes are refused until there is room"), "{told}");
    drop(visitor);
    program.kill(Signal::SIGTERM);
    assert_eq!(program.ended(), Some(0));
}

/// The log of changes on a disk of its own, which is small.
#[tokio::test]
async fn a_small_disk_for_the_log_of_changes_is_used_again_and_again() {
    let Some(disk) = Disk::mount(48) else { return };
    let folder = data_dir();
    let path = folder.path().join("data");
    Program::start(&mut start(&path)).stop();
    let log = path.join("postgres/pg_wal");
    let moved = Command::new("cp").arg("-a").arg(&log).arg(disk.path()).status().unwrap();
    assert!(moved.success());
    fs::remove_dir_all(&log).unwrap();
    std::os::unix::fs::symlink(disk.path().join("pg_wal"), &log).unwrap();

    let program = Program::start(&mut start(&path));
    let visitor = Visitor::of(&program);
    let token = visitor.sign_in(EMAIL, PASSWORD).await.unwrap();
    let (mut saved, mut refused) = (0, 0);
    let since = Instant::now();
    // More changes than it can hold at a time.
    while saved < 30 {
        match save(&visitor, &token, 200_000).await {
            201 => saved += 1,
            status => {
                assert!(status >= 500, "{status}");
                refused += 1;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        assert!(since.elapsed() < PATIENCE * 8, "{saved} saved, {refused} refused");
        assert_eq!(status(&visitor, "/v1/articles").await, 200);
    }
    assert_eq!(visitor.total("/v1/articles?draft=true", &token).await, saved);
    let restarted = program.complaints().contains("it is started again");
    assert!(!restarted, "the server ended itself: {}", program.complaints());
}

#[tokio::test]
async fn a_server_that_is_killed_is_started_again() {
    let folder = data_dir();
    let path = folder.path();
    let mut program = Program::start(&mut start(path));
    let visitor = Visitor::of(&program);
    let token = visitor.sign_in(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(save(&visitor, &token, 1000).await, 201);
    for round in 1..=3 {
        let server = postmaster(path).unwrap();
        signal::kill(nix::unistd::Pid::from_raw(server), Signal::SIGKILL).unwrap();
        assert_eq!(status(&visitor, "/livez").await, 200);
        until(&program, "well", async || {
            let status = save(&visitor, &token, 1000).await;
            assert!(status == 201 || status >= 500, "{status}");
            status == 201
        })
        .await;
        assert_eq!(status(&visitor, &format!("/v1/articles?limit={round}")).await, 200);
        assert_ne!(postmaster(path), Some(server));
    }
    assert!(visitor.total("/v1/articles?draft=true", &token).await.as_i64().unwrap() >= 4);
    assert!(program.complaints().contains("it is started again"), "{}", program.complaints());
    let server = postmaster(path).unwrap();
    drop(visitor);
    program.kill(Signal::SIGTERM);
    assert_eq!(program.ended(), Some(0));
    super::assert_nothing_left(path, server);
}

/// While it cannot be started there is no database, and that is all.
#[tokio::test]
async fn a_server_that_is_killed_on_a_full_disk_comes_back_too() {
    let Some(disk) = Disk::mount(300) else { return };
    let path = disk.path().join("data");
    let program = Program::start(&mut start(&path));
    let visitor = Visitor::of(&program);
    let token = visitor.sign_in(EMAIL, PASSWORD).await.unwrap();
    assert_eq!(save(&visitor, &token, 1000).await, 201);
    let kill = || {
        let server = postmaster(&path).unwrap();
        signal::kill(nix::unistd::Pid::from_raw(server), Signal::SIGKILL).unwrap();
    };
    until(&program, "prepared", async || path.join("postgres/warta-reserve").exists()).await;
    disk.fill("first");
    kill();
    // In the room that was kept for this.
    until(&program, "back", async || program.complaints().contains("the embedded Postgres is back")).await;
    until(&program, "read", async || status(&visitor, "/v1/articles?limit=1").await == 200).await;
    assert!(save(&visitor, &token, 1000).await >= 500);

    // That is used up as well.
    let _ = fs::remove_file(path.join("postgres/warta-reserve"));
    disk.fill("second");
    kill();
    // Whether it can be started now depends on the last kilobytes: the program goes on either way.
    for _ in 0..30 {
        assert!(is_alive(program.pid()), "it ended: {}", program.complaints());
        assert_eq!(status(&visitor, "/livez").await, 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(save(&visitor, &token, 1000).await >= 500);
    assert!(program.complaints().contains("is full"), "{}", program.complaints());
    disk.empty("first");
    disk.empty("second");
    until(&program, "well", async || save(&visitor, &token, 1000).await == 201).await;
    assert_eq!(visitor.total("/v1/articles?draft=true", &token).await, 2);
    // Its guard knows the new server.
    let server = postmaster(&path).unwrap();
    program.kill(Signal::SIGKILL);
    super::assert_nothing_left(&path, server);
}
