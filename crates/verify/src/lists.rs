//! Whole lists, page after page, and rows compared by what they hold.

use std::collections::HashMap;

use document::api::PageMember;
use serde_json::Value as Json;

use crate::{
    Person, Request, Row, Stage,
    shape::{page_member, query, rows},
};

/// Pages that are read of one list.
const PAGES_MAX: u64 = 80;

/// All rows of a list as somebody sees them; none where it is refused or does not end.
pub(crate) async fn all(stage: &Stage<'_>, person: &Person, path: &str) -> Option<Vec<Row>> {
    let system = stage.system();
    let paging = &system.api.pagination;
    let limit = paging.limit_max.max(1).to_string();
    let mut all = Vec::new();
    for page in 1..=PAGES_MAX {
        let page = page.to_string();
        let pairs: [(&str, &str); 2] =
            [(&paging.limit_parameter, &limit), (&paging.page_parameter, &page)];
        let request = Request::get(format!("{path}?{}", query(&pairs)));
        let answer = stage.ask(person, request).await;
        let page = rows(system, &answer.json).filter(|_| answer.is_success())?;
        all.extend(page.iter().filter_map(|row| row.as_object().cloned()));
        let has_next = page_member(system, &answer.json, PageMember::HasNext);
        let is_full = page.len().to_string() == limit;
        if page.is_empty() || !has_next.and_then(Json::as_bool).unwrap_or(is_full) {
            return Some(all);
        }
    }
    None
}

/// What a row holds, the same for numbers that are written differently.
pub(crate) fn key_of(row: &Row) -> String {
    let mut members: Vec<String> = row
        .iter()
        .map(|(name, value)| {
            let text = crate::shape::text(value);
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            let text = number.map_or(text, |number| number.to_string());
            format!("{name}={text}")
        })
        .collect();
    members.sort();
    members.join("\u{0}")
}

/// How often each row is there.
pub(crate) fn counted<'r>(rows: impl IntoIterator<Item = &'r Row>) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for row in rows {
        *counts.entry(key_of(row)).or_default() += 1;
    }
    counts
}
