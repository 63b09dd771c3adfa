//! Sessions: opened by a sign-in, carried on by refresh tokens that work once, ended for good by
//! sign-out, a new password, or a refresh token that turns up a second time.

use jiff::{SignedDuration, Timestamp};
use store::{Expression, Kind, Operator, StoreError, Value, query::Step};
use uuid::Uuid;

use super::{
    accounts::Account,
    keys::SigningKey,
    rows::{self, after, before, equal, is_null, moment, text},
    secret,
    tables::{REFRESH_TOKENS, SESSIONS, TEXT},
    token::{self, Audience, Claims},
};
use crate::{
    Problem, Running,
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    service::Inner,
};

/// Life of a console session, in seconds.
const CONSOLE_SECONDS: u64 = 12 * 60 * 60;

/// What a sign-in hands out.
pub(super) struct Opened {
    /// The access token.
    pub(super) access: String,
    /// Its life in seconds.
    pub(super) access_seconds: u64,
    /// The refresh token; the console has none.
    pub(super) refresh: Option<String>,
}

/// Opens a session for a user who has proved who they are.
pub(super) async fn open(
    inner: &Inner,
    running: &Running,
    account: &Account,
    audience: Audience,
) -> Result<Opened, Problem> {
    let settings = &running.compiled.system.security.token;
    let now = inner.world.now();
    let session = inner.world.uuid();
    let life = match audience {
        Audience::Api => settings.refresh_seconds.max(settings.access_seconds),
        Audience::Console => CONSOLE_SECONDS,
    };
    let mut steps = vec![
        // What has been over for a day is of use to nobody.
        rows::delete(SESSIONS, before("expires_at", later(now, -86_400))),
        rows::insert(
            SESSIONS,
            vec![
                ("id", Value::Uuid(session)),
                ("user_id", account.user.id.clone()),
                ("audience", text(audience.word())),
                ("created_at", moment(now)),
                ("expires_at", moment(later(now, seconds(life)))),
            ],
        ),
    ];
    let refresh = (audience == Audience::Api).then(|| secret::fresh(&*inner.world));
    if let Some(refresh) = &refresh {
        steps.push(keep_refresh(refresh, session, now, settings.refresh_seconds));
    }
    inner.store.write(steps).await.map_err(rows::problem)?;
    let access_seconds = match audience {
        Audience::Api => settings.access_seconds,
        Audience::Console => CONSOLE_SECONDS,
    };
    let access = sign(inner, running, account, session, audience, access_seconds)?;
    Ok(Opened { access, access_seconds, refresh })
}

fn keep_refresh(refresh: &str, session: Uuid, now: Timestamp, life: u64) -> Step {
    rows::insert(
        REFRESH_TOKENS,
        vec![
            ("hash", text(secret::hashed(refresh))),
            ("session_id", Value::Uuid(session)),
            ("issued_at", moment(now)),
            ("expires_at", moment(later(now, seconds(life)))),
        ],
    )
}

/// Issuer in tokens: the public address, where the operator gave one.
pub(super) fn issuer(inner: &Inner) -> &str {
    inner.settings.public_url.as_deref().unwrap_or("vitruvius")
}

/// The key that signs and verifies for this version of the document.
pub(super) fn key<'a>(inner: &'a Inner, running: &Running) -> Result<&'a SigningKey, Problem> {
    let system = &running.compiled.system;
    inner.security.keys.current(&inner.settings, &*inner.world, system).map_err(no_key)
}

/// Why a key is not there is for the log.
#[allow(clippy::needless_pass_by_value, reason = "taken by `map_err`")]
pub(super) fn no_key(error: std::io::Error) -> Problem {
    tracing::error!(%error, "the key for tokens is not available");
    Problem::new(ProblemCode::Fault, "something went wrong here")
}

fn sign(
    inner: &Inner,
    running: &Running,
    account: &Account,
    session: Uuid,
    audience: Audience,
    life: u64,
) -> Result<String, Problem> {
    let now = inner.world.now().as_second();
    let claims = Claims {
        iss: issuer(inner).to_owned(),
        aud: audience.word().to_owned(),
        sub: account.user.subject.clone(),
        sid: session.to_string(),
        jti: inner.world.uuid().to_string(),
        iat: now,
        nbf: now,
        exp: now.saturating_add(seconds(life) * longer()),
        role: account.user.roles.first().cloned(),
    };
    token::issue(key(inner, running)?, &claims).map_err(|error| {
        tracing::error!(%error, "a token could not be signed");
        Problem::new(ProblemCode::Fault, "something went wrong here")
    })
}

/// True while the session has neither ended nor run out.
pub(super) async fn is_alive(
    inner: &Inner,
    session: &str,
    user: &Value,
    audience: Audience,
) -> Result<bool, StoreError> {
    let Ok(session) = Uuid::try_parse(session) else { return Ok(false) };
    let condition = equal("id", Value::Uuid(session))
        .and(equal("user_id", user.clone()))
        .and(equal("audience", text(audience.word())))
        .and(is_null("revoked_at"))
        .and(after("expires_at", inner.world.now()));
    let outputs = rows::outputs([("audience", TEXT)]);
    Ok(!rows::read(&inner.store, SESSIONS, outputs, condition, 1).await?.is_empty())
}

/// Who holds a refresh token, by key and session, whether or not it still works.
async fn holder(inner: &Inner, hash: &str) -> Result<Option<Uuid>, Problem> {
    let outputs = rows::outputs([("session_id", Kind::Uuid)]);
    let condition = equal("hash", text(hash));
    let found = rows::read(&inner.store, REFRESH_TOKENS, outputs, condition, 1).await;
    let found = found.map_err(rows::problem)?;
    let id = found.first().and_then(|row| row.get("session_id")?.as_str());
    Ok(id.and_then(|id| Uuid::try_parse(id).ok()))
}

/// Trades a refresh token for new tokens. It works once: whoever brings it again, thief or victim,
/// ends the whole session.
pub(super) async fn rotate(
    inner: &Inner,
    running: &Running,
    refresh: &str,
) -> Result<(Account, Opened), Problem> {
    let settings = &running.compiled.system.security.token;
    let now = inner.world.now();
    let hash = secret::hashed(refresh);
    let Some(session) = holder(inner, &hash).await? else { return Err(not_usable()) };
    let account = user_of(inner, running, session).await?;
    let Some(account) = account else { return Err(not_usable()) };
    if sabotage::is(Sabotage::RefreshNotRotated) {
        let access_seconds = settings.access_seconds;
        let access = sign(inner, running, &account, session, Audience::Api, access_seconds)?;
        let refresh = Some(refresh.to_owned());
        return Ok((account, Opened { access, access_seconds, refresh }));
    }
    let fresh = secret::fresh(&*inner.world);
    let is_usable = equal("hash", text(hash.as_str())).and(after("expires_at", now));
    let is_open =
        equal("id", Value::Uuid(session)).and(is_null("revoked_at")).and(after("expires_at", now));
    let require = |table: &str, condition, refusal| Step::Require {
        table: table.into(),
        condition,
        exists: true,
        refusal,
    };
    let life = later(now, seconds(settings.refresh_seconds.max(settings.access_seconds)));
    let is_fresh = match sabotage::is(Sabotage::RefreshReused) {
        true => is_usable.clone(),
        false => is_usable.clone().and(is_null("rotated_at")),
    };
    let steps = vec![
        require(SESSIONS, is_open.clone(), ENDED),
        require(REFRESH_TOKENS, is_usable.clone(), ENDED),
        require(REFRESH_TOKENS, is_fresh, REUSED),
        rows::update(REFRESH_TOKENS, vec![("rotated_at", moment(now).into())], is_usable),
        rows::update(SESSIONS, vec![("expires_at", moment(life).into())], is_open),
        keep_refresh(&fresh, session, now, settings.refresh_seconds),
    ];
    match inner.store.write(steps).await {
        Ok(_) => {}
        Err(StoreError::Refused { .. }) if sabotage::is(Sabotage::ReuseForgiven) => {
            return Err(not_usable());
        }
        Err(StoreError::Refused { refusal: REUSED }) => {
            tracing::warn!(session = %session, "a refresh token was used twice; its session ends");
            end(inner, &account.user.subject, equal("id", Value::Uuid(session))).await?;
            return Err(not_usable());
        }
        Err(StoreError::Refused { .. }) => return Err(not_usable()),
        Err(error) => return Err(rows::problem(error)),
    }
    let access_seconds = settings.access_seconds;
    let access = sign(inner, running, &account, session, Audience::Api, access_seconds)?;
    Ok((account, Opened { access, access_seconds, refresh: Some(fresh) }))
}

/// The session has ended or run out.
const ENDED: u32 = 1;
/// The refresh token has been used before.
const REUSED: u32 = 2;

/// One answer for every way in which a refresh token does not work.
fn not_usable() -> Problem {
    Problem::new(ProblemCode::Unauthenticated, "the refresh token is not valid")
}

/// The user of a session, where they may still be served.
async fn user_of(
    inner: &Inner,
    running: &Running,
    session: Uuid,
) -> Result<Option<Account>, Problem> {
    let accounts = super::accounts::Accounts::of(&running.compiled.system);
    let outputs = rows::outputs([("user_id", accounts.key_kind.clone())]);
    let condition = equal("id", Value::Uuid(session));
    let found = rows::read(&inner.store, SESSIONS, outputs, condition, 1).await;
    let found = found.map_err(rows::problem)?;
    let subject = match found.first().and_then(|row| row.get("user_id")) {
        Some(serde_json::Value::String(text)) => text.clone(),
        Some(serde_json::Value::Number(number)) => number.to_string(),
        _ => return Ok(None),
    };
    let account = accounts.by_subject(&inner.store, &subject).await.map_err(rows::problem)?;
    Ok(account.filter(|account| account.is_active))
}

/// Ends sessions of one user at once: in the store, and for every token that is still cached.
pub(super) async fn end(
    inner: &Inner,
    subject: &str,
    condition: Expression,
) -> Result<(), Problem> {
    let step = end_step(inner, condition);
    inner.store.write(vec![step]).await.map_err(rows::problem)?;
    super::user_changed(inner, subject).await;
    Ok(())
}

/// Ends the session that a refresh token belongs to; for a sign-out without an access token.
pub(super) async fn end_by_refresh(
    inner: &Inner,
    running: &Running,
    refresh: &str,
) -> Result<(), Problem> {
    let Some(session) = holder(inner, &secret::hashed(refresh)).await? else { return Ok(()) };
    let account = user_of(inner, running, session).await?;
    let subject = account.map(|account| account.user.subject).unwrap_or_default();
    end(inner, &subject, equal("id", Value::Uuid(session))).await
}

/// The step that ends sessions, to be written together with what makes them end.
pub(super) fn end_step(inner: &Inner, condition: Expression) -> Step {
    let now = moment(inner.world.now());
    rows::update(SESSIONS, vec![("revoked_at", now.into())], condition.and(is_null("revoked_at")))
}

/// All sessions of a user but one.
pub(super) fn others_of(user: &Value, session: Option<&str>) -> Expression {
    let all = equal("user_id", user.clone());
    match session.and_then(|session| Uuid::try_parse(session).ok()) {
        Some(session) => all
            .and(Expression::column("id").binary(Operator::NotEqual, Value::Uuid(session).into())),
        None => all,
    }
}

/// How many times as long as written a token lives: once, unless it is broken on purpose.
fn longer() -> i64 {
    if sabotage::is(Sabotage::TokenLivesLonger) { 4 } else { 1 }
}

fn later(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

fn seconds(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
