//! The connection to a Redis that comes and goes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Away, Redis, RedisError};
use crate::SystemWorld;

#[path = "../../tests/support/redis.rs"]
pub(crate) mod server;

async fn open(url: &str, identity: &str) -> Result<Arc<Redis>, RedisError> {
    Redis::open(url, identity, Arc::new(SystemWorld)).await
}

async fn until(what: &str, is_true: impl Fn() -> bool) {
    let started = Instant::now();
    while !is_true() {
        assert!(started.elapsed() < Duration::from_secs(20), "{what} did not come true");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn two_databases_share_one_server_without_meeting() {
    let server = server::Redis::start();
    let one = open(&server.url(), "one").await.expect("a connection");
    let other = open(&server.url(), "other").await.expect("a connection");
    let life = Duration::from_secs(9);
    one.set(&one.key("cache", "x"), b"\x00bytes", life).await.expect("it answers");
    let kept = one.get(&one.key("cache", "x")).await;
    assert_eq!(kept, Ok(Some(b"\x00bytes".to_vec())));
    assert_eq!(other.get(&other.key("cache", "x")).await, Ok(None));
    assert_eq!(one.count_up(&one.key("cache", "n")).await, Ok(1));
    let keys = [one.key("cache", "x"), one.key("cache", "n")];
    assert_eq!(one.delete(&keys).await, Ok(2));
}

#[tokio::test]
async fn a_server_that_goes_costs_nothing_and_is_found_again() {
    let server = server::Redis::start();
    let redis = open(&server.url(), "x").await.expect("a connection");
    assert!(redis.is_here());
    server.stop();
    until("its end is noticed", || !redis.is_here()).await;
    let seen = redis.seen();
    assert!(seen.away.is_some(), "{seen:?}");
    let asked = Instant::now();
    for _ in 0..1000 {
        assert_eq!(redis.get("x").await, Err(Away));
    }
    assert!(asked.elapsed() < Duration::from_millis(100), "{:?}", asked.elapsed());
    server.start_again();
    until("it is found again", || redis.is_here()).await;
    assert_eq!(redis.get("x").await, Ok(None));
    assert_eq!(redis.seen().away, None);
    assert_eq!(redis.losses(), 1);
}

#[tokio::test]
async fn a_server_that_hangs_is_given_up_after_a_few_commands() {
    let server = server::Redis::start();
    let redis = open(&server.url(), "x").await.expect("a connection");
    server.freeze();
    let asked = Instant::now();
    for _ in 0..100 {
        assert_eq!(redis.get("x").await, Err(Away));
    }
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    assert!(!redis.is_here());
    server.thaw();
    until("it is found again", || redis.is_here()).await;
}

#[tokio::test]
async fn a_server_that_is_away_at_the_start_is_waited_for() {
    let server = server::Redis::start();
    server.stop();
    let redis = open(&server.url(), "x").await.expect("no refusal");
    assert_eq!(redis.seen().away.as_deref(), Some("nobody listens there"));
    server.start_again();
    until("it is found", || redis.is_here()).await;
}

#[tokio::test]
async fn a_server_that_refuses_stops_the_start_without_telling_the_password() {
    let server = server::Redis::with_password("right");
    for wrong in ["", ":wrong@", "me:wrong@"] {
        let url = server.url().replace("//", &format!("//{wrong}"));
        let refused = open(&url, "x").await.map(|_| ()).expect_err("a refusal").to_string();
        assert!(refused.contains("refuses the user or the password"), "{refused}");
        assert!(refused.contains(&server.port.to_string()), "{refused}");
        assert!(!refused.contains("wrong"), "{refused}");
    }
    let url = server.url().replace("//", "//:right@");
    assert!(open(&url, "x").await.is_ok_and(|redis| redis.is_here()));
    for no_url in ["localhost:6379", "http://localhost", "redis://:secret@localhost:port"] {
        let refused = open(no_url, "x").await.map(|_| ()).expect_err("no URL");
        assert_eq!(refused, RedisError::Url);
    }
}

#[tokio::test]
async fn that_a_server_has_no_tls_is_guessed_aloud() {
    let server = server::Redis::start();
    let url = server.url().replace("redis:", "rediss:");
    let opened = open(&url, "x").await.map(|redis| redis.seen().away.clone());
    let words = match &opened {
        Ok(away) => away.clone().unwrap_or_default(),
        Err(refused) => refused.to_string(),
    };
    assert!(words.contains("TLS"), "{opened:?}");
}
