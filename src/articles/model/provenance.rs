//! The provenance of a text: whether people wrote it, it is a translation, or a generative tool helped or
//! wrote it.
//!
//! The newsroom states a [`Provenance`]. Readers get a [`Disclosure`]: the same with the code that IPTC has
//! for it in the vocabulary "Digital Source Type" of its NewsCodes, which other programs understand.
//!
//! | kind | tool | digital source type | as IPTC calls it |
//! |---|---|---|---|
//! | `human` | any | `digitalCreation` | Digital creation |
//! | `translated` | none: people translated it | `digitalCreation` | Digital creation |
//! | `translated` | named | `compositeWithTrainedAlgorithmicMedia` | Edited using Generative AI |
//! | `ai_assisted` | any | `compositeWithTrainedAlgorithmicMedia` | Edited using Generative AI |
//! | `ai_generated` | any | `trainedAlgorithmicMedia` | Created using Generative AI |
//!
//! A translating program turns an existing text into another one. Such programs are trained models today, so
//! their translations count as edited by one. It makes no difference who checked the text: the words are
//! still the tool's.

use deserr::Deserr;
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Ref, RefOr, schema::Schema},
};

use crate::{
    faults::{Fault, Faults},
    stored_as_jsonb, text_enum,
    values::{FromText, Language, Line},
};

text_enum! {
    /// The way in which a text came about.
    pub enum ProvenanceKind {
        /// People wrote the text.
        Human = "human",
        /// The text is a translation of a text in another language.
        Translated = "translated",
        /// People wrote the text, with the help of a generative tool.
        AiAssisted = "ai_assisted",
        /// A generative tool wrote the text.
        AiGenerated = "ai_generated",
    }
}

text_enum! {
    /// A concept of IPTC's vocabulary of digital source types.
    pub enum DigitalSourceType {
        /// People made it, without generative tools.
        DigitalCreation = "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCreation",
        /// Generative tools changed something that already existed.
        CompositeWithTrainedAlgorithmicMedia =
            "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia",
        /// A generative tool made it.
        TrainedAlgorithmicMedia = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    }
}

/// The provenance of a text, as the newsroom states it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Provenance {
    /// The way in which the text came about.
    pub kind: ProvenanceKind,
    /// The tool that translated, helped or wrote; `null` if none is named.
    #[schema(required, example = "Penerjemah 2")]
    pub tool: Option<String>,
    /// The person or desk that checked the text before readers saw it; `null` if none is named.
    #[schema(required, example = "Redaksi Warta")]
    pub reviewed_by: Option<String>,
    /// The language that the text was translated from, a canonical BCP 47 tag; `null` if none is named.
    #[schema(required, example = "en")]
    pub source_language: Option<String>,
}

impl Provenance {
    /// Returns IPTC's code for it, according to the table in the documentation of this module.
    #[must_use]
    pub fn digital_source_type(&self) -> DigitalSourceType {
        match (self.kind, &self.tool) {
            (ProvenanceKind::Human, _) | (ProvenanceKind::Translated, None) => {
                DigitalSourceType::DigitalCreation
            }
            (ProvenanceKind::Translated, Some(_)) | (ProvenanceKind::AiAssisted, _) => {
                DigitalSourceType::CompositeWithTrainedAlgorithmicMedia
            }
            (ProvenanceKind::AiGenerated, _) => DigitalSourceType::TrainedAlgorithmicMedia,
        }
    }
}

/// The provenance of a text, as anyone can read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Disclosure {
    /// The provenance as the newsroom states it.
    #[serde(flatten)]
    pub provenance: Provenance,
    /// IPTC's code for the provenance.
    pub digital_source_type: DigitalSourceType,
}

impl From<Provenance> for Disclosure {
    fn from(provenance: Provenance) -> Self {
        Self { digital_source_type: provenance.digital_source_type(), provenance }
    }
}

impl PartialSchema for Disclosure {
    fn schema() -> RefOr<Schema> {
        let RefOr::T(Schema::Object(mut object)) = Provenance::schema() else {
            return Provenance::schema();
        };
        let name = "digital_source_type".to_owned();
        object.properties.insert(name.clone(), Ref::from_schema_name(DigitalSourceType::name()).into());
        object.required.push(name);
        object.description = Some(
            "The provenance of a text. `digital_source_type` follows from the rest: `human`, and `translated` without a `tool`, are \
             `digitalCreation`; `translated` with a `tool`, and `ai_assisted`, are `compositeWithTrainedAlgorithmicMedia`; \
             `ai_generated` is `trainedAlgorithmicMedia`."
                .to_owned(),
        );
        Schema::Object(object).into()
    }
}

impl ToSchema for Disclosure {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((DigitalSourceType::name().into(), DigitalSourceType::schema()));
        Provenance::schemas(schemas);
    }
}

/// The provenance of a text, as a client writes it.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = Faults, deny_unknown_fields)]
#[serde(deny_unknown_fields)]
pub struct ProvenanceInput {
    /// The way in which the text came about.
    pub kind: ProvenanceKind,
    /// The tool that translated, helped or wrote. For a translation, it says that a tool made it.
    #[deserr(default)]
    #[schema(inline)]
    pub tool: Option<Line<1, 200>>,
    /// The person or desk that checked the text before readers saw it.
    #[deserr(default)]
    #[schema(inline)]
    pub reviewed_by: Option<Line<1, 200>>,
    /// The language that the text was translated from. It must not be the article's language.
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

/// Returns a fault if an article's input says that the text was translated from the article's own language.
/// The fault is found whatever else is wrong with the input.
#[must_use]
pub(crate) fn contradictions(input: &Value) -> Faults {
    let language = |pointer: &str| Language::from_text(input.pointer(pointer)?.as_str()?.to_owned()).ok();
    let mut faults = Faults::none();
    if let Some(source) = language("/provenance/source_language")
        && language("/language") == Some(source)
    {
        let detail = "The article is in this language: a text cannot be a translation from its own language.";
        faults.push(Fault::at("/provenance/source_language", "same_language", detail));
    }
    faults
}

stored_as_jsonb!(Provenance);
