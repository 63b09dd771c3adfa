//! Several processes on one PostgreSQL database: one changes the tables, all serve them; what one
//! knows of people and limits, all know.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    harness::{Answer, SHOP, Serving, Test},
    postgres::{Database, database, server},
    redis::Redis,
};

/// A shop in which only people with a name write, and nobody more than ten times a minute.
const CLUB: &str = r#"# Club

## Data

```sql
CREATE TABLE users (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  email VARCHAR(255) UNIQUE NOT NULL,
  password_hash VARCHAR(255) NOT NULL,
  role VARCHAR(20) NOT NULL DEFAULT 'member'
);
CREATE TABLE notes (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  text VARCHAR(50) NOT NULL
);
```

## API

| Method | Path | Auth |
| --- | --- | --- |
| GET | /api/v1/notes | Authenticated |
| POST | /api/v1/notes | Editor |
| GET | /api/v1/notes/{id} | Public |
| DELETE | /api/v1/notes/{id} | Admin |
| PATCH | /api/v1/users/{id} | Admin |

## Security

- **Roles**: member, editor, admin
- Password hashing: bcrypt with cost 4
- Auth endpoints: 1000 requests per minute per IP
"#;

const PASSWORD: &str = "a long enough secret";

fn serve(document: &str, own: &Database, more: &[&str]) -> Serving {
    let mut arguments = vec!["--database", own.url.as_str()];
    arguments.extend(more);
    Test::new().document(document).serve(&arguments)
}

/// Waits until both hear each other.
fn until_heard(processes: &[&Serving]) {
    for process in processes {
        process.until_said("other processes on the database are heard");
    }
}

fn token(answer: &Answer) -> String {
    let body = answer.json();
    let found = ["access_token", "token", "accessToken"].iter().find_map(|name| {
        body.get(name).or_else(|| body.get("data")?.get(name)).and_then(Value::as_str)
    });
    found.unwrap_or_else(|| panic!("no token: {body}")).to_owned()
}

fn signed_up(process: &Serving, name: &str) -> (String, String) {
    let body = json!({"email": format!("{name}@example.org"), "password": PASSWORD});
    let answer = process.post("/api/v1/auth/register", &body).status(201);
    let text = answer.text.clone();
    let id = text.split("\"id\":\"").nth(1).and_then(|rest| rest.get(..36));
    (token(&answer), id.unwrap_or_else(|| panic!("no id: {text}")).to_owned())
}

fn ask(process: &Serving, method: &str, path: &str, token: &str) -> u16 {
    let request = process.request(method, path).bearer_auth(token);
    process.send(request.json(&json!({"text": "x"}))).status
}

/// Makes somebody an admin past the API, and gives their token.
fn admin(process: &Serving, own: &Database) -> String {
    let (_, id) = signed_up(process, "root");
    server().sql(&own.name, &format!("UPDATE users SET role = 'admin' WHERE id = '{id}'"));
    let body = json!({"email": "root@example.org", "password": PASSWORD});
    token(&process.post("/api/v1/auth/login", &body).status(200))
}

#[test]
fn a_token_of_one_process_is_good_for_all_and_ends_for_all_at_once() {
    let own = database();
    let (one, other) = (serve(CLUB, &own, &[]), serve(CLUB, &own, &[]));
    until_heard(&[&one, &other]);
    let (ada, _) = signed_up(&one, "ada");
    for process in [&one, &other, &one, &other] {
        assert_eq!(ask(process, "GET", "/api/v1/notes", &ada), 200);
    }
    // Each verifies the tokens of both offline, too.
    let keys = |process: &Serving| {
        let known = process.get("/.well-known/jwks.json").status(200).json();
        known["keys"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(keys(&other), 2, "{:?}", other.get("/.well-known/jwks.json"));
    assert_eq!(ask(&one, "POST", "/api/v1/auth/logout", &ada) / 100, 2);
    let ended = Instant::now();
    while ask(&other, "GET", "/api/v1/notes", &ada) != 401 {
        assert!(ended.elapsed() < Duration::from_secs(1), "a revoked token lives on");
    }
}

#[test]
fn a_role_that_one_process_gives_or_takes_counts_in_all() {
    let own = database();
    let (one, other) = (serve(CLUB, &own, &[]), serve(CLUB, &own, &[]));
    until_heard(&[&one, &other]);
    let (bob, id) = signed_up(&other, "bob");
    let root = admin(&one, &own);
    assert_eq!(ask(&other, "POST", "/api/v1/notes", &bob), 403);
    for (role, expected) in [("editor", 201), ("member", 403)] {
        let path = format!("/api/v1/users/{id}");
        let change = one.request("PATCH", &path).bearer_auth(&root).json(&json!({"role": role}));
        one.send(change).status(200);
        let changed = Instant::now();
        while ask(&other, "POST", "/api/v1/notes", &bob) != expected {
            assert!(changed.elapsed() < Duration::from_secs(1), "{role} is not known elsewhere");
        }
    }
}

#[test]
fn a_shared_secret_that_no_variable_holds_is_one_for_all() {
    let own = database();
    let document = format!("{CLUB}- Tokens: JWT signed with HS256\n");
    let (one, other) = (serve(&document, &own, &[]), serve(&document, &own, &[]));
    let (ada, _) = signed_up(&one, "ada");
    assert_eq!(ask(&other, "GET", "/api/v1/notes", &ada), 200);
    assert!(!one.directory().join("data/token-key.pem").exists(), "HS256 needs no pair");
}

#[test]
fn a_process_that_was_deaf_forgets_what_it_may_have_missed() {
    let own = database();
    let (one, other) = (serve(CLUB, &own, &[]), serve(CLUB, &own, &[]));
    until_heard(&[&one, &other]);
    let (ada, id) = signed_up(&one, "ada");
    assert_eq!(ask(&other, "GET", "/api/v1/notes", &ada), 200);
    // Every connection breaks, and somebody writes past all processes meanwhile.
    let cut = format!(
        "UPDATE _vitruvius_sessions SET revoked_at = now() WHERE user_id = '{id}'; \
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = '{}' AND pid <> pg_backend_pid()",
        own.name
    );
    server().sql("postgres", "SELECT 1");
    server().sql(&own.name, &cut);
    let ended = Instant::now();
    while ask(&other, "GET", "/api/v1/notes", &ada) != 401 {
        assert!(ended.elapsed() < Duration::from_secs(5), "{}", other.complaints());
        thread::sleep(Duration::from_millis(20));
    }
}

const LIMITED: &str = "\n## Security\n\n- Rate limiting: 10 requests per minute per IP\n";

/// Sends so many requests to each process at once; gives the statuses.
fn flood(processes: &[&Serving], each: usize) -> Vec<u16> {
    let threads: Vec<_> = processes
        .iter()
        .flat_map(|process| {
            let url = format!("{}/api/v1/items", process.origin);
            (0..each).map(move |_| {
                let url = url.clone();
                thread::spawn(move || {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_all().build();
                    runtime.expect("a runtime").block_on(async {
                        reqwest::get(url).await.expect("an answer").status().as_u16()
                    })
                })
            })
        })
        .collect();
    threads.into_iter().map(|thread| thread.join().expect("a status")).collect()
}

fn through(statuses: &[u16]) -> usize {
    assert!(statuses.iter().all(|status| [200, 429].contains(status)), "{statuses:?}");
    statuses.iter().filter(|status| **status == 200).count()
}

#[test]
fn a_limit_trips_at_its_number_across_processes() {
    let (own, redis) = (database(), Redis::start());
    let document = format!("{SHOP}{LIMITED}");
    let url = redis.url();
    let one = serve(&document, &own, &["--redis", &url]);
    let other = serve(&document, &own, &["--redis", &url]);
    assert!(one.greeting.contains(&format!("redis    127.0.0.1:{}\n", redis.port)));
    assert_eq!(through(&flood(&[&one, &other], 12)), 10);
    let refused = other.get("/api/v1/items").status(429);
    let wait: u64 =
        refused.headers["retry-after"].to_str().expect("text").parse().expect("a number");
    assert!((1..=60).contains(&wait), "{wait}");
}

#[test]
fn requests_go_on_without_redis_and_are_shared_again_when_it_is_back() {
    let (own, redis) = (database(), Redis::start());
    let document = format!("{SHOP}{LIMITED}").replace("10 requests", "30 requests");
    let url = redis.url();
    let one = serve(&document, &own, &["--redis", &url]);
    let other = serve(&document, &own, &["--redis", &url]);
    assert_eq!(through(&flood(&[&one, &other], 5)), 10);
    redis.stop();
    one.until_said("counts and remembers by itself");
    other.until_said("counts and remembers by itself");
    assert!(one.get("/ready").status(200).text.contains("\"redis\":\"away\""));
    assert!(one.get("/metrics").text.contains("vitruvius_redis_up 0\n"));
    // Each goes on from what it let through by itself: five. Probes are not counted.
    assert_eq!(through(&flood(&[&one], 30)), 25);
    redis.start_again();
    for process in [&one, &other] {
        let back = format!("Redis at 127.0.0.1:{} answers", redis.port);
        process.until("it is back", |process| process.complaints().matches(&back).count() == 2);
    }
    assert_eq!(through(&flood(&[&one, &other], 20)), 30, "it is empty, and shared again");
}

#[test]
fn a_limit_is_each_process_s_own_while_redis_hangs() {
    let (own, redis) = (database(), Redis::start());
    let document = format!("{SHOP}{LIMITED}");
    let url = redis.url();
    let one = serve(&document, &own, &["--redis", &url]);
    let other = serve(&document, &own, &["--redis", &url]);
    assert_eq!(through(&flood(&[&one, &other], 3)), 6);
    redis.freeze();
    let frozen = Instant::now();
    assert_eq!(through(&flood(&[&one, &other], 30)), 14, "twice the number, less those before");
    assert!(frozen.elapsed() < Duration::from_secs(10), "{:?}", frozen.elapsed());
    one.until_said("it does not answer in time");
    redis.thaw();
    one.until("it is back", |process| process.get("/metrics").text.contains("redis_up 1\n"));
}

#[test]
fn a_redis_that_refuses_stops_the_start_and_its_password_is_not_repeated() {
    let redis = Redis::with_password("right");
    let url = redis.url().replace("//", "//:hunter2@");
    let serve = ["serve", "ARCHITECTURE.md", "--listen", "127.0.0.1:0", "--redis"];
    let with = |url: &str| {
        let mut arguments = serve.to_vec();
        arguments.push(url);
        Test::new().document(SHOP).run(&arguments).code(2).says_not("hunter2")
    };
    with(&url).says("it refuses the user or the password");
    with("localhost:6379").says("the URL is not understood");
}

#[test]
fn the_document_s_own_variable_names_redis() {
    let redis = Redis::start();
    let document = format!("{SHOP}\n## Stack\n\n- Cache: Redis 7\n");
    let without = Test::new().document(&document).serve(&[]);
    assert!(without.greeting.contains("Redis 7 is named"), "{}", without.greeting);
    let with = Test::new().document(&document).environment("REDIS_URL", &redis.url()).serve(&[]);
    assert!(!with.greeting.contains("instead"), "{}", with.greeting);
    assert!(with.greeting.contains("  redis    127.0.0.1"), "{}", with.greeting);
}

fn with_column(column: &str) -> String {
    SHOP.replace("price INTEGER", &format!("price INTEGER,\n  {column} TEXT"))
}

fn knows(process: &Serving, column: &str) -> bool {
    let created = process.post("/api/v1/items", &json!({"name": "probe", column: "x"}));
    created.status == 201 && created.json()[column] == "x"
}

fn applied(own: &Database) -> usize {
    let sql = "SELECT count(*) FROM _vitruvius_history WHERE steps NOT IN ('', '[]')";
    server().sql(&own.name, sql).trim().parse().expect("a number")
}

#[test]
fn three_processes_that_start_and_save_at_once_change_the_tables_once() {
    let own = database();
    let url = own.url.clone();
    let starting: Vec<_> = (0..3)
        .map(|_| {
            let url = url.clone();
            thread::spawn(move || Test::new().document(SHOP).serve(&["--database", &url]))
        })
        .collect();
    let all: Vec<Serving> = starting.into_iter().map(|it| it.join().expect("it starts")).collect();
    assert_eq!(applied(&own), 1);
    until_heard(&all.iter().collect::<Vec<_>>());
    let saves = [("colour", "colour"), ("weight", "colour TEXT,\n  weight")];
    for (round, (column, columns)) in saves.into_iter().enumerate() {
        all.iter().for_each(|process| process.save(&with_column(columns)));
        for process in &all {
            process.until("the column is there", |process| knows(process, column));
        }
        assert_eq!(applied(&own), round + 2, "{column}");
    }
    let metrics = all[0].get("/metrics").text;
    all[0].until("it counts all three", |process| {
        process.get("/metrics").text.contains("vitruvius_processes 3\n")
    });
    assert!(metrics.contains("vitruvius_notices_up 1\n"), "{metrics}");
}

#[test]
fn a_process_with_an_older_document_does_not_take_back_what_others_serve() {
    let own = database();
    let mut old = serve(SHOP, &own, &[]);
    let new = serve(&with_column("colour"), &own, &[]);
    old.until_said("another process changed the tables");
    // The older one serves on as it is, beside the newer.
    old.post("/api/v1/items", &json!({"name": "lamp"})).status(201);
    assert!(knows(&new, "colour"));
    old.signal("TERM");
    old.end();
    let arguments = ["--database", own.url.as_str()];
    let Err(refused) = Test::new().document(SHOP).try_serve(&arguments) else {
        panic!("a process with an older document was started");
    };
    refused.code(2).says("have been replaced since").says("stop the others first");
    assert!(knows(&new, "colour"));
    // Words around the tables change nothing, and the newest is always welcome.
    drop(serve(&format!("{}\nMore words.\n", with_column("colour")), &own, &[]));
    drop(new);
    // Alone it may go back, and says so.
    let again = Test::new().document(SHOP).serve(&arguments);
    again.until_said("the tables are those of a document again");
}
