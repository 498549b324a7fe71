//! The revisions of a draft: what is kept of each save, and the fields in which two saves differ.

use chrono::{DateTime, Utc};
use deserr::Deserr;
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};
use uuid::Uuid;

use crate::{
    articles::model::{
        article::{Article, Citation, CitationRole, TagLink},
        content::{Content, Field},
        provenance::Provenance,
    },
    events::EditorLink,
    faults::{Faults, Invalid},
    http::{query::Flag, reply::Representation},
    pagination::Limit,
    stored_as_jsonb,
    values::FromText,
};

/// A list of fields, in the order of [`Field::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Fields(pub Vec<Field>);

stored_as_jsonb!(Fields);

impl Fields {
    /// Returns the names of the fields, for use in a sentence.
    #[must_use]
    pub fn named(&self) -> String {
        let names = self.0.iter().map(|field| format!("`{}`", field.as_str()));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// The number of a revision or a version: it counts the article's saves or publications, from 1. In an
/// address it has to be plain digits, so that each revision and version has exactly one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Number(pub i32);

impl FromText for Number {
    fn from_text(text: String) -> Result<Self, Invalid> {
        match text.parse() {
            Ok(number @ 1..) if !text.starts_with(['+', '0']) => Ok(Self(number)),
            _ => Err(Invalid::new("out_of_range", "Expected a number from 1.")),
        }
    }
}

impl TryFrom<String> for Number {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_text(text).map_err(|invalid| invalid.detail)
    }
}

impl PartialSchema for Number {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).maximum(Some(i32::MAX)).into()
    }
}

impl ToSchema for Number {}

/// The part of a path that follows `revisions/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Numbers {
    /// The number of one revision.
    One(Number),
    /// The numbers of two revisions that are to be compared, with three dots between them.
    Two(Number, Number),
}

impl TryFrom<String> for Numbers {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.split_once("...") {
            Some((from, to)) => Ok(Self::Two(from.to_owned().try_into()?, to.to_owned().try_into()?)),
            None => text.try_into().map(Self::One),
        }
    }
}

/// A revision in a list: who saved the draft, when, what for, and which fields changed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RevisionItem {
    /// The number of the revision: it counts the article's saves, from 1, without gaps.
    #[schema(minimum = 1, example = 3)]
    pub number: i32,
    /// The time at which it was saved.
    pub created_at: DateTime<Utc>,
    /// The editor who saved it.
    pub editor: EditorLink,
    /// The editor's note, which says what the change is for; `null` if there is none.
    #[schema(required, example = "Angka inflasi diperbarui.")]
    pub note: Option<String>,
    /// The number of the revision that this one restored; `null` if it restored none.
    #[schema(required, minimum = 1, example = 1)]
    pub restored_from: Option<i32>,
    /// The fields that the save changed. For the first revision, the fields that are not empty.
    #[schema(value_type = Vec<Field>)]
    pub changed: Fields,
}

/// A revision with the content that was saved.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Revision {
    /// The same data as in a list.
    #[serde(flatten)]
    pub item: RevisionItem,
    /// The draft as it was saved.
    pub content: Snapshot,
}

impl Representation for Revision {}

/// The query parameters for reading or comparing revisions.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevisionQuery {
    /// If `true`, the article is in the trash; otherwise it is not.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub trashed: Flag,
}

/// The query parameters for listing the revisions of an article.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevisionsQuery {
    /// If `true`, the article is in the trash; otherwise it is not.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub trashed: Flag,
    /// The most revisions that a page can have.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the previous page. Without it, the first page is returned.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// If `true`, `total` is the number of revisions on all pages.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
}

crate::paged!(RevisionsQuery);

/// The content of a draft as it was saved. It is complete in itself: tags and sources have the names that
/// they had then.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Snapshot {
    /// The fields that readers see as they were written.
    #[serde(flatten)]
    pub content: Content,
    /// The text, in Markdown.
    pub body: String,
    /// The provenance of the text; `null` if the newsroom did not say.
    #[serde(default)]
    #[schema(required)]
    pub provenance: Option<Provenance>,
    /// The tags, in order.
    pub tags: Vec<TagLink>,
    /// The documents that the story uses, in order.
    pub citations: Vec<Citation>,
}

stored_as_jsonb!(Snapshot);

impl From<&Article> for Snapshot {
    fn from(article: &Article) -> Self {
        Self {
            content: article.content.clone(),
            body: article.body.clone().unwrap_or_default(),
            provenance: article.provenance.as_ref().map(|disclosure| disclosure.provenance.clone()),
            tags: article.tags.clone(),
            citations: article.citations.clone(),
        }
    }
}

impl Snapshot {
    /// Returns the input that would make this content; patches are applied to it. Translations are not part
    /// of it, because they are a relation and not content.
    #[must_use]
    pub fn as_input(&self) -> Value {
        let citation = |citation: &Citation| {
            json!({
                "source": citation.source.id,
                "url": citation.url,
                "title": citation.title,
                "role": citation.role,
            })
        };
        let mut input = json!(self.content);
        input["body"] = json!(self.body);
        input["provenance"] = json!(self.provenance);
        input["tags"] = self.tags.iter().map(|tag| json!(tag.id)).collect();
        input["citations"] = self.citations.iter().map(citation).collect();
        input
    }

    /// Returns the parts that are compared. `group` is the group of translations that the article was in.
    #[must_use]
    pub fn facets(&self, group: Uuid) -> Facets<'_> {
        Facets {
            content: &self.content,
            body: &self.body,
            provenance: self.provenance.as_ref(),
            tags: self.tags.iter().map(|tag| tag.id).collect(),
            citations: self
                .citations
                .iter()
                .map(|cited| (cited.source.id, &*cited.url, &*cited.title, cited.role))
                .collect(),
            group,
        }
    }
}

/// The parts of a draft that are compared. Tags and sources are compared by id, so that renaming one does not
/// count as a change of the draft.
#[derive(Clone, Debug)]
pub struct Facets<'a> {
    pub content: &'a Content,
    pub body: &'a str,
    pub provenance: Option<&'a Provenance>,
    pub tags: Vec<Uuid>,
    pub citations: Vec<(Uuid, &'a str, &'a str, CitationRole)>,
    pub group: Uuid,
}

impl Facets<'_> {
    /// Returns the fields in which the two differ.
    #[must_use]
    pub fn changed(&self, other: &Facets<'_>) -> Fields {
        let (mine, others) = (json!(self.content), json!(other.content));
        let differs = |field: &Field| match field {
            Field::Body => self.body != other.body,
            Field::Provenance => self.provenance != other.provenance,
            Field::Tags => self.tags != other.tags,
            Field::Citations => self.citations != other.citations,
            Field::TranslationOf => self.group != other.group,
            written => mine[written.as_str()] != others[written.as_str()],
        };
        Fields(Field::ALL.iter().copied().filter(differs).collect())
    }

    /// Returns the fields that are not empty in the first draft of an article.
    #[must_use]
    pub fn written(&self, article_id: Uuid) -> Fields {
        let nothing = Facets {
            content: &Content::default(),
            body: "",
            provenance: None,
            tags: Vec::new(),
            citations: Vec::new(),
            group: article_id,
        };
        nothing.changed(self)
    }
}
