//! From what is asked for to statements: the policy goes inside the query, hidden rows are as if
//! they were not there, and every requirement of a write is checked in the write's transaction.

use std::sync::Arc;

use document::security::Action;
use store::{
    Expression, Operator, Value,
    query::{Nested, Select, Step},
};

use super::{
    Resource,
    change::{create, remove, update},
    list::{Include, ListAsk, Shape, included_rows_max},
    plan::{Act, Change, Plan},
    resource::output,
    truth,
};
use crate::{
    Problem,
    sabotage::{self, Sabotage},
    security::{
        NewPassword,
        may::{Asker, Permission},
    },
};

/// Statements that a principal may run.
pub(crate) enum Work {
    /// One row.
    Get(Getting),
    /// A page of rows.
    List(Box<Listing>),
    /// A change.
    Write(Box<Writing>),
}

/// One row to be read.
pub(crate) struct Getting {
    /// The statement.
    pub(crate) select: Select,
}

/// A page of rows to be read.
pub(crate) struct Listing {
    /// The table or view.
    pub(crate) resource: Arc<Resource>,
    /// The statement; asks for one row more than the page holds.
    pub(crate) select: Select,
    /// What was asked for.
    pub(crate) ask: ListAsk,
    /// Where the total is wanted: of which rows.
    pub(crate) total: Option<Expression>,
    /// The parent that has to be there where no child is.
    pub(crate) parent: Option<(Arc<Resource>, Expression)>,
    /// Sort keys that were asked for only to make the cursor: how many members to cut off.
    pub(crate) tail: usize,
}

/// A write: what has to hold before, the step itself, what has to hold after.
#[derive(Debug, Clone)]
pub(crate) struct Writing {
    /// The table.
    pub(crate) resource: Arc<Resource>,
    /// What is done.
    pub(crate) action: Action,
    /// Requirements on other rows, and on this one field by field.
    pub(crate) before: Vec<Step>,
    /// The step; its rows are the answer. None once a transaction has taken it.
    pub(crate) main: Option<Step>,
    /// Requirements on the new version.
    pub(crate) after: Vec<Step>,
    /// What each requirement stands for, by its number.
    pub(crate) refusals: Vec<Refusal>,
    /// Rows that the path names, whoever asks.
    pub(crate) rows: Expression,
    /// Rows that the step may touch; none for a create.
    pub(crate) touches: Option<Expression>,
    /// Values that are written and refer to other rows, to explain a refusal.
    pub(crate) references: Vec<(usize, Value)>,
    /// The column of a state machine that moves, and where to.
    pub(crate) moves: Option<(usize, Value)>,
    /// The version that the caller expects.
    pub(crate) if_match: Option<String>,
    /// The password of a new user, until its hash is among the values.
    pub(crate) password: Option<NewPassword>,
    /// Only rows of one's own.
    pub(crate) owned: bool,
}

/// What a requirement of a write stands for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Refusal {
    /// The row is there, seen, and may be touched.
    Row,
    /// The row referred to by this field is there and seen.
    Reference(usize),
    /// The parent in the path is there and seen.
    Parent,
    /// The new version is allowed.
    NewVersion,
    /// This field is the admin's to set.
    Reserved(usize),
    /// This field says whose row it is.
    Owner(usize),
    /// Nobody else has this value.
    Taken(usize),
    /// The row is as the caller knows it.
    Version,
}

/// Statements for a plan.
///
/// # Errors
/// A refusal where no row could be touched or the new row is not allowed.
pub(crate) fn work(asker: &Asker<'_>, mut plan: Plan) -> Result<Work, Problem> {
    let action = plan.action();
    let permission = may(asker, &plan, &action);
    if permission == Permission::Refused {
        return Err(asker.refusal(&plan.resource, &action));
    }
    match std::mem::replace(&mut plan.act, Act::Remove) {
        Act::Get(shape) => get(asker, &plan, &shape, permission).map(Work::Get),
        Act::List(ask) => {
            list(asker, plan, *ask, permission).map(|listing| Work::List(Box::new(listing)))
        }
        Act::Create(new) => create(asker, plan, new).map(|writing| Work::Write(Box::new(writing))),
        Act::Change(change) => {
            Ok(Work::Write(Box::new(update(asker, plan, action, change, permission)?)))
        }
        Act::Remove => Ok(Work::Write(Box::new(remove(asker, plan, permission)))),
    }
}

/// What the principal may do; an action of a state machine is also open to the roles that its
/// arrow names.
fn may(asker: &Asker<'_>, plan: &Plan, action: &Action) -> Permission {
    let permission = asker.may(&plan.resource, action);
    match &plan.act {
        Act::Change(change) if opened_by_arrow(asker, &plan.resource, change) => match permission {
            Permission::All => Permission::All,
            _ => asker.may(&plan.resource, &Action::Read),
        },
        _ => permission,
    }
}

/// True where an arrow of the state machine names a role of the principal's. It opens the arrow,
/// not the other columns.
pub(super) fn opened_by_arrow(asker: &Asker<'_>, resource: &Resource, change: &Change) -> bool {
    let Some((name, column, Value::Text(target))) = &change.transition else { return false };
    let machine = resource.field(*column).and_then(|field| resource.machine(&field.name));
    let moves = machine.map_or_else(Vec::new, |machine| machine.called(name, target));
    moves.iter().any(|one| !one.roles.is_empty() && super::Machine::may_do(one, asker.principal))
        && change.set.iter().all(|(at, _)| resource.field(*at).is_some_and(|field| field.touched))
}

/// Rows of the plan that the principal may read, and own where the endpoint is for owners.
pub(super) fn readable(asker: &Asker<'_>, plan: &Plan, permission: Permission) -> Expression {
    let mut rows = truth::and(plan.rows.clone(), permission.condition());
    if plan.owned {
        rows = truth::and(rows, asker.owned(&plan.resource));
    }
    rows
}

fn get(
    asker: &Asker<'_>,
    plan: &Plan,
    shape: &Shape,
    permission: Permission,
) -> Result<Getting, Problem> {
    let select = Select {
        table: Arc::clone(&plan.resource.name),
        outputs: Arc::clone(&shape.outputs),
        condition: match sabotage::is(Sabotage::OwnerSkippedOnRead) {
            true => plan.rows.clone(),
            false => readable(asker, plan, permission),
        },
        order: Vec::new(),
        limit: Some(1),
        offset: 0,
        nested: nested(asker, &shape.includes)?,
        is_by_index: shape.includes.is_empty(),
    };
    Ok(Getting { select })
}

fn list(
    asker: &Asker<'_>,
    plan: Plan,
    ask: ListAsk,
    permission: Permission,
) -> Result<Listing, Problem> {
    let mine = truth::and(readable(asker, &plan, permission), ask.condition.clone());
    let everybodys = truth::and(plan.rows.clone(), ask.condition.clone());
    let all = if is_list_broken(&plan, &ask) { everybodys.clone() } else { mine };
    let paging = &asker.running.system.api.pagination;
    let wants_total = ask.count
        || paging.members.iter().any(|(_, member)| {
            use document::api::PageMember as M;
            matches!(member, M::Total | M::TotalPages)
        });
    let condition = match &ask.after {
        _ if plan.resource.is_view && sabotage::is(Sabotage::EmptyViews) => {
            Expression::Always(false)
        }
        Some(after) => truth::and(all.clone(), after.clone()),
        None => all.clone(),
    };
    let resource = Arc::clone(&plan.resource);
    let mut order = Vec::with_capacity(ask.order.len());
    for (position, descending) in &ask.order {
        if let Some(field) = resource.field(*position) {
            order.push((Expression::column(&*field.name), *descending));
        }
    }
    let first = ask.order.first().map(|(position, _)| *position);
    let by_index = is_served_by_index(&resource, &all, first);
    let (outputs, tail) = with_sort_keys(&resource, &ask);
    let select = Select {
        table: Arc::clone(&resource.name),
        outputs,
        condition,
        order,
        limit: Some(ask.limit + 1),
        offset: ask.offset,
        nested: nested(asker, &ask.shape.includes)?,
        is_by_index: by_index && !resource.is_view && ask.shape.includes.is_empty(),
    };
    let parent = plan.parent.map(|(parent, is_it)| {
        let seen = asker.seen_of(&parent, is_it);
        (parent, seen)
    });
    let counted = if sabotage::is(Sabotage::OwnerSkippedOnCount) { everybodys } else { all };
    Ok(Listing { resource, select, total: wants_total.then_some(counted), ask, parent, tail })
}

/// True where an index begins with the columns that the condition fixes, goes on with the one that
/// is sorted by first, and nothing else decides which rows are shown: then no row is looked at
/// that is not.
fn is_served_by_index(resource: &Resource, condition: &Expression, first: Option<usize>) -> bool {
    let mut fixed = Vec::new();
    if !fixes(resource, condition, &mut fixed) {
        return false;
    }
    let serves = |index: &Vec<usize>| {
        let (begin, rest) = index.split_at(index.len().min(fixed.len()));
        begin.len() == fixed.len()
            && fixed.iter().all(|column| begin.contains(column))
            && first.is_none_or(|first| rest.first() == Some(&first))
    };
    fixed.is_empty() && first.is_none() || resource.indexes.iter().any(serves)
}

/// Collects the columns that a condition fixes; false where it asks for anything else.
fn fixes(resource: &Resource, condition: &Expression, fixed: &mut Vec<usize>) -> bool {
    match condition {
        Expression::Always(true) => true,
        Expression::Binary { left, operator: Operator::And, right } => {
            fixes(resource, left, fixed) && fixes(resource, right, fixed)
        }
        Expression::Binary { left, operator: Operator::Equal, right } => {
            let (Expression::Column(name), Expression::Value(_)) = (&**left, &**right) else {
                return false;
            };
            let Some(position) = resource.position(name) else { return false };
            if !fixed.contains(&position) {
                fixed.push(position);
            }
            true
        }
        _ => false,
    }
}

/// True where lists of this kind forget on purpose whose rows they may show.
fn is_list_broken(plan: &Plan, ask: &ListAsk) -> bool {
    let is_sorted = ask.order.len() > plan.resource.key.len();
    let (is_filtered, is_search) = (ask.condition != Expression::Always(true), ask.is_search);
    let is_plain = !is_filtered && !is_sorted && plan.parent.is_none();
    sabotage::is(Sabotage::OwnerSkippedOnList) && is_plain
        || sabotage::is(Sabotage::OwnerSkippedOnSort) && is_sorted
        || sabotage::is(Sabotage::OwnerSkippedOnFilter) && is_filtered && !is_search
        || sabotage::is(Sabotage::OwnerSkippedOnSearch) && is_search
        || sabotage::is(Sabotage::OwnerSkippedOnNested) && plan.parent.is_some()
}

/// The outputs of a list, and sort keys behind them where the cursor needs more than is shown.
fn with_sort_keys(resource: &Resource, ask: &ListAsk) -> (Arc<[store::query::Output]>, usize) {
    let shown = &ask.shape.outputs;
    let is_shown = |name: &str| shown.iter().any(|output| &*output.column == name);
    let needs_tail = ask
        .order
        .iter()
        .filter_map(|(position, _)| resource.field(*position))
        .any(|field| !is_shown(&field.name));
    if !needs_tail || resource.key.is_empty() {
        return (Arc::clone(shown), 0);
    }
    let mut outputs: Vec<_> = shown.to_vec();
    for (place, (position, _)) in ask.order.iter().enumerate() {
        if let Some(field) = resource.field(*position) {
            let mut key = output(field);
            key.name = Arc::from(tail_name(place));
            outputs.push(key);
        }
    }
    (outputs.into(), ask.order.len())
}

/// The name of a sort key that is cut off again.
pub(crate) fn tail_name(place: usize) -> String {
    format!("@{place}")
}

/// Included tables, each through its own permission. What may not be seen at all is refused;
/// single rows that may not be seen are as if they were not there.
fn nested(asker: &Asker<'_>, includes: &[Include]) -> Result<Vec<Nested>, Problem> {
    let mut all = Vec::with_capacity(includes.len());
    for include in includes {
        let permission = asker.may(&include.resource, &Action::Read);
        if permission == Permission::Refused && !sabotage::is(Sabotage::OwnerSkippedOnInclude) {
            return Err(asker.refusal(&include.resource, &Action::Read));
        }
        if sabotage::is(Sabotage::IgnoreInclude) {
            continue;
        }
        let key = include.resource.key.iter().filter_map(|&at| include.resource.field(at));
        all.push(Nested {
            name: Arc::clone(&include.name),
            outer_column: Arc::clone(&include.outer_column),
            inner_column: Arc::clone(&include.inner_column),
            many: include.many,
            select: Select {
                table: Arc::clone(&include.resource.name),
                outputs: Arc::clone(&include.resource.outputs),
                condition: match sabotage::is(Sabotage::OwnerSkippedOnInclude) {
                    true => Expression::Always(true),
                    false => permission.condition(),
                },
                order: key.map(|field| (Expression::column(&*field.name), false)).collect(),
                limit: Some(included_rows_max(include.many)),
                offset: 0,
                nested: nested(asker, &include.includes)?,
                is_by_index: false,
            },
        });
    }
    Ok(all)
}
