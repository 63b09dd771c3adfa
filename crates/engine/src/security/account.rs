//! Accounts: sign up, sign in, carry on, sign out, and the user's own row.

use document::{
    System,
    api::{Binding, BuiltIn, Endpoint, Operation},
    security::{Action, Callers, Who},
};
use http::StatusCode;
use serde_json::{Map, Value as Json};
use store::Value;
use uuid::Uuid;

use super::{
    accounts::{Account, Accounts},
    lockout::Failures,
    password,
    principal::{Principal, User},
    profile,
    rows::{self, equal},
    sessions,
    shape::{self, Reply},
    signup::{Creator, Draft, open_columns},
    token::Audience,
};
use crate::{
    Problem, Running,
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    service::Inner,
};

/// What an account endpoint is given.
pub struct Call<'a> {
    /// Who asks.
    pub principal: &'a Principal,
    /// The endpoint as the document declares it; none where it is there by default.
    pub endpoint: Option<&'a Endpoint>,
    /// The members of the body.
    pub members: Map<String, Json>,
}

/// Serves an account endpoint.
///
/// # Errors
/// What the caller did wrong; 501 for what needs mail, which is not sent yet.
pub async fn account(
    inner: &Inner,
    running: &Running,
    built_in: BuiltIn,
    call: Call<'_>,
) -> Result<Reply, Problem> {
    match built_in {
        BuiltIn::Register => register(inner, running, &call).await,
        BuiltIn::Login => login(inner, running, &call).await,
        BuiltIn::Refresh => refresh(inner, running, &call).await,
        BuiltIn::Logout => logout(inner, running, &call).await,
        BuiltIn::Me => me(inner, running, &call).await,
        BuiltIn::UpdateMe => update_me(inner, running, &call).await,
        BuiltIn::DeleteMe => delete_me(inner, running, &call).await,
        BuiltIn::ChangePassword => change_password(inner, running, &call).await,
        BuiltIn::ForgotPassword | BuiltIn::ResetPassword | BuiltIn::VerifyEmail => {
            let message = "this needs e-mail, which this version does not send";
            Err(Problem::new(ProblemCode::NotImplemented, message))
        }
        _ => Err(Problem::not_found()),
    }
}

fn user<'a>(call: &'a Call<'_>) -> Result<&'a User, Problem> {
    call.principal.user().ok_or_else(super::unauthenticated)
}

/// Signs up: the row is made with the default role, whatever was asked for.
async fn register(inner: &Inner, running: &Running, call: &Call<'_>) -> Result<Reply, Problem> {
    let system = &running.compiled.system;
    if !registers(system, call) {
        return Err(match call.principal {
            Principal::Anonymous => super::unauthenticated(),
            Principal::User(_) => {
                Problem::new(ProblemCode::Forbidden, "only an admin creates users here")
            }
        });
    }
    let settings = &system.security.password;
    let sent = profile::new_password(&call.members)?;
    password::check_length(settings, sent)?;
    let shown = request_members(call.endpoint);
    let creator = Creator::Themselves { shown: &shown };
    let draft = Draft::new(inner, system, &call.members, creator)?;
    // The hash comes before the look at the store: a name that is taken takes as long.
    let hash = inner.security.hashing.hash(settings, sent).await?;
    let (account, row) = draft.create(inner, hash, false, Vec::new()).await?;
    if shape::shows_no_token(call.endpoint) || !account.is_active {
        return Ok(Reply::row(StatusCode::CREATED, row));
    }
    let opened = sessions::open(inner, running, &account, Audience::Api).await?;
    Ok(Reply::tokens(system, call.endpoint, StatusCode::CREATED, &opened, row))
}

/// True where whoever asks may sign up: anybody, unless the document keeps it to others.
fn registers(system: &System, call: &Call<'_>) -> bool {
    if call.principal.is_admin() {
        return true;
    }
    if let Some(callers) = call.endpoint.and_then(|endpoint| endpoint.callers.as_ref()) {
        return allows(callers, call.principal);
    }
    call.endpoint.is_some() || !only_admins_create_users(system)
}

fn allows(callers: &Callers, principal: &Principal) -> bool {
    callers.who.iter().any(|who| match who {
        Who::Public => true,
        // A newcomer has no identity yet: only a role can be meant to keep others out.
        Who::Authenticated | Who::Owner => true,
        Who::Role { name } => principal
            .user()
            .is_some_and(|user| user.roles.iter().any(|role| role.eq_ignore_ascii_case(name))),
        Who::Admin => principal.is_admin(),
    })
}

/// True where the document lets users be created, and by admins or roles alone.
fn only_admins_create_users(system: &System) -> bool {
    let accounts = Accounts::of(system);
    let is_closed = |who: &[Who]| {
        !who.is_empty() && who.iter().all(|who| matches!(who, Who::Admin | Who::Role { .. }))
    };
    let creates = |endpoint: &&Endpoint| match &endpoint.binding {
        Binding::Table { table, operation: Operation::Create, .. } => *table == *accounts.table,
        _ => false,
    };
    let endpoints: Vec<_> = system.api.endpoints.iter().filter(creates).collect();
    let by_endpoint = endpoints
        .iter()
        .any(|endpoint| endpoint.callers.as_ref().is_some_and(|callers| is_closed(&callers.who)));
    let granted: Vec<Who> = system
        .security
        .grants
        .iter()
        .filter(|grant| *grant.table == *accounts.table && grant.actions.contains(&Action::Create))
        .map(|grant| grant.who.clone())
        .collect();
    by_endpoint || is_closed(&granted)
}

/// Columns that whoever signs up at this endpoint may fill, with `true` for those that they have to.
pub(crate) fn signup_columns(system: &System, endpoint: Option<&Endpoint>) -> Vec<(String, bool)> {
    open_columns(system, &request_members(endpoint))
}

/// Members of the request as the document shows it, in snake case.
fn request_members(endpoint: Option<&Endpoint>) -> Vec<String> {
    let sample = endpoint.and_then(|endpoint| endpoint.request.as_ref());
    let members = sample.and_then(|sample| sample.body.as_object());
    members
        .map(|members| members.keys().map(|name| shape::snake(name)).collect())
        .unwrap_or_default()
}

/// Signs in. Whatever is wrong, the work and the answer are the same.
async fn login(inner: &Inner, running: &Running, call: &Call<'_>) -> Result<Reply, Problem> {
    let system = &running.compiled.system;
    let account = authenticated(inner, running, &call.members).await?;
    let opened = sessions::open(inner, running, &account, Audience::Api).await?;
    let row = profile::own_row(inner, running, &account.user.id).await?;
    Ok(Reply::tokens(system, call.endpoint, StatusCode::OK, &opened, row))
}

/// The user whose name and password these are.
///
/// # Errors
/// 400 without name or password, 401 with one answer for all that is wrong, 429 while the name is
/// locked, 503 where too many sign in at once.
pub(super) async fn authenticated(
    inner: &Inner,
    running: &Running,
    members: &Map<String, Json>,
) -> Result<Account, Problem> {
    let system = &running.compiled.system;
    let accounts = Accounts::of(system);
    let name = profile::sent_name(&accounts, members);
    let sent = profile::text_member(members, profile::PASSWORD_NAMES);
    let (Some((column, name)), Some(sent)) = (name, sent) else {
        let mut problem = Problem::new(ProblemCode::ValidationError, "some values are missing");
        if name.is_none() {
            problem = problem.detail(profile::shown_name(system, &accounts.login), "is required");
        }
        if sent.is_none() {
            problem = problem.detail("password", "is required");
        }
        return Err(problem);
    };
    let failures = Failures::of(inner, running, &accounts.folded(column, name)).await?;
    let found = accounts.by_name(&inner.store, column, name).await.map_err(rows::problem)?;
    let settings = &system.security.password;
    let hash = found.as_ref().and_then(|account| account.password_hash.as_deref());
    if sabotage::is(Sabotage::UserEnumeration) && found.is_none() {
        return Err(Problem::new(ProblemCode::InvalidCredentials, "nobody has this name"));
    }
    let is_right = inner.security.hashing.verify(settings, sent, hash).await?
        || sabotage::is(Sabotage::PasswordUnchecked);
    let Some(account) = found.filter(|account| is_right && account.is_active) else {
        failures.add(inner, running).await?;
        let message = "the name or the password is wrong";
        return Err(Problem::new(ProblemCode::InvalidCredentials, message));
    };
    failures.clear(inner).await?;
    renew_hash(inner, &accounts, &account, sent).await;
    Ok(account)
}

/// Hashes the password again where the document has changed how. Signing in does not fail by it.
async fn renew_hash(inner: &Inner, accounts: &Accounts<'_>, account: &Account, sent: &str) {
    let settings = &accounts.system().security.password;
    let old = account.password_hash.as_deref().unwrap_or_default();
    if !password::is_outdated(settings, old) {
        return;
    }
    // The rule for the length of new passwords does not bind old ones.
    let settings = document::security::PasswordHashing { length_min: 1, ..settings.clone() };
    let Ok(hash) = inner.security.hashing.hash(&settings, sent).await else { return };
    let step = accounts.keep_password(&account.user.id, hash);
    if let Err(error) = inner.store.write(vec![step]).await {
        tracing::warn!(%error, "a password hash could not be renewed");
    }
}

/// Trades a refresh token for new tokens.
async fn refresh(inner: &Inner, running: &Running, call: &Call<'_>) -> Result<Reply, Problem> {
    let Some(sent) = refresh_token(call) else {
        return Err(Problem::new(ProblemCode::ValidationError, "some values are missing").detail(
            profile::shown_name(&running.compiled.system, "refresh_token"),
            "is required",
        ));
    };
    let (account, opened) = sessions::rotate(inner, running, sent).await?;
    let row = profile::own_row(inner, running, &account.user.id).await?;
    let system = &running.compiled.system;
    Ok(Reply::tokens(system, call.endpoint, StatusCode::OK, &opened, row))
}

fn refresh_token<'a>(call: &'a Call<'_>) -> Option<&'a str> {
    profile::text_member(&call.members, &["refresh_token", "refresh", "token"])
}

/// Ends the session of the access token, and that of a refresh token in the body.
async fn logout(inner: &Inner, running: &Running, call: &Call<'_>) -> Result<Reply, Problem> {
    let sent = refresh_token(call);
    if sabotage::is(Sabotage::LogoutDoesNothing) {
        return Ok(Reply::done(call.endpoint));
    }
    if let Some(sent) = sent {
        sessions::end_by_refresh(inner, running, sent).await?;
    }
    match call.principal.user() {
        Some(user) => end_own(inner, user).await?,
        None if sent.is_none() => return Err(super::unauthenticated()),
        None => {}
    }
    Ok(Reply::done(call.endpoint))
}

pub(super) async fn end_own(inner: &Inner, user: &User) -> Result<(), Problem> {
    match Uuid::try_parse(&user.session) {
        Ok(id) => sessions::end(inner, &user.subject, equal("id", Value::Uuid(id))).await,
        Err(_) => Ok(()),
    }
}

async fn me(inner: &Inner, running: &Running, call: &Call<'_>) -> Result<Reply, Problem> {
    let row = profile::own_row(inner, running, &user(call)?.id).await?;
    Ok(Reply::row(StatusCode::OK, row))
}

async fn update_me(inner: &Inner, running: &Running, call: &Call<'_>) -> Result<Reply, Problem> {
    let user = user(call)?;
    let shown = request_members(call.endpoint);
    profile::update(inner, running, user, &call.members, &shown).await?;
    super::user_changed(inner, &user.subject).await;
    let row = profile::own_row(inner, running, &user.id).await?;
    Ok(Reply::row(StatusCode::OK, row))
}

async fn delete_me(inner: &Inner, running: &Running, call: &Call<'_>) -> Result<Reply, Problem> {
    let user = user(call)?;
    profile::remove(inner, running, user).await?;
    super::user_changed(inner, &user.subject).await;
    Ok(Reply::done(call.endpoint))
}

/// Needs the old password, and ends all other sessions.
async fn change_password(
    inner: &Inner,
    running: &Running,
    call: &Call<'_>,
) -> Result<Reply, Problem> {
    let user = user(call)?;
    let system = &running.compiled.system;
    let settings = &system.security.password;
    let old = profile::text_member(
        &call.members,
        &["current_password", "old_password", "password_current", "password_old", "password"],
    );
    let new = profile::text_member(&call.members, &["new_password", "password_new"]);
    let (Some(old), Some(new)) = (old, new) else {
        let mut problem = Problem::new(ProblemCode::ValidationError, "some values are missing");
        for (name, value) in [("current_password", old), ("new_password", new)] {
            if value.is_none() {
                problem = problem.detail(profile::shown_name(system, name), "is required");
            }
        }
        return Err(problem);
    };
    password::check_length(settings, new)?;
    let accounts = Accounts::of(system);
    let found = accounts.by_subject(&inner.store, &user.subject).await.map_err(rows::problem)?;
    let Some(account) = found.filter(|account| account.is_active) else {
        return Err(super::unauthenticated());
    };
    let name = account.user.login.clone().unwrap_or_default();
    let failures = Failures::of(inner, running, &accounts.folded(&accounts.login, &name)).await?;
    let hash = account.password_hash.as_deref();
    if !inner.security.hashing.verify(settings, old, hash).await? {
        failures.add(inner, running).await?;
        let message = "the current password is wrong";
        return Err(Problem::new(ProblemCode::InvalidCredentials, message));
    }
    failures.clear(inner).await?;
    let hash = inner.security.hashing.hash(settings, new).await?;
    let others = sessions::others_of(&user.id, Some(&user.session));
    let mut steps = vec![accounts.keep_password(&user.id, hash)];
    if !sabotage::is(Sabotage::OldSessionsKept) {
        steps.push(sessions::end_step(inner, others));
    }
    inner.store.write(steps).await.map_err(rows::problem)?;
    super::user_changed(inner, &user.subject).await;
    Ok(Reply::done(call.endpoint))
}
