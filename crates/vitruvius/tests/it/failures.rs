//! What becomes of a service when a part that it needs fails: what is acknowledged is kept, reads go on
//! where they can, everything else is told to come back, and nobody has to start anything anew.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::{
    harness::{Answer, SHOP, Serving, Test},
    postgres::{PASSWORD, Server},
};

fn write(shop: &Serving, name: &str) -> Answer {
    shop.post("/api/v1/items", &json!({"name": name}))
}

/// Writes until one is refused; gives the names of those that were acknowledged and the refusal.
fn write_until_refused(shop: &Serving) -> (Vec<String>, Answer) {
    let mut acknowledged = Vec::new();
    loop {
        let name = format!("{:0>50}", acknowledged.len());
        let answer = write(shop, &name);
        if answer.status != 201 {
            return (acknowledged, answer);
        }
        acknowledged.push(name);
        assert!(acknowledged.len() < 20_000, "nothing is refused");
    }
}

/// It can be asked again, and when is said.
#[track_caller]
fn says_come_back(answer: &Answer) {
    assert_eq!(answer.status, 503, "{answer:?}");
    let wait = answer.headers.get("retry-after").and_then(|value| value.to_str().ok());
    assert!(wait.is_some_and(|wait| wait.parse::<u32>().is_ok()), "{answer:?}");
    assert_eq!(answer.json()["error"]["code"], "UNAVAILABLE", "{answer:?}");
}

/// Whether a row of this name is there.
fn has(shop: &Serving, name: &str) -> bool {
    let found = shop.get(&format!("/api/v1/items?name={name}")).status(200).json();
    found["data"].as_array().is_some_and(|rows| rows.len() == 1)
}

#[test]
fn where_no_file_may_grow_reads_go_on_and_nothing_acknowledged_is_lost() {
    // As a full disk does, but without one: files of this process end at two MiB.
    let log = vec![b'\n'; 2048 * 1024 - 100];
    let test = Test::new().document(SHOP).file("access.jsonl", &log).files_end_at(2048);
    let shop = test.serve(&["--access-log", "access.jsonl"]);
    let (acknowledged, refused) = write_until_refused(&shop);
    assert!(acknowledged.len() > 100, "{} were written", acknowledged.len());
    says_come_back(&refused);
    let told = refused.json()["error"]["message"].to_string();
    assert!(told.contains("nothing can be written at the moment"), "{told}");
    says_come_back(&write(&shop, "Lamp"));
    shop.get("/api/v1/items?limit=100").status(200);
    shop.get("/ready").status(200);
    shop.until_said("the access log cannot be written; it is tried again");
    let limit = ["--fsize=unlimited", "--pid", &shop.id().to_string()];
    let lifted = Command::new("prlimit").args(limit).status().expect("prlimit of util-linux");
    assert!(lifted.success());
    write(&shop, "Lamp").status(201);
    // The log goes on too, with what was answered meanwhile.
    shop.until("every answer stands in the log", |shop| {
        let log = std::fs::read_to_string(shop.directory().join("access.jsonl")).expect("a log");
        let posts = log.lines().filter(|line| line.contains("\"method\":\"POST\"")).count();
        posts == acknowledged.len() + 3
    });
    let again = shop.kill_and_serve_again();
    for name in acknowledged.iter().map(String::as_str).chain(["Lamp"]) {
        assert!(has(&again, name), "{name} is lost");
    }
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named_at_the_start() {
    // Nobody makes directories there, root included.
    let serve = ["serve", "ARCHITECTURE.md", "--listen", "127.0.0.1:0", "--data", "/proc/own/data"];
    let ran = Test::new().document(SHOP).run(&serve).code(2);
    ran.says("/proc/own/data").says("give another with `--data`");
}

#[test]
fn a_database_that_is_away_at_the_start_is_waited_for() {
    let server = Server::start();
    server.stop();
    let url = server.url("postgres");
    let starting =
        thread::spawn(move || Test::new().document(SHOP).serve(&["--database", url.as_str()]));
    thread::sleep(Duration::from_millis(1_500));
    assert!(!starting.is_finished(), "without its database it serves nothing");
    server.start_again();
    let shop = starting.join().expect("it starts");
    assert!(shop.complaints().contains("trying again"), "{}", shop.complaints());
    write(&shop, "Lamp").status(201);
}

#[test]
fn a_database_that_goes_and_comes_back_costs_no_acknowledged_write_and_no_restart() {
    let server = Server::start();
    let shop = Test::new().document(SHOP).serve(&["--database", &server.url("postgres")]);
    let origin = shop.origin.clone();
    let writer = thread::spawn(move || write_through(&origin, Duration::from_secs(6)));
    thread::sleep(Duration::from_millis(700));
    server.stop();
    says_come_back(&write(&shop, "Lamp"));
    says_come_back(&shop.get("/api/v1/items"));
    shop.get("/ready").status(503);
    shop.get("/health").status(200);
    server.start_again();
    shop.until("it writes again", |shop| write(shop, "Chair").status == 201);
    shop.until("it is ready again", |shop| shop.get("/ready").status == 200);
    let (acknowledged, refused) = writer.join().expect("the writer");
    assert!(acknowledged.len() > 20 && refused > 0, "{} and {refused}", acknowledged.len());
    let kept = server.sql("postgres", "SELECT name FROM items");
    let kept: std::collections::HashSet<&str> = kept.lines().collect();
    let lost: Vec<_> = acknowledged.iter().filter(|name| !kept.contains(name.as_str())).collect();
    assert!(lost.is_empty(), "{lost:?}");
}

/// Writes one row after the other for a while, from a client of its own. Gives the names of those
/// that were acknowledged, and how many were told to come back; anything else is a failure.
fn write_through(origin: &str, length: Duration) -> (Vec<String>, u32) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let (client, started) = (reqwest::Client::new(), Instant::now());
        let (mut acknowledged, mut refused) = (Vec::new(), 0);
        for number in 0.. {
            if started.elapsed() > length {
                break;
            }
            let name = format!("row {number}");
            let request = client.post(format!("{origin}/api/v1/items"));
            let answer = request.json(&json!({"name": name})).send().await.expect("an answer");
            match answer.status().as_u16() {
                201 => acknowledged.push(name),
                503 if answer.headers().contains_key("retry-after") => refused += 1,
                other => panic!("{other}: {:?}", answer.text().await),
            }
        }
        (acknowledged, refused)
    })
}

#[test]
fn a_password_that_is_changed_under_a_service_is_told_and_taken_again() {
    let server = Server::start();
    let url = server.url_tcp("postgres", PASSWORD);
    let shop = Test::new().document(SHOP).serve(&["--database", &url]);
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
               WHERE application_name = 'vitruvius'";
    let with_password = |password: &str| {
        server.sql("postgres", &format!("ALTER USER postgres PASSWORD '{password}'"));
        server.sql("postgres", end);
    };
    with_password("another");
    shop.until("it is refused", |shop| shop.get("/api/v1/items").status != 200);
    says_come_back(&shop.get("/api/v1/items"));
    shop.until_said("it refuses the user or the password");
    with_password(PASSWORD);
    shop.until("it is let in again", |shop| shop.get("/api/v1/items").status == 200);
    write(&shop, "Lamp").status(201);
}

#[test]
fn a_database_that_only_reads_is_read_from() {
    let server = Server::start();
    let shop = Test::new().document(SHOP).serve(&["--database", &server.url("postgres")]);
    write(&shop, "Lamp").status(201);
    let read_only = |verb: &str| {
        // As a statement of its own: it may be in no transaction.
        server.sql("postgres", &format!("ALTER SYSTEM {verb}"));
        server.sql("postgres", "SELECT pg_reload_conf()");
    };
    read_only("SET default_transaction_read_only = on");
    shop.until("nothing is written", |shop| write(shop, "Chair").status != 201);
    let refused = write(&shop, "Chair");
    says_come_back(&refused);
    assert!(refused.text.contains("the database is read-only"), "{refused:?}");
    assert!(has(&shop, "Lamp"));
    server.stop();
    std::fs::remove_file(server.directory.join("data/postgresql.auto.conf")).expect("the setting");
    server.start_again();
    shop.until("it writes again", |shop| write(shop, "Table").status == 201);
}

#[test]
fn a_replica_that_hangs_or_is_away_holds_nobody_up_and_is_named() {
    let server = Server::start();
    drop(Test::new().document(SHOP).serve(&["--database", &server.url("postgres")]));
    let replica = server.replica();
    let nobody = "postgres://postgres@127.0.0.1:1/shop";
    let (primary, own) = (server.url("postgres"), replica.url("postgres"));
    let arguments = ["--database", &primary, "--replica", &own, "--replica", nobody];
    let shop = Test::new().document(SHOP).serve(&arguments);
    shop.until_said("the replica at 127.0.0.1:1/shop is behind or away");
    let up = |shop: &Serving, count: u32| {
        shop.get("/metrics").text.contains(&format!("vitruvius_replicas_up {count}\n"))
    };
    shop.until("the replica is read from", |shop| up(shop, 1));
    replica.signal("STOP");
    let frozen = Instant::now();
    for number in 0..10 {
        let name = format!("Lamp{number}");
        write(&shop, &name).status(201);
        assert!(has(&shop, &name), "one's own write");
    }
    assert!(frozen.elapsed() < Duration::from_secs(5), "{:?}", frozen.elapsed());
    shop.until("it is known to be away", |shop| up(shop, 0));
    replica.signal("CONT");
    shop.until("the replica is read from again", |shop| up(shop, 1));
}
