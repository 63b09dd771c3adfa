//! The people of a run: nobody, two users of every role, and the admin; each with a token of their
//! own, got as everybody gets one.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use document::{
    System,
    api::BuiltIn,
    data::Table,
    security::{Identity, LimitScope, LimitSubject},
};
use serde_json::{Map, Value as Json};

use crate::{
    AdminAccess, Answer, CannotRun, Client, Fixture, Paths, Request,
    fixture::PASSWORD,
    shape::{found, row, shown},
};

/// Admins at most; several share the work where requests of one user are limited.
const ADMINS_MAX: u32 = 12;
/// Requests of an admin in a whole run, roughly.
const ADMIN_REQUESTS: u32 = 2000;

/// Somebody who asks.
#[derive(Debug, Clone)]
pub struct Person {
    /// In words, such as `a baker`.
    pub name: String,
    /// Their role; none for nobody and for users without one.
    pub role: Option<String>,
    /// May do everything.
    pub is_admin: bool,
    accounts: Vec<Account>,
    next: Arc<AtomicUsize>,
}

/// A user of the system.
#[derive(Debug, Clone)]
pub struct Account {
    /// The name at login.
    pub login: String,
    /// The key, as JSON.
    pub id: Json,
    /// The access token.
    pub token: Arc<str>,
    /// The refresh token, where one was given.
    pub refresh: Option<String>,
    /// The users' row, as far as it was answered.
    pub row: Map<String, Json>,
}

impl Person {
    fn new(name: impl Into<String>, role: Option<&str>, accounts: Vec<Account>) -> Self {
        let (name, role) = (name.into(), role.map(str::to_owned));
        Self { name, role, is_admin: false, accounts, next: Arc::default() }
    }

    /// A token of theirs; none for nobody.
    pub fn token(&self) -> Option<Arc<str>> {
        let place = self.next.fetch_add(1, Ordering::Relaxed) % self.accounts.len().max(1);
        self.accounts.get(place).map(|account| Arc::clone(&account.token))
    }

    /// Their key; none for nobody.
    pub fn id(&self) -> Option<&Json> {
        self.accounts.first().map(|account| &account.id)
    }

    /// Their account; none for nobody.
    pub fn account(&self) -> Option<&Account> {
        self.accounts.first()
    }

    /// Every account of theirs.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }
}

/// Everybody.
#[derive(Debug, Clone)]
pub struct People {
    /// Without identity.
    pub anonymous: Person,
    /// Who may do everything.
    pub admin: Person,
    /// Two users of every role but the admin's; of no role where the document has none.
    pub users: Vec<Person>,
    /// Roles that nobody could be given, and why.
    pub missing: Vec<(String, String)>,
}

impl People {
    /// Gets an admin and registers everybody else.
    ///
    /// # Errors
    /// Where no admin can be had.
    pub async fn meet(
        system: &System,
        client: &Client,
        fixture: &Fixture<'_>,
        access: &AdminAccess,
    ) -> Result<Self, CannotRun> {
        let door = Door { system, client, fixture };
        let first = door.admin(access).await?;
        let mut admin = Person::new("the admin", None, first.into_iter().collect());
        admin.is_admin = true;
        door.add_admins(&mut admin).await;
        let mut people = Self {
            anonymous: Person::new("nobody", None, Vec::new()),
            admin,
            users: Vec::new(),
            missing: Vec::new(),
        };
        let roles: Vec<&str> = system
            .security
            .roles
            .iter()
            .filter(|role| !role.is_admin)
            .map(|role| role.name.as_str())
            .collect();
        let roles =
            if roles.is_empty() { vec![None] } else { roles.into_iter().map(Some).collect() };
        for role in roles {
            for which in ["a", "another"] {
                match door.user(&people.admin, role).await {
                    Ok(account) => {
                        let name = format!("{which} {}", role.unwrap_or("user"));
                        people.users.push(Person::new(name, role, vec![account]));
                    }
                    Err(why) => {
                        people.missing.push((role.unwrap_or("user").to_owned(), why));
                        break;
                    }
                }
            }
        }
        fixture.know_users(people.users.iter().chain([&people.admin]).flat_map(Person::accounts));
        Ok(people)
    }

    /// The users of a role.
    pub fn of_role<'p>(&'p self, role: &'p str) -> impl Iterator<Item = &'p Person> {
        self.users.iter().filter(move |person| person.role.as_deref() == Some(role))
    }

    /// Nobody, every user and the admin.
    pub fn everybody(&self) -> impl Iterator<Item = &Person> {
        std::iter::once(&self.anonymous).chain(&self.users).chain(std::iter::once(&self.admin))
    }
}

/// The door by which people come in.
pub(crate) struct Door<'a> {
    pub(crate) system: &'a System,
    pub(crate) client: &'a Client,
    pub(crate) fixture: &'a Fixture<'a>,
}

impl Door<'_> {
    async fn admin(&self, access: &AdminAccess) -> Result<Option<Account>, CannotRun> {
        match access {
            AdminAccess::Nobody => Ok(None),
            AdminAccess::Token(token) => {
                let account = Account {
                    login: "admin".to_owned(),
                    id: Json::Null,
                    token: token.as_str().into(),
                    refresh: None,
                    row: Map::new(),
                };
                Ok(Some(self.known(account).await))
            }
            AdminAccess::Login { login, password } => {
                let account = self.login(login, password).await;
                account.map(Some).map_err(|why| CannotRun::NoAdmin { why })
            }
            AdminAccess::Link(link) => {
                let account = self.first_admin(link).await;
                account.map(Some).map_err(|why| CannotRun::NoAdmin { why })
            }
        }
    }

    /// Fills in the form behind the one-time link.
    async fn first_admin(&self, link: &str) -> Result<Account, String> {
        let (path, token) = link.split_once("?token=").ok_or("the link has no token")?;
        let path = path.strip_prefix(self.client.origin()).ok_or("the link leads elsewhere")?;
        let mut members = self.fixture.newcomer(None);
        members.insert("token".to_owned(), token.into());
        let login = self.login_of(&members).ok_or("the document names nobody at login")?;
        let answer = self.client.send(Request::new("POST", path).form(&members)).await;
        if !(200..400).contains(&answer.status) {
            return Err(answer.came());
        }
        self.login(&login, PASSWORD).await
    }

    /// More admins, where the requests of each are limited.
    async fn add_admins(&self, admin: &mut Person) {
        let limits = self.system.security.rate_limits.iter().filter(|limit| {
            limit.subject == LimitSubject::User
                && !matches!(limit.scope, LimitScope::Anonymous | LimitScope::Authentication)
        });
        let Some(fewest) = limits.filter_map(|limit| limit.requests).min() else { return };
        let wanted = ADMIN_REQUESTS.div_ceil(fewest.max(1)).min(ADMINS_MAX);
        let roles = &self.system.security.roles;
        let Some(role) = roles.iter().find(|role| role.is_admin) else { return };
        for _ in 1..wanted {
            match self.user(admin, Some(&role.name)).await {
                Ok(account) => admin.accounts.push(account),
                Err(_) => return,
            }
        }
    }

    /// Registers a user and gives them a role.
    pub(crate) async fn user(&self, admin: &Person, role: Option<&str>) -> Result<Account, String> {
        let (method, path) = Paths::of(self.system).of_built_in(BuiltIn::Register);
        let mut members = self.fixture.newcomer(None);
        let login = self.login_of(&members).ok_or("the document names nobody at login")?;
        let role_default = self.system.security.role_default.as_deref();
        let body = Json::Object(std::mem::take(&mut members));
        let request = Request::new(method, path).json(body).token(admin.token());
        let answer = self.client.send(request).await;
        if !answer.is_success() {
            return Err(format!("registration: {}", answer.came()));
        }
        let account = match self.of_answer(&login, &answer) {
            Some(account) => self.known(account).await,
            None => self.login(&login, PASSWORD).await?,
        };
        if let Some(role) = role.filter(|role| Some(*role) != role_default) {
            self.promote(admin, &account, role).await?;
        }
        Ok(account)
    }

    async fn promote(&self, admin: &Person, account: &Account, role: &str) -> Result<(), String> {
        let (path, column, value) = match &self.system.security.identity {
            Identity::Table { table, role: Some(column), .. } => {
                let table =
                    self.system.data.table(table).ok_or("the users' table is not declared")?;
                let path = Paths::of(self.system)
                    .of_table(table, document::api::Operation::Update)
                    .and_then(|(_, path)| Paths::of(self.system).of_row(&path, &account.row))
                    .ok_or("no endpoint changes a user")?;
                (path, column.as_str(), role_value(table, column, role))
            }
            Identity::Table { .. } => {
                return Err("roles are kept where nobody can set them over HTTP".to_owned());
            }
            Identity::BuiltIn => {
                let base = self.system.api.base.trim_end_matches('/');
                let path = format!("{base}/users/{}", crate::shape::segment(&account.id));
                (path, "role", Json::from(role))
            }
        };
        let mut set = Map::new();
        set.insert(shown(self.system, column), value);
        let request = Request::new("PATCH", path).json(Json::Object(set)).token(admin.token());
        let answer = self.client.send(request).await;
        match answer.is_success() {
            true => Ok(()),
            false => Err(format!("the role `{role}` could not be given: {}", answer.came())),
        }
    }

    /// Signs in.
    pub(crate) async fn login(&self, login: &str, password: &str) -> Result<Account, String> {
        let (method, path) = Paths::of(self.system).of_built_in(BuiltIn::Login);
        let mut members = Map::new();
        members.insert(shown(self.system, self.login_column()), login.into());
        members.insert("password".to_owned(), password.into());
        let answer = self.client.send(Request::new(method, path).json(members.into())).await;
        match self.of_answer(login, &answer) {
            Some(account) => Ok(self.known(account).await),
            None => Err(format!("sign-in: {}", answer.came())),
        }
    }

    /// The account that an answer with tokens is about.
    fn of_answer(&self, login: &str, answer: &Answer) -> Option<Account> {
        let names = ["access_token", "token", "jwt", "id_token", "auth_token"];
        let token = answer.is_success().then(|| found(&answer.json, &names))??.as_str()?;
        let refresh = found(&answer.json, &["refresh_token"]).and_then(Json::as_str);
        Some(Account {
            login: login.to_owned(),
            id: Json::Null,
            token: token.into(),
            refresh: refresh.map(str::to_owned),
            row: Map::new(),
        })
    }

    /// The account with its key and row, as the system shows them to its user.
    async fn known(&self, mut account: Account) -> Account {
        let (method, path) = Paths::of(self.system).of_built_in(BuiltIn::Me);
        let request = Request::new(method, path).token(Some(Arc::clone(&account.token)));
        let answer = self.client.send(request).await;
        let key = match &self.system.security.identity {
            Identity::Table { key, .. } => key.as_str(),
            Identity::BuiltIn => "id",
        };
        let key = shown(self.system, key);
        let plain = row(self.system, &answer.json).filter(|row| row.contains_key(&key));
        let own = plain.or_else(|| holder(&answer.json, &key));
        if let Some(own) = own.filter(|_| answer.is_success()) {
            account.id = own.get(&key).cloned().unwrap_or(Json::Null);
            account.row = own.clone();
        }
        account
    }

    fn login_column(&self) -> &str {
        match &self.system.security.identity {
            Identity::Table { login, .. } => login,
            Identity::BuiltIn => "email",
        }
    }

    fn login_of(&self, members: &Map<String, Json>) -> Option<String> {
        members.get(&shown(self.system, self.login_column()))?.as_str().map(str::to_owned)
    }
}

fn role_value(table: &Table, column: &str, role: &str) -> Json {
    let is_list = table.column(column).is_some_and(|column| {
        matches!(
            column.kind,
            document::data::ColumnType::Array { .. } | document::data::ColumnType::Json
        )
    });
    if is_list { Json::from(vec![role]) } else { Json::from(role) }
}

/// The first object below that has a member of this name.
fn holder<'j>(body: &'j Json, name: &str) -> Option<&'j Map<String, Json>> {
    let members = body.as_object()?;
    match members.contains_key(name) {
        true => Some(members),
        false => members.values().find_map(|value| holder(value, name)),
    }
}
