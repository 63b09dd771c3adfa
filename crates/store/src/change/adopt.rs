//! A table that is there and that no document made: taken over as it is where it is what the
//! document declares, and left alone where it is not.

use std::collections::BTreeSet;

use super::ledger::PhysicalTable;
use crate::{
    Kind,
    schema::{Column, Table},
};

/// A table as a database shows it.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) columns: Vec<FoundColumn>,
    pub(crate) primary_key: Vec<String>,
    /// Names of checks.
    pub(crate) checks: BTreeSet<String>,
    /// Names of unique keys and indexes that are whole.
    pub(crate) indexes: BTreeSet<String>,
    /// Referring columns and the table referred to.
    pub(crate) foreign_keys: Vec<(Vec<String>, String)>,
}

/// One of its columns.
#[derive(Debug)]
pub(crate) struct FoundColumn {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) is_required: bool,
    /// Filled in where an insert says nothing.
    pub(crate) has_default: bool,
}

/// The table as if it had been made for `wished`; where it differs, in what. `is_alike` tells
/// whether a column holds what a kind says.
pub(crate) fn adopt(
    found: &Found,
    wished: &Table,
    is_alike: impl Fn(&FoundColumn, &Kind) -> bool,
) -> Result<PhysicalTable, Vec<String>> {
    let mut differences = Vec::new();
    for column in &wished.columns {
        let Some(own) = found.columns.iter().find(|own| own.name == column.name) else {
            differences.push(format!("it has no column `{}`", column.name));
            continue;
        };
        if !is_alike(own, &column.kind) {
            let (name, is, should) = (&column.name, &own.kind, &column.kind);
            differences.push(format!("`{name}` is {is} there and {should} in the document"));
        }
        let is_required = !column.nullable
            || wished.primary_key.contains(&column.name)
            || matches!(column.kind, Kind::Serial { .. });
        if own.is_required != is_required {
            let there = if own.is_required { "required" } else { "not required" };
            differences.push(format!("`{}` is {there} there", column.name));
        }
        if column.default.is_some() && !own.has_default {
            differences.push(format!("`{}` has no default there", column.name));
        }
    }
    let rest = found.columns.iter().filter(|own| wished.column(&own.name).is_none());
    let mut physical = PhysicalTable {
        // An exclusion is not looked for: it is added where it is not there under its name.
        table: Table { renamed_from: None, exclusions: Vec::new(), ..wished.clone() },
        is_kept: false,
        kept_columns: BTreeSet::new(),
    };
    for own in rest {
        if own.is_required && !own.has_default {
            differences.push(format!("its column `{}` must have a value", own.name));
        }
        physical.kept_columns.insert(own.name.clone());
        physical.table.columns.push(kept(own));
    }
    differences.extend(constraints(found, wished));
    if differences.is_empty() { Ok(physical) } else { Err(differences) }
}

fn kept(own: &FoundColumn) -> Column {
    Column {
        name: own.name.clone(),
        kind: own.kind.clone(),
        nullable: true,
        default: None,
        generated: None,
        renamed_from: None,
        origin: String::new(),
    }
}

/// What the document declares over and above the columns, and is not there.
fn constraints(found: &Found, wished: &Table) -> Vec<String> {
    let mut missing = Vec::new();
    if found.primary_key != wished.primary_key {
        missing.push(format!("its key is ({})", found.primary_key.join(", ")));
    }
    for check in wished.checks.iter().filter(|own| !found.checks.contains(&own.name)) {
        missing.push(format!("it has no check `{}`", check.name));
    }
    let keys = wished.unique_keys.iter().map(|key| &key.name);
    for name in keys.chain(wished.indexes.iter().map(|index| &index.name)) {
        if !found.indexes.contains(name) {
            missing.push(format!("it has no index `{name}`"));
        }
    }
    for key in &wished.foreign_keys {
        let own = (key.columns.clone(), key.table.clone());
        if !found.foreign_keys.contains(&own) {
            missing.push(format!("({}) refers to nothing there", key.columns.join(", ")));
        }
    }
    missing
}

/// True where both texts are the same SQL but for spaces and the case of words.
pub(crate) fn is_same_sql(left: &str, right: &str) -> bool {
    use sqlparser::{
        dialect::PostgreSqlDialect,
        tokenizer::{Token, Tokenizer},
    };
    let words = |sql: &str| -> Option<Vec<String>> {
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize().ok()?;
        let spoken = tokens
            .into_iter()
            .filter(|token| !matches!(token, Token::Whitespace(_) | Token::SemiColon));
        Some(spoken.map(|token| token.to_string().to_lowercase()).collect())
    };
    matches!((words(left), words(right)), (Some(left), Some(right)) if left == right)
}

#[cfg(test)]
mod tests {
    use super::is_same_sql;

    #[test]
    fn spaces_and_case_do_not_make_another_query() {
        assert!(is_same_sql("SELECT a\n FROM t;", "select a from t"));
        assert!(!is_same_sql("SELECT a FROM t", "SELECT b FROM t"));
    }
}
