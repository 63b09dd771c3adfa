//! The last word of a path that names no table: an action (`/orders/{id}/cancel`), a value
//! (`/posts/published`), a column (`/orders/{id}/status`).

use super::{
    NOW, NULL, TOGGLE, names,
    tables::{Tables, is_state_name},
};
use crate::{
    data::{Column, ColumnType, DefaultValue, Table},
    expression::Literal,
};

/// What an action does: the column it changes and what the column holds afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) action: String,
    pub(super) column: String,
    pub(super) target: String,
    /// A time stamp that is set besides.
    pub(super) stamp: Option<String>,
}

/// The effect of an action word on a row of a table, where the document declares one.
pub(super) fn effect(tables: &Tables<'_>, table: &Table, word: &str) -> Option<Effect> {
    let action = names::snake(word);
    let stamp = stamp(table, &action);
    for machine in tables.machines.iter().filter(|machine| machine.table == table.name) {
        let named = machine.transitions.iter().find(|transition| {
            transition.action.as_deref().is_some_and(|known| names::same(known, &action))
        });
        if let Some(transition) = named {
            return Some(Effect {
                action: transition.action.clone().unwrap_or(action),
                column: machine.column.clone(),
                target: transition.to.clone(),
                stamp,
            });
        }
    }
    for (column, values) in tables.value_columns(table) {
        if !is_state_name(&column) {
            continue;
        }
        if let Some(target) = state_after(&action, &values) {
            return Some(Effect { action, column, target, stamp });
        }
    }
    boolean_effect(table, &action)
        .map(|effect| Effect { stamp: stamp.filter(|_| effect.target == "true"), ..effect })
        .or_else(|| time_effect(table, &action))
        .or_else(|| open_state(tables, table, &action))
}

/// The time stamp that an action sets: `published_at` for `publish`.
fn stamp(table: &Table, action: &str) -> Option<String> {
    let names: Vec<String> = participles(action).iter().map(|form| format!("{form}_at")).collect();
    // SQLite keeps time stamps as text.
    let holds_time = |column: &Column| match column.kind {
        ColumnType::Timestamp { .. } | ColumnType::Date => true,
        ColumnType::Text { length_max } => {
            column.name.ends_with("_at") && length_max.is_none_or(|length| length >= 30)
        }
        _ => false,
    };
    let is_it = |column: &&Column| {
        holds_time(column)
            && (names.contains(&column.name)
                || column.name.strip_suffix("_at").is_some_and(|stem| stem == action))
    };
    table.columns.iter().find(is_it).map(|column| column.name.clone())
}

/// `/posts/{id}/publish` where only `published_at` tells; `/files/{id}/restore` where `deleted_at`
/// does.
fn time_effect(table: &Table, action: &str) -> Option<Effect> {
    let stem = action.strip_prefix("mark_as_").or_else(|| action.strip_prefix("mark_"));
    let stem = stem.unwrap_or(action);
    let back = match action {
        "restore" | "undelete" | "recover" => Some("delete"),
        "reactivate" | "reinstate" => Some("deactivate"),
        "reopen" => Some("close"),
        other => other.strip_prefix("un").or_else(|| other.strip_prefix("de")),
    };
    let says_more = matches!(stem, "create" | "update" | "delete" | "schedule");
    if says_more || super::bind::computes(stem) {
        return None;
    }
    let (column, target) = match (stamp(table, stem), back) {
        (Some(column), _) => (column, NOW),
        (None, Some(done)) => (stamp(table, done)?, NULL),
        (None, None) => return None,
    };
    let is_nullable = table.column(&column).is_some_and(|column| column.nullable);
    (target == NOW || is_nullable).then(|| Effect {
        action: action.to_owned(),
        column,
        target: target.to_owned(),
        stamp: None,
    })
}

/// A state's column that takes any text holds the action's participle afterwards, in capitals where
/// its default is: `cancelled` for `cancel`.
fn open_state(tables: &Tables<'_>, table: &Table, action: &str) -> Option<Effect> {
    const STATES: &[(&str, &str)] = &[
        ("accept", "accepted"),
        ("activate", "active"),
        ("approve", "approved"),
        ("archive", "archived"),
        ("block", "blocked"),
        ("cancel", "cancelled"),
        ("close", "closed"),
        ("complete", "completed"),
        ("confirm", "confirmed"),
        ("deactivate", "inactive"),
        ("decline", "declined"),
        ("deliver", "delivered"),
        ("dispute", "disputed"),
        ("freeze", "frozen"),
        ("pause", "paused"),
        ("publish", "published"),
        ("reject", "rejected"),
        ("resolve", "resolved"),
        ("revoke", "revoked"),
        ("ship", "shipped"),
        ("submit", "submitted"),
        ("suspend", "suspended"),
    ];
    let (_, state) = STATES.iter().find(|(verb, _)| *verb == action)?;
    let column = table.columns.iter().find(|column| is_state_name(&column.name))?;
    let is_open = matches!(column.kind, ColumnType::Text { length_max } if length_max
            .is_none_or(|length| state.len() <= length as usize));
    let checked = table.checks.iter().any(|check| check.condition.text.contains(&column.name));
    let listed = tables.data.values_of(table, column).is_some();
    let drawn = tables.machines.iter().any(|machine| machine.table == table.name);
    let default = match &column.default {
        Some(DefaultValue::Literal { literal: Literal::Text(text) }) => text,
        _ => return None,
    };
    if !is_open || checked || listed || drawn {
        return None;
    }
    let letters = || default.chars().filter(|c| c.is_alphabetic());
    let target = match letters().next() {
        Some(first) if first.is_lowercase() => (*state).to_owned(),
        Some(_) if letters().all(char::is_uppercase) => state.to_uppercase(),
        _ => return None,
    };
    Some(Effect {
        action: action.to_owned(),
        column: column.name.clone(),
        target,
        stamp: stamp(table, action),
    })
}

/// The state that an action leads to: `cancel` → `cancelled`, `complete` → `COMPLETED`.
fn state_after(action: &str, values: &[String]) -> Option<String> {
    const LEADS_TO: &[(&str, &[&str])] = &[
        ("start", &["in_progress", "started", "running", "active", "ongoing"]),
        ("begin", &["in_progress", "started", "running"]),
        ("stop", &["stopped", "inactive"]),
        ("reopen", &["reopened", "open"]),
        ("resume", &["resumed", "active", "running", "in_progress"]),
        ("reactivate", &["active"]),
        ("deactivate", &["deactivated", "inactive", "disabled"]),
        ("disable", &["disabled", "inactive"]),
        ("enable", &["enabled", "active"]),
        ("unsuspend", &["active"]),
        ("unpublish", &["unpublished", "draft"]),
        ("complete", &["completed", "complete", "done"]),
        ("finish", &["finished", "completed", "done"]),
        ("pay", &["paid"]),
        ("send", &["sent"]),
        ("submit", &["submitted", "pending", "pending_review", "in_review"]),
        ("check_in", &["checked_in"]),
        ("check_out", &["checked_out"]),
        ("checkin", &["checked_in"]),
        ("checkout", &["checked_out"]),
        ("withdraw", &["withdrawn"]),
        ("void", &["voided", "void"]),
        ("hold", &["on_hold", "held"]),
        ("deny", &["denied"]),
        ("decline", &["declined", "rejected"]),
        ("pick_up", &["picked_up"]),
        ("pickup", &["picked_up"]),
        ("mark_paid", &["paid"]),
        ("mark_read", &["read"]),
        ("read", &["read"]),
        ("ban", &["banned"]),
        ("block", &["blocked"]),
    ];
    let known = |state: &str| values.iter().find(|value| names::snake(value) == state).cloned();
    if let Some((_, states)) = LEADS_TO.iter().find(|(verb, _)| *verb == action)
        && let Some(found) = states.iter().find_map(|state| known(state))
    {
        return Some(found);
    }
    participles(action).iter().find_map(|state| known(state))
}

/// The forms a verb's participle may take: `approved`, `cancelled` and `canceled`, `verified`.
pub(super) fn participles(verb: &str) -> Vec<String> {
    let mut forms = vec![format!("{verb}ed"), format!("{verb}d")];
    if let Some(stem) = verb.strip_suffix('y') {
        forms.push(format!("{stem}ied"));
    }
    if let Some(last) = verb.chars().next_back() {
        forms.push(format!("{verb}{last}ed"));
    }
    forms.push(format!("{verb}n"));
    forms
}

/// The nouns for what an action makes: `registration`, `enrollment`, `booking`, `like`.
pub(super) fn nouns(verb: &str) -> Vec<String> {
    let mut forms = vec![verb.to_owned(), format!("{verb}ment"), format!("{verb}ing")];
    let stem = verb.strip_suffix('e').unwrap_or(verb);
    forms.extend(["ing", "ation", "ion", "al"].map(|end| format!("{stem}{end}")));
    forms.extend(verb.strip_suffix('y').map(|stem| format!("{stem}ication")));
    forms.extend(verb.strip_suffix("be").map(|stem| format!("{stem}ption")));
    forms.extend(verb.strip_suffix("er").map(|stem| format!("{stem}ration")));
    forms.extend(verb.strip_suffix("nd").map(|stem| format!("{stem}nse")));
    forms.extend((verb == "follow").then(|| "follower".to_owned()));
    forms.extend((verb == "join").then(|| "member".to_owned()));
    forms.extend((verb == "attend").then(|| "attendance".to_owned()));
    forms
}

/// `/notifications/{id}/read` where the table has a boolean `is_read`.
fn boolean_effect(table: &Table, action: &str) -> Option<Effect> {
    if let Some(flag) = toggled(table, action) {
        let action = action.to_owned();
        return Some(Effect { action, column: flag, target: TOGGLE.to_owned(), stamp: None });
    }
    let (stem, target) = match action.strip_prefix("un").or_else(|| action.strip_prefix("de")) {
        Some(rest) if has_flag(table, rest).is_some() => (rest, "false"),
        _ if matches!(action, "restore" | "recover") => ("delete", "false"),
        _ => (action, "true"),
    };
    let stem = stem.strip_prefix("mark_as_").or_else(|| stem.strip_prefix("mark_")).unwrap_or(stem);
    let column = has_flag(table, stem)?;
    Some(Effect { action: action.to_owned(), column, target: target.to_owned(), stamp: None })
}

/// `toggle`, `toggle-active`, `toggle-status`: the flag that is meant.
fn toggled(table: &Table, action: &str) -> Option<String> {
    let about = action.strip_prefix("toggle")?.trim_start_matches('_');
    if let Some(flag) = has_flag(table, about) {
        return Some(flag);
    }
    let is_general = matches!(about, "" | "status" | "state");
    is_general.then(|| has_flag(table, "active").or_else(|| has_flag(table, "enabled"))).flatten()
}

/// The boolean column that a word names: `is_read`, `read`, `is_active` for `activate`.
fn has_flag(table: &Table, word: &str) -> Option<String> {
    let mut names = vec![word.to_owned(), format!("is_{word}")];
    for form in participles(word) {
        names.push(format!("is_{form}"));
        names.push(form);
    }
    if let Some(stem) = word.strip_suffix("ate") {
        names.push(format!("is_{stem}e"));
        names.push(format!("{stem}e"));
        names.push(format!("{stem}ive"));
        names.push(format!("is_{stem}ive"));
    }
    table
        .columns
        .iter()
        .find(|column| column.kind == ColumnType::Boolean && names.contains(&column.name))
        .map(|column| column.name.clone())
}

/// The rows that a word after a collection selects: `/posts/published`, `/listings/featured`.
pub(super) fn filter(
    tables: &Tables<'_>,
    table: &Table,
    word: &str,
) -> Option<Vec<(String, String)>> {
    let word = names::snake(word);
    for (column, values) in tables.value_columns(table) {
        if let Some(value) = values.iter().find(|value| names::same(value, &word)) {
            return Some(vec![(column, value.clone())]);
        }
    }
    let flag = [word.clone(), format!("is_{word}")];
    table
        .columns
        .iter()
        .find(|column| column.kind == ColumnType::Boolean && flag.contains(&column.name))
        .map(|column| vec![(column.name.clone(), "true".to_owned())])
}

/// The column that the last word of a path names: `/orders/{id}/status`, also where the state's
/// column is called otherwise.
pub(super) fn column(tables: &Tables<'_>, table: &Table, word: &str) -> Option<String> {
    let word = names::snake(word);
    if let Some(column) = table.column(&word) {
        return Some(column.name.clone());
    }
    if let Some(column) = table.columns.iter().find(|column| {
        column.name.strip_suffix("_url").is_some_and(|rest| rest == word)
            || column.name.strip_suffix("_id").is_some_and(|rest| rest == word)
    }) {
        return Some(column.name.clone());
    }
    if let Some(column) = about_column(table, &word) {
        return Some(column);
    }
    if !matches!(word.as_str(), "status" | "state" | "stage") {
        return None;
    }
    tables.value_columns(table).into_iter().map(|(name, _)| name).find(|name| is_state_name(name))
}

/// A column that the word describes: `availability` is `is_available`, `online-status` is
/// `is_online`, `location` is a latitude beside a longitude.
fn about_column(table: &Table, word: &str) -> Option<String> {
    if word == "location" {
        let ends = |pair: [&'static str; 2]| {
            table
                .columns
                .iter()
                .find(move |column| pair.iter().any(|end| column.name.ends_with(end)))
        };
        ends(["longitude", "lng"])?;
        return ends(["latitude", "lat"]).map(|column| column.name.clone());
    }
    let stem = match word.strip_suffix("ability") {
        Some(stem) => format!("{stem}able"),
        None => word.strip_suffix("_status")?.to_owned(),
    };
    has_flag(table, &stem)
}
