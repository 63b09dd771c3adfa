//! No bytes whatever make the compiler panic, overflow its stack or take long.

use std::time::{Duration, Instant};

use document::{CompileOptions, Source, Sources, compile_with, render};
use proptest::prelude::*;

const SAMPLE: &str = include_str!("sample.md");
/// Two hundred kilobytes of anything are read in this time, unoptimised and on a busy machine.
const LONGEST: Duration = Duration::from_secs(30);

/// Compiles and shows in every form; gives how long that took.
fn survive(bytes: &[u8]) -> Duration {
    let start = Instant::now();
    let sources = Sources { files: vec![Source::new("any.md", bytes)] };
    let options = CompileOptions { today: Some("2026-01-15".to_owned()) };
    let compiled = compile_with(sources, &options);
    let shown: Vec<_> = compiled.diagnostics.iter().take(50).cloned().collect();
    let _ = render::terminal(&compiled, &shown, true);
    let _ = render::concise(&compiled, &shown);
    let _ = render::json(&compiled, &shown);
    let _ = render::sarif(&compiled, &shown);
    let _ = render::github(&compiled, &shown);
    let tally = compiled.tally();
    let classes = tally.bound + tally.placeholder + tally.prose + tally.not_understood;
    assert_eq!(classes, compiled.ledger.statements.len());
    for diagnostic in &compiled.diagnostics {
        let text = &compiled.sources.files[diagnostic.span.file as usize].text;
        assert!(text.get(diagnostic.span.range()).is_some(), "{diagnostic:?}");
    }
    start.elapsed()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        survive(&bytes);
    }

    #[test]
    fn any_words_of_markdown_are_survived(
        pieces in proptest::collection::vec(
            proptest::sample::select(vec![
                "# ", "## API\n", "- ", "| ", "|---|\n", "```sql\n", "```yaml\n", "```json\n", "```\n",
                "CREATE TABLE ", "(", ")", ",", ";", "[", "]", "{", "}", "`", "**", ": ", "5 ms ", "%",
                "GET /a/{id} ", "\n", "\n\n", "> ", "é", "日本", "\t", "x", "<!-- vitruvius-ignore ", "-->",
                "T008", "A -> B ", "→", "erDiagram\n", "'", "\"", "//", "--", "...", "X ms", "RTO 4 h",
                "rate limit 5/min ", "stateDiagram\n", "[*] --> a\n", "id uuid PK\n", "openapi: 3.1.0\n",
            ]),
            0..120,
        )
    ) {
        survive(pieces.concat().as_bytes());
    }

    #[test]
    fn mutations_of_a_document_are_survived(
        cuts in proptest::collection::vec((0.0..1.0f64, 0.0..0.02f64, any::<u8>()), 1..12)
    ) {
        let mut bytes = SAMPLE.as_bytes().to_vec();
        for (at, length, byte) in cuts {
            let start = (at * bytes.len() as f64) as usize;
            let end = (start + (length * bytes.len() as f64) as usize).min(bytes.len());
            match byte % 4 {
                0 => drop(bytes.drain(start..end)),
                1 => bytes.insert(start.min(bytes.len()), byte),
                2 => {
                    let piece = bytes[start..end].to_vec();
                    bytes.extend(piece);
                }
                _ => bytes[start..end].reverse(),
            }
        }
        survive(&bytes);
    }
}

#[test]
fn much_of_one_sign_is_read_in_time() {
    for piece in [
        ">",
        "> ",
        "+ ",
        "- a\n",
        "1. ",
        "[",
        "*",
        "`",
        "**a ",
        "](",
        "[a](",
        "![",
        "<",
        "<!--",
        "|",
        "| a ",
        "a|b\n|-|-|\n",
        "```\n",
        "(",
        "{",
        "{\"a\":",
        "x: y\n",
        "**a:** b\n",
        "- x: 5ms\n",
        "[x](#y)\n",
        "TBD\n",
        "# a\n",
        "```sql\nCREATE TABLE t (((\n",
        "<!-- vitruvius-ignore T008: x -->\n",
        "é",
        "\0",
        "GET /a/{b}/c\n",
        "- `GET /a`\n",
        "a -> b\n",
        "'; DROP TABLE x; --",
        "<script>alert(1)</script>\n",
    ] {
        let text = piece.repeat(200_000 / piece.len());
        let took = survive(text.as_bytes());
        assert!(took < LONGEST, "{piece:?} took {took:?}");
    }
}

#[test]
fn much_of_one_sign_inside_a_fence_is_read_in_time() {
    for language in ["sql", "yaml", "json", "mermaid", "graphql", "typescript", "http", ""] {
        for piece in [
            "[",
            "(",
            "{",
            "- ",
            "a: ",
            "\"",
            "'",
            "--",
            "CREATE TABLE a (b int);\n",
            "a --> b\n",
            "type A { b: C }\n",
        ] {
            let text = format!("```{language}\n{}\n```\n", piece.repeat(50_000 / piece.len()));
            let took = survive(text.as_bytes());
            assert!(took < LONGEST, "{piece:?} in {language:?} took {took:?}");
        }
    }
}
