//! SQL as tokens with byte offsets. Never fails: whatever is no SQL becomes symbols, and a
//! quote that is never closed ends with its line.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A bare word: a keyword or a name.
    Word,
    /// A name in double quotes, back-ticks or T-SQL brackets.
    Quoted,
    /// A string in single quotes.
    Text,
    /// A body between dollar quotes, also where the quotes have lost a dollar.
    Body,
    /// A number.
    Number,
    /// Punctuation and operators.
    Symbol,
    /// A template's hole: `[table_name]`, `{name}`, `idx_[table]`.
    Hole,
    /// `...` or `…`.
    Ellipsis,
    /// A comment, without its end of line.
    Comment,
}

/// A token: bytes `start..end` of the fence's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token {
    /// What it is.
    pub(crate) kind: TokenKind,
    /// First byte.
    pub(crate) start: usize,
    /// One past the last byte.
    pub(crate) end: usize,
    /// True where nothing but white space stands before it on its line.
    pub(crate) first_on_line: bool,
}

/// Splits a text into tokens. Linear.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let brackets_quote = is_transact_sql(text);
    let mut lexer = Lexer { text, at: 0, brackets_quote, out: Vec::new(), dollars: None };
    lexer.run();
    lexer.out
}

/// True where a text uses T-SQL's types, in whose dialect `[name]` is a quoted name.
fn is_transact_sql(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    ["[DBO]", "NVARCHAR", "UNIQUEIDENTIFIER", "DATETIME2", "IDENTITY(", "GETDATE("]
        .iter()
        .any(|mark| upper.contains(mark))
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    brackets_quote: bool,
    out: Vec<Token>,
    /// Where each lone dollar sign stands, gathered when the first is met.
    dollars: Option<Vec<usize>>,
}

impl Lexer<'_> {
    fn run(&mut self) {
        let mut first_on_line = true;
        while let Some(c) = self.text[self.at..].chars().next() {
            if c.is_whitespace() {
                first_on_line |= c == '\n';
                self.at += c.len_utf8();
                continue;
            }
            let start = self.at;
            let kind = self.next(c, first_on_line);
            self.at = self.at.max(start + c.len_utf8());
            self.out.push(Token { kind, start, end: self.at, first_on_line });
            first_on_line = false;
        }
    }

    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn line_end(&self) -> usize {
        self.rest().find('\n').map_or(self.text.len(), |length| {
            let end = self.at + length;
            if self.text[..end].ends_with('\r') { end - 1 } else { end }
        })
    }

    fn next(&mut self, c: char, first_on_line: bool) -> TokenKind {
        let rest = self.rest();
        if self.is_line_comment(rest, first_on_line) {
            self.at = self.line_end();
            return TokenKind::Comment;
        }
        if rest.starts_with("/*") {
            self.at = rest.find("*/").map_or(self.text.len(), |length| self.at + length + 2);
            return TokenKind::Comment;
        }
        match c {
            '\'' => self.quoted('\'', TokenKind::Text),
            '"' => self.quoted('"', TokenKind::Quoted),
            '`' => self.quoted('`', TokenKind::Quoted),
            '[' => self.bracket(),
            '{' => self.brace(),
            '$' => self.dollar(),
            '…' => self.take(c.len_utf8(), TokenKind::Ellipsis),
            '.' if rest.starts_with("...") => {
                let length = rest.len() - rest.trim_start_matches('.').len();
                self.take(length, TokenKind::Ellipsis)
            }
            c if c.is_ascii_digit() => self.number(),
            c if is_word_start(c) => self.word(),
            _ => self.symbol(c),
        }
    }

    /// `--`, MySQL's `#`, psql's `\i file`, and the `//` and fence marks that stray into SQL.
    fn is_line_comment(&self, rest: &str, first_on_line: bool) -> bool {
        let hash = rest.starts_with('#') && !rest.starts_with("#>") && !rest.starts_with("#-");
        let meta = first_on_line && (rest.starts_with('\\') || rest.starts_with("```"));
        rest.starts_with("--") || rest.starts_with("//") || rest.starts_with('—') || hash || meta
    }

    fn take(&mut self, length: usize, kind: TokenKind) -> TokenKind {
        self.at += length;
        kind
    }

    /// A quoted piece; a doubled quote stands for one. Strings may run over lines, but a quote
    /// that is not closed before the next statement ends with its line.
    fn quoted(&mut self, quote: char, kind: TokenKind) -> TokenKind {
        let text = self.rest();
        let escapes = quote == '\''
            && self.text[..self.at].ends_with(['E', 'e'])
            && !self.text[..self.at - 1].ends_with(is_word_part);
        let mut from = 1;
        while let Some(found) = text[from..].find([quote, '\n', '\\']) {
            let place = from + found;
            match text.as_bytes().get(place) {
                Some(b'\n') => {
                    if quote != '\'' || starts_statement(&text[place + 1..]) {
                        break;
                    }
                    from = place + 1;
                }
                Some(b'\\') if escapes || text[place + 1..].starts_with('\'') && quote == '\'' => {
                    from = place + 1;
                    if escapes {
                        from += text[from..].chars().next().map_or(0, char::len_utf8);
                    }
                }
                Some(b'\\') => from = place + 1,
                _ if text[place + 1..].starts_with(quote) => from = place + 2,
                _ => return self.take(place + 1, kind),
            }
        }
        self.at = self.line_end();
        TokenKind::Symbol
    }

    /// `[name]`: a quoted name in T-SQL, a hole elsewhere; `[1]`, `[]` are symbols.
    fn bracket(&mut self) -> TokenKind {
        let rest = self.rest();
        let inner = closing(rest, ']').map(|end| &rest[1..end]);
        let named = inner
            .is_some_and(|inner| inner.starts_with(is_word_start) && !inner.contains(['\'', '[']));
        match inner {
            Some(inner) if named && !self.text[..self.at].ends_with(is_word_part) => {
                let length = inner.len() + 2;
                if self.brackets_quote {
                    return self.take(length, TokenKind::Quoted);
                }
                self.at += length;
                self.hole_tail();
                TokenKind::Hole
            }
            _ => self.take(1, TokenKind::Symbol),
        }
    }

    /// `{name}` and `{{name}}` are holes.
    fn brace(&mut self) -> TokenKind {
        match closing(self.rest(), '}') {
            Some(end) => {
                self.at += end + 1;
                while self.rest().starts_with('}') {
                    self.at += 1;
                }
                self.hole_tail();
                TokenKind::Hole
            }
            None => self.take(1, TokenKind::Symbol),
        }
    }

    /// What is glued to a hole belongs to it: `[table]_[field]`.
    fn hole_tail(&mut self) {
        let rest = self.rest();
        let length = rest
            .find(|c: char| !(is_word_part(c) || matches!(c, '[' | ']' | '{' | '}')))
            .unwrap_or(rest.len());
        self.at += length;
    }

    /// `$$ body $$`, `$tag$ body $tag$`, and `$ body $` where a dollar was lost.
    fn dollar(&mut self) -> TokenKind {
        let rest = self.rest();
        let tag_end = rest[1..].find(|c: char| !is_word_part(c)).map_or(rest.len(), |end| end + 1);
        let is_tag = rest[tag_end..].starts_with('$')
            && !rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if is_tag {
            let tag = &rest[..=tag_end];
            let body = &rest[tag.len()..];
            let length = body.find(tag).map_or(body.len(), |end| end + tag.len());
            return self.take(tag.len() + length, TokenKind::Body);
        }
        if tag_end > 1 {
            return self.take(tag_end, TokenKind::Symbol);
        }
        match self.next_lone_dollar() {
            Some(end) => {
                self.at = end + 1;
                TokenKind::Body
            }
            None => self.take(1, TokenKind::Symbol),
        }
    }

    fn next_lone_dollar(&mut self) -> Option<usize> {
        let text = self.text;
        let dollars = self.dollars.get_or_insert_with(|| {
            text.match_indices('$')
                .map(|(at, _)| at)
                .filter(|&at| {
                    !text[at + 1..].starts_with(is_word_part) && !text[..at].ends_with(is_word_part)
                })
                .collect()
        });
        let next = dollars.partition_point(|&at| at <= self.at);
        dollars.get(next).copied()
    }

    fn number(&mut self) -> TokenKind {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == '_'))
            .unwrap_or(rest.len());
        let digits = rest[..end].trim_end_matches('.').len();
        self.take(digits.max(1), TokenKind::Number)
    }

    fn word(&mut self) -> TokenKind {
        let rest = self.rest();
        let end = rest.find(|c: char| !is_word_part(c)).unwrap_or(rest.len());
        self.at += end;
        let glued = self.rest().starts_with('[') && self.text[..self.at].ends_with('_');
        let braced = self.rest().starts_with('{');
        if glued || braced {
            self.hole_tail();
            return TokenKind::Hole;
        }
        TokenKind::Word
    }

    fn symbol(&mut self, c: char) -> TokenKind {
        const LONG: &[&str] = &[
            "->>", "#>>", "!~*", "<=>", "->", "#>", "::", "||", "<=", ">=", "<>", "!=", "@>", "<@",
            "~*", "!~", "&&", "?|", "?&", ":=",
        ];
        let rest = self.rest();
        let length = LONG
            .iter()
            .find(|symbol| rest.starts_with(**symbol))
            .map_or(c.len_utf8(), |symbol| symbol.len());
        self.take(length, TokenKind::Symbol)
    }
}

/// Where a bracket closes: on its line and within the length of a name.
fn closing(text: &str, close: char) -> Option<usize> {
    const HOLE_CHARS_MAX: usize = 80;
    text.char_indices()
        .take(HOLE_CHARS_MAX)
        .take_while(|&(_, c)| c != '\n')
        .find(|&(_, c)| c == close)
        .map(|(at, _)| at)
}

fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_' || c == '@'
}

fn is_word_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// True where a line begins a statement of its own.
fn starts_statement(line: &str) -> bool {
    let word: String = line
        .trim_start_matches([' ', '\t'])
        .chars()
        .take_while(|c| c.is_ascii_alphabetic())
        .collect();
    ["CREATE", "ALTER", "COMMENT", "INSERT"]
        .iter()
        .any(|keyword| word.eq_ignore_ascii_case(keyword))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = tokens(text).iter().map(|t| &text[t.start..t.end]).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn words_strings_and_symbols_keep_their_bytes() {
        check("a 'it''s' \"b c\" `d`", &["a", "'it''s'", "\"b c\"", "`d`"]);
        check("x::jsonb -> 'é'", &["x", "::", "jsonb", "->", "'é'"]);
        check("id INT, -- key, é\nb", &["id", "INT", ",", "-- key, é", "b"]);
    }

    #[test]
    fn an_open_quote_ends_with_its_line_where_a_statement_follows() {
        check("a 'b\nCREATE TABLE", &["a", "'b", "CREATE", "TABLE"]);
    }

    #[test]
    fn bodies_are_one_token_even_with_lost_dollars() {
        check("AS $$ a; b $$ x", &["AS", "$$ a; b $$", "x"]);
        check("AS $ a; b $ x", &["AS", "$ a; b $", "x"]);
        check("$1 + $2", &["$1", "+", "$2"]);
    }

    #[test]
    fn brackets_are_holes_except_in_transact_sql_and_arrays() {
        let kinds = |text: &str| tokens(text).iter().map(|t| t.kind).collect::<Vec<_>>();
        assert_eq!(kinds("idx_[table]_[field]"), [TokenKind::Hole]);
        assert_eq!(kinds("[a] NVARCHAR")[0], TokenKind::Quoted);
        assert_eq!(kinds("text[]").len(), 3);
    }
}
