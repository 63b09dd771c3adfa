//! Where users live: the document's table or the built-in one, resolved to columns and kinds.

use std::{borrow::Cow, sync::Arc};

use document::{System, data::ColumnType, security::Identity};
use icu_normalizer::ComposingNormalizerBorrowed;
use serde_json::Value as Json;
use store::{
    Expression, Kind, Store, StoreError, Value,
    query::{Output, Step},
};

use super::{
    principal::User,
    rows::{self, Row, equal},
    tables::{CREDENTIALS, TEXT, built_in_users_name, role_default},
};
use crate::data::kind_of;

/// Boolean columns that lock a user out while they are true.
const BLOCKED: &[&str] = &[
    "is_deleted",
    "is_banned",
    "is_blocked",
    "is_suspended",
    "is_locked",
    "banned",
    "blocked",
    "suspended",
    "disabled",
    "is_disabled",
];
/// Columns that lock a user out while they hold a moment.
const BLOCKED_SINCE: &[&str] =
    &["deleted_at", "banned_at", "blocked_at", "suspended_at", "deactivated_at", "disabled_at"];

/// Where users live.
pub(super) struct Accounts<'a> {
    system: &'a System,
    pub(super) table: Cow<'a, str>,
    pub(super) key: Cow<'a, str>,
    pub(super) key_kind: Kind,
    pub(super) key_is_unique: bool,
    pub(super) login: Cow<'a, str>,
    pub(super) login_kind: Kind,
    /// None where the hash is kept beside.
    pub(super) password: Option<Cow<'a, str>>,
    /// None where the role is kept beside.
    pub(super) role: Option<(Cow<'a, str>, Kind)>,
    /// Column and value that allow a user to log in.
    active: Option<(&'a str, &'a str)>,
    /// All columns that are read of a user.
    outputs: Arc<[Output]>,
}

/// A user as it was read, secrets included: never shown.
pub(super) struct Account {
    /// Who it is.
    pub(super) user: User,
    /// The password's hash, where there is one.
    pub(super) password_hash: Option<String>,
    /// May log in and be served.
    pub(super) is_active: bool,
}

impl<'a> Accounts<'a> {
    /// Where the users of this document live.
    pub(super) fn of(system: &'a System) -> Self {
        let accounts = match &system.security.identity {
            Identity::BuiltIn => Self::built_in(system),
            Identity::Table { .. } => Self::declared(system),
        };
        Self { outputs: accounts.columns_read(), ..accounts }
    }

    fn built_in(system: &'a System) -> Self {
        Self {
            system,
            table: built_in_users_name(system).into(),
            key: "id".into(),
            key_kind: Kind::Uuid,
            key_is_unique: true,
            login: "email".into(),
            login_kind: TEXT,
            password: Some("password_hash".into()),
            role: Some(("role".into(), TEXT)),
            active: None,
            outputs: Arc::from([]),
        }
    }

    fn declared(system: &'a System) -> Self {
        let Identity::Table { table, key, login, password, role, active } =
            &system.security.identity
        else {
            return Self::built_in(system);
        };
        let declared = system.data.table(table);
        let kind = |name: &str| {
            let column = declared.and_then(|table| table.column(name));
            column.map_or(TEXT, |column| kind_of(&column.kind, &system.data))
        };
        let is_unique = declared.is_some_and(|table| {
            table.primary_key == [key.as_str()]
                || table
                    .unique_keys
                    .iter()
                    .any(|unique| unique.columns == [key.as_str()] && unique.condition.is_none())
        });
        Self {
            system,
            table: table.into(),
            key: key.into(),
            key_kind: match kind(key) {
                Kind::Serial { bits } => Kind::Integer { bits },
                kind => kind,
            },
            key_is_unique: is_unique,
            login: login.into(),
            login_kind: kind(login),
            password: password.as_deref().map(Cow::from),
            role: role.as_deref().map(|role| (role.into(), kind(role))),
            active: active.as_ref().map(|(column, value)| (column.as_str(), value.as_str())),
            outputs: Arc::from([]),
        }
    }

    fn columns_read(&self) -> Arc<[Output]> {
        let mut columns = vec![
            (self.key.to_string(), self.key_kind.clone()),
            (self.login.to_string(), self.login_kind.clone()),
        ];
        let mut add = |name: &str, kind: Kind| {
            if columns.iter().all(|(known, _)| known != name) {
                columns.push((name.to_owned(), kind));
            }
        };
        for name in self.naming() {
            add(name, TEXT);
        }
        if let Some(password) = &self.password {
            add(password, TEXT);
        }
        if let Some((role, kind)) = &self.role {
            add(role, kind.clone());
        }
        if let Some(table) = self.system.data.table(&self.table) {
            let telling = self.active.iter().map(|(column, _)| *column);
            for name in telling.chain(BLOCKED.iter().chain(BLOCKED_SINCE).copied()) {
                if let Some(column) = table.column(name) {
                    add(name, kind_of(&column.kind, &self.system.data));
                }
            }
        }
        rows::outputs(columns.iter().map(|(name, kind)| (name.as_str(), kind.clone())))
    }

    /// The user with this key, as in a token's `sub`.
    pub(super) async fn by_subject(
        &self,
        store: &Store,
        subject: &str,
    ) -> Result<Option<Account>, StoreError> {
        let Some(key) = key_value(&self.key_kind, subject) else { return Ok(None) };
        let condition = equal(&self.key, key);
        let found = rows::read(store, &self.table, self.outputs.clone(), condition, 1).await?;
        match found.into_iter().next() {
            Some(row) => self.account(store, row).await.map(Some),
            None => Ok(None),
        }
    }

    /// The one user whose `column`, one of [`Accounts::naming`], holds this name. A row that the
    /// store finds alike but that is not the same after folding is somebody else.
    pub(super) async fn by_name(
        &self,
        store: &Store,
        column: &str,
        name: &str,
    ) -> Result<Option<Account>, StoreError> {
        let (folded, typed) = (self.folded(column, name), normalised(name));
        let mut spellings = vec![folded.clone()];
        if typed != folded {
            spellings.push(typed.clone());
        }
        let condition = Expression::In {
            operand: Box::new(Expression::column(column)),
            list: spellings.into_iter().map(|text| Value::Text(text).into()).collect(),
            negated: false,
        };
        let found = rows::read(store, &self.table, self.outputs.clone(), condition, 3).await?;
        let stored = |row: &Row| row.get(column).and_then(Json::as_str).map(str::to_owned);
        let same = |row: &Row| stored(row).is_some_and(|one| self.folded(column, &one) == folded);
        let mut found: Vec<Row> = found.into_iter().filter(same).collect();
        if found.len() > 1 {
            // Two rows differ by spelling alone: only the exact spelling names one of them.
            found.retain(|row| stored(row).as_deref() == Some(&*typed));
        }
        match (found.pop(), found.is_empty()) {
            (Some(row), true) => self.account(store, row).await.map(Some),
            _ => Ok(None),
        }
    }

    /// Columns that name one user at login: the login's own first, then unique ones beside it.
    pub(super) fn naming(&self) -> Vec<&str> {
        let mut naming = vec![&*self.login];
        let Some(table) = self.system.data.table(&self.table) else { return naming };
        let is_unique = |name: &str| {
            let mut keys = table.unique_keys.iter();
            keys.any(|key| key.columns == [name] && key.condition.is_none())
        };
        for name in ["email", "username", "user_name", "login", "phone"] {
            let is_text = table.column(name).is_some_and(|column| {
                matches!(column.kind, ColumnType::Text { .. } | ColumnType::CaseInsensitiveText)
            });
            if is_text && is_unique(name) && !naming.contains(&name) {
                naming.push(name);
            }
        }
        naming
    }

    /// The one spelling under which a name is looked up and stored: an e-mail address without
    /// case, any other name as it is; both in one Unicode form.
    pub(super) fn folded(&self, column: &str, name: &str) -> String {
        let name = normalised(name);
        let declared = self.system.data.table(&self.table).and_then(|table| table.column(column));
        let ignores_case =
            declared.is_some_and(|column| column.kind == ColumnType::CaseInsensitiveText);
        if is_mail(column) || ignores_case {
            // Lower case may leave the composed form, so that it is composed again.
            normalised(&name.to_lowercase())
        } else {
            name
        }
    }

    /// True where users are named by their e-mail address.
    pub(super) fn is_mail(&self) -> bool {
        is_mail(&self.login)
    }

    /// The value of `column` that lets a user log in.
    pub(super) fn active_value(&self, column: &str) -> Option<&'a str> {
        self.active.filter(|(name, _)| *name == column).map(|(_, value)| value)
    }

    async fn account(&self, store: &Store, row: Row) -> Result<Account, StoreError> {
        let id = row.get(&*self.key).and_then(|json| value_of_key(&self.key_kind, json));
        let Some(id) = id else {
            return Err(StoreError::Fault("a user's key could not be read".to_owned()));
        };
        let beside = self.credentials(store, &id).await?;
        let text = |row: &Row, name: &str| row.get(name).and_then(Json::as_str).map(str::to_owned);
        let password_hash = match &self.password {
            Some(column) => text(&row, column),
            None => beside.as_ref().and_then(|row| text(row, "password_hash")),
        };
        let roles = match &self.role {
            Some((column, _)) => row.get(&**column).map(words).unwrap_or_default(),
            None => {
                let kept = beside.as_ref().and_then(|row| text(row, "role"));
                vec![kept.unwrap_or_else(|| role_default(self.system).to_owned())]
            }
        };
        let is_marked = beside
            .as_ref()
            .and_then(|row| row.get("is_admin"))
            .is_some_and(|mark| mark == &Json::Bool(true));
        let is_admin = is_marked || roles.iter().any(|role| is_admin_role(self.system, role));
        let user = User {
            subject: text_of_key(&id),
            id,
            login: text(&row, &self.login),
            roles,
            is_admin,
            session: String::new(),
        };
        Ok(Account { user, password_hash, is_active: self.is_active(&row) })
    }

    async fn credentials(&self, store: &Store, id: &Value) -> Result<Option<Row>, StoreError> {
        let columns = [("password_hash", TEXT), ("role", TEXT), ("is_admin", Kind::Boolean)];
        let condition = equal("user_id", id.clone());
        let found = rows::read(store, CREDENTIALS, rows::outputs(columns), condition, 1).await?;
        Ok(found.into_iter().next())
    }

    fn is_active(&self, row: &Row) -> bool {
        let is_allowed = self
            .active
            .is_none_or(|(column, value)| row.get(column).is_some_and(|found| says(found, value)));
        let is_blocked = BLOCKED.iter().any(|name| row.get(*name).is_some_and(|v| says(v, "true")))
            || BLOCKED_SINCE.iter().any(|name| row.get(*name).is_some_and(|v| !v.is_null()));
        is_allowed && !is_blocked
    }

    /// The document.
    pub(super) fn system(&self) -> &'a System {
        self.system
    }

    /// Columns that name the user and say what they are: never for a caller to choose.
    pub(super) fn is_reserved(&self, column: &str) -> bool {
        column == self.key
            || self.role.as_ref().is_some_and(|(role, _)| role == column)
            || self.password.as_deref() == Some(column)
            || self.active.is_some_and(|(active, _)| active == column)
            || BLOCKED.contains(&column)
            || BLOCKED_SINCE.contains(&column)
    }

    /// The step that keeps a new hash where it belongs.
    pub(super) fn keep_password(&self, id: &Value, hash: String) -> Step {
        match &self.password {
            Some(column) => rows::update(
                &self.table,
                vec![(&**column, rows::text(hash).into())],
                equal(&self.key, id.clone()),
            ),
            None => rows::update(
                CREDENTIALS,
                vec![("password_hash", rows::text(hash).into())],
                equal("user_id", id.clone()),
            ),
        }
    }
}

/// True for a column that holds e-mail addresses.
fn is_mail(column: &str) -> bool {
    column.contains("mail") || column == "correo"
}

/// True for a role that may do everything.
pub(super) fn is_admin_role(system: &System, role: &str) -> bool {
    system
        .security
        .roles
        .iter()
        .any(|known| known.is_admin && known.name.eq_ignore_ascii_case(role))
}

/// One Unicode form (NFC), without white space around.
pub(super) fn normalised(text: &str) -> String {
    ComposingNormalizerBorrowed::new_nfc().normalize(text.trim()).into_owned()
}

fn says(found: &Json, wanted: &str) -> bool {
    match found {
        Json::Bool(found) => found.to_string().eq_ignore_ascii_case(wanted),
        Json::String(found) => found == wanted,
        Json::Number(found) => {
            let wanted = match wanted {
                "true" => "1",
                "false" => "0",
                wanted => wanted,
            };
            found.to_string() == wanted
        }
        _ => false,
    }
}

fn words(json: &Json) -> Vec<String> {
    match json {
        Json::String(word) => vec![word.clone()],
        Json::Array(words) => words.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

/// A user's key from text; none where it cannot be one.
pub(super) fn key_value(kind: &Kind, text: &str) -> Option<Value> {
    Some(match kind {
        Kind::Uuid => Value::Uuid(uuid::Uuid::try_parse(text).ok()?),
        Kind::Integer { .. } | Kind::Serial { .. } => Value::Integer(text.parse().ok()?),
        _ => Value::Text(text.to_owned()),
    })
}

fn value_of_key(kind: &Kind, json: &Json) -> Option<Value> {
    match json {
        Json::String(text) => key_value(kind, text),
        Json::Number(number) => key_value(kind, &number.to_string()),
        _ => None,
    }
}

/// A user's key as text, as in a token's `sub`.
pub(super) fn text_of_key(key: &Value) -> String {
    match key {
        Value::Uuid(uuid) => uuid.to_string(),
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        _ => String::new(),
    }
}
