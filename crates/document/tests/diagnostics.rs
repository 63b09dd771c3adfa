//! Golden tests of diagnostics: every document `spec/diagnostics/CODE-*.md` is compiled and what is
//! said about it is compared with the `.out` file beside it. `BLESS=1` writes the `.out` files.
//! Every code has a page with its sections and at least one such document.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use document::{CompileOptions, Source, Sources, compile_with, diagnostic::codes, render};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(root().join("spec/diagnostics"))
        .expect("spec/diagnostics")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.file_name().expect("a name").to_string_lossy().into_owned()
}

/// What is said about a document, first one per line, then drawn; of the infos that concern every
/// document only those that the file's name asks for.
fn said(path: &Path) -> (String, HashSet<&'static str>) {
    let sources = Sources {
        files: vec![Source::new(name(path), &fs::read(path).expect("a readable document"))],
    };
    let options = CompileOptions { today: Some("2026-01-15".to_owned()) };
    let compiled = compile_with(sources, &options);
    let asked = name(path);
    for diagnostic in &compiled.diagnostics {
        let message = &diagnostic.message;
        // `GraphQL` and `YAML` are names, `This` begins a sentence.
        let word = message.split(|c: char| !c.is_alphabetic()).next().unwrap_or("");
        let mut letters = word.chars();
        let sentence = letters.next().is_some_and(char::is_uppercase)
            && word.len() > 1
            && letters.all(char::is_lowercase);
        assert!(!sentence && !message.ends_with(['.', '?']), "not a diagnostic's form: {message}");
    }
    let shown: Vec<_> = compiled
        .diagnostics
        .iter()
        .filter(|diagnostic| {
            let code = diagnostic.code.code;
            !matches!(code, "T030" | "T010") || asked.starts_with(code)
        })
        .cloned()
        .collect();
    let text = format!(
        "{}\n{}",
        render::concise(&compiled, &shown),
        render::terminal(&compiled, &shown, false)
    );
    let codes = shown.iter().map(|diagnostic| diagnostic.code.code).collect();
    (format!("{}\n", text.trim_end()), codes)
}

#[test]
fn documents_are_told_what_their_golden_files_say() {
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for path in documents() {
        let (text, found) = said(&path);
        let golden = path.with_extension("out");
        if bless {
            fs::write(&golden, &text).expect("a writable golden file");
        }
        let code: String = name(&path).chars().take(4).collect();
        if !found.contains(code.as_str()) {
            wrong.push(format!("{} does not produce {code}:\n{text}", name(&path)));
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if expected != text {
            let file = name(&golden);
            wrong.push(format!("{file} differs (BLESS=1 rewrites it):\n{text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n---\n"));
}

#[test]
fn every_code_has_a_document_that_produces_it() {
    let shown: HashSet<String> =
        documents().iter().map(|path| name(path).chars().take(4).collect()).collect();
    let missing: Vec<&str> =
        codes().iter().map(|code| code.code).filter(|code| !shown.contains(*code)).collect();
    assert!(missing.is_empty(), "no spec/diagnostics/CODE-*.md for {missing:?}");
}

#[test]
fn every_code_is_unique_and_well_formed() {
    let (mut seen, mut names) = (HashSet::new(), HashSet::new());
    for code in codes() {
        assert!(seen.insert(code.code), "{} occurs twice", code.code);
        assert!(names.insert(code.name), "{} occurs twice", code.name);
        let letter = match code.chapter.map(document::Chapter::word) {
            None => "T",
            Some("data") => "D",
            Some("api") => "A",
            Some("security") => "S",
            Some("messaging") => "M",
            Some("integration") => "I",
            Some("resilience") => "R",
            Some("observability") => "O",
            Some("delivery") => "V",
            _ => "B",
        };
        assert!(code.code.starts_with(letter) && code.code.len() == 4, "{}", code.code);
        assert!(
            !code.summary.contains(['\n']) && !code.summary.contains("illegal"),
            "{}",
            code.code
        );
    }
}

#[test]
fn every_code_has_a_page_with_its_sections() {
    for code in codes() {
        let mut from = 0;
        for section in ["What it means", "Why it is", "Example", "Use instead", "Known limits"] {
            // A heading, or the bold words at the start of a paragraph.
            let marks = [format!("\n## {section}"), format!("\n**{section}")];
            let at = marks.iter().filter_map(|mark| code.page[from..].find(mark)).min();
            assert!(
                at.is_some(),
                "docs/codes/{}.md lacks `## {section}`, in this order",
                code.code
            );
            from += at.unwrap_or(0) + 1;
        }
        let title = code.page.lines().next().unwrap_or("");
        let named = title.starts_with(&format!("# {}", code.code)) && title.contains(code.name);
        assert!(named, "docs/codes/{}.md begins with `# {} {}`", code.code, code.code, code.name);
    }
}
