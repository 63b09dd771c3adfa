//! What statements reach: which tables a read depends on, views and sub-selects included, and
//! which tables a write may change, cascades included. Known from the schema alone.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
};

use store::{
    Expression,
    query::{Select, Step},
    schema::{ForeignKey, ReferentialAction, Schema},
};

use super::super::work::Listing;
use crate::sabotage::{self, Sabotage};

/// Counts the writes that may have changed a table.
#[derive(Debug)]
pub(crate) struct Generation {
    /// The table.
    pub(super) name: String,
    count: AtomicU64,
}

impl Generation {
    /// Of a table of which nothing is known.
    pub(super) fn new(table: &str) -> Self {
        Self { name: table.to_owned(), count: AtomicU64::new(0) }
    }

    fn now(&self) -> u64 {
        self.count.load(SeqCst)
    }

    /// The table may have changed.
    pub(super) fn count_up(&self) {
        self.count.fetch_add(1, SeqCst);
    }
}

/// How often each table that an answer depends on had changed before it was read.
#[derive(Debug)]
pub(super) struct Versions(Vec<(Arc<Generation>, u64)>);

impl Versions {
    /// The tables, always in the same order.
    pub(super) fn tables(&self) -> Vec<Arc<Generation>> {
        self.0.iter().map(|(generation, _)| Arc::clone(generation)).collect()
    }

    /// True while none of the tables has changed since.
    pub(super) fn hold(&self) -> bool {
        self.0.iter().all(|(generation, seen)| generation.now() == *seen)
    }
}

/// What each table and view of a version of the document reaches.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    reads: HashMap<String, Read>,
    writes: HashMap<String, Written>,
    /// Names of tables and views as a SELECT may spell them, to the name that they have here.
    spellings: HashMap<String, String>,
}

/// What reading a table or view depends on.
#[derive(Debug)]
struct Read {
    tables: Vec<Arc<Generation>>,
    /// Its rows change although no table does: a view that asks for the time.
    moves: bool,
}

/// What writing a table may change.
#[derive(Debug)]
struct Written {
    insert: Vec<Arc<Generation>>,
    update: Vec<Arc<Generation>>,
    delete: Vec<Arc<Generation>>,
}

/// What happens to a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Update,
    Delete,
}

impl Reach {
    /// What a schema's tables and views reach. `generation` gives each table its counter.
    pub(super) fn of(schema: &Schema, generation: impl Fn(&str) -> Arc<Generation>) -> Self {
        let mut reach = Reach::default();
        for table in &schema.tables {
            let own = vec![generation(&table.name)];
            let all = |act| {
                let names = followers(schema, &table.name, act);
                names.into_iter().map(&generation).collect()
            };
            let (update, delete) = (all(Act::Update), all(Act::Delete));
            let written = Written { insert: own.clone(), update, delete };
            reach.writes.insert(table.name.clone(), written);
            reach.add(&table.name, Read { tables: own, moves: false });
        }
        // Each view reads only earlier ones.
        for view in &schema.views {
            if let Some(tables) = reach.tables_of(&view.select) {
                let moves = asks_for_more(&view.select);
                reach.add(&view.name, Read { tables, moves });
            }
        }
        reach
    }

    fn add(&mut self, name: &str, read: Read) {
        self.spellings.insert(squashed(name), name.to_owned());
        self.reads.insert(name.to_owned(), read);
    }

    /// Tables that these steps may change.
    pub(super) fn written(&self, steps: &[Step]) -> Vec<Arc<Generation>> {
        let mut all = Vec::new();
        for step in steps {
            let (table, act) = match step {
                Step::Insert { table, .. } => (table, None),
                Step::Update { table, .. } => (table, Some(Act::Update)),
                Step::Delete { table, .. } => (table, Some(Act::Delete)),
                Step::Require { .. } => continue,
            };
            let Some(written) = self.writes.get(&**table) else { continue };
            let reached = match act {
                _ if sabotage::is(Sabotage::CacheForgetsFollowers) => &written.insert,
                None => &written.insert,
                Some(Act::Update) => &written.update,
                Some(Act::Delete) => &written.delete,
            };
            all.extend(reached.iter().map(Arc::clone));
        }
        all
    }

    /// The versions that a SELECT of the document depends on; none where it cannot be told.
    pub(super) fn of_query(&self, sql: &str) -> Option<Versions> {
        self.tables_of(sql).map(versions)
    }

    /// The versions that a statement depends on; none where it depends on more than rows.
    pub(super) fn of_select(&self, select: &Select) -> Option<Versions> {
        let mut tables = Vec::new();
        self.select(select, &mut tables)?;
        Some(versions(tables))
    }

    /// As [`Reach::of_select`], with what a page shows besides its rows.
    pub(super) fn of_listing(&self, listing: &Listing) -> Option<Versions> {
        let mut tables = Vec::new();
        self.select(&listing.select, &mut tables)?;
        if let Some(counted) = &listing.total {
            self.condition(counted, &mut tables)?;
        }
        if let Some((parent, seen)) = &listing.parent {
            self.table(&parent.name, &mut tables)?;
            self.condition(seen, &mut tables)?;
        }
        Some(versions(tables))
    }

    fn table(&self, name: &str, tables: &mut Vec<Arc<Generation>>) -> Option<()> {
        tables.extend(self.reads.get(name)?.tables.iter().map(Arc::clone));
        Some(())
    }

    fn select(&self, select: &Select, tables: &mut Vec<Arc<Generation>>) -> Option<()> {
        self.table(&select.table, tables)?;
        self.condition(&select.condition, tables)?;
        for (by, _) in &select.order {
            self.condition(by, tables)?;
        }
        select.nested.iter().try_for_each(|nested| self.select(&nested.select, tables))
    }

    /// Tables that a condition looks into; none where it asks for the time or for chance.
    fn condition(&self, condition: &Expression, tables: &mut Vec<Arc<Generation>>) -> Option<()> {
        let mut all = |parts: &[&Expression]| -> Option<()> {
            parts.iter().try_for_each(|part| self.condition(part, tables))
        };
        match condition {
            Expression::Now | Expression::Today => None,
            Expression::Column(_)
            | Expression::Outer(_)
            | Expression::Value(_)
            | Expression::Always(_)
            | Expression::Interval { .. }
            | Expression::Search { .. } => Some(()),
            Expression::Not(operand) | Expression::Negate(operand) => all(&[operand]),
            Expression::IsNull { operand, .. } | Expression::Cast { operand, .. } => {
                all(&[operand])
            }
            Expression::Binary { left, right, .. } => all(&[left, right]),
            Expression::Between { operand, low, high, .. } => all(&[operand, low, high]),
            Expression::In { operand, list, .. } => {
                all(&[operand])?;
                list.iter().try_for_each(|item| all(&[item]))
            }
            Expression::Call { function, .. } if asks_for_more(&format!("{function}(")) => None,
            Expression::Call { arguments, .. } => arguments.iter().try_for_each(|one| all(&[one])),
            Expression::Case { branches, otherwise } => {
                branches.iter().try_for_each(|(when, then)| all(&[when, then]))?;
                otherwise.iter().try_for_each(|one| all(&[one]))
            }
            Expression::InSelect { operand, table, condition, .. } => {
                all(&[operand, condition])?;
                self.looked_into(table, tables)
            }
            Expression::Exists { table, condition } => {
                all(&[condition])?;
                self.looked_into(table, tables)
            }
        }
    }

    /// A table or view that decides who may see a row.
    fn looked_into(&self, name: &str, tables: &mut Vec<Arc<Generation>>) -> Option<()> {
        let read = self.reads.get(name).filter(|read| !read.moves)?;
        tables.extend(read.tables.iter().map(Arc::clone));
        Some(())
    }

    /// Tables that a SELECT names; a word that merely looks like one costs a needless second read.
    fn tables_of(&self, sql: &str) -> Option<Vec<Arc<Generation>>> {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let words: Vec<&str> =
            sql.split(|c: char| !is_word(c)).filter(|word| !word.is_empty()).collect();
        let mut found = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let alone = squashed(word);
            // `core.users` is the table `core_users` here.
            let qualified = words.get(at + 1).map(|next| format!("{alone}{}", squashed(next)));
            for spelling in qualified.iter().chain([&alone]) {
                if let Some(read) = self.spellings.get(spelling).and_then(|it| self.reads.get(it)) {
                    found.extend(read.tables.iter().map(Arc::clone));
                }
            }
        }
        (!found.is_empty()).then_some(found)
    }
}

fn versions(mut tables: Vec<Arc<Generation>>) -> Versions {
    tables.sort_unstable_by(|left, right| left.name.cmp(&right.name));
    tables.dedup_by(|left, right| Arc::ptr_eq(left, right));
    let seen = |table: Arc<Generation>| {
        let now = table.now();
        (table, now)
    };
    Versions(tables.into_iter().map(seen).collect())
}

/// The table itself, and those whose rows follow when its rows are changed or removed.
fn followers<'s>(schema: &'s Schema, table: &'s str, act: Act) -> BTreeSet<&'s str> {
    let mut seen = BTreeSet::new();
    let mut waiting = vec![(table, act)];
    while let Some((table, act)) = waiting.pop() {
        if !seen.insert((table, act)) {
            continue;
        }
        for follower in &schema.tables {
            let keys = follower.foreign_keys.iter().filter(|key| key.table == table);
            let acts = keys.filter_map(|key| follows(key, act));
            waiting.extend(acts.map(|act| (follower.name.as_str(), act)));
        }
    }
    seen.into_iter().map(|(table, _)| table).collect()
}

/// What happens to a referring row.
fn follows(key: &ForeignKey, act: Act) -> Option<Act> {
    let action = match act {
        Act::Update => key.on_update,
        Act::Delete => key.on_delete,
    };
    match action {
        ReferentialAction::NoAction | ReferentialAction::Restrict => None,
        ReferentialAction::Cascade => Some(act),
        ReferentialAction::SetNull | ReferentialAction::SetDefault => Some(Act::Update),
    }
}

/// True for SQL that asks for the time or for chance.
fn asks_for_more(sql: &str) -> bool {
    const WORDS: &[&str] = &[
        "now(",
        "current_",
        "localtime",
        "_timestamp(",
        "timeofday(",
        "age(",
        "random",
        "uuid_generate",
        "nextval",
        "today",
        "julianday",
        "datetime(",
        "strftime(",
    ];
    let lower = sql.to_lowercase();
    WORDS.iter().any(|word| lower.contains(word))
}

/// A name without what its spellings differ in.
fn squashed(name: &str) -> String {
    name.chars().filter(|c| *c != '_').flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
