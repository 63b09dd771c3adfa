//! The forms beside SQL, gathered: they declare what no SQL declares, and are checked against
//! what it does.

use std::collections::{HashMap, HashSet};

use super::{
    ColumnType, Form, codes, column_table,
    draft::{Draft, DraftTable},
    er_diagram,
    index_sentence::{self, IndexSentence},
    json_sketch,
    name::entity_key,
    relations::{self, Relation},
    resolve::table::is_template_name,
    sketch::Sketch,
    sql,
    typescript::{self, Lists},
};
use crate::{
    Chapter, Diagnostic, Span,
    compile::Reading,
    outline::{Fence, Inline, Mark, NodeId, NodeKind, Outline, heading_words},
    placeholder,
};

/// All that the other forms say.
#[derive(Default)]
pub(crate) struct Forms {
    /// Entities.
    pub(crate) sketches: Vec<Sketch>,
    /// Relations.
    pub(crate) relations: Vec<Relation>,
    /// Indexes in prose.
    pub(crate) indexes: Vec<IndexSentence>,
    /// Entities that the template left unfilled.
    pub(crate) unfilled: Vec<Span>,
}

/// Gathers all forms but SQL.
pub(crate) fn gather(reading: &mut Reading<'_>) -> Forms {
    let outline = reading.outline;
    let mut forms = Forms::default();
    let lists = value_lists(outline);
    let mut scripts = Scripts::default();
    for (id, node) in outline.nodes.iter().enumerate() {
        match &node.kind {
            NodeKind::Fence(fence) => {
                if sql::is_sql(fence) {
                    scripts.last = Some((node.section, node.span));
                } else {
                    read_fence(outline, id, fence, &lists, &mut forms, &mut reading.diagnostics);
                }
            }
            NodeKind::Table { .. } => {
                if let Some((name, span)) = entity_name(outline, id) {
                    forms.sketches.extend(column_table::read_table(outline, id, &name, span));
                }
            }
            NodeKind::List { .. } => {
                if let Some((name, span)) = entity_name(outline, id) {
                    forms.sketches.extend(column_table::read_list(outline, id, &name, span));
                }
            }
            NodeKind::Item { inline, .. } => {
                if is_about_relations(outline, id) {
                    forms.relations.extend(relations::read_item(inline));
                }
                let script = scripts.near(node.section);
                forms.indexes.extend(index_sentence::read(inline, script));
            }
            _ => {}
        }
    }
    let is_unfilled = |sketch: &Sketch| {
        placeholder::is_name(&sketch.name) || is_template_name(&sketch.table_name())
    };
    forms.unfilled =
        forms.sketches.iter().filter(|s| is_unfilled(s)).map(|s| s.statement).collect();
    forms.sketches.retain(|sketch| !is_unfilled(sketch));
    forms
}

/// The script that an index sentence is about: the last one of its section.
#[derive(Default)]
struct Scripts {
    last: Option<(Option<NodeId>, Span)>,
}

impl Scripts {
    fn near(&self, section: Option<NodeId>) -> Option<Span> {
        self.last.filter(|(own, _)| *own == section).map(|(_, span)| span)
    }
}

fn value_lists(outline: &Outline) -> Lists {
    let mut lists = Lists::new();
    for node in &outline.nodes {
        if let NodeKind::Fence(fence) = &node.kind
            && typescript::is_typescript(fence)
        {
            typescript::read_lists(fence, &mut lists);
        }
    }
    lists
}

fn read_fence(
    outline: &Outline,
    id: NodeId,
    fence: &Fence,
    lists: &Lists,
    forms: &mut Forms,
    diagnostics: &mut Vec<Diagnostic>,
) {
    if er_diagram::is_diagram(fence) {
        let drawing = er_diagram::read(fence, diagnostics);
        forms.sketches.extend(drawing.entities);
        forms.relations.extend(drawing.relations);
    } else if typescript::is_typescript(fence) {
        forms.sketches.extend(typescript::read(fence, lists));
    } else if fence.text.trim_start().starts_with('{') {
        if let Some((name, span)) = entity_name(outline, id) {
            forms.sketches.extend(json_sketch::read(fence, &name, span));
        }
    } else if matches!(fence.language.as_str(), "" | "text") && is_about_relations(outline, id) {
        forms.relations.extend(relations::read_fence(fence));
    }
}

fn is_about_relations(outline: &Outline, id: NodeId) -> bool {
    let Some(nearest) = outline.context(id).into_iter().next() else { return false };
    ["relationship", "relation", "associations", "entity relation"]
        .iter()
        .any(|word| nearest.contains(word))
}

/// The name of the entity that a table, list or fence describes: the bold line or item right
/// above it, else its heading; only where the chapter is data.
fn entity_name(outline: &Outline, id: NodeId) -> Option<(String, Span)> {
    let context = outline.context(id);
    const FOREIGN: &[&str] = &[
        "request",
        "response",
        "parameter",
        "payload",
        "endpoint",
        "header",
        "variable",
        "config",
        "error",
        "event",
        "message",
        "query",
        "api",
        "setting",
        "type mapping",
        "index",
    ];
    let is_foreign = context.first().is_some_and(|nearest| {
        FOREIGN.iter().any(|word| nearest.split_whitespace().any(|own| own.starts_with(word)))
    });
    let is_data = context.iter().any(|words| {
        ["data", "schema", "entit", "table", "model", "collection", "база", "数据"]
            .iter()
            .any(|word| words.contains(word))
    });
    if is_foreign || !is_data || outline.chapter(id).is_some_and(|found| found == Chapter::Api) {
        return None;
    }
    let node = outline.nodes.get(id)?;
    let above = id.checked_sub(1).and_then(|above| outline.nodes.get(above));
    let near = above.and_then(|above| match &above.kind {
        NodeKind::Paragraph(inline) if above.parent == node.parent => label(inline),
        NodeKind::Item { inline, .. } if Some(id - 1) == node.parent => label(inline),
        _ => None,
    });
    let heading = outline.headings(id).last().copied().and_then(clean);
    near.or(if node.parent.is_none() { heading } else { None })
}

/// A paragraph that is nothing but a name in bold or code, with or without a colon.
fn label(inline: &Inline) -> Option<(String, Span)> {
    let text = inline.trimmed().trim_end_matches(':');
    let is_marked =
        inline.parts.first().is_some_and(|part| matches!(part.mark, Mark::Strong | Mark::Code));
    if !is_marked || text.len() > 60 || text.contains('\n') {
        return None;
    }
    clean(inline)
}

/// `2.1 Users Table` is `Users`, ``Table: `order_items` `` is `order_items`.
fn clean(inline: &Inline) -> Option<(String, Span)> {
    if let Some((code, span)) = inline.marked(Mark::Code).next() {
        return is_entity_name(code).then(|| (code.to_owned(), span));
    }
    let text = inline.trimmed();
    let text = text.split(['(', '–', '—']).next().unwrap_or(text);
    let text = text.trim_end_matches([':', ' ']);
    let text = text.rsplit(':').next().unwrap_or(text);
    const FILLERS: &[&str] = &[
        "table",
        "entity",
        "model",
        "schema",
        "collection",
        "fields",
        "columns",
        "structure",
        "object",
        "document",
        "the",
        "attributes",
        "tabla",
        "tabelle",
        "entidad",
    ];
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| word.chars().any(char::is_alphabetic))
        .filter(|word| !FILLERS.contains(&word.to_lowercase().as_str()))
        .collect();
    let is_short = matches!(words.len(), 1..=3);
    let name = words.join(if words.len() == 1 { "" } else { "_" });
    const GENERIC: &[&str] = &[
        "data",
        "database",
        "entities",
        "tables",
        "models",
        "core",
        "key",
        "main",
        "example",
        "overview",
        "design",
        "relationships",
        "types",
        "data_models",
        "core_entities",
        "data_dictionary",
        "main_entities",
        "key_entities",
        "core_tables",
        "main_tables",
    ];
    let is_generic = GENERIC.contains(&heading_words(&name).as_str());
    (is_short && !is_generic && is_entity_name(&name)).then_some((name, inline.span))
}

fn is_entity_name(name: &str) -> bool {
    name.chars().next().is_some_and(char::is_alphabetic)
        && name.len() <= 63
        && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
}

/// Adds the tables that only these forms declare, and gives the entities that are drawn beside
/// SQL tables but declared by no SQL.
pub(crate) fn declare(forms: &mut Forms, draft: &mut Draft) -> Vec<Sketch> {
    let mut known: HashMap<String, String> = HashMap::new();
    for table in draft.tables.iter().filter(|table| !table.name.is_hole) {
        known.entry(entity_key(table.name.bare())).or_insert_with(|| table.name.name.clone());
        known.insert(entity_key(&table.name.name), table.name.name.clone());
    }
    for view in &draft.views {
        known.entry(entity_key(&view.name)).or_insert_with(|| view.name.clone());
    }
    let has_sql =
        draft.tables.iter().any(|table| !table.name.is_hole && !is_template_name(&table.name.name));
    let is_sql: HashSet<String> = known.keys().cloned().collect();
    forms.sketches.sort_by_key(|sketch| sketch.form);
    let mut chosen: Vec<&Sketch> = Vec::new();
    let mut drawn = Vec::new();
    for sketch in &forms.sketches {
        let key = sketch.key();
        let may = match sketch.form {
            Form::ErDiagram => !has_sql || sketch.has_key(),
            Form::ColumnTable => sketch.is_stored,
            _ => sketch.is_stored && !has_sql,
        };
        if sketch.form == Form::ErDiagram && has_sql && !known.contains_key(&key) {
            drawn.push(sketch.clone());
        }
        if may && !is_sql.contains(&key) && !known.contains_key(&key) {
            known.insert(key, sketch.table_name());
            chosen.push(sketch);
        }
    }
    let lookup = |key: &str| known.get(key).cloned();
    let from = draft.tables.len();
    draft.tables.extend(chosen.into_iter().map(|sketch| sketch.declare(&lookup)));
    take_key_types(&mut draft.tables, from);
    drawn
}

/// A column of another form that refers to a table has the type of that table's key.
fn take_key_types(tables: &mut [DraftTable], from: usize) {
    let keys: HashMap<String, ColumnType> = tables
        .iter()
        .filter_map(|table| {
            let [key] = table.parts.primary_key.as_deref()? else { return None };
            let column = table.parts.columns.iter().find(|c| c.column.name == key.name)?;
            let kind = match &column.column.kind {
                ColumnType::Serial { bits } => ColumnType::Integer { bits: *bits },
                kind => kind.clone(),
            };
            Some((table.name.name.clone(), kind))
        })
        .collect();
    for table in tables.get_mut(from..).unwrap_or_default() {
        let parts = &mut table.parts;
        for foreign in &parts.foreign_keys {
            let [own] = foreign.columns.as_slice() else { continue };
            let column = parts.columns.iter_mut().find(|c| c.column.name == own.name);
            if let (Some(column), Some(kind)) = (column, keys.get(&foreign.table.name)) {
                column.column.kind = kind.clone();
            }
        }
    }
}

/// Reports entities that are drawn beside SQL tables, once for each diagram.
pub(crate) fn report_drawn(drawn: &[Sketch], outline: &Outline, diagnostics: &mut Vec<Diagnostic>) {
    const LABELS_MAX: usize = 6;
    let mut fences: Vec<Span> = Vec::new();
    for node in &outline.nodes {
        if matches!(node.kind, NodeKind::Fence(_)) {
            fences.push(node.span);
        }
    }
    let mut by_fence: Vec<(Option<Span>, Vec<&Sketch>)> = Vec::new();
    for sketch in drawn {
        let at = fences.partition_point(|fence| {
            (fence.file, fence.start) <= (sketch.span.file, sketch.span.start)
        });
        let fence = at.checked_sub(1).and_then(|at| fences.get(at)).copied();
        match by_fence.last_mut().filter(|(own, _)| *own == fence) {
            Some((_, sketches)) => sketches.push(sketch),
            None => by_fence.push((fence, vec![sketch])),
        }
    }
    for (_, sketches) in by_fence {
        let Some((first, others)) = sketches.split_first() else { continue };
        let message = match others.len() {
            0 => format!("`{}` is drawn, but no `CREATE TABLE` declares it", first.name),
            more => format!(
                "`{}` and {more} more entities are drawn, but no `CREATE TABLE` declares them",
                first.name
            ),
        };
        let label = if first.has_key() {
            "declared by this drawing alone"
        } else {
            "not served: the drawing gives it no key"
        };
        let mut diagnostic =
            Diagnostic::new(&codes::D020, first.span, message).label(label).help(format!(
                "to declare it as the other tables are, write `CREATE TABLE {} (…)`",
                first.table_name()
            ));
        for other in others.iter().take(LABELS_MAX) {
            diagnostic = diagnostic.also(other.span, "nor this one");
        }
        diagnostics.push(diagnostic);
    }
}
