//! What clients write.
//!
//! A body is read in two steps that report together: its own form, and whether what it refers to is there. For the second,
//! [`References`] are found in the JSON even where the rest of it is at fault.

use deserr::{Deserr, ValuePointerRef};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Ref, RefOr,
        schema::{ArrayBuilder, Schema},
    },
};
use uuid::Uuid;

use crate::{
    articles::model::{
        article::CitationRole, image::Image, markdown::MAX_BODY_BYTES, provenance::ProvenanceInput,
    },
    faults::{Faults, Invalid},
    values::{FromText, Language, Line, Prose, Reference, Slug, Timestamp, WebUrl, text::without_nul},
};

/// How many tags an article has at most.
pub(crate) const MAX_TAGS: usize = 20;

/// How many citations an article has at most.
pub(crate) const MAX_CITATIONS: usize = 50;

/// What an article is made from.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({
    "title": "Model bahasa terbuka kini memahami tujuh bahasa daerah",
    "language": "id",
    "summary": "Peneliti merilis model kecil yang dilatih dari arsip radio komunitas.",
    "body": "Tim peneliti **merilis** model itu pekan ini.",
    "tags": ["riset"],
    "citations": [{
        "source": "kantor-berita-pesisir",
        "url": "https://pesisir.example/laporan/2026/model-bahasa",
        "title": "Laporan tahunan model bahasa daerah",
        "role": "original"
    }]
}))]
pub(crate) struct ArticleInput {
    /// The headline.
    #[schema(inline)]
    pub title: Line<1, 300>,
    /// The article's address; made from the title where it is left out.
    #[deserr(default)]
    #[schema(inline)]
    pub slug: Option<Slug>,
    /// The language it is written in.
    #[schema(inline)]
    pub language: Language,
    /// The line above the headline.
    #[deserr(default)]
    #[schema(inline)]
    pub kicker: Option<Line<0, 100>>,
    /// The dek.
    #[deserr(default)]
    #[schema(inline)]
    pub summary: Option<Prose<1000>>,
    /// The text, in Markdown (CommonMark with tables, footnotes and strikethrough), at most 1,048,576 bytes of UTF-8, in which at
    /// most 100 quotes, lists and HTML elements stand in each other.
    #[deserr(default)]
    #[schema(inline)]
    pub body: Option<Body>,
    /// The lead picture.
    #[deserr(default)]
    pub image: Option<ImageInput>,
    /// Who wrote it, for readers.
    #[deserr(default)]
    #[schema(inline)]
    pub byline: Option<Line<1, 200>>,
    /// How the text came about.
    #[deserr(default)]
    pub provenance: Option<ProvenanceInput>,
    /// The tags, by slug or id, in order; none twice.
    #[deserr(default)]
    #[schema(inline)]
    #[expect(dead_code, reason = "looked up by its place in the JSON, so that every fault has its pointer")]
    pub tags: Option<TagReferences>,
    /// Where the story comes from, in order.
    #[deserr(default)]
    #[schema(inline)]
    pub citations: Option<CitationInputs>,
    /// An article that has the same story in another language, by slug or id.
    #[deserr(default)]
    #[schema(inline)]
    #[expect(dead_code, reason = "looked up by its place in the JSON, so that every fault has its pointer")]
    pub translation_of: Option<Reference>,
    /// What the change is for. It is kept with the revision and is no part of the article; a note alone makes a revision too.
    #[deserr(default)]
    #[schema(inline)]
    pub note: Option<Note>,
}

/// What a revision is for, in one line.
pub(crate) type Note = Line<1, 500>;

/// How a revision is restored.
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "Kembali ke naskah yang disetujui.", "skip_missing": true}))]
pub(crate) struct RestoreInput {
    /// What the change is for.
    #[deserr(default)]
    #[schema(inline)]
    pub note: Option<Note>,
    /// Whether to leave out tags and sources that are no longer there, instead of refusing.
    #[deserr(default)]
    #[schema(required = false)]
    pub skip_missing: bool,
}

/// A lead picture.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct ImageInput {
    /// Where the picture is.
    #[schema(inline)]
    pub url: WebUrl,
    /// What it shows, for those who cannot see it; empty for a mere decoration.
    #[deserr(default)]
    #[schema(inline)]
    pub alt: Option<Prose<500>>,
    /// The text below it.
    #[deserr(default)]
    #[schema(inline)]
    pub caption: Option<Prose<1000>>,
    /// Whose picture it is.
    #[deserr(default)]
    #[schema(inline)]
    pub credit: Option<Prose<300>>,
}

/// Where a story comes from.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub(crate) struct CitationInput {
    /// Whose document it is, by slug or id.
    #[schema(inline)]
    #[expect(dead_code, reason = "looked up by its place in the JSON, so that every fault has its pointer")]
    pub source: Reference,
    /// Where the document is.
    #[schema(inline)]
    pub url: WebUrl,
    /// The document's title.
    #[schema(inline)]
    pub title: Line<1, 300>,
    /// How the story uses it; `original` where it is left out.
    #[deserr(default = CitationRole::Original)]
    #[schema(required = false)]
    pub role: CitationRole,
}

/// When to publish.
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields, validate = override_has_reason -> Faults)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub(crate) struct PublishInput {
    /// In the future: when to publish. In the past: when readers first saw the story, for one that was published elsewhere before.
    /// Now, where it is left out.
    #[deserr(default)]
    #[schema(inline)]
    pub at: Option<Timestamp>,
    /// Whether to publish also what lacks something that the newsroom asks for. Admins only; needs `override_reason`.
    #[deserr(default, rename = "override")]
    #[schema(rename = "override", required = false, default = false)]
    pub overrides: bool,
    /// Why, for the record; with `override` only.
    #[deserr(default)]
    #[schema(inline)]
    pub override_reason: Option<Line<1, 2000>>,
}

fn override_has_reason(input: PublishInput, location: ValuePointerRef<'_>) -> Result<PublishInput, Faults> {
    let invalid = match (input.overrides, &input.override_reason) {
        (true, None) => Invalid::new("required", "An override needs a reason."),
        (false, Some(_)) => {
            Invalid::new("needs_override", "Only with `override: true` there is a reason to give.")
        }
        _ => return Ok(input),
    };
    Err(Faults::one(location.push_key("override_reason"), invalid))
}

/// Why a story is taken back.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Angka utama dalam berita ini ternyata dikarang oleh narasumbernya."}))]
pub(crate) struct RetractInput {
    /// The reason, for readers.
    #[schema(inline)]
    pub reason: Line<1, 2000>,
}

/// A text of at most [`MAX_BODY_BYTES`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Body(String);

impl FromText for Body {
    fn from_text(text: String) -> Result<Self, Invalid> {
        if text.len() > MAX_BODY_BYTES {
            let detail = format!("At most {MAX_BODY_BYTES} bytes of UTF-8; this has {}.", text.len());
            return Err(Invalid::new("too_long", detail));
        }
        without_nul(&text)?;
        Ok(Self(text))
    }
}

crate::read_from_text!(Body);

impl PartialSchema for Body {
    fn schema() -> RefOr<Schema> {
        // Bytes cannot be said in JSON Schema; a text has at least as many bytes as characters.
        Prose::<MAX_BODY_BYTES>::schema()
    }
}

impl ToSchema for Body {}

impl From<Body> for String {
    fn from(body: Body) -> Self {
        body.0
    }
}

/// Declares an array with a limit, which the schema states too.
macro_rules! bounded {
    ($(#[$meta:meta])* $name:ident of $element:ty, at most $max:ident) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        pub(crate) struct $name(Vec<$element>);

        impl From<$name> for Vec<$element> {
            fn from(array: $name) -> Self {
                array.0
            }
        }

        impl Deserr<Faults> for $name {
            fn deserialize_from_value<V: deserr::IntoValue>(
                value: deserr::Value<V>,
                location: ValuePointerRef<'_>,
            ) -> Result<Self, Faults> {
                let elements = Vec::deserialize_from_value(value, location)?;
                if elements.len() > $max {
                    let detail = format!("At most {} elements; this has {}.", $max, elements.len());
                    return Err(Faults::one(location, Invalid::new("too_many", detail)));
                }
                Ok(Self(elements))
            }
        }

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                ArrayBuilder::new()
                    .items(Ref::from_schema_name(<$element as ToSchema>::name()))
                    .max_items(Some($max))
                    .into()
            }
        }

        impl ToSchema for $name {
            fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
                schemas.push((<$element as ToSchema>::name().into(), <$element>::schema()));
                <$element as ToSchema>::schemas(schemas);
            }
        }
    };
}

bounded! {
    /// The tags of an article.
    TagReferences of Reference, at most MAX_TAGS
}

bounded! {
    /// The citations of an article.
    CitationInputs of CitationInput, at most MAX_CITATIONS
}

impl ArticleInput {
    /// All members.
    pub(crate) const MEMBERS: &[&str] = &[
        "title",
        "slug",
        "language",
        "kicker",
        "summary",
        "body",
        "image",
        "byline",
        "provenance",
        "tags",
        "citations",
        "translation_of",
        "note",
    ];
}

impl From<ImageInput> for Image {
    fn from(input: ImageInput) -> Self {
        Self {
            url: input.url.into(),
            alt: input.alt.map(String::from).unwrap_or_default(),
            caption: input.caption.map(String::from).unwrap_or_default(),
            credit: input.credit.map(String::from).unwrap_or_default(),
        }
    }
}

/// What a body refers to, each with its place.
#[derive(Debug, Default)]
pub(crate) struct References {
    /// Tags.
    pub tags: Vec<(String, Reference)>,
    /// Sources.
    pub sources: Vec<(String, Reference)>,
    /// The article that it translates.
    pub translation_of: Option<Reference>,
}

impl References {
    /// Finds them, whatever else is at fault.
    #[must_use]
    pub(crate) fn of(body: &Value) -> Self {
        let read = |value: &Value| Reference::from_text(value.as_str()?.to_owned()).ok();
        let elements = |name: &str, limit: usize| {
            let elements = body.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            // A body that has too many is refused for that.
            elements[..elements.len().min(limit)].iter().enumerate()
        };
        let tags = elements("tags", MAX_TAGS)
            .filter_map(|(index, tag)| Some((format!("/tags/{index}"), read(tag)?)))
            .collect();
        let sources = elements("citations", MAX_CITATIONS)
            .filter_map(|(index, citation)| {
                Some((format!("/citations/{index}/source"), read(citation.get("source")?)?))
            })
            .collect();
        Self { tags, sources, translation_of: body.get("translation_of").and_then(read) }
    }
}

/// What references turned out to name.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// The tags' ids, in order.
    pub tags: Vec<Uuid>,
    /// The sources' ids, one for each citation.
    pub sources: Vec<Uuid>,
    /// The group of the article that it translates.
    pub translation_group_id: Option<Uuid>,
}
