//! Events: schemas in YAML, tables of names and payloads, bullets.

use super::Event;
use crate::{
    Chapter, Claim, ClaimKind, Enforcement, Span,
    compile::Reading,
    outline::{Fence, Inline, Mark, NodeKind},
    placeholder,
    system::System,
    unit::{self, Unit, near, units},
    yaml::{self, Yaml},
};

const CONTEXT: &[&str] = &["event", "message contract", "topic", "webhook"];
const NOT_CONTEXT: &[&str] = &["analytics", "alert", "incident", "log"];

/// Reads every event.
pub(super) fn read(reading: &mut Reading<'_>, system: &mut System) {
    let outline = reading.outline;
    let cover = reading.ledger.cover();
    let mut contexts = unit::Contexts::new(outline);
    for unit in units(outline) {
        if unit.form == "heading" || cover.knows(unit.span) {
            continue;
        }
        let context = contexts.of(unit.node);
        if !near(&context, 3, CONTEXT) || near(&context, 1, NOT_CONTEXT) {
            continue;
        }
        if let Some(fence) = unit.fence {
            if matches!(fence.language.as_str(), "yaml" | "yml") {
                fence_events(reading, system, fence);
            }
            continue;
        }
        let found = match unit.form {
            "row" => row(&unit),
            "item" => item(&unit, inline_of(reading, &unit)),
            _ => Vec::new(),
        };
        for event in found {
            push(reading, system, event, unit.span, unit.form);
        }
    }
}

fn inline_of<'a>(reading: &Reading<'a>, unit: &Unit<'_>) -> Option<&'a Inline> {
    match &reading.outline.nodes.get(unit.node)?.kind {
        NodeKind::Item { inline, .. } => Some(inline),
        _ => None,
    }
}

/// `invoice.approved`, `ticket:created`, `OrderPaid`.
fn is_event_name(name: &str) -> bool {
    if name.len() > 80 || name.contains(char::is_whitespace) || placeholder::is_name(name) {
        return false;
    }
    let words = |separator: char| {
        let parts: Vec<&str> = name.split(separator).collect();
        parts.len() >= 2
            && parts.iter().all(|part| {
                part.starts_with(|c: char| c.is_ascii_alphabetic())
                    && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
            })
    };
    let humps = name.chars().filter(char::is_ascii_uppercase).count();
    let pascal = name.starts_with(|c: char| c.is_ascii_uppercase())
        && humps >= 2
        && name.chars().any(|c| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric());
    let file = [".md", ".ts", ".js", ".json", ".yaml", ".py", ".com", ".sql"];
    (words('.') && !file.iter().any(|end| name.ends_with(end))) || words(':') || pascal
}

fn row(unit: &Unit<'_>) -> Vec<Event> {
    let Some(first) = unit.header.first() else { return Vec::new() };
    let header = first.text.to_lowercase();
    if !header.contains("event") && !header.contains("topic") {
        return Vec::new();
    }
    let Some(names) = unit.cells.first() else { return Vec::new() };
    let payload = unit.column(&["payload", "data", "fields", "body", "schema"]);
    let description = unit.column(&["description", "when", "trigger", "purpose", "meaning"]);
    names
        .text
        .split([' ', ',', '/', '\n'])
        .map(|name| name.trim_matches(['`', '*']))
        .filter(|name| is_event_name(name))
        .map(|name| Event {
            name: name.to_owned(),
            payload: payload.map(|cell| members(&cell.text)).unwrap_or_default(),
            description: description.map(|cell| cell.trimmed().to_owned()),
            span: unit.span,
        })
        .collect()
}

/// Names of `{id, reviewed_by, decision}` or `id: uuid, name: string`.
fn members(text: &str) -> Vec<(String, String)> {
    text.trim()
        .trim_matches(['{', '}', '`', '(', ')'])
        .split([',', ';', '\n'])
        .filter_map(|member| {
            let (name, kind) = member.split_once(':').unwrap_or((member, ""));
            let name = name.trim().trim_matches(['`', '"', '?', '{', '}']).to_owned();
            let word = !name.is_empty()
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'));
            word.then(|| (name, kind.trim().trim_matches(['`', '"', '}']).to_owned()))
        })
        .collect()
}

/// A bullet that begins with an event's name; without back-ticks only what can be nothing else.
fn item(unit: &Unit<'_>, inline: Option<&Inline>) -> Vec<Event> {
    let text = unit.text();
    let end = text
        .find(|c: char| c.is_whitespace() || matches!(c, '(' | '{' | '—'))
        .unwrap_or(text.len());
    let name = text[..end].trim_end_matches([':', ',', ';']);
    let marked = inline
        .and_then(|inline| inline.parts.iter().find(|part| part.range.start >= unit_start(inline)))
        .is_some_and(|part| matches!(part.mark, Mark::Code | Mark::Strong));
    let separated = text[name.len()..].trim_start();
    let pure = separated.is_empty() || separated.starts_with([':', '-', '–', '—', '(', '→']);
    // Among bullets any product has such a name; what happened ends like this.
    let happened =
        ["ed", "Paid", "Sent", "Event", "Lost", "Won"].iter().any(|end| name.ends_with(end));
    let plain = name.contains(['.', ':']) || happened;
    if !is_event_name(name)
        || !plain
        || !(marked || pure)
        || name.starts_with(|c: char| c.is_ascii_digit())
    {
        return Vec::new();
    }
    let rest = separated.trim_start_matches([':', '-', '–', '—', '→', ' ']);
    vec![Event {
        name: name.to_owned(),
        payload: if rest.starts_with('{') { members(rest) } else { Vec::new() },
        description: (!rest.is_empty()).then(|| rest.to_owned()),
        span: unit.span,
    }]
}

fn unit_start(inline: &Inline) -> usize {
    inline.text.len() - inline.text.trim_start().len()
}

fn fence_events(reading: &mut Reading<'_>, system: &mut System, fence: &Fence) {
    let Ok(documents) = yaml::read(&fence.text) else { return };
    let mut found: Vec<(Event, std::ops::Range<usize>)> = Vec::new();
    for document in &documents {
        let inner = document.get("events").or_else(|| document.get("topics")).unwrap_or(document);
        for item in inner.items() {
            let name = item.text().or_else(|| item.get_text("name")).or(item.get_text("event"));
            if let Some(name) = name.filter(|name| is_event_name(name)) {
                found.push((event(name, item), item.range.clone()));
            }
        }
        for (key, value) in inner.members() {
            let Some(name) = key.text() else { continue };
            let shaped = ["type", "properties", "payload", "schema", "description"]
                .iter()
                .any(|member| value.get(member).is_some());
            if is_event_name(name) && (shaped || document.get("events").is_some()) {
                found.push((event(name, value), key.range.start..value.range.end));
            }
        }
    }
    for (mut event, range) in found {
        let length = fence.text[range.clone()].trim_end().len();
        let span = fence.span_of(range.start..range.start + length);
        event.span = span;
        push(reading, system, event, span, "member");
    }
}

fn event(name: &str, schema: &Yaml) -> Event {
    let own = schema.get("properties").or_else(|| schema.get("schema"));
    let payload = own
        .and_then(|properties| properties.get("payload"))
        .or_else(|| schema.get("payload"))
        .map(|payload| payload.get("properties").unwrap_or(payload))
        .or(own);
    let members = payload.map_or_else(Vec::new, |payload| match payload.members() {
        [] => payload.texts().into_iter().map(|name| (name, String::new())).collect(),
        members => members
            .iter()
            .filter_map(|(key, value)| {
                let kind = value.get_text("format").or(value.get_text("type")).or(value.text());
                Some((key.text()?.to_owned(), kind.unwrap_or("").to_owned()))
            })
            .collect(),
    });
    Event {
        name: name.to_owned(),
        payload: members,
        description: schema.get_text("description").map(str::to_owned),
        span: Span::default(),
    }
}

fn push(
    reading: &mut Reading<'_>,
    system: &mut System,
    event: Event,
    span: Span,
    form: &'static str,
) {
    let meaning = match event.payload.len() {
        0 => format!("event `{}`", event.name),
        1 => format!("event `{}` with 1 member", event.name),
        count => format!("event `{}` with {count} members", event.name),
    };
    let claim = Claim::new(ClaimKind::Event, Chapter::Messaging, meaning)
        .about(format!("event:{}", event.name))
        .enforced(Enforcement::NotYet);
    reading.ledger.bind(span, form, claim);
    system.messaging.events.push(event);
}
