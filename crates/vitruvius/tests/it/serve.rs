//! Serving: from the first answer to the last, and what survives.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::json;

use crate::harness::{SHOP, Test};

#[test]
fn a_document_serves_what_it_says() {
    let serving = Test::new().document(SHOP).serve(&[]);
    serving.get("/health").status(200);
    serving.get("/ready").status(200);
    let created = serving.post("/api/v1/items", &json!({"name": "lamp", "price": 5})).status(201);
    let id = created.json()["id"].as_str().expect("an id").to_owned();
    let read = serving.get(&format!("/api/v1/items/{id}")).status(200).json();
    assert_eq!((&read["name"], &read["price"]), (&json!("lamp"), &json!(5)));
    assert_eq!(serving.get("/api/v1/items").status(200).json()["data"][0]["name"], "lamp");
    serving.get("/api/v1/nowhere").status(404);
    serving.post("/api/v1/items", &json!({"price": 5})).status(400);
}

#[test]
fn the_start_says_where_and_to_whom() {
    let text = format!("{SHOP}\n## Stack\n\n- Database: PostgreSQL 15\n");
    let serving = Test::new().document(&text).serve(&[]);
    for words in ["ARCHITECTURE.md", "1 table", "anybody", "PostgreSQL 15", "SQLite runs"] {
        assert!(serving.greeting.contains(words), "{words}: {}", serving.greeting);
    }
    assert!(!serving.address().ends_with(":0"), "{}", serving.address());
}

#[test]
fn what_was_acknowledged_survives_a_kill() {
    let serving = Test::new().document(SHOP).serve(&[]);
    let mut acknowledged = Vec::new();
    for index in 0..50 {
        let created = serving.post("/api/v1/items", &json!({"name": format!("item {index}")}));
        acknowledged.push(created.status(201).json()["id"].as_str().expect("an id").to_owned());
    }
    let serving = serving.kill_and_serve_again();
    for id in acknowledged {
        serving.get(&format!("/api/v1/items/{id}")).status(200);
    }
}

#[test]
fn asked_to_stop_it_answers_what_is_in_flight_and_ends_well() {
    let mut serving = Test::new().document(SHOP).serve(&[]);
    let mut slow = TcpStream::connect(serving.address()).expect("a connection");
    let body = r#"{"name":"late"}"#;
    let head = format!(
        "POST /api/v1/items HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    slow.write_all(head.as_bytes()).expect("sent");
    std::thread::sleep(Duration::from_millis(300));
    serving.signal("TERM");
    serving.until_said("stopping");
    slow.write_all(body.as_bytes()).expect("sent");
    let mut answer = String::new();
    slow.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    assert_eq!(serving.end().code(), Some(0), "{}", serving.complaints());
    assert!(TcpStream::connect(serving.address()).is_err());
}

#[test]
fn a_missing_variable_is_named_and_an_env_file_gives_it() {
    let text = format!(
        "{SHOP}\n## Environment Variables\n\n\
         | Variable | Description | Required |\n| --- | --- | --- |\n\
         | SHOP_MAIL_KEY | Key of the mail service | Yes |\n"
    );
    let Err(refused) = Test::new().document(&text).try_serve(&[]) else {
        panic!("it serves without its variable");
    };
    refused.code(1).says("SHOP_MAIL_KEY").says("ARCHITECTURE.md:");
    let serving = Test::new()
        .document(&text)
        .file("shop.env", b"# keys\nSHOP_MAIL_KEY='s3cret'\n")
        .serve(&["--env-file", "shop.env"]);
    serving.get("/health").status(200);
    Test::new()
        .document(&text)
        .environment("SHOP_MAIL_KEY", "s3cret")
        .serve(&[])
        .get("/health")
        .status(200);
}

#[test]
fn errors_refuse_the_whole_but_not_its_sound_part() {
    let text = format!("{SHOP}\n```sql\nCREATE TABLE broken (id UUID PRIMARY KEY,, x);\n```\n");
    let Err(refused) = Test::new().document(&text).try_serve(&[]) else {
        panic!("it serves a document with errors");
    };
    refused.code(1).says("error[").says("--partial");
    let serving = Test::new().document(&text).serve(&["--partial"]);
    serving.post("/api/v1/items", &json!({"name": "lamp"})).status(201);
    assert!(serving.greeting.contains("partial"), "{}", serving.greeting);
}

#[test]
fn an_address_or_data_in_use_is_refused() {
    let serving = Test::new().document(SHOP).serve(&[]);
    let address = serving.address().to_owned();
    Test::new()
        .document(SHOP)
        .run(&["serve", "ARCHITECTURE.md", "--listen", &address])
        .code(2)
        .says("cannot listen on");
    let data = serving.directory().join("data").display().to_string();
    let Err(refused) = Test::new().document(SHOP).try_serve(&["--data", &data]) else {
        panic!("two services share the data");
    };
    refused.code(2).says("another service is using the data");
}

#[test]
fn the_access_log_keeps_no_secrets() {
    let mut serving = Test::new().document(SHOP).serve(&[]);
    let request = serving
        .request("GET", "/api/v1/items?name=v4lue&token=t0ken")
        .header("authorization", "Bearer b3arer")
        .header("cookie", "session=c00kie");
    serving.send(request);
    serving.post("/api/v1/items", &json!({"name": "b0dy"}));
    serving.signal("TERM");
    serving.end();
    let log =
        std::fs::read_to_string(serving.directory().join("data/access.jsonl")).expect("a log");
    assert_eq!(log.lines().count(), 2, "{log}");
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(line["path"], "/api/v1/items");
    }
    for secret in ["v4lue", "t0ken", "b3arer", "c00kie", "b0dy"] {
        assert!(!log.contains(secret), "{secret} is in {log}");
        assert!(!serving.complaints().contains(secret), "{secret} was said");
    }
}

#[test]
fn metrics_count_what_was_answered() {
    let serving = Test::new().document(SHOP).serve(&[]);
    serving.get("/api/v1/items").status(200);
    let metrics = serving.get("/metrics").status(200).text;
    let line =
        r#"vitruvius_http_requests_total{method="GET",route="/api/v1/items",status="2xx"} 1"#;
    assert!(metrics.contains(line), "{metrics}");
    let stranger = serving.request("GET", "/metrics").header("x-forwarded-for", "203.0.113.9");
    assert_eq!(serving.send(stranger).status, 401);
    let rebound = serving.request("GET", "/metrics").header("host", "evil.example");
    assert_eq!(serving.send(rebound).status, 401);
}

#[test]
fn the_description_and_its_page_come_without_a_network() {
    let serving = Test::new().document(SHOP).serve(&[]);
    let description = serving.get("/openapi.json").status(200).json();
    assert_eq!(description["openapi"], "3.1.0");
    assert!(description["paths"]["/api/v1/items"]["get"].is_object(), "{description}");
    let page = serving.get("/docs").status(200);
    let policy = page.headers["content-security-policy"].to_str().expect("text");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"));
    assert!(!page.text.contains("https://"), "{}", page.text);
    serving.get("/docs/swagger-ui-bundle.js").status(200);
    serving.get("/docs/../../Cargo.toml").status(404);
}

#[test]
fn large_answers_are_compressed_for_who_asks() {
    let serving = Test::new().document(SHOP).serve(&[]);
    for index in 0..30 {
        serving.post("/api/v1/items", &json!({"name": format!("item {index}")})).status(201);
    }
    let plain = serving.get("/api/v1/items");
    assert!(plain.headers.get("content-encoding").is_none());
    let request = serving.request("GET", "/api/v1/items").header("accept-encoding", "gzip");
    let packed = serving.send(request);
    assert_eq!(packed.headers["content-encoding"], "gzip");
    let small = serving.request("GET", "/health").header("accept-encoding", "gzip");
    assert!(serving.send(small).headers.get("content-encoding").is_none());
}

#[test]
fn a_head_that_is_too_large_is_refused_and_nothing_else_suffers() {
    let serving = Test::new().document(SHOP).serve(&[]);
    let mut stream = TcpStream::connect(serving.address()).expect("a connection");
    let large = "x".repeat(200_000);
    let request = format!("GET /health HTTP/1.1\r\nHost: x\r\nA: {large}\r\n\r\n");
    // The server may hang up before everything is sent.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let answer = String::from_utf8_lossy(&answer);
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 431"), "{answer}");
    let mut stream = TcpStream::connect(serving.address()).expect("a connection");
    stream.write_all(b"\x16\x03\x01 not HTTP at all\r\n\r\n").expect("sent");
    serving.get("/health").status(200);
}

#[test]
fn a_search_path_finds_and_a_flag_is_set_and_taken_back() {
    let text = r#"# Reader

```sql
CREATE TABLE users (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  email VARCHAR(255) NOT NULL UNIQUE,
  password_hash VARCHAR(255) NOT NULL
);
CREATE TABLE books (
  id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  title VARCHAR(80) NOT NULL
);
CREATE TABLE book_likes (
  user_id UUID NOT NULL REFERENCES users(id) ON DELETE CASCADE,
  book_id UUID NOT NULL REFERENCES books(id) ON DELETE CASCADE,
  PRIMARY KEY (user_id, book_id)
);
```

| Method | Path | Auth |
| --- | --- | --- |
| POST | /api/v1/books | Authenticated |
| GET | /api/v1/books/search?q= | Public |
| POST | /api/v1/books/{id}/like | Authenticated |
| DELETE | /api/v1/books/{id}/like | Authenticated |

- Password hashing: bcrypt (cost factor 4)
"#;
    let serving = Test::new().document(text).serve(&[]);
    let body = json!({"email": "ada@example.org", "password": "correct horse"});
    let signed_up = serving.post("/api/v1/auth/register", &body).status(201).json();
    let token = signed_up["access_token"].as_str().expect("a token").to_owned();
    let ask = |method: &str, path: &str, body: Option<serde_json::Value>| {
        let request = serving.request(method, path).bearer_auth(&token);
        serving.send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
    };
    let book = |title: &str| {
        let made = ask("POST", "/api/v1/books", Some(json!({"title": title}))).status(201).json();
        made["id"].as_str().expect("an id").to_owned()
    };
    let (doric, _) = (book("Doric order"), book("Brick and mortar"));
    let found = serving.get("/api/v1/books/search?q=doric").status(200).json();
    let titles: Vec<_> = found["data"].as_array().expect("rows").iter().collect();
    assert_eq!(titles.len(), 1, "{found}");
    assert_eq!(titles[0]["title"], "Doric order");
    assert_eq!(serving.get("/api/v1/books/search?q=ionic").status(200).json()["data"], json!([]));
    let like = format!("/api/v1/books/{doric}/like");
    assert_eq!(serving.send(serving.request("POST", &like)).status, 401);
    ask("POST", &like, None).status(201);
    ask("POST", &like, None).status(409);
    assert_eq!(serving.send(serving.request("DELETE", &like)).status, 401);
    ask("DELETE", &like, None).status(204);
    ask("DELETE", &like, None).status(404);
    ask("POST", &like, None).status(201);
}

#[test]
fn every_answer_before_the_end_stands_in_the_access_log() {
    let mut serving = Test::new().document(SHOP).serve(&["--access-log", "access.jsonl"]);
    let before = 57;
    for place in 0..before {
        serving.get(&format!("/api/v1/items?limit={}", place % 5 + 1)).status(200);
    }
    serving.signal("TERM");
    assert_eq!(serving.end().code(), Some(0), "{}", serving.complaints());
    let log = std::fs::read_to_string(serving.directory().join("access.jsonl")).expect("a log");
    let lines = log.lines().map(serde_json::from_str::<serde_json::Value>);
    let lines: Vec<_> = lines.collect::<Result<_, _>>().expect("whole lines");
    let answered = lines.iter().filter(|line| line["path"] == "/api/v1/items").count();
    assert_eq!(answered, before, "{log}");
}
