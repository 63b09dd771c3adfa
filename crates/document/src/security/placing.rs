//! Whose column a bare name inside a sub-select of a policy is: SQL looks in the inner table first,
//! then in the row that the policy is about.

use crate::{
    data::{Data, Table},
    expression::Expression,
};

/// Finds whose column a bare name inside a sub-select is, as SQL does: the inner table's, or
/// else that of the row at hand. Gives back a name that neither has.
pub(super) fn place(data: &Data, at_hand: &Table, expression: &mut Expression) -> Option<String> {
    if let Expression::Exists { table, condition } | Expression::InSelect { table, condition, .. } =
        expression
        && let Some(inner) = data.table(table)
    {
        return place_inside(data, inner, Some(at_hand), condition);
    }
    expression.parts_mut().into_iter().find_map(|part| place(data, at_hand, part))
}

/// The same inside a sub-select. Further inside nothing names the row at hand.
fn place_inside(
    data: &Data,
    inner: &Table,
    at_hand: Option<&Table>,
    expression: &mut Expression,
) -> Option<String> {
    match expression {
        Expression::Column { name } if inner.column(name).is_none() => {
            let name = name.clone();
            if at_hand.is_none_or(|table| table.column(&name).is_none()) {
                return Some(name);
            }
            *expression = Expression::Outer { name };
            None
        }
        Expression::Exists { table, condition } => {
            let further = data.table(table)?;
            place_inside(data, further, None, condition)
        }
        Expression::InSelect { operand, table, condition, .. } => {
            let missing = place_inside(data, inner, at_hand, operand);
            missing.or_else(|| place_inside(data, data.table(table)?, None, condition))
        }
        _ => {
            let mut parts = expression.parts_mut().into_iter();
            parts.find_map(|part| place_inside(data, inner, at_hand, part))
        }
    }
}
