//! A table that is there beside the table that is wished for, as steps with what the data says.

use super::{
    define,
    lineage::{Lineage, Source, converted, is_wider},
    measure::{Measure, counted},
};
use crate::{
    catalog::Catalog,
    plan::{Class, Step},
    schema::{Column, Schema, Table},
    sql::{Dialect, SqlWriter},
};

/// What one comparison needs around it.
pub(super) struct Comparison<'a> {
    pub(super) wished: &'a Schema,
    pub(super) catalog: &'a Catalog,
    pub(super) lineages: &'a [Lineage],
    pub(super) measure: Measure<'a>,
    pub(super) steps: Vec<Step>,
}

impl Comparison<'_> {
    /// Adds a step that nothing stands against.
    pub(super) fn step(&mut self, class: Class, summary: String, origin: &str) -> &mut Step {
        let step = Step {
            summary,
            sql: Vec::new(),
            origin: origin.to_owned(),
            class,
            rows: None,
            needs: None,
        };
        let place = self.steps.len();
        self.steps.push(step);
        &mut self.steps[place]
    }

    /// Adds a step that narrows: blocked where rows stand against it.
    fn narrowing(
        &mut self,
        summary: String,
        origin: &str,
        rows: u64,
        offending: Option<u64>,
        why: &str,
    ) {
        let step = self.step(Class::Data, summary, origin);
        step.rows = Some(rows);
        if let Some(offending @ 1..) = offending {
            step.class = Class::Blocked;
            let [is, has, refers] = match offending {
                1 => ["is", "has", "refers"],
                _ => ["are", "have", "refer"],
            };
            let why = why.replace("{is}", is).replace("{has}", has).replace("{refers}", refers);
            step.needs = Some(format!("{} of {} {why}", counted(offending), words(rows)));
        }
    }

    /// All differences between a table and what it comes from.
    pub(super) fn table(&mut self, lineage: &Lineage, source: &Source) -> rusqlite::Result<()> {
        let (old, new) = (&source.physical.table, &lineage.target.table);
        let rows = self.measure.rows(&source.name)?;
        if source.name != new.name {
            let summary = format!("~ table {} renamed to {}", source.name, new.name);
            self.step(Class::Permitted, summary, &new.origin).rows = Some(rows);
        }
        if source.physical.is_kept {
            self.step(Class::Safe, format!("~ table {} is served again", new.name), &new.origin);
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
            let values = self.measure.values(&source.name, former(source, &column.name))?;
            let summary =
                format!("- column {}.{} ({} values)", new.name, column.name, counted(values));
            let origin = self.drop_origin(&new.name, &source.name, &column.name);
            self.step(Class::Permitted, summary, &origin).rows = Some(values);
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

    fn added_column(&mut self, table: &Table, column: &Column, rows: u64) -> rusqlite::Result<()> {
        let nullness = if column.nullable { "NULL" } else { "NOT NULL" };
        let summary = format!("+ column {}.{} {} {nullness}", table.name, column.name, column.kind);
        let is_filled = column.nullable
            || column.default.is_some()
            || column.generated.is_some()
            || matches!(column.kind, crate::Kind::Serial { .. });
        let step = self.step(Class::Safe, summary, &column.origin);
        step.rows = Some(rows);
        if !is_filled && rows > 0 {
            step.class = Class::Blocked;
            step.needs = Some(format!(
                "{} would have no value: give `{}` a default, or let it be NULL",
                words(rows),
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
    ) -> rusqlite::Result<()> {
        if source.physical.kept_columns.contains(&column.name) {
            return Ok(());
        }
        let table = &lineage.target.table;
        let values = self.measure.values(&source.name, former(source, &column.name))?;
        let successor = table.columns.iter().find(|other| {
            source.physical.table.column(&other.name).is_none() && other.kind == column.kind
        });
        let name = format!("{}.{}", table.name, column.name);
        match successor {
            Some(successor) if values > 0 => {
                let summary = format!("- column {name} ({} values)", counted(values));
                let step = self.step(Class::Blocked, summary, &successor.origin);
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
                    "kept: column {name} ({} values) stays in the database, out of the schema",
                    counted(values)
                );
                self.step(Class::Safe, summary, &table.origin).rows = Some(values);
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
        rows: u64,
    ) -> rusqlite::Result<()> {
        let name = format!("{}.{}", lineage.target.table.name, new.name);
        let former_name = former(source, &new.name);
        if former_name != new.name {
            let summary = format!("~ column {}.{former_name} renamed to {name}", source.name);
            self.step(Class::Permitted, summary, &new.origin).rows = Some(rows);
        }
        if source.physical.kept_columns.contains(&new.name) {
            self.step(Class::Safe, format!("~ column {name} is served again"), &new.origin);
        }
        if old.kind != new.kind {
            let summary = format!("~ column {name} {} → {}", old.kind, new.kind);
            if is_wider(&old.kind, &new.kind) {
                self.step(Class::Safe, summary, &new.origin).rows = Some(rows);
            } else {
                let (offending, why) = self.misfits(source, former_name, old, new)?;
                self.narrowing(summary, &new.origin, rows, offending, &why);
            }
        }
        let is_required = |column: &Column, table: &Table| {
            !column.nullable || table.primary_key.contains(&column.name)
        };
        let was = is_required(old, &source.physical.table);
        let is = is_required(new, &lineage.target.table);
        if was && !is {
            self.step(Class::Safe, format!("~ column {name} NOT NULL → NULL"), &new.origin);
        } else if is && !was {
            let values = self.measure.values(&source.name, former_name)?;
            let nulls = Some(rows.saturating_sub(values));
            let summary = format!("~ column {name} NULL → NOT NULL");
            self.narrowing(summary, &new.origin, rows, nulls, "{has} no value");
        }
        if old.generated != new.generated {
            self.step(Class::Data, format!("~ computation of {name}"), &new.origin).rows =
                Some(rows);
        }
        let text = |table: &Table, column: &Column| {
            define::default_text(table, column, self.catalog).ok().flatten()
        };
        if text(&source.physical.table, old) != text(&lineage.target.table, new) {
            self.step(Class::Safe, format!("~ default of {name}"), &new.origin);
        }
        Ok(())
    }

    /// How many values do not fit the new kind, and in what way.
    fn misfits(
        &self,
        source: &Source,
        former_name: &str,
        old: &Column,
        new: &Column,
    ) -> rusqlite::Result<(Option<u64>, String)> {
        let as_old = Column { name: former_name.to_owned(), ..new.clone() };
        let value = converted(former_name, &old.kind, &new.kind);
        let (misfit, why) = if value.starts_with("convert_kind") {
            (format!("{value} IS NULL"), format!("{{is}} not of type {}", new.kind))
        } else {
            let why = match &new.kind {
                crate::Kind::Text { length_max: Some(length) } => {
                    format!("{{is}} longer than {length} characters")
                }
                crate::Kind::Enum { values, .. } => {
                    format!("{{is}} none of {}", values.join(", "))
                }
                kind => format!("{{is}} not of type {kind}"),
            };
            let fits = define::fits(&as_old).unwrap_or_else(|| "1".to_owned());
            (format!("NOT ({fits})"), why)
        };
        let offending = self.measure.where_present(&source.name, former_name, &misfit)?;
        Ok((Some(offending), why))
    }

    fn constraints(
        &mut self,
        lineage: &Lineage,
        source: &Source,
        rows: u64,
    ) -> rusqlite::Result<()> {
        let (old, new) = (&source.physical.table, &lineage.target.table);
        if old.primary_key != new.primary_key {
            let summary = format!("~ primary key of {} ({})", new.name, new.primary_key.join(", "));
            let twice = self.measure.duplicates(&lineage.projection, &new.primary_key, None);
            self.narrowing(summary, &new.origin, rows, twice, "{has} a key that occurs twice");
        }
        let text = |table: &Table, condition| self.condition_text(table, condition);
        let mut changes = Vec::new();
        for check in &new.checks {
            let own = old.checks.iter().find(|own| own.name == check.name);
            let now = text(new, &check.condition);
            if own.and_then(|own| text(old, &own.condition)) != now {
                let broken = now.and_then(|now| self.measure.broken(&lineage.projection, &now));
                changes.push((format!("+ check {}", check.name), &check.origin, broken));
            }
        }
        for (summary, origin, broken) in changes {
            self.narrowing(summary, origin, rows, broken, "{is} against it");
        }
        for check in old.checks.iter().filter(|it| new.checks.iter().all(|own| own.name != it.name))
        {
            self.step(Class::Safe, format!("- check {}", check.name), &new.origin);
        }
        self.foreign_keys(lineage, source, rows);
        self.indexes(lineage, source, rows);
        Ok(())
    }

    fn condition_text(&self, table: &Table, condition: &crate::Expression) -> Option<String> {
        let mut writer = SqlWriter::definition(Dialect::Sqlite, self.catalog, &table.name);
        writer.expression(condition).ok()?;
        Some(writer.text)
    }

    fn foreign_keys(&mut self, lineage: &Lineage, source: &Source, rows: u64) {
        let (old, new) = (&source.physical.table, &lineage.target.table);
        for key in new.foreign_keys.iter().filter(|key| !old.foreign_keys.contains(key)) {
            let summary =
                format!("+ foreign key {}({}) → {}", new.name, key.columns.join(", "), key.table);
            let is_action_only = old.foreign_keys.iter().any(|own| {
                own.columns == key.columns && own.table == key.table && own.referred == key.referred
            });
            if is_action_only {
                self.step(Class::Safe, summary.replacen('+', "~", 1), &new.origin);
                continue;
            }
            let parent = self.lineages.iter().find(|parent| parent.target.table.name == key.table);
            let parent = parent.filter(|parent| parent.source.is_some());
            let projection = parent.map(|parent| parent.projection.as_str());
            let orphans = self.measure.orphans(&lineage.projection, key, projection);
            self.narrowing(summary, &new.origin, rows, orphans, "{refers} to no row");
        }
        let gone = old.foreign_keys.iter().filter(|key| {
            new.foreign_keys.iter().all(|own| own.columns != key.columns || own.table != key.table)
        });
        for key in gone {
            let columns = key.columns.join(", ");
            let summary = format!("- foreign key {}({columns}) → {}", new.name, key.table);
            self.step(Class::Safe, summary, &new.origin);
        }
    }

    fn indexes(&mut self, lineage: &Lineage, source: &Source, rows: u64) {
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
                self.measure.duplicates(&lineage.projection, &key.columns, condition.as_deref());
            let summary = format!("+ unique key {} ({})", key.name, key.columns.join(", "));
            self.narrowing(summary, &key.origin, rows, twice, "{has} a value that occurs twice");
        }
        let is_new = |name: &str| new.unique_keys.iter().any(|key| key.name == name);
        for key in old.unique_keys.iter().filter(|key| !is_new(&key.name)) {
            self.step(Class::Safe, format!("- unique key {}", key.name), &new.origin);
        }
        for index in &new.indexes {
            let own = old.indexes.iter().find(|own| own.name == index.name);
            let is_same =
                own.is_some_and(|own| own.parts == index.parts && own.condition == index.condition);
            if !is_same {
                self.step(Class::Safe, format!("+ index {}", index.name), &index.origin);
            }
        }
        let is_new = |name: &str| new.indexes.iter().any(|index| index.name == name);
        for index in old.indexes.iter().filter(|index| !is_new(&index.name)) {
            self.step(Class::Safe, format!("- index {}", index.name), &new.origin);
        }
    }
}

/// A column's name in the file.
fn former<'a>(source: &'a Source, column: &'a str) -> &'a str {
    source.former.get(column).map_or(column, String::as_str)
}

fn words(rows: u64) -> String {
    if rows == 1 { "1 row".to_owned() } else { format!("{} rows", counted(rows)) }
}
