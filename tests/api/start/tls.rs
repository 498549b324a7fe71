//! Connections to a Postgres elsewhere: TLS, and several hosts.

use std::net::TcpListener;

use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use warta::database::{
    Database, DatabaseUrl,
    embedded::{Embedded, EmbeddedOptions},
};

/// A server on a port of the loopback that shows a certificate for `localhost`.
struct TlsServer {
    embedded: Embedded,
    port: u16,
    files: TempDir,
}

/// A free port, free again.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

impl TlsServer {
    async fn start() -> Self {
        let port = port();
        let settings =
            vec![("listen_addresses".into(), "127.0.0.1".into()), ("port".into(), port.to_string())];
        let options = EmbeddedOptions { throw_away: true, settings, ..EmbeddedOptions::default() };
        let embedded = Embedded::start(options).await.unwrap();

        let (ours, other, key) = (authority(), authority(), KeyPair::generate().unwrap());
        let certificate =
            CertificateParams::new(["localhost".to_owned()]).unwrap().signed_by(&key, &ours).unwrap();
        let files = TempDir::new().unwrap();
        std::fs::write(files.path().join("ours.pem"), ours.pem()).unwrap();
        std::fs::write(files.path().join("other.pem"), other.pem()).unwrap();

        // Written by the server, whose files they must be.
        let mut connection = Database::connect(embedded.url(), 1).await.unwrap().get().await.unwrap();
        for (name, text) in [("server.crt", certificate.pem()), ("server.key", key.serialize_pem())] {
            let lines: Vec<_> = text.lines().map(|line| format!("('{}')", line.trim())).collect();
            let copy = format!("COPY (VALUES {}) TO PROGRAM 'umask 077; cat >{name}'", lines.join(","));
            connection.batch_execute(&copy).await.unwrap();
        }
        connection.batch_execute("ALTER SYSTEM SET ssl = on").await.unwrap();
        connection.batch_execute("SELECT pg_reload_conf()").await.unwrap();
        let server = Self { embedded, port, files };
        for _ in 0..100 {
            if server.connect("localhost", "sslmode=require").await.is_ok() {
                return server;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the server does not speak TLS");
    }

    /// Whether the connection is encrypted, or why there is none.
    async fn connect(&self, host: &str, ssl: &str) -> Result<bool, String> {
        #[derive(diesel::QueryableByName)]
        struct Encrypted {
            #[diesel(sql_type = diesel::sql_types::Bool)]
            ssl: bool,
        }
        let Self { port, .. } = self;
        let url =
            format!("host={host} hostaddr=127.0.0.1 port={port} user=warta password=hush dbname=warta {ssl}");
        let url: DatabaseUrl = url.parse().map_err(|error| format!("{error}"))?;
        let database = Database::connect(&url, 1).await.map_err(|error| error.to_string())?;
        let query = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let row = diesel::sql_query(query).get_result::<Encrypted>(&mut database.get().await.unwrap()).await;
        Ok(row.unwrap().ssl)
    }

    fn file(&self, name: &str) -> String {
        format!("sslrootcert='{}'", self.files.path().join(name).display())
    }
}

#[tokio::test]
async fn ssl_modes_mean_what_they_mean_to_libpq() {
    let server = TlsServer::start().await;
    let (ours, other) = (server.file("ours.pem"), server.file("other.pem"));
    for (host, ssl, encrypted) in [
        ("localhost", "sslmode=disable".to_owned(), Some(false)),
        ("localhost", "sslmode=prefer".to_owned(), Some(true)),
        ("elsewhere.example", "sslmode=require".to_owned(), Some(true)),
        ("elsewhere.example", format!("sslmode=require {ours}"), Some(true)),
        ("localhost", format!("sslmode=require {other}"), None),
        ("elsewhere.example", format!("sslmode=verify-ca {ours}"), Some(true)),
        ("localhost", format!("sslmode=verify-ca {other}"), None),
        ("localhost", format!("sslmode=verify-full {ours}"), Some(true)),
        ("elsewhere.example", format!("sslmode=verify-full {ours}"), None),
        ("localhost", format!("sslmode=verify-full {other}"), None),
        // This authority is not one of the system's.
        ("localhost", "sslmode=verify-full".to_owned(), None),
    ] {
        let outcome = server.connect(host, &ssl).await;
        assert_eq!(outcome.clone().ok(), encrypted, "{host} {ssl}: {outcome:?}");
        if let Err(line) = outcome {
            assert!(!line.contains('\n') && !line.contains("hush"), "{line}");
            assert!(line.contains("certificate"), "{line}");
        }
    }
    server.embedded.stop().await;
}

#[tokio::test]
async fn a_dead_host_is_passed_over() {
    let port = port();
    let settings = vec![("listen_addresses".into(), "127.0.0.1".into()), ("port".into(), port.to_string())];
    let options = EmbeddedOptions { throw_away: true, settings, ..EmbeddedOptions::default() };
    let embedded = Embedded::start(options).await.unwrap();
    let dead = self::port();
    let hosts = format!("postgres://warta@127.0.0.1:{dead},127.0.0.1:{port}/warta");
    let url = format!("{hosts}?target_session_attrs=read-write").parse().unwrap();
    Database::connect(&url, 1).await.unwrap();

    let mut connection = Database::connect(embedded.url(), 1).await.unwrap().get().await.unwrap();
    connection.batch_execute("ALTER DATABASE warta SET default_transaction_read_only = on").await.unwrap();
    let error = Database::connect(&url, 1).await.unwrap_err().to_string();
    assert!(error.contains("cannot connect to the database at 127.0.0.1"), "{error}");
    embedded.stop().await;
}
