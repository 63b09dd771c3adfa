//! Values whose text does not sort as they do, as values that do: for stores that keep their text.

use std::net::IpAddr;

use crate::{Kind, Value, moment, range};

const DAY: i64 = 86_400_000_000;
/// Days of a month where lengths of time are compared, as in PostgreSQL.
const MONTH_DAYS: i64 = 30;

/// True where values of the kind are ranked.
pub(crate) fn is_ranked(kind: &Kind) -> bool {
    matches!(kind, Kind::Enum { .. } | Kind::Interval | Kind::Network)
        || range::of_kind(kind).is_some()
}

/// The rank of a value of the kind; none where it is none.
pub(crate) fn of(kind: &Kind, text: &str) -> Option<Value> {
    match kind {
        Kind::Enum { values, .. } => {
            let place = values.iter().position(|value| value == text)?;
            i64::try_from(place).ok().map(Value::Integer)
        }
        Kind::Interval => interval(text).map(Value::Integer),
        Kind::Network => network(text).map(Value::Text),
        kind => range::rank(range::of_kind(kind)?, text).map(Value::Text),
    }
}

/// Microseconds of a length of time.
pub(crate) fn interval(text: &str) -> Option<i64> {
    let (months, days, microseconds) = moment::interval_parts(&text.parse().ok()?);
    let days = months.saturating_mul(MONTH_DAYS).saturating_add(days);
    Some(days.saturating_mul(DAY).saturating_add(microseconds))
}

/// Family, network, length of the network, address: in hexadecimal digits that sort as networks do.
pub(crate) fn network(text: &str) -> Option<String> {
    let (address, bits) = match text.split_once('/') {
        Some((address, bits)) => (address, bits.parse::<u32>().ok()?),
        None => (text, 128),
    };
    Some(match address.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => {
            let (address, bits) = (u32::from(address), bits.min(32));
            let masked = address & u32::MAX.checked_shl(32 - bits).unwrap_or(0);
            format!("4{masked:08x}{bits:02x}{address:08x}")
        }
        IpAddr::V6(address) => {
            let (address, bits) = (u128::from(address), bits.min(128));
            let masked = address & u128::MAX.checked_shl(128 - bits).unwrap_or(0);
            format!("6{masked:032x}{bits:02x}{address:032x}")
        }
    })
}

#[cfg(test)]
mod tests {
    use super::{interval, network};

    #[test]
    fn lengths_and_networks_rank_as_they_sort_in_postgresql() {
        assert!(interval("P1M") > interval("P29D"));
        assert_eq!(interval("P1D"), interval("PT24H"));
        assert!(interval("-PT1S") < interval("PT0S"));
        let sorted = ["9.0.0.0", "10.0.0.0/8", "10.0.0.0/16", "10.0.0.1", "10.1.0.0/16", "::1"];
        assert!(sorted.is_sorted_by_key(|text| network(text)));
    }
}
