//! The same requests at a service that keeps everything and at one that keeps nothing: every
//! answer must be the same, byte for byte, whoever asks.

use std::sync::Arc;

use http::Method;
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    desk::{DESK, Desk, Person, Reply},
    postgres,
    two_stores::Clockwork,
};

/// What is asked, and by whom.
#[derive(Debug, Clone)]
struct Ask {
    who: u8,
    what: u8,
    which: u8,
    how: u8,
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    // Few rows and many reads: what is kept is asked for again.
    let ask = (0_u8..5, 0_u8..24, 0_u8..3, 0_u8..4);
    let ask = ask.prop_map(|(who, what, which, how)| Ask { who, what, which, how });
    proptest::collection::vec(ask, 60..140)
}

/// One of the two services, with the people who ask it.
struct Side<'a> {
    world: Arc<Clockwork>,
    people: Vec<Person<'a>>,
    tickets: Vec<String>,
    hits: usize,
}

impl<'a> Side<'a> {
    async fn of(desk: &'a Desk, world: Arc<Clockwork>) -> Self {
        let ada = desk.customer("ada").await;
        let bob = desk.customer("bob").await;
        let agent = desk.agent("grace").await;
        let admin = desk.admin().await;
        let people = vec![desk.anybody(), ada, bob, agent, admin];
        Self { world, people, tickets: Vec::new(), hits: 0 }
    }

    async fn ask(&mut self, ask: &Ask) -> (String, Reply) {
        self.world.next();
        let (method, path, body) = self.request(ask);
        let person = &self.people[usize::from(ask.who)];
        let reply = person.ask(method.clone(), &path, &[], body.clone()).await;
        if reply.status == 201 && path == "/api/v1/tickets" {
            self.tickets.push(reply.header("location").to_owned());
            if self.tickets.len() > 3 {
                self.tickets.remove(0);
            }
        }
        self.hits += usize::from(reply.header("cache-status").contains("hit"));
        (format!("{} {method} {path} {}", ask.who, body.unwrap_or_default()), reply)
    }

    fn request(&self, ask: &Ask) -> (Method, String, Option<String>) {
        let (which, how) = (usize::from(ask.which), ask.how);
        let unknown = "/api/v1/tickets/00000000-0000-4000-8000-000000000000".to_owned();
        let ticket = self.tickets.get(which).cloned().unwrap_or(unknown);
        let id = ticket.rsplit('/').next().unwrap_or_default();
        let product = format!("/api/v1/products/{}", which + 1);
        let get = |path: String| (Method::GET, path, None);
        let send = |method: Method, path: String, body: String| (method, path, Some(body));
        let statuses = ["open", "solved", "closed", "new"];
        match ask.what {
            0 | 1 => send(
                Method::POST,
                "/api/v1/tickets".to_owned(),
                format!(r#"{{"title":"t{how}","priority":{},"product_id":1}}"#, how + 1),
            ),
            2 => send(Method::PATCH, ticket, format!(r#"{{"title":"n{how}"}}"#)),
            3 => send(
                Method::PATCH,
                ticket,
                format!(r#"{{"status":"{}"}}"#, statuses[usize::from(how)]),
            ),
            4 => (Method::DELETE, ticket, None),
            5 => send(
                Method::POST,
                "/api/v1/notes".to_owned(),
                format!(r#"{{"ticket_id":"{id}","text":"x{how}"}}"#),
            ),
            6 => send(
                Method::POST,
                "/api/v1/products".to_owned(),
                format!(r#"{{"name":"p{how}{which}","price":"{how}","is_listed":{}}}"#, how > 0),
            ),
            7 => send(Method::PATCH, product, format!(r#"{{"is_listed":{}}}"#, how % 2 == 0)),
            8 => (Method::DELETE, product, None),
            9 => send(
                Method::POST,
                "/api/v1/batch".to_owned(),
                format!(
                    r#"{{"operations":[{{"method":"PATCH","path":"{ticket}","body":{{"body":"b{how}"}}}},
                    {{"method":"PATCH","path":"{product}","body":{{"price":"{how}"}}}}]}}"#
                ),
            ),
            10 => (Method::POST, format!("{ticket}/solve"), None),
            11..=13 => get(ticket),
            14 => get(format!("{ticket}?include=product,notes")),
            15 => get(format!("/api/v1/tickets?limit={}&count=true", how + 1)),
            16 => get(format!("/api/v1/tickets?include=product&sort=-priority&page={}", which + 1)),
            17 => get(format!("/api/v1/tickets?search=n{how}")),
            18 => get(format!("{product}/tickets?limit=2")),
            19 => get("/api/v1/products?sort=name&count=true".to_owned()),
            20 => get(product),
            21 => get("/api/v1/notes?include=ticket".to_owned()),
            22 => get("/api/v1/users?fields=email,role".to_owned()),
            _ => get(format!("/api/v1/tickets?fields=title&status={}", statuses[which])),
        }
    }
}

async fn compare(asks: &[Ask], store: impl Fn() -> Option<postgres::Database>) -> usize {
    let worlds = [Arc::new(Clockwork::default()), Arc::new(Clockwork::default())];
    let kept = format!("{DESK}\n## Caching\n\n- Cache TTL: 1 hour\n- Strategy: write-through\n");
    let with = Desk::with(&kept, store(), worlds[0].clone()).await;
    let without = Desk::with(DESK, store(), worlds[1].clone()).await;
    let mut with = Side::of(&with, worlds[0].clone()).await;
    let mut without = Side::of(&without, worlds[1].clone()).await;
    let mut story = String::new();
    // The admin's list of products twice in a row ends every story: at least that is kept.
    let again =
        [Ask { who: 4, what: 19, which: 0, how: 0 }, Ask { who: 4, what: 19, which: 0, how: 0 }];
    for ask in asks.iter().chain(&again) {
        let (said, one) = with.ask(ask).await;
        let (_, other) = without.ask(ask).await;
        story += &format!("{said}  →  {} {}\n", other.status, one.header("cache-status"));
        let shown = |reply: &Reply| {
            let body = String::from_utf8_lossy(&reply.bytes).into_owned();
            (reply.status, reply.header("etag").to_owned(), body)
        };
        assert_eq!(shown(&one), shown(&other), "{story}");
    }
    assert_eq!(without.hits, 0);
    with.hits
}

fn run(cases: u32, store: impl Fn() -> Option<postgres::Database>) {
    let config = ProptestConfig {
        cases,
        max_shrink_iters: 60,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let hits = std::cell::Cell::new(0);
    TestRunner::new(config)
        .run(&asks(), |asks| {
            hits.set(hits.get() + runtime.block_on(compare(&asks, &store)));
            Ok(())
        })
        .expect("what is kept changes no answer");
    assert!(hits.get() >= usize::try_from(cases).unwrap_or(0), "{} answers were kept", hits.get());
}

#[test]
fn what_is_kept_changes_no_answer() {
    run(12, || None);
}

#[test]
fn what_is_kept_changes_no_answer_on_postgresql() {
    run(4, || Some(postgres::database()));
}
