//! Trials of what wraps every answer: the envelope of rows and lists, the paging block, and the
//! body of errors, as the document's own samples show them.

use document::{ClaimKind, api::Operation, data::Table};
use serde_json::Value as Json;

use crate::{
    About, Answer, Request, Stage,
    shape::{self, at},
};

/// Tries envelope, paging and errors.
pub(super) async fn probe(stage: &Stage<'_>) {
    let Some(table) = cheap(stage) else { return };
    envelope(stage, table).await;
    paging(stage, table).await;
    errors(stage, table).await;
}

/// The table whose rows are made most easily.
pub(super) fn cheap<'s>(stage: &Stage<'s>) -> Option<&'s Table> {
    let system = stage.system();
    system.data.tables.iter().filter(|table| !stage.fixture.is_users(table)).min_by_key(|table| {
        let is_listed = stage.paths().of_table(table, Operation::List).is_some();
        (!is_listed, table.foreign_keys.len(), table.unique_keys.len())
    })
}

async fn envelope(stage: &Stage<'_>, table: &Table) {
    let about = About::kind(ClaimKind::Envelope);
    let shown = &stage.system().api.envelope;
    let Ok(candidate) = stage.candidate(table).await else { return };
    let Ok(created) = stage.create(table, candidate).await else { return };
    let constants = |answer: &Answer| {
        let mut all = shown.constants.iter();
        answer.json.is_array() || all.all(|(name, value)| answer.json.get(name) == Some(value))
    };
    let is_row = shape::row(stage.system(), &created.json).is_some_and(|row| {
        table
            .columns
            .iter()
            .any(|column| row.contains_key(&shape::shown(stage.system(), &column.name)))
    });
    let holds = created.is_success() && is_row && constants(&created);
    stage.book.judge(&about, "a row is wrapped as the sample shows", &created, holds);
    if let Some((_, path)) = stage.paths().of_table(table, Operation::List) {
        let listed = stage.as_admin(Request::get(path)).await;
        let is_list = shape::rows(stage.system(), &listed.json).is_some();
        let holds = listed.status == 200 && is_list && constants(&listed);
        stage.book.judge(&about, "a list is wrapped as the sample shows", &listed, holds);
        if let Some(meta) = &shown.meta {
            let has_meta = listed.json.get(meta).is_some_and(Json::is_object);
            let expected = format!("`{meta}` is there");
            stage.book.judge(&about, expected, &listed, has_meta);
        }
    }
}

/// A page holds the written number of rows, and never more than the written most.
async fn paging(stage: &Stage<'_>, table: &Table) {
    /// More rows than these are not made for this.
    const ROWS_MAX: u32 = 250;
    let paging = &stage.system().api.pagination;
    let by_default = About::setting("api.pagination.limit_default");
    let at_most = About::setting("api.pagination.limit_max");
    let sentence = About::kind(ClaimKind::Pagination);
    let Some((_, path)) = stage.paths().of_table(table, Operation::List) else { return };
    let states = |key: &str| stage.system().settings.iter().any(|setting| setting.key == key);
    let is_stated = states("api.pagination.limit_max") || paging.span.is_some();
    let wanted = if is_stated { paging.limit_max } else { paging.limit_default };
    let abouts = [&by_default, &at_most, &sentence];
    if wanted > ROWS_MAX {
        let reason = format!("{wanted} rows would have to be made");
        return abouts.iter().for_each(|about| stage.book.skip(about, "a page is cut", &reason));
    }
    if let Err(unmade) = stage.some_rows(table, wanted as usize + 1).await {
        let reason = &unmade.reason;
        return abouts.iter().for_each(|about| stage.book.skip(about, "a page is cut", reason));
    }
    let count = |answer: &Answer| shape::rows(stage.system(), &answer.json).map(Vec::len);
    let plain = stage.as_admin(Request::get(path.clone())).await;
    let holds = count(&plain) == Some(paging.limit_default as usize);
    let expected = format!("a page holds {} rows", paging.limit_default);
    for about in [&by_default, &sentence] {
        stage.book.judge(about, expected.clone(), &plain, holds);
    }
    if is_stated {
        let beyond = (paging.limit_max + 1).to_string();
        let query = shape::query(&[(&paging.limit_parameter, &beyond)]);
        let answer = stage.as_admin(Request::get(format!("{path}?{query}"))).await;
        // Asked for more, a system may give the most or refuse.
        let holds = count(&answer) == Some(paging.limit_max as usize) || answer.is_invalid();
        let expected = format!("a page holds at most {} rows", paging.limit_max);
        for about in [&at_most, &sentence] {
            stage.book.judge(about, expected.clone(), &answer, holds);
        }
    }
}

/// Errors of several kinds have the members that the sample shows.
async fn errors(stage: &Stage<'_>, table: &Table) {
    let about = About::kind(ClaimKind::ErrorShape);
    let base = stage.system().api.base.trim_end_matches('/');
    let missing = stage.as_admin(Request::get(format!("{base}/no-such-path-here"))).await;
    let fits = missing.status == 404 && is_error(stage, &missing);
    stage.book.judge(&about, "an unknown path is answered so, with 404", &missing, fits);
    let mut wrong = serde_json::Map::new();
    wrong.insert("no_such_column".to_owned(), 1.into());
    let Ok(wrong) = stage.create(table, wrong).await else { return };
    let shape = &stage.system().api.error_shape;
    let details = shape.details.as_ref().and_then(|path| at(&wrong.json, path));
    let has_details = shape.details.is_none()
        || details.is_some_and(|details| match shape.details_are_object {
            true => details.is_object(),
            false => details.is_array(),
        });
    let fits = wrong.is_invalid() && is_error(stage, &wrong) && has_details;
    stage.book.judge(&about, "a wrong value is answered so, with its details", &wrong, fits);
    let (method, path) = stage.paths().of_built_in(document::api::BuiltIn::Me);
    let nobody = stage.client.send(Request::new(method, path)).await;
    let fits = nobody.status == 401 && is_error(stage, &nobody);
    stage.book.judge(&about, "nobody is answered so, with 401", &nobody, fits);
}

/// True where an error's body has every member of the sample.
pub(super) fn is_error(stage: &Stage<'_>, answer: &Answer) -> bool {
    let shape = &stage.system().api.error_shape;
    let text = |path: &Vec<String>| {
        at(&answer.json, path).and_then(Json::as_str).is_some_and(|text| !text.is_empty())
    };
    let constants =
        shape.constants.iter().all(|(name, value)| answer.json.get(name) == Some(value));
    let has_id = shape.request_id.as_ref().is_none_or(|path| {
        let id = at(&answer.json, path).and_then(Json::as_str);
        id.is_some()
            && (answer.header("x-request-id").is_none() || id == answer.header("x-request-id"))
    });
    let has_time = shape.timestamp.as_ref().is_none_or(|path| {
        let time = at(&answer.json, path).and_then(Json::as_str);
        time.is_some_and(|time| crate::evaluate::moment_of(time).is_some())
    });
    let has_status = shape.status.as_ref().is_none_or(|path| {
        at(&answer.json, path).and_then(Json::as_u64) == Some(u64::from(answer.status))
    });
    let message =
        if shape.message.is_empty() { vec!["message".to_owned()] } else { shape.message.clone() };
    constants
        && has_id
        && has_time
        && has_status
        && text(&message)
        && shape.code.as_ref().is_none_or(text)
}
