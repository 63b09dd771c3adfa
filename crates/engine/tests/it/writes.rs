//! Creating, changing and removing rows: statuses, defaults, errors field by field, versions,
//! repeated requests and batches.

use http::Method;
use serde_json::json;

use crate::desk::Desk;

#[tokio::test]
async fn a_new_row_is_answered_whole_with_its_place_and_found_there() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let made = anna.post("/api/v1/tickets", json!({"title": "Printer on fire"})).await;
    assert_eq!(made.status, 201, "{made:?}");
    assert_eq!(made.body["owner_id"], anna.id);
    assert_eq!(made.body["status"], "new");
    assert_eq!(made.body["priority"], 3);
    let found = anna.get(made.header("location")).await;
    assert_eq!(found.status, 200);
    assert_eq!(found.body, made.body);
    assert_eq!(found.header("etag"), made.header("etag"));
    let head = anna.ask(Method::HEAD, made.header("location"), &[], None).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    assert_eq!(head.header("content-length"), found.bytes.len().to_string());
}

#[tokio::test]
async fn a_wrong_value_of_a_required_field_is_told_once() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    for title in [json!(7), json!(null), json!("x".repeat(121))] {
        let reply = anna.post("/api/v1/tickets", json!({"title": title})).await;
        assert_eq!(reply.status, 400, "{reply:?}");
        let details = reply.body["error"]["details"].as_array().expect("details");
        assert_eq!(details.len(), 1, "{details:?}");
        assert_eq!(details[0]["field"], "title");
    }
}

#[tokio::test]
async fn value_errors_come_all_at_once_one_for_each_field() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let reply = anna
        .post(
            "/api/v1/tickets",
            json!({"titel": "x", "priority": "high", "status": "lost", "tags": 7}),
        )
        .await;
    assert_eq!(reply.status, 400);
    let details = reply.body["error"]["details"].as_array().expect("details").clone();
    let mut fields: Vec<&str> = details.iter().filter_map(|one| one["field"].as_str()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["priority", "status", "tags", "titel", "title"]);
    let unknown = details.iter().find(|one| one["field"] == "titel").expect("titel");
    assert!(unknown["message"].as_str().is_some_and(|words| words.contains("title")), "{unknown}");
}

#[tokio::test]
async fn what_the_store_refuses_names_the_field() {
    let desk = Desk::open().await;
    let admin = desk.admin().await;
    let first = admin.post("/api/v1/products", json!({"name": "Lamp", "price": "9.50"})).await;
    assert_eq!(first.status, 201, "{first:?}");
    let text = String::from_utf8_lossy(&first.bytes).into_owned();
    assert!(text.contains(r#""price":9.50"#), "digits are kept: {text}");
    let second = admin.post("/api/v1/products", json!({"name": "Lamp", "price": 1})).await;
    assert_eq!(second.status, 409, "{second:?}");
    assert_eq!(second.body["error"]["details"][0]["field"], "name");
    let negative = admin.post("/api/v1/products", json!({"name": "Hat", "price": -1})).await;
    assert_eq!(negative.status, 400, "{negative:?}");
    assert_eq!(negative.body["error"]["details"][0]["field"], "price");
    let own = admin.id.clone();
    let ticket = json!({"title": "x", "owner_id": own, "product_id": 4711});
    let missing = admin.post("/api/v1/tickets", ticket).await;
    assert_eq!(missing.status, 409, "{missing:?}");
    assert_eq!(missing.body["error"]["details"][0]["field"], "product_id");
    let ticket = json!({"title": "x", "owner_id": own, "product_id": first.body["id"]});
    assert_eq!(admin.post("/api/v1/tickets", ticket).await.status, 201);
    let kept = admin.delete(first.header("location")).await;
    assert_eq!(kept.status, 409, "{kept:?}");
}

#[tokio::test]
async fn a_patch_merges_a_put_replaces_and_a_delete_removes() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let path = anna.ticket("Printer").await;
    let patched = anna.patch(&path, json!({"body": "smoke", "priority": 1})).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(
        (&patched.body["title"], &patched.body["body"]),
        (&json!("Printer"), &json!("smoke"))
    );
    let put = anna.put(&path, json!({"title": "Scanner"})).await;
    assert_eq!(put.status, 200, "{put:?}");
    assert_eq!((&put.body["title"], &put.body["body"]), (&json!("Scanner"), &json!(null)));
    assert_eq!(put.body["priority"], 3);
    assert_eq!(put.body["owner_id"], anna.id);
    assert_eq!(put.body["created_at"], patched.body["created_at"]);
    let incomplete = anna.put(&path, json!({"body": "x"})).await;
    assert_eq!(incomplete.status, 400);
    let whole = anna.put(&path, put.body.clone()).await;
    assert_eq!(whole.status, 200, "a row may be sent back as it was read: {whole:?}");
    assert_eq!(anna.delete(&path).await.status, 204);
    assert_eq!(anna.get(&path).await.status, 404);
    assert_eq!(anna.delete(&path).await.status, 404);
}

#[tokio::test]
async fn a_row_that_has_changed_is_not_overwritten() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let path = anna.ticket("Printer").await;
    let before = anna.get(&path).await;
    let tag = before.header("etag").to_owned();
    let body = || Some(json!({"priority": 2}).to_string());
    let fresh = anna.ask(Method::PATCH, &path, &[("if-match", &tag)], body()).await;
    assert_eq!(fresh.status, 200, "{fresh:?}");
    let stale = anna.ask(Method::PATCH, &path, &[("if-match", &tag)], body()).await;
    assert_eq!(stale.status, 412, "{stale:?}");
    let gone = anna.ask(Method::DELETE, &path, &[("if-match", &tag)], None).await;
    assert_eq!(gone.status, 412);
    let now = fresh.header("etag").to_owned();
    let known = anna.ask(Method::GET, &path, &[("if-none-match", &now)], None).await;
    assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0));
    let removed = anna.ask(Method::DELETE, &path, &[("if-match", &now)], None).await;
    assert_eq!(removed.status, 204, "{removed:?}");
}

#[tokio::test]
async fn lists_and_nulls_count_as_part_of_the_version() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let path = anna.ticket("Printer").await;
    let mut tag = anna.get(&path).await.header("etag").to_owned();
    for tags in [json!(["a \"b\"", "ü\n"]), json!([]), json!(null), json!(["c"])] {
        let body = || Some(json!({"tags": tags}).to_string());
        let fresh = anna.ask(Method::PATCH, &path, &[("if-match", &tag)], body()).await;
        assert_eq!((fresh.status.as_u16(), &fresh.body["tags"]), (200, &tags), "{fresh:?}");
        let stale = anna.ask(Method::PATCH, &path, &[("if-match", &tag)], body()).await;
        assert_eq!(stale.status, 412, "{stale:?}");
        tag = fresh.header("etag").to_owned();
    }
}

#[tokio::test]
async fn a_repeated_request_with_one_key_is_done_once() {
    let desk = Desk::open().await;
    let (anna, ben) = (desk.customer("anna").await, desk.customer("ben").await);
    let body = |title: &str| Some(json!({"title": title}).to_string());
    let key = [("idempotency-key", "k-1")];
    let first = anna.ask(Method::POST, "/api/v1/tickets", &key, body("A")).await;
    let again = anna.ask(Method::POST, "/api/v1/tickets", &key, body("A")).await;
    assert_eq!((first.status.as_u16(), again.status.as_u16()), (201, 201), "{again:?}");
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("location"), again.header("location"));
    let other = anna.ask(Method::POST, "/api/v1/tickets", &key, body("B")).await;
    assert_eq!(other.status, 422);
    let bens = ben.ask(Method::POST, "/api/v1/tickets", &key, body("A")).await;
    assert_ne!(bens.body["id"], first.body["id"], "a key belongs to who sent it");
    assert_eq!(anna.get("/api/v1/tickets").await.rows().len(), 1);
}

#[tokio::test]
async fn a_key_of_a_write_whose_answer_was_lost_is_answered_from_the_row() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let (key, body) = ([("idempotency-key", "k-1")], Some(json!({"title": "A"}).to_string()));
    let first = anna.ask(Method::POST, "/api/v1/tickets", &key, body.clone()).await;
    let lost = json!({"key": [first.text("id")]}).to_string();
    // What stands there from the moment of the write, until the answer replaces it.
    let step = store::query::Step::Update {
        table: "_vitruvius_idempotency".into(),
        set: vec![("answer".into(), store::Value::Text(lost).into())],
        condition: store::Expression::Always(true),
        returning: [].into(),
    };
    for _ in 0..2 {
        let written = desk.service.inner.store.write(vec![step.clone()]).await;
        assert_eq!(written.expect("written")[0].affected, 1);
        tokio::task::yield_now().await;
    }
    let again = anna.ask(Method::POST, "/api/v1/tickets", &key, body).await;
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(again.header("idempotency-replayed"), "true");
    assert_eq!((&again.body, again.header("etag")), (&first.body, first.header("etag")));
    assert_eq!(again.header("location"), first.header("location"));
    assert_eq!(anna.get("/api/v1/tickets").await.rows().len(), 1);
}

#[tokio::test]
async fn a_batch_is_done_whole_or_not_at_all() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let path = anna.ticket("Printer").await;
    let good = anna
        .post(
            "/api/v1/batch",
            json!({"operations": [
                {"method": "POST", "path": "/api/v1/tickets", "body": {"title": "One"}},
                {"method": "PATCH", "path": path, "body": {"priority": 5}},
            ]}),
        )
        .await;
    assert_eq!(good.status, 200, "{good:?}");
    assert_eq!(good.body["results"][0]["status"], 201);
    assert_eq!(good.body["results"][1]["body"]["priority"], 5);
    let bad = anna
        .post(
            "/api/v1/batch",
            json!({"operations": [
                {"method": "POST", "path": "/tickets", "body": {"title": "Two"}},
                {"method": "PATCH", "path": path, "body": {"priority": 9}},
            ]}),
        )
        .await;
    assert_eq!(bad.status, 400, "{bad:?}");
    assert_eq!(anna.get("/api/v1/tickets").await.rows().len(), 2);
    assert_eq!(anna.get(&path).await.body["priority"], 5);
}

#[tokio::test]
async fn bodies_that_are_no_sound_json_are_refused() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let post = async |headers: &[(&str, &str)], body: &str| {
        let reply = anna.ask(Method::POST, "/api/v1/tickets", headers, Some(body.to_owned())).await;
        reply.status.as_u16()
    };
    assert_eq!(post(&[("content-type", "text/plain")], "{}").await, 415);
    assert_eq!(post(&[], "{").await, 400);
    assert_eq!(post(&[], r#"{"title":"a","title":"b"}"#).await, 400);
    assert_eq!(post(&[], "[]").await, 400);
    assert_eq!(post(&[], &format!(r#"{{"title":"{}"}}"#, "a".repeat(2 << 20))).await, 413);
}

#[tokio::test]
async fn a_state_moves_along_the_drawn_arrows_through_every_door() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let late = anna.post("/api/v1/tickets", json!({"title": "x", "status": "solved"})).await;
    assert_eq!(late.status, 409, "{late:?}");
    let path = anna.ticket("Printer").await;
    let jump = anna.patch(&path, json!({"status": "closed"})).await;
    assert_eq!(jump.status, 409, "{jump:?}");
    let words = jump.body["error"]["message"].to_string();
    assert!(words.contains("allowed are open"), "{words}");
    let put = anna.put(&path, json!({"title": "Printer", "status": "solved"})).await;
    assert_eq!(put.status, 409, "{put:?}");
    let batch = json!({"operations": [
        {"method": "PATCH", "path": path, "body": {"status": "solved"}},
    ]});
    assert_eq!(anna.post("/api/v1/batch", batch).await.status, 409);
    let early = anna.post(&format!("{path}/solve"), json!({})).await;
    assert_eq!(early.status, 409, "{early:?}");
    assert_eq!(anna.patch(&path, json!({"status": "open"})).await.status, 200);
    let solved = anna.post(&format!("{path}/solve"), json!({})).await;
    assert_eq!(solved.status, 200, "{solved:?}");
    assert_eq!(solved.body["status"], "solved");
    let same = anna.patch(&path, json!({"status": "solved", "title": "Still"})).await;
    assert_eq!(same.status, 200, "a state that stays is no move: {same:?}");
}

#[tokio::test]
async fn what_is_bound_to_nothing_says_so_and_unknown_paths_and_methods_too() {
    let desk = Desk::open().await;
    let anna = desk.customer("anna").await;
    let unbound = anna.post("/api/v1/horoscope", json!({})).await;
    assert_eq!(unbound.status, 501, "{unbound:?}");
    let words = unbound.body["error"]["message"].to_string();
    assert!(words.contains("DESK.md:") && words.contains("POST /api/v1/horoscope"), "{words}");
    assert_eq!(anna.get("/api/v1/nothing").await.status, 404);
    let wrong = anna.put("/api/v1/tickets", json!({})).await;
    assert_eq!(wrong.status, 405);
    assert!(wrong.header("allow").contains("POST"), "{wrong:?}");
    let options = anna.ask(Method::OPTIONS, "/api/v1/tickets", &[], None).await;
    assert_eq!(options.status, 204);
    assert!(options.header("allow").contains("GET"));
}
