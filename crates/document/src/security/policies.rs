//! Reads `CREATE POLICY`: each alternative of a condition becomes a permission for a role, for
//! owners, for signed-in users or for everybody. A condition that is not understood allows nothing.

use std::collections::HashSet;

use crate::{
    Chapter, ClaimKind, Diagnostic, Span,
    compile::Reading,
    data::{
        Data, Policy, PolicyCommand, SqlExpression,
        sql::expression::{Scope, expression_of, parse},
    },
    expression::{Expression, Literal, Operator, PrincipalProperty},
    security::{
        Action, Identity, Who,
        access::{Permission, Source, and},
        codes,
        endpoints::not_defined,
        owners::Ownership,
        placing::place,
        roles::{Meaning, RoleBook},
    },
    statement::{Claim, Class},
};

/// What the reader works with.
pub(super) struct Policies<'a> {
    /// The document's tables and policies.
    pub(super) data: &'a Data,
    /// Where users live.
    pub(super) identity: &'a Identity,
    /// The roles.
    pub(super) book: &'a RoleBook,
    /// Whose rows are whose.
    pub(super) ownership: &'a Ownership,
}

/// A policy that narrows what others allow.
#[derive(Debug, Clone)]
pub(super) struct Restriction {
    /// The table.
    pub(super) table: String,
    /// What it narrows.
    pub(super) command: PolicyCommand,
    /// What must hold besides.
    pub(super) condition: Expression,
}

/// One alternative of a condition.
struct Alternative {
    who: Vec<Who>,
    condition: Option<Expression>,
}

/// Why a condition allows nothing.
enum Trouble {
    /// Not understood, with the reason.
    Unread(String),
    /// A role that is not defined.
    Role(String),
}

impl Policies<'_> {
    /// The permissions of all policies, and what the restrictive ones demand besides.
    pub(super) fn read(&self, reading: &mut Reading<'_>) -> (Vec<Permission>, Vec<Restriction>) {
        let (mut permissions, mut restrictions) = (Vec::new(), Vec::new());
        // What was recorded of the statements before their meaning was known gives way.
        let spans: HashSet<Span> = self.data.policies.iter().map(|policy| policy.span).collect();
        reading.ledger.statements.retain(|known| !spans.contains(&known.span));
        for policy in &self.data.policies {
            if self.data.table(&policy.table).is_none() {
                continue;
            }
            let read = if policy.restrictive {
                self.restriction(policy).map(|restriction| restrictions.push(restriction))
            } else {
                self.permissions(policy).map(|mut found| permissions.append(&mut found))
            };
            match read {
                Ok(()) => bind(reading, policy),
                Err(trouble) => {
                    // A narrowing that is not understood must not leave the table open.
                    if policy.restrictive {
                        restrictions.push(Restriction {
                            table: policy.table.clone(),
                            command: policy.command,
                            condition: truth(false),
                        });
                    }
                    self.tell(reading, policy, trouble);
                }
            }
        }
        (permissions, restrictions)
    }

    fn restriction(&self, policy: &Policy) -> Result<Restriction, Trouble> {
        let mut condition = None;
        for written in policy.using.iter().chain(&policy.check) {
            condition = and(condition, self.typed(&policy.table, written)?);
        }
        Ok(Restriction {
            table: policy.table.clone(),
            command: policy.command,
            condition: condition.unwrap_or_else(|| truth(true)),
        })
    }

    fn permissions(&self, policy: &Policy) -> Result<Vec<Permission>, Trouble> {
        let typed = |written: &Option<SqlExpression>| {
            written.as_ref().map(|written| self.typed(&policy.table, written)).transpose()
        };
        let (using, check) = (typed(&policy.using)?, typed(&policy.check)?);
        let text = format!("policy \"{}\"", policy.name);
        let mut found = Vec::new();
        let mut say =
            |actions: Vec<Action>, alternative: Alternative, check: Option<Expression>| {
                for who in alternative.who {
                    let said = (text.as_str(), policy.span);
                    let mut permission =
                        Permission::new(&policy.table, actions.clone(), who, said, Source::Policy);
                    permission.condition.clone_from(&alternative.condition);
                    permission.check.clone_from(&check);
                    found.push(permission);
                }
            };
        let creates = matches!(policy.command, PolicyCommand::All | PolicyCommand::Insert);
        let rows: Vec<Action> = match policy.command {
            PolicyCommand::All => vec![Action::Read, Action::Update, Action::Delete],
            PolicyCommand::Select => vec![Action::Read],
            PolicyCommand::Update => vec![Action::Update],
            PolicyCommand::Delete => vec![Action::Delete],
            PolicyCommand::Insert => Vec::new(),
        };
        if !rows.is_empty() {
            // A policy without a condition allows all rows; one with only a check needs that.
            let whole = using.clone().or_else(|| check.clone()).unwrap_or_else(|| truth(true));
            for alternative in self.alternatives(policy, &whole)? {
                say(rows.clone(), alternative, check.clone());
            }
        }
        if creates {
            let whole = check.or(using).unwrap_or_else(|| truth(true));
            for alternative in self.alternatives(policy, &whole)? {
                let check = alternative.condition.clone();
                let who = alternative.who;
                say(vec![Action::Create], Alternative { who, condition: None }, check);
            }
        }
        Ok(found)
    }

    /// The typed form of a condition, with the document's own functions understood.
    fn typed(&self, table: &str, written: &SqlExpression) -> Result<Expression, Trouble> {
        let expression = written
            .expression
            .clone()
            .or_else(|| self.with_functions(table, &written.text))
            .ok_or_else(|| Trouble::Unread(self.reason(&written.text)))?;
        let mut expression = expression;
        rewrite(&mut expression);
        if let Some(name) =
            self.data.table(table).and_then(|at| place(self.data, at, &mut expression))
        {
            return Err(Trouble::Unread(format!("no table there has a column `{name}`")));
        }
        let mut missing = None;
        visit(&expression, &mut |inner| {
            if let Expression::Principal { property: PrincipalProperty::Column(name) } = inner
                && name != AUTH_ROLE
                && !self.users_have(name)
            {
                missing.get_or_insert_with(|| name.clone());
            }
        });
        if let Some(name) = missing {
            return Err(Trouble::Unread(format!("users have no column `{name}`")));
        }
        Ok(expression)
    }

    /// The first table that a condition looks into and that the document does not declare.
    fn unknown_table(&self, expression: &Expression) -> Option<String> {
        let mut unknown = None;
        visit(expression, &mut |inner| {
            if let Expression::Exists { table, .. } | Expression::InSelect { table, .. } = inner
                && self.data.table(table).is_none()
            {
                unknown.get_or_insert_with(|| table.clone());
            }
        });
        unknown
    }

    fn users_have(&self, column: &str) -> bool {
        match self.identity {
            Identity::Table { table, .. } => {
                self.data.table(table).is_some_and(|table| table.column(column).is_some())
            }
            Identity::BuiltIn => false,
        }
    }

    /// Splits at `OR`; each part says who and on which rows.
    fn alternatives(
        &self,
        policy: &Policy,
        whole: &Expression,
    ) -> Result<Vec<Alternative>, Trouble> {
        let mut parts = Vec::new();
        split(whole, Operator::Or, &mut parts);
        let mut found = Vec::new();
        for part in parts {
            if let Some(alternative) = self.alternative(policy, part)? {
                found.push(alternative);
            }
        }
        Ok(found)
    }

    /// One part: conditions on roles become who, the others stay conditions. None where it never
    /// holds.
    fn alternative(
        &self,
        policy: &Policy,
        part: &Expression,
    ) -> Result<Option<Alternative>, Trouble> {
        let mut terms = Vec::new();
        split(part, Operator::And, &mut terms);
        let mut roles: Option<Vec<Who>> = None;
        let mut needs_identity = false;
        let mut condition = None;
        for term in terms {
            if let Some(names) = self.roles_of(term) {
                roles = Some(self.named(&names)?);
            } else if is_truth(term, true) {
            } else if is_truth(term, false) {
                return Ok(None);
            } else if let Some(kind) = auth_role(term) {
                match kind {
                    "authenticated" => needs_identity = true,
                    "anon" => {}
                    _ => roles = Some(vec![Who::Admin]),
                }
            } else if is_signed_in(term) {
                needs_identity = true;
            } else if let Some(table) = self.unknown_table(term) {
                return Err(Trouble::Unread(format!("there is no table `{table}`")));
            } else {
                let mut asks = false;
                visit(term, &mut |inner| asks |= matches!(inner, Expression::Principal { .. }));
                needs_identity |= asks;
                condition = and(condition, term.clone());
            }
        }
        let mut who = match roles {
            Some(roles) => roles,
            None => vec![self.addressee(policy, needs_identity)],
        };
        let owner = self.ownership.of(&policy.table);
        let is_owner = match (&condition, owner) {
            (Some(condition), Some(owner)) => same(condition, &owner.condition),
            _ => false,
        };
        if is_owner && who == [Who::Authenticated] {
            who = vec![Who::Owner];
        }
        Ok(Some(Alternative { who, condition }))
    }

    /// Whom `TO …` addresses.
    fn addressee(&self, policy: &Policy, needs_identity: bool) -> Who {
        let named = |name: &str| policy.roles.iter().any(|role| role.eq_ignore_ascii_case(name));
        if policy.roles.is_empty() || named("public") || named("anon") {
            return if needs_identity { Who::Authenticated } else { Who::Public };
        }
        if policy.roles.iter().any(|role| role.to_lowercase().starts_with("authenticated")) {
            return Who::Authenticated;
        }
        let known = policy.roles.iter().find_map(|role| self.book.find(role));
        match known {
            Some(role) if !role.is_admin => Who::Role { name: role.name.clone() },
            // Roles of the database itself have no users here.
            _ if policy.roles.iter().any(|role| role.contains("user")) => Who::Authenticated,
            _ => Who::Admin,
        }
    }

    fn named(&self, names: &[String]) -> Result<Vec<Who>, Trouble> {
        names
            .iter()
            .map(|name| match self.book.find(name) {
                Some(role) if role.is_admin => Ok(Who::Admin),
                Some(role) => Ok(Who::Role { name: role.name.clone() }),
                None => match self.book.meaning(name) {
                    Meaning::Who(Who::Admin) => Ok(Who::Admin),
                    Meaning::NotDefined => Err(Trouble::Role(name.clone())),
                    _ => Ok(Who::Role { name: name.clone() }),
                },
            })
            .collect()
    }

    /// The roles that a term asks for: of whoever asks, or through their own row.
    fn roles_of(&self, term: &Expression) -> Option<Vec<String>> {
        if let Some(names) = compared(term, &|side| is_role(side)) {
            return Some(names);
        }
        // `EXISTS (SELECT 1 FROM users WHERE id = me AND role = 'editor')`.
        let Expression::Exists { table, condition } = term else { return None };
        // Users of the platform whose table the document leaves out are the built-in ones.
        let is_users = match self.identity {
            Identity::Table { table: users, .. } => table == users,
            Identity::BuiltIn => false,
        } || self.data.table(table).is_none();
        if !is_users {
            return None;
        }
        let mut terms = Vec::new();
        split(condition, Operator::And, &mut terms);
        let is_me = |term: &&Expression| {
            ["id", "user_id", "auth_id"]
                .iter()
                .any(|key| same(term, &Expression::column(*key).equals(Expression::principal_id())))
        };
        let names = terms.iter().find_map(|term| {
            compared(
                term,
                &|side| matches!(side, Expression::Column { name } if is_role_name(name)),
            )
        })?;
        (terms.len() == 2 && terms.iter().any(is_me)).then_some(names)
    }

    /// Types a condition again with what the document's functions mean.
    fn with_functions(&self, table: &str, text: &str) -> Option<Expression> {
        let parsed = parse(text)?;
        let meaning = |name: &str| self.function(name);
        expression_of(&parsed, Scope::of_table(table).with_functions(&meaning))
    }

    /// What a function without arguments means: who asks, or whether they have a role.
    fn function(&self, name: &str) -> Option<Expression> {
        if name == "auth.role" {
            let property = PrincipalProperty::Column(AUTH_ROLE.to_owned());
            return Some(Expression::Principal { property });
        }
        let bare = name.rsplit('.').next().unwrap_or(name);
        let declared = self.data.functions.iter().find(|function| {
            let known = function.name.split('(').next().unwrap_or("");
            known == name || known.rsplit('.').next() == Some(bare)
        })?;
        let body = declared.body.to_lowercase();
        let role = || Expression::Principal { property: PrincipalProperty::Role };
        let says_me = body.contains("auth.uid()") || body.contains("current_setting");
        if !says_me || !body.contains("rol") || body.contains("insert ") {
            return None;
        }
        if bare.ends_with("role") || bare.ends_with("rol") {
            return Some(role());
        }
        let literals: Vec<&str> = declared.body.split('\'').skip(1).step_by(2).collect();
        let names: Vec<Expression> = literals
            .iter()
            .filter(|literal| self.book.find(literal).is_some())
            .map(|literal| Expression::text(*literal))
            .collect();
        (bare.starts_with("is_") && !names.is_empty()).then(|| Expression::In {
            operand: Box::new(role()),
            list: names,
            negated: false,
        })
    }

    /// Why a condition has no typed form: a function that the document does not declare, or SQL
    /// beyond what both stores run.
    fn reason(&self, text: &str) -> String {
        let lower = text.to_lowercase();
        let called = lower.match_indices("()").filter_map(|(at, _)| {
            let head = &lower[..at];
            let start = head
                .rfind(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')
                .map_or(0, |at| at + 1);
            (start < at).then(|| head[start..].to_owned())
        });
        for name in called {
            let known = self
                .data
                .functions
                .iter()
                .any(|function| function.name.split('(').next() == Some(name.as_str()));
            if !known && !name.starts_with("auth.") && name != "now" {
                return format!("the function `{name}` is not declared");
            }
        }
        "its condition lies outside of what is understood".to_owned()
    }

    fn tell(&self, reading: &mut Reading<'_>, policy: &Policy, trouble: Trouble) {
        let span = policy.using.as_ref().or(policy.check.as_ref()).map_or(policy.span, |w| w.span);
        let reason = match trouble {
            Trouble::Role(name) => {
                reading.diagnostics.push(not_defined(self.book, &name, span));
                format!("role `{name}` is not defined")
            }
            Trouble::Unread(reason) => {
                let message = format!("policy `{}` allows nothing: {reason}", policy.name);
                let table = self.data.table(&policy.table).map_or(span, |table| table.span);
                reading.diagnostics.push(
                    Diagnostic::new(&codes::S007, span, message)
                        .label("not understood")
                        .also(table, "only the admin does this here")
                        .help(
                            "compare a column with `auth.uid()`, the role with a constant, or \
                             use `IN (SELECT …)` or `EXISTS (SELECT 1 FROM …)` on one table",
                        ),
                );
                reason
            }
        };
        class(reading, policy.span, reason);
    }
}

/// The roles that a condition compares the caller's role with.
pub(super) fn roles_in(written: &SqlExpression) -> Vec<String> {
    let mut names = Vec::new();
    let Some(mut expression) = written.expression.clone() else { return names };
    rewrite(&mut expression);
    let is_side = |side: &Expression| {
        is_role(side) || matches!(side, Expression::Column { name } if is_role_name(name))
    };
    visit(&expression, &mut |inner| {
        names.extend(compared(inner, &is_side).unwrap_or_default());
    });
    names
}

/// Names of columns and claims that hold a role.
fn is_role_name(name: &str) -> bool {
    matches!(name, "role" | "rol" | "user_role" | "user_type" | "role_name" | "app_role")
}

/// A claim that holds a role is the role of whoever asks, whatever it is called.
fn rewrite(expression: &mut Expression) {
    change(expression, &|inner| {
        if let Expression::Principal { property } = inner
            && matches!(property, PrincipalProperty::Column(name) if is_role_name(name))
        {
            *property = PrincipalProperty::Role;
        }
    });
}

/// Stands for the database role that a request of the platform has.
const AUTH_ROLE: &str = "(auth role)";

fn bind(reading: &mut Reading<'_>, policy: &Policy) {
    let meaning = format!("who may do what with rows of `{}`", policy.table);
    let claim = Claim::new(ClaimKind::Policy, Chapter::Security, meaning)
        .about(format!("access:{}", policy.table));
    reading.ledger.bind(policy.span, "statement", claim);
}

fn class(reading: &mut Reading<'_>, span: Span, reason: String) {
    reading.ledger.class(span, "statement", Class::NotUnderstood, reason);
}

fn truth(value: bool) -> Expression {
    Expression::Literal { literal: Literal::Boolean(value) }
}

fn is_truth(expression: &Expression, value: bool) -> bool {
    *expression == truth(value)
}

fn is_role(expression: &Expression) -> bool {
    matches!(expression, Expression::Principal { property: PrincipalProperty::Role })
}

/// `auth.uid() IS NOT NULL`.
fn is_signed_in(term: &Expression) -> bool {
    matches!(term, Expression::IsNull { operand, negated: true }
        if **operand == Expression::principal_id())
}

/// The constant that `auth.role()` is compared with.
fn auth_role(term: &Expression) -> Option<&str> {
    let Expression::Binary { left, operator: Operator::Equal, right } = term else { return None };
    match (left.as_ref(), right.as_ref()) {
        (
            Expression::Principal { property: PrincipalProperty::Column(name) },
            Expression::Literal { literal: Literal::Text(text) },
        ) if name == AUTH_ROLE => Some(text),
        _ => None,
    }
}

/// The texts that a side is compared with by `=` or `IN`.
fn compared(term: &Expression, is_side: &dyn Fn(&Expression) -> bool) -> Option<Vec<String>> {
    let text = |expression: &Expression| match expression {
        Expression::Literal { literal: Literal::Text(text) } => Some(text.clone()),
        Expression::Cast { operand, .. } => match operand.as_ref() {
            Expression::Literal { literal: Literal::Text(text) } => Some(text.clone()),
            _ => None,
        },
        _ => None,
    };
    match term {
        Expression::Binary { left, operator: Operator::Equal, right } => {
            if is_side(left) {
                text(right).map(|name| vec![name])
            } else if is_side(right) {
                text(left).map(|name| vec![name])
            } else {
                None
            }
        }
        Expression::In { operand, list, negated: false } if is_side(operand) => {
            list.iter().map(text).collect()
        }
        _ => None,
    }
}

/// True where two conditions are the same, sides of `=` exchanged or not.
fn same(left: &Expression, right: &Expression) -> bool {
    if left == right {
        return true;
    }
    match (left, right) {
        (
            Expression::Binary { left: a, operator: Operator::Equal, right: b },
            Expression::Binary { left: c, operator: Operator::Equal, right: d },
        ) => a == d && b == c,
        _ => false,
    }
}

/// The parts that an operator joins.
fn split<'a>(expression: &'a Expression, by: Operator, parts: &mut Vec<&'a Expression>) {
    match expression {
        Expression::Binary { left, operator, right } if *operator == by => {
            split(left, by, parts);
            split(right, by, parts);
        }
        other => parts.push(other),
    }
}

/// Calls `see` for the expression and all inside it.
fn visit(expression: &Expression, see: &mut dyn FnMut(&Expression)) {
    see(expression);
    for inner in expression.parts() {
        visit(inner, see);
    }
}

/// Calls `mend` for the expression and all inside it.
fn change(expression: &mut Expression, mend: &dyn Fn(&mut Expression)) {
    mend(expression);
    for inner in expression.parts_mut() {
        change(inner, mend);
    }
}
