//! A user's own row: shown, changed and removed by its user; and how names, passwords and values
//! are read from what users send.

use std::sync::Arc;

use document::{
    System,
    api::JsonCase,
    data::{Column, ColumnType, Table},
    security::{Action, Who},
};
use serde_json::{Map, Value as Json};
use store::{
    Expression, Operator, StoreError, Value,
    query::{Output, Step},
};

use super::{
    accounts::Accounts,
    principal::User,
    rows::{self, equal, moment, text},
    shape,
    tables::declared_users,
};
use crate::{
    Problem, Running,
    data::{kind_of, value_of},
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    service::Inner,
};

/// Longest name at login, in bytes.
const LOGIN_BYTES_MAX: usize = 320;

/// Members that repeat the password and are compared with it.
pub(super) const CONFIRMATIONS: &[&str] =
    &["password_confirmation", "confirm_password", "password_confirm", "repeat_password"];

/// A member's or column's name as clients spell it in this document.
pub(super) fn shown_name(system: &System, name: &str) -> String {
    match system.api.json_case {
        JsonCase::Snake => name.to_owned(),
        JsonCase::Camel => shape::camel(name),
    }
}

/// What is shown of a user to that user.
pub(super) fn shown(system: &System, table: &Table) -> Arc<[Output]> {
    let accounts = Accounts::of(system);
    table
        .columns
        .iter()
        .filter(|column| {
            let is_secret =
                column.write_only || accounts.password.as_deref() == Some(&*column.name);
            !is_secret || sabotage::is(Sabotage::WriteOnlyShown)
        })
        .map(|column| Output {
            name: shown_name(system, &column.name).into(),
            column: column.name.as_str().into(),
            kind: kind_of(&column.kind, &system.data),
        })
        .collect()
}

/// The user's own row as its user sees it.
pub(super) async fn own_row(
    inner: &Inner,
    running: &Running,
    id: &Value,
) -> Result<Map<String, Json>, Problem> {
    let system = &running.compiled.system;
    let accounts = Accounts::of(system);
    let table = declared_users(system);
    let condition = equal(&accounts.key, id.clone());
    let outputs = shown(system, &table);
    let found = rows::read(&inner.store, &accounts.table, outputs, condition, 1).await;
    found.map_err(rows::problem)?.pop().ok_or_else(Problem::not_found)
}

/// Changes the user's own row: what signing up may fill, and what the document does not keep to
/// others.
///
/// # Errors
/// 400 with one detail per member, 403 for a column that is not the user's to change.
pub(super) async fn update(
    inner: &Inner,
    running: &Running,
    user: &User,
    members: &Map<String, Json>,
    shown_members: &[String],
) -> Result<(), Problem> {
    let system = &running.compiled.system;
    let accounts = Accounts::of(system);
    let table = declared_users(system);
    let mut wrong = Problem::new(ProblemCode::ValidationError, "some values do not fit");
    let mut set = Vec::new();
    for (name, json) in members {
        let Some(column) = table.column(name).or_else(|| table.column(&shape::snake(name))) else {
            wrong = wrong.detail(name.as_str(), "is not known here");
            continue;
        };
        let is_open = shown_members.contains(&column.name)
            || is_plain(&table, column)
            || owners_update(system, &accounts.table);
        let is_closed = accounts.is_reserved(&column.name)
            || column.generated.is_some()
            || column.write_only
            || !is_open;
        if is_closed && !sabotage::is(Sabotage::RoleByUpdate) {
            return Err(Problem::new(ProblemCode::Forbidden, "this is not yours to change")
                .detail(name.as_str(), "is not yours to change"));
        }
        let kind = kind_of(&column.kind, &system.data);
        let value = if *column.name == *accounts.login {
            login_of(&accounts, members).map(text)?
        } else {
            match value_of(&kind, column.nullable, json) {
                Ok(value) => value,
                Err(reason) => {
                    wrong = wrong.detail(name.as_str(), reason);
                    continue;
                }
            }
        };
        set.push((column.name.as_str(), Expression::from(value)));
    }
    if !wrong.details.is_empty() {
        return Err(wrong);
    }
    if set.is_empty() {
        return Ok(());
    }
    let now = moment(inner.world.now());
    for column in table.columns.iter().filter(|column| column.touched_on_update) {
        if set.iter().all(|(name, _)| *name != column.name) {
            set.push((column.name.as_str(), now.clone().into()));
        }
    }
    let own = equal(&accounts.key, user.id.clone());
    let mut steps = Vec::new();
    if let Some((_, login)) = set.iter().find(|(name, _)| **name == *accounts.login) {
        let others =
            Expression::column(&*accounts.key).binary(Operator::NotEqual, user.id.clone().into());
        let condition = Expression::column(&*accounts.login).equals(login.clone()).and(others);
        let table = Arc::from(&*accounts.table);
        steps.push(Step::Require { table, condition, exists: false, refusal: NAME_TAKEN });
    }
    steps.push(rows::update(&accounts.table, set, own));
    let shown = |name: &str| shown_name(system, name);
    inner.store.write(steps).await.map(|_| ()).map_err(|error| match error {
        StoreError::Refused { .. } => taken(&shown(&accounts.login)),
        error => refused_value(error, shown),
    })
}

/// Somebody has this name already.
pub(super) const NAME_TAKEN: u32 = 1;

/// Removes the user's own row; sessions and credentials go with it.
///
/// # Errors
/// 409 where the document keeps rows that refer to it.
pub(super) async fn remove(inner: &Inner, running: &Running, user: &User) -> Result<(), Problem> {
    let system = &running.compiled.system;
    let accounts = Accounts::of(system);
    let step = rows::delete(&accounts.table, equal(&accounts.key, user.id.clone()));
    let shown = |name: &str| shown_name(system, name);
    inner.store.write(vec![step]).await.map(|_| ()).map_err(|error| refused_value(error, shown))
}

/// True for a column that says nothing on which others rely. A default, a truth, a moment or a link
/// to another row does, so that a user fills it only where the document shows that they do.
pub(super) fn is_plain(table: &Table, column: &Column) -> bool {
    let is_link = table.foreign_keys.iter().any(|key| key.columns.contains(&column.name));
    column.default.is_none()
        && !is_link
        && !matches!(column.kind, ColumnType::Boolean | ColumnType::Timestamp { .. })
}

/// True where the document lets users change their own rows.
fn owners_update(system: &System, table: &str) -> bool {
    system.security.grants.iter().any(|grant| {
        grant.table == table
            && grant.actions.contains(&Action::Update)
            && matches!(grant.who, Who::Owner | Who::Authenticated)
    })
}

/// Columns that a new user must fill beyond login and password, with the kind of input for each.
pub(super) fn asked_for(system: &System) -> Vec<(String, &'static str)> {
    let accounts = Accounts::of(system);
    let table = declared_users(system);
    let is_asked_for = |column: &&Column| {
        let is_text =
            matches!(column.kind, ColumnType::Text { .. } | ColumnType::CaseInsensitiveText);
        is_text
            && !column.nullable
            && column.default.is_none()
            && column.generated.is_none()
            && !column.write_only
            && column.name != *accounts.login
            && !accounts.is_reserved(&column.name)
    };
    let asked_for = table.columns.iter().filter(is_asked_for);
    asked_for.map(|column| (column.name.clone(), "text")).collect()
}

/// What a caller is told where a value of theirs does not fit.
pub(super) fn refused_value(error: StoreError, shown: impl Fn(&str) -> String) -> Problem {
    let wrong = |field: String, message: &str| {
        Problem::new(ProblemCode::ValidationError, "some values do not fit").detail(field, message)
    };
    match error {
        StoreError::NotNull { column, .. } => wrong(shown(&column), "is required"),
        StoreError::Value { column: Some(column), message } => wrong(shown(&column), &message),
        StoreError::Check { constraint, .. } => wrong(constraint, "does not hold"),
        StoreError::ForeignKey { columns, missing: true, .. } => {
            let field = columns.first().map_or_else(String::new, |column| shown(column));
            Problem::new(ProblemCode::Conflict, "a row that this one refers to does not exist")
                .detail(field, "refers to nothing that exists")
        }
        StoreError::ForeignKey { .. } => Problem::new(
            ProblemCode::Conflict,
            "other rows still refer to this one and the document does not let them go with it",
        ),
        StoreError::Unique { columns, .. } => {
            taken(&columns.first().map_or_else(String::new, |column| shown(column)))
        }
        error => rows::problem(error),
    }
}

pub(super) fn taken(field: &str) -> Problem {
    Problem::new(ProblemCode::Conflict, format!("this `{field}` is taken"))
        .detail(field, "is taken")
}

/// Names under which a login is sent, whatever its column is called.
pub(super) const LOGIN_NAMES: &[&str] =
    &["email", "username", "login", "identifier", "phone", "user_name"];
/// Names under which a password is sent.
pub(super) const PASSWORD_NAMES: &[&str] = &["password", "password_hash", "passwd", "pwd"];

/// A member by its name in snake case, in whatever spelling it came.
pub(super) fn member<'m>(members: &'m Map<String, Json>, name: &str) -> Option<&'m Json> {
    members
        .get(name)
        .or_else(|| members.iter().find(|(sent, _)| shape::snake(sent) == name).map(|(_, v)| v))
}

/// The first of these members that is text.
pub(super) fn text_member<'m>(members: &'m Map<String, Json>, names: &[&str]) -> Option<&'m str> {
    names.iter().find_map(|name| member(members, name)).and_then(Json::as_str)
}

/// The name to sign in with and the column that holds it. Each column that names users may be sent
/// under its own name; a name under no column's name is the login, or what its look tells.
pub(super) fn sent_name<'a, 'm>(
    accounts: &'a Accounts<'_>,
    members: &'m Map<String, Json>,
) -> Option<(&'a str, &'m str)> {
    let naming = accounts.naming();
    let by_column = naming.iter().find_map(|column| {
        let name = member(members, column)?.as_str()?;
        Some((*column, name))
    });
    by_column.or_else(|| {
        let name = text_member(members, LOGIN_NAMES)?;
        let looks_right = |column: &&&str| column.contains("mail") == name.contains('@');
        let column = naming.iter().find(looks_right).or(naming.first())?;
        Some((*column, name))
    })
}

/// The login of a new user: under its column's name, or a usual one that names no other column.
pub(super) fn sent_login<'m>(
    accounts: &Accounts<'_>,
    members: &'m Map<String, Json>,
) -> Option<&'m str> {
    let of_login = member(members, &accounts.login).and_then(Json::as_str);
    of_login.or_else(|| {
        let table = declared_users(accounts.system());
        let mut usual = LOGIN_NAMES.iter().filter(|name| table.column(name).is_none());
        usual.find_map(|name| member(members, name)?.as_str())
    })
}

/// The password of a new user, where its repetition agrees.
///
/// # Errors
/// 400.
pub(super) fn new_password(members: &Map<String, Json>) -> Result<&str, Problem> {
    let wrong = |field: &str, message: &str| {
        Problem::new(ProblemCode::ValidationError, "some values do not fit").detail(field, message)
    };
    let Some(password) = text_member(members, PASSWORD_NAMES) else {
        return Err(wrong("password", "is required"));
    };
    match text_member(members, CONFIRMATIONS) {
        Some(repeated) if repeated != password => {
            Err(wrong("password_confirmation", "differs from the password"))
        }
        _ => Ok(password),
    }
}

pub(super) fn login_of(
    accounts: &Accounts<'_>,
    members: &Map<String, Json>,
) -> Result<String, Problem> {
    let name = shown_name(accounts.system(), &accounts.login);
    let wrong = |message: &str| {
        Err(Problem::new(ProblemCode::ValidationError, "some values do not fit")
            .detail(name.clone(), message))
    };
    let Some(login) = sent_login(accounts, members) else { return wrong("is required") };
    let login = accounts.folded(&accounts.login, login);
    match login_fault(accounts, &login) {
        Some(words) => wrong(words),
        None => Ok(login),
    }
}

/// What is wrong with a folded login.
pub(super) fn login_fault(accounts: &Accounts<'_>, login: &str) -> Option<&'static str> {
    if login.is_empty() || login.len() > LOGIN_BYTES_MAX {
        Some("must have between 1 and 320 bytes")
    } else if login.chars().any(char::is_control) {
        Some("must not contain control characters")
    } else if accounts.is_mail() && !is_mail_address(login) {
        Some("must be an e-mail address")
    } else {
        None
    }
}

fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let are_atoms = |part: &str, others: &str| {
        let is_of_atom = |letter: char| letter.is_alphanumeric() || others.contains(letter);
        part.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_of_atom))
    };
    // Quoted names and bare addresses of hosts are allowed by the standard, and used by nobody.
    are_atoms(local, "!#$%&'*+/=?^_`{|}~-") && are_atoms(domain, "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: bool) {
        assert_eq!(is_mail_address(text), expected, "{text}");
    }

    #[test]
    fn a_mail_address_is_atoms_around_one_at_sign() {
        check("ann@example.org", true);
        check("ann.lee+news@mail.example.org", true);
        check("änne@bücher.example", true);
        check("ann@localhost", true);
        check("ann", false);
        check("ann@", false);
        check("ann@@example.org", false);
        check("ann@example..org", false);
        check("ann@example.org*", false);
        check("ann lee@example.org", false);
        check("ann@example.org, eve@example.org", false);
    }
}
