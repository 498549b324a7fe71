//! How a text came about: by people, by translation, with or by a machine.

use deserr::Deserr;
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    http::faults::Faults,
    stored_as_jsonb, text_enum,
    values::{Language, Line},
};

text_enum! {
    /// How a text came about.
    pub enum ProvenanceKind {
        /// People wrote it.
        Human = "human",
        /// It is a translation of a text in another language.
        Translated = "translated",
        /// People wrote it, with the help of a generative tool.
        AiAssisted = "ai_assisted",
        /// A generative tool wrote it.
        AiGenerated = "ai_generated",
    }
}

/// How a text came about, for anyone to read.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Provenance {
    /// In one word.
    pub kind: ProvenanceKind,
    /// The tool that translated, helped or wrote.
    #[schema(required, example = "Penerjemah 2")]
    pub tool: Option<String>,
    /// Who checked the text before readers saw it.
    #[schema(required, example = "Redaksi Warta")]
    pub reviewed_by: Option<String>,
    /// The language that it was translated from, a canonical BCP 47 tag.
    #[schema(required, example = "en")]
    pub source_language: Option<String>,
}

/// How a text came about.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct ProvenanceInput {
    /// In one word.
    pub kind: ProvenanceKind,
    /// The tool that translated, helped or wrote.
    #[deserr(default)]
    #[schema(inline)]
    pub tool: Option<Line<1, 200>>,
    /// Who checked the text before readers saw it.
    #[deserr(default)]
    #[schema(inline)]
    pub reviewed_by: Option<Line<1, 200>>,
    /// The language that it was translated from.
    #[deserr(default)]
    #[schema(inline)]
    pub source_language: Option<Language>,
}

impl From<ProvenanceInput> for Provenance {
    fn from(input: ProvenanceInput) -> Self {
        Self {
            kind: input.kind,
            tool: input.tool.map(String::from),
            reviewed_by: input.reviewed_by.map(String::from),
            source_language: input.source_language.map(String::from),
        }
    }
}

stored_as_jsonb!(Provenance);
