//! A table's state machine: which moves of its column are allowed, and to whom.

use std::sync::Arc;

use document::messaging::{StateMachine, Transition};

use crate::{
    Principal,
    sabotage::{self, Sabotage},
};

/// A state machine as the engine keeps it.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The state's column.
    pub column: Arc<str>,
    /// As the document draws it.
    pub drawn: StateMachine,
    /// Where it is drawn.
    pub origin: String,
}

impl Machine {
    /// True where the document draws moves; where it only lists states any move is allowed.
    pub fn is_drawn(&self) -> bool {
        !self.drawn.transitions.is_empty()
    }

    /// Moves into `state`, whoever does them.
    pub fn into<'a>(&'a self, state: &'a str) -> impl Iterator<Item = &'a Transition> {
        self.drawn.transitions.iter().filter(move |transition| transition.to == state)
    }

    /// Moves out of `state`, whoever does them.
    pub fn out_of<'a>(&'a self, state: &'a str) -> impl Iterator<Item = &'a Transition> {
        self.drawn.transitions.iter().filter(move |transition| transition.from == state)
    }

    /// Moves that are called `action`; where none is called so, moves into `target`.
    pub fn called<'a>(&'a self, action: &'a str, target: &'a str) -> Vec<&'a Transition> {
        let named = |transition: &&Transition| transition.action.as_deref() == Some(action);
        let called: Vec<_> = self.drawn.transitions.iter().filter(named).collect();
        if called.is_empty() { self.into(target).collect() } else { called }
    }

    /// True where the principal has a role that the move asks for, or the move asks for none.
    /// `Owner` among the roles is decided by the rows, not here.
    pub fn may_do(transition: &Transition, principal: &Principal) -> bool {
        transition.roles.is_empty()
            || sabotage::is(Sabotage::TransitionRolesIgnored)
            || principal.is_admin()
            || transition.roles.iter().any(|role| {
                principal
                    .user()
                    .is_some_and(|user| user.roles.iter().any(|own| own.eq_ignore_ascii_case(role)))
            })
    }
}

/// A state machine as it is enforced: as drawn, unless it is broken on purpose.
pub(super) fn enforced(machine: &StateMachine) -> StateMachine {
    let mut drawn = machine.clone();
    if sabotage::is(Sabotage::OneTransitionForgotten) && drawn.transitions.len() > 1 {
        drawn.transitions.pop();
    }
    let is_drawn = |from: &String, to: &String| {
        from == to || machine.transitions.iter().any(|one| one.from == *from && one.to == *to)
    };
    let mut pairs = machine
        .states
        .iter()
        .rev()
        .flat_map(|from| machine.states.iter().map(move |to| (from, to)));
    if let Some(first) = machine.transitions.first()
        && let Some((from, to)) = pairs.find(|(from, to)| !is_drawn(from, to))
        && sabotage::is(Sabotage::OneForbiddenTransition)
    {
        let (from, to, roles) = (from.clone(), to.clone(), Vec::new());
        drawn.transitions.push(Transition { from, to, roles, ..first.clone() });
    }
    drawn
}
