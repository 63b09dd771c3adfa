//! The statements of a change: tables are altered in place, as briefly as it can be done.

mod alter;
mod keys;

use keys::unsound;

use super::{
    define::{self, Types},
    ground::OnServer,
    names,
    statement::{Lock, Mode, Span, Stage, Statement, Statements},
    there::TableThere,
};
use crate::{
    Kind,
    catalog::Catalog,
    change::{self, Change, Finding, TableChange, Work, measure::Measure},
    schema::{Schema, Table, View},
    sql::Unsupported,
};

/// Rows from which on an index is built, and a constraint checked, beside the table's use. Below
/// it takes less than the waiting for others that this costs.
const ONLINE_ROWS_MIN: u64 = 1_000;

/// Statements on their way.
pub(super) struct Script<'a> {
    ground: &'a OnServer<'a>,
    statements: Statements,
    /// Enumerated types as they will be.
    types: Types,
    /// Columns go or change their type: views that read them would stand in the way.
    stands_in_views: bool,
    views_changed: bool,
}

/// A table that changes, beside what is there.
#[derive(Clone, Copy)]
struct At<'c> {
    change: TableChange<'c>,
    /// As it was, under the names that will be.
    old: &'c Table,
    new: &'c Table,
    there: &'c TableThere,
    rows: u64,
    is_big: bool,
}

impl<'c> At<'c> {
    /// The table's name once it is renamed.
    fn name(&self) -> String {
        define::quoted(&self.new.name)
    }

    /// The table's name until then.
    fn former(&self) -> String {
        define::quoted(&self.change.source.name)
    }

    /// A column's name in the database.
    fn former_column<'n>(&'n self, column: &'n str) -> &'n str {
        self.change.source.former.get(column).map_or(column, String::as_str)
    }

    /// Nobody reads or writes the table.
    fn exclusive(&self, span: Span) -> Option<Lock<'c>> {
        Some(Lock { mode: Mode::AccessExclusive, table: &self.new.name, span })
    }

    /// Everybody goes on.
    fn beside_use(&self, span: Span) -> Option<Lock<'c>> {
        Some(Lock { mode: Mode::ShareUpdateExclusive, table: &self.new.name, span })
    }
}

impl<'a> Script<'a> {
    pub(super) fn on(ground: &'a OnServer<'a>) -> Self {
        Self {
            ground,
            statements: Statements::default(),
            types: ground.there.types.clone(),
            stands_in_views: false,
            views_changed: false,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.statements.is_empty()
    }

    /// What runs before the transaction.
    pub(super) fn before(&self) -> Vec<Statement> {
        self.statements.of(|stage| stage == Stage::Before)
    }

    /// What is the transaction.
    pub(super) fn inside(&self) -> Vec<Statement> {
        self.statements.of(|stage| stage != Stage::Before && stage != Stage::After)
    }

    /// What runs after the transaction.
    pub(super) fn after(&self) -> Vec<Statement> {
        self.statements.of(|stage| stage == Stage::After)
    }

    /// Types and extensions that a kind needs.
    fn prepare(&mut self, kind: &Kind, work: &mut Work) {
        if let Some(extension) = define::extension(kind) {
            self.extension(extension, work);
        }
        let Some((name, values)) = define::enumeration(kind) else {
            return;
        };
        let kept = names::kept(name).into_owned();
        let mut has = self.types.get(&kept).cloned().unwrap_or_default();
        if has.is_empty() {
            let sql = define::create_enumeration("", name, values);
            self.statements.add(work, Stage::Types, sql, None);
            has = values.to_vec();
        }
        // A new value may only be used once the transaction that added it is over.
        for sql in define::extend_enumeration(name, &has, values) {
            self.statements.add(work, Stage::Before, sql, None);
        }
        has.extend(values.iter().filter(|value| !has.contains(value)).cloned().collect::<Vec<_>>());
        self.types.insert(kept, has);
    }

    fn extension(&mut self, name: &str, work: &mut Work) {
        let sql = format!("CREATE EXTENSION IF NOT EXISTS {name}");
        self.statements.add(work, Stage::Types, sql, None);
    }

    /// Statements for one finding.
    fn write(&mut self, at: At<'_>, change: &Change, work: &mut Work) -> Result<(), Unsupported> {
        match change {
            Change::Words => {}
            Change::RenameTable => {
                let sql = format!("ALTER TABLE {} RENAME TO {}", at.former(), at.name());
                self.statements.add(work, Stage::Rename, sql, at.exclusive(Span::Brief));
                self.rename_constraints(at, work);
            }
            Change::RenameColumn(column) => {
                let (was, is) = (define::quoted(at.former_column(column)), define::quoted(column));
                let sql = format!("ALTER TABLE {} RENAME COLUMN {was} TO {is}", at.name());
                self.statements.add(work, Stage::Rename, sql, at.exclusive(Span::Brief));
                self.rename_constraints(at, work);
            }
            Change::KeepTable => {
                let keys = at.there.constraints.iter().filter(|own| own.kind == "f");
                for key in keys {
                    self.drop_constraint(at, &key.name, work);
                }
            }
            Change::AddColumn(column) => self.add_column(at, column, work)?,
            Change::DropColumn(column) => self.drop_column(at, column, work),
            Change::KeepColumn(column) => self.keep_column(at, column, work),
            Change::ServeColumn(column) => self.serve_column(at, column, work),
            Change::Kind(column) => self.kind(at, column, work)?,
            Change::Nullable(column) => self.nullable(at, column, work),
            Change::Computation(column) => self.computation(at, column, work)?,
            Change::Default(column) => self.default(at, column, work)?,
            Change::PrimaryKey => self.primary_key(at, work),
            Change::AddCheck(name) => self.add_check(at, name, work)?,
            Change::DropCheck(name) => self.drop_constraint(at, name, work),
            Change::AddExclusion(name) => self.add_exclusion(at, name, work)?,
            Change::DropExclusion(name) => self.drop_constraint(at, name, work),
            Change::AddForeignKey(key) => {
                self.drop_foreign_key(at, key, work);
                self.add_foreign_key(at, key, work);
            }
            Change::DropForeignKey(key) => self.drop_foreign_key(at, key, work),
            Change::AddUniqueKey(name) => self.add_unique_key(at, name, work)?,
            Change::DropUniqueKey(name) | Change::DropIndex(name) => {
                self.drop_index(at, name, work);
            }
            Change::AddIndex(name) => self.add_index(at, name, work)?,
        }
        Ok(())
    }
}

impl change::Script for Script<'_> {
    fn create(
        &mut self,
        table: &Table,
        schema: &Schema,
        catalog: &Catalog,
    ) -> Result<Work, Unsupported> {
        let mut work = Work::default();
        for column in &table.columns {
            self.prepare(&column.kind, &mut work);
        }
        let create = define::create_table(table, "", catalog, &self.types)?;
        self.statements.add(&mut work, Stage::Create, create, None);
        for key in &table.unique_keys {
            let sql = define::create_unique_key(&table.name, key, catalog, false)?;
            self.statements.add(&mut work, Stage::Keys, sql, None);
        }
        for own in &table.exclusions {
            if !own.equal.is_empty() {
                self.extension(define::EQUALITY, &mut work);
            }
            let name = define::quoted(&table.name);
            let sql = format!("ALTER TABLE {name} ADD {}", define::exclusion(table, own, catalog)?);
            self.statements.add(&mut work, Stage::Keys, sql, None);
        }
        for key in &table.foreign_keys {
            let name = define::quoted(&table.name);
            let sql = format!("ALTER TABLE {name} ADD {}", define::foreign_key(table, key, schema));
            let lock = Lock { mode: Mode::ShareRowExclusive, table: &key.table, span: Span::Brief };
            self.statements.add(&mut work, Stage::ForeignKeys, sql, Some(lock));
        }
        for index in &table.indexes {
            if let Some(extension) = define::index_extension(catalog, &table.name, index) {
                self.extension(extension, &mut work);
            }
            let sql = define::create_index(&table.name, index, catalog, false)?;
            self.statements.add(&mut work, Stage::Indexes, sql, None);
        }
        Ok(work)
    }

    fn change(
        &mut self,
        change: TableChange<'_>,
        findings: &mut [Finding],
    ) -> Result<Work, String> {
        let source = change.source;
        let Some(there) = self.ground.there.tables.get(names::kept(&source.name).as_ref()) else {
            return Err(format!("the table {} is not there", source.name));
        };
        let unsound = unsound(change, there, findings);
        if findings.is_empty() && unsound.is_empty() {
            // Not even counted: with millions of rows a start would wait for it.
            return Ok(Work::default());
        }
        let rows = Measure(self.ground).rows(&source.name).map_err(|it| it.to_string())?;
        let at = At {
            change,
            old: &source.physical.table,
            new: &change.lineage.target.table,
            there,
            rows,
            is_big: rows >= ONLINE_ROWS_MIN && !there.is_partitioned,
        };
        for finding in findings.iter_mut() {
            let mut work = Work::default();
            self.write(at, &finding.change, &mut work).map_err(|unsupported| unsupported.0)?;
            finding.step.takes(work);
        }
        self.mend(at, unsound).map_err(|unsupported| unsupported.0)
    }

    fn drop_table(&mut self, name: &str) -> Work {
        let mut work = Work::default();
        self.stands_in_views = true;
        let lock = Lock { mode: Mode::AccessExclusive, table: name, span: Span::Brief };
        let sql = format!("DROP TABLE {}", define::quoted(name));
        self.statements.add(&mut work, Stage::TablesAway, sql, Some(lock));
        work
    }

    fn view(&mut self, view: &View) -> Work {
        self.views_changed = true;
        Work { sql: vec![define::create_view(view, "")], locks: Vec::new() }
    }

    fn drop_view(&mut self, name: &str) -> Work {
        self.views_changed = true;
        Work { sql: vec![define::drop_view(name)], locks: Vec::new() }
    }

    /// Views hold nothing, but somebody may have been granted them: they are made anew only where
    /// they change or stand in the way.
    fn renew_views(&mut self, are: &[View], will_be: &[View]) {
        if !self.views_changed && !self.stands_in_views {
            return;
        }
        let mut work = Work::default();
        for view in are.iter().rev() {
            self.statements.add(&mut work, Stage::ViewsAway, define::drop_view(&view.name), None);
        }
        for view in will_be {
            self.statements.add(&mut work, Stage::ViewsBack, define::create_view(view, ""), None);
        }
    }
}
