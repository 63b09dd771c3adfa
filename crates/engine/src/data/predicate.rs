//! `filter=`: conditions over visible fields with AND, OR, NOT, brackets and the comparisons of
//! SQL. Bounded in length and depth; values are read by their field's kind.

use store::{Expression, Operator};

use super::{Field, Resource, list, truth};

/// Characters of a filter at most.
const LENGTH_MAX: usize = 4_000;
/// Brackets and NOTs inside one another at most.
const DEPTH_MAX: usize = 20;
/// Comparisons in one filter at most.
const COMPARISONS_MAX: usize = 100;

/// Reads a filter.
///
/// # Errors
/// What is wrong with it and where.
pub(crate) fn parse(resource: &Resource, text: &str) -> Result<Expression, String> {
    if text.chars().count() > LENGTH_MAX {
        return Err(format!("takes at most {LENGTH_MAX} characters"));
    }
    let tokens = tokens(text)?;
    let mut parser = Parser { resource, tokens, at: 0, comparisons: 0 };
    let condition = parser.either(0)?;
    match parser.peek() {
        None => Ok(condition),
        Some(token) => Err(format!("does not go on with {}", token.shown())),
    }
}

#[derive(Debug, Clone, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Number(String),
    Sign(&'static str),
}

impl Token {
    fn shown(&self) -> String {
        match self {
            Token::Word(text) | Token::Number(text) => format!("`{text}`"),
            Token::Text(text) => format!("'{text}'"),
            Token::Sign(sign) => format!("`{sign}`"),
        }
    }
}

const SIGNS: [&str; 13] = ["<>", "!=", "<=", ">=", "==", "&&", "||", "<", ">", "=", "(", ")", ","];

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if first == '\'' || first == '"' {
            let (text, after) = quoted(rest, first)?;
            tokens.push(Token::Text(text));
            rest = after;
        } else if first.is_ascii_digit() || first == '-' || first == '.' {
            let end = rest
                .char_indices()
                .skip(1)
                .find(|(_, c)| !(c.is_ascii_alphanumeric() || *c == '.'))
                .map_or(rest.len(), |(at, _)| at);
            tokens.push(Token::Number(rest[..end].to_owned()));
            rest = &rest[end..];
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            return Err(format!("does not know the sign `{first}`"));
        }
        rest = rest.trim_start();
    }
    Ok(tokens)
}

/// A quoted text; a quote inside it stands twice.
fn quoted(rest: &str, quote: char) -> Result<(String, &str), String> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((at, letter)) = letters.next() {
        if letter != quote {
            text.push(letter);
        } else if letters.peek().is_some_and(|(_, next)| *next == quote) {
            text.push(quote);
            letters.next();
        } else {
            return Ok((text, &rest[at + quote.len_utf8()..]));
        }
    }
    Err("has a text that does not end".to_owned())
}

struct Parser<'a> {
    resource: &'a Resource,
    tokens: Vec<Token>,
    at: usize,
    comparisons: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.at).cloned();
        self.at += 1;
        token
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(own)) if own.eq_ignore_ascii_case(word));
        self.at += usize::from(found);
        found
    }

    fn eat_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Sign(own)) if *own == sign);
        self.at += usize::from(found);
        found
    }

    fn expect_sign(&mut self, sign: &str) -> Result<(), String> {
        match self.eat_sign(sign) {
            true => Ok(()),
            false => Err(format!("misses `{sign}`")),
        }
    }

    fn either(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.both(depth)?;
        while self.eat_word("or") || self.eat_sign("||") {
            left = truth::or(left, self.both(depth)?);
        }
        Ok(left)
    }

    fn both(&mut self, depth: usize) -> Result<Expression, String> {
        let mut left = self.one(depth)?;
        while self.eat_word("and") || self.eat_sign("&&") {
            left = truth::and(left, self.one(depth)?);
        }
        Ok(left)
    }

    fn one(&mut self, depth: usize) -> Result<Expression, String> {
        if depth > DEPTH_MAX {
            return Err(format!("is nested deeper than {DEPTH_MAX} levels"));
        }
        if self.eat_word("not") {
            return Ok(truth::not(self.one(depth + 1)?));
        }
        if self.eat_sign("(") {
            let inner = self.either(depth + 1)?;
            self.expect_sign(")")?;
            return Ok(inner);
        }
        self.comparison()
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        self.comparisons += 1;
        if self.comparisons > COMPARISONS_MAX {
            return Err(format!("takes at most {COMPARISONS_MAX} comparisons"));
        }
        let name = match self.next() {
            Some(Token::Word(name)) => name,
            Some(token) => return Err(format!("needs a field where {} stands", token.shown())),
            None => return Err("ends where a field is needed".to_owned()),
        };
        let field = self.field(&name)?;
        if self.eat_word("is") {
            let negated = self.eat_word("not");
            return match self.eat_word("null") {
                true => Ok(truth::is_null(Expression::column(&*field.name), negated)),
                false => Err("knows IS NULL and IS NOT NULL".to_owned()),
            };
        }
        let negated = self.eat_word("not");
        if self.eat_word("in") {
            return self.list(field, negated);
        }
        if self.eat_word("between") {
            let low = self.compared(field, "gte")?;
            if !self.eat_word("and") {
                return Err("misses AND after BETWEEN".to_owned());
            }
            let both = truth::and(low, self.compared(field, "lte")?);
            return Ok(if negated { truth::not(both) } else { both });
        }
        for (word, operator) in [("like", "like"), ("ilike", "ilike"), ("contains", "contains")] {
            if self.eat_word(word) {
                let condition = self.compared(field, operator)?;
                return Ok(if negated { truth::not(condition) } else { condition });
            }
        }
        if negated {
            return Err("knows NOT before IN, LIKE, ILIKE and BETWEEN".to_owned());
        }
        self.signed(field)
    }

    fn signed(&mut self, field: &Field) -> Result<Expression, String> {
        let operator = match self.next() {
            Some(Token::Sign("=" | "==")) => Operator::Equal,
            Some(Token::Sign("<>" | "!=")) => Operator::NotEqual,
            Some(Token::Sign("<")) => Operator::Less,
            Some(Token::Sign("<=")) => Operator::LessOrEqual,
            Some(Token::Sign(">")) => Operator::Greater,
            Some(Token::Sign(">=")) => Operator::GreaterOrEqual,
            Some(token) => {
                return Err(format!("needs a comparison where {} stands", token.shown()));
            }
            None => return Err("ends where a comparison is needed".to_owned()),
        };
        let name = match operator {
            Operator::Equal => "eq",
            Operator::NotEqual => "ne",
            Operator::Less => "lt",
            Operator::LessOrEqual => "lte",
            Operator::Greater => "gt",
            _ => "gte",
        };
        self.compared(field, name)
    }

    fn compared(&mut self, field: &Field, operator: &str) -> Result<Expression, String> {
        let text = self.value()?;
        list::condition(field, operator, &text)
            .map_err(|words| format!("`{}` {words}", field.shown))
    }

    fn list(&mut self, field: &Field, negated: bool) -> Result<Expression, String> {
        list::refuse_without_equality(field)
            .map_err(|words| format!("`{}` {words}", field.shown))?;
        self.expect_sign("(")?;
        let mut values = Vec::new();
        while !self.eat_sign(")") {
            if !values.is_empty() {
                self.expect_sign(",")?;
            }
            let text = self.value()?;
            let value = field
                .kind
                .parse_text(&text)
                .map_err(|words| format!("`{}` {words}", field.shown))?;
            values.push(Expression::Value(value));
            self.comparisons += 1;
            if self.comparisons > COMPARISONS_MAX {
                return Err(format!("takes at most {COMPARISONS_MAX} comparisons"));
            }
        }
        Ok(truth::member_of(Expression::column(&*field.name), values, negated))
    }

    /// A constant as text; the field's kind reads it.
    fn value(&mut self) -> Result<String, String> {
        match self.next() {
            Some(Token::Text(text) | Token::Number(text)) => Ok(text),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("true") => Ok("true".to_owned()),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("false") => Ok("false".to_owned()),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("null") => {
                Err("compares with NULL through IS NULL".to_owned())
            }
            Some(token) => Err(format!("needs a value where {} stands", token.shown())),
            None => Err("ends where a value is needed".to_owned()),
        }
    }

    fn field(&self, name: &str) -> Result<&'a Field, String> {
        if let Some(field) = self.resource.visible(name) {
            return Ok(field);
        }
        let similar = document::diagnostic::similar(name, self.resource.shown_names());
        let shown: String = name.chars().take(64).collect();
        Err(match similar.as_slice() {
            [] => format!("`{shown}` is not a field here"),
            names => format!("`{shown}` is not a field here; similar: {}", names.join(", ")),
        })
    }
}
