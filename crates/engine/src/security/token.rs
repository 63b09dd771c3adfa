//! Access tokens: signed, short-lived, bound to a session. What they say about rights is only for
//! clients to read; the engine asks the user's row.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken::{Header, Validation};
use serde::{Deserialize, Serialize};

use super::keys::{SigningKey, VerifyingKey};
use crate::sabotage::{self, Sabotage};

/// Clocks may differ by so many seconds.
pub(super) const SKEW_SECONDS: i64 = 30;

/// Longer tokens are not even looked at.
pub(super) const TOKEN_BYTES_MAX: usize = 4096;

/// What a token is for. One kind never passes for the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Audience {
    /// Sent in the `Authorization` header.
    Api,
    /// Sent as the console's cookie.
    Console,
}

impl Audience {
    /// As in the token's `aud`.
    pub(super) fn word(self) -> &'static str {
        match self {
            Audience::Api => "api",
            Audience::Console => "console",
        }
    }
}

/// What a token says. A token without any of these is no token of ours.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) aud: String,
    /// The user's key.
    pub(super) sub: String,
    /// The session.
    pub(super) sid: String,
    /// Tells two tokens of the same second apart.
    pub(super) jti: String,
    pub(super) iat: i64,
    pub(super) nbf: i64,
    pub(super) exp: i64,
    /// For clients to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) role: Option<String>,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Not ours, altered, for something else, or not valid yet.
    Invalid,
    /// It was ours once.
    Expired,
}

/// Signs a token.
pub(super) fn issue(
    key: &SigningKey,
    claims: &Claims,
) -> Result<String, jsonwebtoken::errors::Error> {
    let mut header = Header::new(key.algorithm);
    header.kid = Some(key.id.clone());
    jsonwebtoken::encode(&header, claims, &key.encoding)
}

/// Verifies a token: the signature with our one algorithm first, then every claim against `now`
/// (seconds since 1970).
pub(super) fn verify(
    key: &VerifyingKey,
    issuer: &str,
    audience: Audience,
    token: &str,
    now: i64,
) -> Result<Claims, Refusal> {
    if token.len() > TOKEN_BYTES_MAX || !is_signed_with(key, token) {
        return Err(Refusal::Invalid);
    }
    let mut validation = Validation::new(key.algorithm);
    // Time is checked below, against the world's clock and not the machine's.
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    let decoded = match sabotage::is(Sabotage::UnsignedTokenAccepted) {
        true => jsonwebtoken::dangerous::insecure_decode::<Claims>(token),
        false => jsonwebtoken::decode::<Claims>(token, &key.decoding, &validation),
    };
    let claims = decoded.map_err(|_| Refusal::Invalid)?.claims;
    let is_ours = claims.iss == issuer && claims.aud == audience.word();
    let is_early = claims.nbf > now.saturating_add(SKEW_SECONDS)
        || claims.iat > now.saturating_add(SKEW_SECONDS);
    if !is_ours || is_early || claims.sub.is_empty() || claims.sid.is_empty() {
        return Err(Refusal::Invalid);
    }
    let is_over = claims.exp.saturating_add(SKEW_SECONDS) <= now;
    if is_over && !sabotage::is(Sabotage::ExpiredTokenAccepted) {
        return Err(Refusal::Expired);
    }
    Ok(claims)
}

/// What matters of a token's header.
#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood: we understand none.
    crit: Option<serde_json::Value>,
}

fn head(token: &str) -> Option<Head> {
    let bytes = URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The key that a token says it was signed with, to find it among those that are ours.
pub(super) fn key_id(token: &str) -> Option<String> {
    if token.len() > TOKEN_BYTES_MAX {
        return None;
    }
    head(token)?.kid
}

/// True where the header names our key and its one algorithm. The header never chooses.
fn is_signed_with(key: &VerifyingKey, token: &str) -> bool {
    let Some(head) = head(token) else { return false };
    head.alg == format!("{:?}", key.algorithm)
        && head.crit.is_none()
        && head.kid.is_some_and(|id| id == key.id)
}

#[cfg(test)]
mod tests;
