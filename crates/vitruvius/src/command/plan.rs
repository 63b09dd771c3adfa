//! `plan`: what a document would change in the data, without changing it.

use std::path::{Path, PathBuf};

use engine::{Settings, service::plan_of};
use store::{Options, Store, plan::Class};

use crate::{
    Failure, Outcome,
    documents::Files,
    environment,
    output::{counted, print},
};

/// Arguments of `plan`.
#[derive(clap::Args)]
pub(crate) struct Plan {
    #[command(flatten)]
    files: Files,
    /// Where the data lives.
    #[arg(long, value_name = "DIR", default_value = "data")]
    data: PathBuf,
    /// The PostgreSQL database that holds the rows. By default `DATABASE_URL` where the document's
    /// variables name it, else SQLite in the data directory.
    #[arg(long, value_name = "URL")]
    database: Option<String>,
    /// Read the document's variables from this file too; the environment wins.
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Print the statements too.
    #[arg(long)]
    sql: bool,
}

impl Plan {
    pub(crate) fn run(self) -> Result<Outcome, Failure> {
        let compiled = self.files.compile()?;
        if !compiled.is_sound() {
            print(&document::render::concise(&compiled, &compiled.diagnostics))?;
            return Ok(Outcome::Findings);
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::new(error.to_string()))?;
        let place = Place::of(&self.data)?;
        let mut settings = Settings::new(&self.data);
        settings.database = super::database(self.database.as_deref())?;
        settings.variables = environment::variables(self.env_file.as_deref())?;
        let plan = runtime.block_on(async {
            let store = match engine::database::url(&settings, &compiled) {
                Some(url) => Store::open_postgres(url, Options::default()).await?,
                None => Store::open(place.path(), Options::default())?,
            };
            plan_of(&store, &compiled).await
        });
        let plan = plan.map_err(|error| Failure::new(error.to_string()))?;
        print(&text(&plan, self.sql))?;
        Ok(if plan.is_blocked() { Outcome::Findings } else { Outcome::Done })
    }
}

/// Where the data is, or an empty directory for as long as the plan is made: a plan never creates
/// what is not there.
enum Place {
    There(PathBuf),
    Empty(PathBuf),
}

impl Place {
    fn of(data: &Path) -> Result<Self, Failure> {
        if data.join("data.db").exists() {
            return Ok(Place::There(data.to_owned()));
        }
        let empty = std::env::temp_dir().join(format!("vitruvius-plan-{}", std::process::id()));
        std::fs::create_dir(&empty)
            .map_err(|error| Failure::new(format!("cannot create {}: {error}", empty.display())))?;
        Ok(Place::Empty(empty))
    }

    fn path(&self) -> &Path {
        match self {
            Place::There(path) | Place::Empty(path) => path,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Place::Empty(path) = self {
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

/// The plan in lines: number, step, class, rows, place; below a blocked step, what it needs.
pub(super) fn text(plan: &store::plan::Plan, with_sql: bool) -> String {
    if plan.is_empty() {
        return "plan: nothing to change\n".to_owned();
    }
    let blocked = plan.steps.iter().filter(|step| step.class == Class::Blocked).count();
    let mut text = format!("plan: {}", counted(plan.steps.len(), "step"));
    if blocked != 0 {
        text.push_str(&format!(" · {blocked} blocked"));
    }
    text.push('\n');
    let width = plan.steps.iter().map(|step| step.summary.chars().count()).max().unwrap_or(0);
    for (index, step) in plan.steps.iter().enumerate() {
        let class = match step.class {
            Class::Safe => "safe",
            Class::NotServed => "not served",
            Class::Data => "data",
            Class::Permitted => "permitted",
            Class::Blocked => "blocked",
        };
        let rows = step.rows.map(|rows| counted(rows, "row")).unwrap_or_default();
        let line = format!(
            "{:>3}  {:<width$}  {class:<10}  {rows:<10}  {}",
            index + 1,
            step.summary,
            step.origin,
            width = width.min(72)
        );
        text.push_str(line.trim_end());
        text.push('\n');
        for lock in &step.locks {
            text.push_str(&format!("       lock: {lock}\n"));
        }
        for line in step.needs.iter().flat_map(|needs| needs.lines()) {
            text.push_str(&format!("       {line}\n"));
        }
        if with_sql {
            for statement in &step.sql {
                text.push_str(&format!("       {statement};\n"));
            }
        }
    }
    text
}
