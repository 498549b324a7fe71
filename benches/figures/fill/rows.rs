//! The rows of a story, as `COPY` takes them.

use std::fmt::Write;

use serde_json::json;
use warta::values::{DocumentKey, FromText, WebUrl};

use super::story::{Story, World, written};
use crate::outcome::Outcome;

/// A table and the columns that are filled.
pub(crate) const TABLES: [&str; 8] = [
    "articles (id, created_by, version, first_published_at, created_at)",
    "article_slugs (slug, article_id, ever_live)",
    "revisions (article_id, number, editor_id, created_at, content, version, translation_group_id, changed)",
    "versions (article_id, number, revision, published_at, title, body_html, word_count, reading_minutes, tags, citations)",
    "editions (article_id, kind, status, slug, language, title, summary, body, body_html, byline, translation_group_id, word_count, \
     reading_minutes, revision, published_at, updated_at, retracted_at, retraction_reason, public_version)",
    "edition_tags (article_id, kind, tag_id, position, published_at, language)",
    "citations (article_id, kind, position, source_id, url, title, role, document_key, published_at, language)",
    "corrections (id, article_id, kind, text, created_at)",
];

/// Rows of each of the [`TABLES`].
pub(crate) type Rows = [String; TABLES.len()];

/// What stands for no value.
const NULL: &str = "\\N";

/// Writes one row.
fn row(out: &mut String, values: &[&str]) {
    for (place, value) in values.iter().enumerate() {
        if place > 0 {
            out.push('\t');
        }
        if *value == NULL {
            out.push_str(NULL);
            continue;
        }
        for letter in value.chars() {
            match letter {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\\' => out.push_str("\\\\"),
                other => out.push(other),
            }
        }
    }
    out.push('\n');
}

impl World {
    /// Adds the rows of a story.
    pub(crate) fn write(&self, number: u64, rows: &mut Rows) -> Outcome<()> {
        let story = &self.story(number);
        let [articles, slugs, revisions, versions, editions, tags, citations, corrections] = rows;
        let id = story.id.to_string();
        let (created, group) = (written(story.created), story.group.to_string());
        let published = story.published.map(written);
        let published = published.as_deref().unwrap_or(NULL);
        let is_live = story.published.is_some();
        let version = (1 + u8::from(is_live) + u8::from(story.ahead)).to_string();
        row(articles, &[&id, &story.writer.to_string(), &version, published, &created]);
        row(slugs, &[&story.slug, &id, if is_live { "t" } else { "f" }]);
        let (html, words) = (story.html(), story.words().to_string());
        let minutes = ((story.words() + 199) / 200).to_string();
        for (number, version) in [("1", "1"), ("2", "3")].into_iter().take(1 + usize::from(story.ahead)) {
            let changed = if number == "1" {
                r#"["title", "slug", "language", "summary", "body", "tags", "citations"]"#
            } else {
                r#"["summary"]"#
            };
            let content = self.snapshot(story, number == "2").to_string();
            let writer = story.writer.to_string();
            row(revisions, &[&id, number, &writer, &created, &content, version, &group, changed]);
        }
        if is_live {
            let names = self.snapshot(story, false);
            let [tags, citations] = [&names["tags"], &names["citations"]].map(ToString::to_string);
            row(
                versions,
                &[&id, "1", "1", published, &story.title, &html, &words, &minutes, &tags, &citations],
            );
        }
        let draft = if story.ahead || !is_live { "draft" } else { "published" };
        let live = if story.retracted { "retracted" } else { "published" };
        for (kind, status) in [("draft", draft), ("live", live)].into_iter().take(1 + usize::from(is_live)) {
            let ahead = kind == "draft" && story.ahead;
            let summary = summary(story, ahead);
            let (revision, public) = (if ahead { "2" } else { "1" }, if kind == "live" { "1" } else { NULL });
            let (retracted_at, reason) =
                if status == "retracted" { (published, "Sumbernya keliru.") } else { (NULL, NULL) };
            let updated = if is_live { published } else { &created };
            #[rustfmt::skip]
            row(editions, &[
                &id, kind, status, &story.slug, story.language, &story.title, &summary, &story.markdown(), &html, NULL, &group,
                &words, &minutes, revision, published, updated, retracted_at, reason, public,
            ]);
            // What a trigger would say.
            let (seen, spoken) =
                if kind == "live" && !story.retracted { (published, story.language) } else { (NULL, NULL) };
            for (place, tag) in story.tags.iter().enumerate() {
                let tag = self.cast.tags[*tag].id.to_string();
                row(tags, &[&id, kind, &tag, &place.to_string(), seen, spoken]);
            }
            for (place, source) in story.sources.iter().enumerate() {
                let url = story.document(place);
                let address = WebUrl::from_text(url.clone()).map_err(|error| error.detail)?;
                let key = format!("\\x{}", hex::encode(DocumentKey::of(&address).as_bytes()));
                let (place, source) = (place.to_string(), self.cast.sources[*source].id.to_string());
                #[rustfmt::skip]
                row(citations, &[&id, kind, &place, &source, &url, &story.title, "original", &key, seen, spoken]);
            }
        }
        if story.corrected {
            let correction = uuid::Uuid::from_u128(story.id.as_u128() ^ 1).to_string();
            row(
                corrections,
                &[&correction, &id, "correction", "Angka di alinea kedua diperbaiki.", published],
            );
        }
        Ok(())
    }

    /// What a revision holds.
    fn snapshot(&self, story: &Story<'_>, ahead: bool) -> serde_json::Value {
        let tags = story.tags.iter().map(|tag| &self.cast.tags[*tag]);
        let tags = tags.map(|tag| json!({"id": tag.id, "slug": tag.slug, "name": tag.name}));
        let citations = story.sources.iter().enumerate().map(|(place, source)| {
            let source = &self.cast.sources[*source];
            json!({
                "source": {"id": source.id, "slug": source.slug, "name": source.name, "homepage_url": source.homepage()},
                "url": story.document(place), "title": story.title, "role": "original",
            })
        });
        json!({
            "title": story.title, "slug": story.slug, "language": story.language, "summary": summary(story, ahead),
            "body": story.markdown(), "image": null, "byline": null, "provenance": null,
            "tags": tags.collect::<Vec<_>>(), "citations": citations.collect::<Vec<_>>(),
        })
    }
}

/// The dek; a draft that is ahead has a longer one.
fn summary(story: &Story<'_>, ahead: bool) -> String {
    let mut text = story.summary.clone();
    if ahead {
        // Writing to a string does not fail.
        let _ = write!(text, " Diperbarui.");
    }
    text
}
