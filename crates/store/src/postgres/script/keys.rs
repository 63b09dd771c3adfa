//! Keys, checks and indexes: where many rows are there, they are proven beside the table's use.

use std::collections::BTreeSet;

use super::{At, Script};
use crate::{
    Expression,
    change::{Change, Finding, TableChange, Work, kind_check_name, ledger::PhysicalTable},
    postgres::{
        define, names,
        statement::{Lock, Mode, Span, Stage},
        there::{ConstraintThere, TableThere},
    },
    schema::{Exclusion, ForeignKey, Index, UniqueKey},
    sql::Unsupported,
};

impl Script<'_> {
    pub(super) fn drop_constraint(&mut self, at: At<'_>, name: &str, work: &mut Work) {
        let sql = format!(
            "ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}",
            at.former(),
            define::quoted(name)
        );
        self.statements.add(work, Stage::ConstraintsAway, sql, at.exclusive(Span::Brief));
    }

    /// A check or foreign key. With many rows it holds for new ones at once, and for the others
    /// once they were looked at.
    pub(super) fn add_constraint(
        &mut self,
        at: At<'_>,
        name: &str,
        definition: &str,
        stage: Stage,
        work: &mut Work,
    ) {
        let table = at.name();
        let mode = match stage {
            Stage::ForeignKeys => Mode::ShareRowExclusive,
            _ => Mode::AccessExclusive,
        };
        if !at.is_big {
            let lock = Lock { mode, table: &at.new.name, span: Span::Read(at.rows) };
            let sql = format!("ALTER TABLE {table} ADD {definition}");
            self.statements.add(work, stage, sql, Some(lock));
            return;
        }
        let lock = Lock { mode, table: &at.new.name, span: Span::Brief };
        let sql = format!("ALTER TABLE {table} ADD {definition} NOT VALID");
        self.statements.add(work, stage, sql, Some(lock));
        self.validate(at, name, work);
    }

    fn validate(&mut self, at: At<'_>, name: &str, work: &mut Work) {
        let sql = format!("ALTER TABLE {} VALIDATE CONSTRAINT {}", at.name(), define::quoted(name));
        self.statements.add(work, Stage::After, sql, at.beside_use(Span::Read(at.rows)));
    }

    pub(super) fn primary_key(&mut self, at: At<'_>, work: &mut Work) {
        if let Some(key) = at.there.primary_key() {
            self.renew_referring(at, &key.columns, work);
            self.drop_constraint(at, &key.name, work);
        }
        if !at.new.primary_key.is_empty() {
            let sql = format!("ALTER TABLE {} ADD {}", at.name(), define::primary_key(at.new));
            self.statements.add(work, Stage::Keys, sql, at.exclusive(Span::Read(at.rows)));
        }
    }

    /// Foreign keys of any table to these columns of the table step aside for the change.
    fn renew_referring(&mut self, at: At<'_>, columns: &[String], work: &mut Work) {
        let source = names::kept(&at.change.source.name).into_owned();
        for (name, there) in &self.ground.there.tables {
            for key in there.constraints.iter().filter(|own| own.kind == "f") {
                if key.referred.as_deref() != Some(source.as_str()) || columns.is_empty() {
                    continue;
                }
                let away = format!(
                    "ALTER TABLE {} DROP CONSTRAINT IF EXISTS {}",
                    define::quoted(name),
                    define::quoted(&key.name)
                );
                let lock = Lock { mode: Mode::AccessExclusive, table: name, span: Span::Brief };
                self.statements.add(work, Stage::ConstraintsAway, away, Some(lock));
            }
        }
        let will_be = at.change.will_be;
        for table in &will_be.tables {
            for key in table.foreign_keys.iter().filter(|key| key.table == at.new.name) {
                let add = define::foreign_key(table, key, will_be);
                let sql = format!("ALTER TABLE {} ADD {add}", define::quoted(&table.name));
                let lock = Lock {
                    mode: Mode::ShareRowExclusive,
                    table: &table.name,
                    span: Span::Read(at.rows),
                };
                self.statements.add(work, Stage::ForeignKeys, sql, Some(lock));
            }
        }
    }

    pub(super) fn add_check(
        &mut self,
        at: At<'_>,
        name: &str,
        work: &mut Work,
    ) -> Result<(), Unsupported> {
        let Some(check) = at.new.checks.iter().find(|own| own.name == name) else {
            return Ok(());
        };
        if at.there.constraint(&names::kept(name)).is_some() {
            self.drop_constraint(at, name, work);
        }
        let definition = define::check(at.new, check, at.change.catalog)?;
        self.add_constraint(at, name, &definition, Stage::Keys, work);
        Ok(())
    }

    /// It cannot be proven beside the table's use: PostgreSQL builds its index at once.
    pub(super) fn add_exclusion(
        &mut self,
        at: At<'_>,
        name: &str,
        work: &mut Work,
    ) -> Result<(), Unsupported> {
        let Some(own) = at.new.exclusions.iter().find(|own| own.name == name) else {
            return Ok(());
        };
        if at.there.constraint(&names::kept(name)).is_some() {
            self.drop_constraint(at, name, work);
        }
        if !own.equal.is_empty() {
            self.extension(define::EQUALITY, work);
        }
        let definition = define::exclusion(at.new, own, at.change.catalog)?;
        let sql = format!("ALTER TABLE {} ADD {definition}", at.name());
        self.statements.add(work, Stage::Keys, sql, at.exclusive(Span::Read(at.rows)));
        Ok(())
    }

    /// What is there of a foreign key, under whatever name.
    pub(super) fn drop_foreign_key(&mut self, at: At<'_>, key: &ForeignKey, work: &mut Work) {
        let columns: Vec<String> = key
            .columns
            .iter()
            .map(|column| names::kept(at.former_column(column)).into_owned())
            .collect();
        let was = at.change.was.tables.iter().find(|table| table.name == key.table);
        let referred = was.map_or(key.table.as_str(), |table| table.name.as_str());
        let there = at.there.constraints.iter().filter(|own| {
            own.kind == "f"
                && own.columns == columns
                && own.referred.as_deref() == Some(names::kept(referred).as_ref())
        });
        for name in there.map(|own| own.name.clone()).collect::<Vec<_>>() {
            self.drop_constraint(at, &name, work);
        }
    }

    pub(super) fn add_foreign_key(&mut self, at: At<'_>, key: &ForeignKey, work: &mut Work) {
        let name = define::foreign_key_name(at.new, key);
        let definition = define::foreign_key(at.new, key, at.change.will_be);
        self.add_constraint(at, &name, &definition, Stage::ForeignKeys, work);
    }

    /// An index, or the constraint that it stands for.
    pub(super) fn drop_index(&mut self, at: At<'_>, name: &str, work: &mut Work) {
        if at.there.constraint(&names::kept(name)).is_some() {
            self.drop_constraint(at, name, work);
        } else if at.there.index(&names::kept(name)).is_some() {
            let sql = format!("DROP INDEX IF EXISTS {}", define::quoted(name));
            self.statements.add(work, Stage::ConstraintsAway, sql, at.exclusive(Span::Brief));
        }
    }

    pub(super) fn add_unique_key(
        &mut self,
        at: At<'_>,
        name: &str,
        work: &mut Work,
    ) -> Result<(), Unsupported> {
        let Some(key) = at.new.unique_keys.iter().find(|own| own.name == name) else {
            return Ok(());
        };
        self.drop_index(at, name, work);
        let is_concurrent = at.is_big && !is_referred_to(at, key);
        let table = &at.new.name;
        let sql = define::create_unique_key(table, key, at.change.catalog, is_concurrent)?;
        self.build(at, (name, sql), is_concurrent, Stage::Keys, work);
        Ok(())
    }

    pub(super) fn add_index(
        &mut self,
        at: At<'_>,
        name: &str,
        work: &mut Work,
    ) -> Result<(), Unsupported> {
        let Some(index) = at.new.indexes.iter().find(|own| own.name == name) else {
            return Ok(());
        };
        self.drop_index(at, name, work);
        let (table, catalog) = (&at.new.name, at.change.catalog);
        if let Some(extension) = define::index_extension(catalog, table, index) {
            self.extension(extension, work);
        }
        let sql = define::create_index(table, index, catalog, at.is_big)?;
        self.build(at, (name, sql), at.is_big, Stage::Indexes, work);
        Ok(())
    }

    fn build(
        &mut self,
        at: At<'_>,
        (name, sql): (&str, String),
        is_concurrent: bool,
        stage: Stage,
        work: &mut Work,
    ) {
        let span = Span::Read(at.rows);
        if is_concurrent {
            self.statements.add(work, Stage::After, sql, at.beside_use(span));
            let undo = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", define::quoted(name));
            self.statements.undone_by(undo);
        } else {
            let lock = Lock { mode: Mode::Share, table: &at.new.name, span };
            self.statements.add(work, stage, sql, Some(lock));
        }
    }

    /// Checks, keys and indexes over a column step aside while its type changes, and come back.
    pub(super) fn renew_dependents(
        &mut self,
        at: At<'_>,
        column: &str,
        work: &mut Work,
    ) -> Result<(), Unsupported> {
        let stays = |name: &str| at.there.constraint(&names::kept(name)).is_some();
        for check in at.new.checks.iter().filter(|own| mentions(&own.condition, column)) {
            if at.old.checks.iter().any(|own| own.name == check.name) && stays(&check.name) {
                self.add_check(at, &check.name, work)?;
            }
        }
        for own in at.new.exclusions.iter().filter(|own| is_about(own, column)) {
            if at.old.exclusions.iter().any(|it| it.name == own.name) && stays(&own.name) {
                self.add_exclusion(at, &own.name, work)?;
            }
        }
        let keys = at.new.unique_keys.iter().filter(|own| is_over(own, column));
        for key in keys.filter(|key| at.old.unique_keys.iter().any(|own| own.name == key.name)) {
            self.drop_index(at, &key.name, work);
            let table = &at.new.name;
            let sql = define::create_unique_key(table, key, at.change.catalog, false)?;
            self.build(at, (&key.name, sql), false, Stage::Keys, work);
        }
        let indexes = at.new.indexes.iter().filter(|own| reads(own, column));
        for index in indexes.filter(|it| at.old.indexes.iter().any(|own| own.name == it.name)) {
            self.drop_index(at, &index.name, work);
            let sql = define::create_index(&at.new.name, index, at.change.catalog, false)?;
            self.build(at, (&index.name, sql), false, Stage::Indexes, work);
        }
        for key in
            at.new.foreign_keys.iter().filter(|key| key.columns.iter().any(|it| it == column))
        {
            if at.old.foreign_keys.contains(key) {
                self.drop_foreign_key(at, key, work);
                self.add_foreign_key(at, key, work);
            }
        }
        let refers_to = |key: &&ForeignKey| {
            key.table == at.new.name && key.referred.iter().any(|own| own == column)
        };
        let all = at.change.will_be.tables.iter().flat_map(|table| &table.foreign_keys);
        if all.filter(refers_to).count() > 0 {
            self.renew_referring(at, &[column.to_owned()], work);
        }
        Ok(())
    }

    /// Names that are made of a table's and its columns' names follow them.
    pub(super) fn rename_constraints(&mut self, at: At<'_>, work: &mut Work) {
        let (was, is) = (&at.change.source.name, &at.new.name);
        let mut pairs = vec![(names::primary_key(was), names::primary_key(is))];
        for key in &at.old.foreign_keys {
            let columns: Vec<String> =
                key.columns.iter().map(|column| at.former_column(column).to_owned()).collect();
            let new = names::foreign_key(is, &key.columns);
            pairs.push((names::foreign_key(was, &columns), new));
        }
        for column in &at.old.columns {
            let former = kind_check_name(was, at.former_column(&column.name));
            let new = kind_check_name(is, &column.name);
            pairs.push((names::kept(&former).into_owned(), names::kept(&new).into_owned()));
        }
        for (former, new) in pairs {
            if former != new && at.there.constraint(&former).is_some() {
                let sql = format!(
                    "ALTER TABLE {} RENAME CONSTRAINT {} TO {}",
                    at.name(),
                    define::quoted(&former),
                    define::quoted(&new)
                );
                self.statements.add(work, Stage::Rename, sql, at.exclusive(Span::Brief));
            }
        }
    }

    /// Builds and proves what is not sound.
    pub(super) fn mend(&mut self, at: At<'_>, all: Vec<Unsound>) -> Result<Work, Unsupported> {
        let mut work = Work::default();
        for one in all {
            match one {
                Unsound::UniqueKey(name) => self.add_unique_key(at, &name, &mut work)?,
                Unsound::Index(name) => self.add_index(at, &name, &mut work)?,
                Unsound::Constraint(name) => self.validate(at, &name, &mut work),
            }
        }
        Ok(work)
    }
}

/// What should be there and is not, or was left unfinished, by name.
pub(super) enum Unsound {
    UniqueKey(String),
    Index(String),
    Constraint(String),
}

/// What of a table is not sound, beyond what findings are about.
pub(super) fn unsound(
    change: TableChange<'_>,
    there: &TableThere,
    findings: &[Finding],
) -> Vec<Unsound> {
    let PhysicalTable { table: new, is_kept, .. } = &change.lineage.target;
    let old = &change.source.physical.table;
    let concerned = concerned(findings);
    let is_due = |name: &str| !concerned.contains(name);
    let is_sound = |name: &str| there.index(&names::kept(name)).is_some_and(|index| index.is_valid);
    let mut all = Vec::new();
    for UniqueKey { name, .. } in &new.unique_keys {
        let was = old.unique_keys.iter().any(|own| own.name == *name);
        if was && is_due(name) && !is_sound(name) {
            all.push(Unsound::UniqueKey(name.clone()));
        }
    }
    for Index { name, .. } in &new.indexes {
        let was = old.indexes.iter().any(|own| own.name == *name);
        if was && is_due(name) && !is_sound(name) {
            all.push(Unsound::Index(name.clone()));
        }
    }
    let doubtful = there.constraints.iter().filter(|own| !own.is_valid && !is_kept);
    for ConstraintThere { name, .. } in doubtful {
        let is_foreign =
            new.foreign_keys.iter().any(|key| define::foreign_key_name(new, key) == *name);
        let is_check = new.checks.iter().any(|own| names::kept(&own.name) == *name);
        let is_kind = new
            .columns
            .iter()
            .any(|own| names::kept(&kind_check_name(&new.name, &own.name)) == *name);
        if (is_foreign || is_check || is_kind) && is_due(name) {
            all.push(Unsound::Constraint(name.clone()));
        }
    }
    all
}

/// Names of constraints and indexes that findings are about.
fn concerned(findings: &[Finding]) -> BTreeSet<&str> {
    findings
        .iter()
        .filter_map(|finding| match &finding.change {
            Change::AddUniqueKey(name) | Change::AddIndex(name) | Change::AddCheck(name) => {
                Some(name.as_str())
            }
            _ => None,
        })
        .collect()
}

/// True where a foreign key rests on a unique key, which then has to be there first.
fn is_referred_to(at: At<'_>, key: &UniqueKey) -> bool {
    at.change.will_be.tables.iter().flat_map(|table| &table.foreign_keys).any(|foreign| {
        foreign.table == at.new.name
            && foreign.referred.len() == key.columns.len()
            && foreign.referred.iter().all(|column| key.columns.contains(column))
    })
}

fn is_over(key: &UniqueKey, column: &str) -> bool {
    key.columns.iter().any(|own| own == column)
        || key.condition.as_ref().is_some_and(|condition| mentions(condition, column))
}

fn is_about(exclusion: &Exclusion, column: &str) -> bool {
    exclusion.clone().columns_mut().any(|own| own == column)
        || exclusion.condition.as_ref().is_some_and(|condition| mentions(condition, column))
}

fn reads(index: &Index, column: &str) -> bool {
    index.parts.iter().any(|(part, _)| mentions(part, column))
        || index.condition.as_ref().is_some_and(|condition| mentions(condition, column))
}

/// True where an expression reads a column.
fn mentions(expression: &Expression, column: &str) -> bool {
    let alone = std::collections::BTreeMap::from([(column.to_owned(), String::new())]);
    expression.clone().with_columns_renamed(&alone) != *expression
}
