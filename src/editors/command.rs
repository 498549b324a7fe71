//! `warta editor`: editors from the command line, for the first admin and for when nobody can sign in.

use std::io::{self, Write};

use super::{
    Name,
    store::{self, NewEditor},
    workflow,
};
use crate::{
    auth::{email::Email, passwords::Passwords, secret::Password, turns::Place},
    clock::Clock,
    config::{EditorCommand, editor_password},
    database::Database,
    error::ApiError,
    events::Actor,
    faults::Invalid,
    pagination::TextPosition,
    principal::Role,
    site::Site,
    values::FromText,
};

/// Runs one command, and says on standard output what it did.
///
/// # Errors
/// One line.
pub async fn run(
    database: &Database,
    clock: &Clock,
    site: &Site,
    command: EditorCommand,
) -> Result<(), String> {
    let mut conn = database.get().await.map_err(|error| error.to_string())?;
    let now = clock.now();
    let line = match command {
        EditorCommand::Create { email, name, role } => {
            let password = password(site.words())?;
            let new = new_editor(email.as_str(), &name, &role, &password).await?;
            let editor = workflow::create(&mut conn, clock, now, &Actor::SYSTEM, new).await.map_err(told)?;
            format!("created {} ({})", editor.email, editor.role)
        }
        EditorCommand::List => {
            let mut lines = Vec::new();
            let mut after = None;
            loop {
                let page = store::list(&mut conn, 100, after).await.map_err(|error| error.to_string())?;
                let Some(last) = page.last() else { break };
                after = Some(TextPosition { text: last.name.clone(), id: last.id });
                lines.extend(page.iter().map(|editor| {
                    let state = if editor.active { "active" } else { "disabled" };
                    format!("{}\t{}\t{}\t{state}\t{}", editor.id, editor.role, editor.email, editor.name)
                }));
            }
            lines.join("\n")
        }
        EditorCommand::SetPassword { email } => {
            let editor = find(&mut conn, email.as_str()).await?;
            let password = password(site.words().chain([&*editor.email, &*editor.name]))?;
            let hash = hash(&password).await?;
            let changed =
                workflow::set_password(&mut conn, clock, now, &Actor::SYSTEM, editor.id, hash).await;
            format!("changed the password of {} and ended their sessions", changed.map_err(told)?.email)
        }
        EditorCommand::Disable { email } => {
            let editor = find(&mut conn, email.as_str()).await?;
            let changed = workflow::disable(&mut conn, clock, now, &Actor::SYSTEM, editor.id).await;
            format!("disabled {} and ended their sessions", changed.map_err(told)?.email)
        }
    };
    if line.is_empty() { Ok(()) } else { writeln!(io::stdout(), "{line}").map_err(|error| error.to_string()) }
}

/// Checks the words that describe a new editor, and hashes the password.
///
/// # Errors
/// One line that says which word is at fault.
pub async fn new_editor(
    email: &str,
    name: &str,
    role: &str,
    password: &Password,
) -> Result<NewEditor, String> {
    password.check_personal([email, name]).map_err(wrong("password"))?;
    Ok(NewEditor {
        email: Email::from_text(email.to_owned()).map_err(wrong("email"))?,
        name: Name::from_text(name.to_owned()).map_err(wrong("name"))?,
        role: Role::from_text(role.to_owned()).map_err(wrong("role"))?,
        password_hash: hash(password).await?,
    })
}

async fn find(conn: &mut crate::database::Connection, email: &str) -> Result<super::Editor, String> {
    match store::find_by_email(conn, email).await {
        Ok(editor) => Ok(editor),
        Err(diesel::NotFound) => Err(format!("no editor has the email {email}")),
        Err(error) => Err(error.to_string()),
    }
}

fn password<'a>(known: impl IntoIterator<Item = &'a str>) -> Result<Password, String> {
    let given = editor_password().map_err(|error| error.to_string())?;
    let password = Password::from_text(given.expose().to_owned()).map_err(wrong("password"))?;
    password.check_personal(known).map_err(wrong("password"))?;
    Ok(password)
}

async fn hash(password: &Password) -> Result<String, String> {
    Passwords::default().hash(Place::of_process(), password).await.map_err(told)
}

fn wrong(what: &'static str) -> impl Fn(Invalid) -> String {
    move |invalid| format!("{what}: {}", invalid.detail)
}

fn told(error: ApiError) -> String {
    error.problem("").detail
}
