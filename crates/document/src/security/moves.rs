//! Who may move a row from one state to another: names beside the moves become roles, and
//! permissions for the move's action.

use crate::{
    Diagnostic,
    diagnostic::similar,
    messaging::StateMachine,
    security::{
        Action, Who,
        access::{Permission, Source},
        endpoints::not_defined,
        roles::{Meaning, RoleBook},
    },
};

/// Resolves the names beside all moves. A name that is no role (`System`, a service) leaves the
/// move to the admin; a level (`Owner`) leaves it to whoever the permission allows.
pub(super) fn resolve(
    machines: &mut [StateMachine],
    book: &RoleBook,
    diagnostics: &mut Vec<Diagnostic>,
) -> Vec<Permission> {
    let admin = book
        .roles
        .iter()
        .find(|role| role.is_admin)
        .map_or_else(|| "admin".to_owned(), |role| role.name.clone());
    let mut permissions = Vec::new();
    for machine in machines {
        for transition in &mut machine.transitions {
            let mut words = std::mem::take(&mut transition.roles);
            if words.is_empty() {
                words = in_brackets(transition.label.as_deref().unwrap_or(""), book);
            }
            let mut is_open = words.is_empty();
            for word in &words {
                let who = match book.meaning(word) {
                    Meaning::Who(who) => who,
                    Meaning::NotDefined => {
                        let names = book.roles.iter().map(|role| role.name.as_str());
                        if !similar(word, names).is_empty() {
                            diagnostics.push(not_defined(book, word, transition.span));
                        }
                        Who::Admin
                    }
                    Meaning::Nothing => Who::Admin,
                };
                match &who {
                    Who::Role { name } => transition.roles.push(name.clone()),
                    Who::Admin => transition.roles.push(admin.clone()),
                    Who::Public | Who::Authenticated | Who::Owner => is_open = true,
                }
                if let Some(action) = &transition.action {
                    let text = format!("{} → {}: {word}", transition.from, transition.to);
                    let actions = vec![Action::Transition { name: action.clone() }];
                    let said = (text.as_str(), transition.span);
                    let table = &machine.table;
                    permissions.push(Permission::new(table, actions, who, said, Source::List));
                }
            }
            transition.roles.sort_unstable();
            transition.roles.dedup();
            if is_open {
                transition.roles.clear();
            }
        }
    }
    permissions
}

/// The roles that an arrow's label names in brackets: `approve [agent]`, `close (agent, admin)`.
/// Brackets that hold anything else are a guard or a remark.
fn in_brackets(label: &str, book: &RoleBook) -> Vec<String> {
    let inside = |open: char, close: char| {
        let (_, rest) = label.split_once(open)?;
        rest.split_once(close).map(|(inside, _)| inside)
    };
    let Some(inside) = inside('[', ']').or_else(|| inside('(', ')')) else { return Vec::new() };
    let words: Vec<String> = inside
        .split([',', '/', '|'])
        .flat_map(|piece| piece.split(" or "))
        .map(|piece| piece.trim().trim_end_matches(" only").to_owned())
        .collect();
    let are_people = words.iter().all(|word| matches!(book.meaning(word), Meaning::Who(_)));
    if are_people { words } else { Vec::new() }
}
