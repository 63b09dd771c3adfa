//! Fences whose marks are escaped by back-slashes, as text generators leave them: at the start of
//! a line they mean a fence, and are read as one. Back-slashes within running text, and within a
//! fence that is open, mean what they say.

use std::ops::Range;

/// Lines that look like a fence's beyond which the end of a fence is not looked for.
const LINES_MAX: usize = 200;

/// The text with escaped marks of fences as plain ones, byte for byte as long as before, and where
/// those marks stand. None where there are none.
pub(crate) fn mended(text: &str) -> Option<(String, Vec<Range<usize>>)> {
    if !text.contains("\\`\\`\\`") {
        return None;
    }
    let lines = lines(text);
    let marks = marks(&lines);
    if marks.is_empty() {
        return None;
    }
    let mut mended = String::with_capacity(text.len());
    let mut copied = 0;
    for mark in &marks {
        let count = mark.len() / 2;
        mended.push_str(&text[copied..mark.start]);
        // Spaces after the marks change neither a label nor a closing line.
        mended.push_str(&"`".repeat(count));
        mended.push_str(&" ".repeat(count));
        copied = mark.end;
    }
    mended.push_str(&text[copied..]);
    Some((mended, marks))
}

/// A line that begins with marks of a fence.
struct Line {
    /// The marks.
    mark: Range<usize>,
    /// The character of a plain mark; none for escaped back-ticks.
    plain: Option<char>,
    /// How many marks.
    count: usize,
    /// Something follows the marks.
    is_labelled: bool,
}

impl Line {
    fn closes(&self, mark: char, count: usize) -> bool {
        !self.is_labelled && self.count >= count && self.plain.is_none_or(|plain| plain == mark)
    }
}

fn lines(text: &str) -> Vec<Line> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let bare = line.trim_start_matches([' ', '\t', '>']);
        let start = at + line.len() - bare.len();
        at += line.len();
        let plain = bare.chars().next().filter(|first| matches!(first, '`' | '~'));
        let (count, width) = match plain {
            Some(mark) => (bare.chars().take_while(|&c| c == mark).count(), 1),
            None => (bare.as_bytes().chunks(2).take_while(|pair| pair == b"\\`").count(), 2),
        };
        let rest = bare.get(count * width..).unwrap_or("").trim();
        // Back-ticks after the marks: code within a line.
        if count >= 3 && !(plain != Some('~') && rest.contains('`')) {
            let mark = start..start + count * width;
            found.push(Line { mark, plain, count, is_labelled: !rest.is_empty() });
        }
    }
    found
}

/// The escaped marks that open or close a fence. What is never closed opens nothing.
fn marks(lines: &[Line]) -> Vec<Range<usize>> {
    let mut marks = Vec::new();
    let mut at = 0;
    while let Some(opener) = lines.get(at) {
        at += 1;
        let plain = opener.plain.unwrap_or('`');
        let Some(closer) = closer(lines, at, plain, opener) else { continue };
        at = closer + 1;
        for line in [Some(opener), lines.get(closer)].into_iter().flatten() {
            if line.plain.is_none() {
                marks.push(line.mark.clone());
            }
        }
    }
    marks
}

/// The line that closes a fence. A plain fence is closed by an escaped line only where nothing
/// else closes it, since its content may well show escaped fences.
fn closer(lines: &[Line], from: usize, mark: char, opener: &Line) -> Option<usize> {
    let mut escaped = None;
    for (index, line) in lines.iter().enumerate().skip(from).take(LINES_MAX) {
        let closes = line.closes(mark, opener.count);
        if closes && (opener.plain.is_none() || line.plain.is_some()) {
            return Some(index);
        }
        if closes && escaped.is_none() && mark == '`' {
            escaped = Some(index);
        }
        // Another opener: this fence should have been closed before it.
        let is_opener = line.plain == Some(mark) && line.is_labelled && line.count >= opener.count;
        if is_opener && (escaped.is_some() || opener.plain.is_none()) {
            return escaped;
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text with `'` for back-ticks and `\'` for escaped ones.
    fn check(text: &str, expected: Option<&str>) {
        let text = text.replace('\'', "`");
        let mended = mended(&text).map(|(mended, _)| mended.replace('`', "'"));
        assert_eq!(mended.as_deref(), expected, "{text}");
    }

    #[test]
    fn escaped_marks_at_the_start_of_a_line_are_a_fence() {
        check(
            r"\'\'\'sql
a
\'\'\'
",
            Some("'''   sql\na\n'''   \n"),
        );
        check("- x\n  \\'\\'\\'\n  a\n  '''\n", Some("- x\n  '''   \n  a\n  '''\n"));
        check("'''sql\na\n\\'\\'\\'\n", Some("'''sql\na\n'''   \n"));
    }

    #[test]
    fn escaped_marks_elsewhere_mean_what_they_say() {
        check("write \\'\\'\\' before and after\n", None);
        check("\\'\\'\\'sql is how it begins\n", None);
        check("\\'\\'\\'sql\\'\\'\\' is code\n", None);
        check("'''ts\nlet a = '\n\\'\\'\\'json\n{}\n\\'\\'\\'\n';\n'''\n", None);
        check("\\'\\' a\n\\'\\'\n", None);
    }

    #[test]
    fn many_marks_that_close_nothing_are_read_in_little_time() {
        let text = "\\`\\`\\`sql\n".repeat(200_000);
        assert!(mended(&text).is_none());
    }
}
