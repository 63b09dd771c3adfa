//! Secrets that are handed out once and kept as hashes: refresh tokens and one-time links.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};

use crate::World;

/// Bytes of a secret: nobody guesses 256 bits.
const SECRET_BYTES: usize = 32;

/// A new secret as text that fits a link or a JSON string.
pub(super) fn fresh(world: &dyn World) -> String {
    let mut bytes = [0_u8; SECRET_BYTES];
    world.fill_random(&mut bytes);
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What is kept of a secret. Plain SHA-256 suffices, since a secret has 256 random bits.
pub(super) fn hashed(secret: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(secret.as_bytes()))
}

/// Compares without telling by its time where two texts differ.
pub(super) fn same(left: &str, right: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(left.as_bytes(), right.as_bytes()).is_ok()
}
