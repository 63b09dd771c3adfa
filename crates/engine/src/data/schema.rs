//! From the document's tables to the schema that the store is asked for: types, defaults, keys,
//! checks and indexes with their origin, and the engine's own tables beside them.

use std::{collections::HashSet, sync::Arc};

use document::{
    Compiled, Span,
    data::{self, ColumnType, Data, DefaultValue, SqlExpression},
    expression::Literal,
};
use store::{Kind, Value, schema};

use super::lower::{Lowering, literal};
use crate::sabotage::{self, Sabotage};

/// The schema that the store should have for this document.
pub fn schema(compiled: &Compiled) -> schema::Schema {
    let data = &compiled.system.data;
    let writer = Writer { compiled, data };
    let mut tables: Vec<schema::Table> =
        data.tables.iter().map(|table| writer.table(table)).collect();
    let mut names: HashSet<String> = tables.iter().map(|table| table.name.clone()).collect();
    let own = crate::security::internal_tables(&compiled.system);
    for table in own.into_iter().chain([crate::api::idempotency::table()]) {
        if names.insert(table.name.clone()) {
            tables.push(table);
        }
    }
    separate_index_names(&mut tables);
    schema::Schema { tables, views: writer.views(), drops: writer.drops() }
}

/// What a column of this type holds in the store.
pub(crate) fn kind_of(declared: &ColumnType, data: &Data) -> Kind {
    match declared {
        ColumnType::Uuid => Kind::Uuid,
        ColumnType::Text { length_max } => Kind::Text {
            length_max: length_max
                .filter(|_| !sabotage::is(Sabotage::ForgetLength))
                .map(|length| length + u32::from(sabotage::is(Sabotage::LengthOffByOne))),
        },
        ColumnType::CaseInsensitiveText => Kind::CaseInsensitiveText,
        ColumnType::Integer { bits: 16 | 32 } if sabotage::is(Sabotage::ForgetIntegerRange) => {
            Kind::Integer { bits: 64 }
        }
        ColumnType::Integer { bits } => Kind::Integer { bits: *bits },
        ColumnType::Serial { bits } => Kind::Serial { bits: *bits },
        ColumnType::Numeric { precision, scale } => {
            // A number without a precision has no scale either.
            let is_free = sabotage::is(Sabotage::ForgetNumericPrecision);
            let is_long = sabotage::is(Sabotage::ForgetNumericScale);
            Kind::Numeric {
                precision: if is_free { Some(60) } else { *precision },
                scale: scale.map(|scale| scale + u16::from(is_long)),
            }
        }
        ColumnType::Real { bits } => Kind::Real { bits: *bits },
        ColumnType::Boolean => Kind::Boolean,
        ColumnType::Timestamp { zoned } => Kind::Timestamp { zoned: *zoned },
        ColumnType::Date if sabotage::is(Sabotage::DatesAsText) => Kind::Text { length_max: None },
        ColumnType::Date => Kind::Date,
        ColumnType::Time => Kind::Time,
        ColumnType::Interval => Kind::Interval,
        ColumnType::Json => Kind::Json,
        ColumnType::Bytes => Kind::Bytes,
        ColumnType::Enum { name } => match data.enumeration(name) {
            Some(declared) if !sabotage::is(Sabotage::ForgetEnum) => Kind::Enum {
                name: Arc::from(name.as_str()),
                values: Arc::from(declared.values.as_slice()),
            },
            _ => Kind::Other { name: Arc::from(name.as_str()) },
        },
        ColumnType::Array { element } => Kind::Array { element: Box::new(kind_of(element, data)) },
        ColumnType::Network => Kind::Network,
        ColumnType::Other { name } => Kind::Other { name: Arc::from(name.as_str()) },
    }
}

struct Writer<'a> {
    compiled: &'a Compiled,
    data: &'a Data,
}

impl Writer<'_> {
    fn origin(&self, span: Span) -> String {
        self.compiled.sources.location(span)
    }

    fn lower(&self, table: &str, written: &SqlExpression) -> Option<store::Expression> {
        Lowering::schema(self.data, table).lower(written.expression.as_ref()?)
    }

    fn table(&self, table: &data::Table) -> schema::Table {
        schema::Table {
            name: table.name.clone(),
            columns: table.columns.iter().map(|column| self.column(table, column)).collect(),
            primary_key: table.primary_key.clone(),
            unique_keys: table
                .unique_keys
                .iter()
                .filter_map(|key| self.unique(table, key))
                .collect(),
            checks: self.checks(table),
            exclusions: self.exclusions(table),
            foreign_keys: table.foreign_keys.iter().filter_map(|key| self.foreign(key)).collect(),
            indexes: table.indexes.iter().filter_map(|index| self.index(table, index)).collect(),
            renamed_from: table.renamed_from.clone(),
            origin: self.origin(table.span),
        }
    }

    fn column(&self, table: &data::Table, column: &data::Column) -> schema::Column {
        let kind = kind_of(&column.kind, self.data);
        let default =
            column.default.as_ref().and_then(|default| self.default(&kind, table, default));
        let generated =
            column.generated.as_ref().and_then(|written| self.lower(&table.name, written));
        let generated = generated.filter(|_| !sabotage::is(Sabotage::ForgetGenerated));
        schema::Column {
            name: column.name.clone(),
            kind,
            nullable: column.nullable || is_left_free(table, column),
            default,
            generated,
            renamed_from: column.renamed_from.clone(),
            origin: self.origin(column.span),
        }
    }

    fn default(
        &self,
        kind: &Kind,
        table: &data::Table,
        default: &DefaultValue,
    ) -> Option<schema::Default> {
        Some(match default {
            DefaultValue::Literal { literal: Literal::Null } => return None,
            DefaultValue::Literal { .. } if sabotage::is(Sabotage::ForgetDefault) => return None,
            DefaultValue::Literal { literal: value } => {
                schema::Default::Value(literal(value, Some(kind)))
            }
            DefaultValue::Now => schema::Default::Now,
            DefaultValue::Today => schema::Default::Today,
            DefaultValue::RandomUuid => schema::Default::RandomUuid,
            DefaultValue::Expression { expression } => schema::Default::Expression(
                Lowering::schema(self.data, &table.name).lower(expression)?,
            ),
        })
    }

    /// A partial key whose condition has no typed form would cover more rows than it says: left out.
    fn unique(&self, table: &data::Table, key: &data::UniqueKey) -> Option<schema::UniqueKey> {
        if sabotage::is(Sabotage::ForgetUnique) {
            return None;
        }
        let condition = match &key.condition {
            Some(_) if sabotage::is(Sabotage::WidenPartialUnique) => None,
            Some(written) => Some(self.lower(&table.name, written)?),
            None => None,
        };
        let name = key
            .name
            .clone()
            .unwrap_or_else(|| format!("{}_{}_key", table.name, key.columns.join("_")));
        Some(schema::UniqueKey {
            name,
            columns: key.columns.clone(),
            condition,
            origin: self.origin(key.span),
        })
    }

    fn checks(&self, table: &data::Table) -> Vec<schema::Check> {
        let mut checks = Vec::new();
        for (place, check) in table.checks.iter().enumerate() {
            if let Some(condition) = self.lower(&table.name, &check.condition)
                && !sabotage::is(Sabotage::ForgetCheck)
            {
                checks.push(schema::Check {
                    name: check_name(table, place),
                    condition,
                    origin: self.origin(check.condition.span),
                });
            }
        }
        checks
    }

    /// One whose condition has no typed form would cover more rows than it says: left out.
    fn exclusions(&self, table: &data::Table) -> Vec<schema::Exclusion> {
        let mut exclusions = Vec::new();
        if sabotage::is(Sabotage::ForgetExclusion) {
            return exclusions;
        }
        let is_widened = sabotage::is(Sabotage::WidenExclusion);
        for (place, own) in table.exclusions.iter().enumerate() {
            let condition = match &own.condition {
                Some(written) => match self.lower(&table.name, written) {
                    Some(condition) => Some(condition),
                    None => continue,
                },
                None => None,
            };
            let range = |range: &data::Range| match range {
                data::Range::Column { column } => schema::Range::Column(column.clone()),
                data::Range::Made { kind, from, to, bounds } => schema::Range::Made {
                    kind: kind.clone(),
                    from: from.clone(),
                    to: to.clone(),
                    bounds: if is_widened { "[]".to_owned() } else { bounds.clone() },
                },
            };
            exclusions.push(schema::Exclusion {
                name: exclusion_name(table, place),
                equal: own.equal.clone(),
                overlapping: own.overlapping.iter().map(range).collect(),
                condition,
                origin: self.origin(own.span),
            });
        }
        exclusions
    }

    fn foreign(&self, key: &data::ForeignKey) -> Option<schema::ForeignKey> {
        if sabotage::is(Sabotage::ForgetForeignKey) {
            return None;
        }
        let referred_table = self.data.table(&key.table).filter(|_| key.resolved)?;
        let referred = match key.referred.is_empty() {
            true => referred_table.primary_key.clone(),
            false => key.referred.clone(),
        };
        (referred.len() == key.columns.len()).then(|| schema::ForeignKey {
            columns: key.columns.clone(),
            table: key.table.clone(),
            referred,
            on_delete: action(key.on_delete),
            on_update: action(key.on_update),
        })
    }

    fn index(&self, table: &data::Table, index: &data::Index) -> Option<schema::Index> {
        if sabotage::is(Sabotage::ForgetIndex) {
            return None;
        }
        let condition = match &index.condition {
            Some(written) => Some(self.lower(&table.name, written)?),
            None => None,
        };
        let mut parts = Vec::new();
        for part in &index.parts {
            let expression = match &part.column {
                Some(column) => store::Expression::column(column.as_str()),
                None => self.lower(&table.name, &part.expression)?,
            };
            parts.push((expression, part.descending));
        }
        Some(schema::Index {
            name: index.name.clone(),
            parts,
            method: index.method.clone(),
            condition,
            origin: self.origin(index.span),
        })
    }

    /// Views, each after those that it reads; views that read one another in a circle are left out.
    fn views(&self) -> Vec<schema::View> {
        let mut waiting: Vec<&data::View> = self.data.views.iter().collect();
        let mut sorted = Vec::new();
        loop {
            let names: HashSet<&str> = waiting.iter().map(|view| view.name.as_str()).collect();
            let (later, ready): (Vec<&data::View>, Vec<&data::View>) = waiting
                .iter()
                .copied()
                .partition(|view| view.tables.iter().any(|name| names.contains(name.as_str())));
            if ready.is_empty() {
                return sorted;
            }
            sorted.extend(ready.into_iter().map(|view| schema::View {
                name: view.name.clone(),
                select: view.select.clone(),
                origin: self.origin(view.span),
            }));
            waiting = later;
        }
    }

    fn drops(&self) -> Vec<schema::Dropped> {
        let drops = self.data.drops.iter();
        drops
            .map(|dropped| schema::Dropped {
                table: dropped.table.clone(),
                column: dropped.column.clone(),
                origin: self.origin(dropped.span),
            })
            .collect()
    }
}

/// True for a column whose NOT NULL is forgotten on purpose.
pub(super) fn is_left_free(table: &data::Table, column: &data::Column) -> bool {
    sabotage::is(Sabotage::ForgetNotNull) && !table.primary_key.contains(&column.name)
}

/// The name of a table's check: as written, else made from its place, so that it can be told
/// from the others when the store names it.
pub(crate) fn check_name(table: &data::Table, place: usize) -> String {
    match table.checks.get(place).and_then(|check| check.name.clone()) {
        Some(name) => name,
        None => format!("{}_check_{}", table.name, place + 1),
    }
}

/// The name of a table's exclusion: as written, else made from its place.
pub(crate) fn exclusion_name(table: &data::Table, place: usize) -> String {
    match table.exclusions.get(place).and_then(|own| own.name.clone()) {
        Some(name) => name,
        None => format!("{}_excl_{}", table.name, place + 1),
    }
}

fn action(action: data::ReferentialAction) -> schema::ReferentialAction {
    use schema::ReferentialAction as Store;
    match action {
        data::ReferentialAction::NoAction | data::ReferentialAction::Restrict
            if sabotage::is(Sabotage::CascadeInsteadOfRestrict) =>
        {
            Store::Cascade
        }
        data::ReferentialAction::Cascade if sabotage::is(Sabotage::RestrictInsteadOfCascade) => {
            Store::Restrict
        }
        data::ReferentialAction::SetNull if sabotage::is(Sabotage::CascadeInsteadOfSetNull) => {
            Store::Cascade
        }
        data::ReferentialAction::NoAction => Store::NoAction,
        data::ReferentialAction::Restrict => Store::Restrict,
        data::ReferentialAction::Cascade => Store::Cascade,
        data::ReferentialAction::SetNull => Store::SetNull,
        data::ReferentialAction::SetDefault => Store::SetDefault,
    }
}

/// Index names are unique in the whole schema, but documents repeat them from table to table.
fn separate_index_names(tables: &mut [schema::Table]) {
    let mut taken = HashSet::new();
    for table in tables {
        for index in &mut table.indexes {
            if !taken.insert(index.name.clone()) {
                let mut name = format!("{}_{}", table.name, index.name);
                while !taken.insert(name.clone()) {
                    name.push('_');
                }
                index.name = name;
            }
        }
    }
}

/// A column for the engine's own tables.
pub(crate) fn own_column(name: &str, kind: Kind, nullable: bool) -> schema::Column {
    schema::Column {
        name: name.to_owned(),
        kind,
        nullable,
        default: None,
        generated: None,
        renamed_from: None,
        origin: String::new(),
    }
}

/// A default as a value, where it is one without asking the store.
pub(crate) fn constant(default: &DefaultValue, kind: &Kind) -> Option<Value> {
    match default {
        DefaultValue::Literal { literal: value } => Some(literal(value, Some(kind))),
        _ => None,
    }
}
