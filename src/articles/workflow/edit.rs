//! Creates and changes drafts: takes what a client sent, resolves its references, and stores the result. Each
//! step runs in the transaction of its caller.

use std::sync::LazyLock;

use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{
    articles::{
        model::{
            article::Article,
            content::Content,
            image::Image,
            input::{ArticleInput, References, Resolved},
            markdown::{self, MAX_BODY_BYTES, MAX_NESTING, Rendered, TooComplex},
            provenance::{self, Provenance},
            revision::Snapshot,
            state::{Action, require_state},
            view::View,
        },
        store::{self, CitationRow, Draft, Locked, Text},
        workflow::{
            conflict::Overtaken,
            duplicates,
            save::{Save, Stamp, facets, keep_revision, require_free_language, save},
        },
    },
    blocking::{Piece, SMALL, Stop, Turn, Work},
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    events::{EventType, SubjectType},
    faults::{Fault, Faults},
    http::{body::parse, conditional::IfMatch, patch, prefer::Prefer, reply::Patched},
    principal::Principal,
    values::{Slug, text::MAX_MARKS},
};

static RENDERING: LazyLock<Work<Uuid>> =
    LazyLock::new(|| Work::new("rendering", "Too many bodies at once; please retry."));

/// The rendered body that a client sent, or the reason why it cannot be rendered; `None` if the client sent
/// no body.
pub(crate) type Rendering = Option<Result<Rendered, TooComplex>>;

/// Renders the body of an input or a patch; the bodies of all editors take turns. Rendering takes a while, so
/// it comes before a connection is taken and a row is locked. Saving a large body takes the database as long,
/// so it keeps its turn until it is saved: the caller keeps the returned [`Turn`] until then.
///
/// # Errors
/// `503` if too many bodies wait already.
pub(crate) async fn render(principal: Principal, change: &Value) -> ApiResult<(Rendering, Option<Turn>)> {
    match change.get("body") {
        None => Ok((None, None)),
        Some(Value::String(body)) if body.len() <= MAX_BODY_BYTES => {
            let body = body.clone();
            let (size, patience) = (body.len(), markdown::patience(body.len()));
            let piece = Piece { of: principal.editor_id, size, patience };
            let work = move |stop: &Stop| markdown::render_until(&body, stop);
            let (rendered, turn) = RENDERING.run_holding(piece, work).await?;
            Ok((Some(rendered), (size > SMALL).then_some(turn)))
        }
        // `null`, or a value that is refused for another reason.
        Some(_) => Ok((Some(Ok(Rendered::default())), None)),
    }
}

/// Renders the body of a revision again: its HTML is not kept, and the rules can have changed since.
///
/// # Errors
/// `422` if the body is too complex by now; `503` if too many bodies wait already.
pub(crate) async fn render_kept(
    principal: Principal,
    content: &Snapshot,
) -> ApiResult<(Rendered, Option<Turn>)> {
    let mut faults = Faults::none();
    let (rendering, turn) = render(principal, &json!({"body": content.body})).await?;
    let rendered = settled(rendering, Rendered::default(), &mut faults);
    faults.or((rendered, turn)).map_err(ApiError::invalid_body)
}

/// A change of a locked article.
pub(crate) struct Edit<'a> {
    /// The article, which the transaction has locked.
    pub locked: &'a Locked,
    /// The present draft of the article.
    pub present: Article,
    /// The merge patch that the client sent.
    pub patch: Value,
    /// The rendered body of the patch.
    pub rendering: Rendering,
    /// The state from which the patch was made.
    pub if_match: &'a IfMatch,
    /// The preference of the client to merge the patch with what was changed since, or not.
    pub prefer: Prefer,
}

/// Creates an article with its first draft and its first revision, and returns the draft.
///
/// # Errors
/// `422` with every fault of the body; `409` if the slug is taken, or if another story covers the same
/// document and `allow_duplicate` is not set.
pub(crate) async fn create(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    id: Uuid,
    body: Value,
    rendering: Rendering,
    allow_duplicate: bool,
) -> ApiResult<Article> {
    let references = References::of(&body);
    let (resolved, mut faults) = store::resolve(conn, View::drafts(principal), &references).await?;
    faults.extend(provenance::contradictions(&body));
    let rendered = settled(rendering, Rendered::default(), &mut faults);
    let input = checked(parse(body), faults)?;
    // An article that translates nothing starts a group of its own.
    let group = resolved.translation_group_id.unwrap_or(id);
    if resolved.translation_group_id.is_some() {
        require_free_language(conn, group, &input.language, id).await?;
    }
    let now = context.now();
    store::insert(conn, id, principal.editor_id, now).await?;
    let Planned { mut draft, slug, note } = planned(input, rendered, resolved, group);
    draft.content.slug = choose_slug(conn, principal, id, slug, &draft.content.title).await?.into();
    if !allow_duplicate {
        duplicates::require_uncovered(conn, principal, &draft).await?;
    }
    store::insert_draft(conn, id, &draft, now).await?;
    context.record(conn, principal, EventType::ArticleCreated, (SubjectType::Article, id), json!({})).await?;
    let changed = facets(&draft).written(id);
    let stamp = Stamp { number: 1, version: 1, now, note, group, changed, restored_from: None };
    keep_revision(conn, principal, id, stamp).await
}

/// Changes the draft and keeps the result as a revision. Returns the draft, and whether the patch was merged
/// with what others changed since the state from which it was made. A patch without changes and without a
/// note leaves revision, status and ETag as they are.
///
/// # Errors
/// `422` with every fault of the patch; `412` if that state is no longer current and the patch cannot or
/// should not be merged; `409` if the present state does not allow a change, or the slug is taken.
pub(crate) async fn update(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    edit: Edit<'_>,
) -> ApiResult<Patched<Article>> {
    let Edit { locked, present, patch, rendering, if_match, prefer } = edit;
    let stale = !if_match.allows(locked.current());
    if !stale {
        require_state(Action::Edit, &locked.standing)?;
    }
    let before = Snapshot::from(&present);
    let change = (&before, patch, rendering);
    let Planned { mut draft, slug, note } = plan(conn, context, principal, locked, &present, change).await?;
    if stale {
        let mine = before.facets(locked.translation_group_id).changed(&facets(&draft));
        let overtaken = Overtaken::of(conn, locked, &before, if_match, mine).await?;
        if !(prefer.merge && overtaken.can_be_merged()) {
            return Err(overtaken.problem(&present));
        }
        require_state(Action::Edit, &locked.standing)?;
    }
    let content = &mut draft.content;
    let group = draft.text.translation_group_id;
    if group != locked.translation_group_id || content.language != before.content.language {
        require_free_language(conn, group, &content.language, locked.id).await?;
    }
    content.slug = choose_slug(conn, principal, locked.id, slug, &content.title).await?.into();
    let details = Map::new();
    let saved = Save { locked, present, before: &before, draft, note, restored_from: None, details };
    Ok(Patched { value: save(conn, context, principal, saved).await?, merged: stale })
}

/// Applies a patch to the present draft, and returns the result.
async fn plan(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    locked: &Locked,
    present: &Article,
    (before, patch, rendering): (&Snapshot, Value, Rendering),
) -> ApiResult<Planned> {
    // This is a relation and not content: if the patch has it, it replaces the present one, and otherwise the
    // present one stays.
    let says_translation_of = patch.get("translation_of").is_some();
    let mut merged = before.as_input();
    json_patch::merge(&mut merged, &patch);
    let references = References::of(&merged);
    let (resolved, mut faults) = store::resolve(conn, View::drafts(principal), &references).await?;
    faults.extend(provenance::contradictions(&merged));
    if references.translation_of.is_some_and(|reference| reference.names(present.id, &present.content.slug)) {
        let detail = "An article cannot be a translation of itself.";
        faults.push(Fault::at("/translation_of", "itself", detail));
    }
    let unchanged = Rendered {
        html: present.body_html.clone().unwrap_or_default(),
        word_count: present.word_count,
        reading_minutes: present.reading_minutes,
    };
    let rendered = settled(rendering, unchanged, &mut faults);
    let input = patch::merge(before.as_input(), patch, ArticleInput::MEMBERS);
    let input = checked(input, faults)?;
    let group = match (says_translation_of, resolved.translation_group_id) {
        (false, _) => locked.translation_group_id,
        (true, Some(group)) => group,
        // The article leaves the group, and starts one of its own.
        (true, None) => context.clock.new_id(),
    };
    Ok(planned(input, rendered, resolved, group))
}

/// Returns the rendered body. Returns `otherwise` if no body was sent, or if it cannot be rendered, which is
/// added to the faults.
fn settled(rendering: Rendering, otherwise: Rendered, faults: &mut Faults) -> Rendered {
    match rendering {
        None => otherwise,
        Some(Ok(rendered)) => rendered,
        Some(Err(why)) => {
            let (code, detail) = match why {
                TooComplex::Nested => (
                    "too_complex",
                    format!("Quotes, lists and HTML elements are nested over {MAX_NESTING} levels deep."),
                ),
                TooComplex::Costly => ("too_complex", "The text is too complex to be rendered.".to_owned()),
                TooComplex::Long => ("too_complex", "The text's HTML would be longer than 4 MiB.".to_owned()),
                TooComplex::Marks => (
                    "too_many_marks",
                    format!("The visible text has more than {MAX_MARKS} combining marks in a row."),
                ),
            };
            faults.push(Fault::at("/body", code, detail));
            otherwise
        }
    }
}

/// Returns the input, if neither it nor its references have a fault.
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

/// Returns the given slug, or else one that is made of the title and that no other article has.
async fn choose_slug(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    id: Uuid,
    given: Option<Slug>,
    title: &str,
) -> ApiResult<Slug> {
    if let Some(slug) = given {
        if store::reserve_slug(conn, id, &slug).await? {
            return Ok(slug);
        }
        let detail = match store::keeper_of_old_slug(conn, View::drafts(principal), &slug).await? {
            Some(keeper) => format!(
                "Another article had this slug before, and still redirects from it. An editor can free it: \
                 DELETE /v1/articles/{keeper}/slugs/{}",
                &*slug
            ),
            None => "Another article has this slug.".to_owned(),
        };
        let fault = Fault::at("/slug", "taken", detail.as_str());
        return Err(ApiError::new(ProblemType::SlugTaken, detail).with_fault(fault));
    }
    let slug = store::make_slug(conn, id, title).await?;
    if store::reserve_slug(conn, id, &slug).await? {
        return Ok(slug);
    }
    // Another transaction gave it to its article at this moment.
    Err(ApiError::new(
        ProblemType::Conflict,
        "Another article took the slug at the same moment; please retry.",
    ))
}

/// A planned draft; it has no slug yet if none was given.
struct Planned {
    draft: Draft,
    slug: Option<Slug>,
    note: Option<String>,
}

fn planned(input: ArticleInput, rendered: Rendered, resolved: Resolved, group: Uuid) -> Planned {
    let citations: Vec<_> = input.citations.unwrap_or_default().into();
    let citations = resolved.sources.into_iter().zip(citations).map(|(source_id, citation)| CitationRow {
        source_id,
        url: citation.url,
        title: citation.title.into(),
        role: citation.role,
    });
    let draft = Draft {
        tags: resolved.tags,
        citations: citations.collect(),
        content: Content {
            slug: input.slug.clone().map(String::from).unwrap_or_default(),
            language: input.language.into(),
            title: input.title.into(),
            kicker: input.kicker.map(String::from).unwrap_or_default(),
            summary: input.summary.map(String::from).unwrap_or_default(),
            image: input.image.map(Image::from),
            byline: input.byline.map(String::from),
        },
        text: Text {
            body: input.body.map(String::from).unwrap_or_default(),
            body_html: rendered.html,
            provenance: input.provenance.map(Provenance::from),
            translation_group_id: group,
            word_count: rendered.word_count,
            reading_minutes: rendered.reading_minutes,
        },
    };
    Planned { draft, slug: input.slug, note: input.note.map(String::from) }
}
