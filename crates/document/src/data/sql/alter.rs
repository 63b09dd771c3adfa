//! `ALTER TABLE`, action by action.

use super::{
    Outcome,
    column::read_column,
    cursor::{Cursor, Group, Name},
    default::default_value,
    expression::sql_expression,
    table::read_item,
    token::TokenKind,
};
use crate::{
    Diagnostic,
    data::{
        codes,
        draft::{Change, ChangeAction, Draft, Parts},
    },
};

/// Reads an `ALTER` statement.
pub(crate) fn read_alter(
    mut cursor: Cursor<'_>,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) -> Outcome {
    let _ = cursor.takes("ALTER");
    if cursor.takes("TYPE") {
        return add_value(cursor, draft);
    }
    if !cursor.takes("TABLE") {
        return Outcome::Ignored("concerns the database server");
    }
    let _ = cursor.takes("IF EXISTS");
    let _ = cursor.takes("ONLY");
    let Some(table) = cursor.qualified_name() else {
        diagnostics.push(
            Diagnostic::new(&codes::D004, cursor.span_here(), "an `ALTER TABLE` names no table")
                .label("a name is expected here"),
        );
        return Outcome::Unknown;
    };
    if table.is_hole || cursor.rest().iter().any(|token| token.kind == TokenKind::Hole) {
        return Outcome::Ignored("a template's hole");
    }
    let mut outcome = Outcome::Declaration;
    for action in Group::of(cursor.script, cursor.rest()).items() {
        match read_action(action, &table, draft, diagnostics) {
            Some(action) => {
                draft.changes.push(Change { table: table.clone(), action });
            }
            None => outcome = Outcome::Ignored("concerns how a server stores rows"),
        }
    }
    outcome
}

/// `ALTER TYPE status ADD VALUE 'archived'`.
fn add_value(mut cursor: Cursor<'_>, draft: &mut Draft) -> Outcome {
    let Some(name) = cursor.qualified_name() else { return Outcome::Unknown };
    if !cursor.takes("ADD VALUE") {
        return Outcome::Ignored("a change of a type");
    }
    let _ = cursor.takes("IF NOT EXISTS");
    let value = cursor.next().filter(|token| token.kind == TokenKind::Text);
    let value = value.map(|value| super::cursor::string_value(cursor.text(value)));
    let found = draft.enums.iter_mut().find(|declared| declared.name == name.name);
    if let (Some(value), Some(found)) = (value, found)
        && !found.values.contains(&value)
    {
        found.values.push(value);
    }
    Outcome::Declaration
}

fn read_action(
    mut cursor: Cursor<'_>,
    table: &Name,
    draft: &mut Draft,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ChangeAction> {
    if cursor.takes("ENABLE ROW LEVEL SECURITY") || cursor.takes("FORCE ROW LEVEL SECURITY") {
        draft.protected.push(table.clone());
        return None;
    }
    if cursor.takes("ADD") {
        return Some(ChangeAction::Add(read_added(cursor, table, diagnostics)));
    }
    if cursor.takes("DROP") {
        if cursor.is("CONSTRAINT") || cursor.is("INDEX") || cursor.is("PRIMARY KEY") {
            return None;
        }
        let _ = cursor.takes("COLUMN");
        let _ = cursor.takes("IF EXISTS");
        return cursor.name().map(ChangeAction::DropColumn);
    }
    if cursor.takes("RENAME") {
        if cursor.takes("TO") {
            return cursor.name().map(ChangeAction::Rename);
        }
        if cursor.is("CONSTRAINT") || cursor.is("INDEX") {
            return None;
        }
        let _ = cursor.takes("COLUMN");
        let old = cursor.name()?;
        let _ = cursor.takes("TO");
        return Some(ChangeAction::RenameColumn(old, cursor.name()?));
    }
    if cursor.takes("ALTER") {
        let _ = cursor.takes("COLUMN");
        return read_column_change(cursor, table, diagnostics);
    }
    if cursor.takes("MODIFY") || cursor.takes("CHANGE") {
        let _ = cursor.takes("COLUMN");
        return modified(cursor, table, diagnostics);
    }
    None
}

/// What follows `ADD`: a column, or a constraint.
fn read_added(mut cursor: Cursor<'_>, table: &Name, diagnostics: &mut Vec<Diagnostic>) -> Parts {
    let mut parts = Parts::default();
    let mut typeless = Vec::new();
    let is_column = cursor.takes("COLUMN");
    let _ = cursor.takes("IF NOT EXISTS");
    if is_column {
        read_column(cursor, &table.name, &mut parts, &mut typeless, diagnostics);
    } else if let Some(group) = cursor.group().filter(|_| cursor.is_done()) {
        // MySQL and Oracle: `ADD (a INT, b INT)`.
        for item in group.items() {
            read_item(item, &table.name, &mut parts, &mut typeless, diagnostics);
        }
    } else {
        read_item(cursor, &table.name, &mut parts, &mut typeless, diagnostics);
    }
    for name in typeless {
        diagnostics.push(
            Diagnostic::new(
                &codes::D003,
                name.span,
                format!("column `{}` of table `{}` has no type", name.name, table.name),
            )
            .label("a type is expected after this name"),
        );
    }
    parts
}

fn read_column_change(
    mut cursor: Cursor<'_>,
    table: &Name,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ChangeAction> {
    let start = cursor;
    let name = cursor.name()?;
    if cursor.takes("SET NOT NULL") {
        return Some(ChangeAction::SetNullable(name, false));
    }
    if cursor.takes("DROP NOT NULL") {
        return Some(ChangeAction::SetNullable(name, true));
    }
    if cursor.takes("DROP DEFAULT") {
        return Some(ChangeAction::SetDefault(name, None));
    }
    if cursor.takes("SET DEFAULT") {
        let value = sql_expression(cursor.script, cursor.rest());
        return default_value(&value).map(|value| ChangeAction::SetDefault(name, value));
    }
    if cursor.takes("SET DATA TYPE") || cursor.takes("TYPE") {
        let tokens = cursor.until(&["USING"]);
        let written = super::kind::read_type(&mut Cursor::new(start.script, tokens))?;
        let column = super::column::new_column(&name, &written);
        return Some(ChangeAction::SetType(name, Box::new(column)));
    }
    modified(start, table, diagnostics)
}

/// MySQL's `MODIFY name type …`, T-SQL's `ALTER COLUMN name type …`.
fn modified(
    cursor: Cursor<'_>,
    table: &Name,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<ChangeAction> {
    let mut parts = Parts::default();
    let mut typeless = Vec::new();
    read_column(cursor, &table.name, &mut parts, &mut typeless, diagnostics);
    let mut at = cursor;
    let name = at.name()?;
    parts.columns.pop().map(|column| ChangeAction::SetType(name, Box::new(column)))
}
