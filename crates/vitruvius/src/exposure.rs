//! The exposure table: who can do what with each table, as the document's sentences add up.

use comfy_table::{ContentArrangement, Table, presets};
use document::{
    System,
    security::{Action, Exposure, Rows, Who, exposure},
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
    let exposures = exposure(system);
    for rows in exposures.chunk_by(|one, next| one.table == next.table) {
        let Some(first) = rows.first() else { continue };
        let mut cells = vec![format!("  {}", first.table)];
        // A view is only read.
        let find = |action: &Action| rows.iter().find(|row| row.action == *action);
        cells.extend(ACTIONS.map(|action| find(&action).map_or("-".to_owned(), who_may)));
        cells.push(transitions(rows));
        table.add_row(cells);
    }
    let lines = table.lines().map(|line| format!("{}\n", line.trim_end()));
    lines.collect()
}

/// Who may do it: words joined by commas, `admin` alone where no sentence allows anybody.
fn who_may(exposure: &Exposure) -> String {
    let mut words: Vec<String> = Vec::new();
    for allowed in &exposure.allowed {
        let who = match &allowed.who {
            Who::Public => "anybody",
            Who::Authenticated => "signed in",
            Who::Owner => "owner",
            Who::Role { name } => name,
            Who::Admin => continue,
        };
        let word = match (&allowed.who, allowed.rows) {
            (Who::Owner, _) | (_, Rows::All) => who.to_owned(),
            (_, Rows::Own) => format!("{who} (own)"),
            (_, Rows::Some) => format!("{who} (some rows)"),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    // What somebody may do with all rows says it for their own rows as well.
    let all = words.clone();
    words.retain(|word| {
        let whole = word.strip_suffix(" (own)").or_else(|| word.strip_suffix(" (some rows)"));
        whole.is_none_or(|whole| !all.iter().any(|other| other == whole))
    });
    if words.iter().any(|word| word == "anybody") {
        return "anybody".to_owned();
    }
    match words.is_empty() {
        true => "admin".to_owned(),
        false => words.join(", "),
    }
}

/// Actions of the table's state machine and who may do them.
fn transitions(rows: &[Exposure]) -> String {
    let words = rows.iter().filter_map(|row| match &row.action {
        Action::Transition { name } => Some(format!("{name}: {}", who_may(row))),
        _ => None,
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

    #[test]
    fn creating_in_ones_own_name_is_told_from_creating_in_any() {
        let text = "# X\n\n```sql\n\
            CREATE TABLE users (id UUID PRIMARY KEY, email TEXT, role TEXT);\n\
            CREATE TABLE notes (id UUID PRIMARY KEY, user_id UUID REFERENCES users(id));\n```\n\n\
            ## Permissions\n\n| Action | editor | chief |\n| --- | --- | --- |\n\
            | Create notes | Own | Yes |\n";
        let system = document::compile(document::Sources::single("x.md", text)).system;
        let shown = super::text(&system);
        assert!(shown.contains("editor (own), chief"), "{shown}");
    }
}
