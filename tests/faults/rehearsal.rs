//! A rehearsal: a primary, its standby, two instances, and what happens to them.

use std::time::{Duration, Instant};

use crate::{
    guard::Guard,
    ledger::{Story, missing},
    load::{Load, Sight, number},
    network::Network,
    newsroom::Newsroom,
    postgres::{Place, Server},
    proxy::{Line, Proxy},
    say,
};

/// What happens to the primary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// All its processes are killed.
    Killed,
    /// All its processes are stopped where they are, and go on later.
    Stopped,
    /// Whatever is sent to it and by it stays on the way.
    Silent,
    /// The same by its network, which drops all packets.
    CutOff,
}

/// How long the load goes on before the fault.
pub(crate) const BEFORE: Duration = Duration::from_secs(2);

/// How long it takes somebody to find that the standby has to be promoted.
const NOTICED: Duration = Duration::from_millis(1500);

/// How long the load goes on after each step that follows.
pub(crate) const AFTER: Duration = Duration::from_secs(2);

/// Within what time writes have to be taken again: far longer than it takes, as the machine may be busy. What
/// it took is said.
pub(crate) const BOUND: Duration = Duration::from_secs(15);

/// How long a reader waits at most for an answer, on a busy machine.
const SLOWEST: Duration = Duration::from_secs(8);

/// With synchronous replication, a commit is acknowledged once the standby has it.
const SYNCHRONOUS: [&str; 2] = ["synchronous_commit=on", "synchronous_standby_names=*"];

/// The servers, the instances, and what is between them.
pub(crate) struct Rehearsal {
    // In this order they end.
    pub(crate) newsroom: Newsroom,
    pub(crate) primary: Server,
    pub(crate) standby: Server,
    /// Between the instances and the primary, and between the standby and the primary.
    pub(crate) lines: Option<[Proxy; 2]>,
    network: Option<Network>,
    _guard: Guard,
}

impl Rehearsal {
    /// Starts all; why not, where the machine does not allow it.
    pub(crate) async fn open(fault: Fault, settings: &[&str]) -> Result<Self, String> {
        let mut guard = Guard::set();
        let network = if fault == Fault::CutOff { Some(Network::make(&mut guard)?) } else { None };
        let place = network.as_ref().map_or_else(Place::here, |network| network.place.clone());
        let primary = Server::primary(guard.folder(), place, settings).await;
        let lines = if fault == Fault::Silent {
            Some([Proxy::to(&primary.url()).await, Proxy::to(&primary.url()).await])
        } else {
            None
        };
        let [for_instances, for_standby] = match &lines {
            Some(lines) => lines.each_ref().map(address),
            None => [primary.address(), primary.address()],
        };
        let standby = primary.standby(guard.folder(), &for_standby, Place::here()).await;
        let hosts = format!("{for_instances},{}", standby.address());
        let url = format!("postgres://warta@{hosts}/warta?target_session_attrs=read-write");
        let newsroom = Newsroom::open(guard.folder(), &url).await;
        Ok(Self { newsroom, primary, standby, lines, network, _guard: guard })
    }

    async fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::Killed => self.primary.kill(),
            Fault::Stopped => self.primary.freeze(),
            Fault::Silent => self.lines.iter().flatten().for_each(|line| line.set(Line::Silent)),
            Fault::CutOff => self.network.as_ref().unwrap().drop_packets().unwrap(),
        }
    }

    /// The primary comes back as it was, and does not know that another one took its place.
    async fn heal(&mut self, fault: Fault) {
        match fault {
            Fault::Killed => self.primary.start().await,
            Fault::Stopped => self.primary.thaw(),
            Fault::Silent => self.lines.iter().flatten().for_each(|line| line.set(Line::Open)),
            Fault::CutOff => self.network.as_ref().unwrap().pass_packets().unwrap(),
        }
        let standby = self.primary.ask("select pg_is_in_recovery()::text as text").await;
        assert_eq!(standby, "false", "it does not think that it is the primary");
    }

    /// Fails where an instance has a session at the old primary that was begun after a moment, by the
    /// server's clock.
    async fn nobody_goes_to_the_old_primary(&self, moment: &str, how_long: Duration) {
        let since = Instant::now();
        while since.elapsed() < how_long {
            let sessions =
                format!("pg_stat_activity where application_name = 'warta' and backend_start > '{moment}'");
            assert_eq!(self.primary.count(&sessions).await, 0, "an instance went back to the old primary");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Where a line is.
fn address(line: &Proxy) -> String {
    line.url.to_string().split('/').next().unwrap().to_owned()
}

/// The time, as the database has it.
async fn clock(server: &Server) -> String {
    server.ask("select clock_timestamp()::text as text").await
}

/// How many rows a server has from after a moment.
async fn rows_after(server: &Server, moment: &str) -> u64 {
    let mut rows = 0;
    for table in ["articles", "revisions", "events"] {
        rows += server.count(&format!("{table} where created_at > '{moment}'")).await;
    }
    rows
}

/// The whole of it: the fault, the promotion, the return, and what must hold.
pub(crate) async fn rehearse(fault: Fault) {
    let mut rehearsal = match Rehearsal::open(fault, &SYNCHRONOUS).await {
        Ok(rehearsal) => rehearsal,
        Err(cause) => return say(&format!("{fault:?}: NOT REHEARSED, it cannot be done here: {cause}")),
    };
    let synchronous = rehearsal.primary.count("pg_stat_replication where sync_state = 'sync'").await;
    assert_eq!(synchronous, 1, "the standby is synchronous");
    let [one, two] = rehearsal.newsroom.desks.clone();
    let load = Load::start(&rehearsal.newsroom.desks).await;
    tokio::time::sleep(BEFORE).await;

    rehearsal.strike(fault).await;
    let struck = Instant::now();
    tokio::time::sleep(NOTICED).await;
    rehearsal.standby.promote().await;
    let promoted = Instant::now();
    let promotion = clock(&rehearsal.standby).await;
    let again =
        [load.acknowledged(&one, promoted, BOUND).await, load.acknowledged(&two, promoted, BOUND).await];
    let away = struck.elapsed();
    tokio::time::sleep(AFTER).await;

    let returned = clock(&rehearsal.standby).await;
    rehearsal.heal(fault).await;
    let back = Instant::now();
    rehearsal.nobody_goes_to_the_old_primary(&returned, AFTER).await;
    for desk in [&one, &two] {
        load.acknowledged(desk, back + AFTER / 2, BOUND).await;
    }
    if fault == Fault::Killed {
        // The new primary is away for a moment, and the old one is the only one there.
        rehearsal.standby.kill();
        tokio::time::sleep(NOTICED).await;
        rehearsal.standby.start().await;
        let restarted = Instant::now();
        for desk in [&one, &two] {
            load.acknowledged(desk, restarted, BOUND).await;
        }
    }
    let measured = format!(
        "writes again {:.1?} and {:.1?} after the promotion's end, {away:.1?} after the fault",
        again[0], again[1]
    );
    judge(&format!("{fault:?}"), load, &rehearsal.newsroom, &measured).await;
    assert_eq!(rows_after(&rehearsal.primary, &promotion).await, 0, "the old primary was written to");
    assert!(rows_after(&rehearsal.standby, &promotion).await > 0, "the new primary was not");
}

/// Ends the load, and fails unless all was as it must be.
pub(crate) async fn judge(name: &str, load: Load, newsroom: &Newsroom, measured: &str) {
    let (path, moved) = load.moving();
    let (ledgers, sights) = load.end().await;
    let told = newsroom.complaints();
    let wrong: Vec<_> = ledgers.iter().flat_map(|ledger| &ledger.wrong).collect();
    assert!(wrong.is_empty(), "{} wrong answers to writers, such as {}\n{told}", wrong.len(), wrong[0]);
    let wrong: Vec<_> = sights.iter().flat_map(|sight| &sight.wrong).collect();
    assert!(wrong.is_empty(), "{} wrong answers to readers, such as {}\n{told}", wrong.len(), wrong[0]);
    let stories: Vec<&Story> = ledgers.iter().flat_map(|ledger| &ledger.stories).collect();
    for desk in &newsroom.desks {
        let lost = missing(&stories, desk).await;
        assert!(
            lost.is_empty(),
            "{} of {} stories lost, such as {}\n{told}",
            lost.len(),
            stories.len(),
            lost[0]
        );
        let now = number(&desk.read(&path).await.unwrap().body);
        assert!(now >= moved, "{now} where {moved} was acknowledged");
    }
    let sum = |of: fn(&Sight) -> usize| sights.iter().map(of).sum::<usize>();
    let slowest = sights.iter().map(|sight| sight.slowest).max().unwrap();
    assert!(slowest < SLOWEST, "a reader waited for {slowest:?}");
    assert!(sum(|sight| sight.from_memory) > 0, "nothing was answered from memory, so nothing was away");
    say(&format!(
        "{name}: {} writes acknowledged, 0 lost, {} not acknowledged; {} reads, 0 wrong, {} from memory, slowest {slowest:.1?}, {} told \
         to come again of what had just changed; {measured}",
        ledgers.iter().map(|ledger| ledger.acknowledged).sum::<usize>(),
        ledgers.iter().map(|ledger| ledger.doubtful).sum::<usize>(),
        sum(|sight| sight.answers),
        sum(|sight| sight.from_memory),
        sum(|sight| sight.refused),
    ));
}

/// The same with a standby that lags behind, as one that nobody waits for may: what was acknowledged
/// meanwhile is lost, and that is found.
pub(crate) async fn lose() {
    let mut rehearsal = Rehearsal::open(Fault::Silent, &[]).await.unwrap();
    let desks = rehearsal.newsroom.desks.clone();
    let load = Load::start(&desks).await;
    let [_, for_standby] = rehearsal.lines.as_ref().unwrap();
    for_standby.set(Line::Silent);
    let lagging = Instant::now();
    for desk in &desks {
        load.acknowledged(desk, lagging + AFTER / 4, BOUND).await;
    }
    rehearsal.primary.kill();
    rehearsal.standby.promote().await;
    let promoted = Instant::now();
    for desk in &desks {
        load.acknowledged(desk, promoted, BOUND).await;
    }
    let (ledgers, _) = load.end().await;
    let stories: Vec<&Story> = ledgers.iter().flat_map(|ledger| &ledger.stories).collect();
    let lost = missing(&stories, &desks[0]).await;
    assert!(!lost.is_empty(), "what was lost is not found");
    say(&format!(
        "without synchronous replication: {} of {} stories lost, as was to be found",
        lost.len(),
        stories.len()
    ));
}
