//! A SELECT of the document as this database understands it: the tables are where the statement
//! runs, whatever schema the document names.

use sqlparser::{
    dialect::PostgreSqlDialect,
    tokenizer::{Token, Tokenizer},
};

/// Longest text that is read, in bytes.
const TEXT_BYTES_MAX: usize = 100_000;
/// What a document calls the schema that its tables are in.
const SCHEMA: &str = "public";

/// The text without the schema's name before tables and types.
pub(super) fn select(sql: &str) -> Result<String, String> {
    if sql.len() > TEXT_BYTES_MAX {
        return Err("the query is too long".to_owned());
    }
    let tokens =
        Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().map_err(|error| error.to_string())?;
    let mut text = String::with_capacity(sql.len());
    let mut after_point = false;
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        let is_schema =
            matches!(token, Token::Word(word) if word.value.eq_ignore_ascii_case(SCHEMA));
        let is_prefix = is_schema && !after_point && tokens.get(place + 1) == Some(&Token::Period);
        if is_prefix {
            place += 2;
            continue;
        }
        after_point = *token == Token::Period;
        text.push_str(&token.to_string());
        place += 1;
    }
    Ok(text.trim().trim_end_matches(';').to_owned())
}

#[cfg(test)]
mod tests {
    use super::select;

    fn check(sql: &str, expected: &str) {
        assert_eq!(select(sql).as_deref(), Ok(expected));
    }

    #[test]
    fn the_schemas_name_goes_and_nothing_else() {
        check("SELECT p.id FROM public.posts p;", "SELECT p.id FROM posts p");
        check(
            "SELECT x.public FROM x WHERE a = 'public.x'",
            "SELECT x.public FROM x WHERE a = 'public.x'",
        );
        check("SELECT a->>'k', \"b\" FROM t", "SELECT a->>'k', \"b\" FROM t");
    }
}
