//! `CREATE POLICY`, and the functions that policies call: read here, given their meaning by the
//! security chapter.

use super::{
    Outcome,
    cursor::{Cursor, unquoted},
    expression::{Scope, sql_expression_in},
    token::TokenKind,
};
use crate::{
    Diagnostic,
    data::{
        Function, Policy, PolicyCommand, codes,
        draft::{Draft, Procedure},
    },
};

/// Reads `CREATE POLICY name ON table [AS …] [FOR …] [TO …] [USING (…)] [WITH CHECK (…)]`.
pub(crate) fn read_policy(
    mut cursor: Cursor<'_>,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome {
    let span = cursor.span_of_all();
    cursor.until(&["POLICY"]);
    let _ = cursor.takes("POLICY");
    let _ = cursor.takes("IF NOT EXISTS");
    let name = cursor.next().map_or("", |token| unquoted(cursor.text(token))).to_owned();
    let table = if cursor.takes("ON") { cursor.qualified_name() } else { None };
    let Some(table) = table else {
        diagnostics.push(
            Diagnostic::new(
                &codes::D004,
                cursor.span_here(),
                format!("the policy `{name}` names no table"),
            )
            .label("`ON table` is expected"),
        );
        return Outcome::Unknown;
    };
    if table.is_hole {
        return Outcome::Ignored("a template's hole");
    }
    let scope_table = table.name.clone();
    let scope = Scope::of_table(&scope_table);
    let mut policy = Policy {
        table: table.name,
        name,
        command: PolicyCommand::All,
        restrictive: false,
        roles: Vec::new(),
        using: None,
        check: None,
        span,
    };
    while !cursor.is_done() {
        if cursor.takes("AS RESTRICTIVE") {
            policy.restrictive = true;
        } else if cursor.takes("FOR") {
            policy.command = read_command(&mut cursor);
        } else if cursor.takes("TO") {
            while let Some(role) = cursor.name() {
                policy.roles.push(role.name);
                if !cursor.takes_symbol(",") {
                    break;
                }
            }
        } else if cursor.takes("USING") {
            let group = cursor.group();
            policy.using = group.map(|group| sql_expression_in(cursor.script, group.tokens, scope));
        } else if cursor.takes("WITH CHECK") {
            let group = cursor.group();
            policy.check = group.map(|group| sql_expression_in(cursor.script, group.tokens, scope));
        } else {
            cursor.next();
        }
    }
    draft.policies.push(policy);
    Outcome::Declaration
}

fn read_command(cursor: &mut Cursor<'_>) -> PolicyCommand {
    let command = [
        ("SELECT", PolicyCommand::Select),
        ("INSERT", PolicyCommand::Insert),
        ("UPDATE", PolicyCommand::Update),
        ("DELETE", PolicyCommand::Delete),
    ]
    .into_iter()
    .find(|(word, _)| cursor.takes(word));
    command.map_or(PolicyCommand::All, |(_, command)| command)
}

/// Reads `CREATE FUNCTION name(…) … AS $$ body $$`; its code is left out.
pub(crate) fn read_function(mut cursor: Cursor<'_>, draft: &mut Draft) {
    let span = cursor.span_of_all();
    cursor.until(&["FUNCTION"]);
    let _ = cursor.takes("FUNCTION");
    let from = cursor.peek();
    let Some(name) = cursor.qualified_name() else { return };
    let written = from
        .zip(cursor.previous())
        .map_or("", |(from, to)| cursor.script.slice(from.start..to.end));
    let body = cursor
        .rest()
        .iter()
        .find(|token| matches!(token.kind, TokenKind::Body | TokenKind::Text))
        .map_or("", |&token| cursor.text(token));
    let body = body.trim_matches(|c: char| c == '$' || c.is_whitespace()).to_owned();
    let what = format!("function `{}`", name.name);
    draft.procedural.push(Procedure {
        only_touches: only_touches(&body),
        name: Some(name.name),
        ..procedure(&cursor, what)
    });
    draft.functions.push(Function {
        name: written.to_lowercase().replace(['"', '`'], ""),
        body,
        span,
    });
}

/// Procedural code of which nothing more is known.
pub(crate) fn procedure(cursor: &Cursor<'_>, what: String) -> Procedure {
    Procedure { span: cursor.span_of_all(), what, name: None, calls: None, only_touches: false }
}

/// The function that a trigger executes.
pub(crate) fn called_function(cursor: &Cursor<'_>) -> Option<String> {
    let mut cursor = *cursor;
    cursor.until(&["EXECUTE"]);
    let _ = cursor.takes("EXECUTE");
    let _ = cursor.takes("FUNCTION") || cursor.takes("PROCEDURE");
    cursor.qualified_name().map(|name| name.name)
}

/// True for a body that sets the time of the last change and does nothing else.
fn only_touches(body: &str) -> bool {
    const BODY_BYTES_MAX: usize = 400;
    let plain: String = body.to_lowercase().split_whitespace().collect();
    let sets_time = [":=", "="].iter().any(|sign| {
        ["updated_at", "modified_at", "last_updated", "updated_on", "last_modified"]
            .iter()
            .any(|column| plain.contains(&format!("new.{column}{sign}")))
    });
    body.len() <= BODY_BYTES_MAX
        && sets_time
        && plain.matches("new.").count() == 1
        && !["insertinto", "deletefrom", "raise", "perform"].iter().any(|word| plain.contains(word))
}
