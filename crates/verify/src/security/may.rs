//! Who may do what, worked out from the document's sentences alone: a second reading of them,
//! beside that of whatever serves it.

use std::collections::HashMap;

use document::{
    System,
    api::Endpoint,
    data::Table,
    expression::{Expression, Literal, PrincipalProperty},
    security::{Action, Who},
};
use serde_json::Value as Json;

use crate::{
    Person, Row,
    evaluate::{Value, of_json, value},
    shape::shown,
};

/// Rows of all tables, as the admin sees them; what conditions over other tables look at.
pub(super) type World = HashMap<String, Vec<Row>>;

/// Whether somebody may do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    Yes,
    No,
    /// The sentences say something that is not understood here.
    Unknown,
}

impl May {
    fn of(truth: Option<bool>) -> Self {
        truth.map_or(May::Unknown, |truth| if truth { May::Yes } else { May::No })
    }

    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (May::Yes, _) | (_, May::Yes) => May::Yes,
            (May::Unknown, _) | (_, May::Unknown) => May::Unknown,
            _ => May::No,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (May::No, _) | (_, May::No) => May::No,
            (May::Unknown, _) | (_, May::Unknown) => May::Unknown,
            _ => May::Yes,
        }
    }
}

/// The document's sentences for one who asks.
#[derive(Clone, Copy)]
pub(super) struct Access<'a> {
    pub(super) system: &'a System,
    pub(super) world: &'a World,
    pub(super) person: &'a Person,
}

impl Access<'_> {
    /// Whether `action` is allowed on a row as it is.
    pub(super) fn on(&self, table: &Table, action: &Action, row: &Row) -> May {
        self.by_sentences(table, action, row, false)
    }

    /// Whether `action` may leave a row like this one.
    pub(super) fn becomes(&self, table: &Table, action: &Action, row: &Row) -> May {
        self.by_sentences(table, action, row, true)
    }

    /// Whether any sentence speaks for the person at all, on whichever rows.
    pub(super) fn at_all(&self, table: &Table, action: &Action) -> bool {
        let mut grants = self.system.security.grants.iter();
        self.person.is_admin
            || grants.any(|grant| {
                grant.table == table.name && covers(&grant.actions, action) && self.is(&grant.who)
            })
    }

    fn by_sentences(&self, table: &Table, action: &Action, row: &Row, becomes: bool) -> May {
        if self.person.is_admin {
            return May::Yes;
        }
        let mut may = May::No;
        for grant in &self.system.security.grants {
            if grant.table != table.name || !covers(&grant.actions, action) || !self.is(&grant.who)
            {
                continue;
            }
            let condition = match becomes {
                true => grant.check.as_ref().or(grant.condition.as_ref()),
                false => grant.condition.as_ref(),
            };
            may = may.or(match condition {
                Some(condition) => self.holds(condition, row),
                None if grant.who == Who::Owner => May::No,
                None => May::Yes,
            });
        }
        may
    }

    /// Whether the person is one of these. Ownership is a matter of rows.
    pub(super) fn is(&self, who: &Who) -> bool {
        let is_somebody = self.person.id().is_some();
        match who {
            Who::Public => true,
            Who::Authenticated | Who::Owner => is_somebody,
            Who::Role { name } => {
                let role = self.person.role.as_deref();
                is_somebody && role.is_some_and(|role| role.eq_ignore_ascii_case(name))
            }
            Who::Admin => self.person.is_admin,
        }
    }

    /// Whether a row belongs to the person.
    pub(super) fn owns(&self, table: &Table, row: &Row) -> May {
        if self.person.id().is_none() {
            return May::No;
        }
        let owners = self.system.security.owners.iter().filter(|one| one.table == table.name);
        owners.fold(May::No, |may, owner| may.or(self.holds(&owner.condition, row)))
    }

    /// Whether an endpoint lets the person in, for this row.
    pub(super) fn through(&self, endpoint: Option<&Endpoint>, table: &Table, row: &Row) -> May {
        let Some(callers) = endpoint.and_then(|endpoint| endpoint.callers.as_ref()) else {
            return May::Yes;
        };
        if self.person.is_admin {
            return May::Yes;
        }
        let admitted = || callers.who.iter().filter(|who| self.is(who));
        if admitted().any(|who| *who != Who::Owner) {
            return May::Yes;
        }
        match admitted().next() {
            Some(_) => self.owns(table, row),
            None => May::No,
        }
    }

    fn holds(&self, condition: &Expression, row: &Row) -> May {
        match self.of(condition, row, None) {
            Some(Value::Boolean(truth)) => May::of(Some(truth)),
            Some(Value::Null) => May::No,
            _ => May::Unknown,
        }
    }

    /// What an expression stands for, with everything about the person, the outer row and other
    /// tables put in its place first.
    fn of(&self, expression: &Expression, row: &Row, outer: Option<&Row>) -> Option<Value> {
        let bound = self.bound(expression, row, outer)?;
        // A column that is not shown is not known.
        let known = |name: &str| row.get(&shown(self.system, name)).cloned().unwrap_or(Json::Null);
        value(&bound, &known)
    }

    fn bound(&self, said: &Expression, row: &Row, outer: Option<&Row>) -> Option<Expression> {
        let again = |one: &Expression| self.bound(one, row, outer);
        let boxed = |one: &Expression| again(one).map(Box::new);
        Some(match said {
            Expression::Principal { property } => literal(&self.property(property)?)?,
            Expression::Outer { name } => literal(outer?.get(&shown(self.system, name))?)?,
            Expression::Column { name } => {
                row.get(&shown(self.system, name))?;
                said.clone()
            }
            Expression::InSelect { operand, column, table, condition } => {
                let wanted = self.of(operand, row, outer)?;
                let mut found = Some(false);
                for other in self.world.get(table)? {
                    let value = of_json(other.get(&shown(self.system, column))?.clone());
                    if value == wanted {
                        found = any(found, self.truth(condition, other, row));
                    }
                }
                boolean(found?)
            }
            Expression::Exists { table, condition } => {
                let mut found = Some(false);
                for other in self.world.get(table)? {
                    found = any(found, self.truth(condition, other, row));
                }
                boolean(found?)
            }
            Expression::Not { operand } => Expression::Not { operand: boxed(operand)? },
            Expression::Binary { left, operator, right } => {
                use document::expression::Operator as O;
                // One side may decide where the other is not understood.
                if matches!(operator, O::And | O::Or) {
                    let side = |one: &Expression| self.of(one, row, outer);
                    return self.joined(*operator, side(left), side(right));
                }
                Expression::Binary { left: boxed(left)?, operator: *operator, right: boxed(right)? }
            }
            Expression::IsNull { operand, negated } => {
                Expression::IsNull { operand: boxed(operand)?, negated: *negated }
            }
            Expression::In { operand, list, negated } => Expression::In {
                operand: boxed(operand)?,
                list: list.iter().map(again).collect::<Option<_>>()?,
                negated: *negated,
            },
            Expression::Cast { operand, target } => {
                Expression::Cast { operand: boxed(operand)?, target: target.clone() }
            }
            Expression::Call { function, arguments } => Expression::Call {
                function: function.clone(),
                arguments: arguments.iter().map(again).collect::<Option<_>>()?,
            },
            Expression::Between { operand, low, high, negated } => Expression::Between {
                operand: boxed(operand)?,
                low: boxed(low)?,
                high: boxed(high)?,
                negated: *negated,
            },
            other => other.clone(),
        })
    }

    fn joined(
        &self,
        operator: document::expression::Operator,
        left: Option<Value>,
        right: Option<Value>,
    ) -> Option<Expression> {
        use document::expression::Operator as O;
        let decides = Some(Value::Boolean(operator == O::Or));
        if left == decides || right == decides {
            return Some(boolean(operator == O::Or));
        }
        match (left?, right?) {
            (Value::Boolean(left), Value::Boolean(right)) => Some(boolean(match operator {
                O::Or => left || right,
                _ => left && right,
            })),
            _ => Some(Expression::Literal { literal: Literal::Null }),
        }
    }

    /// Whether a condition holds for a row of another table; none where it is not understood.
    fn truth(&self, condition: &Expression, row: &Row, outer: &Row) -> Option<bool> {
        match self.of(condition, row, Some(outer))? {
            Value::Boolean(truth) => Some(truth),
            Value::Null => Some(false),
            _ => None,
        }
    }

    fn property(&self, property: &PrincipalProperty) -> Option<Json> {
        let account = self.person.account();
        Some(match property {
            PrincipalProperty::Id => self.person.id().cloned().unwrap_or(Json::Null),
            PrincipalProperty::Role => self.person.role.clone().map_or(Json::Null, Json::from),
            PrincipalProperty::Email => account.map_or(Json::Null, |own| own.login.clone().into()),
            PrincipalProperty::Column(name) => match account {
                Some(account) => account.row.get(&shown(self.system, name))?.clone(),
                None => Json::Null,
            },
        })
    }
}

fn any(left: Option<bool>, right: Option<bool>) -> Option<bool> {
    match (left, right) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn boolean(truth: bool) -> Expression {
    Expression::Literal { literal: Literal::Boolean(truth) }
}

fn literal(value: &Json) -> Option<Expression> {
    let literal = match value {
        Json::Null => Literal::Null,
        Json::Bool(truth) => Literal::Boolean(*truth),
        Json::Number(number) => Literal::Number(number.to_string()),
        Json::String(text) => Literal::Text(text.clone()),
        _ => return None,
    };
    Some(Expression::Literal { literal })
}

/// Who may change a row may also do the actions of its state machine.
fn covers(actions: &[Action], action: &Action) -> bool {
    let is_transition = matches!(action, Action::Transition { .. });
    actions.contains(action) || is_transition && actions.contains(&Action::Update)
}
