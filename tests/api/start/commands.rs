//! The commands beside `serve`.

use std::{
    fs,
    io::Write,
    os::unix::fs::PermissionsExt,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use warta::auth::keys::Keys;

use super::{
    data_dir, ends_with_one_line,
    first::Visitor,
    program::{Program, command},
};
use crate::support::{cluster::fresh_database, document};

const OLD: &str = "correct horse battery staple";
const NEW: &str = "another horse battery staple";

/// Runs a command that must succeed; what it printed.
fn printed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success() && stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).unwrap()
}

#[test]
fn openapi_prints_the_document() {
    let folder = data_dir();
    let text = printed(command(folder.path()).arg("openapi"));
    let printed: Value = serde_json::from_str(&text).unwrap();
    assert!(
        printed == *document(),
        "`warta openapi` prints another document than the tests hold answers against"
    );
    assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none(), "it needs no database");
}

#[tokio::test]
async fn editors_are_managed_beside_a_running_instance() {
    let folder = data_dir();
    let program = Program::start(command(folder.path()).env("WARTA_DEMO", "false"));
    let visitor = Visitor::of(&program);
    let editor = |arguments: &[&str], password: &str| {
        let mut editor = command(folder.path());
        editor.arg("editor").args(arguments).env("WARTA_EDITOR_PASSWORD", password).stdin(Stdio::null());
        editor
    };
    let create = ["create", "--email", "ayu@example.org", "--name", "Ayu Lestari", "--role", "writer"];
    assert_eq!(printed(&mut editor(&create, OLD)), "created ayu@example.org (writer)\n");
    let token = visitor.sign_in("ayu@example.org", OLD).await.unwrap();
    assert_eq!(visitor.get("/v1/me", &token).await["name"], "Ayu Lestari");
    let list = printed(&mut editor(&["list"], ""));
    assert_eq!(list.lines().count(), 2, "{list}");
    assert!(
        list.contains("writer\tayu@example.org\tactive\tAyu Lestari") && !list.contains("argon2"),
        "{list}"
    );

    // On standard input as well; it ends the sessions of the password before.
    let mut change = editor(&["set-password", "--email", "AYU@example.org"], "");
    let mut change = change.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    writeln!(change.stdin.take().unwrap(), "{NEW}").unwrap();
    assert!(change.wait().unwrap().success());
    assert_eq!(visitor.me(&token).await, 401);
    assert_eq!(visitor.sign_in("ayu@example.org", OLD).await, Err(401));
    let token = visitor.sign_in("ayu@example.org", NEW).await.unwrap();

    printed(&mut editor(&["disable", "--email", "ayu@example.org"], ""));
    assert_eq!(visitor.me(&token).await, 401);
    assert_eq!(visitor.sign_in("ayu@example.org", NEW).await, Err(401));
    assert!(printed(&mut editor(&["list"], "")).contains("ayu@example.org\tdisabled"));

    let named = |email: &'static str, role: &'static str| {
        ["create", "--email", email, "--name", "Budi", "--role", role]
    };
    ends_with_one_line(&mut editor(&create, OLD), 1, &["email"]);
    ends_with_one_line(&mut editor(&named("budi", "writer"), OLD), 2, &["--email", "budi"]);
    ends_with_one_line(&mut editor(&named("budi@example.org", "boss"), OLD), 2, &["--role", "boss"]);
    ends_with_one_line(&mut editor(&named("budi@example.org", "writer"), "short"), 1, &["password"]);
    ends_with_one_line(&mut editor(&named("budi@example.org", "writer"), ""), 1, &["WARTA_EDITOR_PASSWORD"]);
    for refused in ["passwordpassword", "budi@example.org"] {
        ends_with_one_line(&mut editor(&named("budi@example.org", "writer"), refused), 1, &["password: "]);
        let change = ["set-password", "--email", "ayu@example.org"];
        ends_with_one_line(&mut editor(&change, refused), 1, &["password: "]);
    }
    let nobody = ["set-password", "--email", "nobody@example.org"];
    ends_with_one_line(&mut editor(&nobody, NEW), 1, &["nobody@example.org"]);
    ends_with_one_line(
        &mut editor(&["disable", "--email", "nobody@example.org"], ""),
        1,
        &["nobody@example.org"],
    );
    ends_with_one_line(&mut editor(&["disable", "--email", "admin@warta.example"], ""), 1, &["admin"]);
    ends_with_one_line(&mut editor(&["promote"], ""), 2, &["promote"]);
    assert_eq!(printed(&mut editor(&["list"], "")).lines().count(), 2, "what was refused made nobody");
    drop(visitor);
    program.stop();

    // Without an instance the command starts the database for itself, and stops it.
    assert_eq!(printed(&mut editor(&["list"], "")).lines().count(), 2);
    assert_eq!(super::postmaster(folder.path()), None);
}

#[tokio::test]
async fn commands_on_an_external_database_need_no_signing_key() {
    let folder = data_dir();
    let url = fresh_database().await;
    let mut create = command(folder.path());
    create.env("DATABASE_URL", url.expose()).env("WARTA_EDITOR_PASSWORD", OLD);
    create.args(["editor", "create", "--email", "ayu@example.org", "--name", "Ayu", "--role", "admin"]);
    assert_eq!(printed(&mut create), "created ayu@example.org (admin)\n");
    let missing = folder.path().join("no-such-key.pem");
    let mut start = command(folder.path());
    start.env("DATABASE_URL", url.expose()).env("WARTA_JWT_KEY_FILE", &missing);
    ends_with_one_line(&mut start, 1, &["no-such-key.pem"]);
    assert!(!missing.exists(), "a key of an external database's instances is not made up");
    // One that others can write makes anybody anybody.
    let key = folder.path().join("key.pem");
    Keys::load_or_create(&key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o666)).unwrap();
    start.env("WARTA_JWT_KEY_FILE", &key);
    ends_with_one_line(&mut start, 1, &["WARTA_JWT_KEY_FILE", "key.pem", "chmod go-w"]);
    start.env_remove("WARTA_JWT_KEY_FILE");
    ends_with_one_line(&mut start, 2, &["WARTA_JWT_KEY_FILE"]);
}
