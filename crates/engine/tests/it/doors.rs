//! What went wrong elsewhere, tried at each of our doors: rights lost in a batch, hidden rows told
//! by counts, searches, sorts and tags, words that give names away, text that becomes SQL, and
//! requests that ask for too much.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use engine::{
    Pages, Visit,
    server::{Limits, Server},
};
use futures_util::future::BoxFuture;
use http::Method;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::desk::{Desk, Person, Reply};

/// Anna has the word `lighthouse` in a ticket of hers; ben has two plain ones.
async fn with_tickets(desk: &Desk) -> (Person<'_>, Person<'_>, String) {
    let (anna, ben) = (desk.customer("anna").await, desk.customer("ben").await);
    let secret = json!({"title": "lighthouse", "body": "the code is 4711", "priority": 5});
    let made = anna.post("/api/v1/tickets", secret).await;
    assert_eq!(made.status, 201, "{made:?}");
    ben.ticket("Printer").await;
    ben.ticket("Scanner").await;
    let path = made.header("location").to_owned();
    (anna, ben, path)
}

/// What tells answers apart, but for ids and times.
fn essence(reply: &Reply) -> Json {
    let error = &reply.body["error"];
    json!([reply.status.as_u16(), error["code"], error["message"], error["details"]])
}

async fn batch(person: &Person<'_>, operations: Json) -> Reply {
    person.post("/api/v1/batch", json!({ "operations": operations })).await
}

#[tokio::test]
async fn a_hidden_row_is_told_by_no_list_whatever_it_is_asked() {
    let desk = Desk::open().await;
    let (anna, ben, _) = with_tickets(&desk).await;
    for query in [
        "search=lighthouse",
        "title=lighthouse",
        "title[like]=light%25",
        "title[contains]=house",
        "body[contains]=4711",
        "priority[gte]=5",
        "filter=title%20%3D%20'lighthouse'",
        "filter=NOT%20(title%20%3D%20'Printer'%20OR%20title%20%3D%20'Scanner')",
        &format!("owner_id={}", anna.id),
    ] {
        let path = format!("/api/v1/tickets?count=true&{query}");
        let (bens, annas) = (ben.get(&path).await, anna.get(&path).await);
        assert_eq!(bens.status, 200, "{query}: {bens:?}");
        assert_eq!(bens.rows().len(), 0, "{query}: {bens:?}");
        assert_eq!(bens.body["total"].as_u64(), Some(0), "{query}: {bens:?}");
        assert_eq!(annas.rows().len(), 1, "{query}: {annas:?}");
    }
    let all = ben.get("/api/v1/tickets?count=true&sort=-priority,title").await;
    assert_eq!(all.rows().len(), 2, "{all:?}");
    assert_eq!(all.body["total"], 2);
}

#[tokio::test]
async fn a_list_of_no_values_holds_nothing() {
    let desk = Desk::open().await;
    let (_, ben, _) = with_tickets(&desk).await;
    let none = ben.get("/api/v1/tickets?priority[in]=").await;
    assert_eq!((none.status.as_u16(), none.rows().len()), (200, 0), "{none:?}");
    let others = ben.get("/api/v1/tickets?priority[nin]=").await;
    assert_eq!(others.rows().len(), 2, "one's own rows, and no others: {others:?}");
}

#[tokio::test]
async fn a_batch_gives_nobody_more_than_single_requests_do() {
    let desk = Desk::open().await;
    let (anna, ben, hidden) = with_tickets(&desk).await;
    let missing = "/api/v1/tickets/00000000-0000-4000-8000-000000000000";
    for (method, body) in [("PATCH", json!({"title": "mine"})), ("DELETE", Json::Null)] {
        let tried = async |path: &str| {
            let operation = json!([{"method": method, "path": path, "body": body}]);
            essence(&batch(&ben, operation).await)
        };
        let answer = tried(&hidden).await;
        assert_eq!(answer[0], 404, "{answer}");
        assert_eq!(answer, tried(missing).await, "hidden and missing are the same");
    }
    let forged = json!([{"method": "POST", "path": "/tickets",
        "body": {"title": "x", "owner_id": anna.id}}]);
    assert_eq!(batch(&ben, forged).await.status, 403);
    let closed = json!([{"method": "POST", "path": "/notes", "body": {"text": "x"}}]);
    assert_eq!(batch(&ben, closed).await.status, 403);
    let own = json!({"method": "POST", "path": "/tickets", "body": {"title": "x"}});
    let mixed = json!([own, {"method": "DELETE", "path": hidden}]);
    assert_eq!(batch(&ben, mixed).await.status, 404);
    assert_eq!(ben.get("/api/v1/tickets").await.rows().len(), 2, "all or nothing");
    assert_eq!(anna.get(&hidden).await.body["title"], "lighthouse");
    assert_eq!(batch(&desk.anybody(), json!([own])).await.status, 401);
}

#[tokio::test]
async fn a_batch_holds_writes_to_tables_and_so_many() {
    let desk = Desk::open().await;
    let ben = desk.customer("ben").await;
    let refused = async |operations: Json| {
        let reply = batch(&ben, operations).await;
        assert_eq!(reply.status, 400, "{reply:?}");
    };
    refused(json!([{"method": "GET", "path": "/tickets"}])).await;
    refused(json!([{"method": "POST", "path": "/batch", "body": {"operations": []}}])).await;
    refused(json!([{"method": "POST", "path": "/auth/login", "body": {}}])).await;
    let one = json!({"method": "POST", "path": "/tickets", "body": {"title": "x"}});
    refused(Json::Array(vec![one; 101])).await;
    assert_eq!(ben.get("/api/v1/tickets").await.rows().len(), 0);
}

#[tokio::test]
async fn what_one_person_was_given_is_given_to_nobody_else() {
    let desk = Desk::open().await;
    let (anna, ben, hidden) = with_tickets(&desk).await;
    let seen = anna.get(&hidden).await;
    let tag = seen.header("etag").to_owned();
    assert!(seen.header("cache-control").contains("private"), "{seen:?}");
    let known = [("if-none-match", &*tag)];
    assert_eq!(anna.ask(Method::GET, &hidden, &known, None).await.status, 304);
    assert_eq!(ben.ask(Method::GET, &hidden, &known, None).await.status, 404);
    assert_eq!(ben.ask(Method::HEAD, &hidden, &[], None).await.status, 404);
    for tag in [&*tag, "*", "\"00000000000000000000000000000000\""] {
        let body = Some(json!({"title": "mine"}).to_string());
        let tried = ben.ask(Method::PATCH, &hidden, &[("if-match", tag)], body).await;
        assert_eq!(tried.status, 404, "no version is told to whom no row is: {tried:?}");
    }
    let page = anna.get("/api/v1/tickets?limit=1").await;
    assert!(page.header("cache-control").contains("private"), "{page:?}");
}

#[tokio::test]
async fn words_of_a_refusal_name_nothing_that_is_hidden() {
    let desk = Desk::open().await;
    let (ben, admin) = (desk.customer("ben").await, desk.admin().await);
    for query in [
        "sort=password_hahs",
        "fields=pasword_hash",
        "password_has=x",
        "filter=passwordhash%20%3D%201",
    ] {
        let reply = admin.get(&format!("/api/v1/users?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {reply:?}");
        let words = reply.body["error"].to_string();
        assert!(!words.contains("password_hash"), "{query}: {words}");
    }
    for path in ["/api/v1/notes", "/api/v1/ntoes", "/api/v1/_vitruvius_sessions"] {
        let reply = ben.get(path).await;
        let words = reply.body["error"].to_string();
        assert!(matches!(reply.status.as_u16(), 403 | 404), "{reply:?}");
        assert!(!words.contains("ticket_id") && !words.contains("SELECT"), "{words}");
    }
    for name in ["server", "x-powered-by", "via"] {
        assert_eq!(ben.get("/api/v1/tickets").await.header(name), "", "{name}");
    }
}

#[tokio::test]
async fn text_of_a_request_never_becomes_sql() {
    let desk = Desk::open().await;
    let (anna, ben, _) = with_tickets(&desk).await;
    let attacks = [
        "'; DROP TABLE tickets; --",
        "\" OR 1=1 --",
        "') OR ('1'='1",
        "x' UNION SELECT password_hash FROM users --",
        "$1; :id ? ?1 @x",
        "\\' \\\" %00",
    ];
    for attack in attacks {
        let text: String =
            percent_encoding::utf8_percent_encode(attack, percent_encoding::NON_ALPHANUMERIC)
                .to_string();
        for place in [
            "search",
            "title",
            "title[like]",
            "title[contains]",
            "title[in]",
            "filter",
            "sort",
            "fields",
            "include",
            "cursor",
            "limit",
        ] {
            let reply = ben.get(&format!("/api/v1/tickets?{place}={text}")).await;
            let status = reply.status.as_u16();
            assert!(
                status == 400 || (status == 200 && reply.rows().is_empty()),
                "{place}: {reply:?}"
            );
        }
        let inside = ben.get(&format!("/api/v1/tickets?filter=title%20%3D%20'{text}'")).await;
        assert!(matches!(inside.status.as_u16(), 200 | 400), "{inside:?}");
        assert!(inside.rows().len() <= 2, "no more than one's own: {inside:?}");
        assert_eq!(ben.get(&format!("/api/v1/tickets/{text}")).await.status, 404);
        let kept = ben.post("/api/v1/tickets", json!({"title": attack})).await;
        assert_eq!((kept.status.as_u16(), &kept.body["title"]), (201, &json!(attack)), "{kept:?}");
        assert_eq!(ben.delete(kept.header("location")).await.status, 204);
    }
    assert_eq!(anna.get("/api/v1/tickets").await.rows().len(), 1);
    assert_eq!(ben.get("/api/v1/tickets").await.rows().len(), 2);
    let literal = ben.get("/api/v1/tickets?search=%25").await;
    assert_eq!(literal.rows().len(), 0, "a percent sign is searched for, not a pattern");
}

#[tokio::test]
async fn a_request_that_asks_for_too_much_is_refused_before_it_costs() {
    let desk = Desk::open().await;
    let (_, ben, _) = with_tickets(&desk).await;
    let includes = ["product"; 11].join(",");
    let sorts = "title,body,status,priority,created_at,updated_at";
    let values = ["1"; 101].join(",");
    let deep = format!("{}title%20%3D%20'x'{}", "(".repeat(500), ")".repeat(500));
    let long = "x".repeat(300);
    let many = (0..60).map(|at| format!("title[ne]=x{at}")).collect::<Vec<_>>().join("&");
    for query in [
        format!("include={includes}"),
        "include=product.tickets.product.tickets".to_owned(),
        format!("sort={sorts}"),
        format!("priority[in]={values}"),
        format!("filter={deep}"),
        format!("search={long}"),
        many,
        "offset=99999999999".to_owned(),
        format!("{long}=1"),
    ] {
        let reply = ben.get(&format!("/api/v1/tickets?{query}")).await;
        assert_eq!(reply.status, 400, "{}: {reply:?}", &query[..query.len().min(60)]);
        assert!(reply.bytes.len() < 4096, "the answer is short: {} bytes", reply.bytes.len());
    }
    let endless = "a=1&".repeat(5000);
    assert_eq!(ben.get(&format!("/api/v1/tickets?{endless}")).await.status, 414);
    let page = ben.get("/api/v1/tickets?limit=99999999999999999999999").await;
    assert_eq!(page.body["limit"], 100, "{page:?}");
    let nobody = desk.anybody().get("/api/v1/tickets?sort=nothing").await;
    assert_eq!(nobody.status, 401, "who may not ask learns nothing about how: {nobody:?}");
}

#[tokio::test]
async fn a_parameter_that_stands_twice_narrows_and_never_widens() {
    let desk = Desk::open().await;
    let (anna, ben, _) = with_tickets(&desk).await;
    let path = format!("/api/v1/tickets?owner_id={}&owner_id={}", ben.id, anna.id);
    assert_eq!(ben.get(&path).await.rows().len(), 0);
    let path = "/api/v1/tickets?limit=1&limit=2&filter=title%20%3D%20'Printer'&filter=1%20%3D%201";
    assert!(ben.get(path).await.rows().len() <= 1);
}

/// A page that is never ready.
struct Never;

impl Pages for Never {
    fn answer(&self, _: Visit) -> BoxFuture<'_, Option<axum::response::Response>> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_request_ends_when_its_time_is_over_whoever_keeps_the_time() {
    // A short time has a timer; a long one is looked at by the connection, once a second.
    for (stated, seconds) in [("1 second", 1), ("10 seconds", 10)] {
        let text = format!("# Slow\n\n## API\n\n- Request timeout: {stated}\n");
        let desk = Desk::of(&text).await;
        desk.service.mount(Arc::new(Never));
        let limits = Limits::of_this_process();
        let server = Server::listen(([127, 0, 0, 1], 0).into(), limits).expect("a port");
        let address = server.address().expect("an address");
        let serving = tokio::spawn(server.serve(desk.service.clone(), std::future::pending()));
        let mut socket = tokio::net::TcpStream::connect(address).await.expect("connected");
        let began = Instant::now();
        socket.write_all(b"GET /_/slow HTTP/1.1\r\nhost: localhost\r\n\r\n").await.expect("sent");
        let mut head = [0; 12];
        socket.read_exact(&mut head).await.expect("answered");
        let took = began.elapsed();
        assert_eq!(&head, b"HTTP/1.1 504", "{stated}");
        let (least, most) = (Duration::from_secs(seconds), Duration::from_secs(seconds + 3));
        assert!(least <= took && took < most, "{stated}: {took:?}");
        serving.abort();
    }
}
