//! The access matrix of views: everybody sees the rows that a sentence shows them, and no others.

use document::{
    ClaimKind,
    api::{Binding, Operation},
    data::View,
    security::Action,
};

use super::{
    may::{Access, May},
    scene::Scene,
};
use crate::{About, Person, Request, Row, Stage, data::view::as_table, lists};

/// Times that the rows are read again because they have changed meanwhile.
const ATTEMPTS_MAX: usize = 3;

/// Everybody before a view.
pub(super) async fn probe(stage: &Stage<'_>, scene: &Scene<'_>, view: &View) {
    let Some((_, path)) = stage.paths().of_table(&as_table(view), Operation::List) else { return };
    for person in stage.people.everybody().filter(|person| !person.is_admin) {
        for _ in 0..ATTEMPTS_MAX {
            let admin = &stage.people.admin;
            let Some(before) = lists::all(stage, admin, &path).await else { return };
            let theirs = lists::all(stage, person, &path).await;
            if lists::all(stage, admin, &path).await.as_ref() == Some(&before) {
                judge(stage, scene, view, person, (&before, theirs), &path).await;
                break;
            }
        }
    }
}

async fn judge(
    stage: &Stage<'_>,
    scene: &Scene<'_>,
    view: &View,
    person: &Person,
    (all, theirs): (&[Row], Option<Vec<Row>>),
    path: &str,
) {
    let system = stage.system();
    let table = as_table(view);
    let access = Access { system, world: &scene.world, person };
    let endpoint = system.api.endpoints.iter().find(|endpoint| {
        matches!(&endpoint.binding, Binding::Table { table, operation: Operation::List, .. }
            if *table == view.name && endpoint.path == path)
    });
    let grants = system.security.grants.iter().filter(|grant| grant.table == view.name);
    let mut abouts: Vec<About> = grants.map(|grant| About::span(&[], grant.span)).collect();
    abouts.push(About::span(&[ClaimKind::View], view.span));
    let answer = stage.ask(person, Request::get(path)).await;
    let note = |expected: &str, holds: bool| {
        for about in &abouts {
            stage.book.judge(about, format!("{}: {expected}", person.name), &answer, holds);
        }
    };
    let is_let_in = endpoint
        .and_then(|one| one.callers.as_ref())
        .is_none_or(|callers| callers.who.iter().any(|who| access.is(who)));
    if !is_let_in || !access.at_all(&table, &Action::Read) {
        let no = if person.id().is_some() { 403 } else { 401 };
        return note(
            &format!("a view that no sentence shows them answers {no}"),
            answer.status == no,
        );
    }
    let Some(theirs) = theirs else {
        return note("a view that is theirs to see is listed", answer.is_success());
    };
    let may = |row: &Row| {
        let through = access.through(endpoint, &table, row);
        access.on(&table, &Action::Read, row).and(through)
    };
    let seen: Vec<(May, &Row)> = all.iter().map(|row| (may(row), row)).collect();
    let of = |wanted: &[May]| {
        let rows = seen.iter().filter(|(may, _)| wanted.contains(may)).map(|(_, row)| *row);
        lists::counted(rows)
    };
    let (least, most) = (of(&[May::Yes]), of(&[May::Yes, May::Unknown]));
    let theirs = lists::counted(&theirs);
    let count = |key: &str| theirs.get(key).copied().unwrap_or(0);
    note("a view shows what they see", least.iter().all(|(key, least)| count(key) >= *least));
    let is_known = |key: &str| most.get(key).copied().unwrap_or(0);
    note("a view leaves out what is hidden", theirs.iter().all(|(key, n)| *n <= is_known(key)));
}
