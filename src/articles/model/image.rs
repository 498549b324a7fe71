//! The lead picture of an article.

use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::stored_as_jsonb;

/// The lead picture of an article.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
pub struct Image {
    /// The address of the picture.
    #[schema(example = "https://images.warta.example/nelayan.jpg")]
    pub url: String,
    /// The alternative text: what the picture shows, for people who cannot see it. It is empty if the picture
    /// is mere decoration.
    #[schema(example = "Dua nelayan membaca ramalan cuaca di telepon genggam.")]
    pub alt: String,
    /// The caption below the picture; empty if there is none.
    #[schema(example = "Nelayan membaca ramalan sebelum melaut.")]
    pub caption: String,
    /// The credit: the person or organisation whose picture it is; empty if none is given.
    #[schema(example = "Warta")]
    pub credit: String,
}

stored_as_jsonb!(Image);
