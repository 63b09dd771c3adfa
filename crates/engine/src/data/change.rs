//! Writes with their guards: what has to hold of the row, of what it refers to, of its owner and
//! its state, each checked in the write's own transaction.

use std::sync::Arc;

use document::security::Action;
use store::{Expression, Value, query::Step};

use super::{
    Resource,
    given::New,
    plan::{Change, Plan},
    truth,
    work::{Refusal, Writing, opened_by_arrow, readable},
};
use crate::{
    Problem,
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    security::may::{Asker, Permission},
};

impl Writing {
    fn new(plan: Plan, action: Action, main: Step, touches: Option<Expression>) -> Self {
        Self {
            resource: plan.resource,
            action,
            before: Vec::new(),
            main: Some(main),
            after: Vec::new(),
            refusals: vec![Refusal::Row],
            rows: plan.rows,
            touches,
            references: Vec::new(),
            moves: None,
            if_match: plan.if_match,
            password: None,
            owned: plan.owned,
        }
    }

    /// The same write whoever's rows they are; made on purpose only to be noticed.
    pub(crate) fn on_anybodys_rows(mut self) -> Self {
        let rows = self.rows.clone();
        if let Some(Step::Update { condition, .. } | Step::Delete { condition, .. }) =
            &mut self.main
        {
            condition.clone_from(&rows);
        }
        self.touches = self.touches.map(|_| rows);
        self
    }

    /// The number of a requirement.
    fn refusal(&mut self, refusal: Refusal) -> u32 {
        self.refusals.push(refusal);
        u32::try_from(self.refusals.len() - 1).unwrap_or(u32::MAX)
    }

    /// A requirement that some row of `table` meets.
    pub(crate) fn require(
        &mut self,
        table: &Arc<str>,
        condition: Expression,
        refusal: Refusal,
    ) -> Step {
        let refusal = self.refusal(refusal);
        Step::Require { table: Arc::clone(table), condition, exists: true, refusal }
    }
}

/// The statements of a create.
pub(super) fn create(
    asker: &Asker<'_>,
    mut plan: Plan,
    New { values, password }: New,
) -> Result<Writing, Problem> {
    let resource = Arc::clone(&plan.resource);
    begin_in_initial_state(asker, &resource, &values)?;
    keep_reserved(asker, &resource, &values)?;
    keep_owner(asker, &resource, &values, plan.owned)?;
    let references = references(&resource, &values);
    let login = crate::security::login_to_check(asker, &resource).and_then(|position| {
        let (_, value) = values.iter().find(|(at, _)| *at == position)?;
        Some((position, value.clone()))
    });
    let row: Vec<(Arc<str>, Value)> = values
        .into_iter()
        .filter_map(|(at, value)| Some((Arc::clone(&resource.field(at)?.name), value)))
        .collect();
    let mut allowed = match sabotage::is(Sabotage::OwnerSkippedOnCreate) {
        true => Expression::Always(true),
        false => asker.may_become(&resource, &Action::Create).condition(),
    };
    if plan.owned {
        allowed = truth::and(allowed, asker.owned(&resource));
    }
    let allowed = truth::with_row(&allowed, &row);
    if matches!(allowed, Expression::Always(false) | Expression::Value(Value::Null)) {
        return Err(asker.refusal(&resource, &Action::Create));
    }
    let main = Step::Insert {
        table: Arc::clone(&resource.name),
        values: row,
        returning: Arc::clone(&resource.outputs),
    };
    let parent = plan.parent.take();
    let mut writing = Writing::new(plan, Action::Create, main, None);
    if let Some((parent, is_it)) = parent {
        let seen = if parent.is_users { is_it } else { asker.seen_of(&parent, is_it) };
        if seen == Expression::Always(false) {
            return Err(Problem::not_found());
        }
        let step = writing.require(&parent.name, seen, Refusal::Parent);
        writing.before.push(step);
    }
    require_references(asker, &mut writing, &references, None)?;
    if allowed != Expression::Always(true) {
        let step = writing.require(&resource.name, allowed, Refusal::NewVersion);
        writing.after.push(step);
    }
    if let Some((position, value)) = login
        && let Some(field) = resource.field(position)
    {
        let condition = Expression::column(&*field.name).equals(value);
        let refusal = writing.refusal(Refusal::Taken(position));
        let table = Arc::clone(&resource.name);
        writing.before.push(Step::Require { table, condition, exists: false, refusal });
    }
    writing.references = references;
    writing.password = password;
    Ok(writing)
}

/// The values that refer to other rows.
fn references(resource: &Resource, values: &[(usize, Value)]) -> Vec<(usize, Value)> {
    let refers = |at: usize| resource.references.iter().any(|reference| reference.field == at);
    values.iter().filter(|(at, _)| refers(*at)).cloned().collect()
}

/// A new row starts where its state machine starts.
fn begin_in_initial_state(
    asker: &Asker<'_>,
    resource: &Resource,
    values: &[(usize, Value)],
) -> Result<(), Problem> {
    if asker.principal.is_admin() || sabotage::is(Sabotage::InitialStateFree) {
        return Ok(());
    }
    for machine in resource.machines.iter().filter(|machine| machine.is_drawn()) {
        let Some(initial) = &machine.drawn.initial else { continue };
        let given = values.iter().find_map(|(at, value)| {
            let field = resource.field(*at)?;
            (field.name == machine.column).then_some((field, value))
        });
        if let Some((field, Value::Text(state))) = given
            && state != initial
        {
            let message = format!(
                "a new row starts in `{initial}`: {} draws no other beginning",
                machine.origin
            );
            return Err(Problem::new(ProblemCode::TransitionRefused, message)
                .detail(&*field.shown, format!("must be {initial}")));
        }
    }
    Ok(())
}

/// Role, state and password of a user are the admin's to set, unless they say what is set anyhow.
fn keep_reserved(
    asker: &Asker<'_>,
    resource: &Resource,
    values: &[(usize, Value)],
) -> Result<(), Problem> {
    for (at, value) in values {
        let Some(field) = resource.field(*at) else { continue };
        let is_default = field
            .default
            .as_ref()
            .and_then(|default| super::constant(default, &field.kind))
            .is_some_and(|default| default == *value);
        if field.reserved && (field.write_only || !(asker.principal.is_admin() || is_default)) {
            return Err(reserved(asker, resource, *at));
        }
    }
    Ok(())
}

/// The refusal to set a reserved field.
pub(crate) fn reserved(asker: &Asker<'_>, resource: &Resource, position: usize) -> Problem {
    let Some(field) = resource.field(position) else { return Problem::not_found() };
    let words = match field.write_only {
        true => format!("`{}` is set through the account endpoints alone", field.shown),
        false => format!("`{}` is the admin's alone to set", field.shown),
    };
    asker.refused(&words).detail(&*field.shown, "may not be set here")
}

/// A row is made in nobody else's name.
fn keep_owner(
    asker: &Asker<'_>,
    resource: &Resource,
    values: &[(usize, Value)],
    owned: bool,
) -> Result<(), Problem> {
    let named: Vec<(usize, &Value)> = values
        .iter()
        .filter(|(at, value)| resource.owner_fields.contains(at) && *value != Value::Null)
        .map(|(at, value)| (*at, value))
        .collect();
    let Some((first, _)) = named.first() else { return Ok(()) };
    if asker.principal.is_admin()
        || sabotage::is(Sabotage::OwnerSkippedOnCreate)
        || (!owned && asker.has_free_role(resource, &Action::Create))
    {
        return Ok(());
    }
    if named.iter().any(|(at, value)| is_self(asker, resource, *at, value)) {
        return Ok(());
    }
    Err(somebody_else(asker, resource, *first))
}

fn is_self(asker: &Asker<'_>, resource: &Resource, position: usize, value: &Value) -> bool {
    match (asker.principal.user(), resource.field(position)) {
        (Some(user), Some(field)) => super::fitting(user.id.clone(), &field.kind) == *value,
        _ => false,
    }
}

/// The refusal to write in somebody else's name.
pub(crate) fn somebody_else(asker: &Asker<'_>, resource: &Resource, position: usize) -> Problem {
    let Some(field) = resource.field(position) else { return Problem::not_found() };
    asker
        .refused(&format!("`{}` says whose row it is: it can only be you", field.shown))
        .detail(&*field.shown, "must be yourself")
}

/// Rows referred to must be seen by whoever refers to them, but for those of users; an unchanged
/// reference is no question.
fn require_references(
    asker: &Asker<'_>,
    writing: &mut Writing,
    values: &[(usize, Value)],
    unchanged: Option<&Expression>,
) -> Result<(), Problem> {
    let resource = Arc::clone(&writing.resource);
    for reference in &resource.references {
        let given = values.iter().find(|(at, _)| *at == reference.field);
        let Some((position, value)) = given.filter(|(_, value)| *value != Value::Null) else {
            continue;
        };
        let running = asker.running;
        let Some(other) = running.resources.get(&reference.table) else { continue };
        let permission = asker.may(other, &Action::Read);
        // People follow, invite and write to others whose row they may not read; the store
        // still checks that there is such a user.
        if permission == Permission::All || other.is_users {
            continue;
        }
        let field = resource.field(*position).map_or("", |field| &*field.name);
        let is_it = Expression::column(&*reference.column).equals(value.clone());
        let seen = truth::and(is_it, permission.condition());
        let step = match unchanged {
            None if seen == Expression::Always(false) => {
                return Err(missing_reference(&resource, *position));
            }
            None => writing.require(&other.name, seen, Refusal::Reference(*position)),
            Some(row) => {
                let same = Expression::column(field).equals(value.clone());
                let exists = match seen {
                    Expression::Always(false) => Expression::Always(false),
                    seen => Expression::Exists {
                        table: other.name.to_string(),
                        condition: Box::new(seen),
                    },
                };
                let condition = truth::and(row.clone(), truth::or(same, exists));
                writing.require(&resource.name, condition, Refusal::Reference(*position))
            }
        };
        writing.before.push(step);
    }
    Ok(())
}

/// The same words for a row that is not there and for one that may not be seen.
pub(crate) fn missing_reference(resource: &Resource, position: usize) -> Problem {
    // What is wrong is not the value but what is there: another moment it may be right.
    let words = "a row that this one refers to does not exist";
    let problem = Problem::new(ProblemCode::Conflict, words);
    let reference = resource.references.iter().find(|one| one.field == position);
    match (resource.field(position), reference) {
        (Some(field), Some(reference)) => problem.detail(
            &*field.shown,
            format!("refers to a row of `{}` that does not exist", reference.table),
        ),
        (Some(field), None) => problem.detail(&*field.shown, "refers to nothing"),
        _ => problem,
    }
}

/// The statements of a change.
pub(super) fn update(
    asker: &Asker<'_>,
    plan: Plan,
    action: Action,
    change: Change,
    permission: Permission,
) -> Result<Writing, Problem> {
    let resource = Arc::clone(&plan.resource);
    let mut touches = asker.seen_of(&resource, readable(asker, &plan, permission));
    let mut set: Vec<(Arc<str>, Expression)> = Vec::with_capacity(change.set.len() + 1);
    for (at, value) in &change.set {
        if let Some(field) = resource.field(*at) {
            set.push((Arc::clone(&field.name), value.clone().into()));
        }
    }
    if sabotage::is(Sabotage::OwnerSkippedOnUpdate) && change.transition.is_none()
        || sabotage::is(Sabotage::OwnerSkippedOnTransition) && change.transition.is_some()
    {
        touches = plan.rows.clone();
    }
    let mut moves = None;
    if let Some((name, at, target)) = &change.transition {
        let (condition, value) = transition(asker, &resource, name, *at, target)?;
        touches = truth::and(touches, condition);
        if let Some(field) = resource.field(*at)
            && !sabotage::is(Sabotage::ActionKeepsState)
        {
            let value = if change.toggles { opposite(&field.name) } else { value };
            set.push((Arc::clone(&field.name), value));
        }
        if let Some(field) = change.stamp.and_then(|at| resource.field(at)) {
            let now = super::given::now_as(&field.kind, asker.now);
            set.push((Arc::clone(&field.name), now.into()));
        }
        moves = Some((*at, target.clone()));
    }
    for (at, value) in &change.set {
        let Some(condition) = moved(asker, &resource, *at, value) else { continue };
        touches = truth::and(touches, condition);
        moves = Some((*at, value.clone()));
    }
    if set.is_empty() {
        let Some(&first) = resource.key.first() else { return Err(Problem::not_found()) };
        if let Some(field) = resource.field(first) {
            set.push((Arc::clone(&field.name), Expression::column(&*field.name)));
        }
    }
    let main = Step::Update {
        table: Arc::clone(&resource.name),
        set,
        condition: touches.clone(),
        returning: Arc::clone(&resource.outputs),
    };
    let mut writing = Writing::new(plan, action, main, Some(touches));
    guard_fields(asker, &mut writing, &change.set)?;
    guard_new_version(asker, &mut writing, &change)?;
    writing.references = references(&resource, &change.set);
    writing.moves = moves;
    Ok(writing)
}

/// References, reserved fields and owners of a changed row: as before, or allowed.
fn guard_fields(
    asker: &Asker<'_>,
    writing: &mut Writing,
    values: &[(usize, Value)],
) -> Result<(), Problem> {
    let rows = writing.rows.clone();
    if asker.principal.is_admin() {
        if let Some((at, _)) = values.iter().find(|(at, _)| is_secret(&writing.resource, *at)) {
            return Err(reserved(asker, &writing.resource, *at));
        }
        return Ok(());
    }
    let resource = Arc::clone(&writing.resource);
    let free = asker.has_free_role(&resource, &Action::Update);
    for (at, value) in values {
        let Some(field) = resource.field(*at) else { continue };
        let owner = resource.owner_fields.contains(at)
            && !(free || sabotage::is(Sabotage::OwnerGivenAway))
            && !is_self(asker, &resource, *at, value);
        if is_secret(&resource, *at) {
            return Err(reserved(asker, &resource, *at));
        }
        let reserved = field.reserved && !sabotage::is(Sabotage::RoleByUpdate);
        if !reserved && !owner {
            continue;
        }
        let column = Expression::column(&*field.name);
        let same = match value {
            Value::Null => truth::is_null(column, false),
            value => column.equals(value.clone()),
        };
        let refusal = if field.reserved { Refusal::Reserved(*at) } else { Refusal::Owner(*at) };
        let step = writing.require(&resource.name, truth::and(rows.clone(), same), refusal);
        writing.before.push(step);
    }
    require_references(asker, writing, values, Some(&rows))
}

fn is_secret(resource: &Resource, position: usize) -> bool {
    resource.field(position).is_some_and(|field| field.reserved && field.write_only)
}

/// What the row becomes must be allowed too, where the rule looks at what is changed.
fn guard_new_version(
    asker: &Asker<'_>,
    writing: &mut Writing,
    change: &Change,
) -> Result<(), Problem> {
    let resource = Arc::clone(&writing.resource);
    if opened_by_arrow(asker, &resource, change)
        || sabotage::is(Sabotage::NewVersionUnchecked)
        || sabotage::is(Sabotage::OwnerGivenAway)
    {
        return Ok(());
    }
    let action = writing.action.clone();
    let mut condition = asker.may_become(&resource, &action).condition();
    if writing.owned {
        condition = truth::and(condition, asker.owned(&resource));
    }
    let is_changed = |name: &str| {
        let at = resource.position(name);
        change.set.iter().any(|(other, _)| Some(*other) == at)
            || change.transition.as_ref().is_some_and(|(_, other, _)| Some(*other) == at)
    };
    let same_as_before = asker.may(&resource, &action) == asker.may_become(&resource, &action);
    if condition == Expression::Always(true)
        || (same_as_before && !truth::looks_at(&condition, &is_changed))
    {
        return Ok(());
    }
    let is_decided = !truth::looks_at(&condition, &|name| !is_changed(name));
    if is_decided && change.transition.is_none() {
        let row: Vec<(Arc<str>, Value)> = change
            .set
            .iter()
            .filter_map(|(at, value)| Some((Arc::clone(&resource.field(*at)?.name), value.clone())))
            .collect();
        if truth::with_row(&condition, &row) == Expression::Always(true) {
            return Ok(());
        }
    }
    let condition = truth::and(key_after(&resource, &writing.rows, change), condition);
    let step = writing.require(&resource.name, condition, Refusal::NewVersion);
    writing.after.push(step);
    Ok(())
}

/// The row's place after the change: columns that the path compares may have changed.
fn key_after(resource: &Resource, rows: &Expression, change: &Change) -> Expression {
    let mut moved = rows.clone();
    for (at, value) in &change.set {
        if let Some(field) = resource.field(*at) {
            moved = replace_equality(moved, &field.name, value);
        }
    }
    moved
}

fn replace_equality(expression: Expression, column: &str, value: &Value) -> Expression {
    use store::Operator;
    match expression {
        Expression::Binary { left, operator: Operator::And, right } => {
            replace_equality(*left, column, value)
                .binary(Operator::And, replace_equality(*right, column, value))
        }
        Expression::Binary { left, operator: Operator::Equal, .. }
            if *left == Expression::column(column) =>
        {
            left.binary(Operator::Equal, value.clone().into())
        }
        other => other,
    }
}

/// The opposite of a boolean column; nothing known is taken for false.
fn opposite(column: &str) -> Expression {
    let is_true = Expression::column(column).equals(Value::Boolean(true));
    Expression::Case {
        branches: vec![(is_true, Expression::Value(Value::Boolean(false)))],
        otherwise: Some(Box::new(Expression::Value(Value::Boolean(true)))),
    }
}

/// Where an action may start and what the column then holds.
fn transition(
    asker: &Asker<'_>,
    resource: &Resource,
    action: &str,
    position: usize,
    target: &Value,
) -> Result<(Expression, Expression), Problem> {
    let Some(field) = resource.field(position) else { return Err(Problem::not_found()) };
    let column = || Expression::column(&*field.name);
    let machine = resource.machine(&field.name).filter(|machine| machine.is_drawn());
    let machine = machine.filter(|_| !sabotage::is(Sabotage::ActionFromAnyState));
    let (Some(machine), Value::Text(state)) = (machine, target) else {
        return Ok((Expression::Always(true), target.clone().into()));
    };
    let mut may_start = Expression::Always(false);
    let mut branches = Vec::new();
    for one in machine.called(action, state) {
        if let Some(also) = by_whom(asker, resource, one) {
            let starts = column().equals(Value::Text(one.from.clone()));
            may_start = truth::or(may_start, truth::and(starts.clone(), also));
            branches.push((starts, Expression::Value(Value::Text(one.to.clone()))));
        }
    }
    if branches.is_empty() {
        return Err(asker.refused(&format!(
            "you may not {action} this: {} names other roles at that arrow",
            machine.origin
        )));
    }
    let same_end = branches.iter().all(|(_, to)| *to == Expression::Value(target.clone()));
    let value = match same_end {
        true => target.clone().into(),
        false => Expression::Case { branches, otherwise: Some(Box::new(column())) },
    };
    Ok((may_start, value))
}

/// Who may follow an arrow: none where the principal may not; a condition where its owner may.
fn by_whom(
    asker: &Asker<'_>,
    resource: &Resource,
    transition: &document::messaging::Transition,
) -> Option<Expression> {
    if crate::data::Machine::may_do(transition, asker.principal) {
        return Some(Expression::Always(true));
    }
    let names_owner = transition.roles.iter().any(|role| role.eq_ignore_ascii_case("owner"));
    names_owner.then(|| asker.owned(resource)).filter(|rows| *rows != Expression::Always(false))
}

/// A state set as an ordinary field moves along the drawn arrows, or stays.
fn moved(
    asker: &Asker<'_>,
    resource: &Resource,
    position: usize,
    value: &Value,
) -> Option<Expression> {
    let field = resource.field(position)?;
    let machine = resource.machine(&field.name).filter(|machine| machine.is_drawn())?;
    if sabotage::is(Sabotage::StateWritten) {
        return None;
    }
    let column = || Expression::column(&*field.name);
    let Value::Text(state) = value else { return Some(truth::is_null(column(), false)) };
    let mut allowed = column().equals(value.clone());
    for one in machine.into(state) {
        if let Some(also) = by_whom(asker, resource, one) {
            let starts = column().equals(Value::Text(one.from.clone()));
            allowed = truth::or(allowed, truth::and(starts, also));
        }
    }
    Some(allowed)
}

/// The statements of a removal.
pub(super) fn remove(asker: &Asker<'_>, plan: Plan, permission: Permission) -> Writing {
    let touches = match sabotage::is(Sabotage::OwnerSkippedOnDelete) {
        true => plan.rows.clone(),
        false => asker.seen_of(&plan.resource, readable(asker, &plan, permission)),
    };
    let main = Step::Delete {
        table: Arc::clone(&plan.resource.name),
        condition: touches.clone(),
        returning: Arc::from([]),
    };
    Writing::new(plan, Action::Delete, main, Some(touches))
}
