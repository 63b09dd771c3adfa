//! Rows of different people: what one may see and another may not. Made as the admin, so that each
//! table has rows of everybody, below different parents, in different states.

use document::{
    data::{ColumnType, Table},
    expression::{Expression, Operator, PrincipalProperty},
};
use futures_util::future::join_all;
use serde_json::Value as Json;

use super::may::World;
use crate::{
    Person, Request, Row, Stage,
    fixture::linked,
    shape::{page_member, query, row, rows, shown},
};

/// Rows of one table that are made here.
const ROWS_MAX: usize = 14;
/// Pages that are read of one list.
const PAGES_MAX: u64 = 12;

/// A table with the rows that trials look for.
pub(super) struct Shown<'a> {
    pub(super) table: &'a Table,
    pub(super) rows: Vec<Row>,
}

/// All rows of a run of trials.
pub(super) struct Scene<'a> {
    pub(super) tables: Vec<Shown<'a>>,
    pub(super) world: World,
}

impl<'a> Scene<'a> {
    /// Makes the rows, parents first.
    pub(super) async fn set(stage: &'a Stage<'a>) -> Self {
        let mut scene = Scene { tables: Vec::new(), world: World::new() };
        for table in parents_first(&stage.system().data.tables) {
            let rows = match stage.fixture.is_users(table) {
                true => {
                    let accounts = stage.people.users.iter().filter_map(Person::account);
                    accounts.map(|one| one.row.clone()).filter(|row| !row.is_empty()).collect()
                }
                false => made(stage, &scene, table).await,
            };
            scene.tables.push(Shown { table, rows });
        }
        for name in tables_looked_at(stage) {
            if let Some(table) = stage.system().data.table(&name)
                && let (rows, true) = listed(stage, &stage.people.admin, table, &[]).await
            {
                scene.world.insert(name, rows);
            }
        }
        scene
    }

    /// The rows of a table.
    pub(super) fn rows_of(&self, table: &str) -> &[Row] {
        let found = self.tables.iter().find(|shown| shown.table.name == table);
        found.map_or(&[], |shown| &shown.rows)
    }
}

/// Tables in an order in which each comes after those that it refers to, where there is one.
fn parents_first(tables: &[Table]) -> Vec<&Table> {
    let mut waiting: Vec<&Table> = tables.iter().collect();
    let mut sorted: Vec<&Table> = Vec::new();
    while !waiting.is_empty() {
        let names: Vec<&str> = waiting.iter().map(|table| table.name.as_str()).collect();
        let waits = |table: &&Table| {
            let mut keys = table.foreign_keys.iter().filter(|key| key.table != table.name);
            keys.any(|key| key.resolved && names.contains(&key.table.as_str()))
        };
        let (later, ready): (Vec<&Table>, Vec<&Table>) = waiting.iter().copied().partition(waits);
        // Tables that refer to each other in a circle come as they are written.
        waiting = if ready.is_empty() { Vec::new() } else { later.clone() };
        sorted.extend(if ready.is_empty() { later } else { ready });
    }
    sorted
}

async fn made(stage: &Stage<'_>, scene: &Scene<'_>, table: &Table) -> Vec<Row> {
    let mut wanted = variants(stage, scene, table);
    wanted.truncate(ROWS_MAX);
    while wanted.len() < 2 {
        wanted.push(Row::new());
    }
    let making = wanted.into_iter().map(|variant| with(stage, table, variant));
    join_all(making).await.into_iter().flatten().collect()
}

/// A row of a table with these members, made as the admin; none where it does not fit.
pub(super) async fn with(stage: &Stage<'_>, table: &Table, members: Row) -> Option<Row> {
    let mut candidate = stage.candidate(table).await.ok()?;
    candidate.extend(members);
    let answer = stage.create(table, candidate).await.ok()?;
    row(stage.system(), &answer.json).filter(|_| answer.is_success()).cloned()
}

/// What tells the rows of a table apart, as far as its sentences look at it.
fn variants(stage: &Stage<'_>, scene: &Scene<'_>, table: &Table) -> Vec<Row> {
    let system = stage.system();
    let one = |column: &str, value: Json| Row::from_iter([(shown(system, column), value)]);
    let mut all = Vec::new();
    for key in table.foreign_keys.iter().filter(|key| key.resolved) {
        for parent in scene.rows_of(&key.table).iter().take(6) {
            let members = linked(system, key, parent).into_iter().flatten();
            all.push(Row::from_iter(members.map(|(name, value)| (shown(system, name), value))));
        }
    }
    for (column, property) in own_columns(stage, table) {
        for person in &stage.people.users {
            if let Some(value) = of_person(stage, person, &property) {
                all.push(one(&column, value));
            }
        }
    }
    for name in columns_read(stage, table) {
        let Some(column) = table.column(&name) else { continue };
        if column.kind == ColumnType::Boolean {
            all.extend([one(&name, true.into()), one(&name, false.into())]);
        } else if let Some((values, _)) = system.data.values_of(table, column) {
            all.extend(values.into_iter().map(|value| one(&name, value.into())));
        }
    }
    // Those that differ most come first.
    let (first, second): (Vec<_>, Vec<_>) =
        all.into_iter().enumerate().partition(|(place, _)| place % 2 == 0);
    first.into_iter().chain(second).map(|(_, variant)| variant).collect()
}

/// What a condition means by a property of the person.
pub(super) fn of_person(
    stage: &Stage<'_>,
    person: &Person,
    property: &PrincipalProperty,
) -> Option<Json> {
    match property {
        PrincipalProperty::Id => person.id().filter(|id| !id.is_null()).cloned(),
        PrincipalProperty::Email => person.account().map(|one| one.login.clone().into()),
        PrincipalProperty::Role => person.role.clone().map(Json::from),
        PrincipalProperty::Column(name) => {
            person.account()?.row.get(&shown(stage.system(), name)).cloned()
        }
    }
}

fn conditions<'s>(stage: &'s Stage<'_>, table: &'s str) -> impl Iterator<Item = &'s Expression> {
    let security = &stage.system().security;
    let grants = security.grants.iter().filter(move |grant| grant.table == table);
    let owners = security.owners.iter().filter(move |owner| owner.table == table);
    grants
        .flat_map(|grant| grant.condition.iter().chain(&grant.check))
        .chain(owners.map(|owner| &owner.condition))
}

/// Columns that say which person a row is of, and by which property.
pub(super) fn own_columns(stage: &Stage<'_>, table: &Table) -> Vec<(String, PrincipalProperty)> {
    let mut found = Vec::new();
    for condition in conditions(stage, &table.name) {
        compared(condition, &mut found);
    }
    found.dedup();
    found
}

fn compared(condition: &Expression, found: &mut Vec<(String, PrincipalProperty)>) {
    let Expression::Binary { left, operator, right } = condition else { return };
    match (&**left, operator, &**right) {
        (_, Operator::And | Operator::Or, _) => {
            compared(left, found);
            compared(right, found);
        }
        (Expression::Column { name }, Operator::Equal, Expression::Principal { property })
        | (Expression::Principal { property }, Operator::Equal, Expression::Column { name }) => {
            let own = (name.clone(), property.clone());
            if !found.contains(&own) {
                found.push(own);
            }
        }
        _ => {}
    }
}

/// Columns that sentences look at.
pub(super) fn columns_read(stage: &Stage<'_>, table: &Table) -> Vec<String> {
    let mut names = Vec::new();
    for condition in conditions(stage, &table.name) {
        names.extend(condition.columns());
    }
    let mut names: Vec<String> = names.into_iter().map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

/// Other tables that conditions look at.
fn tables_looked_at(stage: &Stage<'_>) -> Vec<String> {
    let mut names = Vec::new();
    for table in &stage.system().data.tables {
        for condition in conditions(stage, &table.name) {
            inner_tables(condition, &mut names);
        }
    }
    names.sort();
    names.dedup();
    names
}

fn inner_tables(condition: &Expression, names: &mut Vec<String>) {
    match condition {
        Expression::InSelect { table, condition, .. } | Expression::Exists { table, condition } => {
            names.push(table.clone());
            inner_tables(condition, names);
        }
        Expression::Binary { left, right, .. } => {
            inner_tables(left, names);
            inner_tables(right, names);
        }
        Expression::Not { operand } => inner_tables(operand, names),
        _ => {}
    }
}

/// All rows of a list as somebody sees them, page after page; false where there are more, or where
/// the list is refused.
pub(super) async fn listed(
    stage: &Stage<'_>,
    person: &Person,
    table: &Table,
    pairs: &[(&str, &str)],
) -> (Vec<Row>, bool) {
    use document::api::{Operation, PageMember};
    let system = stage.system();
    let paging = &system.api.pagination;
    let Some((method, path)) = stage.paths().of_table(table, Operation::List) else {
        return (Vec::new(), false);
    };
    let limit = paging.limit_max.max(1);
    let mut all = Vec::new();
    for page in 1..=PAGES_MAX {
        let (limit_text, page_text) = (limit.to_string(), page.to_string());
        let mut asked: Vec<(&str, &str)> = pairs.to_vec();
        asked.push((&paging.limit_parameter, &limit_text));
        asked.push((&paging.page_parameter, &page_text));
        let request = Request::new(method, format!("{path}?{}", query(&asked)));
        let answer = stage.ask(person, request).await;
        let Some(page) = rows(system, &answer.json).filter(|_| answer.is_success()) else {
            return (all, false);
        };
        all.extend(page.iter().filter_map(|row| row.as_object().cloned()));
        let has_next = page_member(system, &answer.json, PageMember::HasNext);
        let is_full = u32::try_from(page.len()).unwrap_or(u32::MAX) >= limit;
        if page.is_empty() || !has_next.and_then(Json::as_bool).unwrap_or(is_full) {
            return (all, true);
        }
    }
    (all, false)
}
