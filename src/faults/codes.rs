//! The words for the kinds of faults of an input. They are stable: programs branch on them.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

/// Every word, with its meaning.
pub(crate) const CODES: [(&str, &str); 42] = [
    ("already_covered", "another story covers the document"),
    ("already_published", "the date of the first publication cannot be changed any more"),
    ("blank", "it has no visible character"),
    ("citation_required", "the newsroom publishes only stories with a citation"),
    ("control_character", "it has a control character"),
    ("duplicate", "the same thing is there twice"),
    ("empty_element", "an element of a list is empty"),
    ("invalid", "it is not what is expected"),
    ("invalid_cursor", "the cursor does not belong to this list"),
    ("invalid_email", "it is not an email address"),
    ("invalid_encoding", "it is not percent-encoded UTF-8"),
    ("invalid_id", "it is not a UUID"),
    ("invalid_language", "it is not a BCP 47 tag"),
    (
        "invalid_slug",
        "it is not small letters and digits in words joined by single hyphens, or it looks like an id",
    ),
    ("invalid_time", "it is not a valid RFC 3339 time"),
    ("invalid_url", "it is not a web address"),
    ("itself", "it refers to the thing itself"),
    ("needs_draft", "it also needs `draft=true`"),
    ("needs_override", "it also needs `override`"),
    ("needs_q", "it also needs `q`"),
    ("not_found", "what it names does not exist, or you are not allowed to see it"),
    ("not_in_trash", "there are no previews of articles in the trash"),
    ("nothing_to_find", "the search has no usable term"),
    ("out_of_range", "the number is too small or too large"),
    ("repeated", "the parameter is given more than once"),
    ("required", "it is required"),
    ("review_required", "the newsroom publishes only stories that two people edited"),
    ("same_language", "a text is no translation from its own language"),
    ("taken", "another thing has it"),
    ("too_common", "many people have this password"),
    ("too_complex", "it takes too long to render, or is nested too deeply"),
    ("too_long", "it is too long"),
    ("too_many", "there are too many elements"),
    ("too_many_marks", "it has more combining marks in a row than any language uses"),
    ("too_personal", "the password is made of words that others know about you"),
    ("too_short", "it is too short"),
    ("unknown", "there is no such member or parameter"),
    ("unknown_value", "it is not one of the allowed words"),
    ("with_token", "it cannot be combined with an access token"),
    ("wrong_length", "it has too few or too many elements or characters"),
    ("wrong_password", "it is not your present password"),
    ("wrong_type", "it has the wrong JSON type"),
];

/// The schema of [`CODES`] in the OpenAPI document.
pub(crate) struct Code;

impl PartialSchema for Code {
    fn schema() -> RefOr<Schema> {
        let lines: Vec<_> = CODES.iter().map(|(code, meaning)| format!("- `{code}`: {meaning}.")).collect();
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(CODES.map(|(code, _)| code)))
            .description(Some(format!(
                "What is wrong with a part of an input, for programs.\n\n{}",
                lines.join("\n")
            )))
            .into()
    }
}

impl ToSchema for Code {}
