//! `import`: a database that is there becomes a document, which serves that same database without
//! changing it. Every endpoint is the admin's until somebody opens it.

use std::path::{Path, PathBuf};

use store::{
    Options, Store,
    description::{DescribedTable, Description, Reference},
};

use crate::{Failure, Outcome, output::print};

/// Arguments of `import`.
#[derive(clap::Args)]
pub(crate) struct Import {
    /// The database: `postgres://user:password@host/database`, or an SQLite file.
    #[arg(value_name = "URL|FILE")]
    source: String,
    /// Where the document is written; it must not be there yet. Standard output by default.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Import {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        let is_server =
            ["postgres://", "postgresql://"].iter().any(|start| self.source.starts_with(start));
        let description = match is_server {
            true => of_server(&self.source),
            false => Description::of_file(Path::new(&self.source)),
        };
        let description = description.map_err(|error| Failure::new(error.to_string()))?;
        let text = document(&title(&self.source), is_server, &description);
        let Some(path) = &self.output else {
            print(&text)?;
            return Ok(Outcome::Done);
        };
        let cannot = |error: std::io::Error| {
            Failure::new(format!("cannot write {}: {error}", path.display()))
        };
        let mut file = std::fs::File::create_new(path).map_err(cannot)?;
        std::io::Write::write_all(&mut file, text.as_bytes()).map_err(cannot)?;
        print(&format!("{}: {}\n", path.display(), found(&description)))?;
        Ok(Outcome::Done)
    }
}

fn of_server(url: &str) -> Result<Description, store::StoreError> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| store::StoreError::Fault(error.to_string()))?;
    runtime
        .block_on(async { Store::open_postgres(url, Options::default()).await?.describe().await })
}

fn found(description: &Description) -> String {
    let counted = crate::output::counted;
    format!(
        "{}, {}, {} left out",
        counted(description.tables.len(), "table"),
        counted(description.views.len(), "view"),
        description.left_out.len()
    )
}

/// The database's name without what is secret or a place.
fn title(source: &str) -> String {
    let last = source.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    let stem = last.split('.').next().unwrap_or_default();
    let words: Vec<String> = stem
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|letter| letter.to_uppercase().to_string());
            format!("{}{}", first.unwrap_or_default(), letters.as_str())
        })
        .collect();
    if words.is_empty() { "Imported".to_owned() } else { words.join(" ") }
}

/// The document.
fn document(title: &str, is_server: bool, description: &Description) -> String {
    let kind = if is_server { "a PostgreSQL database" } else { "an SQLite file" };
    let ddl = description.ddl();
    let fence = if ddl.contains("```") { "~~~~" } else { "```" };
    let mut text = format!(
        "# {title}\n\nWritten by `vitruvius import` from {kind}: {}. It serves that database as it \
         is.\nEdit it to change the database; `vitruvius plan` shows what an edit would do.\n\n\
         ## Data Model\n\n{fence}sql\n{ddl}\n{fence}\n",
        found(description)
    );
    let relations: Vec<String> = description.tables.iter().flat_map(relations).collect();
    if !relations.is_empty() {
        text.push_str("\n## Relationships\n\n```mermaid\nerDiagram\n");
        relations.iter().for_each(|line| text.push_str(&format!("  {line}\n")));
        text.push_str("```\n");
    }
    if !description.tables.is_empty() {
        text.push_str(
            "\n## API Endpoints\n\nAll of them are closed: write who may use them into the last \
             column.\n\n| Method | Path | Description | Auth |\n| --- | --- | --- | --- |\n",
        );
        description.tables.iter().for_each(|table| text.push_str(&endpoints(table)));
    }
    if !description.left_out.is_empty() {
        text.push_str(
            "\n## Left in the database\n\nThese stay as they are, and are not served.\n\n",
        );
        let escape = |line: &String| line.replace('\n', " ");
        let lines = description.left_out.iter().map(escape);
        lines.for_each(|line| text.push_str(&format!("- {line}\n")));
    }
    text
}

fn relations(table: &DescribedTable) -> Vec<String> {
    let line = |reference: &Reference| {
        let parent = if reference.is_required { "||" } else { "|o" };
        let child = if reference.is_unique { "o|" } else { "o{" };
        format!(
            "{} {parent}--{child} {} : {}",
            reference.table,
            table.name,
            reference.columns.join("_")
        )
    };
    let mut lines: Vec<String> = table.references.iter().map(line).collect();
    lines.dedup();
    lines
}

fn endpoints(table: &DescribedTable) -> String {
    let name = &table.name;
    let mut rows = vec![("GET", format!("/{name}"), "List"), ("POST", format!("/{name}"), "Add")];
    if let [key] = table.primary_key.as_slice() {
        rows.extend([
            ("GET", format!("/{name}/{{{key}}}"), "Read one"),
            ("PATCH", format!("/{name}/{{{key}}}"), "Change one"),
            ("DELETE", format!("/{name}/{{{key}}}"), "Remove one"),
        ]);
    }
    rows.into_iter().fold(String::new(), |mut text, (method, path, what)| {
        text.push_str(&format!("| {method} | `/api/v1{path}` | {what} | Admin |\n"));
        text
    })
}
