//! The words that say what is wrong with a part of an input. They are stable: programs branch on them.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ObjectBuilder, RefOr,
        schema::{Schema, Type},
    },
};

/// Every word, with what it means.
pub(crate) const CODES: [(&str, &str); 42] = [
    ("already_covered", "another story covers the document"),
    ("already_published", "the first publication cannot be dated back any more"),
    ("blank", "nothing in it can be seen"),
    ("citation_required", "the newsroom publishes only what cites something"),
    ("control_character", "it has a character that controls devices"),
    ("duplicate", "the same thing stands there twice"),
    ("empty_element", "an element of a list has nothing in it"),
    ("invalid", "it is not what is expected there"),
    ("invalid_cursor", "the cursor is not one of this list"),
    ("invalid_email", "it is no email address"),
    ("invalid_encoding", "it is not UTF-8, written as a query has it"),
    ("invalid_id", "it is no UUID"),
    ("invalid_language", "it is no BCP 47 tag"),
    ("invalid_slug", "it has other characters than small letters, digits and single hyphens between them"),
    ("invalid_time", "it is no time as in RFC 3339, or one that cannot be"),
    ("invalid_url", "it is no web address"),
    ("itself", "a thing is named as its own counterpart"),
    ("needs_draft", "it needs `draft=true` besides"),
    ("needs_override", "it needs an override besides"),
    ("needs_q", "it needs `q` besides"),
    ("not_found", "what it names is not there, or not for you to see"),
    ("not_in_trash", "there is none of what is in the trash"),
    ("nothing_to_find", "no word is left to be found by"),
    ("out_of_range", "the number is too small or too large"),
    ("repeated", "the parameter may be given once"),
    ("required", "it has to be there"),
    ("review_required", "the newsroom publishes only what two people wrote on"),
    ("same_language", "a text is no translation from its own language"),
    ("taken", "another thing has it"),
    ("too_common", "many people have this password"),
    ("too_complex", "it takes too long to render, or too much stands in each other"),
    ("too_long", "it is longer than it may be"),
    ("too_many", "there are more elements than there may be"),
    ("too_many_marks", "more combining marks stand in a row than any language has"),
    ("too_personal", "the password is made of what others know of you"),
    ("too_short", "it is shorter than it has to be"),
    ("unknown", "there is no such member or parameter"),
    ("unknown_value", "it is none of the words that it may be"),
    ("with_token", "it does not go with an access token"),
    ("wrong_length", "it does not have as many elements or characters as it has to"),
    ("wrong_password", "it is not your present password"),
    ("wrong_type", "it is another type of JSON than it has to be"),
];

/// One of [`CODES`], in the OpenAPI document.
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
