//! Slugs that are made of a name, and that nothing else of the same kind has.

use diesel::QueryResult;
use diesel_async::AsyncPgConnection;
use uuid::Uuid;

use super::lock::hold_name;
use crate::values::Slug;

/// Makes a slug of a text for the thing with this id: the text itself, else with a number after it. `kind` is
/// the word for one such thing, such as `tag`; it is the slug of a text without letters. `taken` returns
/// which of some slugs other things have; until the end of the transaction no other one makes a slug of the
/// same text.
pub(crate) async fn make_free_slug(
    conn: &mut AsyncPgConnection,
    kind: &str,
    text: &str,
    id: Uuid,
    taken: impl AsyncFnOnce(&mut AsyncPgConnection, Vec<String>) -> QueryResult<Vec<String>>,
) -> QueryResult<Slug> {
    let base = Slug::make(text, kind);
    hold_name(conn, &format!("{kind}s/{}", &*base)).await?;
    let taken = taken(conn, base.numbered()).await?;
    Ok(base.first_free(&taken, id))
}
