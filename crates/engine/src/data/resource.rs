//! Tables and views as the engine serves them: made once for each version of the document, so
//! that a request only looks things up.

use std::{collections::HashMap, sync::Arc};

use document::{
    Compiled, System,
    api::JsonCase,
    data::{Data, DefaultValue, Table, View},
    expression::Expression as Said,
    security::{Action, Who},
};
use store::{Kind, query::Output};

use super::{
    machine::{Machine, enforced},
    schema::{check_name, is_left_free, kind_of},
};
use crate::sabotage::{self, Sabotage};

/// Tables and views as the engine serves them, by name.
#[derive(Default)]
pub struct Resources {
    /// By name, as in the document's model.
    pub by_name: HashMap<String, Arc<Resource>>,
    /// Names in the document's order.
    pub order: Vec<String>,
}

impl Resources {
    /// The resource of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<Resource>> {
        self.by_name.get(name)
    }
}

/// A column as the engine serves it.
#[derive(Debug, Clone)]
pub struct Field {
    /// Its name in the store.
    pub name: Arc<str>,
    /// Its name in JSON.
    pub shown: Arc<str>,
    /// What it holds.
    pub kind: Kind,
    /// May be NULL.
    pub nullable: bool,
    /// What is stored where a create says nothing.
    pub default: Option<DefaultValue>,
    /// Computed by the store.
    pub generated: bool,
    /// Never shown, and not to be filtered, sorted or searched by.
    pub write_only: bool,
    /// Set to the time of each change.
    pub touched: bool,
    /// Part of the primary key.
    pub in_key: bool,
    /// Role, state or password of a user: the admin's alone to set.
    pub reserved: bool,
}

impl Field {
    /// True where the store hands the value out.
    pub fn is_serial(&self) -> bool {
        matches!(self.kind, Kind::Serial { .. })
    }

    /// True where a create has to name it.
    pub fn is_required(&self) -> bool {
        let made = self.in_key && self.kind == Kind::Uuid;
        !(self.nullable || self.generated || self.is_serial() || self.default.is_some() || made)
    }

    /// True for text that can be searched.
    pub fn is_text(&self) -> bool {
        let text = matches!(self.kind, Kind::Text { .. } | Kind::CaseInsensitiveText);
        text && (!self.write_only || sabotage::is(Sabotage::SecretSearched))
    }
}

/// A foreign key to a table of the document, of one column.
#[derive(Debug, Clone)]
pub struct Reference {
    /// The referring field.
    pub field: usize,
    /// The table referred to.
    pub table: Arc<str>,
    /// The column referred to.
    pub column: Arc<str>,
    /// What it is called in `include`, as shown in JSON.
    pub name: Arc<str>,
}

/// Another table's foreign key to this one.
#[derive(Debug, Clone)]
pub struct Referrer {
    /// The other table.
    pub table: Arc<str>,
    /// Its referring column.
    pub column: Arc<str>,
    /// The column of this table that is referred to.
    pub own_column: Arc<str>,
    /// What it is called in `include`.
    pub name: Arc<str>,
}

/// A sentence that allows something.
#[derive(Debug, Clone)]
pub struct Rule {
    /// What.
    pub actions: Vec<Action>,
    /// To whom.
    pub who: Who,
    /// On which rows.
    pub condition: Option<Said>,
    /// Which new versions of rows.
    pub check: Option<Said>,
    /// The sentence with its place: `ARCHITECTURE.md:12 says “Owner: update”`.
    pub sentence: String,
}

/// A check of the table, for messages.
#[derive(Debug, Clone)]
pub struct Check {
    /// Its name in the store.
    pub name: String,
    /// As written.
    pub text: String,
    /// Fields that it looks at.
    pub fields: Vec<usize>,
}

/// A table or view as the engine serves it.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Its name.
    pub name: Arc<str>,
    /// Columns in order.
    pub fields: Vec<Field>,
    /// Names of fields in either spelling.
    names: foldhash::HashMap<String, usize>,
    /// What is shown of a row: all columns but the write-only ones.
    pub outputs: Arc<[Output]>,
    /// Fields of the primary key; none for views and tables without one.
    pub key: Vec<usize>,
    /// Read only.
    pub is_view: bool,
    /// The users' table.
    pub is_users: bool,
    /// State machines over its columns.
    pub machines: Vec<Machine>,
    /// Foreign keys that point from here.
    pub references: Vec<Reference>,
    /// Foreign keys that point here.
    pub referrers: Vec<Referrer>,
    /// Checks.
    pub checks: Vec<Check>,
    /// Sentences that allow something.
    pub rules: Vec<Rule>,
    /// Columns whose value is the user that a row belongs to.
    pub owner_fields: Vec<usize>,
    /// Conditions that hold for rows of the principal.
    pub owners: Vec<Said>,
    /// Fields of each key and index that holds every row, in its order; those of an expression and
    /// what follows it are left out.
    pub indexes: Vec<Vec<usize>>,
    /// Fields that alone are unique.
    pub unique: Vec<usize>,
    /// Where it is declared.
    pub origin: String,
}

impl Resource {
    /// The field of this name in either spelling; write-only ones too.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// The field of this name that may be seen.
    pub fn visible(&self, name: &str) -> Option<&Field> {
        let field = self.fields.get(self.position(name)?)?;
        (!field.write_only || sabotage::is(Sabotage::SecretFiltered)).then_some(field)
    }

    /// The field at `position`.
    pub fn field(&self, position: usize) -> Option<&Field> {
        self.fields.get(position)
    }

    /// The only field of the primary key.
    pub fn only_key(&self) -> Option<&Field> {
        match self.key.as_slice() {
            [only] => self.field(*only),
            _ => None,
        }
    }

    /// Shown names that may be seen, for messages.
    pub fn shown_names(&self) -> Vec<&str> {
        self.fields.iter().filter(|field| !field.write_only).map(|field| &*field.shown).collect()
    }

    /// The state machine over a column.
    pub fn machine(&self, column: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| &*machine.column == column)
    }
}

/// All tables and views of a document.
pub(crate) fn resources(compiled: &Compiled, system: &System) -> Resources {
    let builder = Builder { compiled, system, data: &system.data };
    let mut resources = Resources::default();
    for table in &builder.data.tables {
        resources.order.push(table.name.clone());
        resources.by_name.insert(table.name.clone(), Arc::new(builder.table(table)));
    }
    for view in &builder.data.views {
        if !resources.by_name.contains_key(&view.name) {
            resources.order.push(view.name.clone());
            resources.by_name.insert(view.name.clone(), Arc::new(builder.view(view)));
        }
    }
    resources
}

/// `created_at` as `createdAt`.
pub(crate) fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut raise = false;
    for (place, letter) in name.char_indices() {
        match letter {
            '_' if place > 0 => raise = true,
            _ if raise => {
                camel.extend(letter.to_uppercase());
                raise = false;
            }
            _ => camel.push(letter),
        }
    }
    camel
}

struct Builder<'a> {
    compiled: &'a Compiled,
    system: &'a System,
    data: &'a Data,
}

impl Builder<'_> {
    fn shown(&self, name: &str) -> Arc<str> {
        match self.system.api.json_case {
            JsonCase::Snake if !sabotage::is(Sabotage::OtherCase) => Arc::from(name),
            JsonCase::Camel if sabotage::is(Sabotage::OtherCase) => Arc::from(name),
            _ => Arc::from(camel(name)),
        }
    }

    fn table(&self, table: &Table) -> Resource {
        let is_users = crate::security::users(self.system).table == table.name;
        let fields = self.fields(table, is_users);
        let position = |name: &str| fields.iter().position(|field| &*field.name == name);
        let key: Vec<usize> = table.primary_key.iter().filter_map(|name| position(name)).collect();
        let positions = |names: &[String]| -> Vec<usize> {
            names.iter().map_while(|name| position(name)).collect()
        };
        let mut indexes = vec![key.clone()];
        let mut unique: Vec<usize> = if key.len() == 1 { key.clone() } else { Vec::new() };
        for unique_key in table.unique_keys.iter().filter(|key| key.condition.is_none()) {
            let columns = positions(&unique_key.columns);
            if let ([only], 1) = (columns.as_slice(), unique_key.columns.len()) {
                unique.push(*only);
            }
            indexes.push(columns);
        }
        for index in table.indexes.iter().filter(|index| index.condition.is_none()) {
            let parts = index.parts.iter();
            let columns = parts.map_while(|part| part.column.as_deref().and_then(position));
            indexes.push(columns.collect());
        }
        Resource {
            name: Arc::from(table.name.as_str()),
            names: names(&fields),
            outputs: outputs(&fields),
            is_view: false,
            is_users,
            machines: self.machines(&table.name),
            references: self.references(table, &fields),
            referrers: self.referrers(table),
            checks: self.checks(table, &fields),
            rules: self.rules(&table.name),
            owner_fields: self.owner_fields(&table.name, &fields, is_users),
            owners: self.owners(&table.name),
            origin: self.compiled.sources.location(table.span),
            fields,
            key,
            indexes,
            unique,
        }
    }

    fn fields(&self, table: &Table, is_users: bool) -> Vec<Field> {
        let (reserved, password) = match is_users {
            true => (
                crate::security::reserved_columns(self.system, table),
                crate::security::password_column(self.system),
            ),
            false => (Vec::new(), None),
        };
        let field = |column: &document::data::Column| Field {
            name: Arc::from(column.name.as_str()),
            shown: self.shown(&column.name),
            kind: kind_of(&column.kind, self.data),
            nullable: (column.nullable && !table.primary_key.contains(&column.name))
                || is_left_free(table, column),
            default: column.default.clone().filter(|default| {
                let is_constant = matches!(default, DefaultValue::Literal { .. });
                !(is_constant && sabotage::is(Sabotage::ForgetDefault))
            }),
            generated: column.generated.is_some(),
            write_only: column.write_only || password.as_deref() == Some(&*column.name),
            touched: column.touched_on_update && !sabotage::is(Sabotage::ForgetTouch),
            in_key: table.primary_key.contains(&column.name),
            reserved: reserved.contains(&column.name),
        };
        table.columns.iter().map(field).collect()
    }

    fn machines(&self, table: &str) -> Vec<Machine> {
        let machines = &self.system.messaging.machines;
        let bound = machines.iter().filter(|machine| machine.table == table);
        bound
            .map(|machine| Machine {
                column: Arc::from(machine.column.as_str()),
                drawn: enforced(machine),
                origin: self.compiled.sources.location(machine.span),
            })
            .collect()
    }

    fn references(&self, table: &Table, fields: &[Field]) -> Vec<Reference> {
        let mut references: Vec<Reference> = Vec::new();
        for key in table.foreign_keys.iter().filter(|key| key.resolved) {
            let (Some(referred), [column]) = (self.data.table(&key.table), key.columns.as_slice())
            else {
                continue;
            };
            let referred_column = match key.referred.first().or(referred.primary_key.first()) {
                Some(name) => name,
                None => continue,
            };
            let Some(field) = fields.iter().position(|field| &*field.name == column.as_str())
            else {
                continue;
            };
            let stem = column.strip_suffix("_id").unwrap_or(column);
            let taken = |name: &str| {
                fields.iter().any(|field| &*field.name == name)
                    || references.iter().any(|one| *one.name == *self.shown(name))
            };
            let name = if taken(stem) { format!("{column}_row") } else { stem.to_owned() };
            references.push(Reference {
                field,
                table: Arc::from(key.table.as_str()),
                column: Arc::from(referred_column.as_str()),
                name: self.shown(&name),
            });
        }
        references
    }

    fn referrers(&self, table: &Table) -> Vec<Referrer> {
        let mut referrers: Vec<Referrer> = Vec::new();
        for other in &self.data.tables {
            for key in other.foreign_keys.iter().filter(|key| key.table == table.name) {
                let ([column], true) = (key.columns.as_slice(), key.resolved) else { continue };
                let own = match key.referred.first().or(table.primary_key.first()) {
                    Some(own) => own,
                    None => continue,
                };
                let first = referrers.iter().all(|one| *one.table != *other.name);
                let name = match first && table.column(&other.name).is_none() {
                    true => other.name.clone(),
                    false => format!("{}_by_{}", other.name, column),
                };
                referrers.push(Referrer {
                    table: Arc::from(other.name.as_str()),
                    column: Arc::from(column.as_str()),
                    own_column: Arc::from(own.as_str()),
                    name: self.shown(&name),
                });
            }
        }
        referrers
    }

    fn checks(&self, table: &Table, fields: &[Field]) -> Vec<Check> {
        let checks = table.checks.iter().enumerate();
        checks
            .map(|(place, check)| Check {
                name: check_name(table, place),
                text: check.condition.text.clone(),
                fields: check.condition.expression.as_ref().map_or_else(Vec::new, |said| {
                    let mut mentioned = Vec::new();
                    columns_of(said, &mut mentioned);
                    let is_mentioned = |field: &Field| mentioned.contains(&&*field.name);
                    (0..fields.len()).filter(|&at| is_mentioned(&fields[at])).collect()
                }),
            })
            .collect()
    }

    fn rules(&self, table: &str) -> Vec<Rule> {
        let grants = self.system.security.grants.iter();
        grants
            .filter(|grant| grant.table == table)
            .map(|grant| Rule {
                actions: grant.actions.clone(),
                who: grant.who.clone(),
                condition: grant.condition.clone(),
                check: grant.check.clone(),
                sentence: self.sentence(&grant.text, grant.span),
            })
            .collect()
    }

    /// A sentence with its place.
    fn sentence(&self, text: &str, span: document::Span) -> String {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        format!("{} says “{}”", self.compiled.sources.location(span), shorten(&text, 160))
    }

    fn owners(&self, table: &str) -> Vec<Said> {
        let owners = self.system.security.owners.iter();
        owners.filter(|owner| owner.table == table).map(|owner| owner.condition.clone()).collect()
    }

    /// Owner columns of the table itself that hold the user's key.
    fn owner_fields(&self, table: &str, fields: &[Field], is_users: bool) -> Vec<usize> {
        let mut positions = Vec::new();
        for owner in self.system.security.owners.iter().filter(|one| one.table == table) {
            if let [column] = owner.path.as_slice() {
                let at = fields.iter().position(|field| &*field.name == column.as_str());
                // The user's own row belongs to them by its key, which nobody sets.
                positions.extend(at.filter(|_| !is_users));
            }
        }
        positions
    }

    fn view(&self, view: &View) -> Resource {
        // `SELECT * FROM table` names no columns: they are the table's.
        let all = match (view.columns.is_empty(), view.tables.as_slice()) {
            (true, [only]) => self.data.table(only).map_or_else(Vec::new, |table| {
                table.columns.iter().map(|column| column.name.clone()).collect()
            }),
            _ => view.columns.clone(),
        };
        let fields: Vec<Field> = all
            .iter()
            .map(|name| {
                let (kind, write_only) = self.view_column(view, name);
                Field {
                    name: Arc::from(name.as_str()),
                    shown: self.shown(name),
                    kind,
                    nullable: true,
                    default: None,
                    generated: true,
                    write_only,
                    touched: false,
                    in_key: false,
                    reserved: false,
                }
            })
            .collect();
        Resource {
            name: Arc::from(view.name.as_str()),
            names: names(&fields),
            outputs: outputs(&fields),
            key: Vec::new(),
            is_view: true,
            is_users: false,
            machines: Vec::new(),
            references: Vec::new(),
            referrers: Vec::new(),
            checks: Vec::new(),
            rules: self.rules(&view.name),
            owner_fields: Vec::new(),
            owners: self.owners(&view.name),
            indexes: Vec::new(),
            unique: Vec::new(),
            origin: self.compiled.sources.location(view.span),
            fields,
        }
    }

    /// What a view's column holds, from the tables that it reads; a secret of one of them stays one.
    fn view_column(&self, view: &View, name: &str) -> (Kind, bool) {
        let tables = view.tables.iter().filter_map(|table| self.data.table(table));
        let columns: Vec<_> = tables.filter_map(|table| table.column(name)).collect();
        let write_only = columns.iter().any(|column| column.write_only);
        let kind = match columns.as_slice() {
            [first, others @ ..] if others.iter().all(|other| other.kind == first.kind) => {
                match kind_of(&first.kind, self.data) {
                    Kind::Serial { bits } => Kind::Integer { bits },
                    kind => kind,
                }
            }
            _ => Kind::Other { name: Arc::from("") },
        };
        (kind, write_only)
    }
}

/// At most `length` characters of a text.
fn shorten(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn names(fields: &[Field]) -> foldhash::HashMap<String, usize> {
    let mut names = foldhash::HashMap::default();
    for (position, field) in fields.iter().enumerate() {
        names.entry(camel(&field.name)).or_insert(position);
    }
    // The stored spelling wins over another column's other spelling.
    for (position, field) in fields.iter().enumerate() {
        names.insert(field.name.to_string(), position);
    }
    names
}

fn outputs(fields: &[Field]) -> Arc<[Output]> {
    let is_shown = |field: &&Field| !field.write_only || sabotage::is(Sabotage::WriteOnlyShown);
    fields.iter().filter(is_shown).map(output).collect()
}

/// How a field is shown.
pub(crate) fn output(field: &Field) -> Output {
    Output {
        name: Arc::clone(&field.shown),
        column: Arc::clone(&field.name),
        kind: match &field.kind {
            Kind::Boolean if sabotage::is(Sabotage::NumberBooleans) => Kind::Integer { bits: 64 },
            Kind::Json if sabotage::is(Sabotage::QuoteJson) => Kind::Text { length_max: None },
            kind => kind.clone(),
        },
    }
}

/// Columns of the row at hand that a condition names.
fn columns_of<'a>(said: &'a Said, found: &mut Vec<&'a str>) {
    match said {
        Said::Column { name } => found.push(name),
        Said::Not { operand } | Said::Negate { operand } => columns_of(operand, found),
        Said::IsNull { operand, .. } | Said::Cast { operand, .. } => columns_of(operand, found),
        Said::Binary { left, right, .. } => {
            columns_of(left, found);
            columns_of(right, found);
        }
        Said::In { operand, list, .. } => {
            columns_of(operand, found);
            list.iter().for_each(|one| columns_of(one, found));
        }
        Said::Between { operand, low, high, .. } => {
            [operand, low, high].into_iter().for_each(|one| columns_of(one, found));
        }
        Said::Call { arguments, .. } => arguments.iter().for_each(|one| columns_of(one, found)),
        Said::Case { branches, otherwise } => {
            for (when, then) in branches {
                columns_of(when, found);
                columns_of(then, found);
            }
            if let Some(otherwise) = otherwise {
                columns_of(otherwise, found);
            }
        }
        _ => {}
    }
}
