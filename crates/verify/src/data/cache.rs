//! Trials of what is kept: a second read comes from the cache, a write is seen at once by everybody,
//! nobody is shown what was kept for somebody else, and an answer ends with its time.

use std::time::Duration;

use document::{
    ClaimKind,
    api::Operation,
    data::{CachePart, CacheRule, CacheSubject, ReferentialAction, Table},
};
use serde_json::Value as Json;

use crate::{
    About, Answer, Person, Request, Stage,
    fixture::{Row, linked},
    shape::{self, shown},
};

/// Times that are waited for; longer ones are looked at in the answer's own words.
const WAIT_S_MAX: u64 = 5;
/// Rules that are tried; a general rule names every table.
const RULES_MAX: usize = 40;
/// Pairs of reads until one finds nothing changed in between.
const PAIRS_MAX: usize = 6;

/// Tries every rule, one after the other: each counts on nobody else writing.
pub(super) async fn probe(stage: &Stage<'_>) {
    let size = About::setting("data.cache.size_bytes_max");
    stage.book.cannot(&size, "it takes no more memory", "memory is not seen from outside");
    for rule in stage.system().data.cache.rules.iter().take(RULES_MAX) {
        let trial = Trial { stage, rule, abouts: abouts(rule) };
        match &rule.subject {
            CacheSubject::Table { table, part } => match stage.system().data.table(table) {
                Some(table) => trial.table(table, *part).await,
                None => trial.view(table).await,
            },
            CacheSubject::Endpoint { path, .. } => trial.endpoint(path).await,
        }
    }
}

/// The rule's own sentence, and those that say what holds for all.
fn abouts(rule: &CacheRule) -> Vec<About> {
    let mut abouts = vec![
        About::subject(&[ClaimKind::Cache], rule.subject.subject()),
        About::setting("data.cache.ttl_seconds"),
        About::setting("data.cache.strategy"),
    ];
    if rule.general {
        abouts.push(About::subject(&[ClaimKind::Cache], "cache:*"));
    }
    abouts
}

struct Trial<'s> {
    stage: &'s Stage<'s>,
    rule: &'s CacheRule,
    abouts: Vec<About>,
}

/// What an answer says of the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// It was kept; for so many seconds more, where it says so.
    Hit(Option<u64>),
    Miss,
    /// An answer of this kind is not kept.
    Bypass,
    Nothing,
}

fn said(answer: &Answer) -> Said {
    let Some(text) = answer.header("cache-status") else { return Said::Nothing };
    let words: Vec<&str> = text.split(';').map(str::trim).collect();
    let seconds = words.iter().find_map(|word| word.strip_prefix("ttl=")?.parse().ok());
    match () {
        () if words.contains(&"hit") => Said::Hit(seconds),
        () if words.contains(&"fwd=bypass") => Said::Bypass,
        () => Said::Miss,
    }
}

/// Whether an answer came from a cache; none where it is not one that a cache is for.
pub(crate) fn is_hit(answer: &Answer) -> Option<bool> {
    match said(answer) {
        Said::Hit(_) => Some(true),
        Said::Miss => Some(false),
        Said::Bypass | Said::Nothing => None,
    }
}

impl<'s> Trial<'s> {
    fn judge(&self, expected: &str, answer: &Answer, holds: bool) {
        for about in &self.abouts {
            self.stage.book.judge(about, expected, answer, holds);
        }
    }

    fn skip(&self, reason: &str) {
        for about in &self.abouts {
            self.stage.book.skip(about, "a second read comes from the cache", reason);
        }
    }

    async fn admin(&self, path: &str) -> Answer {
        self.stage.as_admin(Request::get(path)).await
    }

    async fn table(&self, table: &Table, part: CachePart) {
        let paths = self.stage.paths();
        let row = self.stage.row(table).await;
        let lists = paths.of_table(table, Operation::List).map(|(_, path)| path);
        let rows = paths.of_table(table, Operation::Get).map(|(_, path)| path);
        let of_row = |row: &Row| rows.as_ref().and_then(|path| paths.of_row(path, row));
        let mut is_tried = false;
        if let (Ok(row), true) = (&row, part != CachePart::Lists)
            && let Some(path) = of_row(row)
        {
            is_tried = true;
            self.twice(&path).await;
            self.changed(table, row, &path).await;
            self.removed(table, &path, row, &|answer| answer.status == 200).await;
        }
        if let (Some(path), true) = (lists, part != CachePart::Rows) {
            is_tried = true;
            self.twice(&path).await;
            if let Ok(row) = self.stage.row(table).await
                && let Some(path) = self.only(table, &path, &row)
            {
                let system = self.stage.system();
                let shows = |answer: &Answer| {
                    shape::rows(system, &answer.json).is_some_and(|rows| !rows.is_empty())
                };
                self.removed(table, &path, &row, &shows).await;
            }
        }
        match is_tried {
            true => self.followed(table, part).await,
            false => self.skip("no endpoint reads it, or no row of it can be made"),
        }
    }

    /// The list narrowed to one row by its key.
    fn only(&self, table: &Table, path: &str, row: &Row) -> Option<String> {
        let [key] = table.primary_key.as_slice() else { return None };
        let name = shown(self.stage.system(), key);
        let value = shape::text(row.get(&name)?);
        Some(format!("{path}?{}", shape::query(&[(&name, &value)])))
    }

    async fn view(&self, name: &str) {
        let base = self.stage.system().api.base.trim_end_matches('/');
        self.twice(&format!("{base}/{name}")).await;
    }

    async fn endpoint(&self, path: &str) {
        use document::api::Binding;
        let endpoint = self.stage.system().api.endpoints.iter().find(|one| one.path == path);
        let Some(endpoint) = endpoint else { return };
        if let Binding::Table { table, operation, nested: None, .. } = &endpoint.binding
            && let Some(table) = self.stage.system().data.table(table)
        {
            let part = match operation {
                Operation::List => CachePart::Lists,
                _ => CachePart::Rows,
            };
            return self.table(table, part).await;
        }
        if let Some(path) = self.nested(endpoint).await {
            return self.twice(&path).await;
        }
        let is_plain = match &endpoint.binding {
            Binding::Query { parameters, .. } => {
                parameters.iter().all(|name| matches!(name.as_str(), "limit" | "offset" | "page"))
            }
            _ => true,
        };
        match path.contains('{') || !is_plain {
            true => self.skip("what its path or query asks for is not known"),
            false => self.twice(path).await,
        }
    }

    /// The path of a list below a row that is there, made for it.
    async fn nested(&self, endpoint: &document::api::Endpoint) -> Option<String> {
        let document::api::Binding::Table { table, nested: Some(nested), .. } = &endpoint.binding
        else {
            return None;
        };
        let table = self.stage.system().data.table(table)?;
        let row = self.stage.row(table).await.ok()?;
        let value = row.get(&shown(self.stage.system(), &nested.column))?;
        let path =
            endpoint.path.replace(&format!("{{{}}}", nested.parameter), &shape::segment(value));
        (!path.contains('{')).then_some(path)
    }

    /// A second read is served from the cache, for no longer than is written.
    async fn twice(&self, path: &str) {
        let mut answer = self.admin(path).await;
        for _ in 0..PAIRS_MAX {
            answer = self.admin(path).await;
            if matches!(said(&answer), Said::Hit(_)) {
                break;
            }
        }
        match said(&answer) {
            Said::Nothing if answer.status == 200 && self.rule.ttl_seconds > 0 => {
                return self.skip("answers do not say whether they come from a cache");
            }
            Said::Bypass => return self.skip("its answers depend on the time of day"),
            _ => {}
        }
        let is_hit = matches!(said(&answer), Said::Hit(_));
        if self.rule.ttl_seconds == 0 {
            return self.judge("it is never served from the cache", &answer, !is_hit);
        }
        self.judge("a second read comes from the cache", &answer, is_hit);
        if let Said::Hit(Some(left)) = said(&answer) {
            let expected = format!("it is kept for {} s at most", self.rule.ttl_seconds);
            self.judge(&expected, &answer, left <= self.rule.ttl_seconds);
        }
        if is_hit && self.rule.ttl_seconds <= WAIT_S_MAX {
            let pause = Duration::from_secs(self.rule.ttl_seconds) + Duration::from_millis(1100);
            tokio::time::sleep(pause).await;
            let later = self.admin(path).await;
            let is_over = !matches!(said(&later), Said::Hit(_));
            self.judge("it is read anew when its time is over", &later, is_over);
        }
    }

    /// A change is seen at once by whoever made it.
    async fn changed(&self, table: &Table, row: &Row, path: &str) {
        let Some((method, to)) = self.stage.paths().of_table(table, Operation::Update) else {
            return;
        };
        let Some(to) = self.stage.paths().of_row(&to, row) else { return };
        self.kept(path).await;
        let Some((name, value)) = self.another(table, row).await else { return };
        let set = Row::from_iter([(name.clone(), value.clone())]);
        let changed = self.stage.as_admin(Request::new(method, to).json(set.into())).await;
        if !changed.is_success() {
            return;
        }
        let wanted = shape::row(self.stage.system(), &changed.json).and_then(|row| row.get(&name));
        let answer = self.admin(path).await;
        let came = shape::row(self.stage.system(), &answer.json).and_then(|row| row.get(&name));
        let expected = format!("a change of `{name}` is seen at once");
        self.judge(&expected, &answer, answer.status == 200 && came == wanted);
    }

    /// Another value for a plain column of a row.
    async fn another(&self, table: &Table, row: &Row) -> Option<(String, Json)> {
        let candidate = self.stage.candidate(table).await.ok()?;
        let system = self.stage.system();
        let machines = &system.messaging.machines;
        let is_plain = |column: &&document::data::Column| {
            let moves = |machine: &document::messaging::StateMachine| {
                machine.table == table.name && machine.column == column.name
            };
            !table.primary_key.contains(&column.name)
                && column.generated.is_none()
                && !column.touched_on_update
                && !column.write_only
                && !crate::fixture::is_link(table, column)
                && !machines.iter().any(moves)
        };
        table.columns.iter().filter(is_plain).find_map(|column| {
            let name = shown(system, &column.name);
            let value = candidate.get(&name)?.clone();
            (row.get(&name).is_some_and(|own| *own != value)).then_some((name, value))
        })
    }

    /// Reads until the answer is kept.
    async fn kept(&self, path: &str) {
        for _ in 0..PAIRS_MAX {
            if matches!(said(&self.admin(path).await), Said::Hit(_)) {
                return;
            }
        }
    }

    /// What is kept for the admin is shown to nobody else who may not see it, and to nobody at all
    /// when the row is gone.
    async fn removed(
        &self,
        table: &Table,
        path: &str,
        row: &Row,
        shows: &(dyn Fn(&Answer) -> bool + Sync),
    ) {
        // The same question in other words has another key: its answer is read anew.
        let further = if path.contains('?') { "&" } else { "?" };
        let Some(key) = table.primary_key.first() else { return };
        let fresh = format!("{path}{further}fields={}", shown(self.stage.system(), key));
        let people: Vec<&Person> = self.stage.people.everybody().collect();
        let mut may = Vec::with_capacity(people.len());
        for person in &people {
            may.push(shows(&self.stage.ask(person, Request::get(&*fresh)).await));
        }
        self.kept(path).await;
        for (person, may) in people.iter().zip(&may) {
            let answer = self.stage.ask(person, Request::get(path)).await;
            let expected = match may {
                true => format!("{} is shown what they may see", person.name),
                false => format!("{} is not shown what was kept for the admin", person.name),
            };
            self.judge(&expected, &answer, shows(&answer) == *may);
        }
        let Some(gone) = super::remove(self.stage, table, row).await else { return };
        if !gone.is_success() {
            return;
        }
        for person in people {
            let answer = self.stage.ask(person, Request::get(path)).await;
            let expected = format!("a row that is gone is shown to {} no longer", person.name);
            self.judge(&expected, &answer, !shows(&answer));
        }
    }

    /// What happens to a row because of another is seen at once too.
    async fn followed(&self, table: &Table, part: CachePart) {
        use ReferentialAction::{Cascade, SetNull};
        let system = self.stage.system();
        let keys = table.foreign_keys.iter().filter(|key| {
            let is_own = key.table == table.name;
            key.resolved && !is_own && matches!(key.on_delete, Cascade | SetNull)
        });
        for key in keys {
            let Some(parent) = system.data.table(&key.table) else { continue };
            if self.stage.fixture.is_users(parent) {
                continue;
            }
            let Ok(above) = self.stage.row(parent).await else { continue };
            let Some(links) = linked(system, key, &above) else { continue };
            let fixed =
                Row::from_iter(links.into_iter().map(|(name, value)| (shown(system, name), value)));
            let Ok(candidate) = self.stage.candidate_with(table, fixed.clone()).await else {
                continue;
            };
            let Ok(made) = self.stage.create(table, candidate).await else { continue };
            let Some(row) = shape::row(system, &made.json).filter(|_| made.is_success()) else {
                continue;
            };
            let Some(path) = self.place(table, row, part) else { continue };
            self.kept(&path).await;
            let gone = super::remove(self.stage, parent, &above).await;
            if !gone.is_some_and(|gone| gone.is_success()) {
                continue;
            }
            let answer = self.admin(&path).await;
            let text = answer.json.to_string();
            let is_linked = |value: &Json| text.contains(&shape::text(value));
            let holds = answer.status == 404 || !fixed.values().any(is_linked);
            let expected = format!("what follows a row of {} is seen at once", parent.name);
            self.judge(&expected, &answer, holds);
        }
    }

    /// Where a row is read, by the part of the table that is kept.
    fn place(&self, table: &Table, row: &Row, part: CachePart) -> Option<String> {
        let paths = self.stage.paths();
        match part {
            CachePart::Lists => {
                let (_, path) = paths.of_table(table, Operation::List)?;
                self.only(table, &path, row)
            }
            _ => {
                let (_, path) = paths.of_table(table, Operation::Get)?;
                paths.of_row(&path, row)
            }
        }
    }
}
