//! What is kept in Redis, with a server of the tests' own.

use super::*;
use crate::{SystemWorld, World, shared::tests::server};

struct Stage {
    server: server::Redis,
    together: Together,
    rule: Rule,
    tables: Vec<Arc<Generation>>,
    key: Key,
}

async fn stage() -> Stage {
    let server = server::Redis::start();
    let together = open(&server, "one", false).await;
    let tables = vec![Arc::new(Generation::new("posts")), Arc::new(Generation::new("users"))];
    Stage { server, together, rule: Rule::of_tests(), tables, key: Key::of_query("x", &[]) }
}

async fn open(server: &server::Redis, name: &str, has_replicas: bool) -> Together {
    let world = Arc::new(SystemWorld);
    let redis = Redis::open(&server.url(), "x", world).await.expect("a connection");
    Together::new(redis, name.to_owned(), has_replicas)
}

fn kept(text: &str) -> Kept {
    let rows = Rows { json: text.as_bytes().to_vec(), ends: vec![text.len()] };
    Kept { rows, has_next: true, next_cursor: Some("c".to_owned()), total: Some(7) }
}

impl Stage {
    async fn look(&self, together: &Together) -> Glance {
        together.look(&self.rule, &self.key, &self.tables).await.expect("Redis is here")
    }

    async fn keep(&self, glance: &Glance) -> bool {
        let until = until(SystemWorld.now(), self.rule.ttl);
        let (together, kept) = (&self.together, kept("{\"a\":1}"));
        together.keep(&self.rule, &self.key, &self.tables, glance, &kept, until).await
    }

    async fn is_kept(&self) -> bool {
        self.look(&self.together).await.kept.is_some()
    }
}

#[tokio::test]
async fn what_is_kept_comes_back_whole() {
    let stage = stage().await;
    let glance = stage.look(&stage.together).await;
    assert!(glance.kept.is_none());
    assert!(stage.keep(&glance).await);
    let (found, _) = stage.look(&stage.together).await.kept.expect("a value");
    assert_eq!(found, kept("{\"a\":1}"));
}

#[tokio::test]
async fn a_write_ends_what_is_kept() {
    let stage = stage().await;
    let glance = stage.look(&stage.together).await;
    assert!(stage.keep(&glance).await);
    let writing = stage.together.begin(&stage.tables[..1]).await;
    assert!(!stage.is_kept().await, "from its beginning on");
    stage.together.end(&writing).await;
    assert!(!stage.is_kept().await);
    assert!(!stage.keep(&glance).await, "what was read before it is kept no more");
}

#[tokio::test]
async fn while_a_write_is_on_its_way_nothing_is_kept() {
    let stage = stage().await;
    stage.look(&stage.together).await;
    let writing = stage.together.begin(&stage.tables[1..]).await;
    let glance = stage.look(&stage.together).await;
    // As if the process had died here, its commit done or not: nobody keeps what they read now.
    assert!(!stage.keep(&glance).await);
    stage.together.end(&writing).await;
    let glance = stage.look(&stage.together).await;
    assert!(stage.keep(&glance).await);
}

#[tokio::test]
async fn whoever_could_not_count_begins_a_new_epoch_for_all() {
    let stage = stage().await;
    let glance = stage.look(&stage.together).await;
    assert!(stage.keep(&glance).await);
    let other = open(&stage.server, "two", false).await;
    stage.look(&other).await;
    assert!(!stage.is_kept().await, "a process that has just begun believes nothing");
    let glance = stage.look(&stage.together).await;
    assert!(stage.keep(&glance).await);
    other.begin_anew();
    stage.look(&other).await;
    assert!(!stage.is_kept().await);
}

#[tokio::test]
async fn with_replicas_nothing_is_kept_that_one_of_them_may_not_have_yet() {
    let stage = stage().await;
    let careful = open(&stage.server, "two", true).await;
    let glance = stage.look(&careful).await;
    let until = until(SystemWorld.now(), stage.rule.ttl);
    let kept = kept("{}");
    let is_kept = careful.keep(&stage.rule, &stage.key, &stage.tables, &glance, &kept, until).await;
    assert!(!is_kept);
}

#[test]
fn a_value_that_is_cut_off_is_none() {
    let glance = Glance { kept: None, epoch: b"1".to_vec(), generations: vec![b"2".to_vec()] };
    let now = Timestamp::UNIX_EPOCH;
    let value = written(&glance, &kept("{\"a\":1}"), now).expect("bytes");
    assert!(read(&value, b"1", &glance.generations).is_some());
    for end in 0..value.len() {
        assert!(read(&value[..end], b"1", &glance.generations).is_none(), "{end}");
    }
    assert!(read(&value, b"2", &glance.generations).is_none());
    assert!(read(&value, b"1", &[b"3".to_vec()]).is_none());
    assert!(read(&value, b"1", &[]).is_none());
}
