//! The score of `verify`: systems with one enforcement broken are told from sound ones.

use std::collections::BTreeMap;

use crate::harness::Test;

/// A claim of every kind that is enforced.
const TOOL_LIBRARY: &str = include_str!("../../../../spec/verify/tool-library.md");
/// Tokens that live for seconds, and hashes that take their time.
const SHORT_TOKENS: &str = include_str!("../../../../spec/verify/short-tokens.md");

/// Share of the sabotages that has to be caught.
const SHARE_MIN: f64 = 0.95;

/// The names of the sabotages that a document does not see through, with what came of each, and the
/// number of all that were tried.
fn not_caught(document: &str, sabotages: &str) -> (BTreeMap<String, String>, usize) {
    let arguments = ["verify", "ARCHITECTURE.md", sabotages, "--format", "json"];
    let score = Test::new().document(document).run(&arguments).json();
    let tried = score["sabotages"].as_array().expect("sabotages");
    let missed = tried.iter().filter(|one| one["result"] != "caught").map(|one| {
        let name = one["name"].as_str().expect("a name").to_owned();
        (name, format!("{} {}", one["result"], one["reason"]))
    });
    (missed.collect(), tried.len())
}

#[test]
fn nearly_every_sabotage_is_caught_by_a_claim_that_it_breaks() {
    let (mut missed, all) = not_caught(TOOL_LIBRARY, "--sabotage");
    assert!(all >= 60, "{all}");
    // Both need tokens of seconds or hashes that take their time.
    let rest = ["expired-token-accepted", "hash-cost-lowered"];
    let (missed_there, _) = not_caught(SHORT_TOKENS, &format!("--sabotage={}", rest.join(",")));
    assert!(missed_there.is_empty(), "{missed_there:?}");
    missed.retain(|name, _| !rest.contains(&name.as_str()));
    let share = 1.0 - missed.len() as f64 / all as f64;
    assert!(share >= SHARE_MIN, "{share}\n{missed:#?}");
}

#[test]
fn a_sabotaged_system_says_so_and_an_unknown_name_is_refused() {
    let serving =
        Test::new().document(crate::harness::SHOP).serve(&["--sabotage", "forget-unique"]);
    serving.until_said("SABOTAGED: forget-unique");
    let arguments = ["serve", "ARCHITECTURE.md", "--sabotage", "forget-everything"];
    Test::new()
        .document(crate::harness::SHOP)
        .run(&arguments)
        .code(2)
        .says("no sabotage is called");
}
