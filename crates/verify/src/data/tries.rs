//! What is tried with a column's type: values inside, at and just past its bounds.

use document::{
    System,
    data::{Column, ColumnType, Table},
};
use serde_json::{Value as Json, json};

use crate::fixture::{fresh_uuid, text_of_length};

/// Longest text that is sent.
const LENGTH_MAX: u32 = 100_000;

/// One value.
#[derive(Debug, Clone)]
pub(super) struct Try {
    /// In words: `text of 81 characters`.
    pub(super) words: String,
    /// What is sent.
    pub(super) value: Json,
    /// What the row holds then; none where the value is refused.
    pub(super) taken: Option<Json>,
}

fn taken(words: impl Into<String>, value: Json) -> Try {
    Try { words: words.into(), taken: Some(value.clone()), value }
}

fn becomes(words: impl Into<String>, value: Json, taken: Json) -> Try {
    Try { words: words.into(), value, taken: Some(taken) }
}

fn refused(words: impl Into<String>, value: Json) -> Try {
    Try { words: words.into(), value, taken: None }
}

/// What is tried with a column.
pub(super) fn of(system: &System, table: &Table, column: &Column) -> Vec<Try> {
    if let Some((values, _)) = system.data.values_of(table, column)
        && !matches!(column.kind, ColumnType::Array { .. })
    {
        let mut tries: Vec<Try> =
            values.iter().map(|value| taken(format!("`{value}`"), value.as_str().into())).collect();
        tries.push(refused("a word that is not listed", "zz-unlisted".into()));
        tries.push(refused("a number", json!(7)));
        return tries;
    }
    of_kind(&column.kind, &column.name)
}

fn object() -> Try {
    refused("an object", json!({"a": 1}))
}

fn of_kind(kind: &ColumnType, name: &str) -> Vec<Try> {
    match kind {
        ColumnType::Text { length_max: Some(length) } if *length <= LENGTH_MAX => {
            let of_length = |length: u32| Json::from(text_of_length(name, length as usize));
            vec![
                taken(format!("text of {length} characters"), of_length(*length)),
                refused(format!("text of {} characters", length + 1), of_length(length + 1)),
                object(),
            ]
        }
        ColumnType::Text { .. } | ColumnType::CaseInsensitiveText => {
            let long = text_of_length(name, if name.contains("mail") { 60 } else { 2000 });
            vec![taken("long text", long.into()), object()]
        }
        ColumnType::Integer { bits } | ColumnType::Serial { bits } => integer(*bits),
        ColumnType::Numeric { precision: Some(precision), scale } => {
            numeric(*precision, scale.unwrap_or(0))
        }
        ColumnType::Numeric { .. } => {
            vec![taken("a decimal number", json!(1234.5)), refused("a word", "many".into())]
        }
        ColumnType::Real { .. } => {
            vec![taken("a fraction", json!(0.25)), refused("a word", "many".into())]
        }
        ColumnType::Boolean => vec![
            taken("true", true.into()),
            taken("false", false.into()),
            refused("a word", "perhaps".into()),
        ],
        ColumnType::Uuid => vec![refused("text that is no UUID", "not-a-uuid".into())],
        ColumnType::Timestamp { .. } => vec![
            becomes(
                "a moment with an offset",
                "2026-03-04T07:06:07+02:00".into(),
                "2026-03-04T05:06:07Z".into(),
            ),
            refused("a word", "yesterday".into()),
        ],
        ColumnType::Date => vec![
            taken("a leap day", "2028-02-29".into()),
            refused("a day that no month has", "2026-02-30".into()),
        ],
        ColumnType::Time => vec![
            taken("a time of day", "18:30:00".into()),
            refused("a time that no day has", "25:00:00".into()),
        ],
        ColumnType::Interval => {
            vec![taken("a length of time", "PT90M".into()), refused("a word", "soon".into())]
        }
        ColumnType::Json => vec![taken("nested JSON", json!({"a": [1, null, {"b": "ä"}]}))],
        ColumnType::Bytes => vec![
            taken("base64", "dmVyaWZ5".into()),
            refused("what is no base64", "*not base64*".into()),
        ],
        ColumnType::Array { .. } => {
            vec![taken("an empty list", json!([])), refused("a number", json!(7))]
        }
        ColumnType::Network => vec![
            taken("an address", "192.0.2.1".into()),
            refused("an address that does not exist", "192.0.2.999".into()),
        ],
        ColumnType::Enum { .. } => vec![refused("a word that is not listed", "zz-unlisted".into())],
        ColumnType::Other { name } => other(name),
    }
}

/// Ranges are shown in one form, and end where they begin or later; any text may be of another type.
fn other(name: &str) -> Vec<Try> {
    let (given, shown, backwards) = match name {
        "int4range" | "int8range" => ("[1,5]", "[1,6)", "[5,1]"),
        "numrange" => ("[1.50,2)", "[1.5,2)", "[5,1]"),
        "daterange" => {
            ("[2026-01-01,2026-01-31]", "[2026-01-01,2026-02-01)", "[2026-01-31,2026-01-01]")
        }
        "tsrange" => (
            "[2026-01-01T10:00:00Z,)",
            "[\"2026-01-01 10:00:00\",)",
            "[2026-01-31T10:00:00Z,2026-01-01T10:00:00Z)",
        ),
        "tstzrange" => (
            "[2026-01-01T12:00:00+02:00,)",
            "[\"2026-01-01 10:00:00+00\",)",
            "[2026-01-31T10:00:00Z,2026-01-01T10:00:00Z)",
        ),
        _ => return vec![object()],
    };
    vec![
        becomes("a range", given.into(), shown.into()),
        refused("a range that ends before it begins", backwards.into()),
        refused("what is no range", "some of it".into()),
        object(),
    ]
}

fn integer(bits: u8) -> Vec<Try> {
    let (least, most) = match bits {
        16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
        64 => (i64::MIN, i64::MAX),
        _ => (i64::from(i32::MIN), i64::from(i32::MAX)),
    };
    let past = match bits {
        64 => json!(9_223_372_036_854_775_808_u64),
        _ => json!(most + 1),
    };
    vec![
        taken("the largest number", most.into()),
        taken("the smallest number", least.into()),
        refused("one more than the largest number", past),
        refused("a fraction", json!(1.5)),
        refused("a word", "many".into()),
    ]
}

fn numeric(precision: u16, scale: u16) -> Vec<Try> {
    let whole = usize::from(precision.saturating_sub(scale));
    let fraction = usize::from(scale);
    let nines = |count: usize| "9".repeat(count);
    let largest = match (whole, fraction) {
        (0, fraction) => format!("0.{}", nines(fraction)),
        (whole, 0) => nines(whole),
        (whole, fraction) => format!("{}.{}", nines(whole), nines(fraction)),
    };
    let past = format!("1{}", "0".repeat(whole));
    // Beyond fifteen digits a number loses some on its way as JSON; a string keeps them.
    let spelled = |text: String| match text.len() <= 15 {
        true => serde_json::from_str(&text).unwrap_or(Json::Null),
        false => Json::from(text),
    };
    let mut tries = vec![
        taken("the largest number", spelled(largest)),
        refused("a number with a digit too many", spelled(past)),
        refused("a word", "many".into()),
    ];
    if whole > 0 && fraction < 12 {
        let finer = format!("0.{}4", "0".repeat(fraction));
        tries.push(becomes("more digits after the point than are kept", spelled(finer), json!(0)));
    }
    tries
}

/// A key that no row has.
pub(super) fn nowhere(kind: &ColumnType) -> Option<Json> {
    Some(match kind {
        ColumnType::Uuid => fresh_uuid().into(),
        ColumnType::Integer { bits: 16 } | ColumnType::Serial { bits: 16 } => json!(32_701),
        ColumnType::Integer { .. } | ColumnType::Serial { .. } => json!(2_147_400_001),
        ColumnType::Text { length_max } => {
            text_of_length("key", length_max.unwrap_or(30).min(30) as usize).into()
        }
        ColumnType::CaseInsensitiveText | ColumnType::Other { .. } => "nowhere".into(),
        _ => return None,
    })
}
