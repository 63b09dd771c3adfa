//! What a principal may do: the document's sentences become a condition that is folded into the
//! statement itself, or a refusal that names the sentence. What no sentence allows is refused.

use document::{
    api::Endpoint,
    expression::{Expression as Said, Operator as SaidOperator, PrincipalProperty},
    security::{Action, Callers, Who},
};
use http::{HeaderValue, header};
use store::Expression;

use crate::{
    Principal, Problem, Running, World,
    data::{Lowering, Resource, and, or},
    problem::ProblemCode,
    sabotage::{self, Sabotage},
};

/// Whoever asks, and of which version of the document.
#[derive(Clone, Copy)]
pub(crate) struct Asker<'a> {
    /// The version that is served.
    pub(crate) running: &'a Running,
    /// Who asks.
    pub(crate) principal: &'a Principal,
    /// Randomness.
    pub(crate) world: &'a dyn World,
    /// When it was asked: one moment for everything that the request writes.
    pub(crate) now: jiff::Timestamp,
}

/// What a principal may do with the rows of a table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Permission {
    /// Any row.
    All,
    /// Rows for which this holds.
    Rows(Expression),
    /// No row, whatever it holds.
    Refused,
}

impl Permission {
    /// Which rows, as a condition.
    pub(crate) fn condition(self) -> Expression {
        match self {
            Permission::All => Expression::Always(true),
            Permission::Rows(condition) => condition,
            Permission::Refused => Expression::Always(false),
        }
    }
}

impl<'a> Asker<'a> {
    /// On which rows the principal may do `action`.
    pub(crate) fn may(&self, resource: &Resource, action: &Action) -> Permission {
        self.permission(resource, action, |rule| rule.condition.as_ref())
    }

    /// Which new versions of a row the principal may make by `action`.
    pub(crate) fn may_become(&self, resource: &Resource, action: &Action) -> Permission {
        self.permission(resource, action, |rule| rule.check.as_ref().or(rule.condition.as_ref()))
    }

    fn permission<'r>(
        &self,
        resource: &'r Resource,
        action: &Action,
        condition_of: impl Fn(&'r crate::data::Rule) -> Option<&'r Said>,
    ) -> Permission {
        if self.principal.is_admin() {
            return Permission::All;
        }
        let mut rows = None;
        for rule in &resource.rules {
            if !covers(&rule.actions, action)
                || !self.is(&rule.who)
                || (sabotage::is(Sabotage::GrantForgotten) && *action == Action::Read)
            {
                continue;
            }
            let said = condition_of(rule);
            let condition = match said.filter(|_| !sabotage::is(Sabotage::RowConditionsIgnored)) {
                Some(said) => self.lower(resource, said),
                // An owner's sentence without a rule for who owns a row opens nothing.
                None if rule.who == Who::Owner => Expression::Always(false),
                None => return Permission::All,
            };
            rows = Some(match rows {
                None => condition,
                Some(others) => or(others, condition),
            });
        }
        match rows {
            None if sabotage::is(Sabotage::ClosedTableOpen) => Permission::All,
            None => Permission::Refused,
            Some(Expression::Always(true)) => Permission::All,
            Some(Expression::Value(store::Value::Null)) => {
                Permission::Rows(Expression::Always(false))
            }
            Some(condition) => Permission::Rows(condition),
        }
    }

    /// True where `who` means the principal. Ownership is decided row by row.
    fn is(&self, who: &Who) -> bool {
        match (who, self.principal.user()) {
            (Who::Public, _) => true,
            (Who::Authenticated, None) => sabotage::is(Sabotage::AnonymousTrusted),
            (_, None) => false,
            (Who::Authenticated | Who::Owner, Some(_)) => true,
            (Who::Role { .. }, Some(_)) if sabotage::is(Sabotage::RolesIgnored) => true,
            (Who::Role { name }, Some(user)) => {
                user.roles.iter().any(|role| role.eq_ignore_ascii_case(name))
            }
            (Who::Admin, Some(user)) => user.is_admin || sabotage::is(Sabotage::AdminOpen),
        }
    }

    /// A condition of the document for this principal; false where it has no meaning here.
    pub(crate) fn lower(&self, resource: &Resource, said: &Said) -> Expression {
        let data = &self.running.system.data;
        Lowering::request(data, &resource.name, self.principal, &self.running.users)
            .lower(said)
            .unwrap_or(Expression::Always(false))
    }

    /// Columns that have to name the principal in a row that they make: of each sentence that
    /// lets them make it. None where some sentence demands nothing.
    pub(crate) fn own_columns<'r>(&self, resource: &'r Resource) -> Vec<Vec<&'r str>> {
        if self.principal.is_admin() || resource.is_users {
            return Vec::new();
        }
        let mut all = Vec::new();
        for rule in &resource.rules {
            if !covers(&rule.actions, &Action::Create) || !self.is(&rule.who) {
                continue;
            }
            let Some(said) = rule.check.as_ref().or(rule.condition.as_ref()) else {
                return Vec::new();
            };
            let mut columns = Vec::new();
            named_as_principal(said, &mut columns);
            if !columns.is_empty() {
                all.push(columns);
            }
        }
        all
    }

    /// Rows that belong to the principal.
    pub(crate) fn owned(&self, resource: &Resource) -> Expression {
        if self.principal.user().is_none() {
            return Expression::Always(false);
        }
        let owners = resource.owners.iter();
        owners.fold(Expression::Always(false), |any, owner| or(any, self.lower(resource, owner)))
    }

    /// Whether the endpoint itself may be called; true where only on rows of one's own.
    ///
    /// # Errors
    /// A refusal that names the endpoint's words.
    pub(crate) fn enter(&self, endpoint: Option<&Endpoint>) -> Result<bool, Problem> {
        let Some(callers) = endpoint.and_then(|endpoint| endpoint.callers.as_ref()) else {
            return Ok(false);
        };
        if self.principal.is_admin() || sabotage::is(Sabotage::EndpointCallersIgnored) {
            return Ok(false);
        }
        let admitted = || callers.who.iter().filter(|who| self.is(who));
        if admitted().any(|who| *who != Who::Owner) {
            return Ok(false);
        }
        if admitted().next().is_some() {
            return Ok(true);
        }
        Err(self.refused(&self.words_of(callers)))
    }

    fn words_of(&self, callers: &Callers) -> String {
        let place = self.running.compiled.sources.location(callers.span);
        format!("you may not call this: {place} says “{}”", callers.text)
    }

    /// The refusal of an act: 401 where an identity would help, 403 with the sentence otherwise.
    pub(crate) fn refusal(&self, resource: &Resource, action: &Action) -> Problem {
        let allowing = resource.rules.iter().find(|rule| covers(&rule.actions, action));
        let verb = verb(action);
        self.refused(&match allowing {
            Some(rule) => format!("you may not {verb} this row: {}", rule.sentence),
            None => format!(
                "you may not {verb} this row: no sentence of the document opens `{}` for that",
                resource.name
            ),
        })
    }

    /// 401 for nobody, who could sign in; 403 for somebody.
    pub(crate) fn refused(&self, words: &str) -> Problem {
        match self.principal.user() {
            Some(_) => Problem::new(ProblemCode::Forbidden, words),
            None => Problem::new(ProblemCode::Unauthenticated, "this needs an identity: sign in")
                .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        }
    }

    /// True where a sentence for one of the principal's roles allows `action` on all rows.
    pub(crate) fn has_free_role(&self, resource: &Resource, action: &Action) -> bool {
        self.principal.is_admin()
            || resource.rules.iter().any(|rule| {
                matches!(rule.who, Who::Role { .. })
                    && covers(&rule.actions, action)
                    && rule.condition.is_none()
                    && rule.check.is_none()
                    && self.is(&rule.who)
            })
    }

    /// Rows that the principal may see, as a condition.
    pub(crate) fn seen(&self, resource: &Resource) -> Expression {
        self.may(resource, &Action::Read).condition()
    }

    /// `rows` as far as the principal may see them.
    pub(crate) fn seen_of(&self, resource: &Resource, rows: Expression) -> Expression {
        and(rows, self.seen(resource))
    }
}

/// Columns that a condition demands to equal the principal's key.
fn named_as_principal<'r>(said: &'r Said, columns: &mut Vec<&'r str>) {
    let Said::Binary { left, operator, right } = said else { return };
    match operator {
        SaidOperator::And => {
            named_as_principal(left, columns);
            named_as_principal(right, columns);
        }
        SaidOperator::Equal => match (bare(left), bare(right)) {
            (Said::Column { name }, Said::Principal { property: PrincipalProperty::Id })
            | (Said::Principal { property: PrincipalProperty::Id }, Said::Column { name }) => {
                columns.push(name);
            }
            _ => {}
        },
        _ => {}
    }
}

/// An expression without casts around it.
fn bare(said: &Said) -> &Said {
    match said {
        Said::Cast { operand, .. } => bare(operand),
        said => said,
    }
}

/// An action of the state machine is a change too: who may change the row may do it.
fn covers(actions: &[Action], action: &Action) -> bool {
    actions.contains(action)
        || (matches!(action, Action::Transition { .. }) && actions.contains(&Action::Update))
}

/// The act in a word.
pub(crate) fn verb(action: &Action) -> &str {
    match action {
        Action::Read => "see",
        Action::Create => "create",
        Action::Update => "change",
        Action::Delete => "delete",
        Action::Transition { name } => name,
    }
}
