//! What is in the database: tables, columns, constraints and indexes as its catalog shows them.

use std::{collections::BTreeMap, sync::Arc};

use super::talk::Talk;
use crate::{
    Kind, StoreError,
    change::{
        adopt::{Found, FoundColumn},
        ledger,
    },
};

/// Begins the names of checks that stand in for NOT NULL while rows are looked at.
pub(super) const NOT_NULL_CHECK: &str = "not null of ";

/// Everything in the schema that statements create in.
#[derive(Debug, Default)]
pub(super) struct There {
    pub(super) tables: BTreeMap<String, TableThere>,
    /// Views, sequences and whatever else takes a name that a table could have, with the SELECT
    /// of views.
    pub(super) others: BTreeMap<String, String>,
    /// The letters by which the catalog tells the others apart.
    pub(super) kinds: BTreeMap<String, String>,
    /// Enumerated types with their values, and the names of others without any.
    pub(super) types: super::define::Types,
}

/// A table.
#[derive(Debug, Default)]
pub(super) struct TableThere {
    pub(super) columns: Vec<ColumnThere>,
    pub(super) constraints: Vec<ConstraintThere>,
    pub(super) indexes: Vec<IndexThere>,
    /// Indexes of partitioned tables cannot be built beside its use.
    pub(super) is_partitioned: bool,
}

/// A column.
#[derive(Debug, Clone)]
pub(super) struct ColumnThere {
    pub(super) name: String,
    /// As PostgreSQL writes it: `character varying(40)`.
    pub(super) native: String,
    /// Values of its enumerated type, or of its elements'.
    pub(super) labels: Vec<String>,
    pub(super) is_required: bool,
    /// Numbered by the database itself.
    pub(super) is_identity: bool,
    pub(super) is_generated: bool,
    /// The default or the computation.
    pub(super) expression: Option<String>,
}

/// A constraint.
#[derive(Debug, Clone)]
pub(super) struct ConstraintThere {
    pub(super) name: String,
    /// `p`, `u`, `f`, `c` or `x`.
    pub(super) kind: String,
    pub(super) columns: Vec<String>,
    /// The table referred to.
    pub(super) referred: Option<String>,
    /// Without `NOT VALID`.
    pub(super) definition: String,
    pub(super) is_valid: bool,
}

/// An index.
#[derive(Debug, Clone)]
pub(super) struct IndexThere {
    pub(super) name: String,
    /// False where it was left unfinished.
    pub(super) is_valid: bool,
}

const RELATIONS: &str = "
    SELECT c.relname::text, c.relkind::text,
      CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) ELSE '' END
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')";

const COLUMNS: &str = "
    SELECT c.relname::text, a.attname::text,
      CASE WHEN y.typtype = 'd' THEN format_type(y.typbasetype, y.typtypmod)
        ELSE format_type(a.atttypid, a.atttypmod) END,
      a.attnotnull,
      a.attidentity <> '', a.attgenerated <> '', pg_get_expr(d.adbin, d.adrelid),
      coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
        FROM pg_catalog.pg_enum e JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE e.enumtypid IN (t.oid, t.typelem)), '{}')
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
    LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p')
      AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY c.relname, a.attnum";

const CONSTRAINTS: &str = "
    SELECT c.relname::text, o.conname::text, o.contype::text, pg_get_constraintdef(o.oid),
      o.convalidated, r.relname::text,
      coalesce((SELECT array_agg(a.attname::text ORDER BY k.place)
        FROM unnest(o.conkey) WITH ORDINALITY AS k (number, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = o.conrelid AND a.attnum = k.number), '{}')
    FROM pg_catalog.pg_constraint o
    JOIN pg_catalog.pg_class c ON c.oid = o.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_catalog.pg_class r ON r.oid = o.confrelid
    WHERE n.nspname = current_schema() AND o.contype IN ('p', 'u', 'f', 'c', 'x')
    ORDER BY c.relname, o.conname";

const INDEXES: &str = "
    SELECT c.relname::text, x.relname::text, i.indisvalid AND i.indisready
    FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
    JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = current_schema()
    ORDER BY c.relname, x.relname";

const TYPES: &str = "
    SELECT t.typname::text, coalesce((SELECT array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
      FROM pg_catalog.pg_enum e WHERE e.enumtypid = t.oid), '{}')
    FROM pg_catalog.pg_type t
    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
    WHERE n.nspname = current_schema()";

impl There {
    pub(super) fn read(talk: &Talk) -> Result<Self, StoreError> {
        let mut there = Self::default();
        for row in talk.rows(RELATIONS, &[])? {
            let (name, kind): (String, String) = (row.get(0), row.get(1));
            if kind == "r" || kind == "p" {
                let is_partitioned = kind == "p";
                let table = TableThere { is_partitioned, ..TableThere::default() };
                there.tables.insert(name, table);
            } else {
                there.kinds.insert(name.clone(), kind);
                there.others.insert(name, row.get(2));
            }
        }
        for row in talk.rows(COLUMNS, &[])? {
            let column = ColumnThere {
                name: row.get(1),
                native: row.get(2),
                is_required: row.get(3),
                is_identity: row.get(4),
                is_generated: row.get(5),
                expression: row.get(6),
                labels: row.get(7),
            };
            if let Some(table) = there.tables.get_mut(row.get::<_, &str>(0)) {
                table.columns.push(column);
            }
        }
        for row in talk.rows(CONSTRAINTS, &[])? {
            let definition: String = row.get(3);
            let definition = definition.strip_suffix(" NOT VALID").unwrap_or(&definition);
            let constraint = ConstraintThere {
                name: row.get(1),
                kind: row.get(2),
                definition: definition.to_owned(),
                is_valid: row.get(4),
                referred: row.get(5),
                columns: row.get(6),
            };
            if let Some(table) = there.tables.get_mut(row.get::<_, &str>(0)) {
                table.constraints.push(constraint);
            }
        }
        for row in talk.rows(INDEXES, &[])? {
            let index = IndexThere { name: row.get(1), is_valid: row.get(2) };
            if let Some(table) = there.tables.get_mut(row.get::<_, &str>(0)) {
                table.indexes.push(index);
            }
        }
        there.types = talk.rows(TYPES, &[])?.iter().map(|row| (row.get(0), row.get(1))).collect();
        Ok(there)
    }

    /// Definitions by name, for later comparison with what was left.
    pub(super) fn objects(&self) -> BTreeMap<String, String> {
        let own = [ledger::SCHEMA_TABLE, ledger::HISTORY_TABLE];
        let others = self.others.iter().map(|(name, kind)| (name.clone(), kind.clone()));
        self.tables
            .iter()
            .filter(|(name, _)| !own.contains(&name.as_str()))
            .map(|(name, table)| (name.clone(), table.definition()))
            .chain(others)
            .collect()
    }
}

impl TableThere {
    /// As a table that may be adopted.
    pub(super) fn found(&self) -> Found {
        let of_kind =
            |kind: &'static str| self.constraints.iter().filter(move |it| it.kind == kind);
        Found {
            columns: self
                .columns
                .iter()
                .map(|column| FoundColumn {
                    name: column.name.clone(),
                    kind: column.kind(),
                    is_required: column.is_required,
                    has_default: column.expression.is_some() || column.is_identity,
                })
                .collect(),
            primary_key: self.primary_key().map(|key| key.columns.clone()).unwrap_or_default(),
            checks: of_kind("c").map(|check| check.name.clone()).collect(),
            indexes: self
                .indexes
                .iter()
                .filter(|index| index.is_valid)
                .map(|index| index.name.clone())
                .collect(),
            foreign_keys: of_kind("f")
                .map(|key| (key.columns.clone(), key.referred.clone().unwrap_or_default()))
                .collect(),
        }
    }

    pub(super) fn column(&self, name: &str) -> Option<&ColumnThere> {
        self.columns.iter().find(|column| column.name == name)
    }

    pub(super) fn constraint(&self, name: &str) -> Option<&ConstraintThere> {
        self.constraints.iter().find(|constraint| constraint.name == name)
    }

    pub(super) fn primary_key(&self) -> Option<&ConstraintThere> {
        self.constraints.iter().find(|constraint| constraint.kind == "p")
    }

    pub(super) fn index(&self, name: &str) -> Option<&IndexThere> {
        self.indexes.iter().find(|index| index.name == name)
    }

    /// Columns and constraints as one text. Indexes come and go by themselves.
    pub(super) fn definition(&self) -> String {
        self.definition_of(|_| true)
    }

    /// The same for some of the columns only.
    pub(super) fn definition_of(&self, is_wanted: impl Fn(&ColumnThere) -> bool) -> String {
        let columns = self.columns.iter().filter(|column| is_wanted(column));
        let mut parts: Vec<String> = columns.map(ColumnThere::definition).collect();
        let constraints = self.constraints.iter();
        parts.extend(
            constraints
                .filter(|constraint| !constraint.name.starts_with(NOT_NULL_CHECK))
                .map(|constraint| format!("{} {}", constraint.name, constraint.definition)),
        );
        parts.join(", ")
    }
}

impl ColumnThere {
    fn definition(&self) -> String {
        let mut text = format!("{} {}", self.name, self.native);
        if self.is_required {
            text.push_str(" NOT NULL");
        }
        if self.is_identity {
            text.push_str(" IDENTITY");
        }
        if let Some(expression) = &self.expression {
            text.push_str(if self.is_generated { " AS " } else { " DEFAULT " });
            text.push_str(expression);
        }
        text
    }

    /// Counted up by the database, in either way.
    pub(super) fn is_serial(&self) -> bool {
        let is_sequence =
            self.expression.as_deref().is_some_and(|default| default.starts_with("nextval("));
        self.is_identity || (is_sequence && !self.is_generated)
    }

    /// What it holds.
    pub(super) fn kind(&self) -> Kind {
        match kind_of(&self.native, &self.labels) {
            Kind::Integer { bits } if self.is_serial() => Kind::Serial { bits },
            kind => kind,
        }
    }
}

/// A type as PostgreSQL writes it, as a kind.
pub(super) fn kind_of(native: &str, labels: &[String]) -> Kind {
    if let Some(element) = native.strip_suffix("[]") {
        return Kind::Array { element: Box::new(kind_of(element, labels)) };
    }
    let (name, modifier) = match native.split_once('(') {
        Some((name, rest)) => {
            let (inside, after) = rest.split_once(')').unwrap_or((rest, ""));
            (format!("{}{after}", name.trim_end()), Some(inside))
        }
        None => (native.to_owned(), None),
    };
    let mut numbers = modifier.unwrap_or("").split(',').map(|part| part.trim().parse::<u32>().ok());
    let first = numbers.next().flatten();
    let second = numbers.next().flatten();
    let short = |number: Option<u32>| number.and_then(|number| u16::try_from(number).ok());
    match name.as_str() {
        "uuid" => Kind::Uuid,
        "text" => Kind::Text { length_max: None },
        "character varying" | "character" => Kind::Text { length_max: first },
        "citext" => Kind::CaseInsensitiveText,
        "smallint" => Kind::Integer { bits: 16 },
        "integer" => Kind::Integer { bits: 32 },
        "bigint" => Kind::Integer { bits: 64 },
        "numeric" => Kind::Numeric { precision: short(first), scale: short(second) },
        "real" => Kind::Real { bits: 32 },
        "double precision" => Kind::Real { bits: 64 },
        "boolean" => Kind::Boolean,
        "timestamp with time zone" => Kind::Timestamp { zoned: true },
        "timestamp without time zone" => Kind::Timestamp { zoned: false },
        "date" => Kind::Date,
        "time without time zone" => Kind::Time,
        "interval" => Kind::Interval,
        "json" | "jsonb" => Kind::Json,
        "bytea" => Kind::Bytes,
        "inet" | "cidr" => Kind::Network,
        _ if !labels.is_empty() => {
            Kind::Enum { name: Arc::from(name.trim_matches('"')), values: Arc::from(labels) }
        }
        _ => Kind::Other { name: Arc::from(native) },
    }
}
