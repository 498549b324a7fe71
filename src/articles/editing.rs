//! How a draft changes: from what a client sent, over what its references name, to what is stored. Each step runs in the
//! transaction of its caller.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Article, Image,
    filter::View,
    input::{ArticleInput, MAX_BODY_BYTES, References, Resolved},
    markdown::{self, MAX_NESTING, Rendered, TooComplex},
    provenance::Provenance,
    revisions::Snapshot,
    store::{self, CitationRow, Content, Draft, Locked, NewRevision},
};
use crate::{
    auth::Principal,
    blocking::Work,
    clock,
    error::{ApiError, ApiResult, Kind},
    events::{EventType, SubjectType},
    http::{
        body::parse,
        context::Context,
        faults::{Fault, Faults},
        patch::{self, changed_members},
    },
    values::{Reference, Slug},
};

static RENDERING: LazyLock<Work> = LazyLock::new(|| Work::new("Too many bodies at once; please retry."));

/// What became of the body that a client sent; `None` where it sent none.
pub type Rendering = Option<Result<Rendered, TooComplex>>;

/// Renders the body of an input or a patch. It takes a while, so it comes before a connection is taken and a row is locked.
///
/// # Errors
/// `503` when too many wait already.
pub async fn render(change: &Value) -> ApiResult<Rendering> {
    match change.get("body") {
        None => Ok(None),
        Some(Value::String(body)) if body.len() <= MAX_BODY_BYTES => {
            let body = body.clone();
            RENDERING.run(move || markdown::render(&body)).await.map(Some)
        }
        // `null`, or what is refused for another reason.
        Some(_) => Ok(Some(Ok(Rendered::default()))),
    }
}

/// A change of a locked article.
pub struct Edit<'a> {
    /// The article.
    pub locked: &'a Locked,
    /// Its draft.
    pub present: Article,
    /// The merge patch.
    pub patch: Value,
    /// Its body.
    pub rendering: Rendering,
}

/// Makes an article with its first draft and its first revision; the draft.
///
/// # Errors
/// `422` with every fault of the body; `409` where the slug is taken.
pub async fn create(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    id: Uuid,
    body: Value,
    rendering: Rendering,
) -> ApiResult<Article> {
    let references = References::of(&body);
    let (resolved, mut faults) = store::resolve(conn, View::drafts(principal), &references).await?;
    let rendered = settled(rendering, Rendered::default(), &mut faults);
    let input = checked(parse(body), faults)?;
    // An article that translates nothing starts a group of its own.
    let group = resolved.translation_group_id.unwrap_or(id);
    if resolved.translation_group_id.is_some() {
        require_free_language(conn, group, &input, id).await?;
    }
    let now = context.now();
    store::insert(conn, id, principal.editor_id, now).await?;
    let slug = choose_slug(conn, principal, id, &input).await?;
    let draft = draft(input, rendered, resolved, group, slug);
    store::insert_draft(conn, id, &draft, now).await?;
    context.record(conn, principal, EventType::ArticleCreated, (SubjectType::Article, id), json!({})).await?;
    keep_revision(conn, principal, id, (1, 1), group, now).await
}

/// Changes the draft, and keeps the result as a revision; the draft. A patch that says what is there already leaves revision, status
/// and ETag alone.
///
/// # Errors
/// `422` with every fault of the patch; `409` where the slug is taken.
pub async fn update(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    edit: Edit<'_>,
) -> ApiResult<Article> {
    let Edit { locked, present, patch, rendering } = edit;
    let details = json!({"fields": changed_members(&patch)});
    // A relation and not content: what the patch says of it replaces what is, and what it leaves out stays.
    let says_translation_of = patch.get("translation_of").is_some();
    let snapshot = Snapshot::from(present.clone());
    let mut merged = snapshot.as_input();
    json_patch::merge(&mut merged, &patch);
    let references = References::of(&merged);
    let (resolved, mut faults) = store::resolve(conn, View::drafts(principal), &references).await?;
    if references.translation_of.is_some_and(|reference| reference.names(present.id, &present.slug)) {
        let detail = "An article is no translation of itself.";
        faults.push(Fault::at("/translation_of", "itself", detail));
    }
    let unchanged = Rendered {
        html: present.body_html.clone().unwrap_or_default(),
        word_count: present.word_count,
        reading_minutes: present.reading_minutes,
    };
    let rendered = settled(rendering, unchanged, &mut faults);
    let input = patch::merge(snapshot.as_input(), patch, ArticleInput::MEMBERS);
    let input: ArticleInput = checked(input, faults)?;
    let group = match (says_translation_of, resolved.translation_group_id) {
        (false, _) => locked.translation_group_id,
        (true, Some(group)) => group,
        // Out of the group, into one of its own.
        (true, None) => context.clock.new_id(),
    };
    if group != locked.translation_group_id || *input.language != *present.language {
        require_free_language(conn, group, &input, locked.id).await?;
    }
    let slug = choose_slug(conn, principal, locked.id, &input).await?;
    let draft = draft(input, rendered, resolved, group, slug);
    if group == locked.translation_group_id && is_same(&draft, &present) {
        return Ok(present);
    }
    let now = clock::after(locked.updated_at, context.now());
    store::update_draft(conn, locked, &draft, now).await?;
    context
        .record(conn, principal, EventType::ArticleUpdated, (SubjectType::Article, locked.id), details)
        .await?;
    let counts = (locked.revision + 1, locked.version + 1);
    keep_revision(conn, principal, locked.id, counts, group, now).await
}

/// What a body was rendered to, or what there is where none was sent.
fn settled(rendering: Rendering, otherwise: Rendered, faults: &mut Faults) -> Rendered {
    match rendering {
        None => otherwise,
        Some(Ok(rendered)) => rendered,
        Some(Err(TooComplex)) => {
            let detail = format!(
                "More than {MAX_NESTING} quotes, lists and open HTML elements stand in each other, or the text is too \
                 intricate to be rendered in time."
            );
            faults.push(Fault::at("/body", "too_complex", detail));
            otherwise
        }
    }
}

/// The input, where neither it nor what it refers to is at fault.
fn checked(input: Result<ArticleInput, Faults>, mut faults: Faults) -> ApiResult<ArticleInput> {
    match input {
        Ok(input) => faults.or(input),
        Err(others) => {
            faults.extend(others);
            Err(faults)
        }
    }
    .map_err(ApiError::invalid_body)
}

async fn require_free_language(
    conn: &mut AsyncPgConnection,
    group: Uuid,
    input: &ArticleInput,
    id: Uuid,
) -> ApiResult<()> {
    if !store::language_taken(conn, group, &input.language, id).await? {
        return Ok(());
    }
    let detail = format!("The story has an article in `{}` already.", &*input.language);
    let mut faults = Faults::none();
    faults.push(Fault::at("/language", "taken", detail));
    Err(ApiError::invalid_body(faults))
}

/// The slug that was given, or one made of the title that no other article has.
async fn choose_slug(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    id: Uuid,
    input: &ArticleInput,
) -> ApiResult<Slug> {
    if let Some(slug) = &input.slug {
        if store::reserve_slug(conn, id, slug).await? {
            return Ok(slug.clone());
        }
        let detail = match store::keeper_of_old_slug(conn, View::drafts(principal), slug).await? {
            Some(keeper) => format!(
                "Another article had this slug, and readers are led on from it. An editor can free it: \
                 DELETE /v1/articles/{keeper}/slugs/{}",
                &**slug
            ),
            None => "Another article has this slug.".to_owned(),
        };
        let fault = Fault::at("/slug", "taken", detail.as_str());
        return Err(ApiError::new(Kind::SlugTaken, detail).with_fault(fault));
    }
    let made = Slug::make(&input.title, "article");
    let slug = made.first_free(&store::slugs_taken(conn, id, &made).await?, id);
    if store::reserve_slug(conn, id, &slug).await? {
        return Ok(slug);
    }
    // Somebody gave it to an article of theirs in this moment.
    Err(ApiError::new(Kind::Conflict, "Another article took the slug at the same moment; please retry."))
}

fn draft(input: ArticleInput, rendered: Rendered, resolved: Resolved, group: Uuid, slug: Slug) -> Draft {
    let citations = input.citations.unwrap_or_default().0;
    let citations = resolved.sources.into_iter().zip(citations).map(|(source_id, citation)| CitationRow {
        source_id,
        url: citation.url.into(),
        title: citation.title.into(),
        role: citation.role,
    });
    Draft {
        tags: resolved.tags,
        citations: citations.collect(),
        content: Content {
            slug: slug.into(),
            language: input.language.into(),
            title: input.title.into(),
            summary: input.summary.map(String::from).unwrap_or_default(),
            body: input.body.map(String::from).unwrap_or_default(),
            body_html: rendered.html,
            image: input.image.map(Image::from),
            byline: input.byline.map(String::from),
            provenance: input.provenance.map(Provenance::from),
            translation_group_id: group,
            word_count: rendered.word_count,
            reading_minutes: rendered.reading_minutes,
        },
    }
}

fn is_same(draft: &Draft, present: &Article) -> bool {
    let Content { slug, language, title, summary, body, image, byline, provenance, .. } = &draft.content;
    let texts =
        (slug, language, title, summary, Some(body), image.as_ref(), byline.as_ref(), provenance.as_ref());
    let tags = present.tags.iter().map(|tag| tag.id);
    let citations = draft
        .citations
        .iter()
        .map(|citation| (citation.source_id, citation.url.as_str(), citation.title.as_str(), citation.role));
    let cited = present
        .citations
        .iter()
        .map(|citation| (citation.source.id, citation.url.as_str(), citation.title.as_str(), citation.role));
    texts
        == (
            &present.slug,
            &present.language,
            &present.title,
            &present.summary,
            present.body.as_ref(),
            present.image.as_ref(),
            present.byline.as_ref(),
            present.provenance.as_ref(),
        )
        && draft.tags.iter().copied().eq(tags)
        && citations.eq(cited)
}

/// Keeps the draft as it is now; the draft. It is at the revision and the version that `counts` says.
async fn keep_revision(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    id: Uuid,
    (number, version): (i32, i64),
    group: Uuid,
    now: DateTime<Utc>,
) -> ApiResult<Article> {
    let saved = store::find(conn, View::drafts(principal), &Reference::Id(id)).await?;
    let revision = NewRevision {
        article_id: id,
        number,
        version,
        editor_id: principal.editor_id,
        created_at: now,
        note: None,
        translation_group_id: group,
        content: saved.clone().into(),
    };
    store::insert_revision(conn, &revision).await?;
    Ok(saved)
}
