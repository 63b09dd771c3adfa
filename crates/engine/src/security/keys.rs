//! Keys that sign tokens: an RSA pair by default, a shared secret where the document says HS256.
//! Both are made at first use and kept in the data directory, readable by the owner alone. Where several
//! processes share a database each signs with its own pair and knows the others' public parts; a
//! shared secret that no variable holds is kept in the database.

use std::{
    fs,
    io::{self, Write},
    path::Path,
    sync::{Mutex, OnceLock},
};

use aws_lc_rs::{
    encoding::AsDer,
    rsa::{KeyPair, KeySize},
    signature::KeyPair as _,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use document::{System, security::TokenAlgorithm};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{Settings, World};

/// The file of the RSA key, in PEM.
const RSA_FILE: &str = "token-key.pem";

/// The file of the shared secret, in base64.
const SECRET_FILE: &str = "token-secret";

/// A shared secret from the environment counts only from this length on.
const SECRET_BYTES_MIN: usize = 32;

/// A key of somebody else counts only from this length on: 2048 bits.
const MODULUS_BYTES_MIN: usize = 256;

/// Variables that may hold the shared secret, the most telling first.
const SECRET_VARIABLES: &[&str] =
    &["JWT_SECRET", "JWT_SECRET_KEY", "JWT_ACCESS_SECRET", "ACCESS_TOKEN_SECRET", "TOKEN_SECRET"];

/// A key that verifies.
pub(super) struct VerifyingKey {
    /// Key id, as in the token's header.
    pub(super) id: String,
    /// The only algorithm it is used with.
    pub(super) algorithm: Algorithm,
    /// Verifies.
    pub(super) decoding: DecodingKey,
    /// The public part; a shared secret has none.
    pub(super) public: Option<serde_json::Value>,
}

/// A key that signs and verifies.
pub(super) struct SigningKey {
    /// Signs.
    pub(super) encoding: EncodingKey,
    verifying: VerifyingKey,
}

impl std::ops::Deref for SigningKey {
    type Target = VerifyingKey;

    fn deref(&self) -> &VerifyingKey {
        &self.verifying
    }
}

/// The keys of a service, each made when it is first needed.
#[derive(Default)]
pub(super) struct Keys {
    rsa: OnceLock<SigningKey>,
    secret: OnceLock<SigningKey>,
    making: Mutex<()>,
}

impl Keys {
    /// The key that the document's algorithm needs.
    ///
    /// # Errors
    /// Files that cannot be read or written, or hold no key.
    pub(super) fn current(
        &self,
        settings: &Settings,
        world: &dyn World,
        system: &System,
    ) -> io::Result<&SigningKey> {
        let is_rsa = system.security.token.algorithm == TokenAlgorithm::Rs256;
        let place = if is_rsa { &self.rsa } else { &self.secret };
        if let Some(key) = place.get() {
            return Ok(key);
        }
        let _making = self.making.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if place.get().is_none() {
            let key = if is_rsa {
                rsa_key(&settings.data_directory)?
            } else {
                secret_key(settings, world, system)?
            };
            let _ = place.set(key);
        }
        place.get().ok_or_else(|| io::Error::other("the token key was lost"))
    }

    /// Takes the shared secret that all processes use; the first one counts.
    ///
    /// # Errors
    /// Text that is no secret.
    pub(super) fn share_secret(&self, text: &str) -> io::Result<()> {
        let broken = || io::Error::other("the database holds no secret where one should be");
        let bytes = decoded_secret(text).ok_or_else(broken)?;
        let _making = self.making.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let _ = self.secret.set(of_secret(&bytes));
        Ok(())
    }

    /// True where the shared secret is neither known nor in a variable.
    pub(super) fn needs_secret(&self, settings: &Settings, system: &System) -> bool {
        system.security.token.algorithm == TokenAlgorithm::Hs256
            && self.secret.get().is_none()
            && secret_variable(settings, system).is_none()
    }
}

/// A secret for all processes: the one that this process has, else a new one.
pub(super) fn proposed_secret(directory: &Path, world: &dyn World) -> String {
    let own = fs::read_to_string(directory.join(SECRET_FILE)).unwrap_or_default();
    match decoded_secret(&own) {
        Some(_) => own.trim().to_owned(),
        None => fresh_secret(world),
    }
}

fn fresh_secret(world: &dyn World) -> String {
    let mut bytes = [0_u8; 64];
    world.fill_random(&mut bytes);
    STANDARD.encode(bytes)
}

fn decoded_secret(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text.trim()).ok().filter(|bytes| bytes.len() >= SECRET_BYTES_MIN)
}

/// The public part of another process's key; none where it is something else.
pub(super) fn public_key(public: &serde_json::Value) -> Option<VerifyingKey> {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(public.get(name)?.as_str()?).ok();
    let (modulus, exponent) = (part("n")?, part("e")?);
    let is_large = modulus.len() >= MODULUS_BYTES_MIN;
    is_large.then(|| of_public(&modulus, &exponent))
}

fn of_public(modulus: &[u8], exponent: &[u8]) -> VerifyingKey {
    let (n, e) = (URL_SAFE_NO_PAD.encode(modulus), URL_SAFE_NO_PAD.encode(exponent));
    // The thumbprint of RFC 7638: members in alphabetical order, no white space.
    let thumbprint = Sha256::digest(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
    let id = URL_SAFE_NO_PAD.encode(thumbprint);
    let public = json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": id.as_str(), "n": n, "e": e,
    });
    let decoding = DecodingKey::from_rsa_raw_components(modulus, exponent);
    VerifyingKey { id, algorithm: Algorithm::RS256, decoding, public: Some(public) }
}

/// Reads the RSA key, or makes it.
fn rsa_key(directory: &Path) -> io::Result<SigningKey> {
    let path = directory.join(RSA_FILE);
    let pem = match fs::read_to_string(&path) {
        Ok(pem) => pem,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let pem = fresh_rsa_pem()?;
            write_private(&path, pem.as_bytes())?;
            pem
        }
        Err(error) => return Err(error),
    };
    let broken = || io::Error::other(format!("{} holds no RSA key", path.display()));
    let der = STANDARD
        .decode(pem.lines().filter(|line| !line.starts_with("-----")).collect::<String>())
        .map_err(|_| broken())?;
    let pair = KeyPair::from_pkcs8(&der).map_err(|_| broken())?;
    let modulus = pair.public_key().modulus().big_endian_without_leading_zero().to_vec();
    let exponent = pair.public_key().exponent().big_endian_without_leading_zero().to_vec();
    Ok(SigningKey {
        encoding: EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| broken())?,
        verifying: of_public(&modulus, &exponent),
    })
}

fn fresh_rsa_pem() -> io::Result<String> {
    let failed = || io::Error::other("no RSA key could be made");
    let pair = KeyPair::generate(KeySize::Rsa2048).map_err(|_| failed())?;
    let der = pair.as_der().map_err(|_| failed())?;
    let text = STANDARD.encode(der.as_ref());
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for line in text.as_bytes().chunks(64) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    Ok(pem)
}

/// The shared secret: the document's variable where it is long enough, else a random one.
fn secret_key(settings: &Settings, world: &dyn World, system: &System) -> io::Result<SigningKey> {
    let bytes = match secret_variable(settings, system) {
        Some(bytes) => bytes,
        None => kept_secret(&settings.data_directory, world)?,
    };
    Ok(of_secret(&bytes))
}

fn of_secret(bytes: &[u8]) -> SigningKey {
    // Only the start of a hash of the secret, under a prefix: enough to tell two secrets apart.
    let digest = Sha256::digest([b"vitruvius key id ", bytes].concat());
    let id = URL_SAFE_NO_PAD.encode(digest).chars().take(16).collect();
    let decoding = DecodingKey::from_secret(bytes);
    SigningKey {
        encoding: EncodingKey::from_secret(bytes),
        verifying: VerifyingKey { id, algorithm: Algorithm::HS256, decoding, public: None },
    }
}

fn secret_variable(settings: &Settings, system: &System) -> Option<Vec<u8>> {
    let declared =
        system.delivery.variables.iter().map(|variable| variable.name.as_str()).filter(|name| {
            name.contains("JWT") && name.contains("SECRET") && !name.contains("REFRESH")
        });
    for name in SECRET_VARIABLES.iter().copied().chain(declared) {
        let Some(value) = settings.variables.get(name) else { continue };
        if value.len() >= SECRET_BYTES_MIN {
            return Some(value.as_bytes().to_vec());
        }
        tracing::warn!(
            variable = name,
            "the variable is shorter than {SECRET_BYTES_MIN} bytes and is not used to sign tokens"
        );
    }
    None
}

fn kept_secret(directory: &Path, world: &dyn World) -> io::Result<Vec<u8>> {
    let path = directory.join(SECRET_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let text = fresh_secret(world);
            write_private(&path, text.as_bytes())?;
            text
        }
        Err(error) => return Err(error),
    };
    let broken = || io::Error::other(format!("{} holds no secret", path.display()));
    decoded_secret(&text).ok_or_else(broken)
}

/// Writes a file that only its owner may read; it is there as a whole or not at all.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    let unfinished = path.with_extension("unfinished");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemWorld;

    fn system(algorithm: TokenAlgorithm) -> System {
        let mut system = System::default();
        system.security.token.algorithm = algorithm;
        system
    }

    #[test]
    fn a_key_outlives_the_process_and_is_private() {
        let directory = tempfile::tempdir().expect("a directory");
        let settings = Settings::new(directory.path());
        let id = |keys: &Keys| {
            let system = system(TokenAlgorithm::Rs256);
            keys.current(&settings, &SystemWorld, &system).expect("a key").id.clone()
        };
        assert_eq!(id(&Keys::default()), id(&Keys::default()));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let path = directory.path().join(RSA_FILE);
            let mode = fs::metadata(path).expect("the file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_short_secret_from_the_environment_is_not_used() {
        let directory = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::new(directory.path());
        settings.variables.insert("JWT_SECRET".into(), "secret".into());
        let system = system(TokenAlgorithm::Hs256);
        assert!(secret_variable(&settings, &system).is_none());
        settings.variables.insert("JWT_SECRET".into(), "s".repeat(SECRET_BYTES_MIN));
        assert!(secret_variable(&settings, &system).is_some());
        let key = Keys::default();
        let key = key.current(&settings, &SystemWorld, &system).expect("a key");
        assert!(key.public.is_none(), "a shared secret has no public part");
    }
}
