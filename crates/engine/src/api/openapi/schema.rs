//! Tables as JSON Schemas: as rows are shown, and as they may be created, changed and replaced.

use document::{
    data::Table,
    expression::{Expression as Said, Literal, Operator},
};
use serde_json::{Map, Value as Json, json};
use store::Kind;

use crate::{
    Running,
    data::{Field, Resource},
};

/// Text without the NUL character, which no store keeps.
pub(super) const TEXT_PATTERN: &str = r"^[^\u0000]*$";

/// `order_items` with `Create` as `OrderItemsCreate`.
pub(super) fn name(table: &str, suffix: &str) -> String {
    let words = table.split(|letter: char| !letter.is_ascii_alphanumeric());
    let mut name: String = words
        .filter_map(|word| word.split_at_checked(1))
        .map(|(first, rest)| first.to_ascii_uppercase() + rest)
        .collect();
    name.push_str(suffix);
    name
}

/// A reference to a schema of the description.
pub(super) fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// A value of a kind.
pub(super) fn of_kind(kind: &Kind) -> Json {
    match kind {
        Kind::Uuid => json!({"type": "string", "format": "uuid"}),
        Kind::Text { length_max: None } => json!({"type": "string"}),
        Kind::Text { length_max: Some(most) } => json!({"type": "string", "maxLength": most}),
        Kind::CaseInsensitiveText => json!({"type": "string"}),
        Kind::Other { .. } => match kind.range_example() {
            Some(example) => {
                json!({"type": "string", "description": format!("a range such as {example}")})
            }
            None => json!({"type": "string"}),
        },
        Kind::Integer { bits } | Kind::Serial { bits } => integer(*bits),
        Kind::Numeric { precision, scale } => numeric(*precision, *scale),
        Kind::Real { bits: 32 } => json!({"type": "number", "format": "float"}),
        Kind::Real { .. } => json!({"type": "number", "format": "double"}),
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Timestamp { .. } => json!({"type": "string", "format": "date-time"}),
        Kind::Date => json!({"type": "string", "format": "date"}),
        Kind::Time => {
            json!({"type": "string", "pattern": r"^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,6})?$"})
        }
        Kind::Interval => json!({"type": "string", "format": "duration"}),
        Kind::Json => json!({}),
        Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
        Kind::Enum { values, .. } => json!({"type": "string", "enum": &values[..]}),
        Kind::Array { element } => json!({"type": "array", "items": nullable(of_kind(element))}),
        Kind::Network => json!({"type": "string", "description": "an internet address or network"}),
    }
}

fn integer(bits: u8) -> Json {
    match bits {
        16 => json!({"type": "integer", "minimum": i16::MIN, "maximum": i16::MAX}),
        64 => json!({"type": "integer", "format": "int64"}),
        _ => json!({
            "type": "integer", "format": "int32", "minimum": i32::MIN, "maximum": i32::MAX,
        }),
    }
}

fn numeric(precision: Option<u16>, scale: Option<u16>) -> Json {
    let (Some(precision @ 0..=15), scale) = (precision, scale.unwrap_or(0)) else {
        // Beyond fifteen digits a bound would not be exact in JSON either.
        return json!({"type": "number"});
    };
    let Some(digits) = precision.checked_sub(scale) else { return json!({"type": "number"}) };
    let bound = 10_f64.powi(i32::from(digits)) - 10_f64.powi(-i32::from(scale));
    json!({"type": "number", "minimum": -bound, "maximum": bound})
}

/// The same value, or null.
fn nullable(mut schema: Json) -> Json {
    // A format beside `"type": ["string", "null"]` is overlooked by some readers.
    if schema.get("format").is_some() && schema.get("type") == Some(&"string".into()) {
        return json!({"anyOf": [schema, {"type": "null"}]});
    }
    if let Some(kind) = schema.get("type").cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    if let Some(Json::Array(values)) = schema.get_mut("enum") {
        values.push(Json::Null);
    }
    schema
}

/// A row as it is shown.
pub(super) fn row(resource: &Resource) -> Json {
    let mut properties = Map::new();
    let mut always = Vec::new();
    for field in resource.fields.iter().filter(|field| !field.write_only) {
        let schema = of_kind(&field.kind);
        let schema = if field.nullable { nullable(schema) } else { schema };
        properties.insert(field.shown.to_string(), schema);
        always.push(field.shown.to_string());
    }
    // `fields=` leaves members out and `include=` adds some, so none is promised for good.
    json!({"type": "object", "properties": properties, "x-members": always})
}

/// A table as it may be written.
pub(super) struct Writing<'a> {
    pub(super) running: &'a Running,
    pub(super) resource: &'a Resource,
}

impl Writing<'_> {
    /// A new row.
    pub(super) fn create(&self) -> Json {
        let required = self.fields().filter(|(at, field)| self.is_required(*at, field));
        let mut object =
            self.object(required.map(|(_, field)| field.shown.to_string()).collect(), true);
        // An account comes with a password, of which its column holds the hash.
        if self.resource.is_users {
            object["properties"]["password"] = super::account::new_password(self.running);
            let mut fields = self.resource.fields.iter();
            if fields.any(|field| field.reserved && field.write_only && field.is_required()) {
                match object.get_mut("required").and_then(Json::as_array_mut) {
                    Some(names) => names.push("password".into()),
                    None => object["required"] = json!(["password"]),
                }
            }
        }
        object
    }

    /// A new row below another one: the path says what this column refers to.
    pub(super) fn create_below(&self, column: &str) -> Json {
        let mut object = self.create();
        let field = self.resource.position(column).and_then(|at| self.resource.field(at));
        let Some(shown) = field.map(|field| &*field.shown) else { return object };
        if let Some(properties) = object["properties"].as_object_mut() {
            properties.remove(shown);
        }
        if let Some(names) = object.get_mut("required").and_then(Json::as_array_mut) {
            names.retain(|name| name != shown);
        }
        object
    }

    /// Some members of a row.
    pub(super) fn update(&self) -> Json {
        self.object(Vec::new(), false)
    }

    /// A whole row; what the service sets itself stays.
    pub(super) fn replace(&self) -> Json {
        let required = self.fields().filter(|(at, field)| {
            self.is_required(*at, field) && !field.write_only && !field.reserved && !field.in_key
        });
        self.object(required.map(|(_, field)| field.shown.to_string()).collect(), false)
    }

    /// Fields that a caller may set.
    fn fields(&self) -> impl Iterator<Item = (usize, &Field)> {
        let fields = self.resource.fields.iter().enumerate();
        fields.filter(|(_, field)| !(field.generated || field.is_serial() || field.reserved))
    }

    /// A body; the key is part of new rows only, since afterwards the path names the row.
    fn object(&self, required: Vec<String>, with_key: bool) -> Json {
        let mut properties = Map::new();
        for (_, field) in self.fields().filter(|(_, field)| with_key || !field.in_key) {
            let schema = self.bounded(field);
            let schema = if field.nullable { nullable(schema) } else { schema };
            properties.insert(field.shown.to_string(), schema);
        }
        let mut object = json!({
            "type": "object", "properties": properties, "additionalProperties": false,
        });
        if !required.is_empty() {
            object["required"] = required.into();
        }
        object
    }

    /// What a create has to name, beyond what the service fills in.
    fn is_required(&self, at: usize, field: &Field) -> bool {
        let is_moment = matches!(field.kind, Kind::Timestamp { .. } | Kind::Date);
        let is_filled = self.resource.owner_fields.contains(&at)
            || field.touched
            || (is_moment && field.name.starts_with("created"))
            || self.resource.machine(&field.name).is_some();
        field.is_required() && !is_filled
    }

    /// A field's values, narrowed by the checks that a schema can express.
    fn bounded(&self, field: &Field) -> Json {
        let mut schema = of_kind(&field.kind);
        if let Some(machine) = self.resource.machine(&field.name)
            && !machine.drawn.states.is_empty()
        {
            schema = json!({"type": "string", "enum": machine.drawn.states});
        }
        if matches!(field.kind, Kind::Text { .. } | Kind::CaseInsensitiveText | Kind::Other { .. })
        {
            schema["pattern"] = TEXT_PATTERN.into();
        }
        if self.resource.is_users && *field.name == *super::account::login(self.running) {
            schema["minLength"] = 1.into();
            if field.name.contains("mail") {
                schema["format"] = "email".into();
            }
        }
        if let Some(table) = self.running.system.data.table(&self.resource.name) {
            narrow(&mut schema, table, &field.name);
        }
        schema
    }
}

/// Adds what the table's checks say about one column alone.
fn narrow(schema: &mut Json, table: &Table, column: &str) {
    for check in &table.checks {
        let mut pending: Vec<&Said> = check.condition.expression.iter().collect();
        while let Some(said) = pending.pop() {
            match said {
                Said::Binary { left, operator: Operator::And, right } => {
                    pending.extend([&**left, &**right]);
                }
                Said::Binary { left, operator: Operator::Matches, right } => {
                    if let (true, Some(pattern)) = (is_column(left, column), text(right)) {
                        schema["pattern"] = pattern.into();
                    }
                }
                Said::Binary { left, operator, right } => {
                    if let Some(number) = number(right) {
                        compare(schema, left, *operator, number, column);
                    }
                }
                Said::Between { operand, low, high, negated: false } => {
                    if let (Some(low), Some(high)) = (number(low), number(high)) {
                        compare(schema, operand, Operator::GreaterOrEqual, low, column);
                        compare(schema, operand, Operator::LessOrEqual, high, column);
                    }
                }
                Said::In { operand, list, negated: false } if is_column(operand, column) => {
                    let texts: Option<Vec<&str>> = list.iter().map(text).collect();
                    if let Some(texts) = texts {
                        schema["enum"] = texts.into();
                    }
                }
                _ => {}
            }
        }
    }
}

fn compare(schema: &mut Json, left: &Said, operator: Operator, number: f64, column: &str) {
    let is_length = match left {
        Said::Call { function, arguments } => {
            let counts = ["length", "char_length", "character_length"];
            let [argument] = arguments.as_slice() else { return };
            if !counts.contains(&function.as_str()) || !is_column(argument, column) {
                return;
            }
            true
        }
        left if is_column(left, column) => false,
        _ => return,
    };
    let (word, number) = match (is_length, operator) {
        (true, Operator::Greater) => ("minLength", number + 1.0),
        (true, Operator::GreaterOrEqual) => ("minLength", number),
        (true, Operator::Less) => ("maxLength", number - 1.0),
        (true, Operator::LessOrEqual) => ("maxLength", number),
        (false, Operator::Greater) => ("exclusiveMinimum", number),
        (false, Operator::GreaterOrEqual) => ("minimum", number),
        (false, Operator::Less) => ("exclusiveMaximum", number),
        (false, Operator::LessOrEqual) => ("maximum", number),
        (true, Operator::NotEqual) if number == 0.0 => ("minLength", 1.0),
        _ => return,
    };
    schema[word] = whole_or_real(number);
}

/// A whole number without a point, since lengths take no other.
fn whole_or_real(number: f64) -> Json {
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and small")]
    match number.fract() == 0.0 && number.abs() < 1e15 {
        true => (number as i64).into(),
        false => number.into(),
    }
}

fn is_column(said: &Said, column: &str) -> bool {
    matches!(said, Said::Column { name } if name == column)
}

fn number(said: &Said) -> Option<f64> {
    match said {
        Said::Literal { literal: Literal::Number(digits) } => digits.parse().ok(),
        Said::Negate { operand } => number(operand).map(|number| -number),
        _ => None,
    }
}

fn text(said: &Said) -> Option<&str> {
    match said {
        Said::Literal { literal: Literal::Text(text) } => Some(text),
        _ => None,
    }
}
