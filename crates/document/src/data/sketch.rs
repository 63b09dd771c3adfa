//! Entities in any form but SQL, brought to one shape: what a diagram, an interface, a JSON
//! sketch, a column table or a list says of a table.

use super::{
    Column, ColumnType, DefaultValue, Form, ReferentialAction,
    draft::{DraftColumn, DraftForeignKey, DraftKey, DraftTable, Parts, ValueList, ValueSource},
    name::{entity_key, plural, snake},
    secret::is_secret,
    sql::{cursor::Name, known_type},
};
use crate::Span;

/// An entity.
#[derive(Debug, Clone)]
pub(crate) struct Sketch {
    /// The form it is written in.
    pub(crate) form: Form,
    /// Its name as written.
    pub(crate) name: String,
    /// Where the name is written.
    pub(crate) span: Span,
    /// Its fields in order.
    pub(crate) fields: Vec<Field>,
    /// True where it is surely something that is stored, and not a message or a view of it.
    pub(crate) is_stored: bool,
    /// All of it.
    pub(crate) statement: Span,
}

/// A field of an entity.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// Its name as written.
    pub(crate) name: String,
    /// Where.
    pub(crate) span: Span,
    /// Its type; none where it is not a stored one, such as a list of other entities.
    pub(crate) kind: Option<ColumnType>,
    /// Where the type is written.
    pub(crate) kind_span: Span,
    /// Whether it may be left out; none where nothing says so.
    pub(crate) nullable: Option<bool>,
    /// Part of the primary key.
    pub(crate) is_key: bool,
    /// Unique.
    pub(crate) is_unique: bool,
    /// A foreign key, to a table where one is named.
    pub(crate) refers: Option<Option<(String, Span)>>,
    /// The values it may take.
    pub(crate) values: Option<Vec<String>>,
    /// Its default.
    pub(crate) default: Option<DefaultValue>,
    /// What stands beside it.
    pub(crate) comment: Option<String>,
}

impl Field {
    /// A field of this name and type.
    pub(crate) fn new(name: &str, span: Span, kind: Option<ColumnType>, kind_span: Span) -> Self {
        Self {
            name: name.to_owned(),
            span,
            kind,
            kind_span,
            nullable: None,
            is_key: false,
            is_unique: false,
            refers: None,
            values: None,
            default: None,
            comment: None,
        }
    }

    /// The column's name.
    pub(crate) fn column(&self) -> String {
        snake(&self.name)
    }
}

impl Sketch {
    /// The name for comparison.
    pub(crate) fn key(&self) -> String {
        entity_key(&self.name)
    }

    /// The name of the table it declares: `Order` is `orders`; a name that is written like a
    /// table's is kept.
    pub(crate) fn table_name(&self) -> String {
        let name = snake(&self.name);
        let is_table_name = self.name == name && self.form != Form::TypeScript;
        if is_table_name {
            return name;
        }
        match name.rsplit_once('_') {
            Some((before, last)) => format!("{before}_{}", plural(last)),
            None => plural(&name),
        }
    }

    /// True where it has a field that can be its key.
    pub(crate) fn has_key(&self) -> bool {
        self.fields.iter().any(|field| field.is_key || field.column() == "id")
    }

    /// The table that it declares. Keys and times of other forms are made usable: a key is given
    /// by the store, and `created_at` is the time of creation.
    pub(crate) fn declare(&self, known: &dyn Fn(&str) -> Option<String>) -> DraftTable {
        let mut parts = Parts::default();
        let keyed: Vec<&Field> = self.fields.iter().filter(|field| field.is_key).collect();
        let id = self.fields.iter().find(|field| field.column() == "id");
        let keys = if keyed.is_empty() { id.into_iter().collect() } else { keyed };
        for field in &self.fields {
            if field.kind.is_none() {
                continue;
            }
            let is_key = keys.iter().any(|key| key.name == field.name);
            self.declare_field(field, is_key && keys.len() == 1, is_key, known, &mut parts);
        }
        if !keys.is_empty() {
            parts.primary_key =
                Some(keys.iter().map(|key| name_of(&key.column(), key.span)).collect());
        }
        DraftTable {
            name: name_of(&self.table_name(), self.span),
            parts,
            form: self.form,
            comment: None,
            renamed_from: None,
            partition_of: None,
            partition_by: Vec::new(),
            statement: self.statement,
        }
    }

    fn declare_field(
        &self,
        field: &Field,
        is_only_key: bool,
        is_key: bool,
        known: &dyn Fn(&str) -> Option<String>,
        parts: &mut Parts,
    ) {
        let name = field.column();
        let Some(mut kind) = field.kind.clone() else { return };
        let mut default = field.default.clone();
        if is_only_key && field.refers.is_none() {
            (kind, default) = given_key(kind, default);
        }
        if name == "created_at" && matches!(kind, ColumnType::Timestamp { .. }) {
            default = default.or(Some(DefaultValue::Now));
        }
        if let Some(target) = self.target(field, &name, is_only_key, known) {
            parts.foreign_keys.push(DraftForeignKey {
                columns: vec![name_of(&name, field.span)],
                table: target,
                referred: Vec::new(),
                on_delete: ReferentialAction::NoAction,
                on_update: ReferentialAction::NoAction,
                span: field.span,
            });
        }
        if field.is_unique && !is_only_key {
            parts.unique_keys.push(DraftKey {
                name: None,
                columns: vec![name_of(&name, field.span)],
                condition: None,
                span: field.span,
            });
        }
        let is_server_time = name == "updated_at" && default.is_none();
        let column = Column {
            write_only: is_secret(&name),
            name,
            kind,
            nullable: !is_key && (is_server_time || field.nullable.unwrap_or(true)),
            default,
            generated: None,
            touched_on_update: false,
            comment: field.comment.clone(),
            renamed_from: None,
            span: field.span,
            type_span: field.kind_span,
        };
        let values = field.values.clone().map(|values| ValueList {
            values,
            source: ValueSource::Inline,
            span: field.kind_span,
        });
        parts.columns.push(DraftColumn { column, unknown_type: None, values });
    }

    /// The table that a field refers to: as written, or by its name where it is marked as a
    /// foreign key.
    fn target(
        &self,
        field: &Field,
        column: &str,
        is_only_key: bool,
        known: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Name> {
        let stem = column.strip_suffix("_id");
        match &field.refers {
            Some(Some((table, span))) => {
                Some(name_of(&known(&entity_key(table)).unwrap_or_else(|| snake(table)), *span))
            }
            _ if is_only_key => None,
            Some(None) | None => known(&entity_key(stem?)).map(|table| name_of(&table, field.span)),
        }
    }
}

/// A key that the store gives: numbers count, everything else is a random UUID.
fn given_key(
    kind: ColumnType,
    default: Option<DefaultValue>,
) -> (ColumnType, Option<DefaultValue>) {
    match kind {
        ColumnType::Integer { bits } | ColumnType::Serial { bits } => {
            (ColumnType::Serial { bits }, None)
        }
        ColumnType::Text { length_max: None } | ColumnType::Uuid => {
            (ColumnType::Uuid, Some(DefaultValue::RandomUuid))
        }
        ColumnType::Real { .. } | ColumnType::Numeric { .. } => {
            (ColumnType::Serial { bits: 64 }, None)
        }
        other => (other, default),
    }
}

/// A name at a place.
pub(crate) fn name_of(name: &str, span: Span) -> Name {
    Name { name: name.to_owned(), span, is_hole: false, schema_bytes: 0 }
}

/// A type as people write it outside of SQL: `string`, `Date`, `varchar(255)`, `uuid[]`.
pub(crate) fn plain_type(text: &str) -> Option<ColumnType> {
    let text = text.trim().trim_matches(['`', '"', '\'', '*']).trim();
    if let Some(element) = text.strip_suffix("[]") {
        return plain_type(element).map(|element| ColumnType::Array { element: Box::new(element) });
    }
    let lower = text.to_lowercase();
    let (word, rest) = match lower.split_once('(') {
        Some((word, rest)) => (word.trim(), rest.trim_end_matches(')')),
        None => (lower.as_str(), ""),
    };
    let kind = match word {
        "string" | "str" | "email" | "url" | "uri" | "slug" | "phone" | "markdown" | "html"
        | "longtext" | "richtext" => ColumnType::Text { length_max: rest.parse().ok() },
        "number" | "float" | "double" => ColumnType::Real { bits: 64 },
        "long" => ColumnType::Integer { bits: 64 },
        "boolean" | "bool" => ColumnType::Boolean,
        "datetime" | "timestamp" | "timestamptz" | "timestamp with time zone" | "instant" => {
            ColumnType::Timestamp { zoned: true }
        }
        "object" | "json" | "jsonb" | "map" | "dict" | "any" => ColumnType::Json,
        "array" | "list" => {
            ColumnType::Array { element: Box::new(ColumnType::Text { length_max: None }) }
        }
        "objectid" | "uuid" | "guid" => ColumnType::Uuid,
        _ => {
            let arguments: Vec<String> = rest
                .split(',')
                .map(|argument| argument.trim().to_owned())
                .filter(|argument| !argument.is_empty())
                .collect();
            return known_type(&word.to_ascii_uppercase(), &arguments);
        }
    };
    Some(kind)
}
