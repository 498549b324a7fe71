//! Writes articles and their drafts. Each function is a step of a transaction and takes a constant number of
//! statements.

use chrono::{DateTime, Utc};
use diesel::{
    dsl::{auto_type, exists},
    prelude::*,
};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::{
    articles::model::{
        article::CitationRole,
        content::Content,
        provenance::Provenance,
        state::{Standing, Status},
    },
    database::{lock::hold_name, slugs::make_free_slug},
    schema::{article_slugs, articles, citations, edition_tags, editions},
    values::{DocumentKey, Reference, Slug, WebUrl},
};

pub(super) const DRAFT: &str = "draft";
pub(super) const LIVE: &str = "live";

/// A draft as it is saved.
#[derive(Debug)]
pub(crate) struct Draft {
    /// The fields that readers get as they are written.
    pub content: Content,
    /// The body and the columns that belong to it.
    pub text: Text,
    /// The tags' ids, in order.
    pub tags: Vec<Uuid>,
    /// The citations, in order.
    pub citations: Vec<CitationRow>,
}

/// The columns of an edition that editors write beside its [`Content`], and those that follow from them.
#[derive(Debug, Insertable, AsChangeset)]
#[diesel(table_name = editions, treat_none_as_null = true)]
pub struct Text {
    /// The body in Markdown.
    pub body: String,
    /// The HTML that the body is rendered to.
    pub body_html: String,
    /// The provenance of the text; `None` if it is not stated.
    pub provenance: Option<Provenance>,
    /// The id of the group that the article and its translations share.
    pub translation_group_id: Uuid,
    /// The number of words in the body.
    pub word_count: i32,
    /// The reading time in minutes.
    pub reading_minutes: i32,
}

/// A citation of a draft.
#[derive(Debug)]
pub(crate) struct CitationRow {
    /// The id of the source that published the document.
    pub source_id: Uuid,
    /// The address of the document.
    pub url: WebUrl,
    /// The title of the document.
    pub title: String,
    /// The way in which the story uses the document.
    pub role: CitationRole,
}

/// An article that this transaction has locked.
#[derive(Clone, Debug)]
pub(crate) struct Locked {
    /// The id of the article.
    pub id: Uuid,
    /// The version of the article; each change increases it by one.
    pub version: i64,
    /// The number of the draft's newest revision.
    pub revision: i32,
    /// The id of the group that the article and its translations share.
    pub translation_group_id: Uuid,
    /// The language of the draft.
    pub language: String,
    /// The time of the first publication; `None` if the article was never published.
    pub first_published_at: Option<DateTime<Utc>>,
    /// The time of the last change of the draft.
    pub updated_at: DateTime<Utc>,
    /// The slug of the live edition; `None` if there is no live edition.
    pub live_slug: Option<String>,
    /// The time at which the draft is to be published; `None` if it is not scheduled.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// The state that decides which actions are allowed.
    pub standing: Standing,
}

/// Returns the id of the article that the reference names: by its id, which is not looked up, or by any of
/// its slugs.
///
/// # Errors
/// Returns [`diesel::NotFound`] if no article has this slug.
pub(crate) async fn id_of(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Uuid> {
    match reference {
        Reference::Id(id) => Ok(*id),
        Reference::Slug(slug) => {
            article_slugs::table.find(&**slug).select(article_slugs::article_id).first(conn).await
        }
    }
}

/// The columns of the draft that [`lock`] reads, and then the live edition's status and slug.
type DraftColumns =
    (Status, String, i32, Uuid, DateTime<Utc>, Option<DateTime<Utc>>, Option<Status>, Option<String>);

/// Locks an article until the end of the transaction, without a check of who can see it.
///
/// # Errors
/// Returns [`diesel::NotFound`] if there is no such article.
pub(crate) async fn lock(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Locked> {
    let id = id_of(conn, reference).await?;
    // First the row, then what depends on it: a statement sees what was committed before it began, not what
    // was committed while it waited.
    let (id, created_by, version, first_published_at, trashed_at) = articles::table
        .find(id)
        .select((
            articles::id,
            articles::created_by,
            articles::version,
            articles::first_published_at,
            articles::trashed_at,
        ))
        .for_update()
        .first::<(Uuid, Uuid, i64, Option<DateTime<Utc>>, Option<DateTime<Utc>>)>(conn)
        .await?;
    let live = diesel::alias!(editions as live);
    let (live_status, live_slug) = (live.field(editions::status), live.field(editions::slug));
    let live =
        live.filter(live.field(editions::article_id).eq(id)).filter(live.field(editions::kind).eq(LIVE));
    let live_status = live.select(live_status).single_value();
    let live_slug = live.select(live_slug).single_value();
    let (draft, language, revision, translation_group_id, updated_at, scheduled_at, live, live_slug) =
        editions::table
            .find((id, DRAFT))
            .select((
                editions::status,
                editions::language,
                editions::revision,
                editions::translation_group_id,
                editions::updated_at,
                editions::scheduled_at,
                live_status,
                live_slug,
            ))
            .first::<DraftColumns>(conn)
            .await?;
    let standing = Standing {
        created_by,
        draft,
        live,
        ever_published: first_published_at.is_some(),
        trashed: trashed_at.is_some(),
    };
    Ok(Locked {
        id,
        version,
        revision,
        translation_group_id,
        language,
        first_published_at,
        updated_at,
        live_slug,
        scheduled_at,
        standing,
    })
}

/// Adds an article without editions.
pub(crate) async fn insert(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    created_by: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let row = (articles::id.eq(id), articles::created_by.eq(created_by), articles::created_at.eq(now));
    diesel::insert_into(articles::table).values(row).execute(conn).await.map(drop)
}

/// Reserves the slug for the article. Returns `false` if another article has it.
pub(crate) async fn reserve_slug(conn: &mut AsyncPgConnection, id: Uuid, slug: &str) -> QueryResult<bool> {
    diesel::insert_into(article_slugs::table)
        .values((article_slugs::slug.eq(slug), article_slugs::article_id.eq(id)))
        .on_conflict_do_nothing()
        .execute(conn)
        .await?;
    let owner = article_slugs::table.find(slug).select(article_slugs::article_id);
    Ok(owner.first::<Uuid>(conn).await.optional()? == Some(id))
}

/// Makes a slug of a headline that no other article has.
pub(crate) async fn make_slug(conn: &mut AsyncPgConnection, id: Uuid, text: &str) -> QueryResult<Slug> {
    make_free_slug(conn, "article", text, id, async |conn, slugs| {
        article_slugs::table
            .filter(article_slugs::slug.eq_any(slugs))
            .filter(article_slugs::article_id.ne(id))
            .select(article_slugs::slug)
            .load(conn)
            .await
    })
    .await
}

/// Returns `true` if another article of the translation group has a draft in this language; drafts in the
/// trash do not count. Another transaction that asks for the same group waits until the end of this one.
pub(crate) async fn language_taken(
    conn: &mut AsyncPgConnection,
    group: Uuid,
    language: &str,
    id: Uuid,
) -> QueryResult<bool> {
    hold_name(conn, &format!("translations of {group}")).await?;
    let other = in_language(group, language, id)
        .inner_join(articles::table)
        .filter(editions::kind.eq(DRAFT))
        .filter(articles::trashed_at.is_null());
    diesel::select(exists(other)).get_result(conn).await
}

/// Returns `true` if readers see a translation of the article in the language of its draft. This can happen,
/// because a draft can have left the language that its live edition still has. No two drafts of a group share
/// a language, so only one of two articles can be about to go live in it.
pub(crate) async fn live_language_taken(conn: &mut AsyncPgConnection, locked: &Locked) -> QueryResult<bool> {
    let other = in_language(locked.translation_group_id, &locked.language, locked.id)
        .filter(editions::kind.eq(LIVE))
        .filter(editions::status.eq(Status::Published));
    diesel::select(exists(other)).get_result(conn).await
}

/// Selects the editions of other articles of the group in this language.
#[auto_type(no_type_alias)]
fn in_language<'a>(group: Uuid, language: &'a str, id: Uuid) -> _ {
    editions::table
        .filter(editions::translation_group_id.eq(group))
        .filter(editions::language.eq(language))
        .filter(editions::article_id.ne(id))
}

/// Adds the first draft of an article.
pub(crate) async fn insert_draft(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    draft: &Draft,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::insert_into(editions::table)
        .values((
            editions::article_id.eq(id),
            editions::kind.eq(DRAFT),
            editions::status.eq(Status::Draft),
            editions::revision.eq(1),
            editions::updated_at.eq(now),
            &draft.content,
            &draft.text,
        ))
        .execute(conn)
        .await?;
    insert_children(conn, id, draft).await
}

/// Replaces the draft of a locked article, and frees the slugs that only the old draft had and readers never
/// saw.
pub(crate) async fn update_draft(
    conn: &mut AsyncPgConnection,
    locked: &Locked,
    draft: &Draft,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    diesel::update(editions::table.find((locked.id, DRAFT)))
        .set((
            &draft.content,
            &draft.text,
            // Also if the draft was under review: the review was of another text.
            editions::status.eq(Status::Draft),
            editions::revision.eq(locked.revision + 1),
            editions::updated_at.eq(now),
        ))
        .execute(conn)
        .await?;
    diesel::delete(
        article_slugs::table
            .filter(article_slugs::article_id.eq(locked.id))
            .filter(article_slugs::slug.ne(&draft.content.slug))
            .filter(diesel::dsl::not(article_slugs::ever_live)),
    )
    .execute(conn)
    .await?;
    delete_children(conn, locked.id).await?;
    insert_children(conn, locked.id, draft).await?;
    bump(conn, locked.id).await
}

/// Counts a save that leaves the draft of a locked article as it is.
pub(crate) async fn renumber_draft(conn: &mut AsyncPgConnection, locked: &Locked) -> QueryResult<()> {
    diesel::update(editions::table.find((locked.id, DRAFT)))
        .set(editions::revision.eq(locked.revision + 1))
        .execute(conn)
        .await?;
    bump(conn, locked.id).await
}

async fn delete_children(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<()> {
    let tags = edition_tags::table.filter(edition_tags::article_id.eq(id));
    diesel::delete(tags.filter(edition_tags::kind.eq(DRAFT))).execute(conn).await?;
    let citations = citations::table.filter(citations::article_id.eq(id));
    diesel::delete(citations.filter(citations::kind.eq(DRAFT))).execute(conn).await.map(drop)
}

async fn insert_children(conn: &mut AsyncPgConnection, id: Uuid, draft: &Draft) -> QueryResult<()> {
    let tags: Vec<_> = (0_i16..)
        .zip(&draft.tags)
        .map(|(position, tag)| {
            (
                edition_tags::article_id.eq(id),
                edition_tags::kind.eq(DRAFT),
                edition_tags::tag_id.eq(tag),
                edition_tags::position.eq(position),
            )
        })
        .collect();
    diesel::insert_into(edition_tags::table).values(tags).execute(conn).await?;
    let citations: Vec<_> = (0_i16..)
        .zip(&draft.citations)
        .map(|(position, citation)| {
            (
                citations::article_id.eq(id),
                citations::kind.eq(DRAFT),
                citations::position.eq(position),
                citations::source_id.eq(citation.source_id),
                citations::url.eq(&*citation.url),
                citations::title.eq(&citation.title),
                citations::role.eq(citation.role),
                citations::document_key.eq(DocumentKey::of(&citation.url).as_bytes().to_vec()),
            )
        })
        .collect();
    diesel::insert_into(citations::table).values(citations).execute(conn).await.map(drop)
}

pub(super) async fn bump(conn: &mut AsyncPgConnection, id: Uuid) -> QueryResult<()> {
    diesel::update(articles::table.find(id))
        .set(articles::version.eq(articles::version + 1))
        .execute(conn)
        .await
        .map(drop)
}
