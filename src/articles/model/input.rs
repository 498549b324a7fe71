//! The bodies that clients send to create, change, publish and retract articles, with their limits.
//!
//! A body is checked in two steps whose faults are reported together: its own form, and whether the tags,
//! sources and articles that it refers to exist. For the second step, [`References`] are found in the JSON
//! even if the rest of it is faulty.

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

/// The most tags that an article can have.
pub(crate) const MAX_TAGS: usize = 20;

/// The most citations that an article can have.
pub(crate) const MAX_CITATIONS: usize = 50;

/// The content of an article, as a client writes it.
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
    /// The headline of the article.
    #[schema(inline)]
    pub title: Line<1, 300>,
    /// The slug: the article's name in addresses. If it is left out, it is made from the title.
    #[deserr(default)]
    #[schema(inline)]
    pub slug: Option<Slug>,
    /// The language that the article is written in, a BCP 47 tag.
    #[schema(inline)]
    pub language: Language,
    /// The kicker: a short line above the headline.
    #[deserr(default)]
    #[schema(inline)]
    pub kicker: Option<Line<0, 100>>,
    /// The dek: a short summary of the story.
    #[deserr(default)]
    #[schema(inline)]
    pub summary: Option<Prose<1000>>,
    /// The text, in Markdown (CommonMark with tables, footnotes and strikethrough). It can have at most
    /// 1,048,576 bytes of UTF-8, and quotes, lists and HTML elements can be nested at most 100 levels deep.
    #[deserr(default)]
    #[schema(inline)]
    pub body: Option<Body>,
    /// The lead picture of the article.
    #[deserr(default)]
    pub image: Option<ImageInput>,
    /// The author's name, as readers see it.
    #[deserr(default)]
    #[schema(inline)]
    pub byline: Option<Line<1, 200>>,
    /// The provenance of the text: whether people wrote it, it is a translation, or a generative tool helped
    /// or wrote it.
    #[deserr(default)]
    pub provenance: Option<ProvenanceInput>,
    /// The tags, by slug or id, in order. No tag can occur twice.
    #[deserr(default)]
    #[schema(inline)]
    #[expect(dead_code, reason = "looked up by its place in the JSON, so that every fault has its pointer")]
    pub tags: Option<TagReferences>,
    /// The documents that the story uses, in order.
    #[deserr(default)]
    #[schema(inline)]
    pub citations: Option<CitationInputs>,
    /// An article that tells the same story in another language, by slug or id.
    #[deserr(default)]
    #[schema(inline)]
    #[expect(dead_code, reason = "looked up by its place in the JSON, so that every fault has its pointer")]
    pub translation_of: Option<Reference>,
    /// A note that says what the change is for. It is kept with the revision and is not part of the article.
    /// A note alone makes a revision too.
    #[deserr(default)]
    #[schema(inline)]
    pub note: Option<Note>,
}

/// A note that says in one line what a revision is for.
pub(crate) type Note = Line<1, 500>;

/// The options for restoring a revision.
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"note": "Kembali ke naskah yang disetujui.", "skip_missing": true}))]
pub(crate) struct RestoreInput {
    /// A note that says what the restoration is for. It is kept with the new revision.
    #[deserr(default)]
    #[schema(inline)]
    pub note: Option<Note>,
    /// If `true`, tags and sources that no longer exist are left out. Otherwise they make the request fail.
    #[deserr(default)]
    #[schema(required = false)]
    pub skip_missing: bool,
}

/// The lead picture of an article, as a client writes it.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct ImageInput {
    /// The address of the picture.
    #[schema(inline)]
    pub url: WebUrl,
    /// The alternative text: what the picture shows, for people who cannot see it. It is empty if the picture
    /// is mere decoration.
    #[deserr(default)]
    #[schema(inline)]
    pub alt: Option<Prose<500>>,
    /// The caption below the picture.
    #[deserr(default)]
    #[schema(inline)]
    pub caption: Option<Prose<1000>>,
    /// The credit: the person or organisation whose picture it is.
    #[deserr(default)]
    #[schema(inline)]
    pub credit: Option<Prose<300>>,
}

/// A document that a story uses, as a client writes it.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub(crate) struct CitationInput {
    /// The source that the document is from, by slug or id.
    #[schema(inline)]
    #[expect(dead_code, reason = "looked up by its place in the JSON, so that every fault has its pointer")]
    pub source: Reference,
    /// The address of the document.
    #[schema(inline)]
    pub url: WebUrl,
    /// The title of the document.
    #[schema(inline)]
    pub title: Line<1, 300>,
    /// The way in which the story uses the document; `original` if it is left out.
    #[deserr(default = CitationRole::Original)]
    #[schema(required = false)]
    pub role: CitationRole,
}

/// The options for publishing: the time, and an override of the newsroom's requirements.
#[derive(Debug, Default, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields, validate = override_has_reason -> Faults)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({}))]
pub(crate) struct PublishInput {
    /// The time of publication; now if it is left out. A time in the future schedules the article. A time in
    /// the past is the time at which readers first saw the story, if it was published elsewhere before.
    #[deserr(default)]
    #[schema(inline)]
    pub at: Option<Timestamp>,
    /// If `true`, the article is published even if the newsroom's requirements are not met. Only admins can
    /// set it, and it needs `override_reason`.
    #[deserr(default, rename = "override")]
    #[schema(rename = "override", required = false, default = false)]
    pub overrides: bool,
    /// The reason for the override, for the record. It is allowed only together with `override: true`.
    #[deserr(default)]
    #[schema(inline)]
    pub override_reason: Option<Line<1, 2000>>,
}

fn override_has_reason(input: PublishInput, location: ValuePointerRef<'_>) -> Result<PublishInput, Faults> {
    let invalid = match (input.overrides, &input.override_reason) {
        (true, None) => Invalid::new("required", "An override needs a reason."),
        (false, Some(_)) => Invalid::new(
            "needs_override",
            "`override_reason` is only allowed together with `override: true`.",
        ),
        _ => return Ok(input),
    };
    Err(Faults::one(location.push_key("override_reason"), invalid))
}

/// The reason for retracting a story.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"reason": "Angka utama dalam berita ini ternyata dikarang oleh narasumbernya."}))]
pub(crate) struct RetractInput {
    /// The reason, as readers are told it.
    #[schema(inline)]
    pub reason: Line<1, 2000>,
}

/// The Markdown text of an article, at most [`MAX_BODY_BYTES`] long.
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
        // JSON Schema cannot limit bytes. A text has at least as many bytes as characters.
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
    /// The names of all members.
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

/// The tags, sources and article that a body refers to. Tags and sources have their place in the JSON with
/// them.
#[derive(Debug, Default)]
pub(crate) struct References {
    /// The tags, each after its JSON pointer.
    pub tags: Vec<(String, Reference)>,
    /// The sources of the citations, each after its JSON pointer.
    pub sources: Vec<(String, Reference)>,
    /// The article that `translation_of` names; `None` if there is none.
    pub translation_of: Option<Reference>,
}

impl References {
    /// Finds the references in a body, even if the rest of it is faulty.
    #[must_use]
    pub(crate) fn of(body: &Value) -> Self {
        let read = |value: &Value| Reference::from_text(value.as_str()?.to_owned()).ok();
        let elements = |name: &str, limit: usize| {
            let elements = body.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            // A body that has too many elements is refused for that.
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

/// The ids that the references of a body stand for.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// The tags' ids, in order.
    pub tags: Vec<Uuid>,
    /// The sources' ids, one for each citation.
    pub sources: Vec<Uuid>,
    /// The translation group of the article that `translation_of` names; `None` if it names none.
    pub translation_group_id: Option<Uuid>,
}
