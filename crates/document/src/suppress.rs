//! Comments that suppress a diagnostic, each with its code and reason: `<!-- vitruvius-ignore-next
//! D012: reason -->` for the next line or block, `vitruvius-ignore` for its own line, `-file` for
//! the file, `-start` and `-end` for a range; in fences as `--`, `%%`, `//` or `#` comments.

use crate::{
    Diagnostic, Level, Sources, Span, codes,
    compile::CompileOptions,
    diagnostic::{self, Applicability, CodeInfo},
    outline::{NodeKind, Outline},
};

/// So many suppressions are read of one file.
const SUPPRESSIONS_MAX: usize = 1000;

const MARK: &str = "vitruvius-ignore";

/// A diagnostic that a comment suppresses.
#[derive(Debug, Clone)]
pub struct Suppressed {
    /// What it would say.
    pub diagnostic: Diagnostic,
    /// The reason that the comment gives.
    pub reason: String,
    /// The comment.
    pub span: Span,
}

/// Which text a suppression is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope {
    Line,
    Next,
    File,
    Start,
    End,
}

/// One code of one comment, with the bytes it covers.
struct Suppression {
    code: &'static CodeInfo,
    reason: String,
    comment: Span,
    covers: Span,
    used: bool,
}

/// Takes out what comments suppress, and reports comments that are wrong or of no use.
pub(crate) fn apply(
    sources: &Sources,
    outline: &Outline,
    options: &CompileOptions,
    diagnostics: Vec<Diagnostic>,
) -> (Vec<Diagnostic>, Vec<Suppressed>) {
    let mut reader = Reader { sources, outline, options, found: Vec::new(), wrong: Vec::new() };
    for file in 0..sources.files.len() {
        reader.file(u16::try_from(file).unwrap_or(u16::MAX));
    }
    let Reader { mut found, mut wrong, .. } = reader;
    let (mut kept, mut suppressed) = (Vec::new(), Vec::new());
    for diagnostic in diagnostics {
        let start = Span { end: diagnostic.span.start, ..diagnostic.span };
        let hit = found
            .iter_mut()
            .find(|one| std::ptr::eq(one.code, diagnostic.code) && one.covers.contains(start));
        match hit {
            Some(one) if diagnostic.level == Level::Error => {
                one.used = true;
                wrong.push(of_error(one, &diagnostic));
                kept.push(diagnostic);
            }
            Some(one) => {
                one.used = true;
                let (reason, span) = (one.reason.clone(), one.comment);
                suppressed.push(Suppressed { diagnostic, reason, span });
            }
            None => kept.push(diagnostic),
        }
    }
    for one in found.iter().filter(|one| !one.used) {
        let message = format!("nothing is suppressed: there is no {} here", one.code.code);
        wrong.push(
            Diagnostic::new(&codes::T021, one.comment, message)
                .label(format!("no `{}` in what this covers", one.code.name))
                .edit("to mend it, remove the comment", one.comment, "", Applicability::Safe),
        );
    }
    kept.append(&mut wrong);
    (kept, suppressed)
}

fn of_error(one: &Suppression, diagnostic: &Diagnostic) -> Diagnostic {
    let message = format!("{} is an error here and cannot be suppressed", one.code.code);
    Diagnostic::new(&codes::T024, one.comment, message)
        .label("has no effect")
        .also(diagnostic.span, diagnostic.message.clone())
}

struct Reader<'a> {
    sources: &'a Sources,
    outline: &'a Outline,
    options: &'a CompileOptions,
    found: Vec<Suppression>,
    wrong: Vec<Diagnostic>,
}

/// A comment taken apart.
struct Comment<'a> {
    scope: Scope,
    codes: Vec<&'a str>,
    until: Option<&'a str>,
    reason: &'a str,
    span: Span,
}

impl<'a> Reader<'a> {
    fn file(&mut self, file: u16) {
        let sources = self.sources;
        let Some(source) = sources.files.get(file as usize) else { return };
        let text = source.text.as_str();
        let mut open: Vec<(&'static CodeInfo, String, Span)> = Vec::new();
        for (at, _) in text.match_indices(MARK).take(SUPPRESSIONS_MAX) {
            let Some(comment) = comment(text, file, at) else { continue };
            if comment.scope == Scope::End {
                self.end(&comment, &mut open);
                continue;
            }
            if comment.codes.is_empty() || comment.reason.is_empty() {
                self.wrong.push(malformed(&comment));
                continue;
            }
            if let Some(until) = comment.until
                && self.expired(until, comment.span)
            {
                continue;
            }
            for name in &comment.codes {
                let Some(code) = self.code(name, comment.span) else { continue };
                let reason = comment.reason.to_owned();
                let covers = match comment.scope {
                    Scope::Start => {
                        open.push((code, reason, comment.span));
                        continue;
                    }
                    Scope::Line => line_of(text, comment.span),
                    Scope::File => Span::new(file, 0, text.len()),
                    _ => self.next(text, comment.span),
                };
                let one = Suppression { code, reason, comment: comment.span, covers, used: false };
                self.found.push(one);
            }
        }
        for (code, reason, start) in open {
            let covers = Span::new(file, start.end as usize, text.len());
            self.found.push(Suppression { code, reason, comment: start, covers, used: false });
        }
    }

    fn end(&mut self, comment: &Comment<'a>, open: &mut Vec<(&'static CodeInfo, String, Span)>) {
        for name in &comment.codes {
            let Some(code) = self.code(name, comment.span) else { continue };
            match open.iter().rposition(|(known, ..)| std::ptr::eq(*known, code)) {
                Some(index) => {
                    let (code, reason, start) = open.remove(index);
                    let covers = start.to(comment.span);
                    let one = Suppression { code, reason, comment: start, covers, used: false };
                    self.found.push(one);
                }
                None => self.wrong.push(Diagnostic::new(
                    &codes::T020,
                    comment.span,
                    format!("a range for {name} ends here that never started"),
                )),
            }
        }
    }

    fn code(&mut self, name: &str, span: Span) -> Option<&'static CodeInfo> {
        let all = diagnostic::codes();
        let found = all.iter().find(|code| code.code == name || code.name == name).copied();
        if found.is_none() {
            let message = format!("there is no diagnostic `{name}`");
            let mut wrong =
                Diagnostic::new(&codes::T022, span, message).label("suppresses nothing");
            let known = all.iter().flat_map(|code| [code.code, code.name]);
            if let [near, ..] = diagnostic::similar(name, known).as_slice() {
                wrong = wrong.help(format!("a diagnostic with a similar name exists: `{near}`"));
            }
            self.wrong.push(wrong);
        }
        found
    }

    fn expired(&mut self, until: &str, span: Span) -> bool {
        let Some(today) = self.options.today.as_deref() else { return false };
        // Dates in this form compare as texts.
        let expired = until < today;
        if expired {
            let message = format!("this suppression ended on {until}");
            self.wrong.push(
                Diagnostic::new(&codes::T023, span, message)
                    .label("no longer suppresses anything")
                    .help("mend what it hides, or write a later date"),
            );
        }
        expired
    }

    /// The next line with text; outside of fences the whole block that begins there.
    fn next(&self, text: &str, comment: Span) -> Span {
        let mut start = comment.end as usize;
        start += text[start..].find('\n').map_or(text.len() - start, |at| at + 1);
        while let Some(line) = text.get(start..).and_then(|rest| rest.split_inclusive('\n').next())
        {
            if !line.trim().is_empty() && !line.contains(MARK) {
                break;
            }
            start += line.len();
        }
        let line = line_of(text, Span::new(comment.file, start, start));
        let inside_fence = self.outline.node_at(comment).is_some_and(|id| {
            let node = &self.outline.nodes[id];
            matches!(node.kind, NodeKind::Fence(_)) && node.span.contains(comment)
        });
        if inside_fence {
            return line;
        }
        let first = self
            .outline
            .nodes
            .partition_point(|node| (node.span.file, node.span.start) < (line.file, line.start));
        match self.outline.nodes.get(first) {
            Some(node) if line.contains(Span { end: node.span.start, ..node.span }) => {
                line.to(node.span)
            }
            _ => line,
        }
    }
}

fn malformed(comment: &Comment<'_>) -> Diagnostic {
    let what = if comment.codes.is_empty() { "names no code" } else { "gives no reason" };
    Diagnostic::new(&codes::T020, comment.span, format!("this suppression {what}"))
        .label("suppresses nothing")
        .help(format!("write `{MARK}-next CODE: reason`"))
}

/// Takes the comment at `at` apart; none where the words stand in no comment.
fn comment(text: &str, file: u16, at: usize) -> Option<Comment<'_>> {
    let line_start = text[..at].rfind('\n').map_or(0, |at| at + 1);
    let lead = text[line_start..at].trim_end();
    let opener = ["<!--", "--", "%%", "//", "#"].into_iter().find(|mark| lead.ends_with(mark))?;
    let start = line_start + lead.len() - opener.len();
    if text[..start].ends_with('`') {
        return None;
    }
    let rest = &text[at + MARK.len()..];
    let closing = if opener == "<!--" { rest.find("-->") } else { rest.find('\n') };
    let length = closing.unwrap_or_else(|| rest.find('\n').unwrap_or(rest.len()));
    let body = &rest[..length];
    let tail = if opener == "<!--" && closing.is_some() { "-->".len() } else { 0 };
    let span = Span::new(file, start, at + MARK.len() + body.trim_end_matches('\r').len() + tail);
    let word = body.split(|c: char| c.is_whitespace()).next().unwrap_or("");
    let scope = match word {
        "" => Scope::Line,
        "-next" => Scope::Next,
        "-file" => Scope::File,
        "-start" => Scope::Start,
        "-end" => Scope::End,
        _ => return None,
    };
    let (head, reason) = body[word.len()..].split_once(':').unwrap_or((&body[word.len()..], ""));
    let words = || head.split([' ', ',', '\t', '\n']).filter(|word| !word.is_empty());
    let until = words().find_map(|word| word.strip_prefix("until="));
    let codes = words().filter(|word| !word.starts_with("until=")).collect();
    Some(Comment { scope, codes, until, reason: reason.trim(), span })
}

fn line_of(text: &str, span: Span) -> Span {
    let start = (span.start as usize).min(text.len());
    let begin = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let end = text[start..].find('\n').map_or(text.len(), |at| start + at);
    Span::new(span.file, begin, end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile::compile_with;

    /// Codes of what is left and of what is suppressed.
    #[track_caller]
    fn check(text: &str, left: &[&str], hidden: &[&str]) {
        let options = CompileOptions { today: Some("2026-01-15".to_owned()) };
        let compiled = compile_with(Sources::single("a.md", text), &options);
        let of = |diagnostic: &Diagnostic| diagnostic.code.code;
        assert_eq!(compiled.diagnostics.iter().map(of).collect::<Vec<_>>(), left, "{text}");
        let suppressed: Vec<_> =
            compiled.suppressed.iter().map(|one| of(&one.diagnostic)).collect();
        assert_eq!(suppressed, hidden, "{text}");
    }

    const BAD: &str = "[x](#nowhere)";

    #[test]
    fn the_next_block_the_line_the_range_and_the_file_are_suppressed() {
        check(&format!("<!-- vitruvius-ignore-next T008: later -->\n\n{BAD}\n"), &[], &["T008"]);
        check(&format!("{BAD} <!-- vitruvius-ignore dead-anchor: later -->\n"), &[], &["T008"]);
        check(&format!("a\n\n{BAD}\n\n<!-- vitruvius-ignore-file T008: x -->\n"), &[], &["T008"]);
        let range = format!(
            "<!-- vitruvius-ignore-start T008: x -->\n\n{BAD}\n\n<!-- vitruvius-ignore-end T008 -->\n\n{BAD}\n"
        );
        check(&range, &["T008"], &["T008"]);
    }

    #[test]
    fn a_comment_in_a_fence_covers_the_next_line_of_it() {
        let text = "```yaml\na: 1\n# vitruvius-ignore-next T005: shown as it is on the wire\nb: {x} y\n```\n";
        check(text, &[], &["T005"]);
    }

    #[test]
    fn a_suppression_without_reason_code_or_use_is_reported() {
        check(&format!("<!-- vitruvius-ignore-next T008 -->\n{BAD}\n"), &["T020", "T008"], &[]);
        check("<!-- vitruvius-ignore-next T008: old -->\n\nfine\n", &["T021"], &[]);
        check("<!-- vitruvius-ignore-next T999: why -->\n\nfine\n", &["T022"], &[]);
    }

    #[test]
    fn a_suppression_ends_on_its_day() {
        let until = |day: &str| format!("{BAD} <!-- vitruvius-ignore T008 until={day}: x -->\n");
        check(&until("2026-01-15"), &[], &["T008"]);
        check(&until("2026-01-14"), &["T008", "T023"], &[]);
    }

    #[test]
    fn an_error_is_never_suppressed() {
        check("<!-- vitruvius-ignore-file T002: x -->\n\n```sql\n", &["T024", "T002"], &[]);
    }
}
