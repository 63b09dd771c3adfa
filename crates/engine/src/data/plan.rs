//! What a request asks for, as typed values: fields resolved, values read, nothing yet of who may.
//! Every door ends here: REST, nested routes, batch, transitions, GraphQL.

use std::sync::Arc;

use document::{
    api::{KeyParameter, NOW, NULL, Nested, Operation, TOGGLE},
    security::Action,
};
use store::{Expression, Value};

use super::{
    Resource, fitting, given,
    list::{self, ListAsk, Shape},
    truth,
};
use crate::{
    Problem,
    api::{Found, Route, Target},
    problem::ProblemCode,
    sabotage::{self, Sabotage},
    security::may::Asker,
};

/// What is asked for: which rows of which table, and what is to happen to them.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The table or view.
    pub(crate) resource: Arc<Resource>,
    /// Rows that the path names.
    pub(crate) rows: Expression,
    /// Values that the path fixes for new rows.
    pub(crate) fixed: Vec<(usize, Value)>,
    /// The parent whose rows these are: has to be there and to be seen.
    pub(crate) parent: Option<(Arc<Resource>, Expression)>,
    /// Only rows of one's own.
    pub(crate) owned: bool,
    /// What is to happen.
    pub(crate) act: Act,
    /// Says which versions of the row the caller expects.
    pub(crate) if_match: Option<String>,
}

/// What is to happen to rows.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Show a page of them.
    List(Box<ListAsk>),
    /// Show one.
    Get(Shape),
    /// Add one.
    Create(given::New),
    /// Change one.
    Change(Change),
    /// Remove one.
    Remove,
}

/// A change of one row.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    /// New values.
    pub(crate) set: Vec<(usize, Value)>,
    /// An action of a state machine: its name, the column and what the column holds afterwards.
    pub(crate) transition: Option<(String, usize, Value)>,
    /// The action turns its boolean column into the opposite.
    pub(crate) toggles: bool,
    /// A time stamp that the action sets.
    pub(crate) stamp: Option<usize>,
}

impl Plan {
    /// What has to be allowed.
    pub(crate) fn action(&self) -> Action {
        match &self.act {
            Act::List(_) | Act::Get(_) => Action::Read,
            Act::Create(_) => Action::Create,
            Act::Change(Change { transition: Some((name, ..)), .. }) => {
                Action::Transition { name: name.clone() }
            }
            Act::Change(_) => Action::Update,
            Act::Remove => Action::Delete,
        }
    }
}

/// A request as far as it was read: the route, its parameters, the query string, the body.
pub(crate) struct Call<'a> {
    /// The route and its parameters' values.
    pub(crate) found: Found<'a>,
    /// Decoded pairs of the query string.
    pub(crate) query: Vec<(String, String)>,
    /// The body's bytes.
    pub(crate) body: &'a [u8],
    /// `If-Match`.
    pub(crate) if_match: Option<String>,
}

/// Makes a plan of a call that goes to a table.
///
/// # Errors
/// Whatever the caller got wrong; where the act is refused anyhow, the refusal.
pub(crate) fn plan(asker: &Asker<'_>, call: &Call<'_>) -> Result<Plan, Problem> {
    let route = call.found.route;
    let owned = asker.enter(route.endpoint.as_ref())?;
    let planned = Planner { asker, call }.plan(route, owned);
    planned.map_err(|problem| match target_action(&route.target) {
        // Who may not do it at all learns nothing about how it would be done.
        Some((resource, action)) if problem.code.row().1 == http::StatusCode::BAD_REQUEST => {
            match asker.may(resource, &action) {
                crate::security::may::Permission::Refused => asker.refusal(resource, &action),
                _ => problem,
            }
        }
        _ => problem,
    })
}

fn target_action(target: &Target) -> Option<(&Resource, Action)> {
    match target {
        Target::Table { resource, operation, .. } => Some((resource, action_of(*operation))),
        Target::Transition { resource, action, .. } => {
            Some((resource, Action::Transition { name: action.clone() }))
        }
        _ => None,
    }
}

fn action_of(operation: Operation) -> Action {
    match operation {
        Operation::List | Operation::Get => Action::Read,
        Operation::Create => Action::Create,
        Operation::Replace | Operation::Update => Action::Update,
        Operation::Delete => Action::Delete,
    }
}

struct Planner<'a, 'b> {
    asker: &'a Asker<'a>,
    call: &'a Call<'b>,
}

impl Planner<'_, '_> {
    fn plan(&self, route: &Route, owned: bool) -> Result<Plan, Problem> {
        match &route.target {
            Target::Table { resource, operation, nested, filters, key } => {
                let mut plan = self.empty(resource, owned);
                for parameter in key {
                    self.key(&mut plan, parameter)?;
                }
                for (column, value) in filters {
                    self.filter(&mut plan, column, value)?;
                }
                if let Some(nested) = nested {
                    self.nest(&mut plan, nested)?;
                }
                self.one_row_only(&plan, *operation, key, nested.as_ref())?;
                plan.act = self.act(resource, *operation, &plan)?;
                Ok(plan)
            }
            Target::Transition { resource, action, column, target, stamp, key } => {
                let mut plan = self.empty(resource, owned);
                self.key(&mut plan, key)?;
                let members = super::body::members(self.call.body)?;
                let set = given::merge(self.asker, resource, members, &[])?;
                let position = resource.position(column).ok_or_else(no_such_field)?;
                let field = resource.field(position).ok_or_else(no_such_field)?;
                let value = match target.as_str() {
                    NOW => given::now_as(&field.kind, self.asker.now),
                    NULL | TOGGLE => Value::Null,
                    target => field.kind.parse_text(target).map_err(|_| no_such_field())?,
                };
                let stamp = stamp.as_ref().and_then(|column| resource.position(column));
                plan.act = Act::Change(Change {
                    set: set
                        .into_iter()
                        .filter(|(at, _)| *at != position && Some(*at) != stamp)
                        .collect(),
                    transition: Some((action.clone(), position, value)),
                    toggles: target == TOGGLE,
                    stamp,
                });
                Ok(plan)
            }
            _ => Err(Problem::new(ProblemCode::NotImplemented, "this route has no table")),
        }
    }

    fn empty(&self, resource: &Arc<Resource>, owned: bool) -> Plan {
        Plan {
            resource: Arc::clone(resource),
            rows: Expression::Always(true),
            fixed: Vec::new(),
            parent: None,
            owned,
            act: Act::Remove,
            if_match: self.call.if_match.clone(),
        }
    }

    /// A path parameter that names the row. What is no possible key is a row that is not there.
    fn key(&self, plan: &mut Plan, key: &KeyParameter) -> Result<(), Problem> {
        let position = plan.resource.position(&key.column).ok_or_else(no_such_field)?;
        let field = plan.resource.field(position).ok_or_else(no_such_field)?;
        let value = match key.parameter.as_str() {
            Nested::ME => self.own_key(&field.kind)?,
            parameter => {
                let text = self.call.found.value(parameter).unwrap_or("");
                field.kind.parse_text(text).map_err(|_| Problem::not_found())?
            }
        };
        plan.fixed.push((position, value.clone()));
        let is_it = Expression::column(&*field.name).equals(value);
        plan.rows = truth::and(std::mem::replace(&mut plan.rows, Expression::Always(true)), is_it);
        Ok(())
    }

    /// The principal's own key, in the kind of a column.
    fn own_key(&self, kind: &store::Kind) -> Result<Value, Problem> {
        match self.asker.principal.user() {
            Some(user) => Ok(fitting(user.id.clone(), kind)),
            None => Err(self.asker.refused("only somebody signed in has rows here")),
        }
    }

    /// A value that the path fixes, such as `/posts/published`.
    fn filter(&self, plan: &mut Plan, column: &str, text: &str) -> Result<(), Problem> {
        let position = plan.resource.position(column).ok_or_else(no_such_field)?;
        let field = plan.resource.field(position).ok_or_else(no_such_field)?;
        let value = field.kind.parse_text(text).map_err(|_| no_such_field())?;
        plan.fixed.push((position, value.clone()));
        let is_it = Expression::column(&*field.name).equals(value);
        plan.rows = truth::and(std::mem::replace(&mut plan.rows, Expression::Always(true)), is_it);
        Ok(())
    }

    /// `/parents/{id}/children`: the children's rows, and the parent that has to be seen.
    fn nest(&self, plan: &mut Plan, nested: &Nested) -> Result<(), Problem> {
        let parent = self.asker.running.resources.get(&nested.parent).ok_or_else(no_such_field)?;
        let own_column = parent.position(&nested.parent_column).and_then(|at| parent.field(at));
        let own_column = own_column.ok_or_else(no_such_field)?;
        let value = match nested.parameter.as_str() {
            Nested::ME => self.own_key(&own_column.kind)?,
            parameter => {
                let text = self.call.found.value(parameter).unwrap_or("");
                own_column.kind.parse_text(text).map_err(|_| Problem::not_found())?
            }
        };
        let is_parent = Expression::column(&*own_column.name).equals(value.clone());
        let position = plan.resource.position(&nested.column).ok_or_else(no_such_field)?;
        let field = plan.resource.field(position).ok_or_else(no_such_field)?;
        let column = Expression::column(&*field.name);
        let belongs = match &nested.through {
            Some(through) => Expression::InSelect {
                operand: Box::new(column),
                column: through.child_column.clone(),
                table: through.table.clone(),
                condition: Box::new(
                    Expression::column(through.parent_column.as_str()).equals(value),
                ),
            },
            None => {
                let reference = plan.resource.references.iter().find(|one| one.field == position);
                let referred = reference.map_or(&*own_column.name, |one| &*one.column);
                if referred == &*own_column.name {
                    plan.fixed.push((position, value.clone()));
                    column.equals(value)
                } else {
                    Expression::InSelect {
                        operand: Box::new(column),
                        column: referred.to_owned(),
                        table: parent.name.to_string(),
                        condition: Box::new(is_parent.clone()),
                    }
                }
            }
        };
        if !sabotage::is(Sabotage::NestedNotFiltered) {
            plan.rows =
                truth::and(std::mem::replace(&mut plan.rows, Expression::Always(true)), belongs);
        }
        plan.parent = Some((Arc::clone(parent), is_parent));
        Ok(())
    }

    /// An operation on one row needs a path that names one.
    fn one_row_only(
        &self,
        plan: &Plan,
        operation: Operation,
        key: &[KeyParameter],
        nested: Option<&Nested>,
    ) -> Result<(), Problem> {
        let names_one = match nested {
            _ if !key.is_empty() => true,
            Some(nested) => plan
                .resource
                .position(&nested.column)
                .is_some_and(|position| plan.resource.unique.contains(&position)),
            None => false,
        };
        let needs_one =
            matches!(operation, Operation::Update | Operation::Replace | Operation::Delete);
        match needs_one && !names_one {
            true => Err(Problem::new(
                ProblemCode::NotImplemented,
                "this path does not say which row it is about",
            )),
            false => Ok(()),
        }
    }

    fn act(&self, resource: &Resource, operation: Operation, plan: &Plan) -> Result<Act, Problem> {
        let query = &self.call.query;
        let members = || super::body::members(self.call.body);
        Ok(match operation {
            Operation::List => Act::List(Box::new(list::read(self.asker, plan, query)?)),
            Operation::Get => Act::Get(list::shape(self.asker, resource, query)?),
            Operation::Create => {
                Act::Create(given::create(self.asker, resource, members()?, &plan.fixed)?)
            }
            Operation::Update => Act::Change(Change {
                set: given::merge(self.asker, resource, members()?, &plan.fixed)?,
                ..Change::default()
            }),
            Operation::Replace => Act::Change(Change {
                set: given::replace(self.asker, resource, members()?, &plan.fixed)?,
                ..Change::default()
            }),
            Operation::Delete => Act::Remove,
        })
    }
}

/// The document's binding names a column that its table does not have.
fn no_such_field() -> Problem {
    Problem::new(
        ProblemCode::NotImplemented,
        "this path is bound to a column that its table does not have",
    )
}
