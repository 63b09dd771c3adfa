//! Whole documents in the shapes that teams write them in, and what is read out of them. The
//! expectations stand beside the documents in `spec/documents`; `BLESS=1` writes them anew.

use std::{fmt::Write, path::Path};

use document::{
    Compiled, Sources,
    api::{Binding, Endpoint},
    compile,
    security::{Rows, Who, exposure},
};

#[test]
fn whole_documents_are_read_as_their_authors_meant_them() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/documents");
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&directory).expect("the suite") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "md") {
            continue;
        }
        seen += 1;
        let text = std::fs::read_to_string(&path).expect("a document");
        let found = shown(&compile(Sources::single("x.md", &text)));
        let expected = path.with_extension("out");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, &found).expect("the file is written");
        }
        if std::fs::read_to_string(&expected).unwrap_or_default() != found {
            wrong.push(format!("{}:\n{found}", path.display()));
        }
    }
    assert!(seen >= 6, "{seen} documents");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tables, endpoints, who may do what, owners, moves and diagnostics in short.
fn shown(compiled: &Compiled) -> String {
    let system = &compiled.system;
    let mut text = String::new();
    for table in &system.data.tables {
        let columns: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        writeln!(text, "table {}: {}", table.name, columns.join(", ")).expect("text");
        for key in &table.foreign_keys {
            let columns = key.columns.join(", ");
            writeln!(text, "  {columns} refers to {}", key.table).expect("text");
        }
    }
    for endpoint in &system.api.endpoints {
        let callers = endpoint.callers.as_ref().map(|callers| people(&callers.who));
        let callers = callers.unwrap_or_else(|| "nobody said".to_owned());
        let name = format!("{} {}", endpoint.method.word(), endpoint.path);
        writeln!(text, "{name}: {} · {callers}", bound(endpoint)).expect("text");
    }
    for row in exposure(system).iter().filter(|row| !row.allowed.is_empty()) {
        let allowed: Vec<String> = row
            .allowed
            .iter()
            .map(|allowed| {
                let rows = match allowed.rows {
                    Rows::All => "",
                    Rows::Own => " (own)",
                    Rows::Some => " (some)",
                };
                format!("{}{rows}", people(std::slice::from_ref(&allowed.who)))
            })
            .collect();
        let action = format!("{:?}", row.action).to_lowercase();
        writeln!(text, "may {action} {}: {}", row.table, allowed.join(", ")).expect("text");
    }
    for owner in &system.security.owners {
        writeln!(text, "owner of {}: {}", owner.table, owner.path.join(" → ")).expect("text");
    }
    for machine in &system.messaging.machines {
        for one in &machine.transitions {
            let action = one.action.as_deref().unwrap_or("-");
            let roles = one.roles.join(", ");
            let column = format!("{}.{}", machine.table, machine.column);
            writeln!(text, "{column}: {} → {} by {action} {roles}", one.from, one.to)
                .expect("text");
        }
    }
    for setting in &system.settings {
        writeln!(text, "setting {}: {:?}", setting.key, setting.value).expect("text");
    }
    for one in &compiled.diagnostics {
        let line = compiled.sources.place(one.span).line;
        writeln!(text, "{} in line {line}: {}", one.code.code, one.message).expect("text");
    }
    text
}

fn people(who: &[Who]) -> String {
    let words = who.iter().map(|who| match who {
        Who::Public => "anybody".to_owned(),
        Who::Authenticated => "signed in".to_owned(),
        Who::Owner => "owner".to_owned(),
        Who::Admin => "admin".to_owned(),
        Who::Role { name } => name.clone(),
    });
    words.collect::<Vec<_>>().join(", ")
}

fn bound(endpoint: &Endpoint) -> String {
    match &endpoint.binding {
        Binding::Table { table, operation, nested, key, .. } => {
            let mut words = format!("{operation:?} {table}");
            if let Some(key) = key {
                words += &format!(" by {}", key.column);
            }
            if let Some(nested) = nested {
                words += &format!(" under {} by {}", nested.parent, nested.column);
            }
            words
        }
        Binding::Transition { table, action, column, target, .. } => {
            format!("{action} on {table}: {column} = {target}")
        }
        Binding::BuiltIn { built_in } => format!("built in {built_in:?}"),
        Binding::Query { .. } => "query".to_owned(),
        Binding::Unbound { .. } => "unbound".to_owned(),
    }
}
