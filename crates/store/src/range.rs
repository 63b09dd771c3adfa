//! Ranges as PostgreSQL has them, for stores that have none: how it writes and sorts them, and whether
//! two of them overlap.

use std::cmp::Ordering;

use crate::{Kind, decimal, moment};

/// What a store says of a range of two columns that ends before it begins, in PostgreSQL's words.
pub const BACKWARDS: &str = "range lower bound must be less than or equal to range upper bound";

/// Types of ranges.
const KINDS: &[&str] = &["tstzrange", "tsrange", "daterange", "int4range", "int8range", "numrange"];

/// The first day that has five digits in its year: where a range ends that includes the last day.
const DAY_AFTER_ALL: (&str, i64) = ("10000-01-01", 2_932_897);

/// The moment or day after all others, as PostgreSQL's `infinity`.
const NEVER: i64 = i64::MAX;
/// The one before all others, `-infinity`.
const ALWAYS: i64 = i64::MIN;

/// True for a type of ranges that can be compared here.
pub(crate) fn is_known(kind: &str) -> bool {
    KINDS.contains(&kind)
}

/// The type of ranges that a kind of column is; none for another kind.
pub(crate) fn of_kind(kind: &Kind) -> Option<&'static str> {
    match kind {
        Kind::Other { name } => KINDS.iter().find(|own| own.eq_ignore_ascii_case(name)).copied(),
        _ => None,
    }
}

/// A range of the type, as an example for who has to write one.
pub(crate) fn example(kind: &str) -> &'static str {
    match kind {
        "tstzrange" | "tsrange" => "[2026-11-20T18:00:00Z,2026-11-20T19:00:00Z)",
        "daterange" => "[2026-11-20,2026-11-27)",
        "numrange" => "[1.5,2)",
        _ => "[1,5)",
    }
}

/// A range as PostgreSQL shows it, and so in one form alone: ranges are equal where their texts are.
///
/// # Errors
/// What it must be, for whoever sent it.
pub(crate) fn canonical(kind: &str, text: &str) -> Result<String, String> {
    match Range::parse(kind, text) {
        Ok(Some(range)) => Ok(range.text(kind)),
        Ok(None) => Ok("empty".to_owned()),
        Err(words) if words == BACKWARDS => Err("must not end before it begins".to_owned()),
        Err(_) => Err(format!("must be a range such as {}", example(kind))),
    }
}

/// Text that sorts as PostgreSQL sorts ranges: empty ones first, then by where they begin and end.
pub(crate) fn rank(kind: &str, text: &str) -> Option<String> {
    let Some(range) = Range::parse(kind, text).ok()? else { return Some(String::new()) };
    let mut rank = String::new();
    for (end, open, is_lower) in [(&range.lower, '0', true), (&range.upper, '2', false)] {
        match end {
            None => rank.push(open),
            Some((point, is_in)) => {
                rank.push('1');
                rank.push_str(&point.rank());
                // `[1` begins before `(1`, and `1)` ends before `1]`.
                rank.push(if *is_in == is_lower { '0' } else { '1' });
            }
        }
    }
    Some(rank)
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

    /// As the type writes it, in quotes where PostgreSQL's has them.
    fn written(&self, kind: &str) -> String {
        match (self, kind) {
            (Point::Whole(NEVER), "tstzrange" | "tsrange" | "daterange") => "infinity".to_owned(),
            (Point::Whole(ALWAYS), "tstzrange" | "tsrange" | "daterange") => "-infinity".to_owned(),
            (Point::Whole(moment), "tstzrange" | "tsrange") => {
                let mut text = String::new();
                moment::write_timestamp(*moment, &mut text);
                let text = text.replace('T', " ");
                // `2026-01-01 10:00:00.500000Z` is `2026-01-01 10:00:00.5`.
                let text = text.trim_end_matches('Z').trim_end_matches('0').trim_end_matches('.');
                let offset = if kind == "tstzrange" { "+00" } else { "" };
                format!("\"{text}{offset}\"")
            }
            (Point::Whole(day), "daterange") if *day == DAY_AFTER_ALL.1 => {
                DAY_AFTER_ALL.0.to_owned()
            }
            (Point::Whole(day), "daterange") => {
                let mut text = String::new();
                moment::write_date(i32::try_from(*day).unwrap_or_default(), &mut text);
                text
            }
            _ => self.text(),
        }
    }

    /// Text that sorts as points do.
    fn rank(&self) -> String {
        match self {
            // The sign is turned, so that negative numbers come first.
            Point::Whole(number) => format!("{:016x}", number.cast_unsigned() ^ (1 << 63)),
            Point::Decimal(digits) => decimal::rank(digits),
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
            step(kind, &mut lower, true)?;
            step(kind, &mut upper, false)?;
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
        let plain = |end: &str| {
            let end = end.trim();
            (!end.is_empty()).then(|| end.trim_matches('"').to_owned())
        };
        let (from, to) = (plain(from), plain(to));
        Self::new(kind, from.as_deref(), to.as_deref(), &format!("{first}{last}"))
    }

    fn text(&self, kind: &str) -> String {
        let is_in = |end: &End| end.as_ref().is_some_and(|(_, is_in)| *is_in);
        let written =
            |end: &End| end.as_ref().map(|(point, _)| point.written(kind)).unwrap_or_default();
        let (lower, upper) = (written(&self.lower), written(&self.upper));
        let open = if is_in(&self.lower) { '[' } else { '(' };
        let close = if is_in(&self.upper) { ']' } else { ')' };
        format!("{open}{lower},{upper}{close}")
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
        "tstzrange" | "tsrange" | "daterange" if value.eq_ignore_ascii_case("infinity") => {
            Point::Whole(NEVER)
        }
        "tstzrange" | "tsrange" | "daterange" if value.eq_ignore_ascii_case("-infinity") => {
            Point::Whole(ALWAYS)
        }
        "tstzrange" | "tsrange" => {
            let day = || moment::parse_date(value).map(|day| i64::from(day) * 86_400_000_000);
            // PostgreSQL shows offsets without their minutes.
            let long = || moment::parse_timestamp(&format!("{value}:00"));
            Point::Whole(moment::parse_timestamp(value).or_else(long).or_else(day)?)
        }
        "daterange" if value == DAY_AFTER_ALL.0 => Point::Whole(DAY_AFTER_ALL.1),
        "daterange" => Point::Whole(moment::parse_date(value)?.into()),
        "int4range" => Point::Whole(value.parse::<i32>().ok()?.into()),
        "int8range" => Point::Whole(value.parse().ok()?),
        _ => {
            let mut number = decimal::Decimal::parse(value)?;
            number.trim();
            Point::Decimal(number.text())
        }
    })
}

/// Of whole numbers: the lower end is in the range, the upper one is not.
fn step(kind: &str, end: &mut End, is_lower: bool) -> Result<(), String> {
    if let Some((Point::Whole(number), is_in)) = end
        && *is_in != is_lower
        && !(kind == "daterange" && [ALWAYS, NEVER].contains(number))
    {
        let next = number.checked_add(1);
        let last = match kind {
            "int4range" => i32::MAX.into(),
            "int8range" => i64::MAX,
            _ => DAY_AFTER_ALL.1,
        };
        *number = next.filter(|next| *next <= last).ok_or("the range has no next end")?;
        *is_in = is_lower;
    }
    Ok(())
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
    fn ranges_are_written_as_postgresql_writes_them() {
        let check = |kind: &str, text: &str, expected: &str| {
            assert_eq!(canonical(kind, text).as_deref(), Ok(expected), "{kind} {text}");
            assert_eq!(canonical(kind, expected).as_deref(), Ok(expected), "{kind} {expected}");
        };
        check("int4range", "[1,5]", "[1,6)");
        check("int4range", " ( -1 , ] ", "[0,)");
        check("int4range", "(1,2)", "empty");
        check("int8range", "[,]", "(,)");
        check("int8range", "[1,9223372036854775807)", "[1,9223372036854775807)");
        check("daterange", "[2026-01-01,2026-01-31]", "[2026-01-01,2026-02-01)");
        check("daterange", "(2026-01-01,infinity]", "[2026-01-02,infinity]");
        check("daterange", "[2026-01-01,9999-12-31]", "[2026-01-01,10000-01-01)");
        check("daterange", "EMPTY", "empty");
        check("numrange", "[1.50,2.]", "[1.5,2]");
        check("numrange", "(-0.0,1e2)", "(0,100)");
        let hour = "[\"2026-01-01 10:00:00+00\",\"2026-01-01 11:30:00.5+00\")";
        check("tstzrange", "[2026-01-01T12:00+02:00,2026-01-01T11:30:00.500Z)", hour);
        check("tsrange", "[2026-01-01,infinity)", "[\"2026-01-01 00:00:00\",infinity)");
        check("tsrange", "(-infinity,)", "(-infinity,)");
    }

    #[test]
    fn what_is_no_range_is_told_what_one_is() {
        let check = |kind: &str, text: &str, expected: &str| {
            assert_eq!(canonical(kind, text), Err(expected.to_owned()), "{kind} {text}");
        };
        check("int4range", "[5,1]", "must not end before it begins");
        for text in
            ["", "[", "[1", "1,5", "[1;5]", "[1,5,9]", "[a,b]", "[\"\",5]", "[1,2147483647]"]
        {
            check("int4range", text, "must be a range such as [1,5)");
        }
        check("int8range", "[1,9223372036854775807]", "must be a range such as [1,5)");
        check("numrange", "[1,NaN]", "must be a range such as [1.5,2)");
    }

    #[test]
    fn ranges_rank_as_they_sort_in_postgresql() {
        let check = |kind: &str, sorted: &[&str]| {
            let ranks: Vec<_> = sorted.iter().map(|text| rank(kind, text).expect(text)).collect();
            assert!(ranks.windows(2).all(|pair| pair[0] < pair[1]), "{ranks:?}");
        };
        check(
            "int4range",
            &["empty", "(,-5)", "(,)", "[-10,-5)", "[-9,)", "[2,3)", "[2,10)", "[10,11)"],
        );
        check(
            "numrange",
            &[
                "empty",
                "(,0)",
                "[-100,1)",
                "[-20.5,1)",
                "[-20.25,1)",
                "[-20,1)",
                "[-0.5,1)",
                "[-0.05,1)",
                "[0,0]",
                "[0,1)",
                "[0,1]",
                "(0,1)",
                "[0.05,1)",
                "[0.5,1)",
                "[1,2)",
                "[1.5,1.50]",
                "[1.5,2)",
                "[9,10)",
                "[10,11)",
                "[10,)",
            ],
        );
        check("tsrange", &["[-infinity,2026-01-01)", "[2026-01-01,2026-01-02)", "[infinity,)"]);
    }

    #[test]
    fn a_range_does_not_end_before_it_begins() {
        assert_eq!(Range::parse("int4range", "[2,1]"), Err(BACKWARDS.to_owned()));
        assert_eq!(Range::parse("int4range", "[2,2)"), Ok(None));
        assert!(Range::parse("int4range", "2-3").is_err());
    }
}
