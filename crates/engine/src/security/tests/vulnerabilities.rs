//! Classes of holes that services of this kind have had, each closed here.

use std::{
    io,
    sync::{Arc, Mutex},
};

use document::{api::BuiltIn, security::Identity};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::json;
use store::Expression;

use super::{Stage, stage::PASSWORD};
use crate::{
    problem::ProblemCode,
    security::{
        preflight, protect,
        rows::{equal, text, update},
    },
};

const ADA: &str = "ada@example.org";

impl Stage {
    /// Changes a user's row past all doors, as another writer of the database would.
    async fn set(&self, table: &str, column: &str, value: store::Value) {
        let set = vec![(column, value.into())];
        let step = update(table, set, equal("email", text(ADA)));
        self.service.inner.store.write(vec![step]).await.expect("written");
    }
}

/// An accent or another case is another person, or the same one, but never by accident.
#[tokio::test]
async fn alike_is_not_the_same() {
    let stage = Stage::empty().await;
    stage.register("mike@example.org").await;
    for alike in [
        "m\u{131}ke@example.org",
        "mïke@example.org",
        "mike@examp\u{142}e.org",
        "mike@example.org\u{301}",
        "mi\u{212a}e@example.org",
    ] {
        let found = stage.login(alike, PASSWORD).await;
        let is_folded = alike.to_lowercase() == "mike@example.org";
        assert_eq!(found.is_ok(), is_folded, "{alike}");
    }
    // Two ways to write one accent are one name.
    stage.register("caf\u{e9}@example.org").await;
    assert!(stage.login("cafe\u{301}@example.org", PASSWORD).await.is_ok());
}

/// An unknown name costs the same work as a wrong password.
#[tokio::test]
async fn time_does_not_tell_who_exists() {
    let stage = Stage::of("# x", |system| system.security.password.cost = 9).await;
    stage.register(ADA).await;
    let mut took = [u128::MAX; 2];
    for _ in 0..10 {
        for (place, name) in [(0, ADA), (1, "nobody@example.org")] {
            let started = std::time::Instant::now();
            let _ = stage.login(name, "not the password").await;
            // The fastest of several: what else the machine does only ever adds.
            took[place] = took[place].min(started.elapsed().as_micros());
        }
    }
    let [known, unknown] = took;
    assert!(unknown * 2 > known, "unknown {unknown} µs, known {known} µs");
}

/// A user who is deactivated, deleted, or loses a role loses it at once.
#[tokio::test]
async fn rights_end_when_the_row_says_so() {
    let document = "# Shop

```sql
CREATE TABLE users (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  email VARCHAR(255) NOT NULL UNIQUE,
  password_hash VARCHAR(255) NOT NULL,
  role VARCHAR(20) NOT NULL DEFAULT 'member',
  is_active BOOLEAN NOT NULL DEFAULT TRUE,
  deleted_at TIMESTAMPTZ
);
```
";
    let stage = Stage::of(document, |_| ()).await;
    let tokens = stage.register(ADA).await;
    let inner = &stage.service.inner;
    let subject = {
        let principal = stage.who(&tokens.access).await.expect("a user");
        principal.user().expect("a user").subject.clone()
    };
    stage.set("users", "is_active", store::Value::Boolean(false)).await;
    inner.security.user_changed(&subject);
    assert!(stage.who(&tokens.access).await.is_err());
    assert!(stage.login(ADA, PASSWORD).await.is_err());
    let refresh = json!({"refresh_token": tokens.refresh});
    assert!(stage.anonymously(BuiltIn::Refresh, refresh).await.is_err());
    stage.set("users", "is_active", store::Value::Boolean(true)).await;
    inner.security.user_changed(&subject);
    assert!(stage.who(&tokens.access).await.is_ok());

    let now = store::Value::Timestamp(inner.world.now().as_microsecond());
    stage.set("users", "deleted_at", now).await;
    // Nobody told us: the row is looked at again by itself after a while.
    stage.clock.forward(10);
    assert!(stage.who(&tokens.access).await.is_err());
    stage.set("users", "deleted_at", store::Value::Null).await;
    assert!(stage.who(&tokens.access).await.is_ok());

    let all = crate::security::rows::delete("users", Expression::Always(true));
    inner.store.write(vec![all]).await.expect("deleted");
    inner.security.users_changed();
    assert!(stage.who(&tokens.access).await.is_err());
    assert!(stage.dump("_vitruvius_sessions").await.is_empty());
}

/// Nobody chooses their own role, state or key.
#[tokio::test]
async fn whoever_signs_up_does_not_choose_what_they_are() {
    let document = "# Shop

```sql
CREATE TABLE organizations (id UUID PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE users (
  id SERIAL PRIMARY KEY,
  username VARCHAR(50) UNIQUE NOT NULL,
  email VARCHAR(255) UNIQUE NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  role VARCHAR(20) NOT NULL DEFAULT 'member',
  status VARCHAR(20) NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  email_verified BOOLEAN DEFAULT FALSE,
  credit INTEGER NOT NULL DEFAULT 0,
  organization_id UUID REFERENCES organizations(id),
  bio TEXT
);
```
";
    let stage = Stage::of(document, |_| ()).await;
    let members = json!({
        "username": "ada", "email": ADA, "password": PASSWORD, "bio": "I count.",
        "role": "member", "status": "active", "email_verified": true, "credit": 1_000_000,
        "organization_id": "5f2b6f0e-0000-4000-8000-000000000000", "id": 4711,
        "password_hash": "$2b$04$",
    });
    for (name, claim) in [("role", "admin"), ("status", "suspended")] {
        let mut members = members.clone();
        members[name] = json!(claim);
        let problem = stage.anonymously(BuiltIn::Register, members).await.expect_err("a refusal");
        assert_eq!(problem.code, ProblemCode::Forbidden, "{name}: {}", problem.message);
    }
    let reply = stage.anonymously(BuiltIn::Register, members).await.expect("a user");
    let user = &reply.body.expect("a body")["user"];
    assert_eq!(user["role"], "member");
    assert_eq!(user["status"], "active");
    assert_eq!(user["email_verified"], false);
    assert_eq!(user["credit"], 0);
    assert_eq!(user["organization_id"], serde_json::Value::Null);
    assert_eq!(user["id"], 1);
    assert_eq!(user["bio"], "I count.");
    assert!(stage.login(ADA, PASSWORD).await.is_ok());
}

/// A table of users without places for password and role works like any other.
#[tokio::test]
async fn what_the_table_has_no_place_for_is_kept_beside_it() {
    let document = "# Club

```sql
CREATE TABLE users (
  id BIGSERIAL PRIMARY KEY,
  email TEXT NOT NULL,
  name TEXT NOT NULL
);
```
";
    let stage = Stage::of(document, |_| ()).await;
    let running = stage.service.inner.running.load_full();
    let identity = &running.compiled.system.security.identity;
    assert!(matches!(identity, Identity::Table { password: None, role: None, .. }), "{identity:?}");
    let members = json!({"email": ADA, "password": PASSWORD, "name": "Ada"});
    stage.anonymously(BuiltIn::Register, members.clone()).await.expect("a user");
    // The column is not unique in the document, and a name is still taken once.
    let problem = stage.anonymously(BuiltIn::Register, members).await.expect_err("taken");
    assert_eq!(problem.code, ProblemCode::Conflict);
    let tokens = stage.login(ADA, PASSWORD).await.expect("signed in");
    assert_eq!(stage.dump("_vitruvius_credentials").await.len(), 1);
    crate::security::create_admin(&stage.service.inner, ADA, PASSWORD).await.expect("an admin");
    assert!(stage.who(&tokens.access).await.expect("a user").is_admin());
    assert!(stage.login(ADA, PASSWORD).await.is_ok(), "the password is still there");
}

/// What is refused says the same whether something is not there or not allowed.
#[tokio::test]
async fn refusals_of_tokens_do_not_tell_why() {
    let stage = Stage::empty().await;
    let tokens = stage.register(ADA).await;
    let (left, right) = tokens.access.rsplit_once('.').expect("a token");
    let other = stage.register("bob@example.org").await;
    let (_, other) = other.access.rsplit_once('.').expect("a token");
    assert_ne!(right, other);
    for token in [format!("{left}.{other}"), format!("{left}."), "x.y.z".to_owned()] {
        assert_eq!(stage.who(&token).await.err(), Some(ProblemCode::Unauthenticated));
    }
    // In a query string a token is nothing at all.
    let path = format!("/api/v1/posts?access_token={}", tokens.access);
    let nobody = stage.who_with(&Method::GET, &path, &HeaderMap::new()).await;
    assert!(nobody.expect("an answer").user().is_none());
}

/// Answers are no other caller's business: caches between us and the caller keep nothing.
#[tokio::test]
async fn every_answer_protects_its_reader() {
    let stage = Stage::empty().await;
    let running = stage.service.inner.running.load_full();
    let mut answer = HeaderMap::new();
    answer.insert(header::SERVER, HeaderValue::from_static("vitruvius/1.2.3"));
    protect(&stage.service.inner, &running, None, &mut answer, false);
    let value = |name: &str| answer.get(name).and_then(|value| value.to_str().ok());
    assert_eq!(value("cache-control"), Some("private, no-cache"));
    assert_eq!(value("x-content-type-options"), Some("nosniff"));
    assert_eq!(value("x-frame-options"), Some("DENY"));
    assert_eq!(value("cross-origin-opener-policy"), Some("same-origin"));
    assert_eq!(value("server"), None, "nobody needs to know the version");
    assert_eq!(value("strict-transport-security"), None, "not over plain HTTP");
    assert_eq!(value("access-control-allow-origin"), None);
    let csp = value("content-security-policy").expect("a policy");
    assert!(csp.contains("default-src 'none'") && csp.contains("frame-ancestors 'none'"));
}

/// No origin is let in unless it is named, and none that is merely reflected gets credentials.
#[tokio::test]
async fn origins_are_named_or_stay_outside() {
    let stage = Stage::of("# x", |system| {
        system.security.cors.origins = vec!["https://app.example.org".to_owned()];
        system.security.cors.credentials = true;
    })
    .await;
    let check = async |origin: &'static str, expected: Option<&str>| {
        let running = stage.service.inner.running.load_full();
        let mut headers = HeaderMap::new();
        headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        headers.insert(header::ACCESS_CONTROL_REQUEST_METHOD, HeaderValue::from_static("DELETE"));
        let asked = stage.asked(&Method::OPTIONS, "/api/v1/posts", &headers);
        let answer = preflight(&stage.service.inner, &running, &asked).expect("an answer");
        let mut plain = HeaderMap::new();
        let origin = headers.get(header::ORIGIN);
        protect(&stage.service.inner, &running, origin, &mut plain, false);
        for found in [answer.headers(), &plain] {
            let allowed = found.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
            assert_eq!(allowed.and_then(|value| value.to_str().ok()), expected);
            let credentials = found.get(header::ACCESS_CONTROL_ALLOW_CREDENTIALS);
            assert_eq!(credentials.is_some(), expected.is_some());
            let vary: Vec<_> = found.get_all(header::VARY).iter().collect();
            assert!(vary.iter().any(|value| *value == "Origin"), "{vary:?}");
        }
    };
    check("https://app.example.org", Some("https://app.example.org")).await;
    check("https://evil.example", None).await;
    check("null", None).await;
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("a lock").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whatever happens to tokens and passwords, the log does not hold them.
#[tokio::test]
async fn no_secret_reaches_the_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let stage = Stage::empty().await;
    let tokens = stage.register(ADA).await;
    let _ = stage.login(ADA, "a password that is wrong").await;
    let refresh = || json!({"refresh_token": tokens.refresh});
    let _ = stage.anonymously(BuiltIn::Refresh, refresh()).await;
    let _ = stage.anonymously(BuiltIn::Refresh, refresh()).await;
    let _ = stage.who(&format!("{}x", tokens.access)).await;
    let logged = String::from_utf8_lossy(&log.0.lock().expect("a lock")).into_owned();
    assert!(logged.contains("used twice"), "the log is read at all: {logged}");
    for secret in [PASSWORD, "a password that is wrong", &tokens.access, &tokens.refresh] {
        assert!(!logged.contains(secret), "{logged}");
    }
    assert!(!logged.contains("$2b$"), "{logged}");
}

/// What the engine keeps for itself is no resource, whatever the document is.
#[tokio::test]
async fn internal_tables_are_no_resources() {
    let stage = Stage::empty().await;
    let running = stage.service.inner.running.load_full();
    for table in crate::security::internal_tables(&running.compiled.system) {
        let is_internal = table.name.starts_with(crate::security::INTERNAL_PREFIX);
        assert_eq!(running.resources.get(&table.name).is_none(), is_internal, "{}", table.name);
    }
}
