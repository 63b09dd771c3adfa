//! From the members of a body to the values of a row: every value read by its column's kind, all
//! errors at once, what is absent filled in as the document says.

use document::{
    data::DefaultValue,
    expression::{Expression as Said, Operator},
};
use jiff::Timestamp;
use serde_json::Value as Json;
use store::{Kind, Value};

use super::{Field, Resource, body::Members, constant, fitting};
use crate::{
    Problem, World,
    problem::{Detail, ProblemCode},
    sabotage::{self, Sabotage},
    security::{NewPassword, may::Asker},
};

/// Values by the position of their field.
pub(crate) type Values = Vec<(usize, Value)>;

/// A new row.
#[derive(Debug, Clone)]
pub(crate) struct New {
    /// Its values.
    pub(crate) values: Values,
    /// The password of a new user.
    pub(crate) password: Option<NewPassword>,
}

/// What is done with members that cannot be set.
#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Create,
    Merge,
    Replace,
}

/// The values of a new row; all of it but what only the store knows, and a password, whose hash
/// comes later.
///
/// # Errors
/// 400 with one detail for each field.
pub(crate) fn create(
    asker: &Asker<'_>,
    resource: &Resource,
    mut members: Members,
    fixed: &[(usize, Value)],
) -> Result<New, Problem> {
    let password = crate::security::take_password(asker, resource, &mut members)?;
    let mut reading = Reading::new(asker, resource, Mode::Create, fixed);
    reading.take(members);
    for (position, value) in fixed {
        reading.put(*position, value.clone());
    }
    reading.fill_owner();
    for (position, field) in resource.fields.iter().enumerate() {
        if reading.has(position) || reading.is_wrong(field) || field.generated {
            continue;
        }
        let is_password = resource.is_users && field.reserved && field.write_only;
        if is_password && password.is_some() {
            continue;
        }
        if let Some(value) = reading.initial(field) {
            reading.put(position, value);
        } else if field.is_required() && is_password {
            let (field, message) = ("password".to_owned(), "is required".to_owned());
            reading.wrong.push(Detail { field, message });
        } else if field.is_required() {
            reading.fault(field, "is required");
        }
    }
    Ok(New { values: reading.finish()?, password })
}

/// The values that a change names; the others stay.
///
/// # Errors
/// 400 with one detail for each field.
pub(crate) fn merge(
    asker: &Asker<'_>,
    resource: &Resource,
    members: Members,
    fixed: &[(usize, Value)],
) -> Result<Values, Problem> {
    if sabotage::is(Sabotage::PatchClears) {
        return replace(asker, resource, members, fixed);
    }
    let mut reading = Reading::new(asker, resource, Mode::Merge, fixed);
    reading.take(members);
    reading.touch();
    reading.finish()
}

/// All values of a row: what is absent becomes its default or NULL, except for what the service
/// itself sets (keys, owners, states, times of creation, secrets), which stays.
///
/// # Errors
/// 400 with one detail for each field.
pub(crate) fn replace(
    asker: &Asker<'_>,
    resource: &Resource,
    members: Members,
    fixed: &[(usize, Value)],
) -> Result<Values, Problem> {
    let mut reading = Reading::new(asker, resource, Mode::Replace, fixed);
    reading.take(members);
    for (position, field) in resource.fields.iter().enumerate() {
        let is_fixed = fixed.iter().any(|(other, _)| *other == position);
        let stays = sabotage::is(Sabotage::PutKeeps)
            || field.in_key
            || field.generated
            || field.write_only
            || field.reserved
            || field.is_serial()
            || is_made_by_service(field)
            || resource.owner_fields.contains(&position)
            || resource.machine(&field.name).is_some();
        if reading.has(position) || reading.is_wrong(field) || is_fixed || stays {
            continue;
        }
        match &field.default {
            Some(default) => {
                if let Some(value) = constant(default, &field.kind) {
                    reading.put(position, value);
                }
            }
            None if field.nullable => reading.put(position, Value::Null),
            None => reading.fault(field, "is required"),
        }
    }
    reading.touch();
    reading.finish()
}

/// Times and keys that a create gets from the service.
fn is_made_by_service(field: &Field) -> bool {
    let is_made = match &field.default {
        Some(DefaultValue::Literal { .. }) | None => false,
        Some(_) => true,
    };
    is_made || field.touched || is_time_of_creation(field)
}

/// A moment of creation that the document leaves without a default.
fn is_time_of_creation(field: &Field) -> bool {
    matches!(&*field.name, "created_at" | "createdat" | "created_on" | "date_created")
        && matches!(field.kind, Kind::Timestamp { .. } | Kind::Date)
        && !field.nullable
        && field.default.is_none()
}

struct Reading<'a> {
    asker: &'a Asker<'a>,
    resource: &'a Resource,
    mode: Mode,
    fixed: &'a [(usize, Value)],
    values: Values,
    /// Fields that were given, by their positions.
    seen: Vec<bool>,
    /// What is no good, field by field.
    wrong: Vec<Detail>,
}

impl<'a> Reading<'a> {
    fn new(
        asker: &'a Asker<'a>,
        resource: &'a Resource,
        mode: Mode,
        fixed: &'a [(usize, Value)],
    ) -> Self {
        Self {
            asker,
            resource,
            mode,
            fixed,
            values: Vec::with_capacity(resource.fields.len()),
            seen: vec![false; resource.fields.len()],
            wrong: Vec::new(),
        }
    }

    fn has(&self, position: usize) -> bool {
        self.values.iter().any(|(other, _)| *other == position)
    }

    /// True where a value was given and is no good: the field is not missing besides.
    fn is_wrong(&self, field: &Field) -> bool {
        self.wrong.iter().any(|detail| *detail.field == *field.shown)
    }

    fn put(&mut self, position: usize, value: Value) {
        if !self.has(position) {
            self.values.push((position, value));
        }
    }

    fn fault(&mut self, field: &Field, words: impl Into<String>) {
        self.wrong.push(Detail { field: field.shown.to_string(), message: words.into() });
    }

    fn finish(self) -> Result<Values, Problem> {
        if self.wrong.is_empty() {
            return Ok(self.values);
        }
        let problem = Problem::new(ProblemCode::ValidationError, "some fields are not valid");
        Err(Problem { details: self.wrong, ..problem })
    }

    fn take(&mut self, members: Members) {
        for (name, json) in members {
            let Some(position) = self.resource.position(&name) else {
                self.unknown(&name);
                continue;
            };
            let Some(field) = self.resource.field(position) else { continue };
            if let Some(seen) = self.seen.get_mut(position)
                && std::mem::replace(seen, true)
            {
                self.fault(field, "stands twice, in two spellings");
                continue;
            }
            match self.value(field, &json) {
                Ok(value) => self.accept(position, field, value),
                Err(words) => self.fault(field, words),
            }
        }
    }

    fn value(&self, field: &Field, json: &Json) -> Result<Value, String> {
        let mut value = value_of(&field.kind, field.nullable || field.generated, json)?;
        value = match value {
            Value::Text(text) if sabotage::is(Sabotage::LowerText) => {
                Value::Text(text.to_lowercase())
            }
            Value::Timestamp(at) if sabotage::is(Sabotage::ShiftTimestamps) => {
                Value::Timestamp(at + 3_600_000_000)
            }
            value => value,
        };
        if self.resource.is_users {
            value = crate::security::kept_value(self.asker, &field.name, value)?;
        }
        if let (Some(machine), Value::Text(state)) = (self.resource.machine(&field.name), &value)
            && !machine.drawn.states.is_empty()
            && !machine.drawn.states.contains(state)
        {
            return Err(format!("must be one of {}", machine.drawn.states.join(", ")));
        }
        Ok(value)
    }

    /// Keeps a value, or refuses or drops what a caller does not set.
    fn accept(&mut self, position: usize, field: &Field, value: Value) {
        if let Some((_, expected)) = self.fixed.iter().find(|(other, _)| *other == position) {
            if *expected != value {
                self.fault(field, "is not what the path says");
            }
            return;
        }
        let is_change = self.mode != Mode::Create;
        if field.generated {
            if self.mode != Mode::Replace {
                self.fault(field, "is computed and cannot be set");
            }
        } else if field.is_serial() && (is_change || !self.asker.principal.is_admin()) {
            if self.mode != Mode::Replace {
                self.fault(field, "is handed out by the store and cannot be set");
            }
        } else if is_change && field.touched {
            // Set to the time of the change, whatever a client sends back.
        } else {
            self.put(position, value);
        }
    }

    fn unknown(&mut self, name: &str) {
        let similar = document::diagnostic::similar(name, self.resource.shown_names());
        let words = match similar.as_slice() {
            [] => "is not a field here".to_owned(),
            names => format!("is not a field here; similar: {}", names.join(", ")),
        };
        let shown: String = name.chars().take(64).collect();
        self.wrong.push(Detail { field: shown, message: words });
    }

    /// A new row without an owner belongs to whoever makes it, and a column that a sentence
    /// demands to name the caller need not be sent.
    fn fill_owner(&mut self) {
        let user = self.asker.principal.user();
        let user = user.filter(|_| !sabotage::is(Sabotage::OwnerNotFilled));
        let Some(user) = user else { return };
        let resource = self.resource;
        for columns in self.asker.own_columns(resource) {
            let fields: Vec<(usize, Value)> = columns
                .iter()
                .filter_map(|name| resource.position(name))
                .filter_map(|at| Some((at, fitting(user.id.clone(), &resource.field(at)?.kind))))
                .collect();
            let agrees = |(at, own): &(usize, Value)| {
                self.values.iter().all(|(other, value)| other != at || value == own)
            };
            if fields.iter().all(agrees) {
                fields.into_iter().for_each(|(at, own)| self.put(at, own));
                break;
            }
        }
        let Some(&position) = self.resource.owner_fields.first() else { return };
        let Some(field) = self.resource.field(position) else { return };
        let is_left_to_admin = user.is_admin && field.nullable;
        if !self.has(position) && !is_left_to_admin && field.default.is_none() {
            self.put(position, fitting(user.id.clone(), &field.kind));
        }
    }

    /// What a new row holds where the caller says nothing.
    fn initial(&self, field: &Field) -> Option<Value> {
        if let Some(machine) = self.resource.machine(&field.name)
            && let Some(initial) = &machine.drawn.initial
        {
            let other = machine.drawn.states.iter().find(|state| *state != initial);
            let other = other.filter(|_| sabotage::is(Sabotage::OtherInitialState));
            return field.kind.parse_text(other.unwrap_or(initial)).ok();
        }
        let Asker { world, now, .. } = *self.asker;
        match &field.default {
            Some(default) => filled(default, &field.kind, world, now),
            None if field.in_key && field.kind == Kind::Uuid => Some(Value::Uuid(world.uuid())),
            None if is_time_of_creation(field) || (field.touched && !field.nullable) => {
                Some(now_as(&field.kind, now))
            }
            None => None,
        }
    }

    /// Columns that move with each change.
    fn touch(&mut self) {
        for (position, field) in self.resource.fields.iter().enumerate() {
            if field.touched && !field.generated {
                self.put(position, now_as(&field.kind, self.asker.now));
            }
        }
    }
}

/// A value from JSON.
///
/// # Errors
/// What is wrong with it, in words that follow the field's name.
pub(crate) fn value_of(kind: &Kind, nullable: bool, json: &Json) -> Result<Value, String> {
    match json {
        Json::Null if !nullable => Err("must not be null".to_owned()),
        json => kind.parse_json(json),
    }
}

/// What a default stands for at `now`; none where only the store can tell.
pub(crate) fn filled(
    default: &DefaultValue,
    kind: &Kind,
    world: &dyn World,
    now: Timestamp,
) -> Option<Value> {
    match default {
        DefaultValue::Now | DefaultValue::Today => Some(now_as(kind, now)),
        DefaultValue::RandomUuid => Some(fitting(Value::Uuid(world.uuid()), kind)),
        DefaultValue::Expression { expression } => {
            let micros = later(expression)?.checked_mul(1_000_000)?;
            let later = now.as_microsecond().checked_add(micros)?;
            matches!(kind, Kind::Timestamp { .. }).then_some(Value::Timestamp(later))
        }
        DefaultValue::Literal { .. } => constant(default, kind),
    }
}

/// The time now in the kind of a column.
pub(crate) fn now_as(kind: &Kind, at: Timestamp) -> Value {
    const DAY: i64 = 86_400_000_000;
    let now = at.as_microsecond() - DAY * i64::from(sabotage::is(Sabotage::StaleClock));
    match kind {
        Kind::Date => i32::try_from(now.div_euclid(DAY)).map_or(Value::Null, Value::Date),
        Kind::Time => Value::Time(now.rem_euclid(DAY)),
        Kind::Integer { .. } => Value::Integer(now.div_euclid(1_000_000)),
        Kind::Text { .. } => Value::Text(at.to_string()),
        _ => Value::Timestamp(now),
    }
}

/// `now() + interval '24 hours'` in seconds.
fn later(said: &Said) -> Option<i64> {
    match said {
        Said::Binary { left, operator, right } => match (&**left, operator, &**right) {
            (Said::Now, Operator::Add, Said::Interval { seconds }) => Some(*seconds),
            (Said::Interval { seconds }, Operator::Add, Said::Now) => Some(*seconds),
            (Said::Now, Operator::Subtract, Said::Interval { seconds }) => seconds.checked_neg(),
            _ => None,
        },
        _ => None,
    }
}
