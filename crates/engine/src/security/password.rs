//! Passwords: hashed as the document says, off the workers that answer requests, and never more at
//! once than there are cores.

use std::{borrow::Cow, sync::Arc, time::Duration};

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::PasswordHash,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use document::security::{PasswordAlgorithm, PasswordHashing};
use http::{HeaderValue, header::RETRY_AFTER};
use sha2::{Digest as _, Sha384};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::{
    Problem,
    problem::ProblemCode,
    sabotage::{self, Sabotage},
};

/// Requests that may wait for their turn at hashing.
const HASHES_WAITING_MAX: usize = 256;

/// Longest wait for a turn at hashing, in milliseconds.
const HASH_WAIT_MS_MAX: u64 = 5_000;

/// bcrypt reads no further; what is longer would be cut silently.
const BCRYPT_BYTES_MAX: usize = 72;

/// Longest password, in characters. With bcrypt no byte of a plain one is beyond what it reads.
const CHARACTERS_MAX_BCRYPT: usize = 72;
const CHARACTERS_MAX_ARGON2: usize = 256;

/// Cost of argon2id as OWASP recommends it: 19 MiB, two passes, one lane.
const ARGON2_KIBIBYTES: u32 = 19 * 1024;
const ARGON2_PASSES: u32 = 2;

/// The costs that bcrypt knows and that still end within a request.
const BCRYPT_COSTS: std::ops::RangeInclusive<u32> = 4..=16;

/// Turns at hashing.
pub(super) struct Hashing {
    /// One turn for each core.
    turns: Arc<Semaphore>,
    /// One place for each request in the queue or at work.
    places: Arc<Semaphore>,
}

impl Default for Hashing {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            turns: Arc::new(Semaphore::new(cores)),
            places: Arc::new(Semaphore::new(cores + HASHES_WAITING_MAX)),
        }
    }
}

impl Hashing {
    /// The hash of a new password.
    ///
    /// # Errors
    /// 400 where the password is too short or too long, 503 where too many wait.
    pub(super) async fn hash(
        &self,
        settings: &PasswordHashing,
        password: &str,
    ) -> Result<String, Problem> {
        check_length(settings, password)?;
        let (settings, password) = (settings.clone(), password.to_owned());
        self.run(move || hashed(&settings, &password)).await?.map_err(|reason| {
            tracing::error!(reason, "a password could not be hashed");
            Problem::new(ProblemCode::Fault, "the password could not be kept")
        })
    }

    /// True where the password belongs to the hash. Without a hash the same work is done for
    /// nothing, so that the time tells nobody whether the user exists.
    ///
    /// # Errors
    /// 503 where too many wait.
    pub(super) async fn verify(
        &self,
        settings: &PasswordHashing,
        password: &str,
        hash: Option<&str>,
    ) -> Result<bool, Problem> {
        let settings = settings.clone();
        let password = password.to_owned();
        let hash = hash.filter(|hash| is_hash(hash)).map(str::to_owned);
        self.run(move || match hash {
            Some(hash) => verified(&password, &hash),
            None => {
                let _ = hashed(&settings, "the password of nobody");
                false
            }
        })
        .await
    }

    /// Runs `work` on a thread that may block, when its turn comes.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let Ok(place) = self.places.clone().try_acquire_owned() else { return Err(busy()) };
        let wait = Duration::from_millis(HASH_WAIT_MS_MAX);
        let Ok(Ok(turn)) = tokio::time::timeout(wait, self.turns.clone().acquire_owned()).await
        else {
            return Err(busy());
        };
        // The turn travels with the work: a caller that goes away does not free it early.
        let kept: (OwnedSemaphorePermit, OwnedSemaphorePermit) = (place, turn);
        tokio::task::spawn_blocking(move || {
            let result = work();
            drop(kept);
            result
        })
        .await
        .map_err(|_| Problem::new(ProblemCode::Fault, "the password could not be looked at"))
    }
}

fn busy() -> Problem {
    Problem::new(ProblemCode::Unavailable, "too many sign-ins at once; try again in a moment")
        .header(RETRY_AFTER, HeaderValue::from_static("5"))
}

/// Refuses what is too short, or longer than the algorithm reads.
pub(super) fn check_length(settings: &PasswordHashing, password: &str) -> Result<(), Problem> {
    let characters = password.chars().count();
    let (shortest, longest) = length(settings);
    let is_short = characters < shortest && !sabotage::is(Sabotage::PasswordLengthForgotten);
    let message = if is_short {
        format!("must have at least {shortest} characters")
    } else if characters > longest {
        format!("must have at most {longest} characters")
    } else if password.contains('\0') {
        "must not contain the character U+0000".to_owned()
    } else {
        return Ok(());
    };
    Err(Problem::new(ProblemCode::ValidationError, "the password does not fit")
        .detail("password", message))
}

/// Characters of a new password at least and at most.
pub(super) fn length(settings: &PasswordHashing) -> (usize, usize) {
    let shortest = usize::try_from(settings.length_min).unwrap_or(usize::MAX).max(1);
    let longest = match settings.algorithm {
        PasswordAlgorithm::Bcrypt => CHARACTERS_MAX_BCRYPT,
        PasswordAlgorithm::Argon2id => CHARACTERS_MAX_ARGON2,
    };
    (shortest, longest)
}

/// What bcrypt is given. Characters of other scripts take up to four bytes: a password that bcrypt
/// would cut for that stands for itself by its digest, so that every character counts.
fn for_bcrypt(password: &str) -> Cow<'_, str> {
    match password.len() > BCRYPT_BYTES_MAX {
        true => {
            // The words before it keep a digest from elsewhere from being a password here.
            let digest = Sha384::new_with_prefix("vitruvius: a long password\0");
            Cow::Owned(STANDARD_NO_PAD.encode(digest.chain_update(password).finalize()))
        }
        false => Cow::Borrowed(password),
    }
}

fn hashed(settings: &PasswordHashing, password: &str) -> Result<String, String> {
    match settings.algorithm {
        PasswordAlgorithm::Bcrypt => {
            let cost = bcrypt_cost(settings);
            let password = &*for_bcrypt(password);
            // At exactly 72 bytes nothing of the password is cut, only C's closing zero.
            let hash = if password.len() == BCRYPT_BYTES_MAX {
                bcrypt::hash(password, cost)
            } else {
                bcrypt::non_truncating_hash(password, cost)
            };
            hash.map_err(|error| error.to_string())
        }
        PasswordAlgorithm::Argon2id => argon2()?
            .hash_password(password.as_bytes())
            .map(|hash| hash.to_string())
            .map_err(|error| error.to_string()),
    }
}

fn verified(password: &str, hash: &str) -> bool {
    if hash.starts_with("$argon2") {
        return PasswordHash::new(hash).is_ok_and(|hash| {
            Argon2::default().verify_password(password.as_bytes(), &hash).is_ok()
        });
    }
    bcrypt::verify(&*for_bcrypt(password), hash).unwrap_or(false)
}

fn argon2() -> Result<Argon2<'static>, String> {
    let params =
        Params::new(ARGON2_KIBIBYTES, ARGON2_PASSES, 1, None).map_err(|error| error.to_string())?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn bcrypt_cost(settings: &PasswordHashing) -> u32 {
    let cost = if sabotage::is(Sabotage::HashCostLowered) { 4 } else { settings.cost };
    cost.clamp(*BCRYPT_COSTS.start(), *BCRYPT_COSTS.end())
}

fn is_hash(text: &str) -> bool {
    ["$2a$", "$2b$", "$2x$", "$2y$", "$argon2"].iter().any(|prefix| text.starts_with(prefix))
}

/// True where a hash was made in another way than the document says now.
pub(super) fn is_outdated(settings: &PasswordHashing, hash: &str) -> bool {
    match settings.algorithm {
        PasswordAlgorithm::Bcrypt => {
            let cost = hash.split('$').nth(2).and_then(|cost| cost.parse::<u32>().ok());
            !hash.starts_with("$2") || cost != Some(bcrypt_cost(settings))
        }
        PasswordAlgorithm::Argon2id => {
            let written = format!("m={ARGON2_KIBIBYTES},t={ARGON2_PASSES},p=1");
            !hash.starts_with("$argon2id$") || hash.split('$').nth(3) != Some(written.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(algorithm: PasswordAlgorithm) -> PasswordHashing {
        PasswordHashing { algorithm, cost: 4, length_min: 8, span: None }
    }

    #[tokio::test]
    async fn a_password_fits_its_own_hash_only() {
        for algorithm in [PasswordAlgorithm::Bcrypt, PasswordAlgorithm::Argon2id] {
            let (hashing, settings) = (Hashing::default(), settings(algorithm));
            let hash = hashing.hash(&settings, "correct horse").await.expect("a hash");
            assert!(!hash.contains("correct horse"));
            let verify = |password| hashing.verify(&settings, password, Some(&hash));
            assert!(verify("correct horse").await.expect("an answer"));
            assert!(!verify("correct horsf").await.expect("an answer"));
            assert!(!verify("").await.expect("an answer"));
            assert!(!is_outdated(&settings, &hash));
            let other = PasswordHashing { cost: 5, ..settings.clone() };
            assert_eq!(is_outdated(&other, &hash), algorithm == PasswordAlgorithm::Bcrypt);
        }
    }

    #[tokio::test]
    async fn what_bcrypt_would_cut_is_refused() {
        let (hashing, settings) = (Hashing::default(), settings(PasswordAlgorithm::Bcrypt));
        let longest = "x".repeat(BCRYPT_BYTES_MAX);
        let hash = hashing.hash(&settings, &longest).await.expect("a hash");
        let longer = format!("{longest}y");
        assert!(hashing.hash(&settings, &longer).await.is_err());
        assert!(!hashing.verify(&settings, &longer, Some(&hash)).await.expect("an answer"));
        assert!(hashing.verify(&settings, &longest, Some(&hash)).await.expect("an answer"));
    }

    #[tokio::test]
    async fn every_character_counts_also_where_one_takes_four_bytes() {
        let (hashing, settings) = (Hashing::default(), settings(PasswordAlgorithm::Bcrypt));
        let longest = "🏛".repeat(CHARACTERS_MAX_BCRYPT);
        let hash = hashing.hash(&settings, &longest).await.expect("a hash");
        assert!(hashing.verify(&settings, &longest, Some(&hash)).await.expect("an answer"));
        let other = format!("{}🏠", "🏛".repeat(CHARACTERS_MAX_BCRYPT - 1));
        assert!(!hashing.verify(&settings, &other, Some(&hash)).await.expect("an answer"));
        assert!(hashing.hash(&settings, &format!("{longest}🏛")).await.is_err());
    }

    #[tokio::test]
    async fn nobody_has_a_password() {
        let (hashing, settings) = (Hashing::default(), settings(PasswordAlgorithm::Bcrypt));
        for hash in [None, Some(""), Some("the password of nobody"), Some("$2b$")] {
            let verified = hashing.verify(&settings, "the password of nobody", hash).await;
            assert!(!verified.expect("an answer"), "{hash:?}");
        }
    }

    #[tokio::test]
    async fn too_many_at_once_are_turned_away() {
        let hashing =
            Hashing { turns: Arc::new(Semaphore::new(1)), places: Arc::new(Semaphore::new(0)) };
        let settings = settings(PasswordAlgorithm::Bcrypt);
        let problem = hashing.hash(&settings, "correct horse").await.expect_err("no place");
        assert_eq!(problem.code, ProblemCode::Unavailable);
    }
}
