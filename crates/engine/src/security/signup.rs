//! A new user in the making: which columns whoever signs up may fill, what the system decides, and
//! the one write that makes the user.

use std::sync::Arc;

use document::{
    System,
    data::{Column, ColumnType, DefaultValue, Table},
};
use jiff::Timestamp;
use serde_json::{Map, Value as Json};
use store::{Kind, StoreError, Value, query::Step};

use super::{
    accounts::{Account, Accounts, is_admin_role, key_value, text_of_key},
    profile::{
        CONFIRMATIONS, LOGIN_NAMES, NAME_TAKEN, PASSWORD_NAMES, is_plain, login_of, member,
        refused_value, shown, shown_name, taken,
    },
    rows::{self, equal, moment, text},
    shape,
    tables::{CREDENTIALS, declared_users, role_default},
};
use crate::{
    Problem,
    data::{filled, kind_of, value_of},
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    service::Inner,
};

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

/// A new user in the making.
pub(super) struct Draft<'a> {
    system: &'a System,
    accounts: Accounts<'a>,
    table: Arc<Table>,
    values: Vec<(Arc<str>, Value)>,
    key: Option<Value>,
    login: String,
    role: String,
    now: Timestamp,
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
        let table = Arc::new(declared_users(system).into_owned());
        let login = login_of(&accounts, members)?;
        let mut role = role_default(system).to_owned();
        if let (Some(Json::String(sent)), true) =
            (members.get("role"), sabotage::is(Sabotage::RoleByRegistration))
        {
            role.clone_from(sent);
        }
        if let (Some(last), true) =
            (system.security.roles.last(), sabotage::is(Sabotage::OtherDefaultRole))
        {
            role.clone_from(&last.name);
        }
        let (values, now) = (Vec::new(), inner.world.now());
        let mut draft = Self { system, accounts, table, values, key: None, login, role, now };
        if let Creator::Themselves { shown } = creator {
            draft.refuse_claims(members, shown)?;
        }
        draft.fill(inner, members, creator)?;
        Ok(draft)
    }

    /// Refuses a role or state other than the one that every newcomer gets. Members that the
    /// document's own sample shows are left out in silence, as whole forms send them.
    fn refuse_claims(&self, members: &Map<String, Json>, shown: &[String]) -> Result<(), Problem> {
        let role_column = self.accounts.role.as_ref().map(|(column, _)| &**column);
        for (name, json) in members {
            let own = shape::snake(name);
            let is_role = role_column == Some(&*own)
                || (["role", "roles"].contains(&&*own) && self.table.column(&own).is_none());
            let usual = match self.accounts.active_value(&own) {
                Some(value) => value,
                None if is_role => &*self.role,
                None => continue,
            };
            let is_usual = match json {
                Json::Null => true,
                Json::Bool(truth) => truth.to_string() == usual,
                Json::String(word) => word.eq_ignore_ascii_case(usual),
                Json::Array(words) => words.iter().all(|word| word.as_str() == Some(usual)),
                _ => false,
            };
            if !is_usual && !shown.contains(&own) {
                let message = format!("`{name}` is the admin's alone to set");
                return Err(Problem::new(ProblemCode::Forbidden, message)
                    .detail(name.as_str(), "may not be set here"));
            }
        }
        Ok(())
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
            // The hash is added where the row is written.
            if self.accounts.password.as_deref() == Some(&*column.name) {
                continue;
            }
            let kind = kind_of(&column.kind, &self.system.data);
            let is_open = is_open(&self.accounts, &self.table, column, creator);
            let sent = member(members, &column.name).filter(|_| is_open);
            let value = match sent {
                Some(json) if *column.name != *self.accounts.login => {
                    match value_of(&kind, column.nullable, json) {
                        Ok(value) => Some(value),
                        Err(reason) => {
                            wrong = wrong.detail(shown_name(self.system, &column.name), reason);
                            continue;
                        }
                    }
                }
                _ => self.decided(inner, column, &kind, creator),
            };
            if let Some(value) = value {
                self.values.push((column.name.as_str().into(), value));
            } else if is_missing(&self.accounts, column) {
                wrong = wrong.detail(shown_name(self.system, &column.name), "is required");
            }
        }
        for name in self.strangers(members, creator) {
            wrong = wrong.detail(name, "is not known here");
        }
        if wrong.details.is_empty() { Ok(()) } else { Err(wrong) }
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
            return column
                .default
                .is_none()
                .then(|| value_of(kind, true, &truth_or_text(value)).ok())?;
        }
        if let Some(default) = &column.default {
            return filled(default, kind, &*inner.world, self.now);
        }
        if !has_place {
            return None;
        }
        match kind {
            _ if self.accounts.is_reserved(name) => filler(kind),
            Kind::Timestamp { .. } => Some(moment(self.now)),
            _ if creator == Creator::System && !self.is_link(name) => filler(kind),
            _ => None,
        }
    }

    fn is_link(&self, name: &str) -> bool {
        self.table.foreign_keys.iter().any(|key| key.columns.iter().any(|column| column == name))
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
            steps.extend(self.beside(key, &hash, is_admin));
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
    fn beside(&self, key: &Value, hash: &str, is_admin: bool) -> Option<Step> {
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
                    ("updated_at", moment(self.now)),
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
        if let Some(step) = self.beside(&key, hash, is_admin)
            && let Err(error) = inner.store.write(vec![step]).await
        {
            // Without a password the row would only keep the name taken.
            let row = rows::delete(&self.accounts.table, equal(&self.accounts.key, key));
            let _ = inner.store.write(vec![row]).await;
            return Err(rows::problem(error));
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

/// Columns that whoever signs up may fill, with `true` for those that they have to.
pub(super) fn open_columns(system: &System, shown: &[String]) -> Vec<(String, bool)> {
    let accounts = Accounts::of(system);
    let table = declared_users(system);
    let creator = Creator::Themselves { shown };
    let open = table.columns.iter().filter(|column| {
        *column.name == *accounts.login || is_open(&accounts, &table, column, creator)
    });
    let is_moment = |column: &Column| matches!(column.kind, ColumnType::Timestamp { .. });
    open.map(|column| (column.name.clone(), is_missing(&accounts, column) && !is_moment(column)))
        .collect()
}

/// True for a column that whoever creates the user may fill.
fn is_open(accounts: &Accounts<'_>, table: &Table, column: &Column, creator: Creator<'_>) -> bool {
    if accounts.is_reserved(&column.name) || column.generated.is_some() || column.write_only {
        return false;
    }
    let Creator::Themselves { shown } = creator else { return true };
    let is_required = !column.nullable && column.default.is_none();
    shown.contains(&column.name) || is_required || is_plain(table, column)
}

/// True for a column that has to be filled and that nothing fills by itself.
fn is_missing(accounts: &Accounts<'_>, column: &Column) -> bool {
    let is_password = accounts.password.as_deref() == Some(&*column.name);
    let is_handed_out =
        matches!(column.kind, ColumnType::Serial { .. }) || column.name == *accounts.key;
    let is_given = column.nullable || column.default.is_some() || column.generated.is_some();
    !(is_password || is_handed_out || is_given)
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
