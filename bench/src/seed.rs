//! The rows that are asked for: the same ones in every database, made from their number.

use std::path::Path;

use rusqlite::{Connection, params};
use uuid::Uuid;

use crate::Failure;

/// Rows that are written by one statement's transaction.
const CHUNK: usize = 50_000;

/// A user who asks with a token.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) token: String,
    /// Keys of notes that are the user's own.
    pub(crate) notes: Vec<String>,
}

impl User {
    pub(crate) fn note(&self, place: usize) -> &str {
        self.notes.get(place % self.notes.len().max(1)).map_or("", String::as_str)
    }
}

/// Keys that exist, and rows that do not exist yet.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    /// Rows in `messages`.
    pub(crate) rows: usize,
    pub(crate) users: Vec<User>,
}

impl Keys {
    pub(crate) fn message(&self, place: usize) -> Uuid {
        message(place % self.rows.max(1))
    }

    pub(crate) fn user(&self, place: usize) -> Option<&User> {
        self.users.get(place % self.users.len().max(1))
    }

    pub(crate) fn new_message(&self, place: usize) -> String {
        let (room, author, data) = (room(place), author(place), data(place));
        format!(r#"{{"room":"{room}","author":"{author}","data":"{data}"}}"#)
    }

    pub(crate) fn new_note(&self, place: usize) -> String {
        format!(r#"{{"room":"{}","data":"{}"}}"#, room(place), data(place))
    }
}

/// Numbers without a visible order, the same in each run (the finisher of SplitMix64).
fn scatter(number: usize) -> u64 {
    let mut mixed = (number as u64).wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// A key of a message is `first + place * factor % prime`, its decimal digits taken for
/// hexadecimal ones and filled with zeros: in no visible order, and `pgbench` can compute it.
pub(crate) const KEY: [u128; 3] = [618_033_988_749, 799_999_999_991, 100_000_000_000];

fn message(place: usize) -> Uuid {
    let [factor, prime, first] = KEY;
    let digits = format!("{:0<32}", first + place as u128 * factor % prime);
    Uuid::from_u128(u128::from_str_radix(&digits, 16).unwrap_or(0))
}

/// The key of any other row.
fn key(place: usize) -> Uuid {
    Uuid::from_u64_pair(scatter(place), scatter(place ^ 0x5555_5555))
}

fn room(place: usize) -> String {
    format!("room {}", place % 100)
}

fn author(place: usize) -> Uuid {
    key(place % 1000 + (1 << 40))
}

/// A row of `messages`, as text.
pub(crate) struct Message {
    pub(crate) id: Uuid,
    pub(crate) room: String,
    pub(crate) author: Uuid,
    pub(crate) data: String,
    pub(crate) created_at: String,
}

impl Message {
    pub(crate) fn at(place: usize) -> Self {
        Self {
            id: message(place),
            room: room(place),
            author: author(place),
            data: data(place),
            created_at: moment(place),
        }
    }
}

/// 32 to 128 characters.
fn data(place: usize) -> String {
    let length = 32 + (scatter(place) % 97) as usize;
    format!("{:x}", scatter(place)).chars().cycle().take(length).collect()
}

fn moment(place: usize) -> String {
    let (day, rest) = (place / 86_400, place % 86_400);
    let (month, day) = (1 + (day / 28) % 12, 1 + day % 28);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("2026-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.000000Z")
}

/// Fills `messages` up to a number of rows, and gives each user as many notes.
pub(crate) fn fill(database: &Path, rows: usize, owners: &[String]) -> Result<(), Failure> {
    let mut connection = Connection::open(database)?;
    connection.busy_timeout(std::time::Duration::from_secs(30))?;
    let present: i64 =
        connection.query_row("SELECT count(*) FROM messages", [], |row| row.get(0))?;
    let present = usize::try_from(present)?;
    for chunk in (present..rows).collect::<Vec<_>>().chunks(CHUNK) {
        let transaction = connection.transaction()?;
        let mut statement = transaction.prepare_cached(
            "INSERT INTO messages (id, room, author, data, created_at) VALUES (?, ?, ?, ?, ?)",
        )?;
        for &place in chunk {
            let Message { id, room, author, data, created_at } = Message::at(place);
            let (id, author) = (id.to_string(), author.to_string());
            statement.execute(params![id, room, author, data, created_at])?;
        }
        drop(statement);
        transaction.commit()?;
    }
    let transaction = connection.transaction()?;
    for (number, owner) in owners.iter().enumerate() {
        for place in 0..NOTES {
            transaction.prepare_cached(
                "INSERT OR IGNORE INTO notes (id, user_id, room, data, created_at) VALUES (?, ?, ?, ?, ?)",
            )?
            .execute(params![note(number, place), owner, room(place), data(place), moment(place)])?;
        }
    }
    transaction.commit()?;
    Ok(())
}

/// Notes of each user.
const NOTES: usize = 1000;

fn note(user: usize, place: usize) -> String {
    key((user + 2) * (1 << 41) + place).to_string()
}

/// The keys of a user's notes.
pub(crate) fn notes_of(user: usize) -> Vec<String> {
    (0..NOTES).map(|place| note(user, place)).collect()
}
