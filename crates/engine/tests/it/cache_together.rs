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

/// Waits until processes hear each other: what was kept before counts for nobody from then on.
async fn until_heard(desks: &[&Desk]) {
    let started = Instant::now();
    while !desks.iter().all(|desk| desk.service.inner.shared.is_hearing()) {
        assert!(started.elapsed() < Duration::from_secs(20), "they do not hear each other");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until an answer is kept: after a doubt that takes a few seconds.
async fn until_kept(person: &Person<'_>) {
    let started = Instant::now();
    while !status(person).await.contains("hit") {
        assert!(started.elapsed() < Duration::from_secs(20), "nothing is kept");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_processes_keep_together_what_they_read() {
    let (database, redis) = (postgres::database(), Redis::start());
    let one = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    let other = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    until_heard(&[&one, &other]).await;
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
    until_heard(&[&one, &other]).await;
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
    until_kept(&here).await;
    until_kept(&there).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_process_that_keeps_nothing_counts_for_those_that_do() {
    let (database, redis) = (postgres::database(), Redis::start());
    let keeping = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    let plain = Desk::beside(DESK, &database.url, Some(&redis.url())).await;
    until_heard(&[&keeping, &plain]).await;
    let (admin, here) = (plain.admin().await, keeping.anybody());
    let new = admin.post("/api/v1/products", json!({"name": "Bell", "price": "1"})).await;
    let path = new.header("location").to_owned();
    for round in 2..12 {
        until_kept(&here).await;
        let changed = admin.patch(&path, json!({"price": format!("{round}")})).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        assert_eq!(prices(&here).await, [format!("{round}.0")]);
    }
}

/// A way to a server that can be cut.
struct Way {
    port: u16,
    is_open: tokio::sync::watch::Sender<bool>,
}

impl Way {
    /// The way to a port of this machine.
    async fn to(target: u16) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let (is_open, watched) = tokio::sync::watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let mut watched = watched.clone();
                tokio::spawn(async move {
                    if !*watched.borrow() {
                        return;
                    }
                    let far = tokio::net::TcpStream::connect(("127.0.0.1", target)).await;
                    let mut far = far.expect("the server");
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = watched.wait_for(|is_open| !is_open) => {}
                    }
                });
            }
        });
        Self { port, is_open }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_process_writes_that_cannot_reach_redis_is_not_hidden_by_what_others_keep() {
    let (database, redis) = (postgres::database(), Redis::start());
    let way = Way::to(redis.port).await;
    let by_the_way = format!("redis://127.0.0.1:{}", way.port);
    let apart = Desk::beside(&document(), &database.url, Some(&by_the_way)).await;
    let other = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    until_heard(&[&apart, &other]).await;
    let (admin, there) = (apart.admin().await, other.anybody());
    let new = admin.post("/api/v1/products", json!({"name": "Bell", "price": "1"})).await;
    let path = new.header("location").to_owned();
    until_kept(&there).await;
    way.is_open.send_replace(false);
    for round in 2..6 {
        let changed = admin.patch(&path, json!({"price": format!("{round}")})).await;
        assert_eq!(changed.status, 200, "{changed:?}");
        let written = Instant::now();
        while prices(&there).await != [format!("{round}.0")] {
            assert!(written.elapsed() < Duration::from_secs(1), "round {round} is hidden");
        }
        assert!(!status(&there).await.contains("hit"), "it is in doubt for a while");
    }
    way.is_open.send_replace(true);
    until_here(&apart).await;
    until_kept(&there).await;
    let changed = admin.patch(&path, json!({"price": "9"})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(prices(&there).await, ["9.0"], "it counts again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_in_two_processes_read_what_was_written() {
    let (database, redis) = (postgres::database(), Redis::start());
    let one = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    let other = Desk::beside(&document(), &database.url, Some(&redis.url())).await;
    until_heard(&[&one, &other]).await;
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
