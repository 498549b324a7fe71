//! Reads and seals events in Postgres.

use diesel::{
    dsl,
    pg::Pg,
    prelude::*,
    result::Error as DieselError,
    sql_types::{self, Array, BigInt, Binary, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    audit::{
        chain::{Content, Hash, Head},
        filter::{EventsQuery, Sort},
    },
    events::{EditorLink, Event, Subject},
};
use crate::{
    database::sql::{Fragment, fragment},
    schema::{editors, events},
};

/// The details as Postgres writes `jsonb`: numbers digit by digit.
const DETAILS: &str = "events.details::text";

/// The hash of the event before; null for the first event.
const PREVIOUS_HASH: &str =
    "(select previous.hash from events previous where previous.sequence = events.sequence - 1)";

type ContentColumns = (
    events::id,
    events::created_at,
    events::type_,
    events::actor_id,
    events::request_id,
    events::subject_type,
    events::subject_id,
    Fragment<Text>,
);

fn content() -> ContentColumns {
    (
        events::id,
        events::created_at,
        events::type_,
        events::actor_id,
        events::request_id,
        events::subject_type,
        events::subject_id,
        fragment(DETAILS),
    )
}

/// Returns `true` if any committed event is not sealed yet.
pub(crate) async fn has_unsealed(conn: &mut AsyncPgConnection) -> QueryResult<bool> {
    let unsealed = events::table.filter(events::sequence.is_null());
    diesel::select(dsl::exists(unsealed)).get_result(conn).await
}

/// Counts the committed events that are not sealed yet.
pub(crate) async fn count_unsealed(conn: &mut AsyncPgConnection) -> QueryResult<i64> {
    events::table.filter(events::sequence.is_null()).count().get_result(conn).await
}

/// Returns the end of the chain.
///
/// # Errors
/// Returns an error if the last sealed event has no hash of the right length.
pub(crate) async fn head(conn: &mut AsyncPgConnection) -> QueryResult<Head> {
    let last: Option<(Option<i64>, Option<Vec<u8>>)> = events::table
        .filter(events::sequence.is_not_null())
        .order(events::sequence.desc())
        .select((events::sequence, events::hash))
        .first(conn)
        .await
        .optional()?;
    let Some((sequence, hash)) = last else { return Ok(Head::START) };
    let head = || Some(Head { sequence: sequence?, hash: Hash::from_bytes(&hash?)? });
    head().ok_or_else(|| DieselError::DeserializationError("a sealed event without a hash".into()))
}

/// Returns up to `limit` events that are not sealed yet, in the order in which they were written.
pub(crate) async fn unsealed(conn: &mut AsyncPgConnection, limit: i64) -> QueryResult<Vec<Content>> {
    events::table
        .filter(events::sequence.is_null())
        .order(events::ordinal)
        .select(content())
        .limit(limit)
        .load(conn)
        .await
}

/// Gives events their places in the chain, in one statement. Returns the number of sealed events.
pub(crate) async fn seal(conn: &mut AsyncPgConnection, seals: &[(Uuid, Head)]) -> QueryResult<i64> {
    let (ids, heads): (Vec<_>, Vec<_>) = seals.iter().copied().unzip();
    let (sequences, hashes): (Vec<_>, Vec<_>) =
        heads.iter().map(|head| (head.sequence, head.hash.0.as_slice())).unzip();
    let sealed = diesel::sql_query(
        "update events set sequence = seals.sequence, hash = seals.hash \
         from unnest($1, $2, $3) as seals (id, sequence, hash) where events.id = seals.id",
    )
    .bind::<Array<sql_types::Uuid>, _>(ids)
    .bind::<Array<BigInt>, _>(sequences)
    .bind::<Array<Binary>, _>(hashes)
    .execute(conn)
    .await?;
    i64::try_from(sealed).map_err(|error| DieselError::DeserializationError(error.into()))
}

/// A sealed event as it is verified.
#[derive(Clone, Debug, Queryable)]
pub(crate) struct Line {
    /// The sequence number of the event.
    pub sequence: Option<i64>,
    /// The bytes that are stored as its hash.
    pub hash: Option<Vec<u8>>,
    /// The part of the event that is hashed.
    pub content: Content,
}

impl Line {
    /// Returns the sequence number and the id of the event.
    #[must_use]
    pub(crate) fn position(&self) -> (i64, Uuid) {
        (self.sequence.unwrap_or_default(), self.content.id)
    }
}

/// Returns up to `limit` sealed events in the order of the chain, from after this sequence number and id. If
/// somebody gave two events the same number, both are returned.
pub(crate) async fn lines(
    conn: &mut AsyncPgConnection,
    (sequence, id): (i64, Uuid),
    limit: i64,
) -> QueryResult<Vec<Line>> {
    events::table
        .filter(events::sequence.is_not_null())
        .filter(events::sequence.ge(sequence))
        .filter(events::sequence.gt(sequence).or(events::id.gt(id)))
        .order((events::sequence, events::id))
        .select((events::sequence, events::hash, content()))
        .limit(limit)
        .load(conn)
        .await
}

type Row = (
    (Option<i64>, Uuid, String, chrono::DateTime<chrono::Utc>),
    Option<(Uuid, String)>,
    (Option<String>, String, Uuid, serde_json::Value),
    (Option<Vec<u8>>, Option<Vec<u8>>),
);

/// Returns up to `rows` sealed events that the query asks for, in its order, from after a sequence number.
pub(crate) async fn list(
    conn: &mut AsyncPgConnection,
    query: &EventsQuery,
    rows: i64,
    after: Option<i64>,
) -> QueryResult<Vec<Event>> {
    let filtered = filtered(query);
    let ordered = match (query.sort, after) {
        (Sort::Ascending, Some(after)) => filtered.filter(events::sequence.gt(after)),
        (Sort::Descending, Some(after)) => filtered.filter(events::sequence.lt(after)),
        (_, None) => filtered,
    };
    let ordered = match query.sort {
        Sort::Ascending => ordered.order(events::sequence.asc()),
        Sort::Descending => ordered.order(events::sequence.desc()),
    };
    let columns = (
        (events::sequence, events::id, events::type_, events::created_at),
        (editors::id, editors::name).nullable(),
        (events::request_id, events::subject_type, events::subject_id, events::details),
        (events::hash, fragment::<Nullable<Binary>>(PREVIOUS_HASH)),
    );
    let rows: Vec<Row> = ordered.select(columns).limit(rows).load(conn).await?;
    rows.into_iter().map(event).collect()
}

/// Counts the sealed events that the query asks for.
pub(crate) async fn count(conn: &mut AsyncPgConnection, query: &EventsQuery) -> QueryResult<i64> {
    filtered(query).count().get_result(conn).await
}

type Filtered<'a> = dsl::IntoBoxed<'a, dsl::LeftJoin<events::table, editors::table>, Pg>;

fn filtered(query: &EventsQuery) -> Filtered<'_> {
    let mut filtered =
        events::table.left_join(editors::table).filter(events::sequence.is_not_null()).into_boxed();
    if let Some(subject) = query.subject {
        filtered = filtered.filter(events::subject_id.eq(subject.0));
    }
    if let Some(subject_type) = query.subject_type {
        filtered = filtered.filter(events::subject_type.eq(subject_type));
    }
    if let Some(actor) = query.actor {
        filtered = filtered.filter(events::actor_id.eq(actor.0));
    }
    if let Some(types) = &query.types {
        filtered = filtered.filter(events::type_.eq_any(&types.0));
    }
    if let Some(time) = query.created_after {
        filtered = filtered.filter(events::created_at.gt(time.0));
    }
    if let Some(time) = query.created_before {
        filtered = filtered.filter(events::created_at.lt(time.0));
    }
    if let Some(sequence) = query.after_sequence {
        filtered = filtered.filter(events::sequence.gt(sequence.0));
    }
    filtered
}

fn event((line, actor, what, hashes): Row) -> QueryResult<Event> {
    let (sequence, id, r#type, created_at) = line;
    let (request_id, subject_type, subject_id, details) = what;
    let (hash, previous_hash) = hashes;
    let sealed = sequence.zip(hash);
    let (sequence, hash) =
        sealed.ok_or_else(|| DieselError::DeserializationError("an event without its seal".into()))?;
    Ok(Event {
        sequence,
        id,
        r#type,
        created_at,
        actor: actor.map(|(id, name)| EditorLink { id, name }),
        request_id,
        subject: Subject { r#type: subject_type, id: subject_id },
        details,
        hash: hex::encode(hash),
        previous_hash: previous_hash.map_or_else(|| Hash::ZERO.to_string(), hex::encode),
    })
}
