//! Saving the document while it is served: a good save is swapped in, any other leaves the last good
//! version serving, and no request is lost on the way.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU64, Ordering::SeqCst},
};

use serde_json::json;

use crate::harness::{SHOP, Serving, Test};

fn with_column(column: &str) -> String {
    SHOP.replace("price INTEGER", &format!("price INTEGER,\n  {column}"))
}

fn knows(serving: &Serving, column: &str) -> bool {
    let created = serving.post("/api/v1/items", &json!({"name": "probe", column: "x"}));
    created.status == 201 && created.json()[column] == "x"
}

#[test]
fn a_good_save_is_swapped_in_and_rows_stay() {
    let serving = Test::new().document(SHOP).serve(&[]);
    let created = serving.post("/api/v1/items", &json!({"name": "lamp"})).status(201).json();
    assert!(!knows(&serving, "colour"));
    serving.save(&with_column("colour TEXT"));
    serving.until("the column is there", |serving| knows(serving, "colour"));
    let path = format!("/api/v1/items/{}", created["id"].as_str().expect("an id"));
    assert_eq!(serving.get(&path).status(200).json()["name"], "lamp");
}

#[test]
fn a_bad_save_leaves_the_last_good_version_and_says_why() {
    let serving = Test::new().document(SHOP).serve(&[]);
    serving.save(&format!("{SHOP}\n```sql\nCREATE TABLE broken (id UUID,, x);\n```\n"));
    serving.until_said("is not served");
    assert!(serving.complaints().contains("error["), "{}", serving.complaints());
    serving.post("/api/v1/items", &json!({"name": "lamp"})).status(201);
    serving.save(&with_column("colour TEXT"));
    serving.until("the mended save is served", |serving| knows(serving, "colour"));
}

#[test]
fn a_save_that_rows_do_not_fit_is_blocked_until_they_do() {
    let serving = Test::new().document(SHOP).serve(&[]);
    serving.post("/api/v1/items", &json!({"name": "chandelier"})).status(201);
    serving.save(&SHOP.replace("VARCHAR(50)", "VARCHAR(5)"));
    serving.until_said("blocked");
    serving.post("/api/v1/items", &json!({"name": "still long"})).status(201);
    serving.save(&SHOP.replace("VARCHAR(50)", "VARCHAR(12)"));
    serving.until_said("swapped in");
    serving.post("/api/v1/items", &json!({"name": "thirteen long"})).status(400);
    let list = serving.get("/api/v1/items").status(200).json();
    assert!(list["data"].as_array().is_some_and(|rows| 1 < rows.len()), "{list}");
}

#[test]
fn a_column_that_is_left_out_is_no_longer_shown_and_keeps_its_values() {
    let serving = Test::new().document(SHOP).serve(&[]);
    serving.post("/api/v1/items", &json!({"name": "lamp", "price": 5})).status(201);
    serving.save(&SHOP.replace(",\n  price INTEGER", ""));
    let price = |serving: &Serving| {
        let list = serving.get("/api/v1/items").status(200).json();
        list["data"][0].get("price").cloned()
    };
    serving.until("the column is left out", |serving| price(serving).is_none());
    serving.save(SHOP);
    serving.until("the column is back", |serving| price(serving) == Some(json!(5)));
}

#[test]
fn a_document_that_does_not_fit_the_data_does_not_start() {
    let mut serving = Test::new().document(SHOP).serve(&[]);
    serving.post("/api/v1/items", &json!({"name": "chandelier"})).status(201);
    serving.signal("TERM");
    serving.end();
    let data = serving.directory().join("data").display().to_string();
    let narrow = SHOP.replace("VARCHAR(50)", "VARCHAR(5)");
    let Err(refused) = Test::new().document(&narrow).try_serve(&["--data", &data]) else {
        panic!("a document was served that its rows do not fit");
    };
    refused.code(1).says("blocked").says("name");
    let planned = Test::new().document(&narrow).run(&["plan", "ARCHITECTURE.md", "--data", &data]);
    planned.code(1).says("blocked").says("name");
}

#[test]
fn a_file_that_vanishes_leaves_the_last_version_serving() {
    let serving = Test::new().document(SHOP).serve(&[]);
    let path = serving.directory().join("ARCHITECTURE.md");
    std::fs::remove_file(&path).expect("removed");
    serving.until_said("cannot read ARCHITECTURE.md");
    serving.get("/api/v1/items").status(200);
    serving.save(&with_column("colour TEXT"));
    serving.until("it is back", |serving| knows(serving, "colour"));
}

#[test]
fn no_request_is_lost_while_versions_are_swapped() {
    let serving = Test::new().document(SHOP).serve(&[]);
    let stop = Arc::new(AtomicBool::new(false));
    let answered = Arc::new(AtomicU64::new(0));
    let workers: Vec<_> = (0..4)
        .map(|worker| {
            let (stop, answered) = (stop.clone(), answered.clone());
            let items = format!("{}/api/v1/items", serving.origin);
            std::thread::spawn(move || hammer(worker, &items, &stop, &answered))
        })
        .collect();
    for round in 0..8 {
        let before = answered.load(SeqCst);
        let column = format!("extra_{round}");
        serving.save(&with_column(&format!("{column} TEXT")));
        // Each save drops the column of the one before, which is empty or blocked: both must hold.
        serving.until("requests go on", |_| before + 40 < answered.load(SeqCst));
    }
    serving.save(&with_column("last_one TEXT"));
    serving.until("requests still go on", |_| 100 < answered.load(SeqCst));
    stop.store(true, SeqCst);
    for worker in workers {
        let failures = worker.join().expect("no panic");
        assert!(failures.is_empty(), "{failures:?}\n{}", serving.complaints());
    }
}

/// Creates and lists until told to stop; gives every answer that was not the expected one.
fn hammer(worker: usize, items: &str, stop: &AtomicBool, answered: &AtomicU64) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let client = reqwest::Client::new();
        let mut failures = Vec::new();
        let mut count = 0;
        while !stop.load(SeqCst) {
            count += 1;
            let body = json!({"name": format!("{worker} {count}")});
            for (request, expected) in [
                (client.post(items).json(&body), 201),
                (client.get(format!("{items}?limit=5")), 200),
            ] {
                match request.send().await {
                    Ok(answer) if answer.status().as_u16() == expected => {}
                    Ok(answer) => {
                        let status = answer.status();
                        failures
                            .push(format!("{status} {}", answer.text().await.unwrap_or_default()));
                    }
                    Err(error) => failures.push(error.to_string()),
                }
                answered.fetch_add(1, SeqCst);
            }
        }
        failures
    })
}
