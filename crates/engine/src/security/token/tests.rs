//! Tokens that must not pass: each known way to forge, stretch or misuse one.

use std::sync::LazyLock;

use document::{System, security::TokenAlgorithm};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{Settings, SystemWorld, security::keys::Keys};

const NOW: i64 = 1_800_000_000;

static KEYS: LazyLock<(tempfile::TempDir, Keys)> =
    LazyLock::new(|| (tempfile::tempdir().expect("a directory"), Keys::default()));

fn key(algorithm: TokenAlgorithm) -> &'static SigningKey {
    let mut system = System::default();
    system.security.token.algorithm = algorithm;
    let (directory, keys) = &*KEYS;
    keys.current(&Settings::new(directory.path()), &SystemWorld, &system).expect("a key")
}

fn claims() -> Value {
    json!({
        "iss": "vitruvius", "aud": "api", "sub": "7", "sid": "s", "jti": "j",
        "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
    })
}

/// Signs any claims with any header.
fn signed(key: &SigningKey, header: &Header, claims: &Value) -> String {
    jsonwebtoken::encode(header, claims, &key.encoding).expect("a token")
}

fn header(key: &SigningKey) -> Header {
    Header { kid: Some(key.id.clone()), ..Header::new(key.algorithm) }
}

#[track_caller]
fn check(change: impl Fn(&mut Value), expected: Result<(), Refusal>) {
    for algorithm in [TokenAlgorithm::Rs256, TokenAlgorithm::Hs256] {
        let key = key(algorithm);
        let mut claims = claims();
        change(&mut claims);
        let token = signed(key, &header(key), &claims);
        let found = verify(key, "vitruvius", Audience::Api, &token, NOW).map(|_| ());
        assert_eq!(found, expected, "{algorithm:?}: {claims}");
    }
}

fn without(member: &'static str) -> impl Fn(&mut Value) {
    move |claims| {
        claims.as_object_mut().expect("an object").remove(member);
    }
}

#[test]
fn a_token_of_ours_is_accepted() {
    check(|_| (), Ok(()));
}

#[test]
fn an_expired_token_is_refused() {
    check(|claims| claims["exp"] = json!(NOW - SKEW_SECONDS), Err(Refusal::Expired));
    check(|claims| claims["exp"] = json!(NOW - SKEW_SECONDS + 1), Ok(()));
}

#[test]
fn a_token_that_is_not_valid_yet_is_refused() {
    check(|claims| claims["nbf"] = json!(NOW + SKEW_SECONDS + 1), Err(Refusal::Invalid));
    check(|claims| claims["iat"] = json!(NOW + SKEW_SECONDS + 1), Err(Refusal::Invalid));
    check(|claims| claims["nbf"] = json!(i64::MAX), Err(Refusal::Invalid));
}

#[test]
fn a_token_of_another_issuer_or_for_something_else_is_refused() {
    check(|claims| claims["iss"] = json!("somebody"), Err(Refusal::Invalid));
    check(|claims| claims["aud"] = json!("console"), Err(Refusal::Invalid));
    check(|claims| claims["aud"] = json!(["api", "console"]), Err(Refusal::Invalid));
}

#[test]
fn a_token_that_lacks_a_claim_is_refused() {
    for member in ["exp", "nbf", "iat", "iss", "aud", "sub", "sid", "jti"] {
        check(without(member), Err(Refusal::Invalid));
    }
    check(|claims| claims["exp"] = json!("tomorrow"), Err(Refusal::Invalid));
    check(|claims| claims["sub"] = json!(""), Err(Refusal::Invalid));
}

#[test]
fn a_token_whose_header_chooses_its_algorithm_is_refused() {
    let (rsa, secret) = (key(TokenAlgorithm::Rs256), key(TokenAlgorithm::Hs256));
    let refused = |token: &str| {
        assert!(verify(rsa, "vitruvius", Audience::Api, token, NOW).is_err(), "{token}");
    };
    // The public key used as a shared secret.
    let modulus = rsa.public.as_ref().expect("public")["n"].as_str().expect("n").to_owned();
    let confused = jsonwebtoken::EncodingKey::from_secret(modulus.as_bytes());
    let head = Header { kid: Some(rsa.id.clone()), ..Header::new(jsonwebtoken::Algorithm::HS256) };
    refused(&jsonwebtoken::encode(&head, &claims(), &confused).expect("a token"));
    // A genuine token of our other key.
    refused(&signed(secret, &header(secret), &claims()));
    // No signature at all, in the usual spellings.
    for algorithm in ["none", "None", "NONE", "nOnE", ""] {
        let head = URL_SAFE_NO_PAD
            .encode(json!({"alg": algorithm, "typ": "JWT", "kid": rsa.id}).to_string());
        let body = URL_SAFE_NO_PAD.encode(claims().to_string());
        refused(&format!("{head}.{body}."));
        refused(&format!("{head}.{body}"));
    }
}

#[test]
fn a_token_with_another_key_id_or_a_critical_extension_is_refused() {
    let key = key(TokenAlgorithm::Rs256);
    for kid in [None, Some("other".to_owned()), Some("../../etc/passwd".to_owned())] {
        let head = Header { kid, ..Header::new(key.algorithm) };
        let token = signed(key, &head, &claims());
        assert!(verify(key, "vitruvius", Audience::Api, &token, NOW).is_err());
    }
}

#[test]
fn an_altered_token_is_refused() {
    let key = key(TokenAlgorithm::Rs256);
    let token = signed(key, &header(key), &claims());
    let parts: Vec<&str> = token.split('.').collect();
    let mut other = claims();
    other["sub"] = json!("8");
    let body = URL_SAFE_NO_PAD.encode(other.to_string());
    let altered = format!("{}.{body}.{}", parts[0], parts[2]);
    assert!(verify(key, "vitruvius", Audience::Api, &altered, NOW).is_err());
}

#[test]
fn an_overlong_token_is_refused_unread() {
    let key = key(TokenAlgorithm::Hs256);
    let mut claims = claims();
    claims["jti"] = json!("j".repeat(TOKEN_BYTES_MAX));
    let token = signed(key, &header(key), &claims);
    assert!(verify(key, "vitruvius", Audience::Api, &token, NOW).is_err());
}

proptest! {
    #[test]
    fn arbitrary_text_is_no_token(text in "\\PC{0,200}") {
        let key = key(TokenAlgorithm::Rs256);
        prop_assert!(verify(key, "vitruvius", Audience::Api, &text, NOW).is_err());
    }

    #[test]
    fn arbitrary_parts_are_no_token(
        head in proptest::collection::vec(any::<u8>(), 0..60),
        body in proptest::collection::vec(any::<u8>(), 0..60),
        signature in proptest::collection::vec(any::<u8>(), 0..60),
    ) {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let text = format!("{}.{}.{}", encode(&head), encode(&body), encode(&signature));
        let key = key(TokenAlgorithm::Rs256);
        prop_assert!(verify(key, "vitruvius", Audience::Api, &text, NOW).is_err());
    }
}
