//! The `warta` command line.

use std::process::ExitCode;

use warta::{
    config::{Cli, Command},
    serve, telemetry,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let Cli { config, command } = Cli::from_process();
    telemetry::init(&config.log);
    let outcome = match command.unwrap_or(Command::Serve) {
        Command::Serve => serve::serve(config).await,
        Command::Migrate { check } => serve::migrate(config, check).await,
        Command::Editor(command) => serve::editor(config, command).await,
        Command::Audit(command) => serve::audit(config, command).await,
        Command::Openapi => serve::openapi(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
