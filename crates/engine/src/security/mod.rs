//! Security: who asks, what they may do, how often, and from where.
//!
//! A request enters at [`who`]; accounts are served by [`account`]; what the engine keeps for
//! itself stands in [`internal_tables`].

mod account;
mod accounts;
mod address;
mod admin;
mod admit;
mod changes;
mod cors;
mod kept;
mod keys;
mod limits;
mod lockout;
pub(crate) mod may;
mod newcomer;
mod page;
mod password;
mod principal;
mod profile;
mod recent;
mod ring;
mod rows;
mod secret;
mod sessions;
mod shape;
mod shield;
mod signup;
mod tables;
mod together;
mod token;
mod who;

pub(crate) use account::signup_columns;
pub use account::{Call, account};
pub use address::client_address;
pub use admin::{admin_link, create_admin};
pub use admit::{Admitted, admit};
pub(crate) use limits::Limits;
pub(crate) use newcomer::{NewPassword, keep_passwords, kept_value, login_to_check, take_password};
pub use page::page;
pub use principal::{Principal, User};
pub use shape::Reply;
pub use shield::{RequestLimits, limits_of, preflight};
pub(crate) use shield::{protect, protection};
pub use tables::{INTERNAL_PREFIX, built_in_users, internal_tables};
pub use who::{Asked, unauthenticated, who};

use crate::{Problem, Running, service::Inner, shared::Notice};

/// Keys, verified tokens, limits: what outlives one version of the document.
#[derive(Default)]
pub struct State {
    keys: keys::Keys,
    ring: ring::Ring,
    verified: who::Verified,
    changes: changes::Changes,
    hashing: password::Hashing,
    counters: limits::Counters,
}

impl State {
    /// One user's row has changed or gone: tokens of this user are looked at again.
    pub fn user_changed(&self, subject: &str) {
        self.changes.user(subject);
    }

    /// Any user's row may have changed or gone.
    pub fn users_changed(&self) {
        self.changes.everybody();
    }

    /// Rows of `table` have changed in a way that may touch any user: to be called after every
    /// write. Cheap: it only counts, and only where the table holds users.
    pub(crate) fn table_changed(&self, users: &crate::data::Users, table: &str, is_delete: bool) {
        // A delete anywhere may reach users by a cascade.
        if is_delete || users.table == table {
            self.changes.everybody();
        }
    }
}

/// Where users live, for conditions over the principal's own row.
pub(crate) fn users(system: &document::System) -> crate::data::Users {
    let accounts = accounts::Accounts::of(system);
    crate::data::Users { table: accounts.table.to_string(), key: accounts.key.to_string() }
}

/// Columns of the users' table that say what a user is: the admin's alone to set. The password's
/// hash is among them, and only the account endpoints set it.
pub(crate) fn reserved_columns(
    system: &document::System,
    table: &document::data::Table,
) -> Vec<String> {
    let accounts = accounts::Accounts::of(system);
    let names = table.columns.iter().map(|column| &column.name);
    names.filter(|name| **name != accounts.key && accounts.is_reserved(name)).cloned().collect()
}

/// The column that holds the hash of a user's password.
pub(crate) fn password_column(system: &document::System) -> Option<String> {
    accounts::Accounts::of(system).password.as_deref().map(str::to_owned)
}

/// Characters of a password at least and at most.
pub(crate) fn password_length(system: &document::System) -> (usize, usize) {
    password::length(&system.security.password)
}

/// Makes ready what a version of the document needs, so that no request waits for it: above all the
/// key for tokens, which takes up to a second at the first start. Called again every hour, so that
/// the other processes know that this one is there.
///
/// # Errors
/// 500 where the key can be neither read nor made; the reason is in the log.
pub async fn prepare(inner: &Inner, running: &Running) -> Result<(), Problem> {
    ring::share(inner, running).await?;
    sessions::key(inner, running).map(|_| ())
}

/// What tells this database from all others, whoever connects to it and by whatever address.
///
/// # Errors
/// [`store::StoreError`].
pub(crate) async fn identity(
    store: &store::Store,
    world: &dyn crate::World,
) -> Result<String, store::StoreError> {
    kept::kept(store, "identity", world.now(), || world.uuid().simple().to_string()).await
}

/// What the engine remembers under a name.
///
/// # Errors
/// [`store::StoreError`].
pub(crate) async fn remembered(
    store: &store::Store,
    name: &str,
) -> Result<Option<String>, store::StoreError> {
    kept::read(store, name).await
}

/// Remembers values under names, all or none.
///
/// # Errors
/// [`store::StoreError`].
pub(crate) async fn remember(
    store: &store::Store,
    values: &[(&str, &str)],
    now: jiff::Timestamp,
) -> Result<(), store::StoreError> {
    kept::write(store, values, now).await
}

/// One user's row, role or sessions have changed: tokens of this user are looked at again, here and
/// in every other process on the database, before anybody is told that it happened.
pub(crate) async fn user_changed(inner: &Inner, subject: &str) {
    inner.security.user_changed(subject);
    Box::pin(inner.shared.tell(Notice::User(subject.to_owned()))).await;
}

/// Rows of `table` have changed in a way that may touch any user; to be called after every write.
/// Where it can touch none it only looks at a name.
pub(crate) async fn table_changed(inner: &Inner, running: &Running, table: &str, is_delete: bool) {
    inner.security.table_changed(&running.users, table, is_delete);
    if inner.shared.notices.is_some() && may_touch_users(running, table, is_delete) {
        Box::pin(inner.shared.tell(Notice::Users)).await;
    }
}

/// True where a write to a table may change users: it is theirs, or they follow a row of it that goes.
fn may_touch_users(running: &Running, table: &str, is_delete: bool) -> bool {
    if running.users.table == table {
        return true;
    }
    // Whom a delete reaches is followed no further than that users follow anything at all.
    let own = running.system.data.table(&running.users.table);
    is_delete && own.is_some_and(|users| !users.foreign_keys.is_empty())
}

/// Tables that say who may do what.
pub(crate) fn tables_of_users(system: &document::System) -> Vec<std::sync::Arc<str>> {
    let users = accounts::Accounts::of(system).table;
    let own = [tables::SESSIONS, tables::CREDENTIALS, tables::SETTINGS, &users];
    own.into_iter().map(std::sync::Arc::from).collect()
}

/// The public keys that verify tokens, as a JWK set.
///
/// # Errors
/// 500 where the key can be neither read nor made.
pub fn jwks(inner: &Inner, running: &Running) -> Result<serde_json::Value, Problem> {
    let key = sessions::key(inner, running)?;
    let own = key.public.iter().cloned();
    let others = inner.security.ring.public().into_iter();
    let others = others.filter(|other| key.public.is_some() && other["kid"] != key.id);
    let keys: Vec<_> = own.chain(others).collect();
    Ok(serde_json::json!({ "keys": keys }))
}

#[cfg(test)]
mod tests;
