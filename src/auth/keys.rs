//! The keys that sign and verify access tokens.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::{
    digest::{SHA256, digest},
    hmac,
    rand::SystemRandom,
    signature::{ED25519, Ed25519KeyPair, KeyPair, ParsedPublicKey},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jsonwebtoken::{DecodingKey, EncodingKey};
use pem::Pem;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::reply::Representation;

/// The bytes before the 32 bytes of an Ed25519 key in a SubjectPublicKeyInfo (RFC 8410). They are always the
/// same, as the algorithm has no parameters.
const SPKI_PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The Ed25519 keys of one file.
///
/// The file holds PEM blocks: `PRIVATE KEY` (PKCS#8) and `PUBLIC KEY`. All of them verify; the last private
/// one is the newest and signs. To rotate without a failed request on any instance: add the next key's public
/// block everywhere, then its private one, and remove the old key once its last token has expired.
#[derive(Clone)]
pub struct Keys {
    published: Vec<PublishedKey>,
    signing_kid: String,
    signing: EncodingKey,
    secret: [u8; 32],
}

#[derive(Clone)]
struct PublishedKey {
    jwk: Jwk,
    verifying: DecodingKey,
}

/// The public keys (JSON Web Key Set, RFC 7517) that verify access tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Jwks {
    /// The public keys; choose by `kid`.
    pub keys: Vec<Jwk>,
}

/// An Ed25519 public key (RFC 8037).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Jwk {
    /// The type of the key: always `OKP`.
    #[schema(example = "OKP")]
    pub kty: &'static str,
    /// The curve of the key: always `Ed25519`.
    #[schema(example = "Ed25519")]
    pub crv: &'static str,
    /// The use of the key: always `sig`, as it verifies signatures.
    #[schema(example = "sig")]
    pub r#use: &'static str,
    /// The algorithm of the signatures: always `EdDSA`.
    #[schema(example = "EdDSA")]
    pub alg: &'static str,
    /// The key's thumbprint (RFC 7638), which is also in the tokens' headers.
    #[schema(example = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k")]
    pub kid: String,
    /// The public key itself: 32 bytes in base64url.
    #[schema(example = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")]
    pub x: String,
}

impl Representation for Jwks {}

/// The reason why there are no keys: one line that names the setting and the file.
#[derive(Debug)]
pub struct KeysError {
    path: PathBuf,
    reason: String,
}

impl fmt::Display for KeysError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WARTA_JWT_KEY_FILE {}: {}", self.path.display(), self.reason)
    }
}

impl std::error::Error for KeysError {}

impl Keys {
    /// Reads the keys of a file.
    ///
    /// # Errors
    /// Returns [`KeysError`] if the file cannot be read, can be written by others than its owner, holds
    /// something else than Ed25519 keys, or holds no private key.
    pub fn load(path: &Path) -> Result<Self, KeysError> {
        let failed = |reason: String| KeysError { path: path.to_owned(), reason };
        let mut file = File::open(path).map_err(|error| failed(error.to_string()))?;
        let mode = file.metadata().map_err(|error| failed(error.to_string()))?.mode();
        // Anyone who can write it can make themselves anybody.
        if mode & 0o022 != 0 {
            let mode = mode & 0o777;
            return Err(failed(format!(
                "can be written by others than its owner (mode {mode:03o}); chmod go-w it"
            )));
        }
        if mode & 0o004 != 0 {
            tracing::warn!(path = %path.display(), "everybody on this machine can read the key file; chmod o-r it");
        }
        let mut text = Vec::new();
        file.read_to_end(&mut text).map_err(|error| failed(error.to_string()))?;
        Self::parse(&text).map_err(failed)
    }

    /// Reads the keys of a file. If there is none, it is made, with one new key and readable by its owner
    /// only.
    ///
    /// # Errors
    /// Returns [`KeysError`] in the same cases as [`Keys::load`], and if the file cannot be made.
    pub fn load_or_create(path: &Path) -> Result<Self, KeysError> {
        if !path.exists() {
            create(path).map_err(|error| KeysError {
                path: path.to_owned(),
                reason: format!("cannot be made: {error}"),
            })?;
        }
        Self::load(path)
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        let blocks = pem::parse_many(text).map_err(|error| format!("is no PEM: {error}"))?;
        let mut published: Vec<PublishedKey> = Vec::new();
        let mut newest = None;
        for (index, block) in blocks.iter().enumerate() {
            let rejected = |what: &str| format!("PEM block {}: {what}", index + 1);
            let public = match block.tag() {
                "PRIVATE KEY" => {
                    let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(block.contents())
                        .map_err(|_| rejected("is no Ed25519 private key in PKCS#8"))?;
                    newest.insert(pair).public_key().as_ref().to_vec()
                }
                "PUBLIC KEY" => block
                    .contents()
                    .strip_prefix(&SPKI_PREFIX)
                    .filter(|key| ParsedPublicKey::new(&ED25519, key).is_ok())
                    .ok_or_else(|| rejected("is no Ed25519 public key"))?
                    .to_vec(),
                other => {
                    return Err(rejected(&format!("is `{other}`, not `PRIVATE KEY` or `PUBLIC KEY`")));
                }
            };
            let jwk = Jwk::new(&public);
            if published.iter().all(|key| key.jwk != jwk) {
                published.push(PublishedKey { jwk, verifying: DecodingKey::from_ed_der(&public) });
            }
        }
        let pair = newest.ok_or("holds no Ed25519 private key (a PEM block `PRIVATE KEY`)")?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_| "its newest key cannot be used")?;
        let master = hmac::Key::new(hmac::HMAC_SHA256, pkcs8.as_ref());
        let mut secret = [0; 32];
        secret.copy_from_slice(hmac::sign(&master, b"warta shared secret v1").as_ref());
        Ok(Self {
            published,
            signing_kid: Jwk::new(pair.public_key().as_ref()).kid,
            signing: EncodingKey::from_ed_der(pkcs8.as_ref()),
            secret,
        })
    }

    /// Returns the document of `/.well-known/jwks.json`.
    #[must_use]
    pub fn jwks(&self) -> Jwks {
        Jwks { keys: self.published.iter().map(|key| key.jwk.clone()).collect() }
    }

    /// Returns a secret of 32 bytes that all instances with this signing key share, and that does not reveal
    /// the key. It is for signatures other than those of tokens.
    #[must_use]
    pub fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// Returns the key that signs, with its id.
    pub(super) fn signing(&self) -> (&str, &EncodingKey) {
        (&self.signing_kid, &self.signing)
    }

    /// Returns the key with this id, for verifying.
    pub(super) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.published.iter().find(|key| key.jwk.kid == kid).map(|key| &key.verifying)
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("signing_kid", &self.signing_kid).finish_non_exhaustive()
    }
}

impl Jwk {
    fn new(public: &[u8]) -> Self {
        let x = BASE64_URL_SAFE_NO_PAD.encode(public);
        // RFC 7638: the required members only, sorted, without white space.
        let canonical = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
        let kid = BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()));
        Self { kty: "OKP", crv: "Ed25519", r#use: "sig", alg: "EdDSA", kid, x }
    }
}

/// Makes a key file. If two processes try, one of them wins and both go on with its key. A crash leaves no
/// incomplete file.
fn create(path: &Path) -> io::Result<()> {
    let key = Ed25519KeyPair::generate_pkcs8v1(&SystemRandom::new()).map_err(io::Error::other)?;
    let text = pem::encode(&Pem::new("PRIVATE KEY", key.as_ref()));
    let mut unique = [0; 8];
    aws_lc_rs::rand::fill(&mut unique).map_err(io::Error::other)?;
    let draft = path.with_extension(format!("{:016x}.tmp", u64::from_ne_bytes(unique)));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        // Unlike a rename, a link does not replace a file that another process made meanwhile.
        match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            result => result,
        }
    })();
    // A draft that a failure leaves behind is only a file that nobody reads.
    let _ = fs::remove_file(&draft);
    written
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A private key as OpenSSL writes it, and its public key.
    fn new_pair() -> (String, String) {
        let key = Ed25519KeyPair::generate().unwrap();
        let public = [&SPKI_PREFIX, key.public_key().as_ref()].concat();
        let private = Pem::new("PRIVATE KEY", key.to_pkcs8v1().unwrap().as_ref());
        (pem::encode(&private), pem::encode(&Pem::new("PUBLIC KEY", public)))
    }

    #[test]
    fn the_thumbprint_is_that_of_rfc_8037() {
        let x = BASE64_URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(Jwk::new(&x).kid, "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn the_last_private_key_signs_and_all_verify() {
        let ((old_private, old_public), (new_private, _)) = (new_pair(), new_pair());
        let parse = |text: String| Keys::parse(text.as_bytes()).unwrap();
        let old = parse(old_private.clone());
        let both = parse(format!("{old_private}{new_private}"));
        assert_eq!(both.jwks().keys.len(), 2);
        assert_ne!(both.signing().0, old.signing().0);
        assert!(both.verifying(old.signing().0).is_some());
        assert_ne!(both.secret(), old.secret());

        let retired = parse(format!("{new_private}{old_public}"));
        assert_eq!(retired.signing().0, both.signing().0);
        assert_eq!(retired.secret(), both.secret());
        assert!(retired.verifying(old.signing().0).is_some());
        // A key that is there twice is published once.
        assert_eq!(parse(format!("{old_public}{old_private}")).jwks(), old.jwks());
    }

    #[test]
    fn a_key_with_its_public_half_is_taken_too() {
        let key = Ed25519KeyPair::generate().unwrap();
        let text = pem::encode(&Pem::new("PRIVATE KEY", key.to_pkcs8().unwrap().as_ref()));
        assert!(Keys::parse(text.as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let (private, public) = new_pair();
        let refused = |text: &str| Keys::parse(text.as_bytes()).unwrap_err();
        assert!(refused("").contains("no Ed25519 private key"));
        assert!(refused(&public).contains("no Ed25519 private key"));
        assert!(refused(&private.replace("PRIVATE", "EC PRIVATE")).contains("`EC PRIVATE KEY`"));
        assert!(refused(&public.replace("PUBLIC", "PRIVATE")).contains("PEM block 1"));
        assert!(refused(&format!("{private}{}", private.replace("PRIVATE", "PUBLIC"))).contains("block 2"));
        let error = Keys::load(Path::new("/nowhere/key.pem")).unwrap_err().to_string();
        assert!(error.starts_with("WARTA_JWT_KEY_FILE /nowhere/key.pem: "), "{error}");
    }

    #[test]
    fn a_key_file_that_others_can_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        Keys::load_or_create(&path).unwrap();
        for (mode, taken) in [(0o600, true), (0o640, true), (0o644, true), (0o620, false), (0o602, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(
                Keys::load(&path).map_err(|error| assert!(error.to_string().contains("chmod"))).is_ok(),
                taken
            );
        }
    }

    #[test]
    fn a_key_file_is_made_once_and_for_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        let keys = Keys::load_or_create(&path).unwrap();
        assert_eq!(Keys::load_or_create(&path).unwrap().jwks(), keys.jwks());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(!format!("{keys:?}").contains("PRIVATE"));
    }
}
