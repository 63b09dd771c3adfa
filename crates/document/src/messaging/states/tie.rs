//! Ties a drawing to the column that holds its states: by the values that the column takes, and by
//! the names in headings and labels. Where several columns could be meant, none is guessed.

use std::collections::{HashMap, HashSet};

use super::{
    drawing::{Drawing, Form},
    is_about_states,
};
use crate::{
    Span,
    data::{Column, ColumnType, Data, DefaultValue, Table},
    expression::Literal,
    outline::Outline,
    security::{name_key, name_words},
};

/// Looked at for one drawing at most.
const CANDIDATES_MAX: usize = 64;

/// A column that could hold states.
pub(super) struct StateColumn<'a> {
    /// Its table.
    pub(super) table: &'a Table,
    /// The column.
    pub(super) column: &'a Column,
    /// Its values with the place of the list, where it has a closed list.
    pub(super) values: Option<(Vec<String>, Span)>,
    /// True where its name says that it holds a state.
    pub(super) is_state: bool,
}

impl StateColumn<'_> {
    /// The stored spelling of a value.
    pub(super) fn stored(&self, key: &str) -> Option<&str> {
        let (values, _) = self.values.as_ref()?;
        values.iter().map(String::as_str).find(|value| name_key(value) == key)
    }

    /// The column's default where it is a text.
    pub(super) fn default(&self) -> Option<&str> {
        match &self.column.default {
            Some(DefaultValue::Literal { literal: Literal::Text(text) }) => Some(text),
            _ => None,
        }
    }
}

/// All columns that could hold states, with ways to find them.
pub(super) struct Columns<'a> {
    /// The columns in the order of the document.
    pub(super) all: Vec<StateColumn<'a>>,
    by_value: HashMap<String, Vec<usize>>,
    /// Columns without a list of values, by the words of their table.
    by_table: HashMap<String, Vec<usize>>,
}

/// Where a drawing belongs.
pub(super) enum Tie {
    /// To this column.
    To(usize),
    /// Several could be meant.
    Several(Vec<usize>),
    /// To none.
    None,
}

/// What the text around a drawing says.
pub(super) struct Context {
    /// Words of the label and of the headings, nearest first, in the singular.
    names: Vec<Vec<String>>,
    /// Headings speak of states.
    is_about_states: bool,
    /// Headings speak of something whose states are not a table's: a circuit breaker.
    pub(super) is_elsewhere: bool,
}

impl Context {
    /// The context of a drawing.
    pub(super) fn of(drawing: &Drawing, outline: &Outline) -> Self {
        let headings = outline.context(drawing.node);
        let mut names: Vec<Vec<String>> =
            drawing.subject.iter().map(|subject| name_words(subject)).collect();
        names.extend(headings.iter().map(|words| name_words(words)));
        let is_elsewhere = headings.iter().any(|words| {
            ["circuit", "resilience", "frontend", "client-side", "ui state", "deployment"]
                .iter()
                .any(|telling| words.contains(telling))
        });
        Self { names, is_about_states: is_about_states(outline, drawing.node), is_elsewhere }
    }

    /// How well the nearest heading that names the column's table does: the number of words, and
    /// how near it is. Nothing where no heading does.
    fn naming(&self, column: &StateColumn<'_>) -> Option<(usize, usize)> {
        let table = name_words(&column.table.name);
        let own = name_words(&column.column.name);
        let kind = match &column.column.kind {
            ColumnType::Enum { name } | ColumnType::Other { name } => name_words(name),
            _ => Vec::new(),
        };
        self.names.iter().enumerate().find_map(|(distance, words)| {
            let has = |wanted: &[String]| {
                !wanted.is_empty() && wanted.iter().all(|word| words.contains(word))
            };
            let by_column = own.len() > 1 && has(&own) || kind.len() > 1 && has(&kind);
            let count = if has(&table) { table.len() } else { 0 } + usize::from(by_column);
            // The schema's name is left out in prose.
            let bare = table.len() > 1 && count == 0 && has(&table[1..]);
            let count = if bare { table.len() - 1 } else { count };
            (count > 0).then_some((count, usize::MAX - distance))
        })
    }
}

impl<'a> Columns<'a> {
    /// The columns of all tables that could hold states.
    pub(super) fn new(data: &'a Data) -> Self {
        let mut columns =
            Self { all: Vec::new(), by_value: HashMap::new(), by_table: HashMap::new() };
        for table in &data.tables {
            for column in &table.columns {
                columns.add(table, column, data);
            }
        }
        columns
    }

    fn add(&mut self, table: &'a Table, column: &'a Column, data: &Data) {
        let is_state = is_state_name(&column.name);
        let is_text = matches!(
            column.kind,
            ColumnType::Text { .. }
                | ColumnType::CaseInsensitiveText
                | ColumnType::Enum { .. }
                | ColumnType::Other { .. }
        );
        let values = data.values_of(table, column);
        if !is_text || (values.is_none() && !is_state) {
            return;
        }
        let index = self.all.len();
        match &values {
            Some((values, _)) => {
                let keys: HashSet<String> = values.iter().map(|value| name_key(value)).collect();
                for key in keys {
                    self.by_value.entry(key).or_default().push(index);
                }
            }
            None => {
                for key in
                    [name_words(&table.name).join(" "), name_words(&table.name)[1..].join(" ")]
                {
                    if !key.is_empty() {
                        self.by_table.entry(key).or_default().push(index);
                    }
                }
            }
        }
        self.all.push(StateColumn { table, column, values, is_state });
    }

    /// The column that a drawing belongs to.
    pub(super) fn tie(&self, drawing: &Drawing, context: &Context) -> Tie {
        if context.is_elsewhere {
            return Tie::None;
        }
        let by_values = self.by_values(drawing, context);
        match by_values.as_slice() {
            [] => {}
            [only] => return Tie::To(*only),
            several => return self.nearest(several, context),
        }
        // A column of plain text: only its name can tell.
        let is_telling = drawing.form != Form::Arrows || context.is_about_states;
        if !is_telling {
            return Tie::None;
        }
        let named = self.by_name(context);
        match named.as_slice() {
            [] => Tie::None,
            [only] => Tie::To(*only),
            several => self.nearest(several, context),
        }
    }

    /// Columns whose values are the drawing's states, best first and only the best.
    fn by_values(&self, drawing: &Drawing, context: &Context) -> Vec<usize> {
        let keys = state_keys(drawing);
        let mut candidates: Vec<usize> = keys
            .iter()
            .filter_map(|key| self.by_value.get(key))
            .flatten()
            .copied()
            .take(CANDIDATES_MAX)
            .collect();
        candidates.sort_unstable();
        candidates.dedup();
        let mut best: Vec<usize> = Vec::new();
        let mut best_score = 0;
        for index in candidates {
            let Some(column) = self.all.get(index) else { continue };
            let shared = keys.iter().filter(|key| column.stored(key).is_some()).count();
            let all = shared == keys.len();
            let is_named = context.naming(column).is_some();
            // Arrows in text must fit exactly; a drawing may have a state too many.
            let enough = match drawing.form {
                Form::Arrows => all && (shared >= 2),
                _ => {
                    all || (shared >= 2 && shared * 3 >= keys.len() * 2)
                        || (is_named && column.is_state && shared >= 2)
                }
            };
            let names_itself = column.is_state || is_named || drawing.form != Form::Arrows;
            if !enough || !names_itself {
                continue;
            }
            let score = shared * 4 + usize::from(all) * 2 + usize::from(column.is_state);
            if score > best_score {
                best.clear();
                best_score = score;
            }
            if score == best_score {
                best.push(index);
            }
        }
        best
    }

    /// Columns without a list whose table a heading names, nearest heading first.
    fn by_name(&self, context: &Context) -> Vec<usize> {
        for words in &context.names {
            let mut found: Vec<usize> = Vec::new();
            for length in (1..=3).rev() {
                for window in words.windows(length).take(32) {
                    if let Some(columns) = self.by_table.get(&window.join(" ")) {
                        found.extend(columns.iter().take(CANDIDATES_MAX));
                    }
                }
                if !found.is_empty() {
                    found.sort_unstable();
                    found.dedup();
                    return found;
                }
            }
        }
        Vec::new()
    }

    /// The one that the nearest heading names best.
    fn nearest(&self, several: &[usize], context: &Context) -> Tie {
        let mut named: Vec<((usize, usize), usize)> = several
            .iter()
            .filter_map(|&index| Some((context.naming(self.all.get(index)?)?, index)))
            .map(|((count, near), index)| ((near, count), index))
            .collect();
        named.sort_unstable_by(|left, right| right.cmp(left));
        match named.as_slice() {
            [] => Tie::Several(several.to_vec()),
            [(_, only)] => Tie::To(*only),
            [(first, index), (second, _), ..] if first > second => Tie::To(*index),
            _ => Tie::Several(several.to_vec()),
        }
    }
}

/// The states that must fit: for a line, the names at all places of a chain, or at every second
/// place of a triple.
pub(super) fn state_keys(drawing: &Drawing) -> Vec<String> {
    let mut keys: Vec<String> = if drawing.form == Form::Arrows {
        let step = if is_triple(drawing) { 2 } else { 1 };
        drawing.segments.iter().step_by(step).flatten().map(|name| name.key()).collect()
    } else {
        drawing.states.iter().map(|name| name.key()).collect()
    };
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// True where the drawing itself says that each second piece is an action.
fn is_triple(drawing: &Drawing) -> bool {
    drawing.is_triple && drawing.segments.len() == 3
}

/// `status`, `order_state`, `stage`.
fn is_state_name(name: &str) -> bool {
    name.rsplit('_')
        .next()
        .is_some_and(|last| matches!(last, "status" | "state" | "stage" | "phase" | "estado"))
}
