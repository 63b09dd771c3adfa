//! Walking over a statement's tokens: words without case, names without quotes, groups in
//! parentheses. Asking never fails; what is not there gives none.

use std::ops::Range;

use super::token::{Token, TokenKind};
use crate::{Span, data::name::snake, outline::Fence};

/// A fence's SQL: its text and where it stands in the document.
#[derive(Clone, Copy)]
pub(crate) struct Script<'a> {
    /// The fence.
    pub(crate) fence: &'a Fence,
    /// The comments of the fence in order.
    pub(crate) comments: &'a [Token],
}

impl<'a> Script<'a> {
    /// The fence's text.
    pub(crate) fn text(&self) -> &'a str {
        &self.fence.text
    }

    /// The bytes of a range.
    pub(crate) fn slice(&self, range: Range<usize>) -> &'a str {
        self.text().get(range).unwrap_or("")
    }

    /// The source span of bytes of the text.
    pub(crate) fn span(&self, range: Range<usize>) -> Span {
        self.fence.span_of(range)
    }
}

/// A name as written and as the System knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    /// In snake case, with its schema in front where that is not the usual one.
    pub(crate) name: String,
    /// Where it is written.
    pub(crate) span: Span,
    /// True where the template's hole was never filled.
    pub(crate) is_hole: bool,
    /// How many bytes of the name are its schema's, with the line between.
    pub(crate) schema_bytes: usize,
}

impl Name {
    /// The name without its schema.
    pub(crate) fn bare(&self) -> &str {
        self.name.get(self.schema_bytes..).unwrap_or(&self.name)
    }
}

/// A place among a statement's tokens. Copies are cheap.
#[derive(Clone, Copy)]
pub(crate) struct Cursor<'a> {
    /// Where the tokens come from.
    pub(crate) script: Script<'a>,
    tokens: &'a [Token],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the first of these tokens, which hold no comments.
    pub(crate) fn new(script: Script<'a>, tokens: &'a [Token]) -> Self {
        Self { script, tokens, at: 0 }
    }

    /// The token at hand.
    pub(crate) fn peek(&self) -> Option<Token> {
        self.tokens.get(self.at).copied()
    }

    /// The token `ahead` places further.
    pub(crate) fn peek_at(&self, ahead: usize) -> Option<Token> {
        self.tokens.get(self.at + ahead).copied()
    }

    /// The token before the one at hand.
    pub(crate) fn previous(&self) -> Option<Token> {
        self.at.checked_sub(1).and_then(|before| self.tokens.get(before)).copied()
    }

    /// Takes the token at hand.
    pub(crate) fn next(&mut self) -> Option<Token> {
        let token = self.peek()?;
        self.at += 1;
        Some(token)
    }

    /// True where nothing is left.
    pub(crate) fn is_done(&self) -> bool {
        self.at >= self.tokens.len()
    }

    /// What is left.
    pub(crate) fn rest(&self) -> &'a [Token] {
        self.tokens.get(self.at..).unwrap_or(&[])
    }

    /// A token's text.
    pub(crate) fn text(&self, token: Token) -> &'a str {
        self.script.slice(token.start..token.end)
    }

    /// A token's place in the source.
    pub(crate) fn span(&self, token: Token) -> Span {
        self.script.span(token.start..token.end)
    }

    /// The span of the token at hand, else of the last one.
    pub(crate) fn span_here(&self) -> Span {
        self.peek().or(self.tokens.last().copied()).map_or(Span::default(), |t| self.span(t))
    }

    /// The span of all its tokens.
    pub(crate) fn span_of_all(&self) -> Span {
        span_of(self.script, self.tokens)
    }

    /// True where the words ahead are these; several are separated by a space.
    pub(crate) fn is(&self, words: &str) -> bool {
        words.split(' ').enumerate().all(|(ahead, word)| {
            self.peek_at(ahead).is_some_and(|token| {
                token.kind == TokenKind::Word && self.text(token).eq_ignore_ascii_case(word)
            })
        })
    }

    /// Takes these words where they are ahead.
    pub(crate) fn takes(&mut self, words: &str) -> bool {
        let found = self.is(words);
        if found {
            self.at += words.split(' ').count();
        }
        found
    }

    /// True where the token at hand is this punctuation.
    pub(crate) fn is_symbol(&self, symbol: &str) -> bool {
        self.peek()
            .is_some_and(|token| token.kind == TokenKind::Symbol && self.text(token) == symbol)
    }

    /// Takes this punctuation where it is ahead.
    pub(crate) fn takes_symbol(&mut self, symbol: &str) -> bool {
        let found = self.is_symbol(symbol);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes tokens until one of these words is ahead, outside of parentheses.
    pub(crate) fn until(&mut self, stops: &[&str]) -> &'a [Token] {
        let from = self.at;
        let mut depth = 0usize;
        while let Some(token) = self.peek() {
            match self.text(token) {
                "(" => depth += 1,
                ")" => depth = depth.saturating_sub(1),
                _ if depth == 0 && stops.iter().any(|words| self.is(words)) => break,
                _ => {}
            }
            self.at += 1;
        }
        self.tokens.get(from..self.at).unwrap_or(&[])
    }

    /// Takes a group in parentheses and gives what is inside; one that is never closed ends with
    /// the statement.
    pub(crate) fn group(&mut self) -> Option<Group<'a>> {
        if !self.is_symbol("(") {
            return None;
        }
        let from = self.at + 1;
        let mut depth = 0usize;
        let mut at = self.at;
        while let Some(&token) = self.tokens.get(at) {
            if token.kind == TokenKind::Symbol {
                match self.text(token) {
                    "(" => depth += 1,
                    ")" => depth -= 1,
                    _ => {}
                }
            }
            if depth == 0 {
                self.at = at + 1;
                let inside = self.tokens.get(from..at).unwrap_or(&[]);
                return Some(Group { script: self.script, tokens: inside, closed: true });
            }
            at += 1;
        }
        self.at = at;
        let inside = self.tokens.get(from..).unwrap_or(&[]);
        Some(Group { script: self.script, tokens: inside, closed: false })
    }

    /// Takes a name: a word, a quoted name or a hole.
    pub(crate) fn name(&mut self) -> Option<Name> {
        let token = self.peek()?;
        let is_hole = token.kind == TokenKind::Hole;
        if !matches!(token.kind, TokenKind::Word | TokenKind::Quoted | TokenKind::Hole) {
            return None;
        }
        self.at += 1;
        let text = self.text(token);
        Some(Name { name: snake(unquoted(text)), span: self.span(token), is_hole, schema_bytes: 0 })
    }

    /// Takes a name with its schema: `core.users` gives `core_users`, `public.users` `users`.
    pub(crate) fn qualified_name(&mut self) -> Option<Name> {
        let mut names = vec![self.name()?];
        while self.is_symbol(".") && names.len() < 4 {
            self.at += 1;
            match self.name() {
                Some(name) => names.push(name),
                None => break,
            }
        }
        let last = names.pop()?;
        let span = names.first().map_or(last.span, |first| first.span.to(last.span));
        let is_hole = last.is_hole || names.iter().any(|name| name.is_hole);
        let schema = names.pop().filter(|schema| {
            !matches!(schema.name.as_str(), "public" | "dbo" | "main" | "default")
        });
        let schema_bytes = schema.as_ref().map_or(0, |schema| schema.name.len() + 1);
        let name = match schema {
            Some(schema) => format!("{}_{}", schema.name, last.name),
            None => last.name,
        };
        Some(Name { name, span, is_hole, schema_bytes })
    }
}

/// What stands between two parentheses.
#[derive(Clone, Copy)]
pub(crate) struct Group<'a> {
    script: Script<'a>,
    /// The tokens inside.
    pub(crate) tokens: &'a [Token],
    /// False where the parenthesis is never closed.
    pub(crate) closed: bool,
}

impl<'a> Group<'a> {
    /// These tokens as if they stood in parentheses.
    pub(crate) fn of(script: Script<'a>, tokens: &'a [Token]) -> Self {
        Self { script, tokens, closed: true }
    }

    /// A cursor over what is inside.
    pub(crate) fn cursor(&self) -> Cursor<'a> {
        Cursor::new(self.script, self.tokens)
    }

    /// The pieces between top-level commas; empty ones are left out.
    pub(crate) fn items(&self) -> Vec<Cursor<'a>> {
        let mut items = Vec::new();
        let mut depth = 0usize;
        let mut from = 0;
        for (at, token) in self.tokens.iter().enumerate() {
            if token.kind != TokenKind::Symbol {
                continue;
            }
            match self.script.slice(token.start..token.end) {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                "," if depth == 0 => {
                    items.push(&self.tokens[from..at]);
                    from = at + 1;
                }
                _ => {}
            }
        }
        items.push(self.tokens.get(from..).unwrap_or(&[]));
        items.retain(|item| !item.is_empty());
        items.into_iter().map(|item| Cursor::new(self.script, item)).collect()
    }

    /// Top-level commas with nothing before them: `a INT,, b INT`.
    pub(crate) fn stray_commas(&self) -> Vec<Span> {
        let mut stray = Vec::new();
        let mut depth = 0_usize;
        let mut is_empty = true;
        for token in self.tokens {
            let symbol = match token.kind {
                TokenKind::Symbol => self.script.slice(token.start..token.end),
                _ => "",
            };
            match symbol {
                "(" | "[" => depth += 1,
                ")" | "]" => depth = depth.saturating_sub(1),
                "," if depth == 0 && is_empty => stray.push(span_of(self.script, &[*token])),
                _ => {}
            }
            is_empty = symbol == "," && depth == 0;
        }
        stray
    }

    /// The column names of a plain list `(a, b DESC)`; none where one is an expression.
    pub(crate) fn names(&self) -> Option<Vec<Name>> {
        self.items()
            .into_iter()
            .map(|mut item| {
                let name = item.name()?;
                // MySQL's prefix lengths and everybody's sort orders.
                let prefix = item.group();
                let is_prefix = prefix.is_none_or(
                    |group| matches!(group.tokens, [token] if token.kind == TokenKind::Number),
                );
                let _ = item.takes("ASC") || item.takes("DESC");
                (is_prefix && item.is_done()).then_some(name)
            })
            .collect()
    }
}

/// The span from the first to the last of these tokens.
pub(crate) fn span_of(script: Script<'_>, tokens: &[Token]) -> Span {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => script.span(first.start..last.end),
        _ => Span::default(),
    }
}

/// The text from the first to the last of these tokens.
pub(crate) fn text_of<'a>(script: Script<'a>, tokens: &[Token]) -> &'a str {
    match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => script.slice(first.start..last.end),
        _ => "",
    }
}

/// A name without its quotes.
pub(crate) fn unquoted(text: &str) -> &str {
    let text = text.trim();
    for (open, close) in [('"', '"'), ('`', '`'), ('[', ']'), ('\'', '\'')] {
        let inner = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        if let Some(inner) = inner {
            return inner;
        }
    }
    text
}

/// The value of a string in single quotes.
pub(crate) fn string_value(text: &str) -> String {
    unquoted(text).replace("''", "'")
}
