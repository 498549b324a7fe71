//! Selects the editions that a view can see, and loads them as articles. Each answer takes one statement, so
//! that no reader sees half of a change.

use std::sync::OnceLock;

use chrono::{DateTime, Utc};
use diesel::{
    deserialize::{self, FromSql, FromSqlRow},
    dsl,
    pg::{Pg, PgValue},
    prelude::*,
    sql_types::{Bool, Json, Nullable, Text},
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            article::{Article, Citation, Editorial, Retraction, TagLink, Translation},
            content::Content,
            correction::Correction,
            provenance::{Disclosure, Provenance},
            state::{Standing, Status},
            view::{Drafts, View},
        },
        store::corrections::CORRECTIONS,
    },
    database::sql::{Selection, fragment},
    events::EditorLink,
    schema::{articles, editions},
};

/// A query of editions with their articles.
pub(super) type EditionsQuery<'a> = dsl::IntoBoxed<'a, dsl::LeftJoin<editions::table, articles::table>, Pg>;

// The conditions are literals, and not parameters, so that the planner can prove that an index on just these
// rows serves.
pub(super) const LIVE: &str = "(editions.kind = 'live' and editions.status = 'published')";
const DRAFT: &str = "(editions.kind = 'draft')";

/// Selects the editions that a view can see; every query starts here.
pub(super) fn visible<'a>(view: View) -> EditionsQuery<'a> {
    // The live view needs little of the `articles` table. If a query needs nothing of it, as most counts,
    // Postgres leaves this kind of join out.
    let query = editions::table.left_join(articles::table).into_boxed();
    let Drafts { of, trashed } = match view {
        View::Live => return query.filter(fragment::<Bool>(LIVE)),
        View::Drafts(drafts) => drafts,
        View::Preview => Drafts { of: None, trashed: false },
    };
    // Each edition has its article. This condition says so again, and so Postgres is free to begin with
    // either table.
    let query = query.filter(fragment::<Bool>(DRAFT)).filter(articles::id.nullable().is_not_null());
    let query = if trashed {
        query.filter(articles::trashed_at.is_not_null())
    } else {
        query.filter(articles::trashed_at.is_null())
    };
    match of {
        Some(writer) => query.filter(articles::created_by.eq(writer)),
        None => query,
    }
}

// Tags and sources are looked up one by one: with a join, Postgres reads a small table as a whole, once for
// each article.
pub(super) const TAGS: &str = "(select coalesce(json_agg(\
     (select json_build_object('id', t.id, 'slug', t.slug, 'name', t.name) from tags t where t.id = et.tag_id) \
     order by et.position), '[]') from edition_tags et \
     where et.article_id = editions.article_id and et.kind = editions.kind)";

pub(super) const CITATIONS: &str = "(select coalesce(json_agg(json_build_object('source', \
     (select json_build_object('id', s.id, 'slug', s.slug, 'name', s.name, 'homepage_url', s.homepage_url) \
     from sources s where s.id = c.source_id), \
     'url', c.url, 'title', c.title, 'role', c.role) order by c.position), '[]') from citations c \
     where c.article_id = editions.article_id and c.kind = editions.kind)";

pub(super) const LIVE_TRANSLATIONS: &str = "(select coalesce(json_agg(json_build_object('id', o.article_id, 'slug', o.slug, \
     'language', o.language) order by o.language, o.article_id), '[]') from editions o \
     where o.translation_group_id = editions.translation_group_id and o.article_id <> editions.article_id \
     and o.kind = 'live' and o.status = 'published')";

const DRAFT_TRANSLATIONS: &str = "(select coalesce(json_agg(json_build_object('id', o.article_id, 'slug', o.slug, \
     'language', o.language) order by o.language, o.article_id), '[]') \
     from editions o join articles a on a.id = o.article_id \
     where o.translation_group_id = editions.translation_group_id and o.article_id <> editions.article_id \
     and o.kind = 'draft' and a.trashed_at is null)";

/// The translations of a writer's own draft. Writers see only their own drafts, so the draft that is read is
/// the writer's; a translation counts if its draft is the writer's too, or else if it is live.
const OWN_DRAFT_TRANSLATIONS: &str = "(select coalesce(json_agg(json_build_object('id', o.article_id, 'slug', o.slug, \
     'language', o.language) order by o.language, o.article_id), '[]') \
     from editions o join articles a on a.id = o.article_id \
     where o.translation_group_id = editions.translation_group_id and o.article_id <> editions.article_id \
     and a.trashed_at is null and case when a.created_by = articles.created_by then o.kind = 'draft' \
     else o.kind = 'live' and o.status = 'published' end)";

const CREATOR_NAME: &str = "(select e.name from editors e where e.id = articles.created_by)";

const LIVE_STATUS: &str =
    "(select l.status from editions l where l.article_id = editions.article_id and l.kind = 'live')";

const RETRACTION: &str = "(select json_build_object('reason', l.retraction_reason, 'retracted_at', l.retracted_at) \
     from editions l where l.article_id = editions.article_id and l.kind = 'live' and l.status = 'retracted')";

const OWN_RETRACTION: &str = "case editions.status when 'retracted' then \
     json_build_object('reason', editions.retraction_reason, 'retracted_at', editions.retracted_at) end";

#[derive(Queryable)]
struct Row {
    id: Uuid,
    kind: String,
    status: Status,
    content: Content,
    body: Option<String>,
    body_html: Option<String>,
    provenance: Option<Provenance>,
    word_count: i32,
    reading_minutes: i32,
    published_at: Option<DateTime<Utc>>,
    updated_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
    version: i64,
    revision: i32,
    scheduled_at: Option<DateTime<Utc>>,
    schedule_held_at: Option<DateTime<Utc>>,
    public_version: Option<i32>,
    retraction: Option<FromJson<Retraction>>,
    created_by: Uuid,
    creator_name: String,
    first_published_at: Option<DateTime<Utc>>,
    trashed_at: Option<DateTime<Utc>>,
    live: Option<Status>,
    tags: FromJson<Vec<TagLink>>,
    citations: FromJson<Vec<Citation>>,
    corrections: FromJson<Vec<Correction>>,
    translations: FromJson<Vec<Translation>>,
}

/// A value that Postgres put together as JSON.
#[derive(Debug, FromSqlRow)]
pub(super) struct FromJson<T>(pub(super) T);

impl<T: DeserializeOwned> FromSql<Json, Pg> for FromJson<T> {
    fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
        Ok(Self(serde_json::from_slice(value.as_bytes())?))
    }
}

impl From<Row> for Article {
    fn from(row: Row) -> Self {
        let is_draft = row.kind == "draft";
        let standing = Standing {
            created_by: row.created_by,
            draft: row.status,
            live: row.live,
            ever_published: row.first_published_at.is_some(),
            trashed: row.trashed_at.is_some(),
        };
        let editorial = is_draft.then(|| Editorial {
            state: standing.state(),
            actions: standing.allowed(),
            created_by: EditorLink { id: row.created_by, name: row.creator_name },
            revision: row.revision,
            has_unpublished_changes: row.live.is_some() && row.status != Status::Published,
            scheduled_at: row.scheduled_at,
            schedule_held_at: row.schedule_held_at,
        });
        Self {
            id: row.id,
            version: is_draft.then_some(row.version),
            highlight: None,
            rank: None,
            public_version: row.public_version,
            retraction: row.retraction.map(|retraction| retraction.0),
            editorial,
            content: row.content,
            body: row.body,
            body_html: row.body_html,
            provenance: row.provenance.map(Disclosure::from),
            tags: row.tags.0,
            citations: row.citations.0,
            corrections: row.corrections.0,
            translations: row.translations.0,
            // Readers are told that the story is retracted, so this comes first, whatever the status of the
            // draft.
            status: if row.live == Some(Status::Retracted) { Status::Retracted } else { row.status },
            word_count: row.word_count,
            reading_minutes: row.reading_minutes,
            published_at: row.published_at,
            updated_at: row.updated_at,
            created_at: row.created_at,
        }
    }
}

/// The SQL of the columns, for each kind of view, without texts and with them.
static TEXTS: [[OnceLock<String>; 2]; 4] = [const { [const { OnceLock::new() }; 2] }; 4];

pub(super) async fn load(
    conn: &mut AsyncPgConnection,
    query: EditionsQuery<'_>,
    view: View,
    with_body: bool,
) -> QueryResult<Vec<Article>> {
    let (text, translations) = match view {
        View::Live => (0, LIVE_TRANSLATIONS),
        View::Preview => (1, LIVE_TRANSLATIONS),
        View::Drafts(Drafts { of: None, .. }) => (2, DRAFT_TRANSLATIONS),
        View::Drafts(_) => (3, OWN_DRAFT_TRANSLATIONS),
    };
    // A live edition knows its own status and retraction, and does not tell who made the article.
    let (creator_name, live_status, retraction) = match view {
        View::Live => ("''", "editions.status", OWN_RETRACTION),
        View::Drafts(_) | View::Preview => (CREATOR_NAME, LIVE_STATUS, RETRACTION),
    };
    let (body, body_html) =
        if with_body { ("editions.body", "editions.body_html") } else { ("null", "null") };
    let columns = (
        editions::article_id,
        editions::kind,
        editions::status,
        Content::columns(),
        fragment::<Nullable<Text>>(body),
        fragment::<Nullable<Text>>(body_html),
        editions::provenance,
        editions::word_count,
        editions::reading_minutes,
        editions::published_at,
        editions::updated_at,
        articles::created_at.nullable().assume_not_null(),
        articles::version.nullable().assume_not_null(),
        editions::revision,
        editions::scheduled_at,
        editions::schedule_held_at,
        editions::public_version,
        fragment::<Nullable<Json>>(retraction),
        articles::created_by.nullable().assume_not_null(),
        fragment::<Text>(creator_name),
        articles::first_published_at.nullable(),
        articles::trashed_at.nullable(),
        fragment::<Nullable<Text>>(live_status),
        fragment::<Json>(TAGS),
        fragment::<Json>(CITATIONS),
        fragment::<Json>(CORRECTIONS),
        fragment::<Json>(translations),
    );
    let selection = Selection::new(columns, &TEXTS[text][usize::from(with_body)]);
    let rows: Vec<Row> = query.select(selection).load(conn).await?;
    let articles = rows.into_iter().map(Article::from);
    // Readers get neither the editorial fields nor the version, with which the draft could be changed.
    let seen = |article| match view {
        View::Preview => Article { editorial: None, version: None, ..article },
        _ => article,
    };
    Ok(articles.map(seen).collect())
}
