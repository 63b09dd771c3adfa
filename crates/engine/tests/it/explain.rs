//! The plan of a read: told to the admin, and to nobody else.

use http::Method;
use serde_json::Value as Json;

use crate::desk::{Desk, Person, Reply};

const PLAN: (&str, &str) = ("accept", "application/vnd.vitruvius.plan+json");

async fn plan(person: &Person<'_>, path: &str) -> Reply {
    person.ask(Method::GET, path, &[PLAN], None).await
}

/// The way to a table, for the conditions alone.
fn way<'r>(reply: &'r Reply, table: &str) -> (&'r str, &'r str) {
    let reads = reply.body["could_read"].as_array().expect("ways");
    let read = reads.iter().find(|read| read["table"] == table).expect("the table");
    (read["by"].as_str().expect("a way"), read["index"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn a_filter_by_an_indexed_column_is_planned_through_its_index() {
    let desk = Desk::open().await;
    let admin = desk.admin().await;
    admin.ticket("It hums").await;
    let reply = plan(&admin, "/api/v1/tickets?created_at=2026-01-01T00:00:00Z").await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("content-type"), "application/vnd.vitruvius.plan+json");
    assert_eq!(way(&reply, "tickets"), ("index", "idx_tickets_created_at"));
    let indexes = reply.body["indexes"].as_array().expect("indexes");
    let own = indexes.iter().find(|one| one["name"] == "idx_tickets_created_at");
    let own = own.expect("the index is listed");
    assert_eq!(own["columns"], serde_json::json!(["created_at"]));
    assert_eq!(own["table"], "tickets");
    assert!(!reply.body.to_string().contains("It hums"), "rows are not in it");
    let reply = plan(&admin, "/api/v1/tickets?priority=3").await;
    assert_eq!(way(&reply, "tickets").0, "scan", "no index serves it: {reply:?}");
    let reply = plan(&admin, "/api/v1/tickets?include=product").await;
    assert_eq!(way(&reply, "products").0, "index", "the key serves it: {reply:?}");
}

#[tokio::test]
async fn nobody_but_the_admin_sees_a_plan() {
    let desk = Desk::open().await;
    let (customer, agent) = (desk.customer("ann").await, desk.agent("bob").await);
    let own = customer.ticket("It hums").await;
    for path in ["/api/v1/tickets", &own, "/api/v1/products", "/api/v1/notes"] {
        let reply = plan(&desk.anybody(), path).await;
        assert!([401, 404].contains(&reply.status.as_u16()), "{path} {reply:?}");
        for person in [&customer, &agent] {
            let reply = plan(person, path).await;
            assert_eq!(reply.status, 403, "{path} {reply:?}");
            for word in ["idx_", "could_read", "index", "It hums"] {
                assert!(!reply.body.to_string().contains(word), "{path} {reply:?}");
            }
        }
    }
    let reply = customer.ask(Method::GET, "/api/v1/tickets", &[("accept", "*/*")], None).await;
    assert_eq!(reply.status, 200, "other types are answered as ever");
}

#[tokio::test]
async fn what_writes_has_no_plan_and_is_not_done() {
    let desk = Desk::open().await;
    let admin = desk.admin().await;
    let path = admin.ticket("It hums").await;
    let reply = admin.ask(Method::DELETE, &path, &[PLAN], None).await;
    assert_eq!(reply.status, 406, "{reply:?}");
    assert_eq!(admin.get(&path).await.status, 200);
    let reply = plan(&admin, &path).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_ne!(reply.body["reads"], Json::Null);
}
