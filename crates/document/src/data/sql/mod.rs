//! SQL in fences: tokens, statements, and one reader for each kind of statement.

mod alter;
mod column;
pub(crate) mod cursor;
mod default;
mod exclusion;
pub(crate) mod expression;
mod function;
mod kind;
mod object;
mod policy;
mod sentence;
mod statement;
mod table;
pub(crate) mod token;
mod view;

pub(crate) use kind::known_type;

use cursor::{Cursor, Script};
use token::TokenKind;

use super::{
    codes,
    draft::{Draft, Procedure},
};
use crate::{
    Diagnostic, Span,
    diagnostic::{Applicability, similar},
    outline::Fence,
};

/// What a statement was taken for.
pub(crate) enum Outcome {
    /// It declares something.
    Declaration,
    /// A sample of how the schema is used.
    Sample(&'static str),
    /// Procedural code, which is left out.
    Procedural,
    /// Says nothing that concerns a served document.
    Ignored(&'static str),
    /// No SQL.
    Unknown,
}

/// A statement that was read.
pub(crate) struct Read {
    /// Where it is.
    pub(crate) span: Span,
    /// What it was taken for.
    pub(crate) outcome: Outcome,
}

/// True where a fence contains DDL: its label says SQL, or a line begins a `CREATE` or `ALTER`.
pub(crate) fn is_sql(fence: &Fence) -> bool {
    const LABELS: &[&str] = &[
        "sql",
        "postgresql",
        "postgres",
        "pgsql",
        "plpgsql",
        "psql",
        "mysql",
        "mariadb",
        "sqlite",
        "sqlite3",
        "tsql",
        "mssql",
        "ddl",
        "plsql",
        "cql",
        "snowflake",
        "bigquery",
    ];
    const PLAIN: &[&str] = &["", "text", "txt", "plaintext", "plain", "code", "schema", "database"];
    if LABELS.contains(&fence.language.as_str()) {
        return true;
    }
    PLAIN.contains(&fence.language.as_str()) && first_ddl_line(&fence.text).is_some()
}

/// Where the first line of DDL begins.
fn first_ddl_line(text: &str) -> Option<usize> {
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let mut words = line.split_whitespace().map(str::to_ascii_uppercase);
        let first = words.next().unwrap_or_default();
        let second = words.next().unwrap_or_default();
        let is_ddl = match first.as_str() {
            "CREATE" => matches!(
                second.as_str(),
                "TABLE"
                    | "TYPE"
                    | "UNIQUE"
                    | "INDEX"
                    | "POLICY"
                    | "VIEW"
                    | "MATERIALIZED"
                    | "DOMAIN"
            ),
            "ALTER" => second == "TABLE",
            _ => false,
        };
        if is_ddl {
            return Some(offset);
        }
        offset += line.len();
    }
    None
}

/// Reads all statements of a fence.
pub(crate) fn read_fence(
    fence: &Fence,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Read> {
    // What stands above the DDL in a fence that is not labelled as SQL is none.
    let skipped = if fence.language.is_empty() { first_ddl_line(&fence.text) } else { None };
    let all: Vec<token::Token> = token::tokens(&fence.text)
        .into_iter()
        .filter(|token| token.start >= skipped.unwrap_or(0))
        .collect();
    let (comments, tokens): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|token| token.kind == TokenKind::Comment);
    let script = Script { fence, comments: &comments };
    let statements = statement::statements(script, &tokens);
    let read = statements
        .iter()
        .map(|statement| {
            let cursor = Cursor::new(script, statement);
            let outcome = read_statement(cursor, draft, diagnostics);
            Read { span: cursor.span_of_all(), outcome }
        })
        .collect();
    sentence::dropped_elsewhere(script, &statements, draft);
    read
}

fn read_statement(
    cursor: Cursor<'_>,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome {
    let Some(first) = cursor.peek().filter(|token| token.kind == TokenKind::Word) else {
        return Outcome::Unknown;
    };
    match cursor.text(first).to_ascii_uppercase().as_str() {
        "CREATE" => read_create(cursor, draft, diagnostics),
        "ALTER" => alter::read_alter(cursor, draft, diagnostics),
        "COMMENT" if cursor.is("COMMENT ON") => object::read_comment(cursor, draft),
        "DO" | "CALL" | "EXECUTE" | "BEGIN" | "DECLARE" => {
            if cursor.rest().len() > 1 && !cursor.is("BEGIN TRANSACTION") {
                draft.procedural.push(policy::procedure(&cursor, "a block of code".to_owned()));
                return Outcome::Procedural;
            }
            Outcome::Ignored("a transaction")
        }
        "INSERT" | "UPDATE" | "DELETE" | "MERGE" | "COPY" => Outcome::Sample("sample rows"),
        "SELECT" | "WITH" | "EXPLAIN" | "SHOW" | "ANALYZE" | "TABLE" => {
            Outcome::Sample("a sample query")
        }
        "GRANT" | "REVOKE" => Outcome::Ignored("rights of database accounts"),
        "COMMIT" | "ROLLBACK" | "START" => Outcome::Ignored("a transaction"),
        "DROP" => Outcome::Ignored("destroys nothing without a sentence"),
        "SET" | "USE" | "GO" | "PRAGMA" | "VACUUM" | "TRUNCATE" | "REFRESH" | "REINDEX"
        | "DELIMITER" | "LOCK" | "CLUSTER" | "END" => {
            Outcome::Ignored("concerns the running of a database server")
        }
        word => {
            report_misspelled(&cursor, word, diagnostics);
            Outcome::Unknown
        }
    }
}

/// `CREAT TABLE x (`: a statement whose verb is misspelled.
fn report_misspelled(cursor: &Cursor<'_>, word: &str, diagnostics: &mut Vec<Diagnostic>) {
    let is_ddl = cursor.peek_at(1).is_some_and(|next| {
        ["TABLE", "INDEX", "TYPE", "VIEW", "POLICY"]
            .iter()
            .any(|object| cursor.text(next).eq_ignore_ascii_case(object))
    });
    let Some(verb) = similar(word, ["CREATE", "ALTER"]).first().copied().filter(|_| is_ddl) else {
        return;
    };
    diagnostics.push(
        Diagnostic::new(&codes::D004, cursor.span_here(), format!("`{word}` is no SQL statement"))
            .label("this statement is left out")
            .edit(
                format!("a similar word begins a statement: `{verb}`"),
                cursor.span_here(),
                verb,
                Applicability::MaybeIncorrect,
            ),
    );
}

fn read_create(
    cursor: Cursor<'_>,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome {
    const MODIFIERS: &[&str] = &[
        "OR REPLACE",
        "OR ALTER",
        "TEMPORARY",
        "TEMP",
        "UNLOGGED",
        "GLOBAL",
        "LOCAL",
        "EXTERNAL",
        "FOREIGN",
        "RECURSIVE",
        "UNIQUE",
        "CLUSTERED",
        "NONCLUSTERED",
        "FULLTEXT",
        "SPATIAL",
        "MATERIALIZED",
        "CONSTRAINT",
        "EVENT",
        "VIRTUAL",
        "COLUMNSTORE",
        "BITMAP",
        "DYNAMIC",
    ];
    let mut at = cursor;
    let _ = at.takes("CREATE");
    while MODIFIERS.iter().any(|word| at.takes(word)) {}
    let object = at.peek().map_or(String::new(), |token| at.text(token).to_ascii_uppercase());
    match object.as_str() {
        "TABLE" if cursor.is("CREATE VIRTUAL") => {
            return Outcome::Ignored("a virtual table of SQLite");
        }
        "TABLE" => table::read_table(cursor, draft, diagnostics),
        "INDEX" => return object::read_index(cursor, draft, diagnostics),
        "TYPE" | "DOMAIN" => return object::read_type_declaration(cursor, draft, diagnostics),
        "VIEW" => return view::read_view(cursor, draft, diagnostics),
        "POLICY" => return policy::read_policy(cursor, draft, diagnostics),
        "FUNCTION" => policy::read_function(cursor, draft),
        "TRIGGER" | "PROCEDURE" | "RULE" | "EVENT" | "AGGREGATE" | "PACKAGE" => {
            at.next();
            let name = at.qualified_name().map_or(String::new(), |name| name.name);
            let what = format!("{} `{name}`", object.to_ascii_lowercase());
            let calls = policy::called_function(&cursor);
            draft.procedural.push(Procedure { calls, ..policy::procedure(&cursor, what) });
            return Outcome::Procedural;
        }
        "EXTENSION" | "SCHEMA" | "SEQUENCE" | "ROLE" | "USER" | "DATABASE" | "PUBLICATION"
        | "SUBSCRIPTION" | "SERVER" | "CAST" | "OPERATOR" | "COLLATION" | "TABLESPACE"
        | "STAGE" | "STREAM" | "TASK" | "WAREHOUSE" | "STATISTICS" | "LOGIN" | "KEYSPACE"
        | "TEXT" | "ACCESS" | "CERTIFICATE" | "MASKING" | "SECURITY" | "PARTITION" | "RESOURCE"
        | "STREAMING" => {
            return Outcome::Ignored("concerns the database server");
        }
        _ => return unknown_object(&at, diagnostics),
    }
    Outcome::Declaration
}

/// `CREATE TABEL x (`.
fn unknown_object(at: &Cursor<'_>, diagnostics: &mut Vec<Diagnostic>) -> Outcome {
    const OBJECTS: [&str; 7] = ["TABLE", "INDEX", "TYPE", "VIEW", "POLICY", "DOMAIN", "FUNCTION"];
    let word = at.peek().map_or("", |token| at.text(token));
    let Some(object) = similar(word, OBJECTS).first().copied().filter(|_| !word.is_empty()) else {
        return Outcome::Unknown;
    };
    diagnostics.push(
        Diagnostic::new(
            &codes::D004,
            at.span_here(),
            format!("`CREATE {word}` is no SQL statement"),
        )
        .label("this statement is left out")
        .edit(
            format!("a similar word is known: `{object}`"),
            at.span_here(),
            object,
            Applicability::MaybeIncorrect,
        ),
    );
    Outcome::Unknown
}
