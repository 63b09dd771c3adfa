//! Where a database is and how it is reached: the URL, TLS, and what every connection is told
//! before its first statement.

use std::{path::Path, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error as TlsError, RootCertStore, SignatureScheme,
    client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    crypto::{CryptoProvider, aws_lc_rs},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::{sync::mpsc, task::JoinHandle};
use tokio_postgres::{Client, Config, NoTls, config::Host, config::SslMode};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::notice::heard;
use crate::{StoreError, notice::Heard};

/// How long a connection may take to be made where the URL does not say.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long a server may take to confirm what was sent to it.
const SILENCE_MAX: Duration = Duration::from_secs(15);

/// A database that can be connected to.
pub(super) struct Address {
    config: Config,
    tls: Option<MakeRustlsConnect>,
    /// Host, port and database, for messages; never the password.
    pub(super) place: String,
}

/// How certain the server's identity must be.
#[derive(PartialEq, Eq)]
enum Trust {
    /// Encrypted, whoever it is: what `require` and `prefer` mean to PostgreSQL's own tools.
    Anybody,
    /// Its certificate must be signed by somebody trusted, for the host's name.
    Verified,
}

impl Address {
    /// Reads `postgres://user:password@host:port/database?sslmode=require`. Beside the parameters
    /// of `tokio-postgres` it takes `sslmode=verify-full` and `sslrootcert=FILE`.
    pub(super) fn parse(url: &str) -> Result<Self, StoreError> {
        let (url, mode, root) = without_tls_parameters(url);
        // The parser's own message may repeat the password.
        let mut config: Config = url.parse().map_err(|_| {
            unavailable("the database's URL is not understood: postgres://user@host:5432/database")
        })?;
        let trust = match mode.as_deref() {
            Some("verify-full" | "verify-ca") => Trust::Verified,
            _ if root.is_some() => Trust::Verified,
            _ => Trust::Anybody,
        };
        match mode.as_deref() {
            Some("disable") => config.ssl_mode(SslMode::Disable),
            Some("require" | "verify-full" | "verify-ca") => config.ssl_mode(SslMode::Require),
            Some("prefer" | "allow") | None => config.ssl_mode(SslMode::Prefer),
            Some(other) => return Err(unavailable(&format!("sslmode `{other}` is not known"))),
        };
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_MAX);
        }
        if config.get_application_name().is_none() {
            config.application_name("vitruvius");
        }
        // A machine that vanishes without a word is noticed too.
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(SILENCE_MAX).keepalives_idle(SILENCE_MAX);
        }
        let place = place_of(&config);
        let is_remote = config.get_hosts().iter().any(|host| matches!(host, Host::Tcp(_)));
        let tls = match config.get_ssl_mode() {
            SslMode::Disable => None,
            _ if !is_remote => None,
            _ => Some(tls(trust, root.as_deref())?),
        };
        Ok(Self { config, tls, place })
    }

    pub(super) fn config(&self) -> &Config {
        &self.config
    }

    /// Makes a connection; the task moves its bytes and ends with it.
    pub(super) async fn connect(&self) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                Ok((client, tokio::spawn(moved(connection))))
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                Ok((client, tokio::spawn(moved(connection))))
            }
        }
    }

    /// Makes a connection whose notices are handed on.
    pub(super) async fn connect_listening(
        &self,
        sender: mpsc::Sender<Heard>,
    ) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
        match &self.tls {
            Some(tls) => {
                let (client, connection) = self.config.connect(tls.clone()).await?;
                Ok((client, tokio::spawn(heard(connection, sender))))
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await?;
                Ok((client, tokio::spawn(heard(connection, sender))))
            }
        }
    }
}

/// Why a connection ends is told to whoever waits for an answer on it.
async fn moved(connection: impl Future<Output = Result<(), tokio_postgres::Error>>) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection to the database ended");
    }
}

fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}

/// The URL without what only we understand, `sslmode`, and the file of `sslrootcert`.
fn without_tls_parameters(url: &str) -> (String, Option<String>, Option<String>) {
    let (mut mode, mut root) = (None, None);
    let Some((address, query)) = url.split_once('?') else {
        return (url.to_owned(), None, None);
    };
    let kept: Vec<&str> = query
        .split('&')
        .filter(|parameter| match parameter.split_once('=') {
            Some(("sslmode", value)) => {
                mode = Some(value.to_owned());
                false
            }
            Some(("sslrootcert", value)) => {
                root = Some(value.to_owned());
                false
            }
            _ => true,
        })
        .collect();
    let url = match kept.as_slice() {
        [] => address.to_owned(),
        kept => format!("{address}?{}", kept.join("&")),
    };
    (url, mode, root)
}

fn place_of(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let database = config.get_dbname().or(config.get_user()).unwrap_or("postgres");
    format!("{host}:{port}/{database}")
}

fn tls(trust: Trust, root: Option<&str>) -> Result<MakeRustlsConnect, StoreError> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|error| unavailable(&error.to_string()))?;
    let config = match trust {
        Trust::Anybody => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Encrypted(provider)))
            .with_no_client_auth(),
        Trust::Verified => builder.with_root_certificates(roots(root)?).with_no_client_auth(),
    };
    Ok(MakeRustlsConnect::new(config))
}

fn roots(file: Option<&str>) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    match file {
        Some(file) => {
            let fault = |error: &dyn std::fmt::Display| unavailable(&format!("{file}: {error}"));
            let certificates =
                CertificateDer::pem_file_iter(Path::new(file)).map_err(|error| fault(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| fault(&error))?;
                roots.add(certificate).map_err(|error| fault(&error))?;
            }
        }
        None => {
            let found = rustls_native_certs::load_native_certs();
            roots.add_parsable_certificates(found.certs);
        }
    }
    Ok(roots)
}

/// Takes any certificate, and checks only that the server has its key.
#[derive(Debug)]
struct Encrypted(Arc<CryptoProvider>);

impl ServerCertVerifier for Encrypted {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, TlsError> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, TlsError> {
        let known = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn a_password_is_in_no_message() {
        let address =
            Address::parse("postgres://me:secret@db.example.org:6432/shop?sslmode=require");
        assert_eq!(address.map(|it| it.place).ok().as_deref(), Some("db.example.org:6432/shop"));
        let error =
            Address::parse("postgres://me:secret@db:port/shop").err().map(|it| it.to_string());
        assert!(error.is_some_and(|error| !error.contains("secret")));
    }
}
