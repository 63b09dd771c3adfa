//! The score of `verify`: systems with one enforcement broken are told from sound ones.

use crate::harness::Test;

/// A claim of every kind that is enforced.
const TOOL_LIBRARY: &str = include_str!("../../../../spec/verify/tool-library.md");
/// Tokens that live for seconds, and hashes that take their time.
const SHORT_TOKENS: &str = include_str!("../../../../spec/verify/short-tokens.md");

/// Share of the sabotages that has to be caught.
const SHARE_MIN: f64 = 0.95;

#[test]
fn nearly_every_sabotage_is_caught() {
    let arguments = ["verify", "ARCHITECTURE.md", "--sabotage", "--format", "json"];
    let score = Test::new().document(TOOL_LIBRARY).run(&arguments).json();
    let not_caught: Vec<String> = score["sabotages"]
        .as_array()
        .expect("sabotages")
        .iter()
        .filter(|one| one["result"] != "caught")
        .map(|one| format!("{} {} {}", one["result"], one["name"], one["reason"]))
        .collect();
    let share = score["share"].as_f64().expect("a share");
    assert!(score["all"].as_u64().expect("a number") >= 60, "{}", score["all"]);
    assert!(share >= SHARE_MIN, "{share}\n{}", not_caught.join("\n"));
}

#[test]
fn tokens_that_outlive_their_time_and_cheap_hashes_are_caught() {
    let sabotages = "--sabotage=expired-token-accepted,hash-cost-lowered";
    let arguments = ["verify", "ARCHITECTURE.md", sabotages];
    Test::new().document(SHORT_TOKENS).run(&arguments).code(0).says("2 of 2 sabotages caught");
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
