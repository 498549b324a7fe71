//! What is the most that could be: actix-web with one handler that answers the same bytes. This program
//! started again, with
//! `--bare`, so that it is a process of its own like an instance is.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App, HttpResponse, HttpServer,
    http::header::{HeaderName, HeaderValue},
    web,
};

use crate::{
    outcome::Outcome,
    server::{Answer, Process},
};

/// The option that starts it; then the file with the body, and the one with the lines of the head.
pub(crate) const OPTION: &str = "--bare";

/// Serves a file's bytes on each path, below a head of these lines, until it is killed.
pub(crate) async fn serve(body: &Path, head: &Path) -> Outcome<()> {
    let bytes = web::Bytes::from(std::fs::read(body)?);
    let lines = std::fs::read_to_string(head)?;
    let headers = lines.lines().filter_map(|line| line.split_once(": "));
    let headers = headers
        .map(|(name, value)| Ok((HeaderName::try_from(name)?, HeaderValue::from_str(value)?)))
        .collect::<Outcome<Vec<_>>>()?;
    let headers: Arc<[_]> = headers.into();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    let handler = move || {
        let (bytes, headers) = (bytes.clone(), Arc::clone(&headers));
        App::new().default_service(web::to(move || {
            let mut answer = HttpResponse::Ok();
            for (name, value) in headers.iter() {
                answer.insert_header((name, value));
            }
            let answer = answer.body(bytes.clone());
            async move { answer }
        }))
    };
    // As an instance is served.
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    let server = HttpServer::new(handler).workers(workers).client_request_timeout(Duration::from_secs(10));
    server.disable_signals().listen(listener)?.run().await?;
    Ok(())
}

/// One that runs.
#[derive(Debug)]
pub(crate) struct Bare {
    /// `http://127.0.0.1:<port>`.
    pub(crate) base: String,
    _process: Process,
}

impl Bare {
    /// Starts one that answers the same.
    pub(crate) fn start(folder: &Path, answer: &Answer) -> Outcome<Self> {
        let [body, head] = ["bare-body", "bare-head"].map(|name| folder.join(name));
        std::fs::write(&body, &answer.text)?;
        std::fs::write(&head, &answer.head)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(OPTION).arg(body).arg(head);
        let mut process = Process(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?);
        let mut base = String::new();
        BufReader::new(process.0.stdout.take().ok_or("no output")?).read_line(&mut base)?;
        if base.is_empty() {
            return Err("the bare handler does not start".into());
        }
        Ok(Self { base: base.trim().to_owned(), _process: process })
    }
}
