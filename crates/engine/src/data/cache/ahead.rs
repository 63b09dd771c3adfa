//! What is kept before anybody asks for it: the row that was just written, and at the start the
//! lists that the document wants warm.

use std::sync::Weak;

use document::api::{Method, Operation};
use http::Method as HttpMethod;
use store::query::Rows;

use super::{Rule, get, list};
use crate::{
    Principal, Running,
    api::Target,
    data::{self, Call, Resource, Work, Writing},
    security::may::Asker,
    service::Inner,
};

/// Lists that are read at the start at most.
const WARM_LISTS_MAX: usize = 200;
/// How often, and how long each time, warming waits to hear who else is on the database.
const WARM_LOOKS_MAX: u32 = 100;
const WARM_LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(100);

/// Keeps a written row for whoever wrote it, where the document has its table written through.
/// `place` is where the row is found, where the write says so; else it is found at `path`.
pub(crate) async fn write_through(
    inner: &Inner,
    asker: &Asker<'_>,
    writing: &Writing,
    place: Option<&str>,
    path: &str,
) {
    let above = path.trim_end_matches('/').rsplit_once('/').map(|(above, _)| above);
    let is_row = |path: &str| {
        asker.running.router.find(&HttpMethod::GET, path).is_ok_and(|found| {
            matches!(&found.route.target, Target::Table { resource, operation: Operation::Get, .. }
                if resource.name == writing.resource.name)
        })
    };
    // An action stands below its row: `/orders/{id}/cancel`.
    let candidates = place.into_iter().chain([path]).chain(above);
    if let Some(path) = candidates.into_iter().find(|path| is_row(path)) {
        let _ = read(inner, asker, path, |rule| rule.write_through).await;
    }
}

/// Reads once what the document wants warm, as somebody who has not signed in may see it.
pub(crate) fn warm(inner: Weak<Inner>) {
    tokio::spawn(async move {
        // On a server nothing is kept before it is known who else is there.
        for _ in 0..WARM_LOOKS_MAX {
            let Some(inner) = inner.upgrade() else { return };
            if inner.cache.together().is_some() || inner.shared.is_alone(&inner.store) {
                break;
            }
            drop(inner);
            tokio::time::sleep(WARM_LOOK_EVERY).await;
        }
        let Some(inner) = inner.upgrade() else { return };
        let running = inner.running.load_full();
        let world = &*inner.world;
        let principal = Principal::Anonymous;
        let asker = Asker { running: &running, principal: &principal, world, now: world.now() };
        let is_warm = |rule: &Rule| rule.warm;
        let lists = running.router.routes().iter().filter(|route| {
            route.method == Method::Get
                && route.parameters.is_empty()
                && route.cached.get().is_some_and(|rule| is_warm(rule))
        });
        for route in lists.take(WARM_LISTS_MAX) {
            let Some(rows) = read(&inner, &asker, &route.path, is_warm).await else { continue };
            let Target::Table { resource, .. } = &route.target else { continue };
            for key in keys(resource, &rows) {
                let path = format!("{}/{key}", route.path.trim_end_matches('/'));
                let _ = read(&inner, &asker, &path, is_warm).await;
            }
        }
    });
}

/// Reads what `GET path` shows and lets it be kept; none where nothing is kept or shown there.
async fn read(
    inner: &Inner,
    asker: &Asker<'_>,
    path: &str,
    wanted: impl Fn(&Rule) -> bool,
) -> Option<Rows> {
    let running: &Running = asker.running;
    let found = running.router.find(&HttpMethod::GET, path).ok()?;
    let rule = found.route.cached.get().filter(|rule| wanted(rule)).cloned()?;
    let call = Call { found, query: Vec::new(), body: &[], if_match: None };
    let plan = data::plan(asker, &call).ok()?;
    match data::work(asker, plan).ok()? {
        Work::Get(getting) => get(inner, Some(&rule), &getting).await.ok().map(|(rows, _)| rows),
        Work::List(listing) => {
            list(inner, Some(&rule), &listing).await.ok().map(|(page, _)| page.rows)
        }
        Work::Write(_) => None,
    }
}

/// The keys of rows as a path spells them; none where the key is not one plain column.
fn keys(resource: &Resource, rows: &Rows) -> Vec<String> {
    let Some(key) = resource.only_key() else { return Vec::new() };
    let parsed = (0..rows.len()).filter_map(|index| {
        let row: serde_json::Map<String, serde_json::Value> =
            serde_json::from_slice(rows.row(index)?).ok()?;
        match row.get(&*key.shown)? {
            serde_json::Value::String(text) => Some(text.clone()),
            serde_json::Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    });
    let is_plain = |key: &String| key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    parsed.filter(is_plain).collect()
}
