//! Nobody sees or does what no sentence of the document allows them, through any door.

use http::Method;
use serde_json::{Value as Json, json};

use crate::desk::{Desk, Person, Reply};

/// Where a table is met: every way to read it.
const READING_DOORS: [&str; 9] = [
    "",
    "?sort=-id",
    "?count=true",
    "?search=secret",
    "?filter=id%20IS%20NOT%20NULL",
    "?fields=id",
    "?limit=100&page=1",
    "?id[nin]=",
    "?id[is]=not_null",
];

#[tokio::test]
async fn a_table_that_no_sentence_opens_is_the_admins_alone() {
    let desk = Desk::open().await;
    let (anna, admin) = (desk.customer("anna").await, desk.admin().await);
    for door in READING_DOORS {
        let path = format!("/api/v1/notes{door}");
        assert_eq!(desk.anybody().get(&path).await.status, 401, "{path}");
        assert_eq!(anna.get(&path).await.status, 403, "{path}");
        let seen = admin.get(&path).await.status;
        assert!(seen == 200, "{path}: {seen}");
    }
    let challenge = desk.anybody().get("/api/v1/notes").await;
    assert_eq!(challenge.header("www-authenticate"), "Bearer");
    let refused = anna.post("/api/v1/notes", json!({"nonsense": 1})).await;
    assert_eq!(refused.status, 403, "who may not write learns nothing of the fields: {refused:?}");
    assert!(refused.body.to_string().contains("DESK.md:"), "{refused:?}");
}

#[tokio::test]
async fn another_persons_row_is_as_if_it_were_not_there() {
    let desk = Desk::open().await;
    let (anna, ben) = (desk.customer("anna").await, desk.customer("ben").await);
    let path = anna.ticket("secret plans").await;
    let missing = "/api/v1/tickets/00000000-0000-4000-8000-000000000000";
    let acts: [(Method, &str, Option<Json>); 7] = [
        (Method::GET, "", None),
        (Method::HEAD, "", None),
        (Method::GET, "?include=product", None),
        (Method::PATCH, "", Some(json!({"title": "mine"}))),
        (Method::PUT, "", Some(json!({"title": "mine"}))),
        (Method::DELETE, "", None),
        (Method::POST, "/solve", Some(json!({}))),
    ];
    for (method, below, body) in acts {
        let body = body.map(|body| body.to_string());
        let ask = async |path: &str| {
            ben.ask(method.clone(), &format!("{path}{below}"), &[], body.clone()).await
        };
        let (hidden, absent) = (ask(&path).await, ask(missing).await);
        assert_eq!(hidden.status, 404, "{method} {below}");
        assert_eq!(without_id(&hidden), without_id(&absent), "{method} {below}");
    }
    for door in READING_DOORS {
        let reply = ben.get(&format!("/api/v1/tickets{door}")).await;
        assert_eq!(reply.rows().len(), 0, "{door}: {reply:?}");
        assert!(reply.body.get("total").is_none_or(|total| *total == 0), "{door}");
    }
    let tag = anna.get(&path).await.header("etag").to_owned();
    let matched = [("if-match", tag.as_str())];
    assert_eq!(ben.ask(Method::DELETE, &path, &matched, None).await.status, 404);
    let known = [("if-none-match", tag.as_str())];
    assert_eq!(ben.ask(Method::GET, &path, &known, None).await.status, 404);
    let batch = json!({"operations": [
        {"method": "POST", "path": "/api/v1/tickets", "body": {"title": "ok"}},
        {"method": "PATCH", "path": path, "body": {"title": "mine"}},
    ]});
    assert_eq!(ben.post("/api/v1/batch", batch).await.status, 404);
    assert_eq!(ben.get("/api/v1/tickets").await.rows().len(), 0);
    assert_eq!(anna.get(&path).await.body["title"], "secret plans");
}

/// A refusal without what differs from request to request.
fn without_id(reply: &Reply) -> Json {
    let mut body = reply.body.clone();
    if let Some(error) = body["error"].as_object_mut() {
        error.remove("request_id");
        error.remove("timestamp");
    }
    body
}

#[tokio::test]
async fn a_forbidden_act_on_a_row_that_is_seen_names_the_sentence() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let agent = desk.agent("gus").await;
    let path = anna.ticket("Printer").await;
    assert_eq!(agent.get(&path).await.status, 200);
    let refused = agent.delete(&path).await;
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.body.to_string().contains("DESK.md:"), "{refused:?}");
}

#[tokio::test]
async fn nobody_writes_in_another_persons_name() {
    let desk = Desk::open().await;
    let (anna, ben) = (desk.customer("anna").await, desk.customer("ben").await);
    let ticket = json!({"title": "x", "owner_id": anna.id});
    assert_eq!(ben.post("/api/v1/tickets", ticket.clone()).await.status, 403);
    assert_eq!(desk.anybody().post("/api/v1/tickets", ticket).await.status, 401);
    let path = ben.ticket("mine").await;
    let given = ben.patch(&path, json!({"owner_id": anna.id})).await;
    assert_eq!(given.status, 403, "{given:?}");
    assert_eq!(ben.get(&path).await.body["owner_id"], ben.id);
    let same = ben.patch(&path, json!({"owner_id": ben.id, "title": "still mine"})).await;
    assert_eq!(same.status, 200, "{same:?}");
}

#[tokio::test]
async fn a_reference_to_a_hidden_row_is_answered_like_one_to_a_missing_row() {
    let desk = Desk::open().await;
    let (anna, admin) = (desk.customer("anna").await, desk.admin().await);
    let hidden = json!({"name": "Prototype", "price": 1, "is_listed": false});
    let hidden = admin.post("/api/v1/products", hidden).await.body["id"].clone();
    let refer = async |id: Json| {
        let reply = anna.post("/api/v1/tickets", json!({"title": "x", "product_id": id})).await;
        assert_eq!(reply.status, 409, "{reply:?}");
        without_id(&reply)
    };
    assert_eq!(refer(hidden.clone()).await, refer(json!(4711)).await);
    let path = anna.ticket("x").await;
    let change = async |id: Json| {
        let reply = anna.patch(&path, json!({"product_id": id})).await;
        assert_eq!(reply.status, 409, "{reply:?}");
        without_id(&reply)
    };
    assert_eq!(change(hidden.clone()).await, change(json!(4711)).await);
    let below = async |id: &Json| {
        let reply = anna.get(&format!("/api/v1/products/{id}/tickets")).await;
        (reply.status.as_u16(), without_id(&reply))
    };
    assert_eq!(below(&hidden).await, below(&json!(4711)).await);
}

#[tokio::test]
async fn an_included_row_that_is_hidden_is_null_and_a_closed_table_is_refused() {
    let desk = Desk::open().await;
    let (anna, admin) = (desk.customer("anna").await, desk.admin().await);
    let product = json!({"name": "Lamp", "price": 1});
    let product = admin.post("/api/v1/products", product).await.body["id"].clone();
    let ticket = anna.post("/api/v1/tickets", json!({"title": "x", "product_id": product})).await;
    let path = ticket.header("location").to_owned();
    let hide = json!({"is_listed": false});
    assert_eq!(admin.patch(&format!("/api/v1/products/{product}"), hide).await.status, 200);
    let reply = anna.get(&format!("{path}?include=product")).await;
    assert_eq!((reply.status.as_u16(), &reply.body["product"]), (200, &json!(null)));
    let kept = anna.patch(&path, json!({"product_id": product, "title": "y"})).await;
    assert_eq!(kept.status, 200, "what stays as it is is no question: {kept:?}");
    assert_eq!(anna.get(&format!("{path}?include=notes")).await.status, 403);
}

#[tokio::test]
async fn a_secret_column_is_unknown_to_every_door() {
    let desk = Desk::open().await;
    let admin = desk.admin().await;
    for query in [
        "password_hash[like]=%24%25",
        "passwordHash=x",
        "sort=password_hash",
        "fields=password_hash",
        "filter=password_hash%20LIKE%20'%24%25'",
    ] {
        let reply = admin.get(&format!("/api/v1/users?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {reply:?}");
        let similar = reply.body.to_string().contains("similar: password");
        assert!(!similar, "{query}: {reply:?}");
    }
    let found = admin.get("/api/v1/users?search=%242b%24").await;
    assert_eq!(found.rows().len(), 0, "{found:?}");
    for path in ["/api/v1/users", "/api/v1/users?include=tickets", "/api/v1/auth/me"] {
        let reply = admin.get(path).await;
        assert_eq!(reply.status, 200, "{path}: {reply:?}");
        let text = String::from_utf8_lossy(&reply.bytes).into_owned();
        assert!(!text.contains("password") && !text.contains("$2"), "{path}: {text}");
    }
}

#[tokio::test]
async fn nobody_makes_themselves_more_than_they_are() {
    let document = crate::desk::DESK.replace(
        "CREATE POLICY products_read",
        "CREATE POLICY users_own ON users FOR ALL USING (id = auth.uid());\n\
         CREATE POLICY products_read",
    );
    let desk = Desk::of(&document).await;
    let anna = desk.customer("anna").await;
    let path = format!("/api/v1/users/{}", anna.id);
    assert_eq!(anna.get(&path).await.status, 200);
    for body in [
        json!({"role": "admin"}),
        json!({"role": "agent", "email": "anna@desk.test"}),
        json!({"password_hash": "x"}),
        json!({"is_active": false}),
    ] {
        let reply = anna.patch(&path, body.clone()).await;
        assert_eq!(reply.status, 403, "{body}: {reply:?}");
        let batch = json!({"operations": [{"method": "PATCH", "path": path, "body": body}]});
        assert_eq!(anna.post("/api/v1/batch", batch).await.status, 403);
    }
    let same = anna.patch(&path, json!({"role": "customer"})).await;
    assert_eq!(same.status, 200, "{same:?}");
    let sign_up = json!({"email": "eve@desk.test", "password": "correct horse 9", "role": "admin"});
    let _ = desk.anybody().post("/api/v1/auth/register", sign_up).await;
    let admin = desk.admin().await;
    let eve = admin.get("/api/v1/users?email=eve@desk.test").await;
    assert!(eve.rows().iter().all(|row| row["role"] != "admin"), "{eve:?}");
}

#[tokio::test]
async fn a_key_that_is_no_key_is_not_found_and_never_reaches_the_store() {
    let desk = Desk::open().await;
    let admin = desk.admin().await;
    for key in ["%27%20OR%201%3D1--", "..%2F..%2Fusers", "%00", "null", "1%20OR%201=1"] {
        let reply = admin.get(&format!("/api/v1/tickets/{key}")).await;
        assert_eq!(reply.status, 404, "{key}: {reply:?}");
    }
    let hostile = "x'); DROP TABLE tickets; --";
    let made = admin.post("/api/v1/tickets", json!({"title": hostile, "owner_id": admin.id})).await;
    assert_eq!(made.body["title"], hostile, "{made:?}");
    let query = "/api/v1/tickets?title=x'%29%3B%20DROP%20TABLE%20tickets%3B%20--";
    assert_eq!(admin.get(query).await.rows().len(), 1);
}

#[tokio::test]
async fn a_forged_cursor_shows_nothing_that_a_filter_would_not() {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let desk = Desk::open().await;
    let (anna, ben) = (desk.customer("anna").await, desk.customer("ben").await);
    anna.ticket("secret").await;
    for forged in [
        r#"["tickets+id","00000000-0000-0000-0000-000000000000"]"#,
        r#"["users+password_hash","a"]"#,
        r#"["tickets+id",null]"#,
        r#"["tickets+id"]"#,
    ] {
        let cursor = URL_SAFE_NO_PAD.encode(forged);
        let reply = ben.get(&format!("/api/v1/tickets?cursor={cursor}")).await;
        assert_eq!(reply.rows().len(), 0, "{forged}: {reply:?}");
    }
}

#[tokio::test]
async fn a_unique_conflict_with_a_hidden_row_names_the_field_and_no_value() {
    let desk = Desk::open().await;
    let (agent, admin) = (desk.agent("gus").await, desk.admin().await);
    let secret = json!({"name": "Prototype", "price": "77.77", "is_listed": false});
    assert_eq!(admin.post("/api/v1/products", secret).await.status, 201);
    let reply = agent.post("/api/v1/products", json!({"name": "Prototype", "price": 1})).await;
    assert_eq!(reply.status, 409, "{reply:?}");
    assert!(!reply.body.to_string().contains("77.77"));
}

#[tokio::test]
async fn a_person_who_is_signed_in_nowhere_is_never_taken_for_nobody() {
    let desk = Desk::open().await;
    let forged = [("authorization", "Bearer eyJhbGciOiJub25lIn0.e30.")];
    let reply = desk.anybody().ask(Method::GET, "/api/v1/products", &forged, None).await;
    assert_eq!(reply.status, 401);
    let anybody: Person<'_> = desk.anybody();
    assert_eq!(anybody.get("/api/v1/products").await.status, 200);
}
