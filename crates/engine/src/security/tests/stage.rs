//! A service with a real store, a clock that tests set, and short ways to ask it.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering::SeqCst},
    },
};

use document::{Compiled, Sources, System, api::BuiltIn};
use http::{HeaderMap, HeaderValue, Method, header::AUTHORIZATION};
use jiff::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::{
    Principal, Problem, Service, Settings, SystemWorld, World,
    problem::ProblemCode,
    security::{Asked, Call, Reply, account, internal_tables, who},
};

/// The real randomness and a clock that stands still until it is moved.
pub(super) struct Clock {
    micros: AtomicI64,
}

impl Clock {
    /// Moves time on.
    pub(super) fn forward(&self, seconds: i64) {
        self.micros.fetch_add(seconds * 1_000_000, SeqCst);
    }
}

impl World for Clock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.micros.load(SeqCst)).expect("a moment")
    }

    fn fill_random(&self, bytes: &mut [u8]) {
        SystemWorld.fill_random(bytes);
    }
}

/// A service to be asked.
pub(super) struct Stage {
    pub(super) service: Service,
    pub(super) clock: Arc<Clock>,
    _directory: tempfile::TempDir,
}

/// Tokens of somebody who signed in.
#[derive(Debug, Clone)]
pub(super) struct Tokens {
    pub(super) access: String,
    pub(super) refresh: String,
}

pub(super) const PASSWORD: &str = "a long enough secret";

impl Stage {
    /// Without a document: built-in users.
    pub(super) async fn empty() -> Self {
        Self::of("# Nothing\n", |_| ()).await
    }

    /// With a document, of which tests may say more than its text does.
    pub(super) async fn of(document: &str, change: impl Fn(&mut System)) -> Self {
        Self::with(document, change, |_| ()).await
    }

    /// With settings of the operator besides.
    pub(super) async fn with(
        document: &str,
        change: impl Fn(&mut System),
        set: impl Fn(&mut Settings),
    ) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let start = "2026-03-01T12:00:00Z".parse::<Timestamp>().expect("a moment");
        let clock = Arc::new(Clock { micros: AtomicI64::new(start.as_microsecond()) });
        let mut settings = Settings::new(directory.path());
        set(&mut settings);
        let compiled = Arc::new(compiled(document, &change));
        let service = Service::start(compiled, settings, clock.clone()).await.expect("a service");
        Self { service, clock, _directory: directory }
    }

    /// Swaps in another document.
    pub(super) async fn replace(&self, document: &str, change: impl Fn(&mut System)) {
        let compiled = Arc::new(compiled(document, &change));
        assert!(self.service.replace(compiled).await.is_ok(), "the document is not served");
    }

    /// Asks an account endpoint.
    pub(super) async fn ask(
        &self,
        built_in: BuiltIn,
        principal: &Principal,
        members: Json,
    ) -> Result<Reply, Problem> {
        let running = self.service.inner.running.load_full();
        let endpoints = &running.compiled.system.api.endpoints;
        let endpoint = endpoints
            .iter()
            .find(|endpoint| endpoint.binding == document::api::Binding::BuiltIn { built_in });
        let Json::Object(members) = members else { panic!("no object: {members}") };
        let call = Call { principal, endpoint, members };
        account(&self.service.inner, &running, built_in, call).await
    }

    /// Asks without identity.
    pub(super) async fn anonymously(
        &self,
        built_in: BuiltIn,
        members: Json,
    ) -> Result<Reply, Problem> {
        self.ask(built_in, &Principal::Anonymous, members).await
    }

    /// Signs up.
    pub(super) async fn register(&self, email: &str) -> Tokens {
        let members = json!({"email": email, "password": PASSWORD});
        tokens(self.anonymously(BuiltIn::Register, members).await.expect("a user"))
    }

    /// Tries to sign in.
    pub(super) async fn login(&self, email: &str, password: &str) -> Result<Tokens, ProblemCode> {
        let members = json!({"email": email, "password": password});
        let reply = self.anonymously(BuiltIn::Login, members).await;
        reply.map(tokens).map_err(|problem| problem.code)
    }

    /// Who a bearer of this token is.
    pub(super) async fn who(&self, access: &str) -> Result<Principal, ProblemCode> {
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(&format!("Bearer {access}")).expect("a header");
        headers.insert(AUTHORIZATION, value);
        self.who_with(&Method::GET, "/api/v1/posts", &headers).await
    }

    /// Who sends these headers.
    pub(super) async fn who_with(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
    ) -> Result<Principal, ProblemCode> {
        let running = self.service.inner.running.load_full();
        let asked = self.asked(method, path, headers);
        who(&self.service.inner, &running, &asked).await.map_err(|problem| problem.code)
    }

    /// A request from somewhere, now.
    pub(super) fn asked<'a>(
        &self,
        method: &'a Method,
        path: &'a str,
        headers: &'a HeaderMap,
    ) -> Asked<'a> {
        let peer = SocketAddr::from(([203, 0, 113, 9], 40_000));
        Asked { method, path, headers, peer, built_in: None, now: self.clock.now() }
    }

    /// The rows of a table as JSON text, to look for what must not stand there.
    pub(super) async fn dump(&self, table: &str) -> Vec<Map<String, Json>> {
        let running = self.service.inner.running.load_full();
        let schema = internal_tables(&running.compiled.system);
        let table = schema.iter().find(|one| one.name == table).expect("a table");
        let columns = table.columns.iter().map(|one| (one.name.as_str(), one.kind.clone()));
        let outputs = crate::security::rows::outputs(columns);
        let all = store::Expression::Always(true);
        let store = &self.service.inner.store;
        crate::security::rows::read(store, &table.name, outputs, all, 1000).await.expect("rows")
    }
}

/// The tokens in an answer.
pub(super) fn tokens(reply: Reply) -> Tokens {
    let body = reply.body.expect("a body");
    let text = |name: &str| body[name].as_str().expect(name).to_owned();
    Tokens { access: text("access_token"), refresh: text("refresh_token") }
}

fn compiled(text: &str, change: &impl Fn(&mut System)) -> Compiled {
    let mut compiled = document::compile(Sources::single("DOCUMENT.md", text));
    let errors: Vec<_> = compiled
        .diagnostics
        .iter()
        .filter(|diagnostic| diagnostic.level == document::Level::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    // Hashing as slow as it ought to be would make every test as slow.
    compiled.system.security.password.cost = 4;
    change(&mut compiled.system);
    compiled
}
