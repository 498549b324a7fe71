use std::{
    ffi::{OsStr, OsString},
    net::IpAddr,
};

use clap::CommandFactory;

use super::{reading::Refused, *};

/// Parses arguments without the environment, which the tests do not own.
fn parse(args: &[&str]) -> Result<Config, String> {
    let args = std::iter::once("warta").chain(args.iter().copied()).map(OsString::from).collect();
    match Cli::from_args(args, |_| None) {
        Ok(cli) => Ok(cli.config),
        Err(Refused::Wrong(line)) => Err(line),
        Err(Refused::Asked(help)) => Err(help.to_string()),
    }
}

#[test]
fn is_well_formed() {
    Cli::command().debug_assert();
    assert!(parse(&["serve", "--listen", "[::1]:0"]).unwrap().listen.is_ipv6());
}

#[test]
fn names_the_wrong_setting_in_one_line() {
    for (option, value, name) in [
        ("--listen", "8080", "WARTA_LISTEN"),
        ("--workers", "0", "WARTA_WORKERS"),
        ("--request-timeout", "1h", "WARTA_REQUEST_TIMEOUT"),
        ("--stale-if-error", "10m", "WARTA_STALE_IF_ERROR"),
        ("--cors-origins", "https://a.org,https://b.org/x", "WARTA_CORS_ORIGINS"),
        ("--trusted-proxies", "10.0.0.0/99", "WARTA_TRUSTED_PROXIES"),
        ("--database-url", "postgres://u:secret@h/d?sslmode=maybe", "DATABASE_URL"),
        ("--database-connections", "many", "WARTA_DATABASE_CONNECTIONS"),
        ("--admin-email", "someone", "WARTA_ADMIN_EMAIL"),
        ("--site-url", "ftp://example.org", "WARTA_SITE_URL"),
        ("--article-path", "/{year}/{slug}", "WARTA_ARTICLE_PATH"),
        ("--site-name", " ", "WARTA_SITE_NAME"),
        ("--site-name", "Warta\nNusantara", "WARTA_SITE_NAME"),
        ("--demo", "maybe", "WARTA_DEMO"),
        ("--require-citation", "yes", "WARTA_REQUIRE_CITATION"),
        ("--require-review", "1", "WARTA_REQUIRE_REVIEW"),
        ("--log", "warta=loud", "WARTA_LOG"),
    ] {
        let line = parse(&[option, value]).unwrap_err();
        assert!(line.starts_with(&format!("{name}: ")), "{line}");
        assert!(!line.contains('\n') && !line.contains("secret"), "{line}");
    }
}

#[test]
fn a_wrong_setting_is_told_what_would_be_right() {
    for (args, told) in [
        (&["--workers", "abc"][..], "WARTA_WORKERS: \"abc\": use a whole number, 1 to 256"),
        (&["--workers", "0"], "WARTA_WORKERS: \"0\": use a whole number, 1 to 256"),
        (
            &["--site-url", "news.example.org"],
            "WARTA_SITE_URL: \"news.example.org\": write it whole, with http:// or https://",
        ),
        (
            &["--database-url", "mysql://h/d"],
            "DATABASE_URL: `mysql://` is no Postgres; use postgres:// or key=value pairs",
        ),
        (&["--demo", "maybe"], "WARTA_DEMO: \"maybe\": use true, false"),
        (
            &["editor", "create", "--email", "a@b.org", "--name", "A", "--role", "boss"],
            "invalid value 'boss' for '--role <ROLE>': use writer, editor, admin",
        ),
    ] {
        assert_eq!(parse(args).unwrap_err(), told);
    }
}

#[test]
fn checks_what_belongs_together() {
    assert!(parse(&["--admin-email", "a@b.org"]).unwrap_err().starts_with("WARTA_ADMIN_PASSWORD: "));
    assert!(parse(&["--admin-password", "x"]).unwrap_err().contains("argument"));
    assert!(parse(&["migrate", "--admin-password", "x"]).unwrap_err().contains("argument"));
    assert!(parse(&["--database-url", "host=h"]).unwrap_err().starts_with("WARTA_JWT_KEY_FILE: "));
    assert!(parse(&["--database-url", "host=h", "migrate"]).is_ok());
}

#[test]
fn parses_lists_and_defaults() {
    let config = parse(&["--cors-origins", "https://A.org:443, http://b.org:81"]).unwrap();
    let origins: Vec<_> = config.cors_origins.iter().map(Origin::as_str).collect();
    assert_eq!(origins, ["https://a.org", "http://b.org:81"]);
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.request_timeout, Duration::from_secs(30));
    assert_eq!(config.key_file(), PathBuf::from("./.warta/jwt.pem"));
    assert!(config.loads_demo() && config.trusted_proxies.is_empty());
    assert_eq!(config.policy(), Policy::default());
    let strict = parse(&["--require-review", "true", "--require-citation", "false"]).unwrap().policy();
    assert_eq!(strict, Policy { require_citation: false, require_review: true });
    let proxies = parse(&["--trusted-proxies", "10.0.0.0/8,::1"]).unwrap().trusted_proxies;
    assert!(proxies[1].contains(&"::1".parse::<IpAddr>().unwrap()));
}

#[test]
fn help_names_variable_and_default_of_each_setting() {
    let help = parse(&["--help"]).unwrap_err();
    for arg in Cli::command().get_arguments().filter(|arg| arg.get_env().is_some()) {
        let name = arg.get_env().unwrap().to_str().unwrap();
        let text = help.split("\n      --").find(|text| text.contains(&format!("[env: {name}"))).expect(name);
        let secret = name == "WARTA_ADMIN_PASSWORD";
        assert!(text.contains("[default:") || secret, "{name} has no default in --help: {text}");
    }
}

#[test]
fn fills_article_paths() {
    let path: ArticlePath = "/{language}/{slug}-{id}".parse().unwrap();
    assert_eq!(path.of("7", "berita", "id"), "/id/berita-7");
    assert!("{slug}".parse::<ArticlePath>().is_err());
}

#[test]
fn reads_a_value_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, "host=db user=warta\n").unwrap();
    let variables = |also: Option<&'static str>| {
        let file = file.clone().into_os_string();
        move |name: &OsStr| match name.to_str().unwrap() {
            "DATABASE_URL_FILE" => Some(file.clone()),
            name if Some(name) == also => Some("x".into()),
            _ => None,
        }
    };
    let args = || ["warta", "migrate"].map(OsString::from).to_vec();
    assert!(!Cli::from_args(args(), variables(None)).unwrap().config.is_embedded());
    let refused = |outcome| match outcome {
        Err(Refused::Wrong(line)) => line,
        _ => panic!("it was not refused"),
    };
    let both = refused(Cli::from_args(args(), variables(Some("DATABASE_URL"))));
    assert_eq!(both, "DATABASE_URL_FILE: DATABASE_URL is set as well");
    std::fs::remove_file(&file).unwrap();
    let missing = refused(Cli::from_args(args(), variables(None)));
    assert!(missing.starts_with("DATABASE_URL_FILE: "), "{missing}");
}
