//! Reads what lists and tables say of each role or level: `- **Public**: read posts`,
//! `| Editor | create and edit posts |`, `Role: editor` with items below it.

use crate::{
    Chapter, ClaimKind, Span,
    compile::Reading,
    outline::{Fence, Inline, NodeId, NodeKind},
    security::{
        Action, Who,
        access::{Permission, Source},
        endpoints::not_defined,
        owners::Ownership,
        phrases::{Nouns, Phrases},
        role_definitions::{is_list_of_roles, is_table_of_roles, labelled, lines, role_line},
        roles::{Meaning, RoleBook},
    },
    statement::{Claim, Class},
};

/// What the reader works with.
pub(super) struct Levels<'a> {
    /// Roles and level words.
    pub(super) book: &'a RoleBook,
    /// What phrases can speak of.
    pub(super) nouns: &'a Nouns<'a>,
    /// Whose rows are whose.
    pub(super) ownership: &'a Ownership,
}

/// A sentence about one role or level.
struct Sentence<'a> {
    name: &'a str,
    name_span: Span,
    text: &'a str,
    span: Span,
    form: &'static str,
    about: Option<String>,
}

impl Levels<'_> {
    /// All permissions of such lists, tables and fences.
    pub(super) fn read(&self, reading: &mut Reading<'_>) -> Vec<Permission> {
        let mut permissions = Vec::new();
        let outline = reading.outline;
        for (id, node) in outline.nodes.iter().enumerate() {
            match &node.kind {
                NodeKind::List { .. } if is_list_of_roles(outline, id) => {
                    self.list(reading, id, &mut permissions);
                }
                NodeKind::Table { header } if is_table_of_roles(outline, id, header) => {
                    self.table(reading, id, header, &mut permissions);
                }
                NodeKind::Fence(fence)
                    if matches!(fence.language.as_str(), "" | "text" | "txt" | "plaintext") =>
                {
                    self.fence(reading, id, fence, &mut permissions);
                }
                _ => {}
            }
        }
        permissions
    }

    fn list(&self, reading: &mut Reading<'_>, id: NodeId, permissions: &mut Vec<Permission>) {
        let outline = reading.outline;
        let about = self.table_of_heading(reading, id);
        for (item, child) in outline.children(id) {
            let NodeKind::Item { inline, .. } = &child.kind else { continue };
            let Some(label) = labelled(inline) else { continue };
            let name_span = inline.span_of(label.range.clone());
            let mut sentence = Sentence {
                name: &label.name,
                name_span,
                text: inline.text.get(label.rest.clone()).unwrap_or(""),
                span: inline.span,
                form: "item",
                about: about.clone(),
            };
            self.sentence(reading, &sentence, permissions);
            // `- **Editor**` with the permissions as a list below it.
            let below = outline.nodes.get(item + 1..).unwrap_or_default();
            for node in below.iter().take_while(|node| child.span.contains(node.span)) {
                let NodeKind::Item { inline, .. } = &node.kind else { continue };
                sentence.text = &inline.text;
                sentence.span = inline.span;
                self.sentence(reading, &sentence, permissions);
            }
        }
    }

    fn table(
        &self,
        reading: &mut Reading<'_>,
        id: NodeId,
        header: &[Inline],
        permissions: &mut Vec<Permission>,
    ) {
        let at = header
            .iter()
            .position(|cell| {
                let lower = cell.text.to_lowercase();
                ["permission", "capabilit", "access", "can", "allowed", "rights"]
                    .iter()
                    .any(|telling| lower.contains(telling))
            })
            .unwrap_or(1);
        if at == 0 || header.len() > 3 && at == 1 && header[1].text.len() < 3 {
            return;
        }
        let about = self.table_of_heading(reading, id);
        for (_, child) in reading.outline.children(id) {
            let NodeKind::Row { cells } = &child.kind else { continue };
            let (Some(name), Some(text)) = (cells.first(), cells.get(at)) else { continue };
            let shown = name.text.split('(').next().unwrap_or("").trim();
            let sentence = Sentence {
                name: shown,
                name_span: name.span,
                text: &text.text,
                span: child.span,
                form: "row",
                about: about.clone(),
            };
            self.sentence(reading, &sentence, permissions);
        }
    }

    /// `Role: editor`, then `- create posts` on the lines below.
    fn fence(
        &self,
        reading: &mut Reading<'_>,
        id: NodeId,
        fence: &Fence,
        permissions: &mut Vec<Permission>,
    ) {
        let about = self.table_of_heading(reading, id);
        let mut role: Option<(&str, Span)> = None;
        for (start, line) in lines(&fence.text) {
            let indent = line.len() - line.trim_start().len();
            let span = fence.span_of(start + indent..start + line.trim_end().len());
            if let Some(name) = role_line(line) {
                role = Some((name, span));
                continue;
            }
            let item = line.trim().trim_start_matches(['-', '*', '•']).trim();
            let (Some((name, name_span)), false) = (role, item.is_empty()) else { continue };
            let about = about.clone();
            let sentence = Sentence { name, name_span, text: item, span, form: "line", about };
            self.sentence(reading, &sentence, permissions);
        }
    }

    /// The table that the nearest heading names: `### Posts`.
    fn table_of_heading(&self, reading: &Reading<'_>, id: NodeId) -> Option<String> {
        reading.outline.context(id).first().and_then(|words| {
            let bare = words
                .split_whitespace()
                .filter(|word| !matches!(*word, "permissions" | "access" | "roles" | "api"))
                .collect::<Vec<_>>()
                .join(" ");
            self.nouns.names.find(&bare).map(str::to_owned)
        })
    }

    fn sentence(
        &self,
        reading: &mut Reading<'_>,
        sentence: &Sentence<'_>,
        permissions: &mut Vec<Permission>,
    ) {
        let who = match self.book.meaning(sentence.name) {
            Meaning::Who(who) => who,
            Meaning::NotDefined => {
                let told = not_defined(self.book, sentence.name, sentence.name_span);
                let is_told = reading
                    .diagnostics
                    .iter()
                    .rev()
                    .take(64)
                    .any(|known| known.message == told.message);
                if !is_told {
                    reading.diagnostics.push(told);
                }
                return;
            }
            Meaning::Nothing => return,
        };
        if crate::placeholder::in_text(sentence.text).is_some() {
            return;
        }
        let claim = |meaning: String| {
            let subject = format!("role:{}", sentence.name);
            Claim::new(ClaimKind::Access, Chapter::Security, meaning).about(subject)
        };
        let lower = sentence.text.to_lowercase();
        if who == Who::Owner && says_owner_only(&lower) {
            let owned = self.owner_only(sentence, permissions);
            let meaning = format!("owners change and delete their own rows of {owned} tables");
            reading.ledger.bind(sentence.span, sentence.form, claim(meaning));
            return;
        }
        if who == Who::Admin {
            let read = self.nouns.read(sentence.text, sentence.about.as_deref());
            add(permissions, &read, &who, sentence);
            let meaning = "the admin may do everything".to_owned();
            reading.ledger.bind(sentence.span, sentence.form, claim(meaning));
            return;
        }
        if let Some(parent) = self.inherited(&lower) {
            let meaning = format!("`{}` may all that `{parent}` may", sentence.name);
            inherit(&parent, &who, sentence, permissions);
            reading.ledger.bind(sentence.span, sentence.form, claim(meaning));
            return;
        }
        if let Some(meaning) = definition(&who, &lower) {
            reading.ledger.bind(sentence.span, sentence.form, claim(meaning.to_owned()));
            return;
        }
        let mut read = self.nouns.read(sentence.text, sentence.about.as_deref());
        read.unread.retain(|piece| !is_built_in(piece));
        self.classify(reading, sentence, &read, claim);
        add(permissions, &read, &who, sentence);
    }

    /// The role whose permissions a sentence passes on: `All editor permissions`.
    fn inherited(&self, lower: &str) -> Option<String> {
        let begins = ["all ", "everything ", "same as ", "inherits "]
            .iter()
            .any(|word| lower.trim().starts_with(word));
        // Nobody has so many roles; looking at all of them for each sentence would take too long.
        if !begins || self.book.roles.len() > 200 {
            return None;
        }
        self.book.roles.iter().map(|role| role.name.clone()).find(|name| {
            let word = name.to_lowercase().replace('_', " ");
            [
                format!("all {word} permissions"),
                format!("all {word} rights"),
                format!("all {word} capabilities"),
                format!("everything {word}"),
                format!("everything a {word}"),
                format!("everything an {word}"),
                format!("same as {word}"),
                format!("inherits from {word}"),
                format!("inherits {word}"),
            ]
            .iter()
            .any(|words| lower.trim().starts_with(words.as_str()))
        })
    }

    /// Records what was and what was not understood.
    fn classify(
        &self,
        reading: &mut Reading<'_>,
        sentence: &Sentence<'_>,
        read: &Phrases,
        claim: impl Fn(String) -> Claim,
    ) {
        let unread = read.unread.iter().map(|piece| format!("`{piece}`")).collect::<Vec<_>>();
        let unread = unread.join(", ");
        if read.found.is_empty() && !read.unread.is_empty() {
            let why = format!("no verb with a table in {unread}: allows nothing");
            reading.ledger.class(sentence.span, sentence.form, Class::NotUnderstood, why);
            return;
        }
        let mut tables: Vec<&str> = read.found.iter().map(|phrase| phrase.table.as_str()).collect();
        tables.dedup();
        let mut meaning = format!("`{}` may: {}", sentence.name, tables.join(", "));
        if tables.is_empty() {
            meaning = format!("`{}` may use what is built in", sentence.name);
        }
        if !unread.is_empty() {
            meaning = format!("{meaning}; not understood: {unread}");
        }
        reading.ledger.bind(sentence.span, sentence.form, claim(meaning));
    }

    /// "Owner: resource owner only": all tables with owners, except the users themselves.
    fn owner_only(&self, sentence: &Sentence<'_>, permissions: &mut Vec<Permission>) -> usize {
        for owner in &self.ownership.owners {
            let said = (sentence.text, sentence.span);
            permissions.push(Permission::new(
                &owner.table,
                vec![Action::Update, Action::Delete],
                Who::Owner,
                said,
                Source::List,
            ));
            // Whoever may change a row may see it; this narrows nobody else's reading.
            permissions.push(Permission::new(
                &owner.table,
                vec![Action::Read],
                Who::Owner,
                said,
                Source::AllEndpoints,
            ));
        }
        self.ownership.owners.len()
    }
}

fn add(permissions: &mut Vec<Permission>, read: &Phrases, who: &Who, sentence: &Sentence<'_>) {
    let text = format!("{}: {}", sentence.name, sentence.text.trim());
    for phrase in &read.found {
        let permission = Permission::new(
            &phrase.table,
            phrase.actions.clone(),
            who.clone(),
            (&text, sentence.span),
            Source::List,
        );
        permissions.push(if phrase.own { permission.own() } else { permission });
    }
}

/// Gives what one role may to another, too.
fn inherit(parent: &str, who: &Who, sentence: &Sentence<'_>, permissions: &mut Vec<Permission>) {
    let passed: Vec<Permission> = permissions
        .iter()
        .filter(|known| matches!(&known.who, Who::Role { name } if name == parent))
        .map(|known| {
            let mut passed = known.clone();
            passed.who = who.clone();
            passed.text = format!("{}: {}", sentence.name, sentence.text.trim());
            passed.span = sentence.span;
            passed
        })
        .collect();
    permissions.extend(passed);
}

fn says_owner_only(lower: &str) -> bool {
    [
        "owner only",
        "owners only",
        "only the owner",
        "own resources only",
        "own data only",
        "own resources",
        "resource owner",
        "only own",
        "own records only",
        "own rows only",
    ]
    .iter()
    .any(|words| lower.contains(words))
}

/// What a level means where the sentence only defines it.
fn definition(who: &Who, lower: &str) -> Option<&'static str> {
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    match who {
        Who::Public
            if has(&["no authentication", "no auth", "without authentication", "no token"]) =>
        {
            Some("`Public` means without identity")
        }
        Who::Authenticated
            if has(&[
                "token required",
                "authentication required",
                "valid token",
                "logged in",
                "signed in",
                "login required",
                "requires authentication",
                "valid jwt",
            ]) =>
        {
            Some("`Authenticated` means any signed-in user")
        }
        _ => None,
    }
}

/// Registration and the like are open to everybody by themselves.
fn is_built_in(piece: &str) -> bool {
    let lower = piece.to_lowercase();
    let bare = lower.trim_start_matches("and ").trim_start_matches("the ").trim_end_matches('.');
    [
        "register",
        "registration",
        "login",
        "log in",
        "sign in",
        "sign up",
        "signup",
        "logout",
        "password reset",
        "forgot password",
        "reset password",
        "health",
        "health check",
        "health checks",
        "documentation",
        "refresh",
        "token refresh",
        "refresh token",
        "change password",
        "verify email",
        "email verification",
    ]
    .iter()
    .any(|known| bare.split(" and ").all(|part| part.trim() == *known) || bare == *known)
}
