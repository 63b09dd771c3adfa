//! Finds the table that holds users, and in it the columns for login, password, role and state.

use crate::{
    Diagnostic,
    data::{Column, ColumnType, Data, DefaultValue, Table},
    expression::Literal,
    security::{Identity, codes, vocabulary::name_words},
};

/// Names of tables that hold users, most telling first, in the singular.
const TABLES: &[&str] = &[
    "user",
    "account",
    "app user",
    "core user",
    "auth user",
    "member",
    "profile",
    "user profile",
    "user account",
    "person",
    "employee",
    "customer",
    "usuario",
    "utilisateur",
    "benutzer",
];

/// Columns that name a user at login, most telling first.
const LOGINS: &[&str] = &[
    "email",
    "email_address",
    "user_email",
    "username",
    "user_name",
    "login",
    "phone",
    "phone_number",
    "mobile",
    "mobile_number",
    "wallet",
    "wallet_address",
    "correo",
    "correo_electronico",
    "e_mail",
    "mail",
    "courriel",
    "benutzername",
    "nombre_usuario",
];

/// Columns that hold a password's hash.
const PASSWORDS: &[&str] = &[
    "password_hash",
    "hashed_password",
    "password_digest",
    "encrypted_password",
    "passwd_hash",
    "password",
    "passwd",
    "pwd_hash",
    "pass_hash",
    "passwort_hash",
    "passwort",
    "kennwort_hash",
    "kennwort",
    "contrasena_hash",
    "contraseña_hash",
    "contrasena",
    "contraseña",
    "mot_de_passe_hash",
    "mot_de_passe",
    "senha_hash",
    "senha",
];

/// Columns that hold a role.
const ROLES: &[&str] =
    &["role", "user_role", "role_name", "account_role", "user_type", "rol", "rolle"];

/// Where users live.
pub(super) fn identity(data: &Data) -> Identity {
    let best = data
        .tables
        .iter()
        .filter_map(|table| Some((score(table)?, table)))
        // The first of equals wins: the order of declaration decides.
        .min_by_key(|(score, _)| std::cmp::Reverse(*score));
    let Some((_, table)) = best else { return Identity::BuiltIn };
    let (Some(key), Some(login)) = (table.key(), first(table, LOGINS)) else {
        return Identity::BuiltIn;
    };
    Identity::Table {
        table: table.name.clone(),
        key: key.name.clone(),
        login: login.name.clone(),
        password: first(table, PASSWORDS).map(|column| column.name.clone()),
        role: role_column(table).map(|column| column.name.clone()),
        active: active(table, data),
    }
}

/// How surely a table holds users; none where it cannot be one.
fn score(table: &Table) -> Option<u32> {
    table.key()?;
    first(table, LOGINS)?;
    let words = name_words(&table.name).join(" ");
    let named = TABLES.iter().position(|name| *name == words);
    let has_password = first(table, PASSWORDS).is_some();
    // Customers and employees with an e-mail address are contacts unless they can log in.
    let is_telling = named.is_some_and(|place| place < 9);
    if !has_password && !is_telling {
        return None;
    }
    let by_name = named.map_or(0, |place| 40 - u32::try_from(place).unwrap_or(40).min(40));
    let by_password = if has_password { 30 } else { 0 };
    let by_role = if role_column(table).is_some() { 5 } else { 0 };
    Some(by_name + by_password + by_role)
}

fn first<'a>(table: &'a Table, names: &[&str]) -> Option<&'a Column> {
    names.iter().find_map(|name| table.column(name))
}

/// The column that holds the role as a word; a key of a roles table is none.
pub(super) fn role_column(table: &Table) -> Option<&Column> {
    first(table, ROLES).filter(|column| {
        matches!(
            column.kind,
            ColumnType::Text { .. }
                | ColumnType::CaseInsensitiveText
                | ColumnType::Enum { .. }
                | ColumnType::Other { .. }
        )
    })
}

/// Tells where users refer to a table of roles.
pub(super) fn report_roles_table(
    data: &Data,
    identity: &Identity,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let Identity::Table { table, role: None, .. } = identity else { return };
    let Some(table) = data.table(table) else { return };
    let key = table.foreign_keys.iter().find(|key| {
        name_words(&key.table).last().is_some_and(|word| word == "role") && key.columns.len() == 1
    });
    let (Some(key), Some(column)) = (key, key.and_then(|key| key.columns.first())) else { return };
    let message = format!(
        "`{}.{column}` refers to the table `{}`: the role that decides about access is kept \
         beside the user",
        table.name, key.table
    );
    let mut diagnostic =
        Diagnostic::new(&codes::S009, key.span, message).label("a key, not a role's name");
    if let Some(roles) = data.table(&key.table) {
        diagnostic = diagnostic.also(roles.span, "its rows are data like any other");
    }
    diagnostics.push(diagnostic.help(
        "to let a column decide, write `role VARCHAR(20) NOT NULL DEFAULT 'member' \
         CHECK (role IN ('member', 'admin'))`",
    ));
}

/// The column and value that say that a user may log in.
fn active(table: &Table, data: &Data) -> Option<(String, String)> {
    for name in ["is_active", "active", "enabled", "is_enabled"] {
        if let Some(column) = table.column(name)
            && column.kind == ColumnType::Boolean
        {
            return Some((column.name.clone(), "true".to_owned()));
        }
    }
    for name in ["status", "account_status", "user_status", "state"] {
        let Some(column) = table.column(name) else { continue };
        let values = data.values_of(table, column).map(|found| found.0);
        let active = values
            .unwrap_or_default()
            .into_iter()
            .find(|value| value.eq_ignore_ascii_case("active"));
        let by_default = match &column.default {
            Some(DefaultValue::Literal { literal: Literal::Text(value) })
                if value.eq_ignore_ascii_case("active") =>
            {
                Some(value.clone())
            }
            _ => None,
        };
        if let Some(value) = active.or(by_default) {
            return Some((column.name.clone(), value));
        }
    }
    None
}
