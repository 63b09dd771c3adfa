//! A user's own row: made by signing up, shown, changed and removed by its user. Which columns a
//! user may fill is decided here; what values fit is decided where all rows are written.

use std::sync::Arc;

use document::{
    System,
    api::JsonCase,
    data::{Column, ColumnType, DefaultValue, Table},
    security::{Action, Who},
};
use serde_json::{Map, Value as Json};
use store::{
    Expression, Kind, Operator, StoreError, Value,
    query::{Output, Step},
};

use super::{
    accounts::{Account, Accounts, is_admin_role, key_value, kind_of, normalised, text_of_key},
    principal::User,
    rows::{self, equal, moment, text},
    shape,
    tables::{CREDENTIALS, built_in_users, role_default},
};
use crate::{Problem, Running, problem::ProblemCode, service::Inner};

/// Longest name at login, in bytes.
const LOGIN_BYTES_MAX: usize = 320;

/// Members that repeat the password and are compared with it.
const CONFIRMATIONS: &[&str] =
    &["password_confirmation", "confirm_password", "password_confirm", "repeat_password"];

/// Who creates a user decides what may be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Creator<'a> {
    /// The user: role and state are never theirs to choose. The members named here are those that
    /// the document's own sample of a registration shows.
    Themselves {
        /// In snake case.
        shown: &'a [String],
    },
    /// Whoever holds the one-time link; required columns that they leave out are filled.
    System,
}

/// The table of users with all its columns.
pub(super) fn users_table(system: &System) -> Option<Arc<Table>> {
    let accounts = Accounts::of(system);
    match system.data.table(&accounts.table) {
        Some(table) => Some(Arc::new(table.clone())),
        None => built_in_users(system).map(Arc::new),
    }
}

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
        .filter(|column| !column.write_only && accounts.password.as_deref() != Some(&*column.name))
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
    let Some(table) = users_table(system) else { return Err(Problem::not_found()) };
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
    let Some(table) = users_table(system) else { return Err(Problem::not_found()) };
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
        if is_closed {
            return Err(Problem::new(ProblemCode::Forbidden, "this is not yours to change")
                .detail(name.as_str(), "is not yours to change"));
        }
        let kind = kind_of(&column.kind, &system.data);
        let value = if *column.name == *accounts.login {
            login_of(&accounts, members).map(text)?
        } else {
            match value_of(&kind, json) {
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
const NAME_TAKEN: u32 = 1;

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
fn is_plain(table: &Table, column: &Column) -> bool {
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
    let Some(table) = users_table(system) else { return Vec::new() };
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

/// A new user in the making.
pub(super) struct Draft<'a> {
    system: &'a System,
    accounts: Accounts<'a>,
    table: Arc<Table>,
    values: Vec<(Arc<str>, Value)>,
    key: Option<Value>,
    login: String,
    role: String,
}

impl<'a> Draft<'a> {
    /// Checks what was sent and fills in what is the system's to decide.
    ///
    /// # Errors
    /// 400 with one detail per member.
    pub(super) fn new(
        inner: &Inner,
        system: &'a System,
        members: &Map<String, Json>,
        creator: Creator<'_>,
    ) -> Result<Self, Problem> {
        let accounts = Accounts::of(system);
        let Some(table) = users_table(system) else {
            return Err(Problem::new(ProblemCode::NotImplemented, "nobody can sign up here"));
        };
        let login = login_of(&accounts, members)?;
        let role = role_default(system).to_owned();
        let mut draft =
            Self { system, accounts, table, values: Vec::new(), key: None, login, role };
        draft.fill(inner, members, creator)?;
        Ok(draft)
    }

    fn fill(
        &mut self,
        inner: &Inner,
        members: &Map<String, Json>,
        creator: Creator<'_>,
    ) -> Result<(), Problem> {
        let mut wrong = Problem::new(ProblemCode::ValidationError, "some values do not fit");
        let table = self.table.clone();
        for column in &table.columns {
            let kind = kind_of(&column.kind, &self.system.data);
            let sent = member(members, &column.name).filter(|_| self.is_open(column, creator));
            let value = match sent {
                Some(json) if *column.name != *self.accounts.login => match value_of(&kind, json) {
                    Ok(value) => Some(value),
                    Err(reason) => {
                        wrong = wrong.detail(shown_name(self.system, &column.name), reason);
                        continue;
                    }
                },
                _ => self.decided(inner, column, &kind, creator),
            };
            if let Some(value) = value {
                self.values.push((column.name.as_str().into(), value));
            } else if self.is_missing(column) {
                wrong = wrong.detail(shown_name(self.system, &column.name), "is required");
            }
        }
        for name in self.strangers(members, creator) {
            wrong = wrong.detail(name, "is not known here");
        }
        if wrong.details.is_empty() { Ok(()) } else { Err(wrong) }
    }

    /// True for a column that whoever creates the user may fill.
    fn is_open(&self, column: &Column, creator: Creator<'_>) -> bool {
        if self.accounts.is_reserved(&column.name)
            || column.generated.is_some()
            || column.write_only
        {
            return false;
        }
        let Creator::Themselves { shown } = creator else { return true };
        let is_required = !column.nullable && column.default.is_none();
        shown.contains(&column.name) || is_required || is_plain(&self.table, column)
    }

    /// The value that is the system's to decide.
    fn decided(
        &mut self,
        inner: &Inner,
        column: &Column,
        kind: &Kind,
        creator: Creator<'_>,
    ) -> Option<Value> {
        let name = column.name.as_str();
        let has_place = !column.nullable && column.default.is_none();
        if *name == *self.accounts.login {
            return Some(text(self.login.as_str()));
        }
        if *name == *self.accounts.key {
            let is_made = has_place || column.default == Some(DefaultValue::RandomUuid);
            let id = inner.world.uuid();
            let key = match kind {
                Kind::Uuid => Some(Value::Uuid(id)),
                Kind::Text { .. } if is_made => Some(text(id.to_string())),
                _ => None,
            };
            self.key.clone_from(&key);
            return key;
        }
        if self.accounts.role.as_ref().is_some_and(|(role, _)| *role == name) {
            let is_stated = self.system.security.role_default.is_some() || column.default.is_none();
            return is_stated.then(|| role_value(kind, &self.role));
        }
        if let Some(value) = self.accounts.active_value(name) {
            return column.default.is_none().then(|| value_of(kind, &truth_or_text(value)).ok())?;
        }
        if !has_place {
            return None;
        }
        match kind {
            _ if self.accounts.is_reserved(name) => filler(kind),
            Kind::Timestamp { .. } => Some(moment(inner.world.now())),
            _ if creator == Creator::System && !self.is_link(name) => filler(kind),
            _ => None,
        }
    }

    fn is_link(&self, name: &str) -> bool {
        self.table.foreign_keys.iter().any(|key| key.columns.iter().any(|column| column == name))
    }

    fn is_missing(&self, column: &Column) -> bool {
        let is_password = self.accounts.password.as_deref() == Some(&*column.name);
        let is_handed_out =
            matches!(column.kind, ColumnType::Serial { .. }) || column.name == *self.accounts.key;
        let is_given = column.nullable || column.default.is_some() || column.generated.is_some();
        !(is_password || is_handed_out || is_given)
    }

    /// Members that name nothing. What a newcomer may not choose is left out in silence, since
    /// clients send whole forms; what nobody knows is a typing error.
    fn strangers(&self, members: &Map<String, Json>, creator: Creator<'_>) -> Vec<String> {
        let known = |name: &str| {
            let name = shape::snake(name);
            self.table.column(&name).is_some()
                || LOGIN_NAMES.contains(&&*name)
                || PASSWORD_NAMES.contains(&&*name)
                || CONFIRMATIONS.contains(&&*name)
                || ["role", "roles"].contains(&&*name)
                || matches!(creator, Creator::Themselves { shown } if shown.contains(&name))
        };
        members.keys().filter(|name| !known(name)).cloned().collect()
    }

    /// Another role than the default one; only for whoever speaks for the system.
    pub(super) fn with_role(mut self, role: &str) -> Self {
        self.role = role.to_owned();
        if let Some((column, kind)) = &self.accounts.role {
            let value = role_value(kind, role);
            self.values.retain(|(name, _)| **name != **column);
            self.values.push((column.as_ref().into(), value));
        }
        self
    }

    /// Writes the user with the hash of their password and gives back the row as its user sees it.
    ///
    /// # Errors
    /// 409 where the name is taken, 400 where a value does not fit, 404 where a requirement of
    /// `first` is not met.
    pub(super) async fn create(
        mut self,
        inner: &Inner,
        hash: String,
        is_admin: bool,
        first: Vec<Step>,
    ) -> Result<(Account, Map<String, Json>), Problem> {
        if let Some(column) = &self.accounts.password {
            self.values.push((column.as_ref().into(), text(hash.as_str())));
        }
        let outputs = shown(self.system, &self.table);
        let table: Arc<str> = Arc::from(&*self.accounts.table);
        let place = first.len() + 1;
        let mut steps = first;
        steps.extend([
            Step::Require {
                table: table.clone(),
                condition: equal(&self.accounts.login, text(self.login.as_str())),
                exists: false,
                refusal: NAME_TAKEN,
            },
            Step::Insert { table, values: std::mem::take(&mut self.values), returning: outputs },
        ]);
        if let Some(key) = &self.key {
            steps.extend(self.beside(inner, key, &hash, is_admin));
        }
        let outcomes = inner.store.write(steps).await.map_err(|error| self.refused(error))?;
        let row = outcomes.get(place).and_then(|outcome| outcome.rows.row(0)).map(rows::parsed);
        let Some(Ok(row)) = row else {
            return Err(rows::problem(StoreError::Fault("a new user was not given back".into())));
        };
        let key = match &self.key {
            Some(key) => key.clone(),
            None => self.handed_out(inner, &row, &hash, is_admin).await?,
        };
        let account = self.accounts.by_subject(&inner.store, &text_of_key(&key)).await;
        let account = account.map_err(rows::problem)?;
        account.map(|account| (account, row)).ok_or_else(Problem::not_found)
    }

    /// What is kept beside the user's row.
    fn beside(&self, inner: &Inner, key: &Value, hash: &str, is_admin: bool) -> Option<Step> {
        let keeps_password = self.accounts.password.is_none();
        let keeps_role = self.accounts.role.is_none();
        let needs_mark = is_admin && !is_admin_role(self.system, &self.role);
        (keeps_password || keeps_role || needs_mark).then(|| {
            let optional = |is_kept: bool, value: &str| match is_kept {
                true => text(value),
                false => Value::Null,
            };
            rows::insert(
                CREDENTIALS,
                vec![
                    ("user_id", key.clone()),
                    ("password_hash", optional(keeps_password, hash)),
                    ("role", optional(keeps_role, &self.role)),
                    ("is_admin", Value::Boolean(needs_mark)),
                    ("updated_at", moment(inner.world.now())),
                ],
            )
        })
    }

    /// The key that the store handed out, with what is kept beside the row under it.
    async fn handed_out(
        &self,
        inner: &Inner,
        row: &Map<String, Json>,
        hash: &str,
        is_admin: bool,
    ) -> Result<Value, Problem> {
        let key = row.get(&shown_name(self.system, &self.accounts.key)).and_then(|key| match key {
            Json::String(key) => key_value(&self.accounts.key_kind, key),
            Json::Number(key) => key_value(&self.accounts.key_kind, &key.to_string()),
            _ => None,
        });
        let Some(key) = key else {
            return Err(rows::problem(StoreError::Fault("a new user has no key".into())));
        };
        if let Some(step) = self.beside(inner, &key, hash, is_admin) {
            if let Err(error) = inner.store.write(vec![step]).await {
                // Without a password the row would only keep the name taken.
                let row = rows::delete(&self.accounts.table, equal(&self.accounts.key, key));
                let _ = inner.store.write(vec![row]).await;
                return Err(rows::problem(error));
            }
        }
        Ok(key)
    }

    fn refused(&self, error: StoreError) -> Problem {
        let shown = |name: &str| shown_name(self.system, name);
        match error {
            StoreError::Refused { refusal: NAME_TAKEN } => taken(&shown(&self.accounts.login)),
            StoreError::Refused { .. } => Problem::not_found(),
            StoreError::Unique { columns, .. } => {
                taken(&columns.first().map_or_else(String::new, |column| shown(column)))
            }
            error => refused_value(error, shown),
        }
    }
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
            wrong(field, "refers to nothing that exists")
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

fn taken(field: &str) -> Problem {
    Problem::new(ProblemCode::Conflict, format!("this `{field}` is taken"))
        .detail(field, "is taken")
}

/// Names under which a login is sent, whatever its column is called.
const LOGIN_NAMES: &[&str] = &["email", "username", "login", "identifier", "phone", "user_name"];
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

/// The name to sign in with, under its column's name or a usual one.
pub(super) fn sent_login<'m>(
    accounts: &Accounts<'_>,
    members: &'m Map<String, Json>,
) -> Option<&'m str> {
    member(members, &accounts.login)
        .and_then(Json::as_str)
        .or_else(|| text_member(members, LOGIN_NAMES))
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

fn login_of(accounts: &Accounts<'_>, members: &Map<String, Json>) -> Result<String, Problem> {
    let name = shown_name(accounts.system(), &accounts.login);
    let wrong = |message: &str| {
        Err(Problem::new(ProblemCode::ValidationError, "some values do not fit")
            .detail(name.clone(), message))
    };
    let Some(login) = sent_login(accounts, members) else { return wrong("is required") };
    let login = accounts.folded(login);
    if login.is_empty() || login.len() > LOGIN_BYTES_MAX {
        return wrong("must have between 1 and 320 bytes");
    }
    if login.chars().any(char::is_control) {
        return wrong("must not contain control characters");
    }
    if accounts.is_mail() && !is_mail_address(&login) {
        return wrong("must be an e-mail address");
    }
    Ok(login)
}

fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let is_domain = !domain.starts_with('.') && !domain.ends_with('.') && !domain.contains("..");
    !local.is_empty()
        && !local.contains('@')
        && !domain.is_empty()
        && is_domain
        && !text.chars().any(char::is_whitespace)
}

fn role_value(kind: &Kind, role: &str) -> Value {
    match kind {
        Kind::Array { .. } => Value::Json(Json::from(vec![role]).to_string()),
        _ => text(role),
    }
}

fn truth_or_text(value: &str) -> Json {
    match value {
        "true" => Json::Bool(true),
        "false" => Json::Bool(false),
        value => Json::from(value),
    }
}

/// A harmless value for a required column that nobody filled.
fn filler(kind: &Kind) -> Option<Value> {
    Some(match kind {
        Kind::Text { .. } | Kind::CaseInsensitiveText => text("admin"),
        Kind::Boolean => Value::Boolean(false),
        Kind::Integer { .. } => Value::Integer(0),
        Kind::Real { .. } => Value::Real(0.0),
        Kind::Numeric { .. } => Value::Decimal("0".to_owned()),
        Kind::Enum { values, .. } => text(values.first()?.as_str()),
        Kind::Json => Value::Json("{}".to_owned()),
        Kind::Array { .. } => Value::Json("[]".to_owned()),
        Kind::Date => Value::Date(0),
        Kind::Time => Value::Time(0),
        _ => return None,
    })
}

/// A value of a column from JSON.
pub(super) fn value_of(kind: &Kind, json: &Json) -> Result<Value, &'static str> {
    let text_of = || json.as_str().map(normalised);
    Ok(match (kind, json) {
        (_, Json::Null) => Value::Null,
        (Kind::Json | Kind::Array { .. }, json) => Value::Json(json.to_string()),
        (Kind::Boolean, json) => Value::Boolean(json.as_bool().ok_or("must be true or false")?),
        (Kind::Integer { .. } | Kind::Serial { .. }, json) => {
            Value::Integer(json.as_i64().ok_or("must be a whole number")?)
        }
        (Kind::Real { .. }, json) => Value::Real(json.as_f64().ok_or("must be a number")?),
        (Kind::Numeric { .. }, Json::Number(number)) => Value::Decimal(number.to_string()),
        (Kind::Uuid, json) => {
            let id = json.as_str().and_then(|text| uuid::Uuid::try_parse(text).ok());
            Value::Uuid(id.ok_or("must be a UUID")?)
        }
        (Kind::Timestamp { .. }, json) => {
            let at = json.as_str().and_then(|text| text.parse::<jiff::Timestamp>().ok());
            moment(at.ok_or("must be a moment such as 2026-01-31T12:00:00Z")?)
        }
        (Kind::Date, json) => {
            let day = json.as_str().and_then(|text| text.parse::<jiff::civil::Date>().ok());
            let day = day.ok_or("must be a day such as 2026-01-31")?;
            let span = day.since(jiff::civil::date(1970, 1, 1)).map_err(|_| "is out of range")?;
            Value::Date(span.get_days())
        }
        (Kind::Enum { values, .. }, json) => {
            let word = json.as_str().filter(|word| values.iter().any(|value| value == word));
            text(word.ok_or("must be one of the declared values")?)
        }
        _ => Value::Text(text_of().ok_or("must be text")?),
    })
}
