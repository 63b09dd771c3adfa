//! The words in which access is written: names of tables in prose, verbs of actions, and words
//! that say who.

use std::collections::HashMap;

use crate::{
    data::Data,
    security::{Action, Who},
};

/// Letters and digits in lower case: `Delivery Manager`, `DELIVERY_MANAGER` and
/// `delivery-manager` are one name.
pub(crate) fn key(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The singular of an English noun, well enough to compare two names.
pub(super) fn singular(word: &str) -> String {
    let word = word.to_lowercase();
    if word.len() > 3 && word.ends_with("ies") {
        return format!("{}y", &word[..word.len() - 3]);
    }
    for ending in ["sses", "shes", "ches", "xes", "zes"] {
        if word.ends_with(ending) {
            return word[..word.len() - 2].to_owned();
        }
    }
    if word.len() > 3
        && word.ends_with('s')
        && !word.ends_with("ss")
        && !word.ends_with("us")
        && !word.ends_with("is")
    {
        return word[..word.len() - 1].to_owned();
    }
    word
}

/// Words of a name in the singular: `order_items`, `Order Items` and `orderItem` give the same.
pub(crate) fn name_words(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in name.chars() {
        let breaks = !c.is_alphanumeric() || (c.is_uppercase() && was_lower);
        if breaks && !word.is_empty() {
            words.push(singular(&std::mem::take(&mut word)));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase() || c.is_numeric();
    }
    if !word.is_empty() {
        words.push(singular(&word));
    }
    words
}

/// The tables and views by the words that name them in prose.
pub(super) struct TableNames<'a> {
    exact: HashMap<Vec<String>, &'a str>,
    /// Without the schema; none where several tables are meant.
    bare: HashMap<Vec<String>, Option<&'a str>>,
}

impl<'a> TableNames<'a> {
    /// The names of all tables.
    pub(super) fn new(data: &'a Data) -> Self {
        let (mut exact, mut bare) = (HashMap::new(), HashMap::new());
        let tables = data.tables.iter().map(|table| table.name.as_str());
        for name in tables.chain(data.views.iter().map(|view| view.name.as_str())) {
            let words = name_words(name);
            // `core.posts` is written `core_posts`; prose leaves the schema out.
            if let Some(rest) = words.get(1..).filter(|rest| !rest.is_empty()) {
                bare.entry(rest.to_vec()).and_modify(|known| *known = None).or_insert(Some(name));
            }
            exact.entry(words).or_insert(name);
        }
        Self { exact, bare }
    }

    /// The table that a noun names: `order items` names `order_items`. A word that several tables
    /// could be is none.
    pub(super) fn find(&self, noun: &str) -> Option<&'a str> {
        let words = name_words(noun);
        self.exact.get(&words).copied().or_else(|| self.bare.get(&words).copied().flatten())
    }
}

/// What a verb does with rows; none for verbs that could be anything (`manage`).
pub(super) fn actions_of(verb: &str) -> Option<Vec<Action>> {
    Some(match verb {
        "read" | "reads" | "view" | "views" | "see" | "list" | "browse" | "search" | "get"
        | "fetch" | "query" | "retrieve" | "download" | "reading" | "viewing" | "show"
        | "select" | "ver" | "leer" | "consultar" | "listar" | "lesen" | "ansehen" | "anzeigen"
        | "voir" | "lire" | "consulter" => vec![Action::Read],
        "create" | "creates" | "add" | "adds" | "post" | "submit" | "insert" | "place"
        | "upload" | "creating" | "make" | "book" | "reserve" | "schedule" | "crear" | "añadir"
        | "agregar" | "anlegen" | "erstellen" | "créer" | "ajouter" => vec![Action::Create],
        "update" | "updates" | "edit" | "edits" | "modify" | "change" | "updating" | "editing"
        | "patch" | "put" | "editar" | "modificar" | "actualizar" | "ändern" | "bearbeiten"
        | "modifier" => vec![Action::Update],
        "delete" | "deletes" | "remove" | "removes" | "deleting" | "removing" | "destroy"
        | "eliminar" | "borrar" | "löschen" | "entfernen" | "supprimer" => {
            vec![Action::Delete]
        }
        "write" => vec![Action::Create, Action::Update],
        "crud" => vec![Action::Read, Action::Create, Action::Update, Action::Delete],
        _ => return None,
    })
}

/// All four actions on rows.
pub(super) fn all_actions() -> Vec<Action> {
    vec![Action::Read, Action::Create, Action::Update, Action::Delete]
}

/// What a level word says about who; these are no roles unless the document defines them as such.
pub(super) fn level(word: &str) -> Option<Who> {
    let key = key(word);
    Some(match key.as_str() {
        "public" | "anyone" | "anybody" | "everyone" | "everybody" | "anonymous" | "guest"
        | "guests" | "visitor" | "visitors" | "unauthenticated" | "none" | "notrequired"
        | "noauth" | "open" => Who::Public,
        "authenticated" | "authenticateduser" | "authenticatedusers" | "loggedin"
        | "loggedinuser" | "loggedinusers" | "signedin" | "signedinuser" | "signedinusers"
        | "user" | "users" | "anyuser" | "alluser" | "allusers" | "all" | "registered"
        | "registereduser" | "registeredusers" | "private" | "protected" | "required" => {
            Who::Authenticated
        }
        "owner" | "owners" | "resourceowner" | "owneronly" | "author" | "creator" | "self" => {
            Who::Owner
        }
        "admin" | "admins" | "administrator" | "administrators" | "adminonly" | "adminsonly" => {
            Who::Admin
        }
        _ => return None,
    })
}

/// What a cell of a role × action table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Allowance {
    /// All rows.
    Yes,
    /// The principal's own rows.
    Own,
    /// Refused.
    No,
}

/// Reads a cell of a role × action table; none where it says anything else (`dept only`).
pub(super) fn allowance(cell: &str) -> Option<Allowance> {
    let lower = cell.trim().to_lowercase();
    let marks: String = lower.chars().filter(|c| !c.is_whitespace() && *c != '\u{fe0f}').collect();
    match marks.as_str() {
        "✅" | "✓" | "✔" | "☑" | "🟢" | "●" | "y" | "yes" | "true" | "allow" | "allowed"
        | "full" | "all" | "any" | "✅yes" | "✓yes" | "✅all" | "yes(all)" | "✅(all)"
        | "✅full" | "granted" | "ja" | "sí" | "si" | "oui" | "да" | "是" | "sim" => {
            return Some(Allowance::Yes);
        }
        "❌" | "✗" | "✘" | "✖" | "🔴" | "🚫" | "n" | "no" | "false" | "deny" | "denied" | "-"
        | "–" | "—" | "" | "none" | "❌no" | "✗no" | "n/a" | "nein" | "non" | "нет" | "否"
        | "não" => return Some(Allowance::No),
        _ => {}
    }
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric() && c != '✅' && c != '✓' && c != '✔')
        .filter(|word| !word.is_empty())
        .collect();
    let is_own = |word: &&str| {
        matches!(
            *word,
            "own" | "owner" | "self" | "mine" | "their" | "owned" | "ownonly" | "eigene" | "propio"
        ) || matches!(*word, "propia" | "propios" | "propias")
    };
    let is_filler =
        |word: &&str| matches!(*word, "✅" | "✓" | "✔" | "yes" | "only" | "data" | "rows");
    let own = words.iter().any(&is_own);
    let nothing_else = words.iter().all(|word| is_own(word) || is_filler(word));
    (own && nothing_else).then_some(Allowance::Own)
}
