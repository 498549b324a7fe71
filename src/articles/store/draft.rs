//! Writing: steps of a transaction, each of a constant number of statements.

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
    /// What is written as it is read.
    pub content: Content,
    /// The body, and what else is kept of it.
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
    /// Markdown.
    pub body: String,
    /// What it becomes.
    pub body_html: String,
    /// How it came about.
    pub provenance: Option<Provenance>,
    /// What the article's translations have in common.
    pub translation_group_id: Uuid,
    /// The words of the body.
    pub word_count: i32,
    /// The minutes it takes to read.
    pub reading_minutes: i32,
}

/// A citation of a draft.
#[derive(Debug)]
pub(crate) struct CitationRow {
    /// Whose document it is.
    pub source_id: Uuid,
    /// Where it is.
    pub url: WebUrl,
    /// Its title.
    pub title: String,
    /// How the story uses it.
    pub role: CitationRole,
}

/// An article that this transaction has locked.
#[derive(Clone, Debug)]
pub(crate) struct Locked {
    /// The article's id.
    pub id: Uuid,
    /// How often it was changed.
    pub version: i64,
    /// The draft's revision.
    pub revision: i32,
    /// What it is a translation of, or has as translations.
    pub translation_group_id: Uuid,
    /// The draft's language.
    pub language: String,
    /// When readers first saw it.
    pub first_published_at: Option<DateTime<Utc>>,
    /// When the draft was last changed.
    pub updated_at: DateTime<Utc>,
    /// The slug that readers see, where they see it.
    pub live_slug: Option<String>,
    /// When the draft is to be published.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// What decides over actions.
    pub standing: Standing,
}

/// The id of the article that a reference names, by any slug that is its.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub(crate) async fn id_of(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Uuid> {
    match reference {
        Reference::Id(id) => Ok(*id),
        Reference::Slug(slug) => {
            article_slugs::table.find(&**slug).select(article_slugs::article_id).first(conn).await
        }
    }
}

/// What [`lock`] reads of the draft; last the live edition's status and slug.
type DraftColumns =
    (Status, String, i32, Uuid, DateTime<Utc>, Option<DateTime<Utc>>, Option<Status>, Option<String>);

/// Locks an article, whoever may see it, until the end of the transaction.
///
/// # Errors
/// [`diesel::NotFound`], or as any statement.
pub(crate) async fn lock(conn: &mut AsyncPgConnection, reference: &Reference) -> QueryResult<Locked> {
    let id = id_of(conn, reference).await?;
    // First the row, then what depends on it: a statement sees what was committed before it began, not what it waited for.
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

/// Makes an article without editions.
///
/// # Errors
/// As any statement.
pub(crate) async fn insert(
    conn: &mut AsyncPgConnection,
    id: Uuid,
    created_by: Uuid,
    now: DateTime<Utc>,
) -> QueryResult<()> {
    let row = (articles::id.eq(id), articles::created_by.eq(created_by), articles::created_at.eq(now));
    diesel::insert_into(articles::table).values(row).execute(conn).await.map(drop)
}

/// Gives the article this slug, unless another one has it.
///
/// # Errors
/// As any statement.
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

/// Whether another article of the translation group has this language, among the drafts that are not in the trash. No two
/// transactions ask for one group at a time.
///
/// # Errors
/// As any statement.
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

/// Whether readers see another article in the draft's language among its translations: a draft may have left the language in
/// which its live edition still is. Drafts share no language, so of two articles only one can be about to be seen in it.
///
/// # Errors
/// As any statement.
pub(crate) async fn live_language_taken(conn: &mut AsyncPgConnection, locked: &Locked) -> QueryResult<bool> {
    let other = in_language(locked.translation_group_id, &locked.language, locked.id)
        .filter(editions::kind.eq(LIVE))
        .filter(editions::status.eq(Status::Published));
    diesel::select(exists(other)).get_result(conn).await
}

/// The editions of other articles of the group in this language.
#[auto_type(no_type_alias)]
fn in_language<'a>(group: Uuid, language: &'a str, id: Uuid) -> _ {
    editions::table
        .filter(editions::translation_group_id.eq(group))
        .filter(editions::language.eq(language))
        .filter(editions::article_id.ne(id))
}

/// Makes the first draft of an article.
///
/// # Errors
/// As any statement.
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

/// Replaces the draft of a locked article, and frees the slugs that only it had and readers never saw.
///
/// # Errors
/// As any statement.
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
            // Also of what was under review: that was another text.
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

/// Counts a save of a locked article that leaves the draft as it is.
///
/// # Errors
/// As any statement.
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
