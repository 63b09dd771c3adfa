//! Reads what is allowed from short phrases: `create and edit own posts, read comments`. A phrase
//! counts only where both its verb and its noun are clear; the rest is given back unread.

use crate::{
    api::{Binding, Endpoint},
    data::Data,
    messaging::StateMachine,
    security::{
        Action, Identity,
        vocabulary::{TableNames, actions_of, all_actions},
    },
};

/// What the document declares that phrases can speak of.
pub(super) struct Nouns<'a> {
    /// Tables.
    pub(super) data: &'a Data,
    /// Their names.
    pub(super) names: &'a TableNames<'a>,
    /// Machines, whose actions are verbs.
    pub(super) machines: &'a [StateMachine],
    /// Endpoints, whose actions are verbs.
    pub(super) endpoints: &'a [Endpoint],
    /// Where users live, for "own profile".
    pub(super) identity: &'a Identity,
}

/// One thing that is allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    /// The table.
    pub(super) table: String,
    /// What is done.
    pub(super) actions: Vec<Action>,
    /// Said of own rows only.
    pub(super) own: bool,
}

/// What was read from a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Phrases {
    /// Understood.
    pub(super) found: Vec<Phrase>,
    /// Pieces that were not, as written.
    pub(super) unread: Vec<String>,
}

/// A verb: what it does with any table, or a word that may be a machine's action.
#[derive(Debug, Clone)]
enum Verb {
    Known(Vec<Action>),
    Word(String),
}

const FILLERS: &[&str] = &[
    "can", "may", "also", "to", "able", "is", "are", "only", "allowed", "be", "must", "they",
    "will",
];
const DETERMINERS: &[&str] = &[
    "the",
    "a",
    "an",
    "any",
    "all",
    "every",
    "each",
    "new",
    "other",
    "others",
    "existing",
    "some",
    "everyone's",
    "individual",
];
const POSSESSIVES: &[&str] = &["own", "their", "his", "her", "its", "my", "your", "self"];
const CONNECTORS: &[&str] = &["and", "or", "&", "/", "+"];

impl Nouns<'_> {
    /// Reads a text. `about` is the table that the heading names, for phrases that are only verbs.
    pub(super) fn read(&self, text: &str, about: Option<&str>) -> Phrases {
        let mut read = Phrases::default();
        let mut waiting: Vec<Verb> = Vec::new();
        let mut last: Vec<Verb> = Vec::new();
        let text = without_remarks(text);
        for piece in text.split([',', ';', '\n', '•']) {
            let piece = piece.trim().trim_end_matches('.');
            if piece.is_empty() {
                continue;
            }
            let words = words(piece);
            let (verbs, rest) = split_verbs(&words);
            waiting.extend(verbs);
            if rest.is_empty() {
                continue;
            }
            // `read posts, comments`: the second noun takes the verbs of the first.
            let mine = if waiting.is_empty() { last.clone() } else { std::mem::take(&mut waiting) };
            if self.clause(&mine, rest, &mut read.found) {
                last = mine;
            } else {
                read.unread.push(piece.to_owned());
            }
        }
        if !waiting.is_empty() {
            let own = false;
            match about.and_then(|table| self.act(table, &waiting)) {
                Some((table, actions)) => read.found.push(Phrase { table, actions, own }),
                None => read.unread.push(text.trim().to_owned()),
            }
        }
        read
    }

    /// Reads nouns with the verbs before them; false where anything is unclear.
    fn clause(&self, verbs: &[Verb], rest: &[String], found: &mut Vec<Phrase>) -> bool {
        let own = rest.iter().any(|word| POSSESSIVES.contains(&word.as_str()));
        let mut read = Vec::new();
        for noun in rest.split(|word| CONNECTORS.contains(&word.as_str())) {
            // `posts and edit comments`: another verb begins another clause.
            let (inner, noun) = split_verbs(noun);
            let verbs = if inner.is_empty() { verbs.to_vec() } else { inner };
            let Some(phrase) = self.phrase(&verbs, noun, own) else { return false };
            read.push(phrase);
        }
        found.extend(read);
        true
    }

    fn phrase(&self, verbs: &[Verb], noun: &[String], own: bool) -> Option<Phrase> {
        let is_noun = |word: &&String| {
            !DETERMINERS.contains(&word.as_str()) && !POSSESSIVES.contains(&word.as_str())
        };
        let mut bare: Vec<&str> = noun.iter().filter(is_noun).map(String::as_str).collect();
        // `posts they own`, `orders of their own`.
        if own {
            while matches!(bare.last(), Some(&("they" | "of" | "only" | "created"))) {
                bare.pop();
            }
        }
        let phrase = bare.join(" ");
        let table = match self.names.find(&phrase) {
            Some(table) => table.to_owned(),
            None => self.own_account(&phrase, own)?,
        };
        let (table, actions) = self.act(&table, verbs)?;
        Some(Phrase { table, actions, own })
    }

    /// "Own profile" is the user's own row.
    fn own_account(&self, phrase: &str, own: bool) -> Option<String> {
        let is_account = matches!(phrase, "profile" | "account" | "profiles" | "user profile");
        match self.identity {
            Identity::Table { table, .. } if own && is_account => Some(table.clone()),
            _ => None,
        }
    }

    /// The actions of all verbs on a table; none where one of them is not clear.
    fn act(&self, table: &str, verbs: &[Verb]) -> Option<(String, Vec<Action>)> {
        let mut actions = Vec::new();
        for verb in verbs {
            match verb {
                Verb::Known(known) => actions.extend(known.iter().cloned()),
                Verb::Word(word) => actions.extend(self.transitions(table, word)?),
            }
        }
        let mut unique = Vec::new();
        for action in actions {
            if !unique.contains(&action) {
                unique.push(action);
            }
        }
        (!unique.is_empty()).then(|| (table.to_owned(), unique))
    }

    /// The actions of a table's machines and endpoints that a verb names.
    fn transitions(&self, table: &str, word: &str) -> Option<Vec<Action>> {
        let mut names: Vec<String> = self
            .endpoints
            .iter()
            .filter_map(|endpoint| match &endpoint.binding {
                Binding::Transition { table: bound, action, .. }
                    if bound == table && action.eq_ignore_ascii_case(word) =>
                {
                    Some(action.clone())
                }
                _ => None,
            })
            .collect();
        for machine in self.machines.iter().filter(|machine| machine.table == table) {
            for transition in machine.transitions_for(word) {
                names.extend(transition.action.clone());
            }
        }
        names.sort_unstable();
        names.dedup();
        let actions: Vec<Action> =
            names.into_iter().map(|name| Action::Transition { name }).collect();
        (!actions.is_empty()).then_some(actions)
    }
}

/// The text without what stands in round brackets, unless that says "own".
fn without_remarks(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('(') {
        shown.push_str(&rest[..open]);
        let after = &rest[open + 1..];
        let close = after.find(')').unwrap_or(after.len());
        let inside = after[..close].to_lowercase();
        if words(&inside).iter().any(|word| word == "own") {
            shown.push_str(" own ");
        }
        rest = after.get(close + 1..).unwrap_or("");
    }
    shown.push_str(rest);
    shown
}

/// Words in lower case; `&`, `+` and `/` are words of their own.
fn words(text: &str) -> Vec<String> {
    let spaced = text.replace('/', " / ").replace('&', " & ").replace('+', " + ");
    spaced
        .split_whitespace()
        .map(|word| {
            word.trim_matches(|c: char| matches!(c, '`' | '*' | '"' | '\'' | ':' | '.'))
                .to_lowercase()
        })
        .filter(|word| !word.is_empty())
        .collect()
}

/// The verbs at the beginning, and what follows them. A first word that is no known verb may be
/// a machine's action.
fn split_verbs(words: &[String]) -> (Vec<Verb>, &[String]) {
    let mut verbs = Vec::new();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        let word = word.as_str();
        // `users can read posts`, but not `read users`.
        let is_subject = at == 0
            && word == "users"
            && words
                .get(1)
                .is_some_and(|next| FILLERS.contains(&next.as_str()) || actions_of(next).is_some());
        if is_subject || FILLERS.contains(&word) || CONNECTORS.contains(&word) {
            at += 1;
            continue;
        }
        if let Some(actions) = actions_of(word) {
            verbs.push(Verb::Known(actions));
            at += 1;
            continue;
        }
        if word == "full" && words.get(at + 1).is_some_and(|next| next == "crud") {
            verbs.push(Verb::Known(all_actions()));
            at += 2;
            continue;
        }
        // `approve orders`, `approve/reject orders`: a word before a noun, or between connectors.
        let follows = words.get(at + 1).map(String::as_str);
        let is_first = at == 0
            || words.get(at.wrapping_sub(1)).is_some_and(|word| {
                CONNECTORS.contains(&word.as_str()) || FILLERS.contains(&word.as_str())
            });
        let is_word = word.chars().all(char::is_alphabetic)
            && !DETERMINERS.contains(&word)
            && !POSSESSIVES.contains(&word);
        if is_first && is_word && follows.is_some() && is_verb_like(word) {
            verbs.push(Verb::Word(word.to_owned()));
            at += 1;
            continue;
        }
        break;
    }
    (verbs, words.get(at..).unwrap_or_default())
}

/// Verbs that real machines use as actions; a noun such as `order` must not be taken for one.
fn is_verb_like(word: &str) -> bool {
    const VERBS: &[&str] = &[
        "approve",
        "reject",
        "cancel",
        "publish",
        "unpublish",
        "archive",
        "restore",
        "submit",
        "resolve",
        "close",
        "reopen",
        "open",
        "assign",
        "accept",
        "decline",
        "confirm",
        "complete",
        "start",
        "finish",
        "ship",
        "deliver",
        "pay",
        "refund",
        "return",
        "escalate",
        "verify",
        "activate",
        "deactivate",
        "suspend",
        "block",
        "unblock",
        "schedule",
        "reschedule",
        "review",
        "process",
        "dispatch",
        "release",
        "lock",
        "unlock",
        "expire",
        "retry",
        "pause",
        "resume",
        "fulfill",
        "invite",
        "withdraw",
        "void",
        "finalize",
        "enable",
        "disable",
        "sign",
        "check",
        "acknowledge",
        "dispute",
        "settle",
        "hold",
        "pickup",
        "abort",
        "stop",
        "send",
    ];
    VERBS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::security::tests::table;

    fn check(text: &str, expected: &[&str], unread: &[&str]) {
        let data = Data {
            tables: vec![
                table("users", "email, password_hash"),
                table("posts", "user_id -> users"),
                table("comments", "post_id -> posts"),
                table("order_items", ""),
            ],
            ..Data::default()
        };
        let identity = crate::security::identity::identity(&data);
        let names = TableNames::new(&data);
        let nouns = Nouns {
            names: &names,
            data: &data,
            machines: &[],
            endpoints: &[],
            identity: &identity,
        };
        let read = nouns.read(text, None);
        let shown: Vec<String> = read
            .found
            .iter()
            .map(|phrase| {
                let actions: String = phrase
                    .actions
                    .iter()
                    .map(|action| match action {
                        Action::Read => 'r',
                        Action::Create => 'c',
                        Action::Update => 'u',
                        Action::Delete => 'd',
                        Action::Transition { .. } => 't',
                    })
                    .collect();
                let own = if phrase.own { " own" } else { "" };
                format!("{} {actions}{own}", phrase.table)
            })
            .collect();
        assert_eq!(shown, expected, "{text}");
        assert_eq!(read.unread, unread, "{text}");
    }

    #[test]
    fn verbs_and_nouns_make_phrases() {
        check("read posts", &["posts r"], &[]);
        check("Create and edit posts", &["posts cu"], &[]);
        check("create, edit, delete own posts", &["posts cud own"], &[]);
        check("Read posts and comments", &["posts r", "comments r"], &[]);
        check("read posts, comments", &["posts r", "comments r"], &[]);
        check("View/edit order items", &["order_items ru"], &[]);
        check("Edit posts (own)", &["posts u own"], &[]);
        check("can update their own profile", &["users u own"], &[]);
        check("View users", &["users r"], &[]);
        check("Users can read posts, users", &["posts r", "users r"], &[]);
        check("Create posts and delete any comment", &["posts c", "comments d"], &[]);
    }

    #[test]
    fn what_is_vague_is_not_read() {
        check("manage posts", &[], &["manage posts"]);
        check("Full access", &[], &["Full access"]);
        check("read posts, system settings", &["posts r"], &["system settings"]);
        check("view published posts", &[], &["view published posts"]);
    }
}
