//! The record of changes over HTTP.

use actix_web::get;

use crate::{
    audit::{filter::EventsQuery, seal, store},
    events::Event,
};
use crate::{
    auth::Editor,
    context::Context,
    database::sqlstate::Trouble,
    error::ApiResult,
    http::{query::Query, reply::Found},
    pagination::Page,
};

/// List events
///
/// Lists what was changed, by whom and when. Sequence numbers have no gaps, and no event ever appears before
/// one that was already read: a client that reads with `sort=sequence` and `after_sequence` sees each event
/// once. The hash of each event covers the hash of the event before it.
#[utoipa::path(
    operation_id = "list_events", tag = "events", security(("token" = [])),
    params(EventsQuery),
    responses(
        (status = 200, description = "A page of events.", body = Page<Event>),
        (status = 403, description = "Only editors and admins may do this."),
    ),
)]
#[get("/v1/events")]
pub(crate) async fn list(
    _: Editor,
    query: Query<EventsQuery>,
    context: Context,
) -> ApiResult<Found<Page<Event>>> {
    let Query { value: query, fingerprint } = query;
    let mut page = context.cursor_key.open_page(&query, &fingerprint)?;
    let mut conn = context.database.get().await?;
    // A client that got the answer to a change finds the event of that change here at once.
    match seal::seal(&mut conn).await {
        // Nothing can be changed then; the last changes wait for their numbers.
        Err(error) if Trouble::of(&error) == Some(Trouble::ReadOnly) => {}
        sealed => sealed?,
    }
    let total = page.total(store::count(&mut conn, &query)).await?;
    let events = store::list(&mut conn, &query, page.rows(), page.after()).await?;
    page.of(events, total, |event| event.sequence).map(Found)
}
