//! What `verify` found, added to what is observed: one word and its age beside a claim. A table's
//! chip speaks for its columns and rules too, which have none of their own.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use document::Compiled;
use engine::observability::{ProofOfClaim, ProofVerdict, Proofs};
use jiff::Timestamp;

use crate::evidence::{Item, State};

/// How many claims of one chip came out how.
#[derive(Debug, Default, Clone, Copy)]
struct Count {
    proved: usize,
    refuted: usize,
    /// Claims that are written otherwise than when they were tried.
    stale: usize,
    all: usize,
}

/// Adds the verdicts to the items, and items for claims that have a verdict alone.
pub(crate) fn add(compiled: &Compiled, proofs: &Proofs, now: Timestamp, items: &mut Vec<Item>) {
    let known: HashSet<(&str, &str)> = proofs
        .claims
        .iter()
        .filter_map(|claim| Some((claim.subject.as_deref()?, claim.sentence.as_str())))
        .collect();
    let mut counts: HashMap<Cow<'_, str>, Count> = HashMap::new();
    for claim in &proofs.claims {
        if let Some(subject) = claim.subject.as_deref() {
            counts.entry(spoken_for_by(subject)).or_default().take(claim);
        }
    }
    let mut details: HashMap<&str, &str> = HashMap::new();
    for statement in &compiled.ledger.statements {
        let Some(subject) = statement.subject.as_deref() else { continue };
        details.entry(subject).or_insert(&statement.meaning);
        if let Some(count) = counts.get_mut(&spoken_for_by(subject))
            && !known.contains(&(subject, compiled.sources.first_line(statement.span)))
        {
            count.stale += 1;
        }
    }
    let age = age(now, proofs.at);
    for item in items.iter_mut() {
        if let Some((words, is_refuted)) =
            counts.remove(item.subject.as_str()).and_then(|count| count.words(&age))
        {
            item.text = format!("{} · {words}", item.text);
            if is_refuted {
                item.state = State::Missed;
            }
        }
    }
    for (subject, count) in counts {
        let Some(detail) = details.get(&*subject) else { continue };
        if let Some((text, is_refuted)) = count.words(&age) {
            let state = if is_refuted { State::Missed } else { State::Seen };
            let (subject, detail) = (subject.into_owned(), (*detail).to_owned());
            items.push(Item { subject, text, state, detail });
        }
    }
}

impl Count {
    fn take(&mut self, claim: &ProofOfClaim) {
        self.all += 1;
        match claim.verdict {
            ProofVerdict::Proved => self.proved += 1,
            ProofVerdict::Refuted => self.refuted += 1,
            ProofVerdict::NotTold => {}
        }
    }

    /// The words of a chip, and whether something is refuted; none where nothing was told.
    fn words(self, age: &str) -> Option<(String, bool)> {
        let words = match self {
            Self { refuted: 0, proved: 0, .. } => return None,
            Self { stale, .. } if stale > 0 => format!("changed since verify tried it, {age}"),
            Self { refuted: 0, proved, all, .. } if proved == all => format!("proved {age}"),
            Self { refuted: 0, proved, all, .. } => format!("{proved} of {all} proved {age}"),
            Self { refuted: 1, all: 1, .. } => format!("refuted {age}"),
            Self { refuted, all, .. } => format!("{refuted} of {all} refuted {age}"),
        };
        Some((words, self.refuted > 0 && self.stale == 0))
    }
}

/// The subject whose chip tells about this one: a column's is its table's.
fn spoken_for_by(subject: &str) -> Cow<'_, str> {
    match subject.strip_prefix("column:").and_then(|name| name.split_once('.')) {
        Some((table, _)) => Cow::Owned(format!("table:{table}")),
        None => Cow::Borrowed(subject),
    }
}

/// How long ago, in the largest unit that fits.
fn age(now: Timestamp, at: Timestamp) -> String {
    match now.as_second().saturating_sub(at.as_second()) {
        ..60 => "just now".to_owned(),
        seconds @ 60..3_600 => format!("{} min ago", seconds / 60),
        seconds @ 3_600..86_400 => format!("{} h ago", seconds / 3_600),
        seconds => format!("{} d ago", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use document::source::Sources;

    use super::*;

    const TEXT: &str = "# A\n\n```sql\nCREATE TABLE users (\n  id UUID PRIMARY KEY,\n  \
                        email TEXT NOT NULL\n);\n```\n";

    fn claims(compiled: &Compiled, verdict: ProofVerdict) -> Vec<ProofOfClaim> {
        let statements = compiled.ledger.statements.iter();
        let claims = statements.map(|statement| ProofOfClaim {
            subject: statement.subject.clone(),
            sentence: compiled.sources.first_line(statement.span).to_owned(),
            verdict,
        });
        claims.collect()
    }

    #[track_caller]
    fn check(compiled: &Compiled, claims: Vec<ProofOfClaim>, expected: &str, is_missed: bool) {
        let at = Timestamp::UNIX_EPOCH;
        let now = Timestamp::from_second(200).expect("a moment");
        let mut items = vec![Item {
            subject: "table:users".to_owned(),
            text: "2 rows".to_owned(),
            state: State::Seen,
            detail: String::new(),
        }];
        add(compiled, &Proofs { at, claims }, now, &mut items);
        assert_eq!(items[0].text, expected);
        assert_eq!(items[0].state == State::Missed, is_missed);
    }

    #[test]
    fn a_tables_chip_speaks_for_its_columns() {
        let compiled = document::compile(Sources::single("a.md", TEXT));
        let all = claims(&compiled, ProofVerdict::Proved);
        let count = all.iter().filter(|claim| claim.subject.is_some()).count();
        assert!(count > 1, "a table and its columns");
        check(&compiled, all.clone(), "2 rows · proved 3 min ago", false);
        let mut one_refuted = all.clone();
        one_refuted[count - 1].verdict = ProofVerdict::Refuted;
        let expected = format!("2 rows · 1 of {count} refuted 3 min ago");
        check(&compiled, one_refuted, &expected, true);
        check(&compiled, claims(&compiled, ProofVerdict::NotTold), "2 rows", false);
    }

    #[test]
    fn a_verdict_on_another_wording_is_stale() {
        let before = document::compile(Sources::single("a.md", TEXT));
        let text = TEXT.replace("email TEXT", "email VARCHAR(80)");
        let after = document::compile(Sources::single("a.md", &text));
        let all = claims(&before, ProofVerdict::Proved);
        check(&after, all, "2 rows · changed since verify tried it, 3 min ago", false);
    }
}
