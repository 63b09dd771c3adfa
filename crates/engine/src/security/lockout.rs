//! Failed sign-ins, counted by the name that was tried, whether or not anybody bears it: locked out
//! as the document says, else slowed down more and more.

use http::{HeaderValue, header::RETRY_AFTER};
use jiff::{SignedDuration, Timestamp};
use store::{Expression, Operator, Value};

use super::{
    rows::{self, before, equal, moment, read_moment, text},
    secret,
    tables::{FAILURES, MOMENT, NUMBER},
};
use crate::{
    Problem, Running,
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    service::Inner,
};

/// Failures that are forgiven where the document says nothing.
const FREE_FAILURES: i64 = 5;

/// Longest delay where the document says nothing, in seconds.
const DELAY_SECONDS_MAX: i64 = 60;

/// Failures are forgotten after so many seconds without another one.
const FORGOTTEN_SECONDS: i64 = 15 * 60;

/// A name's failures.
pub(super) struct Failures {
    hash: String,
    count: i64,
}

impl Failures {
    /// What is known of a name.
    ///
    /// # Errors
    /// 429 while the name is locked or slowed down, for right and wrong passwords alike.
    pub(super) async fn of(inner: &Inner, running: &Running, name: &str) -> Result<Self, Problem> {
        let now = inner.world.now();
        let hash = secret::hashed(name);
        let columns = [("failures", NUMBER), ("updated_at", MOMENT), ("locked_until", MOMENT)];
        let condition = equal("login_hash", text(hash.as_str()));
        let outputs = rows::outputs(columns);
        let found = rows::read(&inner.store, FAILURES, outputs, condition, 1).await;
        let Some(row) = found.map_err(rows::problem)?.pop() else {
            return Ok(Self { hash, count: 0 });
        };
        if let Some(until) = read_moment(row.get("locked_until")).filter(|until| *until > now) {
            return Err(locked(seconds_until(now, until)));
        }
        let since = read_moment(row.get("updated_at")).unwrap_or(now);
        let is_forgotten = seconds_until(since, now) > forgotten_seconds(running);
        let was_locked = running.compiled.system.security.lockout.is_some()
            && row.get("locked_until").is_some_and(|until| !until.is_null());
        let count = row.get("failures").and_then(serde_json::Value::as_i64).unwrap_or(0);
        Ok(Self { hash, count: if is_forgotten || was_locked { 0 } else { count } })
    }

    /// One more.
    pub(super) async fn add(self, inner: &Inner, running: &Running) -> Result<(), Problem> {
        let now = inner.world.now();
        let count = self.count.saturating_add(1);
        let locked = locked_seconds(running, count).map_or(Value::Null, |seconds| {
            let until = now.saturating_add(SignedDuration::from_secs(seconds));
            moment(until.unwrap_or(Timestamp::MAX))
        });
        let old = now.saturating_sub(SignedDuration::from_secs(2 * forgotten_seconds(running)));
        let own = equal("login_hash", text(self.hash.as_str()));
        let is_over = before("updated_at", old.unwrap_or(Timestamp::MIN))
            .and(rows::is_null("locked_until").or(before("locked_until", now)));
        let steps = vec![
            rows::delete(FAILURES, is_over),
            rows::delete(FAILURES, own),
            rows::insert(
                FAILURES,
                vec![
                    ("login_hash", text(self.hash)),
                    ("failures", Value::Integer(count)),
                    ("updated_at", moment(now)),
                    ("locked_until", locked),
                ],
            ),
        ];
        inner.store.write(steps).await.map(|_| ()).map_err(rows::problem)
    }

    /// A right password forgives all.
    pub(super) async fn clear(self, inner: &Inner) -> Result<(), Problem> {
        if self.count == 0 {
            return Ok(());
        }
        let own = equal("login_hash", text(self.hash));
        let counted =
            Expression::column("failures").binary(Operator::Greater, Value::Integer(0).into());
        let step = rows::delete(FAILURES, own.and(counted));
        inner.store.write(vec![step]).await.map(|_| ()).map_err(rows::problem)
    }
}

/// How long a name is locked after so many failures; none while it is not.
fn locked_seconds(running: &Running, count: i64) -> Option<i64> {
    if sabotage::is(Sabotage::LockoutForgotten) {
        return None;
    }
    let count = count - i64::from(sabotage::is(Sabotage::LockoutOffByOne));
    match &running.compiled.system.security.lockout {
        Some(lockout) => (count >= i64::from(lockout.attempts_max.max(1)))
            .then(|| i64::try_from(lockout.seconds).unwrap_or(i64::MAX)),
        None => {
            let beyond = u32::try_from(count - FREE_FAILURES).ok()?;
            Some(2_i64.saturating_pow(beyond).min(DELAY_SECONDS_MAX))
        }
    }
}

fn forgotten_seconds(running: &Running) -> i64 {
    let lockout = running.compiled.system.security.lockout.as_ref();
    lockout.map_or(FORGOTTEN_SECONDS, |lockout| {
        i64::try_from(lockout.seconds).unwrap_or(i64::MAX).clamp(1, 366 * 86_400)
    })
}

fn seconds_until(from: Timestamp, until: Timestamp) -> i64 {
    // Rounded up, so that whoever waits so long does not come too early.
    let micros = until.as_microsecond().saturating_sub(from.as_microsecond());
    micros.saturating_add(999_999).div_euclid(1_000_000)
}

fn locked(seconds: i64) -> Problem {
    let message = "too many failed sign-ins with this name; try again later";
    Problem::new(ProblemCode::AccountLocked, message)
        .header(RETRY_AFTER, HeaderValue::from(seconds.max(1)))
}
