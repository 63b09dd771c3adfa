//! From permissions, as sentences state them, to grants, as the engine enforces them: owners
//! become conditions, and the weaker of two sentences gives way.

use std::collections::{HashMap, HashSet};

use crate::{
    Diagnostic, Span,
    data::{Data, PolicyCommand},
    expression::{Expression, Operator},
    security::{
        Action, Grant, Identity, Who, codes,
        owners::Ownership,
        policies::Restriction,
        vocabulary::{Allowance, name_words},
    },
};

/// Where a permission was read; in the order of how specific such sentences are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Source {
    /// A sentence about all endpoints.
    AllEndpoints,
    /// Words beside an endpoint.
    Endpoint,
    /// A list or table of roles or levels.
    List,
    /// `CREATE POLICY`.
    Policy,
}

/// What one sentence says about one table.
#[derive(Debug, Clone)]
pub(super) struct Permission {
    /// The table.
    pub(super) table: String,
    /// What is done.
    pub(super) actions: Vec<Action>,
    /// By whom.
    pub(super) who: Who,
    /// Allowed, allowed on own rows, or refused.
    pub(super) allowance: Allowance,
    /// Rows it is limited to.
    pub(super) condition: Option<Expression>,
    /// New versions it is limited to.
    pub(super) check: Option<Expression>,
    /// The sentence.
    pub(super) text: String,
    /// Where it stands.
    pub(super) span: Span,
    /// Its kind.
    pub(super) source: Source,
    /// True for the reading that changing implies.
    pub(super) is_implied: bool,
}

impl Permission {
    /// A permission on all rows.
    pub(super) fn new(
        table: &str,
        actions: Vec<Action>,
        who: Who,
        (text, span): (&str, Span),
        source: Source,
    ) -> Self {
        Self {
            table: table.to_owned(),
            actions,
            who,
            allowance: Allowance::Yes,
            condition: None,
            check: None,
            text: text.split_whitespace().collect::<Vec<_>>().join(" "),
            span,
            source,
            is_implied: false,
        }
    }

    /// Limits it to the principal's own rows.
    pub(super) fn own(mut self) -> Self {
        self.allowance = Allowance::Own;
        self
    }
}

/// What grants are made with.
pub(super) struct Access<'a> {
    /// The document's tables.
    pub(super) data: &'a Data,
    /// Where users live.
    pub(super) identity: &'a Identity,
    /// The role of newly registered users.
    pub(super) role_default: Option<&'a str>,
    /// Whose rows are whose.
    pub(super) ownership: &'a Ownership,
    /// What restrictive policies demand besides.
    pub(super) restrictions: &'a [Restriction],
}

impl Access<'_> {
    /// The grants that all permissions add up to.
    pub(super) fn grants(
        &self,
        permissions: &[Permission],
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Grant> {
        let said = Said::of(permissions);
        let mut grants = Grants::default();
        let mut told = HashSet::new();
        let narrowed: HashSet<(&str, &Who)> = permissions.iter().filter_map(reads_own).collect();
        let implied: Vec<Permission> = permissions
            .iter()
            .filter_map(sees)
            .filter(|seen| !narrowed.contains(&(seen.table.as_str(), &seen.who)))
            .collect();
        for permission in permissions.iter().chain(&implied) {
            for action in &permission.actions {
                if permission.allowance == Allowance::No
                    || self.gives_way(permission, action, &said)
                {
                    continue;
                }
                match self.grant(permission, action) {
                    Ok(grant) if permission.is_implied && grants.cover(&grant) => {}
                    Ok(grant) => grants.add(grant),
                    Err(()) => {
                        if told.insert((permission.table.as_str(), permission.span)) {
                            diagnostics.push(self.no_owner(permission));
                        }
                    }
                }
            }
        }
        grants.all
    }

    /// True where a more specific sentence speaks of the same act: "signed in" beside an endpoint
    /// is then only a condition on all callers, and what is refused to a role stays refused.
    fn gives_way(&self, permission: &Permission, action: &Action, said: &Said<'_>) -> bool {
        if permission.who == Who::Admin || permission.source == Source::Policy {
            return false;
        }
        let is_anybody = matches!(permission.who, Who::Public | Who::Authenticated);
        if is_anybody && self.has_policy(&permission.table, action) {
            return true;
        }
        let Some(act) = said.acts.get(&(permission.table.as_str(), action)) else { return false };
        let is_list = permission.source >= Source::List;
        match permission.who {
            Who::Authenticated => !is_list && act.is_specific,
            Who::Public => !is_list && !act.refused.is_empty(),
            _ => (!is_list || permission.is_implied) && act.refused.contains(&permission.who),
        }
    }

    fn has_policy(&self, table: &str, action: &Action) -> bool {
        // `ENABLE ROW LEVEL SECURITY` without a policy lets nobody in.
        self.data.protected.iter().any(|protected| protected == table)
            || self
                .data
                .policies
                .iter()
                .any(|policy| policy.table == table && covers(policy.command, action))
    }

    /// The grant of one action; an error where it needs an owner that the table has not.
    fn grant(&self, permission: &Permission, action: &Action) -> Result<Grant, ()> {
        let table = permission.table.as_str();
        let mut condition = permission.condition.clone();
        let mut check = permission.check.clone();
        if self.is_about_own_rows(permission, action) {
            if permission.who != Who::Owner
                && permission.allowance == Allowance::Yes
                && self.ownership.is_ambiguous(table)
            {
                return Err(());
            }
            let mine = match (self.column_of_role(permission), action) {
                (Some(column), _) => Expression::column(column).equals(Expression::principal_id()),
                (None, Action::Create) => first_column_is_mine(self.ownership.of(table).ok_or(())?),
                (None, _) => self.ownership.of(table).ok_or(())?.condition.clone(),
            };
            let limited = if *action == Action::Create { &mut check } else { &mut condition };
            *limited = and(limited.take(), mine);
        }
        for restriction in self.restrictions {
            if restriction.table != table || !covers(restriction.command, action) {
                continue;
            }
            if *action == Action::Create {
                check = and(check, restriction.condition.clone());
            } else {
                condition = and(condition, restriction.condition.clone());
            }
        }
        Ok(Grant {
            table: table.to_owned(),
            actions: vec![action.clone()],
            who: permission.who.clone(),
            condition,
            check,
            text: permission.text.clone(),
            span: permission.span,
        })
    }

    /// Whether a permission reaches only own rows: where it says so, and where any signed-in user
    /// may write to a table whose rows have an owner.
    fn is_about_own_rows(&self, permission: &Permission, action: &Action) -> bool {
        if permission.allowance == Allowance::Own || permission.who == Who::Owner {
            return true;
        }
        if permission.source == Source::Policy {
            return false;
        }
        let is_anybody = match &permission.who {
            Who::Authenticated => true,
            // Every registered user has the default role.
            Who::Role { name } => Some(name.as_str()) == self.role_default,
            _ => false,
        };
        let has_owner = self.ownership.of(&permission.table).is_some()
            || self.ownership.is_ambiguous(&permission.table);
        let is_users =
            matches!(self.identity, Identity::Table { table, .. } if *table == permission.table);
        is_anybody
            && has_owner
            && (*action != Action::Read || permission.is_implied)
            && !(is_users && *action == Action::Create)
    }

    /// The column by which rows are a role's own: `practitioner_id` for practitioners, whoever
    /// else owns the row.
    fn column_of_role(&self, permission: &Permission) -> Option<&str> {
        let Who::Role { name } = &permission.who else { return None };
        let Identity::Table { table: users, .. } = self.identity else { return None };
        if permission.allowance != Allowance::Own {
            return None;
        }
        let words = name_words(name).join("_");
        let table = self.data.table(&permission.table)?;
        table.foreign_keys.iter().filter(|key| key.table == *users).find_map(|key| {
            let [column] = key.columns.as_slice() else { return None };
            let stem = column.strip_suffix("_id").unwrap_or(column);
            (stem == words).then_some(column.as_str())
        })
    }

    fn no_owner(&self, permission: &Permission) -> Diagnostic {
        let table = &permission.table;
        if let Some(diagnostic) = self.ownership.ambiguous.get(table) {
            return diagnostic.clone().also(permission.span, "this sentence depends on the owner");
        }
        let mut diagnostic = Diagnostic::new(
            &codes::S004,
            permission.span,
            format!("`{table}` has no column that says whose rows they are"),
        )
        .label("speaks of the owner");
        if let Some(found) = self.data.table(table) {
            diagnostic = diagnostic.also(found.span, "no foreign key of it leads to a user");
        }
        diagnostic.help(format!(
            "to give its rows an owner, add a column such as `user_id` to `{table}` \
             that refers to the users"
        ))
    }
}

/// Of whom a list says that they read their own rows of a table, whatever else they may do there.
fn reads_own(permission: &Permission) -> Option<(&str, &Who)> {
    let is_own = permission.allowance == Allowance::Own && permission.source >= Source::List;
    let reads = permission.actions.contains(&Action::Read);
    (is_own && reads).then_some((permission.table.as_str(), &permission.who))
}

/// Whoever may change or remove a row may see it, else the sentence would allow nothing. This
/// narrows nobody else's reading, and gives way to a sentence that refuses it.
fn sees(permission: &Permission) -> Option<Permission> {
    let writes = permission.actions.iter().any(|action| {
        matches!(action, Action::Update | Action::Delete | Action::Transition { .. })
    });
    let is_open = permission.allowance != Allowance::No && permission.who != Who::Admin;
    if !writes || !is_open || permission.source == Source::Policy {
        return None;
    }
    let mut seen = permission.clone();
    seen.actions = vec![Action::Read];
    seen.check = None;
    // What is written as "signed in" reaches own rows only, and so does this.
    seen.is_implied = true;
    Some(seen)
}

/// Whether a policy's command is about an action.
fn covers(command: PolicyCommand, action: &Action) -> bool {
    match command {
        PolicyCommand::All => true,
        PolicyCommand::Select => *action == Action::Read,
        PolicyCommand::Insert => *action == Action::Create,
        PolicyCommand::Delete => *action == Action::Delete,
        PolicyCommand::Update => matches!(action, Action::Update | Action::Transition { .. }),
    }
}

/// On create, the column that names the owner holds whoever asks; a chain must end at them.
fn first_column_is_mine(owner: &crate::security::Owner) -> Expression {
    match owner.path.as_slice() {
        [column] => Expression::column(column).equals(Expression::principal_id()),
        _ => owner.condition.clone(),
    }
}

/// Both conditions, where there are two.
pub(super) fn and(left: Option<Expression>, right: Expression) -> Option<Expression> {
    Some(match left {
        Some(left) if left == right => left,
        Some(left) => left.binary(Operator::And, right),
        None => right,
    })
}

/// What lists, tables and policies say of each act.
struct Said<'a> {
    acts: HashMap<(&'a str, &'a Action), Act<'a>>,
}

#[derive(Default)]
struct Act<'a> {
    /// Somebody but the admin is allowed or refused it.
    is_specific: bool,
    /// Who is refused it.
    refused: HashSet<&'a Who>,
}

impl<'a> Said<'a> {
    fn of(permissions: &'a [Permission]) -> Self {
        let mut acts: HashMap<(&str, &Action), Act<'a>> = HashMap::new();
        for permission in permissions.iter().filter(|said| said.source >= Source::List) {
            for action in &permission.actions {
                let act = acts.entry((permission.table.as_str(), action)).or_default();
                act.is_specific |= permission.who != Who::Admin;
                if permission.allowance == Allowance::No {
                    act.refused.insert(&permission.who);
                }
            }
        }
        Self { acts }
    }
}

/// Grants as they add up.
#[derive(Default)]
struct Grants {
    all: Vec<Grant>,
    /// Who reads which rows of a table.
    read: HashSet<(String, Who, Option<Expression>)>,
}

impl Grants {
    /// True where another grant already lets the same people read the same rows.
    fn cover(&self, seen: &Grant) -> bool {
        [&seen.who, &Who::Public, &Who::Authenticated].into_iter().any(|who| {
            let reads = |condition: Option<Expression>| {
                self.read.contains(&(seen.table.clone(), who.clone(), condition))
            };
            reads(None) || reads(seen.condition.clone())
        })
    }

    /// Adds a grant; what one sentence says is one grant with several actions.
    fn add(&mut self, grant: Grant) {
        if grant.actions.contains(&Action::Read) {
            self.read.insert((grant.table.clone(), grant.who.clone(), grant.condition.clone()));
        }
        // The grants of a sentence follow each other.
        let same = self.all.iter_mut().rev().take(32).find(|known| {
            known.table == grant.table
                && known.who == grant.who
                && known.span == grant.span
                && known.condition == grant.condition
                && known.check == grant.check
        });
        let Some(known) = same else {
            self.all.push(grant);
            return;
        };
        for action in grant.actions {
            if !known.actions.contains(&action) {
                known.actions.push(action);
            }
        }
    }
}
