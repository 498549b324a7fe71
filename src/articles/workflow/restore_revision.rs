//! Makes a revision the draft again, as a new revision.

use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value, json};

use crate::{
    articles::{
        model::{
            article::{Article, Citation},
            input::{References, Resolved, RestoreInput},
            markdown::Rendered,
            revision::{Revision, Snapshot},
            view::View,
        },
        store::{self, CitationRow, Draft, Locked, Text},
        workflow::save::{Save, require_free_language, save},
    },
    context::Context,
    error::{ApiError, ApiResult, ProblemType},
    faults::Fault,
    principal::Principal,
    values::{FromText, Reference, WebUrl},
};

/// A revision of a locked article that becomes its draft.
pub(crate) struct Restoration<'a> {
    /// The article, which the transaction has locked.
    pub locked: &'a Locked,
    /// The present draft of the article.
    pub present: Article,
    /// The revision to restore.
    pub revision: Revision,
    /// The rendered body of the revision.
    pub rendered: Rendered,
    /// The options that the client sent.
    pub input: RestoreInput,
}

/// Makes a revision the draft again, and returns the draft. Its translations stay as they are, and its slug
/// stays if another article has the old one by now. A draft that is the same already stays as it is.
///
/// # Errors
/// `422` if a tag or a source no longer exists and is not to be left out, or if another translation has the
/// language.
pub(crate) async fn restore(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    restoration: Restoration<'_>,
) -> ApiResult<Article> {
    let Restoration { locked, present, revision, rendered, input } = restoration;
    let Revision { item, content: mut snapshot } = revision;
    let number = item.number;
    let (resolved, skipped) = skip_missing(conn, principal, &mut snapshot).await?;
    if !input.skip_missing {
        skipped.refuse()?;
    }
    let group = locked.translation_group_id;
    let content = &mut snapshot.content;
    if content.language != present.content.language {
        require_free_language(conn, group, &content.language, locked.id).await?;
    }
    let mut details = skipped.into_details();
    details.insert("revision".to_owned(), json!(locked.revision + 1));
    details.insert("restored_from".to_owned(), json!(number));
    if !store::reserve_slug(conn, locked.id, &content.slug).await? {
        details.insert("skipped_slug".to_owned(), json!(content.slug));
        content.slug.clone_from(&present.content.slug);
    }
    let before = Snapshot::from(&present);
    let draft = draft(snapshot, rendered, resolved, group)?;
    let note = input.note.map(String::from);
    let saved = Save { locked, present, before: &before, draft, note, restored_from: Some(number), details };
    save(conn, context, principal, saved).await
}

/// The tags and sources of a revision that no longer exist.
#[derive(Default)]
struct Skipped {
    tags: Vec<String>,
    sources: Vec<String>,
    faults: Vec<Fault>,
}

/// Finds the tags and sources of the revision by their ids, and leaves out those that no longer exist.
async fn skip_missing(
    conn: &mut AsyncPgConnection,
    principal: Principal,
    snapshot: &mut Snapshot,
) -> ApiResult<(Resolved, Skipped)> {
    let tag = |index| format!("/content/tags/{index}");
    let source = |index| format!("/content/citations/{index}/source");
    let tags = snapshot.tags.iter().enumerate().map(|(index, kept)| (tag(index), Reference::Id(kept.id)));
    let cited = snapshot.citations.iter().map(|cited| Reference::Id(cited.source.id));
    let references = References {
        tags: tags.collect(),
        sources: cited.enumerate().map(|(index, id)| (source(index), id)).collect(),
        translation_of: None,
    };
    let (resolved, faults) = store::resolve(conn, View::drafts(principal), &references).await?;
    let mut skipped = Skipped { faults: faults.into_body_faults(), ..Skipped::default() };
    let is_there = |skipped: &Skipped, pointer: String| {
        !skipped.faults.iter().any(|fault| fault.pointer.as_ref() == Some(&pointer))
    };
    let mut index = 0..;
    snapshot.tags.retain(|kept| {
        let there = index.next().is_some_and(|index| is_there(&skipped, tag(index)));
        if !there {
            skipped.tags.push(kept.name.clone());
        }
        there
    });
    let mut index = 0..;
    snapshot.citations.retain(|kept| {
        let there = index.next().is_some_and(|index| is_there(&skipped, source(index)));
        if !there {
            skipped.sources.push(kept.source.name.clone());
        }
        there
    });
    Ok((resolved, skipped))
}

impl Skipped {
    fn refuse(&self) -> ApiResult<()> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let detail = "The revision has tags or sources that no longer exist; `errors` lists them, with pointers into the \
                      revision. Send `skip_missing` to leave them out.";
        Err(self
            .faults
            .iter()
            .cloned()
            .fold(ApiError::new(ProblemType::InvalidBody, detail), ApiError::with_fault))
    }

    fn into_details(self) -> Map<String, Value> {
        let parts = [("skipped_tags", self.tags), ("skipped_sources", self.sources)];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        parts.map(|(name, names)| (name.to_owned(), json!(names))).collect()
    }
}

fn draft(snapshot: Snapshot, rendered: Rendered, resolved: Resolved, group: uuid::Uuid) -> ApiResult<Draft> {
    let citation = |(source_id, cited): (_, Citation)| {
        let url = WebUrl::from_text(cited.url);
        let url = url.map_err(|_| ApiError::internal("a revision cites what is no address"))?;
        Ok(CitationRow { source_id, url, title: cited.title, role: cited.role })
    };
    let citations = resolved.sources.into_iter().zip(snapshot.citations).map(citation);
    Ok(Draft {
        tags: resolved.tags,
        citations: citations.collect::<ApiResult<_>>()?,
        content: snapshot.content,
        text: Text {
            body: snapshot.body,
            body_html: rendered.html,
            provenance: snapshot.provenance,
            translation_group_id: group,
            word_count: rendered.word_count,
            reading_minutes: rendered.reading_minutes,
        },
    })
}
