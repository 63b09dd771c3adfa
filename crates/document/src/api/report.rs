//! Says which endpoints bind to nothing: once for each missing resource, however many endpoints
//! name it.

use std::collections::BTreeMap;

use super::{
    Binding,
    bind::{Bound, Missing},
    codes,
    merge::Merged,
    tables::Tables,
};
use crate::Diagnostic;

/// Labels beyond which endpoints are only counted.
const LABELS_MAX: usize = 10;

/// One diagnostic for each missing resource and for each table with unknown actions.
pub(super) fn unbound(tables: &Tables<'_>, bound: &[(Merged, Bound)]) -> Vec<Diagnostic> {
    let mut groups: BTreeMap<Missing, Vec<&(Merged, Bound)>> = BTreeMap::new();
    let declares_none = tables.data.tables.is_empty();
    for one in bound {
        let Some(missing) = &one.1.missing else { continue };
        let group = match missing {
            // Without any table there is one thing to say, not one for each resource.
            _ if declares_none => Missing::Table(String::new()),
            Missing::Table(word) => Missing::Table(super::names::normal(word)),
            Missing::Action(table) => Missing::Action(table.clone()),
            Missing::Relation(parent, child) => Missing::Relation(parent.clone(), child.clone()),
        };
        groups.entry(group).or_default().push(one);
    }
    groups.into_iter().filter_map(|(missing, found)| report(tables, &missing, &found)).collect()
}

fn report(
    tables: &Tables<'_>,
    missing: &Missing,
    found: &[&(Merged, Bound)],
) -> Option<Diagnostic> {
    let (first, rest) = found.split_first()?;
    let count = count(found.len());
    let mut diagnostic = match missing {
        Missing::Table(word) if word.is_empty() => Diagnostic::new(
            &codes::A001,
            first.0.draft.span,
            format!("{count} to nothing, since the document declares no table"),
        )
        .help("declare the tables, for example in a `sql` fence with `CREATE TABLE`"),
        Missing::Table(_) => without_table(tables, first, &count),
        Missing::Action(table) => Diagnostic::new(
            &codes::A002,
            first.0.draft.span,
            format!("{count} to no action of table `{table}`"),
        )
        .help(actions_help(tables, table)),
        Missing::Relation(parent, child) => Diagnostic::new(
            &codes::A002,
            first.0.draft.span,
            format!("{count} to nothing: no foreign key joins `{child}` to `{parent}`"),
        )
        .help(format!("give `{child}` a column that references `{parent}`, or drop the nesting")),
    };
    diagnostic = diagnostic.label("answers 501");
    for (one, _) in rest.iter().take(LABELS_MAX) {
        diagnostic = diagnostic.also(one.draft.span, "this one too");
    }
    if let Some(table) = match missing {
        Missing::Action(name) => tables.data.table(name),
        Missing::Relation(_, child) => tables.data.table(child),
        Missing::Table(_) => None,
    } {
        diagnostic = diagnostic.also(table.span, format!("table `{}`", table.name));
    }
    Some(diagnostic)
}

fn count(found: usize) -> String {
    match found {
        1 => "an endpoint binds".to_owned(),
        many => format!("{many} endpoints bind"),
    }
}

fn without_table(tables: &Tables<'_>, first: &(Merged, Bound), count: &str) -> Diagnostic {
    let word = match &first.1.missing {
        Some(Missing::Table(word)) => word.as_str(),
        _ => "",
    };
    let message = format!("{count} to nothing: no table is declared for `{word}`");
    let diagnostic = Diagnostic::new(&codes::A001, first.0.draft.span, message);
    let candidates = match &first.1.binding {
        Binding::Unbound { candidates } => candidates.as_slice(),
        _ => &[],
    };
    let near = candidates.iter().filter_map(|name| tables.data.table(name));
    let mut diagnostic = near.fold(diagnostic, |diagnostic, table| {
        diagnostic.also(table.span, format!("a table with a similar name exists: `{}`", table.name))
    });
    if candidates.is_empty() {
        diagnostic = diagnostic.help(format!(
            "declare a table for `{word}`, or put a `sql` fence with a SELECT under the endpoint"
        ));
    } else {
        diagnostic = diagnostic
            .help(format!("spell the path as the table is spelled: `{}`", candidates.join("`, `")));
    }
    diagnostic
}

fn actions_help(tables: &Tables<'_>, name: &str) -> String {
    let Some(table) = tables.data.table(name) else {
        return format!(
            "`{name}` is a view, which is only read: write to the tables that it shows"
        );
    };
    let states = tables
        .value_columns(table)
        .into_iter()
        .find(|(column, _)| super::tables::is_state_name(column));
    match states {
        Some((column, values)) => format!(
            "an action binds where `{name}.{column}` has the state it leads to; it knows `{}`",
            values.join("`, `")
        ),
        None => "put a `sql` fence with a SELECT under the endpoint, or declare the state or \
                 column that it changes"
            .to_owned(),
    }
}
