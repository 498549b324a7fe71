//! The lead picture of an article.

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stored_as_jsonb;

/// A lead picture.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Image {
    /// Where the picture is.
    #[schema(example = "https://images.warta.example/nelayan.jpg")]
    pub url: String,
    /// What it shows, for those who cannot see it; empty for a mere decoration.
    #[schema(example = "Dua nelayan membaca ramalan cuaca di telepon genggam.")]
    pub alt: String,
    /// The text below it.
    #[schema(example = "Nelayan membaca ramalan sebelum melaut.")]
    pub caption: String,
    /// Whose picture it is.
    #[schema(example = "Warta")]
    pub credit: String,
}

stored_as_jsonb!(Image);
