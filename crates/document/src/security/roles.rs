//! The roles of a document: the names it defines, under which other spellings it uses them, and
//! which of them is the admin.

use std::collections::HashMap;

use crate::{
    Span,
    data::DefaultValue,
    expression::Literal,
    security::{Role, Who, vocabulary},
};

/// A place that defines a role.
#[derive(Debug, Clone)]
pub(super) struct Definition {
    /// The name as written there.
    pub(super) name: String,
    /// Other spellings given beside it, such as `DM` in `Delivery Manager (DM)`.
    pub(super) aliases: Vec<String>,
    /// What is said of it.
    pub(super) description: Option<String>,
    /// Where the name stands.
    pub(super) span: Span,
}

/// A list that says which roles there are and that there are no others.
#[derive(Debug, Clone)]
pub(super) struct ClosedList {
    /// The names as stored.
    pub(super) names: Vec<String>,
    /// The list.
    pub(super) span: Span,
}

/// What a word in an access sentence means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It says who.
    Who(Who),
    /// It names a role that the closed list does not have.
    NotDefined,
    /// It is no word for anybody.
    Nothing,
}

/// All roles with all their spellings.
#[derive(Debug)]
pub(super) struct RoleBook {
    /// The roles, spelled as stored.
    pub(super) roles: Vec<Role>,
    /// Spelling (as [`vocabulary::key`]) and index of the role.
    spellings: HashMap<String, usize>,
    /// The list that closes the set, where there is one.
    pub(super) closed: Option<ClosedList>,
    /// Words that name something like a role that no user has (a share's level, a membership's).
    pub(super) elsewhere: Vec<String>,
}

impl RoleBook {
    /// Merges a closed list with all other definitions; the list's spelling wins.
    pub(super) fn new(closed: Option<ClosedList>, definitions: Vec<Definition>) -> Self {
        let mut book = Self::empty();
        for name in closed.iter().flat_map(|list| &list.names) {
            let span = closed.as_ref().map_or_else(Span::default, |list| list.span);
            book.add(name, None, span);
        }
        book.closed = closed;
        for definition in definitions {
            book.define(definition);
        }
        // A list of nothing but levels (Public, Authenticated, Owner, Admin) defines no role.
        let is_level = |role: &Role| vocabulary::level(&role.name).is_some();
        if book.closed.is_none() && book.roles.iter().all(is_level) {
            book.roles.clear();
            book.spellings.clear();
        }
        book.mark_admin();
        book
    }

    fn empty() -> Self {
        Self { roles: Vec::new(), spellings: HashMap::new(), closed: None, elsewhere: Vec::new() }
    }

    fn add(&mut self, name: &str, description: Option<String>, span: Span) -> usize {
        self.roles.push(Role { name: name.to_owned(), description, is_admin: false, span });
        let index = self.roles.len() - 1;
        self.spellings.entry(vocabulary::key(name)).or_insert(index);
        index
    }

    /// Takes a definition up: a new role, or more about a known one. A closed list takes no new
    /// ones; whoever uses such a name is told.
    fn define(&mut self, definition: Definition) {
        let known = std::iter::once(&definition.name)
            .chain(&definition.aliases)
            .find_map(|name| self.index(name));
        let index = match known {
            Some(index) => index,
            None if self.closed.is_some() => return,
            None if vocabulary::level(&definition.name).is_some_and(|who| who != Who::Admin) => {
                return;
            }
            None => self.add(&definition.name, None, definition.span),
        };
        for name in std::iter::once(&definition.name).chain(&definition.aliases) {
            let key = vocabulary::key(name);
            if !key.is_empty() {
                self.spellings.entry(key).or_insert(index);
            }
        }
        if let Some(role) = self.roles.get_mut(index)
            && role.description.is_none()
        {
            role.description = definition.description;
        }
    }

    fn mark_admin(&mut self) {
        let is_admin = |key: &str| {
            matches!(
                key,
                "admin"
                    | "administrator"
                    | "superadmin"
                    | "superadministrator"
                    | "superuser"
                    | "sysadmin"
                    | "systemadmin"
                    | "administrador"
                    | "root"
            )
        };
        let mut found = false;
        for role in &mut self.roles {
            let key = vocabulary::key(&role.name);
            role.is_admin = is_admin(&key) || is_admin(key.trim_start_matches("role"));
            found |= role.is_admin;
        }
        if !found {
            let owner = self.roles.iter_mut().find(|role| vocabulary::key(&role.name) == "owner");
            if let Some(role) = owner {
                role.is_admin = true;
            }
        }
    }

    fn index(&self, word: &str) -> Option<usize> {
        let key = vocabulary::key(word);
        let bare = key.strip_prefix("role").unwrap_or(&key);
        let find = |key: &str| self.spellings.get(key).copied();
        let singular = |key: &str| find(&vocabulary::singular(key));
        find(&key).or_else(|| singular(&key)).or_else(|| find(bare)).or_else(|| {
            match key.as_str() {
                "administrator" | "administrators" | "admins" => find("admin"),
                "admin" | "admins " => find("administrator"),
                _ => key.strip_suffix("role").and_then(find),
            }
        })
    }

    /// The role that a word names.
    pub(super) fn find(&self, word: &str) -> Option<&Role> {
        self.index(word).and_then(|index| self.roles.get(index))
    }

    /// What a word of an access sentence means. Roles of the document come before level words.
    pub(super) fn meaning(&self, word: &str) -> Meaning {
        if let Some(role) = self.find(word) {
            return Meaning::Who(if role.is_admin {
                Who::Admin
            } else {
                Who::Role { name: role.name.clone() }
            });
        }
        if let Some(who) = vocabulary::level(word) {
            return Meaning::Who(who);
        }
        let key = vocabulary::key(word);
        if key.is_empty() || self.elsewhere.contains(&key) {
            return Meaning::Nothing;
        }
        if self.closed.is_some() { Meaning::NotDefined } else { Meaning::Nothing }
    }

    /// The role of a newly registered user: the column's default, else the most ordinary role.
    pub(super) fn default(&self, column_default: Option<&DefaultValue>) -> Option<String> {
        if let Some(DefaultValue::Literal { literal: Literal::Text(text) }) = column_default {
            return Some(self.find(text).map_or_else(|| text.clone(), |role| role.name.clone()));
        }
        const ORDINARY: &[&str] = &[
            "user",
            "member",
            "customer",
            "client",
            "viewer",
            "guest",
            "reader",
            "student",
            "employee",
            "buyer",
            "consumer",
            "attendee",
            "patient",
            "basic",
            "free",
            "usuario",
            "cliente",
            "alumno",
            "estudiante",
            "paciente",
            "lector",
            "benutzer",
            "kunde",
            "leser",
            "utilisateur",
            "étudiant",
            "elève",
        ];
        let ordinary =
            ORDINARY.iter().find_map(|word| self.find(word)).filter(|role| !role.is_admin);
        ordinary.map(|role| role.name.clone())
    }
}
