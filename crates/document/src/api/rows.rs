//! Endpoints in tables: method and path in columns of their own or in one cell, in any language
//! and any order of columns.

use super::{
    EndpointForm, Method,
    draft::{Draft, summary_of},
    line,
};
use crate::{
    outline::{Inline, NodeId, NodeKind, Outline},
    security::callers_of,
};

/// Which column holds what.
#[derive(Debug, Default)]
struct Columns {
    /// The method alone.
    method: Option<usize>,
    /// The path, or method and path in one cell.
    path: Option<usize>,
    summary: Option<usize>,
    callers: Option<usize>,
}

/// Endpoints of the rows of a table.
pub(super) fn table(outline: &Outline, id: NodeId, header: &[Inline], drafts: &mut Vec<Draft>) {
    let rows: Vec<(NodeId, &Vec<Inline>)> = outline
        .nodes
        .iter()
        .enumerate()
        .skip(id + 1)
        .take_while(|(_, node)| node.parent == Some(id))
        .filter_map(|(row, node)| match &node.kind {
            NodeKind::Row { cells } => Some((row, cells)),
            _ => None,
        })
        .collect();
    let columns = columns(header, &rows);
    for (row, cells) in rows {
        let found = drafts.len();
        if let Some(path) = columns.path.and_then(|at| cells.get(at)) {
            match columns.method.and_then(|at| cells.get(at)) {
                Some(method) => split_cells(method, path, row, drafts),
                None => one_cell(path, row, drafts),
            }
        }
        if drafts.len() == found {
            spoken_of(cells, row, drafts);
            continue;
        }
        let summary = columns.summary.and_then(|at| cells.get(at));
        let callers = columns.callers.and_then(|at| cells.get(at));
        for draft in &mut drafts[found..] {
            if let Some(cell) = summary {
                draft.summary = summary_of(&cell.text);
            }
            if let Some(cell) = callers {
                draft.callers = callers_of(&cell.text, cell.span, &[]);
            }
        }
    }
}

fn columns(header: &[Inline], rows: &[(NodeId, &Vec<Inline>)]) -> Columns {
    let mut columns = Columns::default();
    let share = |test: &dyn Fn(&Inline) -> bool, at: usize| {
        let filled = rows.iter().filter_map(|(_, cells)| cells.get(at));
        let (mut all, mut hits) = (0_usize, 0_usize);
        for cell in filled.filter(|cell| !cell.trimmed().is_empty()) {
            all += 1;
            hits += usize::from(test(cell));
        }
        hits > 0 && hits * 2 >= all
    };
    for at in 0..header.len() {
        if columns.method.is_none() && share(&is_method, at) {
            columns.method = Some(at);
        } else if columns.path.is_none() && (share(&is_path, at) || share(&is_whole_endpoint, at)) {
            columns.path = Some(at);
        }
    }
    // Without a method column, only cells that hold the method themselves are endpoints.
    if columns.method.is_none() && !columns.path.is_some_and(|at| share(&is_whole_endpoint, at)) {
        columns.path = None;
    }
    for (at, cell) in header.iter().enumerate() {
        if Some(at) == columns.method || Some(at) == columns.path {
            continue;
        }
        let words = cell.text.to_lowercase();
        let has = |list: &[&str]| list.iter().any(|word| words.contains(word));
        if columns.callers.is_none() && has(CALLERS) && !has(&["author", "rate"]) {
            columns.callers = Some(at);
        } else if columns.summary.is_none() && has(SUMMARIES) {
            columns.summary = Some(at);
        }
    }
    columns
}

const CALLERS: &[&str] = &[
    "auth",
    "access",
    "role",
    "permission",
    "who",
    "allowed",
    "security",
    "protected",
    "caller",
    "权限",
    "认证",
    "鉴权",
    "角色",
    "acceso",
    "permiso",
    "rol",
    "доступ",
    "роль",
    "zugriff",
    "rolle",
    "인증",
    "권한",
    "認証",
    "login required",
    "public?",
];

const SUMMARIES: &[&str] = &[
    "description",
    "purpose",
    "summary",
    "action",
    "function",
    "notes",
    "what",
    "detail",
    "use",
    "说明",
    "描述",
    "功能",
    "descripci",
    "descrição",
    "beschreibung",
    "zweck",
    "описание",
    "назначение",
    "설명",
    "説明",
    "keterangan",
    "deskripsi",
    "açıklama",
];

fn is_method(cell: &Inline) -> bool {
    methods_of(&cell.text).is_some()
}

/// The methods of a cell that holds nothing else, in any case.
fn methods_of(text: &str) -> Option<Vec<Method>> {
    let mut methods = Vec::new();
    for word in text.split([' ', '/', ',', '|', '&', '\n']).filter(|word| !word.is_empty()) {
        methods.push(Method::parse(word.trim_matches(['`', '*']))?);
    }
    (!methods.is_empty()).then_some(methods)
}

fn is_path(cell: &Inline) -> bool {
    let text = cell.trimmed();
    (text.starts_with('/') || text.starts_with("http")) && line::whole_path(text).is_some()
}

fn is_whole_endpoint(cell: &Inline) -> bool {
    let text = cell.trimmed();
    line::mentions(text).first().is_some_and(|mention| mention.range.start == 0)
}

/// Method and path in cells of their own; a path cell may list several paths.
fn split_cells(method: &Inline, path: &Inline, row: NodeId, drafts: &mut Vec<Draft>) {
    let Some(methods) = methods_of(&method.text) else {
        return one_cell(path, row, drafts);
    };
    let mut from = 0;
    for piece in path.text.split_inclusive([',', '\n']) {
        let at = from;
        from += piece.len();
        let Some((raw, range)) = line::whole_path(piece) else { continue };
        let span = path.span_of(at + range.start..at + range.end);
        let place = method.span.to(span);
        // The two cells may stand in either order; the place covers both where they are near.
        let span = if place.range().len() <= span.range().len() + 24 { place } else { span };
        for &method in &methods {
            drafts.extend(Draft::new(method, &raw, EndpointForm::TableRow, span, row));
        }
    }
}

fn one_cell(cell: &Inline, row: NodeId, drafts: &mut Vec<Draft>) {
    for mention in line::mentions(&cell.text) {
        drafts.extend(Draft::of_mention(&mention, EndpointForm::TableRow, row, |range| {
            cell.span_of(range)
        }));
    }
}

/// Endpoints in cells of a table about something else; declared where the row's label says so.
fn spoken_of(cells: &[Inline], row: NodeId, drafts: &mut Vec<Draft>) {
    let label = cells.first().map(|cell| cell.text.to_lowercase()).unwrap_or_default();
    let declares = label.contains("endpoint") || label.trim() == "api" || label.contains("routes");
    for cell in cells {
        for mention in line::mentions(&cell.text) {
            let is_code = mention.paths.first().is_some_and(|(_, range)| {
                cell.parts.iter().any(|part| {
                    part.range.contains(&range.start) && part.mark == crate::outline::Mark::Code
                })
            });
            if !is_code && !declares {
                continue;
            }
            let found = Draft::of_mention(&mention, EndpointForm::TableRow, row, |range| {
                cell.span_of(range)
            });
            drafts.extend(found.into_iter().map(|draft| Draft { is_mention: !declares, ..draft }));
        }
    }
}
