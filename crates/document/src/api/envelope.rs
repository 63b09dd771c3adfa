//! How bodies are wrapped, how errors look and how lists are paged, as the samples show it.

use serde_json::Value;

use super::{
    Api, Binding, Envelope, ErrorShape, JsonCase, Operation, PageMember, Pagination, codes, names,
    samples::{Sample, Shows, is_error_body},
};
use crate::Diagnostic;

/// Takes the shapes of bodies from the samples.
pub(super) fn shapes(samples: &[Sample], api: &mut Api, diagnostics: &mut Vec<Diagnostic>) {
    errors(samples, api, diagnostics);
    let good: Vec<&Sample> = samples
        .iter()
        .filter(|sample| sample.shows != Shows::Error && !is_error_body(&sample.body))
        .collect();
    wrap(&good, api, diagnostics);
}

/// What wraps a body.
#[derive(Debug, Clone, PartialEq, Default)]
struct Wrap {
    /// The member with the row or the rows.
    data: Option<String>,
    holds_list: bool,
    is_bare_list: bool,
    page: Option<String>,
    members: Vec<(String, PageMember)>,
    meta: Option<String>,
    constants: Vec<(String, Value)>,
}

fn wrap_of(body: &Value) -> Option<Wrap> {
    if body.is_array() {
        return Some(Wrap { is_bare_list: true, holds_list: true, ..Wrap::default() });
    }
    let object = body.as_object()?;
    let mut wrap = Wrap::default();
    for name in ["data", "result", "results", "items", "payload", "records", "content", "rows"] {
        let Some(value) = object.get(name) else { continue };
        let is_list = value.is_array();
        // `content` and `items` may be a row's own; a list under them beside paging is not.
        let is_wrapper = matches!(name, "data" | "result" | "results" | "payload") || is_list;
        if is_wrapper && (value.is_object() || is_list || value.is_null()) {
            wrap.data = Some(name.to_owned());
            wrap.holds_list = is_list;
            break;
        }
    }
    for (name, value) in object {
        let lower = name.to_lowercase();
        match value {
            Value::Object(inner) => {
                let members = page_members(inner);
                if members.len() >= 2 {
                    wrap.page = Some(name.clone());
                    wrap.members = members;
                } else if matches!(lower.as_str(), "meta" | "metadata") {
                    wrap.meta = Some(name.clone());
                }
            }
            Value::Bool(true) if matches!(lower.as_str(), "success" | "ok") => {
                wrap.constants.push((name.clone(), value.clone()));
            }
            Value::String(text)
                if lower == "status"
                    && wrap.data.is_some()
                    && matches!(text.to_lowercase().as_str(), "success" | "ok") =>
            {
                wrap.constants.push((name.clone(), value.clone()));
            }
            _ => {}
        }
    }
    if wrap.page.is_none() && wrap.holds_list {
        wrap.members = page_members(object);
    }
    Some(wrap)
}

/// Members of a paging block, in order.
fn page_members(object: &serde_json::Map<String, Value>) -> Vec<(String, PageMember)> {
    object
        .iter()
        .filter(|(_, value)| !value.is_object() && !value.is_array())
        .filter_map(|(name, _)| Some((name.clone(), page_member(name)?)))
        .collect()
}

fn page_member(name: &str) -> Option<PageMember> {
    Some(match names::snake(name).as_str() {
        "page" | "current_page" | "page_number" | "current" | "page_index" => PageMember::Page,
        "limit" | "per_page" | "page_size" | "size" | "items_per_page" => PageMember::Limit,
        "offset" | "skip" => PageMember::Offset,
        "total" | "total_count" | "total_items" | "total_elements" | "total_records" => {
            PageMember::Total
        }
        "total_pages" | "pages" | "last_page" | "page_count" => PageMember::TotalPages,
        "has_next" | "has_more" | "has_next_page" => PageMember::HasNext,
        "has_prev" | "has_previous" | "has_previous_page" | "has_prev_page" => {
            PageMember::HasPrevious
        }
        "next_cursor" | "cursor" | "next" => PageMember::NextCursor,
        "count" => PageMember::Count,
        _ => return None,
    })
}

/// The envelope: a general sample decides, else what most samples of endpoints show.
fn wrap(samples: &[&Sample], api: &mut Api, diagnostics: &mut Vec<Diagnostic>) {
    let read: Vec<(&Sample, Wrap)> =
        samples.iter().filter_map(|sample| Some((*sample, wrap_of(&sample.body)?))).collect();
    let is_row = |(sample, wrap): &&(&Sample, Wrap)| {
        sample.shows == Shows::Row || (sample.shows == Shows::Success && !wrap.holds_list)
    };
    let rows: Vec<&(&Sample, Wrap)> = read.iter().filter(is_row).collect();
    let lists: Vec<&(&Sample, Wrap)> = read
        .iter()
        .filter(|(sample, wrap)| {
            sample.shows == Shows::List || (sample.shows == Shows::Success && wrap.holds_list)
        })
        .collect();
    let row = decide(&rows);
    let list = decide(&lists.iter().copied().filter(|(_, w)| w.holds_list).collect::<Vec<_>>());
    let mut envelope = Envelope::default();
    if let Some((sample, wrap)) = row {
        envelope.item = wrap.data.clone().filter(|_| !wrap.holds_list);
        envelope.meta.clone_from(&wrap.meta);
        envelope.constants.clone_from(&wrap.constants);
        envelope.span = Some(sample.span);
    }
    if let Some((sample, wrap)) = list {
        envelope.list.clone_from(&wrap.data);
        envelope.bare_list = wrap.is_bare_list;
        envelope.page.clone_from(&wrap.page);
        if envelope.meta.is_none() {
            envelope.meta.clone_from(&wrap.meta);
        }
        if envelope.constants.is_empty() {
            envelope.constants.clone_from(&wrap.constants);
        }
        envelope.span = envelope.span.or(Some(sample.span));
        if !wrap.members.is_empty() {
            api.pagination.members.clone_from(&wrap.members);
            api.pagination.span = Some(sample.span);
        }
    } else if let Some(item) = &envelope.item {
        // Lists are wrapped as rows are.
        envelope.list = Some(item.clone());
    }
    // A sample of paging alone, under "Pagination".
    if api.pagination.members.is_empty()
        && let Some((sample, wrap)) = read.iter().find(|(_, wrap)| wrap.members.len() >= 2)
    {
        api.pagination.members.clone_from(&wrap.members);
        api.pagination.span = Some(sample.span);
        envelope.page.clone_from(&wrap.page);
    }
    parameters(&mut api.pagination);
    api.envelope = envelope;
    diagnostics.extend(contradiction(&rows));
}

/// Names of the paging parameters follow the members where nothing else names them.
fn parameters(pagination: &mut Pagination) {
    for (name, member) in &pagination.members {
        match member {
            PageMember::Page if names::snake(name) == "page" => {
                pagination.page_parameter.clone_from(name);
            }
            PageMember::Limit => pagination.limit_parameter.clone_from(name),
            _ => {}
        }
    }
}

/// Names of the paging parameters as the endpoints of lists write them.
pub(super) fn page_parameters(api: &mut Api) {
    let lists = || {
        api.endpoints.iter().filter(|endpoint| {
            matches!(&endpoint.binding, Binding::Table { operation: Operation::List, .. })
        })
    };
    let most = |spellings: &[&str]| {
        let mut best: Option<(String, usize)> = None;
        for spelling in spellings {
            let count = lists()
                .filter(|endpoint| endpoint.parameters.iter().any(|name| name == spelling))
                .count();
            if count > best.as_ref().map_or(0, |(_, most)| *most) {
                best = Some(((*spelling).to_owned(), count));
            }
        }
        best.map(|(name, _)| name)
    };
    let limit = most(&["limit", "per_page", "page_size", "pageSize", "perPage", "size"]);
    let page = most(&["page", "page_number", "pageNumber"]);
    if let Some(limit) = limit {
        api.pagination.limit_parameter = limit;
    }
    if let Some(page) = page {
        api.pagination.page_parameter = page;
    }
}

fn decide<'a>(read: &[&'a (&'a Sample, Wrap)]) -> Option<&'a (&'a Sample, Wrap)> {
    if let Some(general) = read.iter().find(|(sample, _)| sample.is_general) {
        return Some(general);
    }
    let alike =
        |one: &Wrap, other: &Wrap| one.data == other.data && one.is_bare_list == other.is_bare_list;
    let mut best: Option<(&'a (&'a Sample, Wrap), usize)> = None;
    for &one in read {
        let count = read.iter().filter(|other| alike(&one.1, &other.1)).count();
        if best.is_none_or(|(_, most)| count > most) {
            best = Some((one, count));
        }
    }
    best.filter(|(_, count)| count * 2 > read.len()).map(|(one, _)| one)
}

/// Two samples of rows, one wrapped and one bare, or wrapped differently.
fn contradiction(rows: &[&(&Sample, Wrap)]) -> Option<Diagnostic> {
    let (first, rest) = rows.split_first()?;
    let other = rest.iter().find(|other| other.1.data != first.1.data)?;
    let words = |wrap: &Wrap| match &wrap.data {
        Some(name) => format!("the row is in `{name}`"),
        None => "the row is bare".to_owned(),
    };
    Some(
        Diagnostic::new(
            &codes::A020,
            other.0.span,
            "two samples disagree on how a body is wrapped",
        )
        .label(words(&other.1))
        .also(first.0.span, words(&first.1))
        .help("wrap all samples alike; one under a heading `Response Format` holds for all"),
    )
}

fn errors(samples: &[Sample], api: &mut Api, diagnostics: &mut Vec<Diagnostic>) {
    let read: Vec<(&Sample, ErrorShape)> = samples
        .iter()
        .filter(|sample| sample.shows == Shows::Error)
        .filter_map(|sample| Some((sample, error_shape(&sample.body)?)))
        .collect();
    let Some((first, shape)) =
        read.iter().find(|(sample, _)| sample.is_general).or_else(|| read.first())
    else {
        return;
    };
    api.error_shape = ErrorShape { span: Some(first.span), ..shape.clone() };
    let other = read.iter().find(|(_, other)| {
        other.message != shape.message
            || (other.code.is_some() && shape.code.is_some() && other.code != shape.code)
            || (other.details.is_some()
                && other.details == shape.details
                && other.details_are_object != shape.details_are_object)
    });
    if let Some((second, other)) = other {
        let words = |shape: &ErrorShape| match (&shape.details, shape.details_are_object) {
            (Some(_), is_object) if other.message == api.error_shape.message => {
                format!("details are {}", if is_object { "an object" } else { "a list" })
            }
            _ => format!("the message is at `{}`", shape.message.join(".")),
        };
        diagnostics.push(
            Diagnostic::new(&codes::A021, second.span, "two samples disagree on how errors look")
                .label(words(other))
                .also(first.span, words(shape))
                .help("give all errors one shape; the one under a general heading holds"),
        );
    }
}

/// Where the parts of an error stand in a sample.
fn error_shape(body: &Value) -> Option<ErrorShape> {
    let object = body.as_object()?;
    let mut places: Vec<(Vec<String>, &Value)> = Vec::new();
    // What stands in the error comes before what stands beside it.
    for outer in ["error", "errors"] {
        if let Some(Value::Object(inner)) = object.get(outer) {
            for (name, value) in inner {
                places.push((vec![outer.to_owned(), name.clone()], value));
            }
        }
    }
    for (name, value) in object {
        places.push((vec![name.clone()], value));
    }
    for (name, value) in object {
        if let (Value::Object(inner), true) = (value, matches!(name.as_str(), "meta" | "metadata"))
        {
            for (inner_name, value) in inner {
                places.push((vec![name.clone(), inner_name.clone()], value));
            }
        }
    }
    let find = |spellings: &[&str], test: fn(&Value) -> bool| {
        spellings.iter().find_map(|spelling| {
            places.iter().find_map(|(path, value)| {
                let name = names::snake(path.last()?);
                (name == *spelling && test(value)).then(|| path.clone())
            })
        })
    };
    let is_scalar = |value: &Value| !value.is_object() && !value.is_array();
    let message =
        find(&["message", "detail", "error", "error_description", "title", "msg"], |v| {
            v.is_string()
        })?;
    let is_code = |value: &Value| value.is_string();
    let code =
        find(&["code", "error_code", "type", "error"], is_code).filter(|path| *path != message);
    let details =
        find(&["details", "errors", "fields", "validation_errors", "field_errors"], |value| {
            value.is_object() || value.is_array()
        });
    let details_are_object =
        details.as_ref().is_some_and(|path| value_at(body, path).is_some_and(Value::is_object));
    let constants = object
        .iter()
        .filter(|(name, value)| {
            (matches!(name.as_str(), "success" | "ok") && value.is_boolean())
                || (name.as_str() == "status" && value.is_string())
        })
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    Some(ErrorShape {
        code,
        message,
        details,
        request_id: find(&["request_id", "trace_id", "correlation_id"], is_scalar),
        timestamp: find(&["timestamp", "time"], is_scalar),
        status: find(&["status", "status_code", "http_status", "code"], |value| value.is_number()),
        details_are_object,
        constants,
        span: None,
    })
}

fn value_at<'a>(body: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(body, |value, name| value.get(name))
}

/// Camel case where samples of bound endpoints spell stored columns so, and never in snake case.
pub(super) fn case<'a>(members: impl Iterator<Item = (&'a str, bool)>) -> JsonCase {
    let (mut camel, mut snake) = (0_usize, 0_usize);
    for (name, is_column) in members {
        if !is_column {
            continue;
        }
        if name.contains('_') {
            snake += 1;
        } else if name.chars().any(char::is_uppercase) {
            camel += 1;
        }
    }
    if camel > 0 && snake == 0 { JsonCase::Camel } else { JsonCase::Snake }
}
