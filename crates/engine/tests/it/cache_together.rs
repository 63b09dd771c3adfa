//! Two processes on one PostgreSQL with one Redis: what one keeps the other serves, and what one
//! writes the other never misses, whatever becomes of Redis.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    desk::{DESK, Desk, Person},
    postgres,
    redis::Redis,
};

const PATH: &str = "/api/v1/products?sort=name";

fn document() -> String {
    format!("{DESK}\n## Caching\n\n- Products: 10 minutes\n- Tickets: 10 minutes\n")
}

async fn status(person: &Person<'_>) -> String {
    let reply = person.get(PATH).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.header("cache-status").to_owned()
}

async fn prices(person: &Person<'_>) -> Vec<String> {
    let reply = person.get(PATH).await;
    reply.rows().iter().map(|row| row["price"].to_string()).collect()
}

/// Waits until a process has found Redis again.
async fn until_here(desk: &Desk) {
    let started = Instant::now();
    while !desk.service.inner.shared.redis.as_ref().is_some_and(|redis| redis.is_here()) {
        assert!(started.elapsed() < Duration::from_secs(20), "Redis is not found again");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_keep_together_what_they_read() {
    let (database, redis) = (postgres::database(), Redis::start());
    let one = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    let other = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    let (admin, admin_there) = (one.admin().await, other.admin().await);
    let new = admin.post("/api/v1/products", json!({"name": "Bell", "price": "1"})).await;
    assert_eq!(new.status, 201, "{new:?}");
    let path = new.header("location").to_owned();
    let (here, there) = (one.anybody(), other.anybody());
    // Each process begins an epoch when it first looks.
    status(&here).await;
    status(&there).await;
    assert!(status(&here).await.contains("hit"));
    assert!(status(&there).await.contains("hit"), "kept by one, served by the other");
    for round in 2..12 {
        let writer = if round % 2 == 0 { &admin } else { &admin_there };
        let changed = writer.patch(&path, json!({"price": format!("{round}")})).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        for person in [&here, &there] {
            assert_eq!(prices(person).await, [format!("{round}.0")]);
            assert!(status(person).await.contains("hit"), "round {round}");
        }
    }
    // The admin may see more, and is shown more, than anybody.
    admin.patch(&path, json!({"is_listed": false})).await;
    assert_eq!(prices(&admin_there).await.len(), 1);
    assert!(prices(&there).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_old_is_served_when_redis_comes_back() {
    let (database, redis) = (postgres::database(), Redis::start());
    let one = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    let other = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    let admin = one.admin().await;
    let new = admin.post("/api/v1/products", json!({"name": "Bell", "price": "1"})).await;
    let path = new.header("location").to_owned();
    let (here, there) = (one.anybody(), other.anybody());
    status(&here).await;
    status(&there).await;
    assert!(status(&here).await.contains("hit"));
    redis.freeze();
    let changed = admin.patch(&path, json!({"price": "2"})).await;
    assert_eq!(changed.status, 200, "the store takes what Redis cannot count: {changed:?}");
    for person in [&here, &there] {
        assert_eq!(prices(person).await, ["2.0"]);
        assert!(!status(person).await.contains("hit"));
    }
    redis.thaw();
    until_here(&one).await;
    until_here(&other).await;
    for person in [&here, &there, &here, &there] {
        assert_eq!(prices(person).await, ["2.0"], "what was kept before is believed by nobody");
    }
    status(&here).await;
    status(&there).await;
    assert!(status(&here).await.contains("hit") && status(&there).await.contains("hit"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_in_two_processes_read_what_was_written() {
    let (database, redis) = (postgres::database(), Redis::start());
    let one = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    let other = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    let (here, there) = (one.admin().await, other.admin().await);
    let writers = (0..8).map(|writer| {
        let (own, far) = match writer % 2 {
            0 => (here.clone(), there.clone()),
            _ => (there.clone(), here.clone()),
        };
        async move {
            let name = format!("p{writer}");
            let new = own.post("/api/v1/products", json!({"name": name, "price": "1"})).await;
            assert_eq!(new.status, 201, "{new:?}");
            let path = new.header("location").to_owned();
            for round in 0..15 {
                let changed = own.patch(&path, json!({"price": format!("{round}")})).await;
                assert_eq!(changed.status, 200, "{changed:?}");
                for person in [&own, &far, &far] {
                    let row = person.get(&path).await;
                    assert_eq!(row.body["price"].to_string(), format!("{round}.0"));
                }
            }
        }
    });
    futures_util::future::join_all(writers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_redis_only_a_process_that_is_alone_serves_from_memory() {
    let database = postgres::database();
    let one = Desk::beside(&document(), &database.url, None).await;
    let (admin, here) = (one.admin().await, one.anybody());
    let new = admin.post("/api/v1/products", json!({"name": "Bell", "price": "1"})).await;
    let path = new.header("location").to_owned();
    let started = Instant::now();
    while !status(&here).await.contains("hit") {
        assert!(started.elapsed() < Duration::from_secs(20), "alone, it serves from memory");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let other = Desk::beside(&document(), &database.url, None).await;
    let there = other.admin().await;
    while status(&here).await.contains("hit") || status(&there).await.contains("hit") {
        assert!(started.elapsed() < Duration::from_secs(40), "beside another it does not");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for round in 2..12 {
        let changed = there.patch(&path, json!({"price": format!("{round}")})).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_eq!(prices(&here).await, [format!("{round}.0")]);
        assert!(!status(&here).await.contains("hit"));
    }
}
