//! `verify` proves what is true, refutes what is not, and claims nothing beyond.

use serde_json::Value;

use crate::harness::{Ran, SHOP, Test};

/// Claims in percent of an example that must be proved.
const PROVED_PERCENT_MIN: u64 = 90;

fn written(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn verified(text: &str, arguments: &[&str]) -> Ran {
    let mut all = vec!["verify", "ARCHITECTURE.md", "--format", "json"];
    all.extend(arguments);
    Test::new().document(text).run(&all)
}

/// The claims with this verdict.
fn with<'r>(report: &'r Value, verdict: &str) -> Vec<&'r Value> {
    let claims = report["claims"].as_array().expect("claims").iter();
    claims.filter(|claim| claim["verdict"] == verdict).collect()
}

fn check_example(name: &str) {
    let ran = verified(&written(&format!("examples/{name}.md")), &[]);
    let report = ran.json();
    let counts = &report["counts"];
    assert_eq!(counts["refuted"], 0, "{name}: {:#?}", with(&report, "refuted"));
    let (proved, enforced) = (&counts["proved"], &counts["enforced"]);
    let (proved, enforced) = (proved.as_u64().expect("a count"), enforced.as_u64().expect("one"));
    let open: Vec<String> = with(&report, "not tested")
        .into_iter()
        .filter(|claim| claim["enforced"] == true)
        .map(|claim| format!("{}: {}", claim["meaning"], claim["reason"]))
        .collect();
    assert!(
        proved * 100 >= enforced * PROVED_PERCENT_MIN,
        "{name}: {proved} of {enforced}\n{}",
        open.join("\n")
    );
    for claim in report["claims"].as_array().expect("claims") {
        let is_answered = ["proved", "refuted"].iter().any(|word| claim["verdict"] == *word);
        assert!(is_answered || claim["reason"].is_string(), "{claim}");
        let is_proved = claim["verdict"] == "proved";
        assert!(!is_proved || claim["enforced"] == true, "never proved: {claim}");
        assert!(!is_proved || claim["trials"].as_u64() > Some(0), "nothing was tried: {claim}");
    }
    ran.code(0);
}

#[test]
fn design_is_proved() {
    check_example("design");
}

#[test]
fn feature_is_proved() {
    check_example("feature");
}

#[test]
fn project_is_proved() {
    check_example("project");
}

#[test]
fn specification_is_proved() {
    check_example("specification");
}

#[test]
fn system_is_proved() {
    check_example("system");
}

#[test]
fn an_endpoint_that_is_bound_to_nothing_is_refuted_with_its_sentence() {
    let text = format!("{SHOP}| POST | /api/v1/teleport | Public |\n");
    let ran = verified(&text, &[]);
    let report = ran.json();
    let refuted = with(&report, "refuted");
    assert_eq!(refuted.len(), 1, "{refuted:#?}");
    let found = &refuted[0]["findings"][0];
    assert!(found["came"].as_str().expect("words").starts_with("501"), "{found}");
    assert!(found["curl"].as_str().expect("words").contains("/api/v1/teleport"), "{found}");
    assert_eq!(refuted[0]["file"], "ARCHITECTURE.md");
    ran.code(1);
}

#[test]
fn what_is_not_enforced_yet_is_listed_apart_and_not_proved() {
    let text = format!("{SHOP}\n## Disaster Recovery\n\n- **Backup:** Daily, 30 days retention\n");
    let report = verified(&text, &[]).code(0).json();
    let apart: Vec<_> = report["claims"]
        .as_array()
        .expect("claims")
        .iter()
        .filter(|claim| claim["enforced"] == false)
        .collect();
    assert!(!apart.is_empty(), "{report:#}");
    assert!(apart.iter().all(|claim| claim["verdict"] == "not tested"), "{apart:#?}");
}

#[test]
fn what_cannot_be_served_cannot_be_verified() {
    let text = "# X\n\n```sql\nCREATE TABLE a (id UUID PRIMARY KEY, b_id UUID REFERENCES b(nope));\nCREATE TABLE b (id UUID PRIMARY KEY, id TEXT);\n```\n";
    let ran = Test::new().document(text).run(&["verify", "ARCHITECTURE.md"]);
    ran.code(2).says("nothing is verified");
    let ran = Test::new().document(SHOP).run(&[
        "verify",
        "ARCHITECTURE.md",
        "--target",
        "http://127.0.0.1:9",
    ]);
    ran.code(2).says("--admin");
}

#[test]
fn strict_asks_for_every_enforced_claim() {
    let text = format!("{SHOP}\n## Data retention\n\n");
    let lenient = verified(&text, &[]);
    let untested = lenient.json()["counts"]["not_tested"].as_u64().expect("a count");
    lenient.code(0);
    verified(&text, &["--strict"]).code(if untested > 0 { 3 } else { 0 });
}

#[test]
fn a_running_system_is_verified_by_its_address() {
    let serving = Test::new().document(SHOP).serve(&[]);
    let link = serving.greeting.lines().find(|line| line.contains("?token=")).expect("a link");
    let (path, token) = link.trim().split_once("?token=").expect("a token");
    let path = path.strip_prefix(serving.origin.as_str()).expect("its own link");
    let form = format!("token={token}&email=ada%40example.org&password=Correct-horse-7-battery");
    let request = serving
        .request("POST", path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form);
    serving.send(request).status(303);
    let arguments = ["--target", &serving.origin, "--admin", "ada@example.org"];
    let mut all = vec!["verify", "ARCHITECTURE.md", "--format", "json"];
    all.extend(arguments);
    let ran = Test::new()
        .document(SHOP)
        .environment("VITRUVIUS_ADMIN_PASSWORD", "Correct-horse-7-battery")
        .run(&all);
    let report = ran.json();
    assert_eq!(report["counts"]["refuted"], 0, "{report:#}");
    assert!(with(&report, "proved").len() > 5, "{report:#}");
    ran.code(0);
}
