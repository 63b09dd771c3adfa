//! Ranges as PostgreSQL has them, for stores that have none: whether two of them overlap.

use std::cmp::Ordering;

use crate::{decimal, moment};

/// What PostgreSQL says of a range that ends before it begins.
pub(crate) const BACKWARDS: &str =
    "range lower bound must be less than or equal to range upper bound";

/// Types of ranges.
const KINDS: &[&str] = &["tstzrange", "tsrange", "daterange", "int4range", "int8range", "numrange"];

/// True for a type of ranges that can be compared here.
pub(crate) fn is_known(kind: &str) -> bool {
    KINDS.contains(&kind)
}

/// A point of a range's line.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Point {
    Whole(i64),
    Decimal(String),
}

impl Point {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Point::Whole(own), Point::Whole(other)) => own.cmp(other),
            (own, other) => decimal::compare(&own.text(), &other.text()),
        }
    }

    fn text(&self) -> String {
        match self {
            Point::Whole(number) => number.to_string(),
            Point::Decimal(digits) => digits.clone(),
        }
    }
}

/// One end: none where it is open for ever, and whether the point itself belongs to the range.
type End = Option<(Point, bool)>;

/// A range that is not empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Range {
    lower: End,
    upper: End,
}

impl Range {
    /// The range of a type between two values as they are stored; none where it is empty.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn new(
        kind: &str,
        from: Option<&str>,
        to: Option<&str>,
        bounds: &str,
    ) -> Result<Option<Self>, String> {
        let end = |value: Option<&str>, is_in: bool| match value {
            None => Ok(None),
            Some(value) => {
                let point = point(kind, value);
                point.map(|point| Some((point, is_in))).ok_or(format!("`{value}` is in no {kind}"))
            }
        };
        let (mut lower, mut upper) =
            (end(from, bounds.starts_with('['))?, end(to, bounds.ends_with(']'))?);
        if let (Some((lower, _)), Some((upper, _))) = (&lower, &upper)
            && lower.cmp(upper) == Ordering::Greater
        {
            return Err(BACKWARDS.to_owned());
        }
        if matches!(kind, "daterange" | "int4range" | "int8range") {
            // Between two whole numbers there is nothing: `(1,3]` is `[2,4)`.
            step(&mut lower, true);
            step(&mut upper, false);
        }
        let range = Self { lower, upper };
        Ok(range.is_met_by(&range).then_some(range))
    }

    /// The range that a text writes: `[2026-01-01,2026-02-01)`, `empty`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn parse(kind: &str, text: &str) -> Result<Option<Self>, String> {
        let text = text.trim();
        if text.eq_ignore_ascii_case("empty") {
            return Ok(None);
        }
        let wrong = || format!("`{text}` is no {kind}");
        let (first, last) =
            (text.chars().next().ok_or_else(wrong)?, text.chars().last().ok_or_else(wrong)?);
        let inside = text.get(1..text.len().saturating_sub(1)).ok_or_else(wrong)?;
        if !"[(".contains(first) || !"])".contains(last) {
            return Err(wrong());
        }
        let (from, to) = inside.split_once(',').ok_or_else(wrong)?;
        let plain =
            |end: &str| Some(end.trim().trim_matches('"').to_owned()).filter(|it| !it.is_empty());
        let (from, to) = (plain(from), plain(to));
        Self::new(kind, from.as_deref(), to.as_deref(), &format!("{first}{last}"))
    }

    /// True where some point is in both.
    pub(crate) fn is_met_by(&self, other: &Self) -> bool {
        let begins_in = |lower: &End, upper: &End| match (lower, upper) {
            (Some((lower, has_lower)), Some((upper, has_upper))) => match lower.cmp(upper) {
                Ordering::Less => true,
                Ordering::Equal => *has_lower && *has_upper,
                Ordering::Greater => false,
            },
            _ => true,
        };
        begins_in(&self.lower, &other.upper) && begins_in(&other.lower, &self.upper)
    }
}

fn point(kind: &str, value: &str) -> Option<Point> {
    Some(match kind {
        "tstzrange" | "tsrange" => {
            let day = || moment::parse_date(value).map(|day| i64::from(day) * 86_400_000_000);
            // PostgreSQL shows offsets without their minutes.
            let long = || moment::parse_timestamp(&format!("{value}:00"));
            Point::Whole(moment::parse_timestamp(value).or_else(long).or_else(day)?)
        }
        "daterange" => Point::Whole(moment::parse_date(value)?.into()),
        "int4range" | "int8range" => Point::Whole(value.parse().ok()?),
        _ => Point::Decimal(decimal::Decimal::parse(value)?.text()),
    })
}

/// Of whole numbers: the lower end is in the range, the upper one is not.
fn step(end: &mut End, is_lower: bool) {
    if let Some((Point::Whole(number), is_in)) = end
        && *is_in != is_lower
    {
        *number = number.saturating_add(1);
        *is_in = is_lower;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, one: &str, other: &str, expected: bool) {
        let range = |text| Range::parse(kind, text).expect("a range");
        let meet = match (range(one), range(other)) {
            (Some(one), Some(other)) => one.is_met_by(&other),
            _ => false,
        };
        assert_eq!(meet, expected, "{kind} {one} {other}");
    }

    #[test]
    fn ends_count_as_they_are_written() {
        check("numrange", "[1,2)", "[2,3)", false);
        check("numrange", "[1,2]", "[2,3)", true);
        check("numrange", "(1,2)", "[1,1]", false);
        check("numrange", "[1.50,1.5]", "(,1.5]", true);
        check("int4range", "(1,2)", "[0,9)", false);
        check("int4range", "(1,3]", "[3,3]", true);
        check("daterange", "[2026-01-01,2026-01-31]", "[2026-01-31,)", true);
        check("daterange", "empty", "(,)", false);
        let late = "[\"2026-01-01 11:00:00+00\",\"2026-01-01 12:00:00+00\")";
        check("tstzrange", "[2026-01-01T10:00:00Z,2026-01-01T11:00:00.000001Z)", late, true);
        check("tstzrange", "[2026-01-01T10:00:00Z,2026-01-01T11:00:00Z)", late, false);
    }

    #[test]
    fn a_range_does_not_end_before_it_begins() {
        assert_eq!(Range::parse("int4range", "[2,1]"), Err(BACKWARDS.to_owned()));
        assert_eq!(Range::parse("int4range", "[2,2)"), Ok(None));
        assert!(Range::parse("int4range", "2-3").is_err());
    }
}
