//! Names of tables, columns and constraints within PostgreSQL's limit of 63 bytes.

use std::fmt::Write;

/// Longest name, in bytes.
const NAME_BYTES_MAX: usize = 63;
/// Bytes of a name that is shortened: the rest tells it from others that begin alike.
const KEPT_BYTES_MAX: usize = 46;

/// The name as PostgreSQL keeps it: itself where it is short enough. Longer ones would be cut
/// silently, and two that begin alike would become one.
pub(crate) fn kept(name: &str) -> std::borrow::Cow<'_, str> {
    if name.len() <= NAME_BYTES_MAX {
        return name.into();
    }
    let end = (0..=KEPT_BYTES_MAX).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    let mut short = name.get(..end).unwrap_or_default().to_owned();
    let _ = write!(short, "_{:016x}", fingerprint(name));
    short.into()
}

/// The name of a table's primary key.
pub(crate) fn primary_key(table: &str) -> String {
    kept(&format!("{table}_pkey")).into_owned()
}

/// The name of a foreign key: its table and columns.
pub(crate) fn foreign_key(table: &str, columns: &[String]) -> String {
    kept(&format!("{table}_{}_fkey", columns.join("_"))).into_owned()
}

/// FNV-1a: the same on every machine and in every version.
fn fingerprint(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::kept;

    #[test]
    fn long_names_stay_different() {
        let long = "x".repeat(70);
        let longer = "x".repeat(71);
        assert_eq!(kept("short"), "short");
        assert!(kept(&long).len() <= 63);
        assert_ne!(kept(&long), kept(&longer));
        assert!(kept(&"ä".repeat(40)).len() <= 63);
    }
}
