//! The first admin: made through a link that is printed at the start, works once and runs out.

use jiff::SignedDuration;
use serde_json::{Map, Value as Json, json};
use store::{Expression, Kind, Value, query::Step};

use super::{
    accounts::{Account, Accounts, is_admin_role},
    profile,
    rows::{self, equal, moment, text},
    secret,
    signup::{Creator, Draft},
    tables::{CREDENTIALS, SETTINGS, TEXT},
};
use crate::{Problem, Running, problem::ProblemCode, service::Inner};

/// Life of the link, in hours.
const LINK_HOURS: i64 = 24;
/// Where the link leads.
pub(super) const SETUP_PATH: &str = "/_/admin/setup";
/// Its row among the engine's settings.
const LINK: &str = "admin_link";
/// The link was used, or another was made since.
pub(super) const LINK_USED: u32 = 2;

/// A one-time link to make the first admin, as long as there is none; whoever asks for it ends the
/// one before. Starts with the public address, or with that on which the service listens.
///
/// # Errors
/// 503 and 500 where the store fails.
pub async fn admin_link(inner: &Inner) -> Result<Option<String>, Problem> {
    let running = inner.running.load_full();
    if has_admin(inner, &running).await? {
        // Only where there is one: a start that changes nothing writes nothing.
        if super::kept::read(&inner.store, LINK).await.map_err(rows::problem)?.is_some() {
            let step = rows::delete(SETTINGS, equal("name", text(LINK)));
            inner.store.write(vec![step]).await.map_err(rows::problem)?;
        }
        return Ok(None);
    }
    let token = secret::fresh(&*inner.world);
    let now = inner.world.now();
    let expires = now.saturating_add(SignedDuration::from_hours(LINK_HOURS)).unwrap_or(now);
    let value = json!({"hash": secret::hashed(&token), "expires_at": expires.as_second()});
    let steps = vec![
        rows::delete(SETTINGS, equal("name", text(LINK))),
        rows::insert(
            SETTINGS,
            vec![
                ("name", text(LINK)),
                ("value", text(value.to_string())),
                ("updated_at", moment(now)),
            ],
        ),
    ];
    inner.store.write(steps).await.map_err(rows::problem)?;
    let base = match &inner.settings.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{}", inner.settings.listen),
    };
    Ok(Some(format!("{base}{SETUP_PATH}?token={token}")))
}

/// True where some user may do everything.
async fn has_admin(inner: &Inner, running: &Running) -> Result<bool, Problem> {
    let system = &running.compiled.system;
    let accounts = Accounts::of(system);
    let names: Vec<&str> = system
        .security
        .roles
        .iter()
        .filter(|role| role.is_admin)
        .map(|role| role.name.as_str())
        .collect();
    let marked = equal("is_admin", Value::Boolean(true)).or(one_of("role", &names));
    let outputs = rows::outputs([("role", TEXT)]);
    let found = rows::read(&inner.store, CREDENTIALS, outputs, marked, 1).await;
    if !found.map_err(rows::problem)?.is_empty() {
        return Ok(true);
    }
    let Some((column, kind)) = &accounts.role else { return Ok(false) };
    let condition = match kind {
        Kind::Enum { values, .. } => {
            let same = |value: &&String| names.iter().any(|name| name.eq_ignore_ascii_case(value));
            let names: Vec<&str> = values.iter().filter(same).map(String::as_str).collect();
            one_of(column, &names)
        }
        _ => one_of(column, &names),
    };
    let outputs = rows::outputs([(&**column, kind.clone())]);
    let found = rows::read(&inner.store, &accounts.table, outputs, condition, 1).await;
    Ok(!found.map_err(rows::problem)?.is_empty())
}

fn one_of(column: &str, words: &[&str]) -> Expression {
    Expression::In {
        operand: Box::new(Expression::column(column)),
        list: words.iter().map(|word| text(*word).into()).collect(),
        negated: false,
    }
}

/// The steps that use the link up, where this is its token: to be written together with what it
/// allows, so that it works once even when it is used twice at the same time.
///
/// # Errors
/// 404 where the token is wrong, used or too old: one answer for all.
pub(super) async fn link_steps(inner: &Inner, token: &str) -> Result<Vec<Step>, Problem> {
    let outputs = rows::outputs([("value", TEXT)]);
    let row = equal("name", text(LINK));
    let found = rows::read(&inner.store, SETTINGS, outputs, row.clone(), 1).await;
    let value = found.map_err(rows::problem)?.pop().and_then(|row| {
        let value = row.get("value")?.as_str()?.to_owned();
        let kept: Json = serde_json::from_str(&value).ok()?;
        let is_right = secret::same(kept.get("hash")?.as_str()?, &secret::hashed(token));
        let is_alive = kept.get("expires_at")?.as_i64()? > inner.world.now().as_second();
        (is_right && is_alive).then_some(value)
    });
    let Some(value) = value else { return Err(Problem::not_found()) };
    Ok(vec![
        Step::Require {
            table: SETTINGS.into(),
            condition: row.clone().and(equal("value", text(value))),
            exists: true,
            refusal: LINK_USED,
        },
        rows::delete(SETTINGS, row),
    ])
}

/// Makes an admin: a new user, or one who is there and whose password this is.
///
/// # Errors
/// 400 where name or password do not fit, 409 where the name is taken and the password wrong.
pub async fn create_admin(inner: &Inner, login: &str, password: &str) -> Result<(), Problem> {
    let mut members = Map::new();
    members.insert("login".to_owned(), login.into());
    members.insert("password".to_owned(), password.into());
    let running = inner.running.load_full();
    make_admin(inner, &running, &members, Vec::new()).await.map(|_| ())
}

/// Makes an admin of what was sent; `first` is written in the same transaction, before.
pub(super) async fn make_admin(
    inner: &Inner,
    running: &Running,
    members: &Map<String, Json>,
    first: Vec<Step>,
) -> Result<Account, Problem> {
    let system = &running.compiled.system;
    let accounts = Accounts::of(system);
    let settings = &system.security.password;
    let sent = profile::new_password(members)?;
    let login = profile::sent_login(&accounts, members).unwrap_or_default();
    let there =
        accounts.by_name(&inner.store, &accounts.login, login).await.map_err(rows::problem)?;
    if let Some(account) = there {
        let hash = account.password_hash.as_deref();
        if !inner.security.hashing.verify(settings, sent, hash).await? {
            let message = "this user is there already, and the password is another";
            return Err(Problem::new(ProblemCode::Conflict, message));
        }
        return promote(inner, &accounts, account, first).await;
    }
    let hash = inner.security.hashing.hash(settings, sent).await?;
    let draft = || Draft::new(inner, system, members, Creator::System);
    if let Some(role) = admin_role(&accounts) {
        let made = draft()?.with_role(&role).create(inner, hash.clone(), true, first.clone()).await;
        match made {
            // The column may keep other roles than those that the document names.
            Err(problem) if problem.code == ProblemCode::ValidationError => {}
            made => return made.map(|(account, _)| account),
        }
    }
    draft()?.create(inner, hash, true, first).await.map(|(account, _)| account)
}

/// The admin's role in the spelling of its column; none where no such role can be kept.
fn admin_role(accounts: &Accounts<'_>) -> Option<String> {
    let roles = &accounts.system().security.roles;
    let mut names = roles.iter().filter(|role| role.is_admin).map(|role| &role.name);
    match &accounts.role {
        Some((_, Kind::Enum { values, .. })) => names
            .find_map(|name| values.iter().find(|value| value.eq_ignore_ascii_case(name)).cloned()),
        _ => names.next().cloned(),
    }
}

/// Makes an admin of a user who is there: by role where there is one for it, else by a mark.
async fn promote(
    inner: &Inner,
    accounts: &Accounts<'_>,
    account: Account,
    first: Vec<Step>,
) -> Result<Account, Problem> {
    let id = &account.user.id;
    let role = admin_role(accounts);
    let mark = |role: Option<&str>, first: &[Step]| {
        let mut steps = first.to_vec();
        steps.extend(mark_steps(inner, accounts, &account, role));
        steps
    };
    let written = match (&accounts.role, &role) {
        (Some((column, _)), Some(role)) => {
            let set = vec![(&**column, text(role.as_str()).into())];
            let mut steps = first.clone();
            steps.push(rows::update(&accounts.table, set, equal(&accounts.key, id.clone())));
            match inner.store.write(steps).await {
                Err(store::StoreError::Check { .. } | store::StoreError::Value { .. }) => {
                    inner.store.write(mark(None, &first)).await
                }
                written => written,
            }
        }
        _ => inner.store.write(mark(role.as_deref(), &first)).await,
    };
    match written {
        Ok(_) => {}
        Err(store::StoreError::Refused { .. }) => return Err(Problem::not_found()),
        Err(error) => return Err(rows::problem(error)),
    }
    super::user_changed(inner, &account.user.subject).await;
    let found = accounts.by_subject(&inner.store, &account.user.subject).await;
    found.map_err(rows::problem)?.ok_or_else(Problem::not_found)
}

/// Keeps role and mark beside the user's row; what else is kept there stays.
fn mark_steps(
    inner: &Inner,
    accounts: &Accounts<'_>,
    account: &Account,
    role: Option<&str>,
) -> Vec<Step> {
    let id = &account.user.id;
    let is_marked = role.is_none_or(|role| !is_admin_role(accounts.system(), role));
    let hash = match accounts.password {
        Some(_) => Value::Null,
        None => account.password_hash.as_deref().map_or(Value::Null, text),
    };
    let role = role.or_else(|| account.user.roles.first().map(String::as_str));
    let kept = match accounts.role {
        Some(_) => Value::Null,
        None => role.map_or(Value::Null, text),
    };
    vec![
        rows::delete(CREDENTIALS, equal("user_id", id.clone())),
        rows::insert(
            CREDENTIALS,
            vec![
                ("user_id", id.clone()),
                ("password_hash", hash),
                ("role", kept),
                ("is_admin", Value::Boolean(is_marked)),
                ("updated_at", moment(inner.world.now())),
            ],
        ),
    ]
}
