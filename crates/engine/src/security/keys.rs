//! Keys that sign tokens: an RSA pair by default, a shared secret where the document says HS256.
//! Both are made at first use and kept in the data directory, readable by the owner alone.

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

/// Variables that may hold the shared secret, the most telling first.
const SECRET_VARIABLES: &[&str] =
    &["JWT_SECRET", "JWT_SECRET_KEY", "JWT_ACCESS_SECRET", "ACCESS_TOKEN_SECRET", "TOKEN_SECRET"];

/// A key that signs and verifies.
pub(super) struct SigningKey {
    /// Key id, as in the token's header.
    pub(super) id: String,
    /// The only algorithm it is used with.
    pub(super) algorithm: Algorithm,
    /// Signs.
    pub(super) encoding: EncodingKey,
    /// Verifies.
    pub(super) decoding: DecodingKey,
    /// The public part; a shared secret has none.
    pub(super) public: Option<serde_json::Value>,
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
    let (n, e) = (URL_SAFE_NO_PAD.encode(&modulus), URL_SAFE_NO_PAD.encode(&exponent));
    // The thumbprint of RFC 7638: members in alphabetical order, no white space.
    let thumbprint = Sha256::digest(format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
    let id = URL_SAFE_NO_PAD.encode(thumbprint);
    let public = json!({
        "kty": "RSA", "use": "sig", "alg": "RS256", "kid": id.as_str(), "n": n, "e": e,
    });
    Ok(SigningKey {
        id,
        algorithm: Algorithm::RS256,
        encoding: EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| broken())?,
        decoding: DecodingKey::from_rsa_raw_components(&modulus, &exponent),
        public: Some(public),
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
    // Only the start of a hash of the secret, under a prefix: enough to tell two secrets apart.
    let digest = Sha256::digest([b"vitruvius key id ", bytes.as_slice()].concat());
    let id = URL_SAFE_NO_PAD.encode(digest).chars().take(16).collect();
    Ok(SigningKey {
        id,
        algorithm: Algorithm::HS256,
        encoding: EncodingKey::from_secret(&bytes),
        decoding: DecodingKey::from_secret(&bytes),
        public: None,
    })
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
            let mut bytes = [0_u8; 64];
            world.fill_random(&mut bytes);
            let text = STANDARD.encode(bytes);
            write_private(&path, text.as_bytes())?;
            text
        }
        Err(error) => return Err(error),
    };
    match STANDARD.decode(text.trim()) {
        Ok(bytes) if bytes.len() >= SECRET_BYTES_MIN => Ok(bytes),
        _ => Err(io::Error::other(format!("{} holds no secret", path.display()))),
    }
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
