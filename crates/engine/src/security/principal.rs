//! Who asks.

use std::sync::Arc;

use store::Value;

/// Who asks.
#[derive(Debug, Clone)]
pub enum Principal {
    /// Nobody in particular.
    Anonymous,
    /// A signed-in user.
    User(Arc<User>),
}

/// A signed-in user.
#[derive(Debug, Clone)]
pub struct User {
    /// Key of the user's row.
    pub id: Value,
    /// The key as text, as in the token's `sub`.
    pub subject: String,
    /// Login name, usually an e-mail address.
    pub login: Option<String>,
    /// Roles as stored.
    pub roles: Vec<String>,
    /// May do everything.
    pub is_admin: bool,
    /// The session the token belongs to.
    pub session: String,
}

impl Principal {
    /// The user, where there is one.
    pub fn user(&self) -> Option<&User> {
        match self {
            Principal::Anonymous => None,
            Principal::User(user) => Some(user),
        }
    }

    /// True for the admin.
    pub fn is_admin(&self) -> bool {
        self.user().is_some_and(|user| user.is_admin)
    }
}
