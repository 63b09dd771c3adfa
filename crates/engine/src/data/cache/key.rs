//! What an answer is kept under: everything that it depends on besides rows. Access rules stand
//! inside the statement, so whoever may see other rows has another key.

use sha2::{Digest, Sha256};
use store::{
    Expression, Operator, Value,
    query::{Nested, Output, Select},
};

use super::super::work::Listing;
use crate::sabotage::{self, Sabotage};

/// Stands for a statement and its values; two statements never share one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Key([u8; 32]);

impl Key {
    /// As text.
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The key of one row.
    pub(super) fn of_row(select: &Select) -> Self {
        let mut words = Words::new(b'r');
        if sabotage::is(Sabotage::CacheForgetsAccess) {
            // The path's own condition stands first, the access rule behind it.
            let mut broken = select.clone();
            if let Expression::Binary { left, operator: Operator::And, .. } = &select.condition {
                broken.condition = (**left).clone();
            }
            words.select(&broken);
        } else {
            words.select(select);
        }
        words.key()
    }

    /// The key of a page of rows.
    pub(super) fn of_page(listing: &Listing) -> Self {
        let mut words = Words::new(b'l');
        if sabotage::is(Sabotage::CacheForgetsAccess) {
            let condition = listing.ask.condition.clone();
            words.select(&Select { condition, ..listing.select.clone() });
            return words.key();
        }
        words.select(&listing.select);
        words.number(listing.ask.limit);
        words.number(listing.tail as u64);
        match &listing.total {
            Some(counted) => words.expression(counted),
            None => words.mark(b'-'),
        }
        match &listing.parent {
            Some((parent, seen)) => {
                words.text(&parent.name);
                words.expression(seen);
            }
            None => words.mark(b'-'),
        }
        words.key()
    }

    /// The key of a query of the document.
    pub(super) fn of_query(sql: &str, values: &[(String, Value)]) -> Self {
        let mut words = Words::new(b'q');
        words.text(sql);
        for (name, value) in values {
            words.text(name);
            words.expression(&Expression::Value(value.clone()));
        }
        words.key()
    }
}

/// Collects what a key is made of. Each piece says how long it is, so that no two sequences of
/// pieces are the same bytes.
struct Words(Vec<u8>);

impl Words {
    fn new(kind: u8) -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(kind);
        Self(bytes)
    }

    fn key(&self) -> Key {
        Key(Sha256::digest(&self.0).into())
    }

    fn mark(&mut self, mark: u8) {
        self.0.push(mark);
    }

    fn number(&mut self, number: u64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.0.extend_from_slice(text.as_bytes());
    }

    fn expression(&mut self, expression: &Expression) {
        let start = self.0.len();
        self.number(0);
        // An expression is always JSON; a value that is none would make two keys one.
        if serde_json::to_writer(&mut self.0, expression).is_err() {
            self.0.extend_from_slice(format!("{expression:?}").as_bytes());
        }
        let length = (self.0.len() - start) as u64;
        if let Some(place) = self.0.get_mut(start..start + size_of::<u64>()) {
            place.copy_from_slice(&length.to_le_bytes());
        }
    }

    fn select(&mut self, select: &Select) {
        self.text(&select.table);
        self.number(select.outputs.len() as u64);
        for Output { name, column, .. } in &*select.outputs {
            self.text(name);
            self.text(column);
        }
        self.expression(&select.condition);
        self.number(select.order.len() as u64);
        for (by, descending) in &select.order {
            self.expression(by);
            self.mark(u8::from(*descending));
        }
        self.number(select.limit.map_or(0, |limit| limit.saturating_add(1)));
        self.number(select.offset);
        self.number(select.nested.len() as u64);
        for Nested { name, outer_column, inner_column, many, select } in &select.nested {
            for text in [name, outer_column, inner_column] {
                self.text(text);
            }
            self.mark(u8::from(*many));
            self.select(select);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn select(condition: Expression) -> Select {
        Select {
            table: Arc::from("posts"),
            outputs: Arc::from([]),
            condition,
            order: Vec::new(),
            limit: Some(1),
            offset: 0,
            nested: Vec::new(),
            is_by_index: true,
        }
    }

    fn check(left: &Expression, right: &Expression, same: bool) {
        let keys = [left, right].map(|condition| Key::of_row(&select(condition.clone())));
        assert_eq!(keys[0] == keys[1], same, "{left:?} {right:?}");
    }

    #[test]
    fn another_access_rule_is_another_key() {
        let id = || Expression::column("id").equals(Value::Integer(7));
        let owner = |name: &str| {
            id().and(Expression::column("author_id").equals(Value::Text(name.to_owned())))
        };
        check(&id(), &id(), true);
        check(&id(), &owner("ada"), false);
        check(&owner("ada"), &owner("ada"), true);
        check(&owner("ada"), &owner("bob"), false);
    }

    #[test]
    fn a_number_and_its_digits_are_two_keys() {
        let number = Expression::column("a").equals(Value::Integer(1));
        let text = Expression::column("a").equals(Value::Text("1".to_owned()));
        check(&number, &text, false);
    }

    #[test]
    fn what_stands_in_the_name_of_a_parameter_is_no_other_parameters_value() {
        let one = [("a".to_owned(), Value::Text("bc".to_owned()))];
        let two = [("ab".to_owned(), Value::Text("c".to_owned()))];
        assert_ne!(Key::of_query("SELECT 1", &one), Key::of_query("SELECT 1", &two));
    }
}
