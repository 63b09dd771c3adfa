//! Environment variables: tables, fences of `KEY=value`, bullets.

use std::collections::HashMap;

use super::Variable;
use crate::{
    Chapter, Claim, ClaimKind, Span,
    compile::Reading,
    outline::Fence,
    system::System,
    unit::{self, Unit, near, units},
    yaml,
};

const CONTEXT: &[&str] =
    &["environment", "env", "variable", "configuration", "config", "secrets", "settings"];
/// Tables under these words hold upper-case names of something else.
const NOT_CONTEXT: &[&str] =
    &["error", "status", "enum", "permission", "event", "code", "state", "role"];

/// Reads every variable; one that is named twice is one, and is required if any place says so.
pub(super) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let outline = reading.outline;
    let cover = reading.ledger.cover();
    let mut contexts = unit::Contexts::new(outline);
    let mut places = HashMap::new();
    for unit in units(outline) {
        if unit.form == "heading" || cover.knows(unit.span) {
            continue;
        }
        let context = contexts.of(unit.node);
        let found = match (unit.fence, unit.form) {
            (Some(fence), _) => in_fence(fence, near(&context, 3, CONTEXT)),
            (None, "row") => row(&unit, &context).into_iter().collect(),
            (None, "item") if near(&context, 3, CONTEXT) && !near(&context, 2, NOT_CONTEXT) => {
                item(&unit).into_iter().collect()
            }
            _ => Vec::new(),
        };
        let form = if unit.fence.is_some() { "line" } else { unit.form };
        for variable in found {
            push(reading, system, &mut places, variable, form);
        }
    }
}

/// `DATABASE_URL`, `PORT`.
fn is_variable(name: &str) -> bool {
    name.len() >= 2
        && name.len() <= 80
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
        && name.chars().filter(char::is_ascii_uppercase).count() >= 2
}

fn variable(name: &str, span: Span) -> Variable {
    let name = name.to_owned();
    Variable { name, purpose: None, example: None, default: None, required: false, span }
}

fn row(unit: &Unit<'_>, context: &[String]) -> Option<Variable> {
    let first = unit.cells.first()?;
    let header = unit.header.first().map(|cell| cell.text.trim().to_lowercase())?;
    let named =
        ["variable", "env var", "environment var", "переменная", "variabel", "env variable"]
            .iter()
            .any(|word| header.starts_with(word));
    let plain = ["name", "key", "setting", "parameter", "env"].iter().any(|word| header == *word);
    let fits = named
        || (plain
            && near(
                context,
                3,
                &["environment variable", "env var", ".env", "environment config", "variables"],
            ));
    let name = first.trimmed().trim_matches(['`', '*']);
    if !fits || !is_variable(name) {
        return None;
    }
    let text = |headers: &[&str]| {
        unit.column(headers)
            .filter(|cell| !std::ptr::eq(*cell, first))
            .map(|cell| cell.trimmed().to_owned())
            .filter(|text| !matches!(text.as_str(), "" | "-" | "—" | "–" | "None" | "n/a" | "N/A"))
    };
    let default = text(&["default"]);
    let required = text(&["required", "mandatory", "needed", "pflicht", "obrigat", "обязател"]);
    let required = required.as_deref().and_then(is_required);
    Some(Variable {
        purpose: text(&["purpose", "description", "used for", "meaning", "описание", "notes"]),
        example: text(&["example", "sample", "value"])
            .map(|text| text.trim_matches('`').to_owned()),
        // What has a default can be left out.
        required: required.unwrap_or(false) && default.is_none(),
        default: default.map(|text| text.trim_matches('`').to_owned()),
        ..variable(name, unit.span)
    })
}

/// `Yes`, `✅ Yes`, `yes (for sync)`, `❌ No`, `Optional`.
fn is_required(text: &str) -> Option<bool> {
    let lower = text.to_lowercase();
    let words = lower.trim_matches(|c: char| {
        !c.is_alphanumeric() && !matches!(c, '✅' | '❌' | '✓' | '✔' | '✗')
    });
    let yes = ["yes", "✅", "✓", "✔", "required", "true", "ja", "sim", "y", "да"];
    let no = ["no", "❌", "✗", "optional", "false", "nein", "não", "n", "нет"];
    // `Yes (production only)` is not required everywhere.
    let only = words.contains("only") || words.contains("prod") || words.contains(" if ");
    let first = words.split([' ', '(', ',', '*']).next().unwrap_or("");
    if no.contains(&first) {
        return Some(false);
    }
    yes.contains(&first).then_some(!only)
}

/// Lines of a fence that are nothing but `KEY=value`, or YAML of `KEY: what for`.
fn in_fence(fence: &Fence, configures: bool) -> Vec<Variable> {
    let language = fence.language.as_str();
    let env = matches!(language, "env" | "dotenv" | "properties" | "ini");
    let shell = matches!(language, "bash" | "sh" | "shell" | "" | "text" | "plaintext" | "console");
    if matches!(language, "yaml" | "yml") && configures {
        return in_yaml(fence);
    }
    if !env && !shell {
        return Vec::new();
    }
    let lines = || {
        let mut at = 0;
        fence.text.split_inclusive('\n').map(move |line| {
            let start = at;
            at += line.len();
            (start, line)
        })
    };
    let parsed: Vec<Option<Variable>> = lines()
        .filter(|(_, line)| !line.trim().is_empty() && !line.trim().starts_with(['#', ';']))
        .map(|(start, line)| {
            let lead = line.len() - line.trim_start().len();
            let (head, value) = line.trim().split_once('=')?;
            let name = head.trim_start_matches("export ").trim();
            let span = fence.span_of(start + lead..start + line.trim_end().len());
            let value = value.split(" #").next().unwrap_or("").trim().trim_matches(['"', '\'']);
            is_variable(name).then(|| Variable {
                example: (!value.is_empty()).then(|| value.to_owned()),
                ..variable(name, span)
            })
        })
        .collect();
    let found = parsed.iter().flatten().count();
    // A shell script sets variables too; only lists of them are declarations.
    if found == 0 || found < parsed.len() || (!env && !configures && found < 2) {
        return Vec::new();
    }
    parsed.into_iter().flatten().collect()
}

fn in_yaml(fence: &Fence) -> Vec<Variable> {
    let Ok(documents) = yaml::read(&fence.text) else { return Vec::new() };
    let members: Vec<_> = documents.iter().flat_map(|document| document.members()).collect();
    let all = members
        .iter()
        .all(|(key, value)| key.text().is_some_and(is_variable) && value.text().is_some());
    if !all {
        return Vec::new();
    }
    members
        .into_iter()
        .filter_map(|(key, value)| {
            let span = fence.span_of(key.range.start..value.range.end);
            let purpose = value.text().map(str::to_owned);
            Some(Variable { purpose, ..variable(key.text()?, span) })
        })
        .collect()
}

/// `` - `API_URL` - Backend address ``, `` * `PROJECT_ID=your-id` ``.
fn item(unit: &Unit<'_>) -> Option<Variable> {
    let text = unit.text();
    let end = text
        .find(|c: char| !(c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_'))
        .unwrap_or(text.len());
    let name = &text[..end];
    // Without an underscore it may be any word in capitals.
    if !is_variable(name) || !name.contains('_') && name != "PORT" {
        return None;
    }
    let rest = text[end..].trim_start();
    let mut found = variable(name, unit.span);
    if let Some(value) = rest.strip_prefix('=') {
        let word = value.split_whitespace().next().unwrap_or("");
        found.example = (!word.is_empty()).then(|| word.to_owned());
    } else if rest.is_empty() || rest.starts_with([':', '-', '–', '—', '(']) {
        let purpose = rest.trim_start_matches([':', '-', '–', '—', ' ']);
        found.purpose = (!purpose.is_empty()).then(|| purpose.to_owned());
        let lower = purpose.to_lowercase();
        found.required = lower.contains("(required)") || lower.starts_with("required");
    } else {
        return None;
    }
    Some(found)
}

fn push(
    reading: &mut Reading<'_>,
    system: &mut System,
    places: &mut HashMap<String, usize>,
    variable: Variable,
    form: &'static str,
) {
    let need = if variable.required { "required" } else { "optional" };
    let claim = Claim::new(
        ClaimKind::Variable,
        Chapter::Delivery,
        format!("variable `{}`, {need}", variable.name),
    )
    .about(format!("variable:{}", variable.name));
    reading.ledger.bind(variable.span, form, claim);
    let known = places.get(&variable.name).copied();
    match known.and_then(|at| system.delivery.variables.get_mut(at)) {
        Some(known) => {
            known.required |= variable.required && known.default.is_none();
            known.purpose = known.purpose.take().or(variable.purpose);
            known.example = known.example.take().or(variable.example);
            known.default = known.default.take().or(variable.default);
        }
        None => {
            places.insert(variable.name.clone(), system.delivery.variables.len());
            system.delivery.variables.push(variable);
        }
    }
}
