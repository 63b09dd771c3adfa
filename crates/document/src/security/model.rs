//! The typed form of the security chapter.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Span, expression::Expression};

/// All that the document says about identity and access.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Security {
    /// Roles in the order in which they are first written; `admin` is always known to the engine.
    pub roles: Vec<Role>,
    /// The role of a newly registered user, where the document has one.
    pub role_default: Option<String>,
    /// Where users live.
    pub identity: Identity,
    /// Who may do what, resource by resource. What no grant allows is the admin's alone.
    pub grants: Vec<Grant>,
    /// Which rows belong to whom.
    pub owners: Vec<Owner>,
    /// Request limits.
    pub rate_limits: Vec<RateLimit>,
    /// Password hashing.
    pub password: PasswordHashing,
    /// Tokens.
    pub token: Token,
    /// Cross-origin requests.
    pub cors: Cors,
    /// Lockout after failed logins, where the document states it.
    pub lockout: Option<Lockout>,
}

/// A role.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Role {
    /// Its name as stored, such as `admin` or `SHOP_OWNER`.
    pub name: String,
    /// What the document says of it.
    pub description: Option<String>,
    /// True for the one that may do everything.
    pub is_admin: bool,
    /// Where it is first written.
    pub span: Span,
}

/// Where users live.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "source")]
pub enum Identity {
    /// In a built-in table `users` (id, email, password_hash, role, created_at, updated_at).
    #[default]
    BuiltIn,
    /// In a table of the document.
    Table {
        /// The table.
        table: String,
        /// Its key column.
        key: String,
        /// The column that names a user at login (`email`, else `username`, else `phone`).
        login: String,
        /// The column that holds the password's hash; kept in a built-in table where there is none.
        password: Option<String>,
        /// The column that holds the role; kept in a built-in table where there is none.
        role: Option<String>,
        /// A boolean or status column that says whether the user may log in, and the value that allows it.
        active: Option<(String, String)>,
    },
}

/// Who may ask.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "who")]
pub enum Who {
    /// Anybody, also without identity.
    Public,
    /// Any signed-in user.
    Authenticated,
    /// A signed-in user with this role.
    Role {
        /// The role's name.
        name: String,
    },
    /// A signed-in user, on rows that belong to them.
    Owner,
    /// Nobody but the admin.
    Admin,
}

/// Who may call an endpoint: any one of `who` suffices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Callers {
    /// Any of these.
    pub who: Vec<Who>,
    /// The words, such as `Yes (Admin)`.
    pub text: String,
    /// Where they stand.
    pub span: Span,
}

impl Callers {
    /// Takes the words of another place where they say more than that callers are signed in: a
    /// bare "signed in" is then a condition on all of them and opens nothing by itself.
    pub(crate) fn narrow(&mut self, other: &Callers) {
        if self.who == [Who::Authenticated] && !other.who.contains(&Who::Public) {
            self.clone_from(other);
        }
    }
}

/// What is done to rows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Action {
    /// See rows, alone or in lists, includes, searches and counts.
    Read,
    /// Add a row.
    Create,
    /// Change a row.
    Update,
    /// Remove a row.
    Delete,
    /// Do an action of the state machine.
    Transition {
        /// The action's name.
        name: String,
    },
}

/// A sentence that allows something.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Grant {
    /// The table.
    pub table: String,
    /// What is allowed.
    pub actions: Vec<Action>,
    /// To whom.
    pub who: Who,
    /// On which rows (`USING`); on all where there is none. `Owner` is already resolved into a
    /// condition here.
    pub condition: Option<Expression>,
    /// Which new versions of a row are allowed (`WITH CHECK`); `condition` where there is none.
    pub check: Option<Expression>,
    /// Sentence for refusals and evidence, as written.
    pub text: String,
    /// Where it is written.
    pub span: Span,
}

/// Which rows belong to whom.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Owner {
    /// The table.
    pub table: String,
    /// Columns from the row to the user: `["order_id", "user_id"]` goes through `orders`.
    pub path: Vec<String>,
    /// Holds for a row that belongs to the principal.
    pub condition: Expression,
    /// The foreign key or sentence it was read from.
    pub span: Span,
}

/// What a limit counts by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is what its name says")]
pub enum LimitSubject {
    Address,
    User,
    Everyone,
}

/// What a limit counts.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case", tag = "scope")]
pub enum LimitScope {
    /// All requests.
    All,
    /// Requests to `/auth/*`.
    Authentication,
    /// Requests with identity.
    Authenticated,
    /// Requests without identity.
    Anonymous,
    /// Requests of users with a role.
    Role {
        /// The role.
        name: String,
    },
    /// Requests to one endpoint.
    Endpoint {
        /// Method, where the limit names one.
        method: Option<crate::api::Method>,
        /// Path as in [`crate::api::Endpoint::path`], or a prefix ending in `*`.
        path: String,
    },
}

/// A request limit.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RateLimit {
    /// How many requests; none for `Unlimited`.
    pub requests: Option<u32>,
    /// In how many seconds.
    pub window_seconds: u32,
    /// Counted by what.
    pub subject: LimitSubject,
    /// Counting what.
    pub scope: LimitScope,
    /// Where it is written.
    pub span: Span,
}

/// Password hashing.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PasswordHashing {
    /// Algorithm.
    pub algorithm: PasswordAlgorithm,
    /// bcrypt's cost factor.
    pub cost: u32,
    /// Shortest password accepted, in characters.
    pub length_min: u32,
    /// The sentence, where there is one.
    pub span: Option<Span>,
}

impl Default for PasswordHashing {
    fn default() -> Self {
        Self { algorithm: PasswordAlgorithm::Bcrypt, cost: 12, length_min: 8, span: None }
    }
}

/// Password hashing algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs, reason = "each is its own name")]
pub enum PasswordAlgorithm {
    Bcrypt,
    Argon2id,
}

/// Tokens.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Token {
    /// `RS256` unless the document says `HS256`.
    pub algorithm: TokenAlgorithm,
    /// Life of an access token, in seconds.
    pub access_seconds: u64,
    /// Life of a refresh token, in seconds.
    pub refresh_seconds: u64,
    /// The sentence, where there is one.
    pub span: Option<Span>,
}

impl Default for Token {
    fn default() -> Self {
        Self {
            algorithm: TokenAlgorithm::Rs256,
            access_seconds: 3600,
            refresh_seconds: 604_800,
            span: None,
        }
    }
}

/// Token signing algorithms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "each is its own name")]
pub enum TokenAlgorithm {
    Rs256,
    Hs256,
}

/// Cross-origin requests: none are allowed unless the document names origins.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Cors {
    /// Origins as written; `*` allows all, without credentials.
    pub origins: Vec<String>,
    /// Credentials allowed.
    pub credentials: bool,
    /// The sentence, where there is one.
    pub span: Option<Span>,
}

/// Lockout after failed logins.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Lockout {
    /// Failed attempts.
    pub attempts_max: u32,
    /// Locked for how many seconds.
    pub seconds: u64,
    /// Where it is written.
    pub span: Span,
}
