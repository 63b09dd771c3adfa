//! The exposure table: who can do what with each table, as the document's sentences add up.

use comfy_table::{ContentArrangement, Table, presets};
use document::{
    System,
    security::{Action, Grant, Who},
};

/// Actions on every table, in the order of the columns.
const ACTIONS: [Action; 4] = [Action::Read, Action::Create, Action::Update, Action::Delete];

/// The table as text; nothing where the document has no tables.
pub(crate) fn text(system: &System) -> String {
    if system.data.tables.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["  table", "read", "create", "update", "delete", "actions"]);
    for declared in &system.data.tables {
        let grants: Vec<_> =
            system.security.grants.iter().filter(|grant| grant.table == declared.name).collect();
        let mut row = vec![format!("  {}", declared.name)];
        row.extend(ACTIONS.map(|action| who_may(&grants, &action)));
        row.push(transitions(&grants));
        table.add_row(row);
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

/// Who may do it: words joined by commas, `admin` alone where no sentence allows anybody.
fn who_may(grants: &[&Grant], action: &Action) -> String {
    let allowing = grants.iter().filter(|grant| grant.actions.contains(action));
    let mut words: Vec<String> = Vec::new();
    for grant in allowing {
        let word = match (&grant.who, grant.condition.is_some()) {
            (Who::Public, false) => "anybody".to_owned(),
            (Who::Public, true) => "anybody (some rows)".to_owned(),
            (Who::Authenticated, false) => "signed in".to_owned(),
            (Who::Authenticated, true) => "signed in (some rows)".to_owned(),
            (Who::Owner, _) => "owner".to_owned(),
            (Who::Role { name }, false) => name.clone(),
            (Who::Role { name }, true) => format!("{name} (some rows)"),
            (Who::Admin, _) => continue,
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    if words.iter().any(|word| word == "anybody") {
        return "anybody".to_owned();
    }
    match words.is_empty() {
        true => "admin".to_owned(),
        false => words.join(", "),
    }
}

/// Actions of the table's state machine and who may do them.
fn transitions(grants: &[&Grant]) -> String {
    let mut names: Vec<&str> = Vec::new();
    for action in grants.iter().flat_map(|grant| &grant.actions) {
        if let Action::Transition { name } = action
            && !names.contains(&name.as_str())
        {
            names.push(name);
        }
    }
    let words = names.into_iter().map(|name| {
        let action = Action::Transition { name: name.to_owned() };
        format!("{name}: {}", who_may(grants, &action))
    });
    words.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_table_that_no_sentence_opens_is_the_admins_alone() {
        let text = "# X\n\n```sql\nCREATE TABLE notes (id UUID PRIMARY KEY, body TEXT);\n```\n";
        let mut system = document::compile(document::Sources::single("x.md", text)).system;
        system.security.grants.clear();
        if system.data.tables.is_empty() {
            assert_eq!(super::text(&system), "");
        } else {
            let shown = super::text(&system);
            assert!(shown.contains("notes"), "{shown}");
            assert_eq!(shown.matches("admin").count(), 4, "{shown}");
        }
    }
}
