//! The stage of a run: the document, the system under trial, people who ask, and rows to ask for.

use document::{Compiled, System};
use thiserror::Error;

use crate::{Answer, Book, Client, Fixture, Paths, People, Person, Request, Trial};

/// The system under trial.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is, such as `https://api.example.org`.
    pub origin: String,
    /// How an admin is had.
    pub admin: AdminAccess,
}

/// How an admin is had.
#[derive(Debug, Clone)]
pub enum AdminAccess {
    /// A one-time link that makes the first admin.
    Link(String),
    /// Somebody who is one already.
    Login {
        /// The name at login.
        login: String,
        /// The password.
        password: String,
    },
    /// A bearer token of one.
    Token(String),
    /// Nobody: only what others may do is tried.
    Nobody,
}

/// What is tried beyond the rows and rules.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// What starts of the system have shown.
    pub starts: Vec<Start>,
    /// Length of the load for targets; none without it.
    pub load_seconds: Option<u64>,
    /// The chapter whose claims are tried first.
    pub first: Option<document::Chapter>,
    /// The address of the same system as it is behind a proxy that clients reach over HTTPS.
    pub behind_https: Option<String>,
    /// Stop as soon as a trial is broken that is looked for.
    pub stops_at: Option<StopsAt>,
}

/// Which broken trial ends a run.
#[derive(Clone)]
pub struct StopsAt(std::sync::Arc<dyn Fn(&Trial) -> bool + Send + Sync>);

impl StopsAt {
    /// Ends a run at the first broken trial for which `is_it` is true.
    pub fn new(is_it: impl Fn(&Trial) -> bool + Send + Sync + 'static) -> Self {
        Self(std::sync::Arc::new(is_it))
    }

    /// True where this trial ends the run.
    pub(crate) fn is_met(&self, trial: &Trial) -> bool {
        (self.0)(trial)
    }
}

impl std::fmt::Debug for StopsAt {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("StopsAt")
    }
}

/// A start of the system without one of the document's variables.
#[derive(Debug, Clone)]
pub struct Start {
    /// The variable.
    pub variable: String,
    /// The system did not start, and named the variable.
    pub was_asked_for: bool,
}

/// Why nothing can be tried.
#[derive(Debug, Error)]
pub enum CannotRun {
    /// Nobody answers at the address.
    #[error("nothing answers at {origin}: {why}")]
    NoAnswer {
        /// The address.
        origin: String,
        /// What came instead.
        why: String,
    },
    /// No admin can be had.
    #[error("no admin can be had: {why}")]
    NoAdmin {
        /// What came instead.
        why: String,
    },
    /// No HTTP client can be made.
    #[error("no HTTP client can be made: {0}")]
    Client(#[from] reqwest::Error),
}

/// The stage of a run; every room is given it.
pub struct Stage<'a> {
    /// The document.
    pub compiled: &'a Compiled,
    /// The system under trial.
    pub client: Client,
    /// Who asks.
    pub people: People,
    /// Rows to ask for.
    pub fixture: Fixture<'a>,
    /// What was tried.
    pub book: Book,
    /// What is tried beyond rows and rules.
    pub options: Options,
}

impl<'a> Stage<'a> {
    /// Meets the system: it answers, and there are people of every role.
    ///
    /// # Errors
    /// Where nothing can be tried.
    pub async fn set(
        compiled: &'a Compiled,
        target: Target,
        options: Options,
    ) -> Result<Self, CannotRun> {
        let client = Client::new(&target.origin)?;
        let answer = client.send(Request::get("/")).await;
        if answer.status == 0 {
            return Err(CannotRun::NoAnswer { origin: target.origin, why: answer.came() });
        }
        let fixture = Fixture::of(compiled);
        let people = People::meet(&compiled.system, &client, &fixture, &target.admin).await?;
        let book = Book::stopping_at(options.stops_at.clone());
        Ok(Self { compiled, client, people, fixture, book, options })
    }

    /// What the document says.
    pub fn system(&self) -> &'a System {
        &self.compiled.system
    }

    /// Where rows are reached.
    pub fn paths(&self) -> Paths<'a> {
        Paths::of(&self.compiled.system)
    }

    /// Sends a request as somebody.
    pub async fn ask(&self, who: &Person, request: Request) -> Answer {
        self.client.send(request.token(who.token())).await
    }

    /// Sends a request as the admin.
    pub async fn as_admin(&self, request: Request) -> Answer {
        self.ask(&self.people.admin, request).await
    }
}
