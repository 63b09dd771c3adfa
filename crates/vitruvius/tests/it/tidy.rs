//! Tidy: the rules of the house that no compiler keeps. Each failure says what to do instead.

use std::path::{Path, PathBuf};

const FUNCTION_LINES_MAX: usize = 70;
const FILE_LINES_MAX: usize = 600;
const PACKAGES_MAX: usize = 400;
const MAP_WORDS_MAX: usize = 1_500;

/// Files that are longer than they should be. The list only shrinks: an entry that is short by now, or
/// gone, fails too.
const TOO_LONG_YET: [&str; 0] = [];

/// Functions that are longer than they should be, by their file and the line that begins them.
const LONG_FUNCTIONS_YET: [(&str, &str); 0] = [];

const CHAPTERS: [&str; 9] = [
    "data",
    "api",
    "security",
    "messaging",
    "integration",
    "resilience",
    "observability",
    "delivery",
    "recovery",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().expect("the workspace")
}

/// All files below a directory with this ending, without what is built.
fn files(directory: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if name == "target" || name.to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
}

fn all(ending: &str) -> Vec<(String, String)> {
    let (root, mut paths) = (root(), Vec::new());
    files(&root, ending, &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let shown = path.strip_prefix(&root).expect("below the root").display().to_string();
        (shown, String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned())
    };
    paths.into_iter().map(read).collect()
}

/// The part of a source file that is not tests.
fn code(path: &str, text: &str) -> String {
    if path.contains("/tests/") || path.ends_with("tests.rs") {
        return String::new();
    }
    text.split("#[cfg(test)]").next().unwrap_or("").to_owned()
}

fn report(mut wrong: Vec<String>) {
    wrong.sort();
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn sources_say_their_purpose_and_stay_short() {
    let mut wrong = Vec::new();
    for (path, text) in all("rs") {
        if !text.starts_with("//!") {
            wrong.push(format!("{path}:1: no purpose — begin the file with `//!`"));
        }
        let code = code(&path, &text);
        let count = code.lines().count();
        if (FILE_LINES_MAX < count) != TOO_LONG_YET.contains(&path.as_str()) {
            wrong.push(format!(
                "{path}:{count}: {count} lines — split it by what it holds, \
                 or take it off the list where it is short by now"
            ));
        }
        for (index, line) in code.lines().enumerate() {
            let place = format!("{path}:{}", index + 1);
            let is_comment = line.trim_start().starts_with("//");
            let banned = ["todo!(", "dbg!(", ".unwrap()", "unimplemented!("];
            for word in banned.iter().filter(|word| !is_comment && line.contains(**word)) {
                wrong.push(format!("{place}: `{word}` — return a typed error, or handle it"));
            }
        }
    }
    report(wrong);
}

#[test]
fn functions_fit_a_screen() {
    let mut wrong = Vec::new();
    for (path, text) in all("rs") {
        let code = code(&path, &text);
        let mut open: Option<(usize, usize)> = None;
        for (index, line) in code.lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let is_start = ["fn ", "pub fn ", "async fn ", "pub async fn ", "const fn "]
                .iter()
                .any(|word| line.trim_start().starts_with(word))
                || line.trim_start().starts_with("pub(") && line.contains(" fn ");
            if is_start && open.is_none() && !line.trim_end().ends_with([';', '}']) {
                open = Some((index, indent));
            }
            let Some((start, depth)) = open else { continue };
            if indent == depth && line.trim_end() == format!("{}}}", " ".repeat(depth)) {
                let count = index - start + 1;
                let first = code.lines().nth(start).unwrap_or("").trim();
                let is_known = LONG_FUNCTIONS_YET.contains(&(path.as_str(), first));
                if FUNCTION_LINES_MAX < count && !is_known {
                    let place = format!("{path}:{}", start + 1);
                    wrong.push(format!("{place}: {count} lines — give its parts names"));
                }
                open = None;
            } else if indent == depth && start < index && line.ends_with(';') {
                // A function of a trait, without a body.
                open = None;
            }
        }
    }
    report(wrong);
}

#[test]
fn document_and_store_know_neither_each_other_nor_http() {
    let mut wrong = Vec::new();
    let banned = ["tokio", "axum", "hyper", "http", "engine", "console", "reqwest"];
    for (own, other) in [("document", "store"), ("store", "document")] {
        let path = format!("crates/{own}/Cargo.toml");
        let manifest = std::fs::read_to_string(root().join(&path)).expect("a manifest");
        for line in manifest.lines() {
            let name = line.split(['.', ' ', '=']).next().unwrap_or("");
            // The store answers asynchronously; it still knows no HTTP.
            let is_banned = banned.contains(&name) && !(own == "store" && name == "tokio");
            if is_banned || name == other {
                wrong.push(format!("{path}: `{name}` — hand it in as a value instead"));
            }
        }
    }
    report(wrong);
}

#[test]
fn verify_knows_nothing_of_what_makes_claims_true() {
    let manifest = root().join("crates/verify/Cargo.toml");
    let manifest = std::fs::read_to_string(manifest).expect("a manifest");
    let names = manifest.lines().map(|line| line.split(['.', ' ', '=']).next().unwrap_or(""));
    let wrong = names
        .filter(|name| ["engine", "store", "console", "rusqlite"].contains(name))
        .map(|name| format!("crates/verify/Cargo.toml: `{name}` — ask over HTTP instead"));
    report(wrong.collect());
}

#[test]
fn every_floor_uses_the_chapters_own_names() {
    let mut wrong = Vec::new();
    for chapter in CHAPTERS {
        let path = format!("crates/document/src/{chapter}");
        if !root().join(&path).is_dir() {
            wrong.push(format!("{path}: missing — each chapter has a room of its name"));
        }
    }
    for synonym in ["events", "jobs", "auth", "metrics", "utils", "types", "helpers", "common"] {
        for floor in ["document", "engine", "console", "store", "verify"] {
            let path = format!("crates/{floor}/src/{synonym}");
            if root().join(&path).is_dir() || root().join(format!("{path}.rs")).is_file() {
                wrong.push(format!("{path}: not a chapter's name — put it into its chapter"));
            }
        }
    }
    report(wrong);
}

#[test]
fn the_lock_file_stays_small() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).expect("the lock file");
    let count = lock.lines().filter(|line| *line == "[[package]]").count();
    assert!(count <= PACKAGES_MAX, "Cargo.lock: {count} packages — drop a dependency");
}

#[test]
fn the_map_names_every_crate_and_stays_short() {
    // The map is written last; a project without one has nothing to be checked yet.
    let Ok(map) = std::fs::read_to_string(root().join("ARCHITECTURE.md")) else { return };
    let count = map.split_whitespace().count();
    assert!(count <= MAP_WORDS_MAX, "ARCHITECTURE.md: {count} words — keep it a map");
    for entry in std::fs::read_dir(root().join("crates")).expect("crates").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(map.contains(&name), "ARCHITECTURE.md: crate `{name}` is missing — name it");
    }
}

#[test]
fn links_between_pages_resolve() {
    let mut wrong = Vec::new();
    for (path, text) in all("md") {
        // Examples and suites are documents of their own, not pages of this project.
        if path.starts_with("examples") || path.starts_with("spec") || path.contains("/src/") {
            continue;
        }
        let text: String = text.split("```").step_by(2).collect();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = target.split('#').next().unwrap_or("");
            let is_file = !target.is_empty() && !target.contains("://") && !target.contains(' ');
            let directory = root().join(&path).parent().map(Path::to_owned).unwrap_or_default();
            if is_file && !directory.join(target).exists() {
                wrong.push(format!("{path}: `{target}` is not there — mend or drop the link"));
            }
        }
    }
    report(wrong);
}
