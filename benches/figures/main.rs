//! The figures of Warta: how fast it is, against what the machine could do.
//!
//! `cargo bench` fills a Postgres of its own with 10,000 and with 1,000,000 articles, measures, and prints one table. It needs
//! Postgres with pgbench, and [wrk](https://github.com/wg/wrk), on a machine that does nothing else, and about 20 GB in the target
//! folder. `cargo bench -- --quick` does the same with few articles in a minute or two: to see that it works.
//!
//! Ratios of two rates are taken in turns within one run. A missed budget is in the table; the exit code
//! tells whether everything worked, and whether the plans of the hot queries are as they must be.

mod bare;
mod capture;
mod cluster;
mod fill;
mod groups;
mod machine;
mod outcome;
mod pgbench;
mod report;
mod server;
mod setting;
mod turns;
mod words;
mod wrk;

use std::{io::Write, path::Path, process::ExitCode, time::Instant};

use clap::{Parser, ValueEnum};
use groups::{cached, instances, plans, process, scaling, uncached, writes};
use outcome::{Outcome, progress, whole};
use setting::{Scale, Setting};

use crate::{
    cluster::{Cluster, Purpose},
    report::Report,
    server::Launcher,
};

// As the program itself: the bare handler is this one, started again.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Warta, and prints the table of its figures.
#[derive(Debug, Parser)]
struct Arguments {
    /// Few articles and short measurements: shows that everything works
    #[arg(long)]
    quick: bool,
    /// Measure only this; may be given more than once
    #[arg(long, value_enum)]
    only: Vec<Group>,
    /// Use the databases that an earlier run filled, and keep them for a later one
    #[arg(long)]
    keep: bool,
    /// Put the table into docs/figures.md
    #[arg(long)]
    write: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
    /// The bare handler: the files with the body to answer, and with its head
    #[arg(long, hide = true, num_args = 2)]
    bare: Option<Vec<String>>,
}

/// What is measured together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Plans of the hot queries
    Plans,
    /// Answers from the response cache
    Cached,
    /// Answers from the database
    Uncached,
    /// The same at both sizes
    Scaling,
    /// Memory and start
    Process,
    /// Instances that hear of each other
    Instances,
    /// Editors at work
    Writes,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.bare.as_deref() {
        Some([body, head]) => bare::serve(Path::new(body), Path::new(head)).await.map(|()| true),
        _ => run(&arguments).await,
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {}", whole(&*error));
            ExitCode::FAILURE
        }
    }
}

/// Fills, measures and reports; whether nothing went wrong.
async fn run(arguments: &Arguments) -> Outcome<bool> {
    wrk::check()?;
    let started = Instant::now();
    let scale = if arguments.quick { Scale::QUICK } else { Scale::FULL };
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().ok_or("no target folder")?;
    let folder = target.join("figures");
    let data = folder.join(if arguments.quick { "quick" } else { "data" });
    if !arguments.keep {
        Cluster::delete(&data)?;
    }
    std::fs::create_dir_all(&data)?;
    unless_interrupted(fill_missing(&data, scale)).await?;
    let cluster = Cluster::start(&data, Purpose::Measuring).await?;
    let pgbench = cluster.program("pgbench")?;
    let launcher = Launcher::new(&folder)?;
    let mut setting = Setting { folder, scale, cluster, launcher, pgbench, report: Report::default() };
    let machine = machine::describe(&setting.connect().await?, scale).await?;
    let measured = unless_interrupted(measure(&mut setting, &arguments.only)).await;
    let Setting { folder, cluster, report, .. } = setting;
    cluster.stop().await;
    if !arguments.keep {
        Cluster::delete(&data)?;
    }
    // What was measured until something failed, too.
    let table = report.markdown(&machine);
    std::fs::write(folder.join("figures.md"), &table)?;
    writeln!(std::io::stdout(), "{table}")?;
    measured?;
    if arguments.write {
        report::write(Path::new(env!("CARGO_MANIFEST_DIR")), &table)?;
    }
    progress(format!("done in {:.0} s", started.elapsed().as_secs_f64()));
    Ok(report.is_clean())
}

/// Does something until Ctrl-C. What was started for it is stopped when it is dropped.
async fn unless_interrupted<T>(something: impl Future<Output = Outcome<T>>) -> Outcome<T> {
    tokio::select! {
        outcome = something => outcome,
        _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
    }
}

/// Fills the databases that are not there.
async fn fill_missing(data: &Path, scale: Scale) -> Outcome<()> {
    let cluster = Cluster::start(data, Purpose::Filling).await?;
    let outcome = async {
        let admin = cluster.connect("postgres").await?;
        for size in scale.sizes {
            if !fill::is_filled(&admin, size).await? {
                progress(format!("filling {size} articles"));
                fill::fill(&cluster, size).await?;
            }
        }
        Outcome::Ok(())
    };
    let outcome = outcome.await;
    cluster.stop().await;
    outcome
}

/// Measures the groups that are wanted; writes last, since they change what the others look at.
async fn measure(setting: &mut Setting, only: &[Group]) -> Outcome<()> {
    for group in Group::value_variants() {
        if !only.is_empty() && !only.contains(group) {
            continue;
        }
        progress(format!("measuring: {group:?}"));
        match group {
            Group::Plans => plans::measure(setting).await?,
            Group::Cached => cached::measure(setting).await?,
            Group::Uncached => uncached::measure(setting).await?,
            Group::Scaling => scaling::measure(setting).await?,
            Group::Process => process::measure(setting).await?,
            Group::Instances => instances::measure(setting).await?,
            Group::Writes => writes::measure(setting).await?,
        }
    }
    Ok(())
}
