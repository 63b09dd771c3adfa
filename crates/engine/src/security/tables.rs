//! Tables that the engine keeps for itself beside those of the document, and the built-in table of
//! users. None but the latter is ever a resource.

use std::borrow::Cow;

use document::{
    Span, System,
    data::{self, ColumnType, Data, DefaultValue, Form},
    expression::Literal,
    security::Identity,
};
use store::{
    Expression, Kind,
    schema::{Column, ForeignKey, Index, ReferentialAction, Table, UniqueKey},
};

use super::accounts::Accounts;

/// One row for each sign-in; the family of its refresh tokens.
pub(super) const SESSIONS: &str = "_vitruvius_sessions";
/// Refresh tokens, hashed.
pub(super) const REFRESH_TOKENS: &str = "_vitruvius_refresh_tokens";
/// Password, role and the mark of the admin, where the document's table of users has no place.
pub(super) const CREDENTIALS: &str = "_vitruvius_credentials";
/// Failed sign-ins by name.
pub(super) const FAILURES: &str = "_vitruvius_login_failures";
/// What the engine must remember about itself.
pub(super) const SETTINGS: &str = "_vitruvius_settings";
/// Starts the name of every table that is never a resource.
pub const INTERNAL_PREFIX: &str = "_vitruvius_";

/// The name of the built-in table of users where the document leaves it free.
const USERS: &str = "users";
/// Its name where the document has a table `users` in which nobody can log in.
const USERS_ASIDE: &str = "_vitruvius_users";

/// The name of the built-in table of users; only there where the document has no users of its own.
pub(super) fn built_in_users_name(system: &System) -> &'static str {
    let taken = |table: &data::Table| table.name == USERS && table.form != Form::BuiltIn;
    let is_view = system.data.views.iter().any(|view| view.name == USERS);
    if is_view || system.data.tables.iter().any(taken) { USERS_ASIDE } else { USERS }
}

/// The built-in table of users as an ordinary table, to be served like one of the document's; none
/// where the document has its own users, or a table `users` that is something else.
pub fn built_in_users(system: &System) -> Option<data::Table> {
    let is_needed = system.security.identity == Identity::BuiltIn;
    let is_free = built_in_users_name(system) == USERS && system.data.table(USERS).is_none();
    (is_needed && is_free).then(|| users_table(USERS, role_default(system)))
}

/// The table of users with all its columns, whoever declares it.
pub(super) fn declared_users(system: &System) -> Cow<'_, data::Table> {
    let accounts = Accounts::of(system);
    match system.data.table(&accounts.table) {
        Some(table) => Cow::Borrowed(table),
        None => Cow::Owned(users_table(&accounts.table, role_default(system))),
    }
}

/// The role of somebody who signs up.
pub(super) fn role_default(system: &System) -> &str {
    let security = &system.security;
    let first = || security.roles.iter().find(|role| !role.is_admin).map(|role| &*role.name);
    security.role_default.as_deref().or_else(first).unwrap_or("user")
}

fn users_table(name: &str, role: &str) -> data::Table {
    let column = |name: &str, kind: ColumnType, default: Option<DefaultValue>| data::Column {
        name: name.to_owned(),
        kind,
        nullable: false,
        default,
        generated: None,
        touched_on_update: name == "updated_at",
        write_only: name == "password_hash",
        comment: None,
        renamed_from: None,
        span: Span::default(),
        type_span: Span::default(),
    };
    let text = |length| ColumnType::Text { length_max: Some(length) };
    let zoned = ColumnType::Timestamp { zoned: true };
    let role = DefaultValue::Literal { literal: Literal::Text(role.to_owned()) };
    data::Table {
        name: name.to_owned(),
        columns: vec![
            column("id", ColumnType::Uuid, Some(DefaultValue::RandomUuid)),
            column("email", text(320), None),
            column("password_hash", text(255), None),
            column("role", text(100), Some(role)),
            column("created_at", zoned.clone(), Some(DefaultValue::Now)),
            column("updated_at", zoned, Some(DefaultValue::Now)),
        ],
        primary_key: vec!["id".to_owned()],
        unique_keys: vec![data::UniqueKey {
            name: None,
            columns: vec!["email".to_owned()],
            condition: None,
            span: Span::default(),
        }],
        checks: Vec::new(),
        exclusions: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        comment: Some("the built-in users, since the document declares none".to_owned()),
        form: Form::BuiltIn,
        renamed_from: None,
        span: Span::default(),
    }
}

/// All tables beyond those of the document. The built-in `users` is among them where
/// [`built_in_users`] gives it, or where it must stand aside under another name.
pub fn internal_tables(system: &System) -> Vec<Table> {
    let accounts = Accounts::of(system);
    let mut tables = Vec::new();
    let built_in = system.security.identity == Identity::BuiltIn;
    if built_in && system.data.table(&accounts.table).is_none() {
        let users = users_table(&accounts.table, role_default(system));
        tables.push(stored_users(&users, &system.data));
    }
    tables.extend([
        sessions(&accounts),
        refresh_tokens(),
        credentials(&accounts),
        failures(),
        settings(),
    ]);
    tables
}

/// The built-in users as the store wants them.
fn stored_users(users: &data::Table, data: &Data) -> Table {
    let column = |column: &data::Column| Column {
        default: match &column.default {
            Some(DefaultValue::RandomUuid) => Some(store::schema::Default::RandomUuid),
            Some(DefaultValue::Now) => Some(store::schema::Default::Now),
            Some(DefaultValue::Literal { literal: Literal::Text(text) }) => {
                Some(store::schema::Default::Value(store::Value::Text(text.clone())))
            }
            _ => None,
        },
        ..required(&column.name, crate::data::kind_of(&column.kind, data))
    };
    Table {
        columns: users.columns.iter().map(column).collect(),
        unique_keys: vec![UniqueKey {
            name: format!("{}_email_key", users.name),
            columns: vec!["email".to_owned()],
            condition: None,
            origin: ORIGIN.to_owned(),
        }],
        ..table(&users.name, "id")
    }
}

/// Shown in plans where a document's place would stand.
const ORIGIN: &str = "built in";

fn table(name: &str, key: &str) -> Table {
    Table {
        name: name.to_owned(),
        columns: Vec::new(),
        primary_key: vec![key.to_owned()],
        unique_keys: Vec::new(),
        checks: Vec::new(),
        exclusions: Vec::new(),
        foreign_keys: Vec::new(),
        indexes: Vec::new(),
        renamed_from: None,
        origin: ORIGIN.to_owned(),
    }
}

fn required(name: &str, kind: Kind) -> Column {
    Column {
        name: name.to_owned(),
        kind,
        nullable: false,
        default: None,
        generated: None,
        renamed_from: None,
        origin: ORIGIN.to_owned(),
    }
}

fn optional(name: &str, kind: Kind) -> Column {
    Column { nullable: true, ..required(name, kind) }
}

/// What all texts of the engine's own tables are.
pub(super) const TEXT: Kind = Kind::Text { length_max: None };
/// What all its moments are.
pub(super) const MOMENT: Kind = Kind::Timestamp { zoned: true };
/// What all its numbers are.
pub(super) const NUMBER: Kind = Kind::Integer { bits: 64 };

/// Rows that go with their user, also where the user goes by a cascade.
fn with_user(accounts: &Accounts<'_>) -> Vec<ForeignKey> {
    // A key that is not unique cannot be referred to.
    if !accounts.key_is_unique {
        return Vec::new();
    }
    vec![ForeignKey {
        columns: vec!["user_id".to_owned()],
        table: accounts.table.to_string(),
        referred: vec![accounts.key.to_string()],
        on_delete: ReferentialAction::Cascade,
        on_update: ReferentialAction::Cascade,
    }]
}

fn index(table: &str, column: &str) -> Index {
    Index {
        name: format!("{table}_{column}_idx"),
        parts: vec![(Expression::column(column), false)],
        method: "btree".to_owned(),
        condition: None,
        origin: ORIGIN.to_owned(),
    }
}

fn sessions(accounts: &Accounts<'_>) -> Table {
    Table {
        columns: vec![
            required("id", Kind::Uuid),
            required("user_id", accounts.key_kind.clone()),
            required("audience", TEXT),
            required("created_at", MOMENT),
            required("expires_at", MOMENT),
            optional("revoked_at", MOMENT),
        ],
        foreign_keys: with_user(accounts),
        indexes: vec![index(SESSIONS, "user_id"), index(SESSIONS, "expires_at")],
        ..table(SESSIONS, "id")
    }
}

fn refresh_tokens() -> Table {
    Table {
        columns: vec![
            required("hash", TEXT),
            required("session_id", Kind::Uuid),
            required("issued_at", MOMENT),
            required("expires_at", MOMENT),
            optional("rotated_at", MOMENT),
        ],
        foreign_keys: vec![ForeignKey {
            columns: vec!["session_id".to_owned()],
            table: SESSIONS.to_owned(),
            referred: vec!["id".to_owned()],
            on_delete: ReferentialAction::Cascade,
            on_update: ReferentialAction::Cascade,
        }],
        indexes: vec![index(REFRESH_TOKENS, "session_id")],
        ..table(REFRESH_TOKENS, "hash")
    }
}

fn credentials(accounts: &Accounts<'_>) -> Table {
    Table {
        columns: vec![
            required("user_id", accounts.key_kind.clone()),
            optional("password_hash", TEXT),
            optional("role", TEXT),
            required("is_admin", Kind::Boolean),
            required("updated_at", MOMENT),
        ],
        foreign_keys: with_user(accounts),
        ..table(CREDENTIALS, "user_id")
    }
}

fn failures() -> Table {
    Table {
        columns: vec![
            required("login_hash", TEXT),
            required("failures", NUMBER),
            required("updated_at", MOMENT),
            optional("locked_until", MOMENT),
        ],
        indexes: vec![index(FAILURES, "updated_at")],
        ..table(FAILURES, "login_hash")
    }
}

fn settings() -> Table {
    Table {
        columns: vec![
            required("name", TEXT),
            required("value", TEXT),
            required("updated_at", MOMENT),
        ],
        ..table(SETTINGS, "name")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_without_users_gets_built_in_ones() {
        let system = System::default();
        let tables = internal_tables(&system);
        let users = tables.iter().find(|table| table.name == "users").expect("users");
        let names: Vec<&str> = users.columns.iter().map(|column| &*column.name).collect();
        assert_eq!(names, ["id", "email", "password_hash", "role", "created_at", "updated_at"]);
        assert!(built_in_users(&system).is_some());
    }

    #[test]
    fn a_table_users_in_which_nobody_can_log_in_is_left_alone() {
        let mut system = System::default();
        let mut users = users_table("users", "user");
        users.form = Form::Sql;
        system.data.tables.push(users);
        assert!(built_in_users(&system).is_none());
        let tables = internal_tables(&system);
        assert!(tables.iter().all(|table| table.name.starts_with(INTERNAL_PREFIX)));
        assert!(tables.iter().any(|table| table.name == USERS_ASIDE));
    }

    #[test]
    fn what_belongs_to_a_user_goes_with_the_user() {
        for table in internal_tables(&System::default()) {
            if table.column("user_id").is_some() {
                let [key] = table.foreign_keys.as_slice() else { panic!("no key: {}", table.name) };
                assert_eq!(key.on_delete, ReferentialAction::Cascade);
                assert_eq!(key.table, "users");
            }
        }
    }
}
