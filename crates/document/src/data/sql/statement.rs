//! A script's statements, told apart on its tokens, so that one that cannot be read never takes
//! the rest along.

use super::{
    cursor::Script,
    token::{Token, TokenKind},
};

/// Splits tokens, which hold no comments, into statements. A statement ends with a semicolon, or
/// where the next one begins on a line of its own.
pub(crate) fn statements<'a>(script: Script<'a>, tokens: &'a [Token]) -> Vec<&'a [Token]> {
    let mut splitter = Splitter { script, tokens, out: Vec::new(), from: 0, depth: 0, blocks: 0 };
    for at in 0..tokens.len() {
        splitter.step(at);
    }
    splitter.close(tokens.len());
    splitter.out
}

struct Splitter<'a> {
    script: Script<'a>,
    tokens: &'a [Token],
    out: Vec<&'a [Token]>,
    /// First token of the statement at hand.
    from: usize,
    /// Open parentheses.
    depth: usize,
    /// Open `BEGIN … END` blocks of a trigger or procedure.
    blocks: usize,
}

impl<'a> Splitter<'a> {
    fn close(&mut self, end: usize) {
        if let Some(statement) = self.tokens.get(self.from..end).filter(|s| !s.is_empty()) {
            self.out.push(statement);
        }
        self.from = end;
        self.depth = 0;
        self.blocks = 0;
    }

    fn word(&self, at: usize) -> &'a str {
        self.tokens
            .get(at)
            .filter(|token| token.kind == TokenKind::Word)
            .map_or("", |token| self.script.slice(token.start..token.end))
    }

    fn is(&self, at: usize, word: &str) -> bool {
        self.word(at).eq_ignore_ascii_case(word)
    }

    fn step(&mut self, at: usize) {
        let Some(token) = self.tokens.get(at) else { return };
        match token.kind {
            TokenKind::Symbol => match self.script.slice(token.start..token.end) {
                ";" if self.blocks == 0 => {
                    self.close(at);
                    self.from = at + 1;
                }
                "(" => self.depth += 1,
                ")" => self.depth = self.depth.saturating_sub(1),
                _ => {}
            },
            TokenKind::Word => {
                if token.first_on_line && at > self.from && self.begins(at) {
                    self.close(at);
                } else if self.depth == 0 && self.is_procedural() {
                    self.count_blocks(at);
                }
            }
            _ => {}
        }
    }

    /// True where a statement begins here: always where nobody could mean anything else.
    fn begins(&self, at: usize) -> bool {
        const OBJECTS: &[&str] = &[
            "TABLE",
            "TYPE",
            "DOMAIN",
            "INDEX",
            "UNIQUE",
            "VIEW",
            "MATERIALIZED",
            "FUNCTION",
            "TRIGGER",
            "PROCEDURE",
            "POLICY",
            "EXTENSION",
            "SCHEMA",
            "SEQUENCE",
            "OR",
            "ROLE",
            "DATABASE",
            "TEMP",
            "TEMPORARY",
            "UNLOGGED",
            "CLUSTERED",
            "NONCLUSTERED",
            "FULLTEXT",
            "VIRTUAL",
            "AGGREGATE",
            "RULE",
            "USER",
            "PUBLICATION",
            "SUBSCRIPTION",
        ];
        let next = self.word(at + 1);
        let is_object = OBJECTS.iter().any(|object| object.eq_ignore_ascii_case(next));
        match self.word(at).to_ascii_uppercase().as_str() {
            "CREATE" => is_object,
            "ALTER" => is_object && !self.is(self.from, "ALTER") || self.is(at + 1, "TABLE"),
            "DROP" => is_object && !self.is(self.from, "ALTER"),
            "COMMENT" => self.is(at + 1, "ON") && self.depth == 0,
            "INSERT" => self.is(at + 1, "INTO") && !self.is_procedural() && !self.is_rule(),
            "GRANT" | "REVOKE" | "USE" | "GO" | "TRUNCATE" | "DELIMITER" | "VACUUM" | "PRAGMA" => {
                self.depth == 0 && self.blocks == 0
            }
            _ => false,
        }
    }

    fn is_rule(&self) -> bool {
        (0..4).any(|ahead| self.is(self.from + ahead, "RULE"))
    }

    fn is_procedural(&self) -> bool {
        (1..5).any(|ahead| {
            ["TRIGGER", "FUNCTION", "PROCEDURE"].iter().any(|word| self.is(self.from + ahead, word))
        })
    }

    fn count_blocks(&mut self, at: usize) {
        if self.is(at, "BEGIN") || self.is(at, "CASE") && self.blocks > 0 {
            self.blocks += 1;
        } else if self.is(at, "END") {
            let closes_other =
                ["IF", "LOOP", "WHILE", "REPEAT"].iter().any(|word| self.is(at + 1, word));
            if !closes_other {
                self.blocks = self.blocks.saturating_sub(1);
            }
        }
    }
}
