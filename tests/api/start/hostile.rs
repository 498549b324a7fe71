//! Hundreds of connections that mean harm, against the real program: what memory they cost, and who else
//! waits.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    process::Command,
    time::{Duration, Instant},
};

use nix::sys::signal::Signal;
use tempfile::TempDir;

use super::program::{Program, command};

/// How many connections an attack has.
const CROWD: usize = 300;

/// How much more memory than when nobody asks the program may take, in KiB.
const MOST: u64 = 64 * 1024;

/// How long a client waits that means no harm. Far more than it takes: the machine may be busy with other
/// tests.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn connect(program: &Program) -> TcpStream {
    let stream = TcpStream::connect(&program.address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(Duration::from_secs(2))).unwrap();
    stream
}

/// Sends as much as is taken.
fn send(stream: &mut TcpStream, bytes: &[u8]) {
    match stream.write_all(bytes) {
        Ok(()) => {}
        // Whoever is refused finds the connection closed.
        Err(error) => assert!(
            matches!(
                error.kind(),
                ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::WouldBlock
            ),
            "{error}"
        ),
    }
}

/// The status of an answer to a fresh client.
pub(super) fn status(program: &Program, path: &str) -> u16 {
    let mut stream = connect(program);
    send(&mut stream, format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").as_bytes());
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text);
    text.split(' ').nth(1).unwrap_or_else(|| panic!("{path}: {text:?}")).parse().unwrap()
}

/// The resident memory of the program, in KiB.
fn memory(program: &Program) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// How many connections the program has not closed yet.
fn established(program: &Program) -> usize {
    let port: u16 = program.address.rsplit(':').next().unwrap().parse().unwrap();
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
    let is_open = |line: &&str| {
        let mut fields = line.split_whitespace().skip(1);
        let (local, state) = (fields.next().unwrap(), fields.nth(1).unwrap());
        local.ends_with(&format!(":{port:04X}")) && state == "01"
    };
    table.lines().skip(1).filter(is_open).count()
}

/// Opens many connections that all send the same and read nothing; says how much memory that took at most,
/// meanwhile and after.
fn attack(program: &Program, sent: &[u8]) -> u64 {
    let mut most = 0;
    let mut crowd = Vec::new();
    for _ in 0..CROWD {
        let mut stream = connect(program);
        send(&mut stream, sent);
        crowd.push(stream);
        most = most.max(memory(program));
    }
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(3) {
        most = most.max(memory(program));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(status(program, "/v1/articles"), 200);
    assert_eq!(status(program, "/livez"), 200);
    most = most.max(memory(program));
    drop(crowd);
    let since = Instant::now();
    while established(program) > 0 {
        assert!(since.elapsed() < 3 * PATIENCE, "who is gone is kept");
        std::thread::sleep(Duration::from_millis(20));
    }
    most
}

fn post(path: &str, headers: &str, body: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n{headers}\r\n{body}")
}

#[test]
fn hundreds_of_hostile_connections_cost_little_memory_and_stop_nobody() {
    let folder = TempDir::new().unwrap();
    let mut command = command(folder.path());
    let mut program = Program::start(command.env("WARTA_CACHE_BYTES", "1048576"));
    for path in ["/v1/articles", "/docs/scalar.js", "/feeds/rss.xml", "/v1/tags"] {
        assert_eq!(status(&program, path), 200);
    }
    let idle = memory(&program);
    let members: String = (0..1300).map(|number| format!("\"m{number}\":0,")).collect();
    let members = format!("{{{members}\"m\":0}}");
    let length = format!("Content-Length: {}\r\n", members.len());
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000)).repeat(8);
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let attacks = [
        ("a large answer is not read", get("/docs/scalar.js")),
        ("the whole document is not read", get("/openapi.json")),
        ("many answers are asked for and not read", get("/openapi.json").repeat(40)),
        ("a feed is not read", get("/feeds/rss.xml").repeat(10)),
        ("lists with texts are not read", get("/v1/articles?include=body&limit=100").repeat(10)),
        ("a long problem is not read", post("/v1/auth/login", &length, &members)),
        (
            "a large body is announced",
            post("/v1/auth/refresh", "Content-Length: 2097152\r\n", &" ".repeat(60_000)),
        ),
        ("a body never ends", post("/v1/auth/login", "Content-Length: 16384\r\n", &" ".repeat(16_000))),
        ("chunks never end", post("/v1/auth/login", "Transfer-Encoding: chunked\r\n", &chunk)),
        ("a body comes where none is read", post("/livez", "Transfer-Encoding: chunked\r\n", &chunk)),
        ("a head never ends", format!("GET /livez HTTP/1.1\r\nHost: a\r\nX-Long: {}", "a".repeat(63_000))),
        ("a later head never ends", get("/livez") + &format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(60_000))),
        ("many parameters are unknown", get(&format!("/v1/articles?{}", "a=&b=&c=&".repeat(800)))),
    ];
    for (what, sent) in attacks {
        let most = attack(&program, sent.as_bytes());
        let cost = most.saturating_sub(idle);
        println!("{what}: {} KiB more than {idle}", cost);
        assert!(cost < MOST, "{what}: {cost} KiB more than {idle}");
    }
    program.kill(Signal::SIGTERM);
    assert_eq!(program.ended(), Some(0));
}

#[test]
fn who_takes_nothing_is_not_waited_for() {
    let folder = TempDir::new().unwrap();
    let program = Program::start(&mut command(folder.path()));
    let mut crowd: Vec<_> = (0..20).map(|_| connect(&program)).collect();
    for stream in &mut crowd {
        send(stream, b"GET /docs/scalar.js HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    // Longer than the rate is measured over, twice, and not too long for a busy machine.
    let since = Instant::now();
    assert_eq!(established(&program), crowd.len());
    while established(&program) > 0 {
        assert!(since.elapsed() < Duration::from_secs(200), "{} are open", established(&program));
        std::thread::sleep(Duration::from_millis(500));
    }
    // What the kernel had of it is still there for the client, and no more.
    for stream in &mut crowd {
        let mut got = Vec::new();
        let _ = stream.read_to_end(&mut got);
        assert!(got.len() < 4_000_000, "{} bytes", got.len());
    }
}

#[test]
fn the_limit_of_files_is_raised_as_far_as_it_may_be() {
    let folder = TempDir::new().unwrap();
    let warta = command(folder.path());
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -Sn 128 && exec \"$0\""]).arg(warta.get_program());
    for (name, value) in warta.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    let program = Program::start(&mut limited);
    let mut crowd: Vec<_> = (0..CROWD).map(|_| connect(&program)).collect();
    for stream in &mut crowd {
        send(stream, b"GET /livez HTTP/1.1\r\nHost: a\r\n");
    }
    for path in ["/livez", "/readyz", "/v1/articles"] {
        assert_eq!(status(&program, path), 200, "{path}");
    }
}

#[test]
fn a_stop_is_announced_before_connections_are_refused() {
    let folder = TempDir::new().unwrap();
    let mut command = command(folder.path());
    let mut program = Program::start(command.env("WARTA_DRAIN_SECONDS", "60"));
    // Not for this signal.
    program.kill(Signal::SIGHUP);
    assert_eq!(status(&program, "/readyz"), 200);
    program.kill(Signal::SIGTERM);
    let since = Instant::now();
    while status(&program, "/readyz") != 503 {
        assert!(since.elapsed() < PATIENCE, "it is ready for ever");
    }
    // Who comes all the same is served, and told to connect anew for more.
    let mut stream = connect(&program);
    send(&mut stream, b"GET /v1/articles HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8_lossy(&text).to_lowercase();
    assert!(text.starts_with("http/1.1 200") && text.contains("\r\nconnection: close\r\n"), "{text}");
    // A second signal ends the waiting.
    program.kill(Signal::SIGTERM);
    assert_eq!(program.ended(), Some(0));
}

#[test]
fn somebody_at_a_terminal_does_not_wait() {
    let folder = TempDir::new().unwrap();
    let mut command = command(folder.path());
    let mut program = Program::start(command.env("WARTA_DRAIN_SECONDS", "60"));
    program.kill(Signal::SIGINT);
    assert_eq!(program.ended(), Some(0));
}
