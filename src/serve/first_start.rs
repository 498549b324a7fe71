//! Creates the first admin, on the first start.

use std::io::{self, Write};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::serve::ServeError;
use crate::{
    auth::secret::Password, config::Config, context::Services, editors, error::ApiError, faults::Invalid,
    values::FromText,
};

/// The email of the first admin in the embedded mode, if the settings name none.
const ADMIN: &str = "admin@warta.example";

/// The credentials of a new admin.
pub(super) struct Welcome {
    email: String,
    /// The password; set only if it was made here, so that nobody else knows it.
    password: Option<String>,
}

/// Creates the first admin if there is no editor: from the settings or, in embedded mode, with a random
/// password.
pub(super) async fn first_admin(config: &Config, services: &Services) -> Result<Option<Welcome>, ServeError> {
    let (email, password, made) = match (&config.admin_email, &config.admin_password) {
        _ if services.database.is_read_only() => return Ok(None),
        (Some(email), Some(password)) => (email.as_str().to_owned(), password.expose().to_owned(), false),
        _ if config.is_embedded() => (ADMIN.to_owned(), random_password()?, true),
        _ => return Ok(None),
    };
    let failed = |error: ApiError| ServeError::FirstStart(error);
    let wrong = |line: String| ServeError::Admin(line);
    let mut conn = services.database.get().await.map_err(|error| failed(error.into()))?;
    // Asked first without a lock: hashing a password at each start would only take time.
    if editors::store::count(&mut conn).await.map_err(|error| failed(error.into()))? > 0 {
        return Ok(None);
    }
    let refused = |invalid: Invalid| wrong(format!("WARTA_ADMIN_PASSWORD: {}", invalid.detail));
    let secret = Password::from_text(password.clone()).map_err(refused)?;
    secret.check_personal(services.site.words()).map_err(refused)?;
    let new = editors::command::new_editor(&email, "Admin", "admin", &secret).await.map_err(wrong)?;
    let now = services.clock.now();
    let editor =
        editors::workflow::create_first(&mut conn, &services.clock, now, new).await.map_err(failed)?;
    Ok(editor.map(|editor| Welcome { email: editor.email, password: made.then_some(password) }))
}

/// Returns a password of 144 random bits, in characters that a double click selects.
fn random_password() -> Result<String, ServeError> {
    let mut bytes = [0; 18];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|error| ServeError::Admin(error.to_string()))?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes).replace('-', "x").replace('_', "y"))
}

/// Prints the credentials of the first admin.
pub(super) fn introduce(welcome: Option<&Welcome>) -> io::Result<()> {
    match welcome {
        Some(Welcome { email, password: Some(password) }) => {
            writeln!(io::stdout(), "  Admin  {email}, password {password} (shown this once)")
        }
        Some(Welcome { email, password: None }) => writeln!(io::stdout(), "  Admin  {email}"),
        None => Ok(()),
    }
}
