//! The document that most tests serve, and a client for it.

use std::{net::SocketAddr, sync::Arc};

use axum::body::Body;
use engine::{Service, Settings, SystemWorld, World};
use http::{Method, Request, StatusCode};
use serde_json::{Value as Json, json};

use crate::postgres;

/// A help desk: people open tickets, agents answer them, notes are internal.
pub(crate) const DESK: &str = r#"# Help desk

## Database

```sql
CREATE TYPE ticket_status AS ENUM ('new', 'open', 'solved', 'closed');

CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    email VARCHAR(255) UNIQUE NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    role VARCHAR(20) NOT NULL DEFAULT 'customer',
    is_active BOOLEAN NOT NULL DEFAULT true,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE products (
    id SERIAL PRIMARY KEY,
    name VARCHAR(40) NOT NULL UNIQUE,
    price NUMERIC(10,2) NOT NULL CHECK (price >= 0),
    is_listed BOOLEAN NOT NULL DEFAULT true
);

CREATE TABLE tickets (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    owner_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
    product_id INTEGER REFERENCES products(id) ON DELETE RESTRICT,
    title VARCHAR(120) NOT NULL,
    body TEXT,
    status ticket_status NOT NULL DEFAULT 'new',
    priority INTEGER NOT NULL DEFAULT 3 CHECK (priority BETWEEN 1 AND 5),
    tags TEXT[],
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE notes (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    ticket_id UUID NOT NULL REFERENCES tickets(id) ON DELETE CASCADE,
    text TEXT NOT NULL
);

CREATE INDEX idx_tickets_created_at ON tickets (created_at);

CREATE POLICY products_read ON products FOR SELECT USING (is_listed);
CREATE POLICY products_agents ON products FOR ALL TO agent USING (true);
CREATE POLICY tickets_own ON tickets FOR ALL USING (owner_id = auth.uid());
CREATE POLICY tickets_agents ON tickets FOR SELECT TO agent USING (true);
CREATE POLICY tickets_agents_write ON tickets FOR UPDATE TO agent USING (true);
CREATE POLICY notes_agents ON notes FOR ALL TO agent USING (true);
```

## Ticket states

```mermaid
stateDiagram-v2
    [*] --> new
    new --> open: open
    open --> solved: solve
    solved --> closed: close
    solved --> open: reopen
    closed --> [*]
```

## API

Base path: `/api/v1`

- `GET /api/v1/tickets` - list tickets
- `POST /api/v1/tickets` - create a ticket
- `GET /api/v1/tickets/{id}` - one ticket
- `PATCH /api/v1/tickets/{id}` - change a ticket
- `POST /api/v1/tickets/{id}/solve` - solve a ticket
- `GET /api/v1/products/{id}/tickets` - tickets about a product
- `POST /api/v1/horoscope` - nothing that could be bound

## Security

- **Roles**: customer, agent, admin
- Password hashing: bcrypt with cost 4
- JWT algorithm: HS256
"#;

/// A running service and where it keeps its data.
pub(crate) struct Desk {
    /// The service.
    pub(crate) service: Service,
    _directory: tempfile::TempDir,
    _database: Option<postgres::Database>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The status.
    pub(crate) status: StatusCode,
    /// The headers.
    pub(crate) headers: http::HeaderMap,
    /// The body; null where there was none.
    pub(crate) body: Json,
    /// The body's bytes.
    pub(crate) bytes: Vec<u8>,
}

impl Reply {
    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// The rows of a list.
    pub(crate) fn rows(&self) -> &[Json] {
        self.body["data"].as_array().map_or(&[], Vec::as_slice)
    }

    /// A text member of the row.
    pub(crate) fn text(&self, name: &str) -> String {
        self.body[name].as_str().unwrap_or_default().to_owned()
    }
}

/// Somebody who asks.
#[derive(Clone)]
pub(crate) struct Person<'a> {
    desk: &'a Desk,
    token: Option<String>,
    /// The key of the user's row.
    pub(crate) id: String,
}

impl Desk {
    /// Serves a document.
    pub(crate) async fn of(text: &str) -> Self {
        // The same tests on the other store: `./test` runs them twice.
        let is_other = std::env::var_os("TEST_STORE").is_some_and(|store| store == "postgresql");
        Self::with(text, is_other.then(postgres::database), Arc::new(SystemWorld)).await
    }

    /// Serves a document on PostgreSQL, where a database is given, in a world of one's own.
    pub(crate) async fn with(
        text: &str,
        database: Option<postgres::Database>,
        world: Arc<dyn World>,
    ) -> Self {
        let compiled = document::compile(document::Sources::single("DESK.md", text));
        let directory = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::new(directory.path());
        settings.partial = true;
        settings.durability = store::Durability::Normal;
        settings.database = database.as_ref().map(|database| database.url.clone());
        let service = Service::start(Arc::new(compiled), settings, world).await.expect("a service");
        // On a server it serves nothing from memory before it knows who else is there.
        let mut looks = 0;
        while database.is_some() && looks < 500 {
            let seen = service.inner.shared.seen(&service.inner.store);
            if seen.is_hearing && seen.processes == Some(1) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            looks += 1;
        }
        Self { service, _directory: directory, _database: database }
    }

    /// Serves a document on a PostgreSQL database that others serve too, with a Redis to share.
    pub(crate) async fn beside(text: &str, database: &str, redis: Option<&str>) -> Self {
        let compiled = document::compile(document::Sources::single("DESK.md", text));
        let directory = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::new(directory.path());
        settings.partial = true;
        settings.database = Some(database.to_owned());
        settings.redis = redis.map(str::to_owned);
        let world = Arc::new(SystemWorld);
        let service = Service::start(Arc::new(compiled), settings, world).await.expect("a service");
        Self { service, _directory: directory, _database: None }
    }

    /// Serves the help desk.
    pub(crate) async fn open() -> Self {
        Self::of(DESK).await
    }

    /// Nobody in particular.
    pub(crate) fn anybody(&self) -> Person<'_> {
        Person { desk: self, token: None, id: String::new() }
    }

    /// Somebody who has just signed up.
    pub(crate) async fn customer(&self, name: &str) -> Person<'_> {
        let account = json!({"email": format!("{name}@desk.test"), "password": "correct horse 9"});
        let reply = self.anybody().post("/api/v1/auth/register", account.clone()).await;
        assert!(reply.status.is_success(), "register: {reply:?}");
        self.signed_in(account).await
    }

    /// Somebody with the role `agent`.
    pub(crate) async fn agent(&self, name: &str) -> Person<'_> {
        let person = self.customer(name).await;
        let admin = self.admin().await;
        let path = format!("/api/v1/users/{}", person.id);
        let reply = admin.patch(&path, json!({"role": "agent"})).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        person
    }

    /// The admin.
    pub(crate) async fn admin(&self) -> Person<'_> {
        let (login, password) = ("root@desk.test", "correct horse 9");
        let _ = engine::security::create_admin(&self.service.inner, login, password).await;
        self.signed_in(json!({"email": login, "password": password})).await
    }

    async fn signed_in(&self, account: Json) -> Person<'_> {
        let reply = self.anybody().post("/api/v1/auth/login", account).await;
        assert_eq!(reply.status, 200, "login: {reply:?}");
        let token = find(&reply.body, "access_token")
            .or_else(|| find(&reply.body, "accessToken"))
            .expect("a token");
        let mut person = Person { desk: self, token: Some(token), id: String::new() };
        let me = person.get("/api/v1/auth/me").await;
        person.id = find(&me.body, "id").expect("a key");
        person
    }
}

/// A text member wherever it stands.
fn find(json: &Json, name: &str) -> Option<String> {
    match json {
        Json::Object(members) => match members.get(name).and_then(Json::as_str) {
            Some(text) => Some(text.to_owned()),
            None if members.get(name).is_some_and(Json::is_number) => {
                Some(members[name].to_string())
            }
            None => members.values().find_map(|member| find(member, name)),
        },
        _ => None,
    }
}

impl Person<'_> {
    /// Asks, with headers.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Reply {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if body.is_some() && headers.iter().all(|(name, _)| *name != "content-type") {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.map_or(Body::empty(), Body::from)).expect("a request");
        let peer: SocketAddr = "192.0.2.1:4000".parse().expect("an address");
        let response = self.desk.service.answer(request, peer).await;
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, 1 << 24).await.expect("a body").to_vec();
        let body = serde_json::from_slice(&bytes).unwrap_or_default();
        Reply { status: parts.status, headers: parts.headers, body, bytes }
    }

    /// GET.
    pub(crate) async fn get(&self, path: &str) -> Reply {
        self.ask(Method::GET, path, &[], None).await
    }

    /// POST.
    pub(crate) async fn post(&self, path: &str, body: Json) -> Reply {
        self.ask(Method::POST, path, &[], Some(body.to_string())).await
    }

    /// PATCH.
    pub(crate) async fn patch(&self, path: &str, body: Json) -> Reply {
        self.ask(Method::PATCH, path, &[], Some(body.to_string())).await
    }

    /// PUT.
    pub(crate) async fn put(&self, path: &str, body: Json) -> Reply {
        self.ask(Method::PUT, path, &[], Some(body.to_string())).await
    }

    /// DELETE.
    pub(crate) async fn delete(&self, path: &str) -> Reply {
        self.ask(Method::DELETE, path, &[], None).await
    }

    /// A new ticket of one's own; its path.
    pub(crate) async fn ticket(&self, title: &str) -> String {
        let reply = self.post("/api/v1/tickets", json!({"title": title})).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.header("location").to_owned()
    }
}
