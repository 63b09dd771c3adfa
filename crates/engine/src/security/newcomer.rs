//! New users through the doors of every table: their password is taken out of the body before
//! anything else reads it, hashed off the workers, and their name is kept as signing in expects.

use std::{fmt, sync::Arc};

use store::{Value, query::Step};

use super::{
    accounts::Accounts,
    password,
    profile::{CONFIRMATIONS, PASSWORD_NAMES, login_fault, new_password},
    rows, shape,
    tables::CREDENTIALS,
};
use crate::{
    Problem, Running,
    data::{Members, Resource, Work, Writing},
    problem::ProblemCode,
    security::may::Asker,
    service::Inner,
};

/// A password on its way to its hash; never shown.
#[derive(Clone)]
pub(crate) struct NewPassword(String);

impl fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

/// Takes the password of a new user, and its repetition, out of the members.
///
/// # Errors
/// 400 where it is no text, too short or too long, or differs from its repetition.
pub(crate) fn take_password(
    asker: &Asker<'_>,
    resource: &Resource,
    members: &mut Members,
) -> Result<Option<NewPassword>, Problem> {
    if !resource.is_users {
        return Ok(None);
    }
    let system = &asker.running.system;
    let accounts = Accounts::of(system);
    let is_secret = |name: &str| {
        let name = shape::snake(name);
        let is_other = resource.visible(&name).is_some();
        let is_usual = PASSWORD_NAMES.contains(&&*name) || CONFIRMATIONS.contains(&&*name);
        accounts.password.as_deref() == Some(&*name) || (is_usual && !is_other)
    };
    let names: Vec<String> = members.keys().filter(|name| is_secret(name)).cloned().collect();
    if names.is_empty() {
        return Ok(None);
    }
    let mut taken = Members::new();
    for name in names {
        let Some(value) = members.remove(&name) else { continue };
        let is_column = accounts.password.as_deref() == Some(&*shape::snake(&name));
        taken.insert(if is_column { "password".to_owned() } else { name }, value);
    }
    let sent = new_password(&taken)?;
    password::check_length(&system.security.password, sent)?;
    Ok(Some(NewPassword(sent.to_owned())))
}

/// Hashes the passwords of new users into the writes that make them.
///
/// # Errors
/// 503 where too many hashes are wanted at once.
pub(crate) async fn keep_passwords(
    inner: &Inner,
    running: &Running,
    works: &mut [Work],
) -> Result<(), Problem> {
    for work in works {
        if let Work::Write(writing) = work
            && let Some(NewPassword(password)) = writing.password.take()
        {
            let settings = &running.system.security.password;
            let hash = inner.security.hashing.hash(settings, &password).await?;
            keep(&Accounts::of(&running.system), writing, hash, rows::moment(inner.world.now()))?;
        }
    }
    Ok(())
}

fn keep(
    accounts: &Accounts<'_>,
    writing: &mut Writing,
    hash: String,
    now: Value,
) -> Result<(), Problem> {
    let Some(Step::Insert { values, .. }) = &mut writing.main else { return Ok(()) };
    if let Some(column) = &accounts.password {
        values.retain(|(name, _)| **name != **column);
        values.push((Arc::from(&**column), rows::text(hash)));
        return Ok(());
    }
    let key = values.iter().find(|(name, _)| **name == *accounts.key);
    let Some((_, key)) = key else {
        // The store hands the key out, and the hash is kept beside the row under it.
        let words = "a password is set by registration here";
        return Err(Problem::new(ProblemCode::ValidationError, words)
            .detail("password", "may not be set here"));
    };
    writing.after.push(rows::insert(
        CREDENTIALS,
        vec![
            ("user_id", key.clone()),
            ("password_hash", rows::text(hash)),
            ("role", Value::Null),
            ("is_admin", Value::Boolean(false)),
            ("updated_at", now),
        ],
    ));
    Ok(())
}

/// A value of the users' table as it is kept: names under which people sign in are folded.
///
/// # Errors
/// What is wrong with a login.
pub(crate) fn kept_value(
    asker: &Asker<'_>,
    column: &str,
    value: Value,
) -> Result<Value, &'static str> {
    let Value::Text(text) = &value else { return Ok(value) };
    let accounts = Accounts::of(&asker.running.system);
    if !accounts.naming().contains(&column) {
        return Ok(value);
    }
    let folded = accounts.folded(column, text);
    match login_fault(&accounts, &folded) {
        Some(words) if column == accounts.login => Err(words),
        _ => Ok(Value::Text(folded)),
    }
}

/// The field that holds the login, where the store does not keep it unique by itself.
pub(crate) fn login_to_check(asker: &Asker<'_>, resource: &Resource) -> Option<usize> {
    if !resource.is_users {
        return None;
    }
    let position = resource.position(&Accounts::of(&asker.running.system).login)?;
    (!resource.unique.contains(&position)).then_some(position)
}
