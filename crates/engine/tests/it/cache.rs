//! What is kept is served again, to those alone who may see it, and never after a write that
//! concerns it.

use std::sync::Arc;

use engine::SystemWorld;
use http::Method;
use serde_json::json;
use store::Value;

use crate::{
    desk::{DESK, Desk, Person, Reply},
    two_stores::Clockwork,
};

/// The help desk with a chapter on what it keeps.
fn kept(lines: &str) -> String {
    format!("{DESK}\n## Caching\n\n{lines}\n")
}

const ALL: &str = "\
| Data | Strategy | TTL | Invalidation |
| --- | --- | --- | --- |
| Tickets | Write-through | 10 min | on update |
| Products | Cache-aside | 10 min | on write |
| Notes | Cache-aside | 10 min | on write |
| Users | Cache-aside | 10 min | on write |";

fn is_hit(reply: &Reply) -> bool {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.header("cache-status").starts_with("vitruvius; hit")
}

/// Reads twice: the second is served from memory, and is the same answer.
async fn twice(person: &Person<'_>, path: &str) -> Reply {
    let first = person.get(path).await;
    let second = person.get(path).await;
    assert!(is_hit(&second), "{path}: {second:?}");
    assert_eq!(first.bytes, second.bytes, "{path}");
    second
}

#[tokio::test]
async fn a_second_read_is_served_from_memory() {
    let desk = Desk::of(&kept(ALL)).await;
    let ada = desk.customer("ada").await;
    let path = ada.ticket("It does not start").await;
    let one = twice(&ada, &path).await;
    twice(&ada, "/api/v1/tickets").await;
    twice(&ada, "/api/v1/tickets?count=true&sort=-created_at&limit=3").await;
    let tag = one.header("etag").to_owned();
    let known = ada.ask(Method::GET, &path, &[("if-none-match", &tag)], None).await;
    assert_eq!(known.status, 304);
    assert!(one.header("cache-control").contains("private"), "{one:?}");
}

#[tokio::test]
async fn nothing_is_kept_that_the_document_does_not_ask_for() {
    let desk = Desk::of(&kept("- Products: 5 minutes")).await;
    let ada = desk.customer("ada").await;
    let path = ada.ticket("It does not start").await;
    for path in [path.as_str(), "/api/v1/tickets", path.as_str()] {
        assert_eq!(ada.get(path).await.header("cache-status"), "");
    }
    twice(&desk.anybody(), "/api/v1/products").await;
}

#[tokio::test]
async fn a_write_is_seen_at_once_by_everybody() {
    let desk = Desk::of(&kept(ALL)).await;
    let (ada, agent) = (desk.customer("ada").await, desk.agent("grace").await);
    let path = ada.ticket("Old").await;
    for person in [&ada, &agent] {
        twice(person, &path).await;
        twice(person, "/api/v1/tickets?count=true").await;
    }
    let changed = agent.patch(&path, json!({"title": "New"})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    for person in [&ada, &agent] {
        assert_eq!(person.get(&path).await.text("title"), "New");
        assert_eq!(person.get("/api/v1/tickets?count=true").await.rows()[0]["title"], "New");
    }
    let gone = ada.delete(&path).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    for person in [&ada, &agent] {
        assert_eq!(person.get(&path).await.status, 404);
        assert!(person.get("/api/v1/tickets?count=true").await.rows().is_empty());
    }
}

#[tokio::test]
async fn nobody_is_shown_what_was_kept_for_somebody_else() {
    let desk = Desk::of(&kept(ALL)).await;
    let (ada, bob) = (desk.customer("ada").await, desk.customer("bob").await);
    let path = ada.ticket("Hers alone").await;
    twice(&ada, &path).await;
    twice(&ada, "/api/v1/tickets").await;
    for person in [&bob, &desk.anybody()] {
        assert_ne!(person.get(&path).await.status, 200);
        let list = person.get("/api/v1/tickets").await;
        assert!(list.rows().is_empty(), "{list:?}");
        assert!(!list.header("cache-status").contains("hit"), "{list:?}");
    }
}

#[tokio::test]
async fn rows_that_follow_another_are_seen_to_be_gone() {
    let desk = Desk::of(&kept(ALL)).await;
    let (ada, admin) = (desk.customer("ada").await, desk.admin().await);
    let path = ada.ticket("Mine").await;
    let id = ada.get(&path).await.text("id");
    let note = admin.post("/api/v1/notes", json!({"ticket_id": id, "text": "Look"})).await;
    assert_eq!(note.status, 201, "{note:?}");
    twice(&admin, "/api/v1/notes").await;
    twice(&admin, "/api/v1/tickets").await;
    let gone = admin.delete(&format!("/api/v1/users/{}", ada.id)).await;
    assert_eq!(gone.status, 204, "{gone:?}");
    assert!(admin.get("/api/v1/notes").await.rows().is_empty(), "notes follow tickets");
    assert!(admin.get("/api/v1/tickets").await.rows().is_empty(), "tickets follow users");
}

#[tokio::test]
async fn batches_actions_and_accounts_are_writes_too() {
    let desk = Desk::of(&kept(ALL)).await;
    let (ada, agent) = (desk.customer("ada").await, desk.agent("grace").await);
    let admin = desk.admin().await;
    let path = ada.ticket("Old").await;
    twice(&ada, &path).await;
    let operations = json!({"operations": [
        {"method": "PATCH", "path": path, "body": {"title": "New"}},
    ]});
    let batch = ada.post("/api/v1/batch", operations).await;
    assert!(batch.status.is_success(), "{batch:?}");
    assert_eq!(twice(&ada, &path).await.text("title"), "New");
    for action in [json!({"status": "open"}), json!({"status": "solved"})] {
        let moved = agent.patch(&path, action.clone()).await;
        assert_eq!(moved.status, 200, "{moved:?}");
        assert_eq!(twice(&ada, &path).await.body["status"], action["status"]);
    }
    let account = format!("/api/v1/users/{}", ada.id);
    twice(&admin, &account).await;
    let me = ada.patch("/api/v1/auth/me", json!({"email": "ada@elsewhere.test"})).await;
    assert!(me.status.is_success(), "{me:?}");
    assert_eq!(admin.get(&account).await.text("email"), "ada@elsewhere.test");
    desk.customer("carol").await;
    let count = admin.get("/api/v1/users?count=true").await;
    desk.customer("dan").await;
    let later = admin.get("/api/v1/users?count=true").await;
    assert_eq!(later.rows().len(), count.rows().len() + 1, "who signs up is a new row");
}

#[tokio::test]
async fn a_written_row_is_kept_at_once_where_it_is_written_through() {
    let desk = Desk::of(&kept(ALL)).await;
    let ada = desk.customer("ada").await;
    let path = ada.ticket("New").await;
    assert!(is_hit(&ada.get(&path).await), "after a create");
    ada.patch(&path, json!({"title": "Newer"})).await;
    let read = ada.get(&path).await;
    assert!(is_hit(&read), "after a change");
    assert_eq!(read.text("title"), "Newer");
}

#[tokio::test]
async fn an_answer_ends_with_its_time() {
    let world = Arc::new(Clockwork::default());
    let desk = Desk::with(&kept("- Products: 30 seconds"), None, world.clone()).await;
    let anybody = desk.anybody();
    let first = twice(&anybody, "/api/v1/products").await;
    assert_eq!(first.header("cache-status"), "vitruvius; hit; ttl=30");
    (0..29).for_each(|_| world.next());
    assert!(is_hit(&anybody.get("/api/v1/products").await), "a second before its end");
    world.next();
    assert!(!is_hit(&anybody.get("/api/v1/products").await), "at its end");
}

#[tokio::test]
async fn lists_that_are_to_be_warm_are_read_at_the_start() {
    let lines = "- Products: 10 minutes\n- Cache warming: products at startup";
    let desk = Desk::of(&kept(lines)).await;
    for _ in 0..200 {
        let caches = desk.service.inner.evidence.snapshot(jiff::Timestamp::now()).caches;
        if caches.get("cache:products").is_some_and(|seen| seen.entries > 0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(is_hit(&desk.anybody().get("/api/v1/products").await), "the first request");
}

#[tokio::test]
async fn a_query_of_the_document_is_kept_until_a_table_that_it_reads_changes() {
    let query = "\n### `GET /api/v1/shop-window`\n\nAccess: Public\n\n```sql\n\
        SELECT name FROM products WHERE is_listed AND price < :below ORDER BY name\n```\n\n\
        ## Caching\n\n- `GET /api/v1/shop-window`: 5 minutes\n";
    let desk = Desk::of(&format!("{DESK}{query}")).await;
    let (anybody, agent) = (desk.anybody(), desk.agent("grace").await);
    let path = "/api/v1/shop-window?below=10";
    twice(&anybody, path).await;
    let other = anybody.get("/api/v1/shop-window?below=11").await;
    assert!(!is_hit(&other), "another parameter");
    agent.ticket("Nothing about products").await;
    assert!(is_hit(&anybody.get(path).await), "another table");
    let new = agent.post("/api/v1/products", json!({"name": "Bell", "price": "3"})).await;
    assert_eq!(new.status, 201, "{new:?}");
    assert_eq!(anybody.get(path).await.rows()[0]["name"], "Bell");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_always_read_what_they_wrote() {
    let desk = Desk::of(&kept(ALL)).await;
    let ada = desk.customer("ada").await;
    let path = ada.ticket("0").await;
    let writers = (0..8).map(|writer| {
        let (ada, path) = (ada.clone(), path.clone());
        async move {
            let own = ada.ticket("mine").await;
            for round in 0..12 {
                let title = format!("{writer}.{round}");
                for place in [&own, &path] {
                    let changed = ada.patch(place, json!({"title": title})).await;
                    assert_eq!(changed.status, 200, "{changed:?}");
                }
                // One's own row: nobody else writes it.
                assert_eq!(ada.get(&own).await.text("title"), title);
                let list = ada.get("/api/v1/tickets?limit=100").await;
                assert!(list.rows().iter().any(|row| row["title"] == title.as_str()), "{list:?}");
                twice_or_changed(&ada, &path).await;
            }
        }
    });
    futures_util::future::join_all(writers).await;
    let last = ada.get(&path).await;
    let held = stored_title(&desk, &last.text("id")).await;
    assert_eq!(last.text("title"), held, "when all is quiet, what is kept is what is stored");
}

async fn twice_or_changed(person: &Person<'_>, path: &str) {
    for _ in 0..2 {
        assert_eq!(person.get(path).await.status, 200);
    }
}

/// A ticket's title as the store has it.
async fn stored_title(desk: &Desk, id: &str) -> String {
    let id = Value::Uuid(id.parse().expect("a key"));
    let sql = "SELECT title FROM tickets WHERE id = :id";
    let rows = desk.service.inner.store.query(sql, &[("id".to_owned(), id)]).await.expect("rows");
    let row: serde_json::Value = serde_json::from_slice(rows.row(0).expect("a row")).expect("JSON");
    row["title"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_write_whose_caller_left_is_seen_all_the_same() {
    let desk = Desk::of(&kept(ALL)).await;
    let ada = desk.customer("ada").await;
    let path = ada.ticket("0").await;
    let id = ada.get(&path).await.text("id");
    for round in 0..40_u64 {
        let body = json!({"title": format!("left {round}")});
        let writing = ada.patch(&path, body);
        let left = std::time::Duration::from_micros(round * 100);
        let _ = tokio::time::timeout(left, writing).await;
        ada.get(&path).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!(ada.get(&path).await.text("title"), stored_title(&desk, &id).await);
}

#[tokio::test]
async fn what_is_kept_never_takes_more_memory_than_it_may() {
    let lines = "- Tickets: 10 minutes\n- Cache size: 128 KB";
    let desk = Desk::of(&kept(lines)).await;
    let ada = desk.customer("ada").await;
    for index in 0..20 {
        ada.ticket(&format!("{index} {}", "long ".repeat(20))).await;
    }
    for index in 0..400 {
        let (limit, offset) = (index % 20 + 1, index / 20);
        ada.get(&format!("/api/v1/tickets?limit={limit}&offset={offset}")).await;
    }
    let caches = desk.service.inner.evidence.snapshot(jiff::Timestamp::now()).caches;
    let seen = caches["cache:tickets"];
    // One entry, a sixteenth at most, may be on its way in.
    assert!(seen.bytes <= 136 * 1024, "{seen:?}");
    assert!(seen.misses == 400 && seen.evicted > 0, "{seen:?}");
}

#[tokio::test]
async fn a_new_version_of_the_document_begins_with_nothing_kept() {
    let desk = Desk::with(&kept("- Products: 1 hour"), None, Arc::new(SystemWorld)).await;
    let anybody = desk.anybody();
    twice(&anybody, "/api/v1/products").await;
    let next = document::compile(document::Sources::single("DESK.md", &kept(ALL)));
    assert!(desk.service.replace(Arc::new(next)).await.is_ok());
    assert!(!is_hit(&anybody.get("/api/v1/products").await));
    twice(&anybody, "/api/v1/products").await;
}
