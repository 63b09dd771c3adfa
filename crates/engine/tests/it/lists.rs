//! Lists: filters, order, pages, cursors, fields, includes, search and totals.

use serde_json::json;

use crate::desk::{Desk, Person, Reply};

async fn shop(desk: &Desk) -> Person<'_> {
    let admin = desk.admin().await;
    for (name, price, listed) in [
        ("Lamp", "10.00", true),
        ("Hat", "5.50", true),
        ("Map", "7.00", true),
        ("Ink", "2.00", false),
    ] {
        let row = json!({"name": name, "price": price, "is_listed": listed});
        assert_eq!(admin.post("/api/v1/products", row).await.status, 201);
    }
    admin
}

fn names(reply: &Reply) -> Vec<&str> {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.rows().iter().filter_map(|row| row["name"].as_str()).collect()
}

#[tokio::test]
async fn filters_narrow_and_sort_orders() {
    let desk = Desk::open().await;
    let admin = shop(&desk).await;
    let check = async |query: &str, expected: &[&str]| {
        let reply = admin.get(&format!("/api/v1/products?{query}")).await;
        assert_eq!(names(&reply), expected, "{query}");
    };
    check("sort=price", &["Ink", "Hat", "Map", "Lamp"]).await;
    check("sort=-price", &["Lamp", "Map", "Hat", "Ink"]).await;
    check("name=Hat", &["Hat"]).await;
    check("price[gte]=5.50&price[lt]=10&sort=price", &["Hat", "Map"]).await;
    check("name[in]=Hat,Map&sort=name", &["Hat", "Map"]).await;
    check("name[nin]=Hat,Map&sort=name", &["Ink", "Lamp"]).await;
    check("name[in]=", &[]).await;
    check("name[ilike]=%25a%25&sort=name", &["Hat", "Lamp", "Map"]).await;
    check("is_listed=false", &["Ink"]).await;
    check("search=lam", &["Lamp"]).await;
    check("filter=price%20%3C%206%20AND%20NOT%20is_listed%20%3D%20false", &["Hat"]).await;
    check("filter=(name%3D'Ink'%20OR%20name%3D'Map')&sort=-name", &["Map", "Ink"]).await;
    check("filter=price%20BETWEEN%205%20AND%208%20AND%20name%20IN%20('Map')", &["Map"]).await;
}

#[tokio::test]
async fn what_is_not_understood_in_a_query_is_refused_and_named() {
    let desk = Desk::open().await;
    let admin = shop(&desk).await;
    for (query, field) in [
        ("prise=1", "prise"),
        ("price[like]=1", "price[like]"),
        ("price=cheap", "price"),
        ("sort=colour", "sort"),
        ("fields=colour", "fields"),
        ("include=colour", "include"),
        ("filter=price%20%3C", "filter"),
        ("filter=((((((((((((((((((((((((name%3D'a'))))))))))))))))))))))))", "filter"),
        ("limit=0", "limit"),
        ("page=0", "page"),
        ("cursor=abc", "cursor"),
    ] {
        let reply = admin.get(&format!("/api/v1/products?{query}")).await;
        assert_eq!(reply.status, 400, "{query}: {reply:?}");
        assert_eq!(reply.body["error"]["details"][0]["field"], field, "{query}");
    }
}

#[tokio::test]
async fn pages_and_cursors_show_every_row_once() {
    let desk = Desk::open().await;
    let admin = desk.admin().await;
    for number in 0..7 {
        let row = json!({"name": format!("P{number}"), "price": number % 3});
        assert_eq!(admin.post("/api/v1/products", row).await.status, 201);
    }
    let first = admin.get("/api/v1/products?sort=price&limit=3&count=true").await;
    assert_eq!((&first.body["total"], &first.body["has_next"]), (&json!(7), &json!(true)));
    let mut paged = Vec::new();
    for page in 1..=3 {
        let reply = admin.get(&format!("/api/v1/products?sort=price&limit=3&page={page}")).await;
        paged.extend(names(&reply).iter().map(|name| (*name).to_owned()));
    }
    let mut walked = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("/api/v1/products?sort=price&limit=3&fields=name{next}");
        let reply = admin.get(&path).await;
        walked.extend(names(&reply).iter().map(|name| (*name).to_owned()));
        assert!(reply.rows().iter().all(|row| row.as_object().is_some_and(|row| row.len() == 1)));
        match reply.body["next_cursor"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, walked);
    assert_eq!(walked.len(), 7);
}

#[tokio::test]
async fn a_cursor_belongs_to_the_order_that_gave_it() {
    let desk = Desk::open().await;
    let admin = shop(&desk).await;
    let reply = admin.get("/api/v1/products?sort=price&limit=1").await;
    let cursor = reply.text("next_cursor");
    let other = admin.get(&format!("/api/v1/products?sort=name&limit=1&cursor={cursor}")).await;
    assert_eq!(other.status, 400);
}

#[tokio::test]
async fn related_rows_are_included_in_both_directions_and_below_their_parent() {
    let desk = Desk::open().await;
    let admin = shop(&desk).await;
    let anna = desk.customer("anna").await;
    let ticket = json!({"title": "Broken", "product_id": 1});
    let made = anna.post("/api/v1/tickets", ticket).await;
    assert_eq!(made.status, 201, "{made:?}");
    let path = format!("{}?include=product&fields=title", made.header("location"));
    let reply = anna.get(&path).await;
    assert_eq!(reply.body["title"], "Broken", "{reply:?}");
    assert_eq!(reply.body["product"]["name"], "Lamp");
    let reply = admin.get("/api/v1/products/1?include=tickets.owner").await;
    assert_eq!(reply.body["tickets"][0]["title"], "Broken", "{reply:?}");
    assert_eq!(reply.body["tickets"][0]["owner"]["id"], anna.id);
    let below = anna.get("/api/v1/products/1/tickets").await;
    assert_eq!(below.rows().len(), 1, "{below:?}");
    assert_eq!(anna.get("/api/v1/products/2/tickets").await.rows().len(), 0);
    assert_eq!(anna.get("/api/v1/products/4711/tickets").await.status, 404);
}
