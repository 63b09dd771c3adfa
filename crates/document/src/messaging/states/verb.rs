//! Verbs behind states and labels: `CANCELLED`, `Customer Cancels`, `cancellation` and
//! `POST …/cancel` are one action.

/// Forms that no rule reaches: noun or participle, and its verb.
const IRREGULAR: &[(&str, &str)] = &[
    ("paid", "pay"),
    ("payment", "pay"),
    ("sent", "send"),
    ("resent", "resend"),
    ("sold", "sell"),
    ("held", "hold"),
    ("hold", "hold"),
    ("lost", "lose"),
    ("won", "win"),
    ("done", "complete"),
    ("taken", "take"),
    ("chosen", "choose"),
    ("withdrawn", "withdraw"),
    ("written", "write"),
    ("built", "build"),
    ("begun", "begin"),
    ("frozen", "freeze"),
    ("read", "read"),
    ("met", "meet"),
    ("cancellation", "cancel"),
    ("cancelation", "cancel"),
    ("canceled", "cancel"),
    ("cancelled", "cancel"),
    ("approval", "approve"),
    ("rejection", "reject"),
    ("refusal", "refuse"),
    ("shipment", "ship"),
    ("delivery", "deliver"),
    ("confirmation", "confirm"),
    ("publication", "publish"),
    ("completion", "complete"),
    ("submission", "submit"),
    ("activation", "activate"),
    ("expiration", "expire"),
    ("expiry", "expire"),
    ("assignment", "assign"),
    ("resolution", "resolve"),
    ("renewal", "renew"),
    ("removal", "remove"),
    ("withdrawal", "withdraw"),
    ("verification", "verify"),
    ("acceptance", "accept"),
    ("failure", "fail"),
    ("return", "return"),
    ("closure", "close"),
    ("fulfilment", "fulfill"),
    ("fulfillment", "fulfill"),
    ("fulfilled", "fulfill"),
    ("archival", "archive"),
];

/// All verbs that a word could be a form of, the likeliest first; at least the word itself.
pub(super) fn verbs_of(word: &str) -> Vec<String> {
    let word = word.to_lowercase();
    if let Some((_, verb)) = IRREGULAR.iter().find(|(form, _)| *form == word) {
        return vec![(*verb).to_owned(), word];
    }
    let mut found = Vec::new();
    let stem = ["ing", "ed"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|stem| stem.chars().count() >= 3));
    if let Some(stem) = stem.filter(|stem| stem.chars().any(is_vowel)) {
        let mut last = stem.chars().rev();
        let (end, before) = (last.next(), last.next());
        let is_doubled = end == before && end.is_some_and(|c| !is_vowel(c));
        if let Some(base) = stem.strip_suffix('i') {
            found.push(format!("{base}y"));
        } else if is_doubled {
            let once = stem.get(..stem.len() - 1).unwrap_or(stem).to_owned();
            // `shipped` is `ship`, but `processed` is `process`.
            let keeps = matches!(end, Some('s' | 'l' | 'f' | 'z'));
            let both = [stem.to_owned(), once];
            found.extend(if keeps { both.to_vec() } else { both.into_iter().rev().collect() });
        } else if drops_e(stem) {
            found.extend([format!("{stem}e"), stem.to_owned()]);
        } else {
            found.extend([stem.to_owned(), format!("{stem}e")]);
        }
    } else if let Some(base) = word.strip_suffix("ies") {
        found.push(format!("{base}y"));
    } else if ["shes", "ches", "sses", "xes"].iter().any(|ending| word.ends_with(ending)) {
        found.push(word.trim_end_matches("es").to_owned());
    } else if let Some(base) = word.strip_suffix('s').filter(|base| !base.ends_with('s')) {
        found.push(base.to_owned());
    }
    found.push(word);
    found
}

fn is_vowel(c: char) -> bool {
    "aeiouy".contains(c)
}

/// True for stems that lost an `e`: `approv`, `complet`, `activat`, `releas`.
fn drops_e(stem: &str) -> bool {
    const ENDINGS: &[&str] = &[
        "v", "c", "at", "let", "ut", "ir", "ur", "ul", "iv", "s", "z", "g", "u", "in", "ar", "as",
        "id", "ad", "ak", "ok", "or", "uc", "it", "yp", "bl", "tl", "dl", "gl", "os", "us",
    ];
    const KEEPS: &[&str] = &[
        "edit", "visit", "audit", "limit", "submit", "repeat", "treat", "load", "upload",
        "download", "book", "block", "return", "join", "repair", "begin", "explain", "restart",
        "ship", "complain", "obtain", "assign", "ing", "ss", "await", "wait", "credit", "deposit",
        "monitor", "debit", "commit", "retain", "contain", "hear", "clear", "appear", "format",
        "us", "train", "drain", "sort", "speak", "check", "leak", "pack", "recruit", "exit", "add",
        "void", "avoid", "raid", "main", "heat", "float", "fail", "confirm", "read", "onboard",
        "forward", "record", "order", "enter", "offer", "deliver", "register", "transfer", "hang",
        "exhibit", "inherit", "long", "author", "refactor", "ruin", "coin", "claim", "reclaim",
    ];
    !KEEPS.iter().any(|keeps| stem.ends_with(keeps)) && ENDINGS.iter().any(|e| stem.ends_with(e))
}

/// True where two words could be forms of one verb.
pub(super) fn are_one_verb(left: &str, right: &str) -> bool {
    let right = verbs_of(right);
    verbs_of(left).iter().any(|verb| right.contains(verb))
}

/// Words of a label, a state or a path: letters and digits, split at case changes.
pub(super) fn words_of(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_lower = false;
    for c in text.chars() {
        if (!c.is_alphanumeric() || (c.is_uppercase() && was_lower)) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_lower = c.is_lowercase();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// The action that a label names, in snake case: the word that the target state is a form of,
/// a call or path as it stands, else its verb.
pub(super) fn action_of(label: Option<&str>, target: &str) -> Option<String> {
    let target_words = words_of(target);
    let from_target = || {
        let last = target_words.last()?;
        let is_participle = verbs_of(last).first() != Some(last);
        Some(if is_participle {
            verbs_of(last).into_iter().next()?
        } else {
            target_words.join("_")
        })
    };
    let Some(label) = label.map(first_phrase).filter(|label| !label.is_empty()) else {
        return from_target();
    };
    // `POST /orders/{id}/pay` and `submit()` are names already.
    if let Some(path) = label.split_whitespace().find(|word| word.starts_with('/')) {
        let last = path.rsplit('/').find(|part| !part.is_empty() && !part.starts_with(['{', ':']));
        return last.map(|last| words_of(last).join("_"));
    }
    if let Some((name, _)) = label.split_once('(')
        && !name.is_empty()
        && !name.trim_end().contains(' ')
        && !name.ends_with(' ')
    {
        return Some(words_of(name).join("_"));
    }
    let words = words_of(label);
    match words.as_slice() {
        [] => from_target(),
        [only] => verbs_of(only).into_iter().next(),
        several => {
            let of_target = several.iter().find(|word| {
                target_words.iter().any(|target| are_one_verb(word, target) && word.len() > 2)
            });
            let participle =
                several.iter().rev().find(|word| word.ends_with("ed") && word.len() > 4);
            // `manager approves`: the verb follows whoever acts.
            let third_person = several
                .iter()
                .skip(1)
                .take(2)
                .find(|word| word.ends_with('s') && !word.ends_with("ss") && word.len() > 3);
            match of_target.or(participle).or(third_person) {
                Some(word) => verbs_of(word).into_iter().next(),
                None => Some(several.join("_")),
            }
        }
    }
}

/// A label up to its first line break or remark.
fn first_phrase(label: &str) -> &str {
    let end = ["<br", "\n", " (", " [", ";", " - ", " / "]
        .iter()
        .filter_map(|mark| label.find(mark))
        .min();
    label.get(..end.unwrap_or(label.len())).unwrap_or(label).trim().trim_matches(['`', '"', '*'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_give_their_verbs() {
        for (state, verb) in [
            ("CANCELLED", "cancel"),
            ("approved", "approve"),
            ("shipped", "ship"),
            ("processed", "process"),
            ("completed", "complete"),
            ("verified", "verify"),
            ("paid", "pay"),
            ("published", "publish"),
            ("archived", "archive"),
            ("failed", "fail"),
            ("refunded", "refund"),
            ("resolved", "resolve"),
            ("delivered", "deliver"),
            ("assigned", "assign"),
            ("expired", "expire"),
            ("submitted", "submit"),
            ("scheduled", "schedule"),
            ("confirmed", "confirm"),
            ("closed", "close"),
        ] {
            assert_eq!(action_of(None, state).as_deref(), Some(verb), "{state}");
        }
    }

    #[test]
    fn labels_give_their_verbs() {
        for (label, target, action) in [
            ("Customer Cancels", "CANCELLED", "cancel"),
            ("Payment Confirmed", "PAID", "pay"),
            ("submit()", "IN_REVIEW", "submit"),
            ("POST /orders/{id}/pay", "PAID", "pay"),
            ("Manager approves", "READY", "approve"),
            ("Shipment Confirmed<br/>(prints the invoice)", "ON_ITS_WAY", "confirm"),
            ("reopen", "open", "reopen"),
        ] {
            assert_eq!(action_of(Some(label), target).as_deref(), Some(action), "{label}");
        }
    }
}
