//! The keeper looks after the server while Warta serves: it starts the server again if it has ended, and
//! refuses writes while the disk is full.
//!
//! Postgres ends itself (`PANIC`) if its write-ahead log (`pg_wal`) or a checkpoint finds no room, and does
//! not start again before there is some. So writes are refused before that happens, and a reserve is given up
//! for the data that must still be written. Readers notice nothing, and nothing has to be started again when
//! there is room.

use std::{
    convert::Infallible,
    process::ExitStatus,
    time::{Duration, Instant},
};

use diesel::{QueryableByName, sql_query, sql_types::BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::{
    Embedded, EmbeddedError, Guard, Server,
    room::{self, Reserve},
};
use crate::database::{DatabaseUrl, one_line};

/// The time between two looks at the server and its disk.
const PULSE: Duration = Duration::from_millis(100);

/// The pause before a server that does not start is started again: the first one and the longest one.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// A server that ran for this long counts as healthy.
const WELL: Duration = Duration::from_secs(30);

/// The bytes below which room is scarce, and those from which on there is room again. The write-ahead log
/// grows in files of 16 MiB: below the first number, the files that are ready for use are counted.
const FOR_CHANGES: (u64, u64) = (24 << 20, 40 << 20);
const FOR_DATA: (u64, u64) = (8 << 20, 24 << 20);

/// The bytes below which a checkpoint perhaps does not succeed.
const NONE: u64 = 2 << 20;

/// A disk that loses less than this many bytes between two looks is not being filled just now: room that is
/// given up would not be used up at once.
const CALM: u64 = 256 << 10;

/// If fewer files of the write-ahead log than this are ready for use, and no new one can be made, used ones
/// are made ready again.
const SPARE: i64 = 2;

/// The time between two attempts to make used files ready again, and the time that one attempt can take.
const PAUSE: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(20);

/// Counts the files of the write-ahead log that are ready to be written after the present one.
const COUNT: &str = "select count(*) as spare from pg_ls_waldir() \
     where name ~ '^[0-9A-F]{24}$' and name > pg_walfile_name(pg_current_wal_insert_lsn())";

#[derive(QueryableByName)]
struct Spare {
    #[diesel(sql_type = BigInt)]
    spare: i64,
}

/// The keeper's knowledge of the server from one look to the next.
#[derive(Default)]
pub(super) struct Keeper {
    /// The number of starts in a row after which the server soon ended.
    failures: u32,
    read_only: bool,
    /// True if it was logged that writes are refused.
    told: bool,
    /// The time when used files of the write-ahead log were last made ready again.
    recycled: Option<Instant>,
    /// True if everything was written to disk since writes are refused: then nothing needs room any more.
    settled: bool,
    /// The bytes that were free at the last look.
    free: u64,
    /// A connection that is kept while room is scarce.
    connection: Option<AsyncPgConnection>,
}

/// The free bytes on the disks of the server.
struct Room {
    /// The free bytes on the disk of the data, after the missing part of the reserve is set aside.
    data: u64,
    /// The free bytes on that disk, including the missing part of the reserve.
    bare: u64,
    /// The free bytes on the disk of the write-ahead log.
    changes: u64,
}

impl std::fmt::Debug for Keeper {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keeper")
            .field("failures", &self.failures)
            .field("read_only", &self.read_only)
            .finish()
    }
}

impl Embedded {
    /// Looks after the server for as long as it is polled. It can be dropped at any moment.
    pub async fn look_after(&mut self) -> Infallible {
        loop {
            tokio::time::sleep(PULSE).await;
            if let Some(status) = self.server.ended() {
                self.revive(status).await;
            }
            self.watch_room().await;
        }
    }

    /// Starts a server that has ended again: it never gives up, but tries less and less often.
    async fn revive(&mut self, status: ExitStatus) {
        tracing::error!(%status, log = %self.home.log().display(), "the embedded Postgres ended: it is started again");
        let since = Instant::now();
        self.keeper.connection = None;
        if self.server.age() > WELL {
            self.keeper.failures = 0;
        }
        loop {
            if self.keeper.failures > 0 {
                let pause = FIRST_PAUSE * 2u32.saturating_pow((self.keeper.failures - 1).min(16));
                tokio::time::sleep(pause.min(LONGEST_PAUSE)).await;
            }
            self.keeper.failures += 1;
            match self.restart().await {
                Ok(()) => break,
                Err(error) => {
                    let (error, attempts) = (error.on(&self.home), self.keeper.failures);
                    tracing::error!(%error, attempts, "the embedded Postgres cannot be started again yet");
                }
            }
        }
        tracing::warn!(seconds = since.elapsed().as_secs_f32(), "the embedded Postgres is back");
    }

    async fn restart(&mut self) -> Result<(), EmbeddedError> {
        let room = self.room();
        // Writes are refused from the start on: until the first look, the server could end itself once more.
        self.keeper.read_only = room.data < FOR_DATA.0 || room.changes < FOR_CHANGES.0;
        self.keeper.settled = false;
        Server::prepare(&self.home, self.keeper.read_only)?;
        // This is the purpose of the reserve: after the start the server needs no more room.
        if room.bare < NONE && self.reserve().is_some_and(|reserve| reserve.give_up()) {
            tracing::warn!("the disk is full: the embedded Postgres starts in the room that was reserved");
        }
        let started = self.server.start(&self.home, &self.cluster, &mut self.guard).await;
        if started.is_err() && !self.guard.is_there() {
            // Without a guard the server would outlive us.
            self.guard = Guard::set(&self.home, self.server.socket())?;
        }
        started
    }

    fn reserve(&self) -> Option<Reserve> {
        Reserve::of(&self.home.cluster())
    }

    /// Returns the free bytes; they count as endless if the system does not tell.
    fn room(&self) -> Room {
        let cluster = self.home.cluster();
        let bare = room::free(&cluster).unwrap_or(u64::MAX);
        let lacking = self.reserve().map_or(0, |reserve| reserve.lacking());
        let changes = room::free(&cluster.join("pg_wal")).unwrap_or(u64::MAX);
        Room { data: bare.saturating_sub(lacking), bare, changes }
    }

    /// Refuses writes for as long as there is no room for them.
    async fn watch_room(&mut self) {
        let room = self.room();
        let enough = |(scarce, roomy): (u64, u64)| if self.keeper.read_only { roomy } else { scarce };
        let (for_data, for_changes) = (room.data >= enough(FOR_DATA), room.changes >= enough(FOR_CHANGES));
        let calm = room.bare.saturating_add(CALM) >= self.keeper.free;
        self.keeper.free = room.bare;
        if !for_data {
            self.take_writes(false);
            if calm && !self.keeper.settled {
                self.settle(&room).await;
            }
        } else if !for_changes {
            self.find_changes_room().await;
        } else {
            self.keeper.connection = None;
            self.take_writes(true);
            if room.data >= FOR_DATA.1
                && let Some(reserve) = self.reserve().filter(|reserve| reserve.lacking() > 0)
                && let Err(error) = reserve.make()
            {
                tracing::debug!(%error, "no room can be reserved");
            }
        }
        if self.keeper.read_only && !self.keeper.told {
            self.keeper.told = true;
            tracing::error!(
                folder = %self.home.cluster().display(),
                free_mib = room.bare.min(room.changes) >> 20,
                "the disk of the embedded Postgres is full: writes are refused until there is room"
            );
        }
    }

    /// Has every change written to disk, in the reserve if there is no other room: after that nothing needs
    /// room.
    async fn settle(&mut self, room: &Room) {
        if room.bare < NONE && !self.reserve().is_some_and(|reserve| reserve.give_up()) {
            // An attempt would end the server now. Without one, the server ends at its own next checkpoint.
            return;
        }
        if self.keeper.recycled.is_none_or(|last| last.elapsed() > PAUSE) {
            self.keeper.recycled = Some(Instant::now());
            self.keeper.settled = self.keeper.recycle(&self.url).await.is_some();
        }
    }

    /// Makes used files of the write-ahead log ready for use again, because no new ones can be made. Refuses
    /// writes if there are none.
    async fn find_changes_room(&mut self) {
        let mut spare = self.keeper.count(&self.url).await;
        if spare.is_none_or(|spare| spare < 1) {
            // At once, because making files ready takes time.
            self.take_writes(false);
        }
        if spare.is_none_or(|spare| spare < SPARE)
            && self.keeper.recycled.is_none_or(|last| last.elapsed() > PAUSE)
        {
            self.keeper.recycled = Some(Instant::now());
            spare = self.keeper.recycle(&self.url).await;
        }
        // One is enough until the next look: a small disk has no place for more.
        self.take_writes(spare.is_some_and(|spare| spare > 0));
    }

    fn take_writes(&mut self, taken: bool) {
        if self.keeper.read_only == taken {
            match self.server.refuse_writes(&self.home, !taken) {
                Ok(()) => {
                    self.keeper.read_only = !taken;
                    self.keeper.settled = false;
                }
                Err(error) => tracing::error!(%error, "cannot switch the embedded Postgres"),
            }
        }
        if taken && self.keeper.told {
            self.keeper.told = false;
            tracing::warn!("the disk of the embedded Postgres has room again: writes are taken");
        }
    }
}

impl Keeper {
    /// Returns the number of files of the write-ahead log that are ready for use; `None` if the server does
    /// not say.
    async fn count(&mut self, url: &DatabaseUrl) -> Option<i64> {
        self.ask(url, "").await
    }

    /// Makes used files ready again, as far as there are any, and then counts as [`Keeper::count`] does.
    async fn recycle(&mut self, url: &DatabaseUrl) -> Option<i64> {
        self.ask(url, "checkpoint").await
    }

    async fn ask(&mut self, url: &DatabaseUrl, first: &str) -> Option<i64> {
        let kept = self.connection.take();
        let asking = async {
            let mut connection = match kept {
                Some(connection) => connection,
                None => url.establish().await.map_err(|error| one_line(&error))?,
            };
            if !first.is_empty() {
                connection.batch_execute(first).await.map_err(|error| one_line(&error))?;
            }
            let counted = sql_query(COUNT).get_result::<Spare>(&mut connection).await;
            counted.map(|counted| (connection, counted.spare)).map_err(|error| one_line(&error))
        };
        match tokio::time::timeout(PATIENCE, asking).await {
            Ok(Ok((connection, spare))) => {
                self.connection = Some(connection);
                Some(spare)
            }
            Ok(Err(error)) => {
                tracing::debug!(%error, "the embedded Postgres does not say how its log of changes is");
                None
            }
            Err(_) => None,
        }
    }
}
