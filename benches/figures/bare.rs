//! What is the most that could be: actix-web with one handler that answers the same bytes. This program started again, with
//! `--bare`, so that it is a process of its own like an instance is.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

use actix_web::{App, HttpResponse, HttpServer, web};

use crate::{
    outcome::Outcome,
    server::{Answer, Process},
};

/// The option that starts it; then the file with the bytes, and their type.
pub(crate) const OPTION: &str = "--bare";

/// Serves a file's bytes on each path, until it is killed.
pub(crate) async fn serve(file: &Path, content_type: &str) -> Outcome<()> {
    let bytes = web::Bytes::from(std::fs::read(file)?);
    let content_type = content_type.to_owned();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(std::io::stdout(), "http://{}", listener.local_addr()?)?;
    let handler = move || {
        let (bytes, content_type) = (bytes.clone(), content_type.clone());
        App::new().default_service(web::to(move || {
            let answer = HttpResponse::Ok().content_type(content_type.clone()).body(bytes.clone());
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
        let file = folder.join("bare-answer");
        std::fs::write(&file, &answer.text)?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(OPTION).arg(file).arg(&answer.content_type);
        let mut process = Process(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?);
        let mut base = String::new();
        BufReader::new(process.0.stdout.take().ok_or("no output")?).read_line(&mut base)?;
        if base.is_empty() {
            return Err("the bare handler does not start".into());
        }
        Ok(Self { base: base.trim().to_owned(), _process: process })
    }
}
