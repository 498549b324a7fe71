//! What is kept of each save, and what two saves differ in.

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

/// Fields, in the order of [`Field::ALL`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(transparent)]
pub struct Fields(pub Vec<Field>);

stored_as_jsonb!(Fields);

impl Fields {
    /// Their names, for a sentence.
    #[must_use]
    pub fn named(&self) -> String {
        let names = self.0.iter().map(|field| format!("`{}`", field.as_str()));
        names.collect::<Vec<_>>().join(", ")
    }
}

/// Counts an article's saves, or its publications, from 1; in an address only as plain digits, so that each of them has one.
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

/// What follows `revisions/` in a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Numbers {
    /// One revision.
    One(Number),
    /// Two that are to be compared, with three dots between them.
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

/// A revision in a list: who saved what, when and what for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct RevisionItem {
    /// Counts the article's saves, from 1, without a gap.
    #[schema(minimum = 1, example = 3)]
    pub number: i32,
    /// When it was saved.
    pub created_at: DateTime<Utc>,
    /// Who saved it.
    pub editor: EditorLink,
    /// What for, where its editor said so.
    #[schema(required, example = "Angka inflasi diperbarui.")]
    pub note: Option<String>,
    /// The number of the revision that it restored, where it did.
    #[schema(required, minimum = 1, example = 1)]
    pub restored_from: Option<i32>,
    /// The fields that the save changed; of the first revision those that were written.
    #[schema(value_type = Vec<Field>)]
    pub changed: Fields,
}

/// A revision with what was saved.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Revision {
    /// The same as in a list.
    #[serde(flatten)]
    pub item: RevisionItem,
    /// The draft as it was saved.
    pub content: Snapshot,
}

impl Representation for Revision {}

/// How one revision is read.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevisionQuery {
    /// Whether the article is in the trash.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub trashed: Flag,
}

/// How the revisions of an article are listed.
#[derive(Debug, Deserr, IntoParams)]
#[deserr(error = Faults, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct RevisionsQuery {
    /// Whether the article is in the trash.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub trashed: Flag,
    /// How many revisions a page has at most.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub limit: Limit,
    /// The `next_cursor` of the page before; without it, the first page.
    #[deserr(default)]
    #[param(value_type = String, required = false, min_length = 1)]
    pub cursor: Option<String>,
    /// Whether to count the revisions of all pages, into `total`.
    #[deserr(default)]
    #[param(inline, required = false)]
    pub count: Flag,
}

crate::paged!(RevisionsQuery);

/// A draft's content as it was saved. It is complete by itself: tags and sources have the names that they had then.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Snapshot {
    /// What is written as it is read.
    #[serde(flatten)]
    pub content: Content,
    /// The text, in Markdown.
    pub body: String,
    /// How the text came about.
    #[serde(default)]
    #[schema(required)]
    pub provenance: Option<Provenance>,
    /// The tags, in order.
    pub tags: Vec<TagLink>,
    /// Where the story comes from, in order.
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
    /// The input that would make this content: what a patch is applied to. Translations are not in it: they are a relation, not
    /// content.
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

    /// What of it is compared; `group` is the group of translations that the article was in.
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

/// What of a draft is compared: with tags and sources by id, so that a new name of one is no change of the draft.
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
    /// The fields in which they differ.
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

    /// The fields that are written, of the first draft of an article.
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
