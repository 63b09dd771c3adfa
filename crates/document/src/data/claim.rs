//! What was understood of the data chapter, in words, for the ledger.

use std::collections::{HashMap, HashSet};

use super::{
    Column, DefaultValue, Form, Table, forms::Forms, name::entity_key, relations::End,
    resolve::Resolved,
};
use crate::{
    Chapter, ClaimKind, Enforcement, Ledger, Span,
    statement::{Claim, Class},
};

/// Records all claims of the chapter.
pub(crate) fn bind(ledger: &mut Ledger, resolved: &Resolved) {
    let data = &resolved.data;
    let lists: Lists<'_> =
        data.enums.iter().map(|list| (list.name.as_str(), list.values.as_slice())).collect();
    for (table, &statement) in data.tables.iter().zip(&resolved.statements) {
        bind_table(ledger, &lists, table, statement);
    }
    for (_, &statement) in resolved.unfilled.iter().zip(&resolved.unfilled_statements) {
        ledger.class(statement, "line", Class::Placeholder, "a table that is not filled in");
    }
    for (span, meaning) in &resolved.partitions {
        ledger.class(*span, "line", Class::Prose, meaning.clone());
    }
    for declared in data.enums.iter().filter(|declared| declared.declared) {
        let meaning = format!("type `{}`: one of {}", declared.name, declared.values.join(", "));
        put(ledger, declared.span, ClaimKind::Enum, meaning, None);
    }
    for view in &data.views {
        let meaning = format!("view `{}` of {}", view.name, view.tables.join(", "));
        put(ledger, view.span, ClaimKind::View, meaning, None);
    }
}

/// Records what the other forms say of tables that SQL declares, and their relations.
pub(crate) fn bind_forms(ledger: &mut Ledger, resolved: &Resolved, forms: &Forms) {
    for &span in &forms.unfilled {
        ledger.class(span, "line", Class::Placeholder, "an entity that is not filled in");
    }
    let mut names: HashMap<String, &str> = HashMap::new();
    let mut declared = HashSet::new();
    for table in &resolved.data.tables {
        names.insert(entity_key(&table.name), &table.name);
        declared.insert(table.span);
    }
    for sketch in forms.sketches.iter().filter(|sketch| !declared.contains(&sketch.span)) {
        if let Some(table) = names.get(&sketch.key()) {
            let meaning = format!("`{}`, checked against table `{table}`", sketch.name);
            let about = Some(format!("table:{table}"));
            put(ledger, sketch.statement, ClaimKind::Diagram, meaning, about);
        }
    }
    for relation in &forms.relations {
        let side = |end: &End| if end.many { "many" } else { "one" };
        let ends = [&relation.from, &relation.to];
        if ends.iter().all(|end| names.contains_key(&entity_key(&end.name))) {
            let meaning = format!(
                "{} `{}` to {} `{}`",
                side(&relation.from),
                relation.from.name,
                side(&relation.to),
                relation.to.name
            );
            let mut tables = ends.map(|end| names.get(&entity_key(&end.name)).copied());
            tables.sort_unstable();
            let about = match tables {
                [Some(left), Some(right)] => Some(format!("relation:{left}+{right}")),
                _ => None,
            };
            put(ledger, relation.span, ClaimKind::Relation, meaning, about);
        }
    }
}

fn put(ledger: &mut Ledger, span: Span, kind: ClaimKind, meaning: String, about: Option<String>) {
    let mut claim = Claim::new(kind, Chapter::Data, meaning);
    claim.subject = about;
    ledger.bind(span, "line", claim);
}

/// Value lists by the names of their types.
type Lists<'a> = HashMap<&'a str, &'a [String]>;

fn bind_table(ledger: &mut Ledger, lists: &Lists<'_>, table: &Table, statement: Span) {
    let count = table.columns.len();
    let form = match table.form {
        Form::Sql => "",
        Form::ErDiagram => ", from the diagram",
        Form::TypeScript => ", from TypeScript",
        Form::JsonSketch => ", from the JSON sketch",
        Form::ColumnTable => ", from the column table",
        Form::Bullets => ", from the list",
        Form::OpenApi | Form::GraphQl | Form::BuiltIn => ", built in",
    };
    let columns = if count == 1 { "column" } else { "columns" };
    let meaning = format!("table `{}`, {count} {columns}{form}", table.name);
    let about = Some(format!("table:{}", table.name));
    put(ledger, statement, ClaimKind::Table, meaning, about);
    for column in &table.columns {
        let about = Some(format!("column:{}.{}", table.name, column.name));
        let span = column.span.to(column.type_span);
        put(ledger, span, ClaimKind::Column, column_words(lists, table, column), about);
    }
    for key in &table.foreign_keys {
        let columns = key.columns.join(", ");
        let known = if key.resolved { "refers to" } else { "is an opaque id of" };
        let meaning = format!("`{}.{columns}` {known} `{}`", table.name, key.table);
        put(ledger, key.span, ClaimKind::Relation, meaning, None);
    }
    for index in &table.indexes {
        let meaning = format!("index `{}` on `{}`", index.name, table.name);
        put(ledger, index.span, ClaimKind::Index, meaning, None);
    }
    for exclusion in &table.exclusions {
        let ranges: Vec<&str> = exclusion.range_columns().collect();
        let same = match exclusion.equal.as_slice() {
            [] => String::new(),
            equal => format!("with the same {} ", equal.join(", ")),
        };
        let ranges = ranges.join(", ");
        let meaning = format!("`{}`: no two rows {same}overlap in {ranges}", table.name);
        let about = Some(format!("table:{}", table.name));
        put(ledger, exclusion.span, ClaimKind::Check, meaning, about);
    }
    for check in &table.checks {
        let meaning = format!("`{}`: {}", table.name, check.condition.text);
        let enforcement = match check.condition.expression {
            Some(_) => Enforcement::Enforced,
            None => Enforcement::NotYet,
        };
        let claim = Claim::new(ClaimKind::Check, Chapter::Data, meaning)
            .about(format!("table:{}", table.name))
            .enforced(enforcement);
        ledger.bind(check.condition.span, "line", claim);
    }
}

fn column_words(lists: &Lists<'_>, table: &Table, column: &Column) -> String {
    let mut words = format!("column `{}.{}`: {}", table.name, column.name, column.kind.words());
    if table.primary_key.contains(&column.name) {
        words.push_str(", the key");
    } else if !column.nullable {
        words.push_str(", required");
    }
    if table.unique_keys.iter().any(|key| key.columns == [column.name.clone()]) {
        words.push_str(", unique");
    }
    let list = lists.get(format!("{}_{}", table.name, column.name).as_str());
    if let Some(list) = list {
        words.push_str(&format!(", one of {}", list.join(", ")));
    }
    match &column.default {
        Some(DefaultValue::Now | DefaultValue::Today) => words.push_str(", now by default"),
        Some(DefaultValue::RandomUuid) => words.push_str(", random by default"),
        Some(_) => words.push_str(", with a default"),
        None => {}
    }
    if column.write_only {
        words.push_str(", never shown");
    }
    words
}
