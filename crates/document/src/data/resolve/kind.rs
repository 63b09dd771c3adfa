//! The types of columns: enumerated types and domains by name, and value lists.

use std::collections::{HashMap, HashSet};

use crate::{
    Diagnostic,
    data::{
        Check, ColumnType, DefaultValue, EnumType, SqlExpression, codes,
        draft::{Domain, Draft, DraftColumn, DraftTable, ValueList, ValueSource},
        sql::cursor::Name,
    },
    diagnostic::{Applicability, similar},
    expression::{Expression, Literal},
};

/// All types that the document declares.
pub(super) struct Kinds {
    enums: Vec<EnumType>,
    by_name: HashMap<String, usize>,
    domains: HashMap<String, Domain>,
    others: HashSet<String>,
    reported: HashMap<String, usize>,
}

impl Kinds {
    pub(super) fn new(draft: &mut Draft) -> Self {
        let enums = std::mem::take(&mut draft.enums);
        let by_name = enums.iter().enumerate().rev().map(|(at, e)| (e.name.clone(), at)).collect();
        let domains = std::mem::take(&mut draft.domains)
            .into_iter()
            .map(|domain| (domain.name.clone(), domain))
            .collect();
        let others = std::mem::take(&mut draft.other_types).into_iter().collect();
        Self { enums, by_name, domains, others, reported: HashMap::new() }
    }

    /// The enumerated types, in the order of the text and then of the columns.
    pub(super) fn finish(self) -> Vec<EnumType> {
        let first = self.by_name;
        self.enums
            .into_iter()
            .enumerate()
            .filter(|(at, e)| first.get(&e.name) == Some(at))
            .map(|(_, e)| e)
            .collect()
    }

    /// Gives all columns of a table their types.
    pub(super) fn resolve(&mut self, table: &mut DraftTable, diagnostics: &mut Vec<Diagnostic>) {
        let name = table.name.name.clone();
        let mut checks = Vec::new();
        for column in &mut table.parts.columns {
            if let Some(unknown) = column.unknown_type.take() {
                self.resolve_name(&name, column, &unknown, &mut checks, diagnostics);
            }
        }
        for check in &table.parts.checks {
            let set = check.condition.expression.as_ref().and_then(Expression::value_set);
            let Some((column, values)) = set else { continue };
            let column = table.parts.columns.iter_mut().find(|c| c.column.name == column);
            if let Some(column) = column.filter(|column| column.values.is_none()) {
                column.values = Some(ValueList {
                    values: values.into_iter().map(str::to_owned).collect(),
                    source: ValueSource::Check,
                    span: check.condition.span,
                });
            }
        }
        for column in &mut table.parts.columns {
            if let Some(list) = column.values.take() {
                self.add_list(&name, column, list, &mut checks, diagnostics);
            }
        }
        table.parts.checks.extend(checks);
    }

    fn resolve_name(
        &mut self,
        table: &str,
        column: &mut DraftColumn,
        unknown: &Name,
        checks: &mut Vec<Check>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        let kind = [unknown.name.as_str(), unknown.bare()].into_iter().find_map(|name| {
            if let Some(&at) = self.by_name.get(name) {
                let name = self.enums.get(at)?.name.clone();
                return Some(ColumnType::Enum { name });
            }
            if let Some(domain) = self.domains.get(name) {
                checks.extend(domain_check(domain, &column.column.name));
                return Some(domain.kind.clone());
            }
            self.others.contains(name).then(|| ColumnType::Other { name: name.to_owned() })
        });
        match (kind, &mut column.column.kind) {
            (Some(kind), ColumnType::Array { element }) => **element = kind,
            (Some(kind), own) => *own = kind,
            (None, _) => self.report_unknown(table, column, unknown, diagnostics),
        }
    }

    /// One diagnostic for each unknown type, with all the columns that have it.
    fn report_unknown(
        &mut self,
        table: &str,
        column: &DraftColumn,
        unknown: &Name,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        const LABELS_MAX: usize = 6;
        if let Some(first) =
            self.reported.get(&unknown.name).and_then(|&at| diagnostics.get_mut(at))
        {
            if first.labels.len() < LABELS_MAX {
                let text = format!("also column `{}` of table `{table}`", column.column.name);
                first.labels.push(crate::diagnostic::Label { span: unknown.span, text });
            }
            return;
        }
        self.reported.insert(unknown.name.clone(), diagnostics.len());
        let mut diagnostic = Diagnostic::new(
            &codes::D007,
            unknown.span,
            format!(
                "the type `{}` of column `{}` of table `{table}` is not declared",
                unknown.name, column.column.name
            ),
        )
        .label("neither a built-in type nor one of this document");
        let known = self.by_name.keys().chain(self.domains.keys()).map(String::as_str);
        let close = similar(&unknown.name, known.chain(COMMON.iter().copied()));
        diagnostic = match close.first() {
            Some(close) => diagnostic.edit(
                format!("a type with a similar name exists: `{close}`"),
                unknown.span,
                (*close).to_owned(),
                Applicability::MaybeIncorrect,
            ),
            None => diagnostic.help(format!(
                "to declare it, write `CREATE TYPE {} AS ENUM ('…', '…');`",
                unknown.name
            )),
        };
        diagnostics.push(diagnostic);
    }

    /// Makes an enumerated type of a column's value list.
    fn add_list(
        &mut self,
        table: &str,
        column: &mut DraftColumn,
        list: ValueList,
        checks: &mut Vec<Check>,
        diagnostics: &mut Vec<Diagnostic>,
    ) {
        if list.source == ValueSource::Comment && !admits_default(&column.column.default, &list) {
            return;
        }
        let name = format!("{table}_{}", column.column.name);
        if self.by_name.contains_key(&name) {
            return;
        }
        match list.source {
            ValueSource::Inline => column.column.kind = ColumnType::Enum { name: name.clone() },
            ValueSource::Check => {}
            ValueSource::Comment => {
                checks.push(list_check(&column.column.name, &list));
                diagnostics.push(
                    Diagnostic::new(
                        &codes::D015,
                        list.span,
                        format!(
                            "column `{}` of table `{table}` accepts only the {} values of its \
                             comment",
                            column.column.name,
                            list.values.len()
                        ),
                    )
                    .label("read as a closed list"),
                );
            }
        }
        self.by_name.insert(name.clone(), self.enums.len());
        self.enums.push(EnumType { name, values: list.values, declared: false, span: list.span });
    }
}

/// Types whose names are often misspelled.
const COMMON: &[&str] = &[
    "VARCHAR",
    "INTEGER",
    "BOOLEAN",
    "TIMESTAMP",
    "TIMESTAMPTZ",
    "NUMERIC",
    "DECIMAL",
    "JSONB",
    "BIGINT",
    "SMALLINT",
    "SERIAL",
    "BIGSERIAL",
    "BYTEA",
];

/// A list that leaves out the column's own default is not closed.
fn admits_default(default: &Option<DefaultValue>, list: &ValueList) -> bool {
    match default {
        Some(DefaultValue::Literal { literal: Literal::Text(text) }) => list.values.contains(text),
        _ => true,
    }
}

fn list_check(column: &str, list: &ValueList) -> Check {
    let values: Vec<Expression> = list.values.iter().map(Expression::text).collect();
    let texts: Vec<String> = list.values.iter().map(|value| format!("'{value}'")).collect();
    Check {
        name: None,
        condition: SqlExpression {
            text: format!("{column} IN ({})", texts.join(", ")),
            expression: Some(Expression::In {
                operand: Box::new(Expression::column(column)),
                list: values,
                negated: false,
            }),
            span: list.span,
        },
    }
}

/// A domain's check, about the column instead of `VALUE`.
fn domain_check(domain: &Domain, column: &str) -> Option<Check> {
    let check = domain.check.as_ref()?;
    let mut expression = check.expression.clone();
    if let Some(expression) = &mut expression {
        expression.rename_column("value", column);
    }
    let condition = SqlExpression { text: check.text.clone(), expression, span: check.span };
    Some(Check { name: None, condition })
}
