//! A table that is there beside the table that is wished for, as steps with what the data says.

use super::{
    Change, Finding, Ground,
    lineage::{Lineage, Source, is_kept_alike, is_wider},
    measure::{Measure, Rows, amount, counted},
};
use crate::{
    Kind, StoreError,
    catalog::Catalog,
    plan::{Class, Step},
    schema::{Column, Exclusion, Schema, Table},
    sql::SqlWriter,
};

/// What one comparison needs around it.
pub(crate) struct Comparison<'a> {
    pub(crate) wished: &'a Schema,
    pub(crate) catalog: &'a Catalog,
    pub(crate) lineages: &'a [Lineage],
    pub(crate) ground: &'a dyn Ground,
    pub(crate) findings: Vec<Finding>,
}

impl<'a> Comparison<'a> {
    pub(crate) fn measure(&self) -> Measure<'a> {
        Measure(self.ground)
    }

    /// Adds a step that nothing stands against.
    pub(crate) fn step(
        &mut self,
        class: Class,
        change: Change,
        summary: String,
        origin: &str,
    ) -> &mut Step {
        let place = self.findings.len();
        self.findings.push(Finding { step: Step::new(class, summary, origin), change });
        &mut self.findings[place].step
    }

    /// Adds a step that narrows: blocked where rows stand against it.
    fn narrowing(
        &mut self,
        change: Change,
        summary: String,
        origin: &str,
        rows: &Rows<'_>,
        offending: Option<u64>,
        why: &str,
    ) -> Result<(), StoreError> {
        let rows = rows.count()?;
        let step = self.step(Class::Data, change, summary, origin);
        step.rows = Some(rows);
        if let Some(offending @ 1..) = offending {
            step.class = Class::Blocked;
            let [is, has, refers, overlaps] = match offending {
                1 => ["is", "has", "refers", "overlaps"],
                _ => ["are", "have", "refer", "overlap"],
            };
            let why = why.replace("{is}", is).replace("{has}", has).replace("{refers}", refers);
            let why = why.replace("{overlaps}", overlaps);
            step.needs = Some(format!("{} of {} {why}", counted(offending), amount(rows, "row")));
        }
        Ok(())
    }

    /// All differences between a table and what it comes from.
    pub(crate) fn table(&mut self, lineage: &Lineage, source: &Source) -> Result<(), StoreError> {
        let (old, new) = (&source.physical.table, &lineage.target.table);
        let rows = &Rows::of(self.measure(), &source.name);
        if source.name != new.name {
            let summary = format!("~ table {} renamed to {}", source.name, new.name);
            let count = rows.count()?;
            self.step(Class::Permitted, Change::RenameTable, summary, &new.origin).rows =
                Some(count);
        }
        if source.physical.is_kept {
            let summary = format!("~ table {} is served again", new.name);
            self.step(Class::Safe, Change::Words, summary, &new.origin);
        }
        for column in &new.columns {
            let is_kept = lineage.target.kept_columns.contains(&column.name);
            match old.column(&column.name) {
                Some(own) if is_kept => self.kept_column(lineage, source, own)?,
                Some(own) => self.column(lineage, source, own, column, rows)?,
                None => self.added_column(new, column, rows)?,
            }
        }
        for column in old.columns.iter().filter(|column| new.column(&column.name).is_none()) {
            let values = self.measure().values(&source.name, former(source, &column.name))?;
            let summary =
                format!("- column {}.{} ({})", new.name, column.name, amount(values, "value"));
            let origin = self.drop_origin(&new.name, &source.name, &column.name);
            let change = Change::DropColumn(column.name.clone());
            self.step(Class::Permitted, change, summary, &origin).rows = Some(values);
        }
        self.constraints(lineage, source, rows)
    }

    fn drop_origin(&self, table: &str, former: &str, column: &str) -> String {
        let drops = self.wished.drops.iter();
        drops
            .filter(|drop| drop.column.as_deref() == Some(column))
            .find(|drop| drop.table == table || drop.table == former)
            .map(|drop| drop.origin.clone())
            .unwrap_or_default()
    }

    fn added_column(
        &mut self,
        table: &Table,
        column: &Column,
        rows: &Rows<'_>,
    ) -> Result<(), StoreError> {
        let rows = rows.count()?;
        let nullness = if column.nullable { "NULL" } else { "NOT NULL" };
        let summary = format!("+ column {}.{} {} {nullness}", table.name, column.name, column.kind);
        let is_filled = column.nullable
            || column.default.is_some()
            || column.generated.is_some()
            || matches!(column.kind, crate::Kind::Serial { .. });
        let change = Change::AddColumn(column.name.clone());
        let step = self.step(Class::Safe, change, summary, &column.origin);
        step.rows = Some(rows);
        if !is_filled && rows > 0 {
            step.class = Class::Blocked;
            step.needs = Some(format!(
                "{} would have no value: give `{}` a default, or let it be NULL",
                amount(rows, "row"),
                column.name
            ));
        }
        Ok(())
    }

    /// A column that the document no longer has and no sentence drops.
    fn kept_column(
        &mut self,
        lineage: &Lineage,
        source: &Source,
        column: &Column,
    ) -> Result<(), StoreError> {
        if source.physical.kept_columns.contains(&column.name) {
            return Ok(());
        }
        let table = &lineage.target.table;
        let values = self.measure().values(&source.name, former(source, &column.name))?;
        let successor = table.columns.iter().find(|other| {
            source.physical.table.column(&other.name).is_none() && other.kind == column.kind
        });
        let name = format!("{}.{}", table.name, column.name);
        match successor {
            Some(successor) if values > 0 => {
                let summary = format!("- column {name} ({})", amount(values, "value"));
                let step = self.step(Class::Blocked, Change::Words, summary, &successor.origin);
                step.rows = Some(values);
                step.needs = Some(format!(
                    "a column `{new}` of the same type is new: to rename, write \
                     `-- renamed from {old}` beside `{new}`; to drop, write \
                     `-- dropped YYYY-MM-DD: reason` with `{old}`",
                    new = successor.name,
                    old = column.name
                ));
            }
            _ => {
                let summary = format!(
                    "kept: column {name} ({}) stays in the database, out of the schema",
                    amount(values, "value")
                );
                let change = Change::KeepColumn(column.name.clone());
                self.step(Class::Safe, change, summary, &table.origin).rows = Some(values);
            }
        }
        Ok(())
    }

    fn column(
        &mut self,
        lineage: &Lineage,
        source: &Source,
        old: &Column,
        new: &Column,
        rows: &Rows<'_>,
    ) -> Result<(), StoreError> {
        let name = format!("{}.{}", lineage.target.table.name, new.name);
        let former_name = former(source, &new.name);
        if former_name != new.name {
            let summary = format!("~ column {}.{former_name} renamed to {name}", source.name);
            let change = Change::RenameColumn(new.name.clone());
            let count = rows.count()?;
            self.step(Class::Permitted, change, summary, &new.origin).rows = Some(count);
        }
        if source.physical.kept_columns.contains(&new.name) {
            let summary = format!("~ column {name} is served again");
            let change = Change::ServeColumn(new.name.clone());
            self.step(Class::Safe, change, summary, &new.origin);
        }
        if old.kind != new.kind {
            let summary = format!("~ column {name} {} → {}", old.kind, new.kind);
            let change = Change::Kind(new.name.clone());
            if is_wider(&old.kind, &new.kind) {
                let count = rows.count()?;
                self.step(Class::Safe, change, summary, &new.origin).rows = Some(count);
            } else {
                let offending = self.ground.misfits(&source.name, former_name, &old.kind, new)?;
                let why = misfit_words(&old.kind, &new.kind);
                self.narrowing(change, summary, &new.origin, rows, Some(offending), &why)?;
            }
        }
        let is_required = |column: &Column, table: &Table| {
            !column.nullable || table.primary_key.contains(&column.name)
        };
        let was = is_required(old, &source.physical.table);
        let is = is_required(new, &lineage.target.table);
        if was && !is {
            let summary = format!("~ column {name} NOT NULL → NULL");
            self.step(Class::Safe, Change::Nullable(new.name.clone()), summary, &new.origin);
        } else if is && !was {
            let values = self.measure().values(&source.name, former_name)?;
            let nulls = Some(rows.count()?.saturating_sub(values));
            let summary = format!("~ column {name} NULL → NOT NULL");
            let change = Change::Nullable(new.name.clone());
            self.narrowing(change, summary, &new.origin, rows, nulls, "{has} no value")?;
        }
        if old.generated != new.generated {
            let change = Change::Computation(new.name.clone());
            let summary = format!("~ computation of {name}");
            let count = rows.count()?;
            self.step(Class::Data, change, summary, &new.origin).rows = Some(count);
        }
        let text = |table: &Table, column: &Column| {
            self.ground.default_text(table, column, self.catalog).ok().flatten()
        };
        if text(&source.physical.table, old) != text(&lineage.target.table, new) {
            let change = Change::Default(new.name.clone());
            self.step(Class::Safe, change, format!("~ default of {name}"), &new.origin);
        }
        Ok(())
    }

    fn constraints(
        &mut self,
        lineage: &Lineage,
        source: &Source,
        rows: &Rows<'_>,
    ) -> Result<(), StoreError> {
        let (old, new) = (&source.physical.table, &lineage.target.table);
        if old.primary_key != new.primary_key {
            let summary = format!("~ primary key of {} ({})", new.name, new.primary_key.join(", "));
            let twice = self.measure().duplicates(&lineage.projection, &new.primary_key, None);
            let why = "{has} a key that occurs twice";
            self.narrowing(Change::PrimaryKey, summary, &new.origin, rows, twice, why)?;
        }
        let text = |table: &Table, condition| self.condition_text(table, condition);
        let mut changes = Vec::new();
        for check in &new.checks {
            let own = old.checks.iter().find(|own| own.name == check.name);
            let now = text(new, &check.condition);
            if own.and_then(|own| text(old, &own.condition)) != now {
                let broken = now.and_then(|now| self.measure().broken(&lineage.projection, &now));
                changes.push((check, broken));
            }
        }
        for (check, broken) in changes {
            let change = Change::AddCheck(check.name.clone());
            let summary = format!("+ check {}", check.name);
            self.narrowing(change, summary, &check.origin, rows, broken, "{is} against it")?;
        }
        for check in old.checks.iter().filter(|it| new.checks.iter().all(|own| own.name != it.name))
        {
            let change = Change::DropCheck(check.name.clone());
            self.step(Class::Safe, change, format!("- check {}", check.name), &new.origin);
        }
        self.exclusions(lineage, source, rows)?;
        self.foreign_keys(lineage, source, rows)?;
        self.indexes(lineage, source, rows)
    }

    fn condition_text(&self, table: &Table, condition: &crate::Expression) -> Option<String> {
        let mut writer = SqlWriter::definition(self.ground.dialect(), self.catalog, &table.name);
        writer.expression(condition).ok()?;
        Some(writer.text)
    }

    fn exclusions(
        &mut self,
        lineage: &Lineage,
        source: &Source,
        rows: &Rows<'_>,
    ) -> Result<(), StoreError> {
        let (old, new) = (&source.physical.table, &lineage.target.table);
        let is_same = |one: &Exclusion, other: &Exclusion| {
            let origin = one.origin.clone();
            *one == Exclusion { origin, ..other.clone() }
        };
        for own in &new.exclusions {
            if !old.exclusions.iter().any(|it| is_same(it, own)) {
                let covers = own.condition.as_ref().and_then(|it| self.condition_text(new, it));
                let conflict = self.ground.conflict(new, own).ok();
                let against = conflict.and_then(|conflict| {
                    self.measure().excluded(&lineage.projection, covers.as_deref(), &conflict)
                });
                let summary = format!("+ exclusion {}", own.name);
                let change = Change::AddExclusion(own.name.clone());
                let why = "{overlaps} with another row";
                self.narrowing(change, summary, &own.origin, rows, against, why)?;
            }
        }
        let is_new = |name: &str| new.exclusions.iter().any(|own| own.name == name);
        for own in old.exclusions.iter().filter(|own| !is_new(&own.name)) {
            let change = Change::DropExclusion(own.name.clone());
            self.step(Class::Safe, change, format!("- exclusion {}", own.name), &new.origin);
        }
        Ok(())
    }

    fn foreign_keys(
        &mut self,
        lineage: &Lineage,
        source: &Source,
        rows: &Rows<'_>,
    ) -> Result<(), StoreError> {
        let (old, new) = (&source.physical.table, &lineage.target.table);
        for key in new.foreign_keys.iter().filter(|key| !old.foreign_keys.contains(key)) {
            let summary =
                format!("+ foreign key {}({}) → {}", new.name, key.columns.join(", "), key.table);
            let is_action_only = old.foreign_keys.iter().any(|own| {
                own.columns == key.columns && own.table == key.table && own.referred == key.referred
            });
            let change = Change::AddForeignKey(key.clone());
            if is_action_only {
                self.step(Class::Safe, change, summary.replacen('+', "~", 1), &new.origin);
                continue;
            }
            let parent = self.lineages.iter().find(|parent| parent.target.table.name == key.table);
            let parent = parent.filter(|parent| parent.source.is_some());
            let projection = parent.map(|parent| parent.projection.as_str());
            let orphans = self.measure().orphans(&lineage.projection, key, projection);
            self.narrowing(change, summary, &new.origin, rows, orphans, "{refers} to no row")?;
        }
        let gone = old.foreign_keys.iter().filter(|key| {
            new.foreign_keys.iter().all(|own| own.columns != key.columns || own.table != key.table)
        });
        for key in gone {
            let columns = key.columns.join(", ");
            let summary = format!("- foreign key {}({columns}) → {}", new.name, key.table);
            let change = Change::DropForeignKey(key.clone());
            self.step(Class::Safe, change, summary, &new.origin);
        }
        Ok(())
    }

    fn indexes(
        &mut self,
        lineage: &Lineage,
        source: &Source,
        rows: &Rows<'_>,
    ) -> Result<(), StoreError> {
        let (old, new) = (&source.physical.table, &lineage.target.table);
        for key in &new.unique_keys {
            let own = old.unique_keys.iter().find(|own| own.name == key.name);
            let is_same =
                own.is_some_and(|own| own.columns == key.columns && own.condition == key.condition);
            if is_same {
                continue;
            }
            let condition = key.condition.as_ref().and_then(|it| self.condition_text(new, it));
            let twice =
                self.measure().duplicates(&lineage.projection, &key.columns, condition.as_deref());
            let summary = format!("+ unique key {} ({})", key.name, key.columns.join(", "));
            let change = Change::AddUniqueKey(key.name.clone());
            let why = "{has} a value that occurs twice";
            self.narrowing(change, summary, &key.origin, rows, twice, why)?;
        }
        let is_new = |name: &str| new.unique_keys.iter().any(|key| key.name == name);
        for key in old.unique_keys.iter().filter(|key| !is_new(&key.name)) {
            let change = Change::DropUniqueKey(key.name.clone());
            self.step(Class::Safe, change, format!("- unique key {}", key.name), &new.origin);
        }
        for index in &new.indexes {
            let own = old.indexes.iter().find(|own| own.name == index.name);
            let is_same =
                own.is_some_and(|own| own.parts == index.parts && own.condition == index.condition);
            if !is_same {
                let change = Change::AddIndex(index.name.clone());
                let summary = format!("+ index {}", index.name);
                self.step(Class::Safe, change, summary, &index.origin);
            }
        }
        let is_new = |name: &str| new.indexes.iter().any(|index| index.name == name);
        for index in old.indexes.iter().filter(|index| !is_new(&index.name)) {
            let change = Change::DropIndex(index.name.clone());
            self.step(Class::Safe, change, format!("- index {}", index.name), &new.origin);
        }
        Ok(())
    }
}

/// In what way a value does not fit the new kind.
fn misfit_words(from: &Kind, to: &Kind) -> String {
    match to {
        Kind::Text { length_max: Some(length) } if is_kept_alike(from, to) => {
            format!("{{is}} longer than {length} characters")
        }
        Kind::Enum { values, .. } if is_kept_alike(from, to) => {
            format!("{{is}} none of {}", values.join(", "))
        }
        kind => format!("{{is}} not of type {kind}"),
    }
}

/// A column's name in the database.
fn former<'a>(source: &'a Source, column: &'a str) -> &'a str {
    source.former.get(column).map_or(column, String::as_str)
}
