//! How a revision becomes the draft again, as a new revision.

use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value, json};

use super::{
    Article,
    input::RestoreInput,
    markdown::Rendered,
    revisions::{Revision, Snapshot},
    saving::{Save, require_free_language, save},
    store::{self, CitationRow, Content, Draft, Locked},
};
use crate::{
    auth::Principal,
    error::{ApiError, ApiResult, Kind},
    http::{
        context::Context,
        faults::{Fault, Faults},
    },
};

/// A revision of a locked article that becomes its draft.
pub struct Restoration<'a> {
    /// The article.
    pub locked: &'a Locked,
    /// Its draft.
    pub present: Article,
    /// The revision.
    pub revision: Revision,
    /// Its body.
    pub rendered: Rendered,
    /// How.
    pub input: RestoreInput,
}

/// Makes the draft what it was; the draft. Its translations stay what they are, and so does its slug where another article has the
/// old one by now. What is there already is left alone.
///
/// # Errors
/// `422` where a tag or a source is gone and may not be left out, or the language is taken among the translations.
pub async fn restore(
    conn: &mut AsyncPgConnection,
    context: &Context,
    principal: Principal,
    restoration: Restoration<'_>,
) -> ApiResult<Article> {
    let Restoration { locked, present, revision, rendered, input } = restoration;
    let Revision { number, mut content, .. } = revision;
    let skipped = skip_missing(conn, &mut content).await?;
    if !input.skip_missing {
        skipped.refuse()?;
    }
    let group = locked.translation_group_id;
    if content.language != present.language {
        require_free_language(conn, group, &content.language, locked.id).await?;
    }
    let mut details = skipped.into_details();
    details.insert("revision".to_owned(), json!(locked.revision + 1));
    details.insert("restored_from".to_owned(), json!(number));
    if !store::reserve_slug(conn, locked.id, &content.slug).await? {
        details.insert("skipped_slug".to_owned(), json!(content.slug));
        content.slug.clone_from(&present.slug);
    }
    let before = Snapshot::from(present.clone());
    let draft = draft(content, rendered, group);
    let note = input.note.map(String::from);
    let saved = Save { locked, present, before: &before, draft, note, restored_from: Some(number), details };
    save(conn, context, principal, saved).await
}

/// What a revision had and is no longer there.
#[derive(Default)]
struct Skipped {
    tags: Vec<String>,
    sources: Vec<String>,
    faults: Faults,
}

/// Leaves out what is no longer there.
async fn skip_missing(conn: &mut AsyncPgConnection, content: &mut Snapshot) -> ApiResult<Skipped> {
    let (tags, sources) = store::find_present(conn, content).await?;
    let mut skipped = Skipped::default();
    for (index, tag) in content.tags.iter().enumerate().filter(|(_, tag)| !tags.contains(&tag.id)) {
        let detail = format!("The tag `{}` is no longer there.", tag.name);
        skipped.faults.push(Fault::at(format!("/content/tags/{index}"), "not_found", detail));
        skipped.tags.push(tag.name.clone());
    }
    let gone = |source| !sources.contains(&source);
    for (index, cited) in content.citations.iter().enumerate().filter(|(_, cited)| gone(cited.source.id)) {
        let detail = format!("The source `{}` is no longer there.", cited.source.name);
        skipped.faults.push(Fault::at(format!("/content/citations/{index}/source"), "not_found", detail));
        skipped.sources.push(cited.source.name.clone());
    }
    content.tags.retain(|tag| tags.contains(&tag.id));
    content.citations.retain(|cited| !gone(cited.source.id));
    Ok(skipped)
}

impl Skipped {
    fn refuse(&self) -> ApiResult<()> {
        let refused = |faults: Faults| {
            let detail = "The revision has tags or sources that are no longer there; `errors` lists them, with pointers into the \
                          revision. Send `skip_missing` to leave them out.";
            let error = ApiError::new(Kind::InvalidBody, detail);
            faults.into_body_faults().into_iter().fold(error, ApiError::with_fault)
        };
        self.faults.clone().or(()).map_err(refused)
    }

    fn into_details(self) -> Map<String, Value> {
        let parts = [("skipped_tags", self.tags), ("skipped_sources", self.sources)];
        let parts = parts.into_iter().filter(|(_, names)| !names.is_empty());
        parts.map(|(name, names)| (name.to_owned(), json!(names))).collect()
    }
}

fn draft(content: Snapshot, rendered: Rendered, group: uuid::Uuid) -> Draft {
    let citations = content.citations.into_iter().map(|cited| CitationRow {
        source_id: cited.source.id,
        url: cited.url,
        title: cited.title,
        role: cited.role,
    });
    Draft {
        tags: content.tags.into_iter().map(|tag| tag.id).collect(),
        citations: citations.collect(),
        content: Content {
            slug: content.slug,
            language: content.language,
            title: content.title,
            summary: content.summary,
            body: content.body,
            body_html: rendered.html,
            image: content.image,
            byline: content.byline,
            provenance: content.provenance,
            translation_group_id: group,
            word_count: rendered.word_count,
            reading_minutes: rendered.reading_minutes,
        },
    }
}
