//! Explains why rows may not be together: where they overlap, or where a range would end before it
//! begins.

use document::data::Range;

use super::{Resource, schema};
use crate::{Problem, problem::ProblemCode, security::may::Asker};

/// Names the columns between which a range would end before it begins.
pub(super) fn backwards(asker: &Asker<'_>, resource: &Resource, problem: Problem) -> Problem {
    let declared = asker.running.system.data.table(&resource.name);
    let exclusions = declared.into_iter().flat_map(|table| &table.exclusions);
    let shown = |column: &str| resource.visible(column).map(|field| field.shown.to_string());
    let ends = exclusions.flat_map(|one| &one.overlapping).filter_map(|range| match range {
        Range::Made { from, to, .. } => Some((shown(from)?, shown(to)?)),
        Range::Column { .. } => None,
    });
    ends.fold(problem, |problem, (from, to)| {
        problem.detail(to, format!("must not be before `{from}`"))
    })
}

/// Which columns another row has too, and in which it overlaps, with the sentence that forbids it.
pub(super) fn excluded(
    asker: &Asker<'_>,
    resource: &Resource,
    table: &str,
    constraint: &str,
) -> Problem {
    let declared = asker.running.system.data.table(table);
    let own = declared.and_then(|table| {
        let place = (0..table.exclusions.len())
            .find(|place| schema::exclusion_name(table, *place) == constraint)?;
        table.exclusions.get(place)
    });
    let Some(own) = own else {
        return Problem::new(ProblemCode::Conflict, format!("another row of `{table}` overlaps"));
    };
    let shown = |column: &str| resource.visible(column).map(|field| field.shown.to_string());
    let equal: Vec<String> = own.equal.iter().filter_map(|column| shown(column)).collect();
    let ranges: Vec<String> = own.range_columns().filter_map(shown).collect();
    let same = match equal.as_slice() {
        [] => String::new(),
        equal => format!("has the same {} and ", equal.join(", ")),
    };
    let words = format!(
        "another row of `{table}` {same}overlaps in {}, against `{}`",
        ranges.join(", "),
        own.text.split_whitespace().collect::<Vec<_>>().join(" ")
    );
    let problem = Problem::new(ProblemCode::Conflict, words);
    ranges
        .into_iter()
        .fold(problem, |problem, field| problem.detail(field, "overlaps with another row"))
}
