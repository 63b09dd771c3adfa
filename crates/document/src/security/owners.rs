//! Finds which rows belong to whom: the column that names the user, or a chain of foreign keys
//! that leads to one.

use std::collections::HashMap;

use crate::{
    Diagnostic, Span,
    data::{Column, ColumnType, Data, ForeignKey, ReferentialAction, Table, View},
    expression::{Expression, Operator},
    security::{Identity, Owner, codes, vocabulary::singular},
};

/// A chain has at most so many foreign keys.
const STEPS_MAX: usize = 3;

/// Columns that name the owner, most telling first. The words of the users' table and `_id` come
/// right after the first two.
const NAMES: &[&str] = &[
    "owner_id",
    "user_id",
    "author_id",
    "created_by",
    "creator_id",
    "created_by_id",
    "created_by_user_id",
    "owner",
    "customer_id",
    "buyer_id",
    "member_id",
    "account_id",
    "profile_id",
    "posted_by",
    "submitted_by",
    "requested_by",
    "requester_id",
    "uploaded_by",
    "author",
    "creator",
    "employee_id",
    "student_id",
    "patient_id",
    "follower_id",
];

/// Beginnings of columns that name a user who does something with the row of another.
const OTHERS: &[&str] = &[
    "approve",
    "assign",
    "review",
    "update",
    "modif",
    "edit",
    "delete",
    "verif",
    "shared",
    "resolve",
    "cancel",
    "reject",
    "moderat",
    "supervis",
    "manage",
    "parent",
    "last_",
    "changed",
    "process",
    "handle",
    "invited",
    "referr",
    "block",
    "blacklist",
    "granted",
    "check",
    "confirm",
    "target",
    "performed",
    "closed",
    "published",
    "validat",
    "inspect",
];

/// Pairs of people who both own a row: who acts, set on create, and whom it is for.
const PAIRS: &[(&str, &[&str])] = &[
    ("sender", &["recipient", "receiver", "addressee"]),
    ("from", &["to"]),
    ("from_user", &["to_user"]),
    ("source_user", &["target_user"]),
    ("buyer", &["seller", "vendor"]),
    ("requester", &["addressee", "recipient", "receiver", "target", "requestee"]),
    ("requestor", &["addressee", "recipient", "receiver", "target", "requestee"]),
    ("follower", &["following", "followed", "followee"]),
    ("inviter", &["invitee", "invited"]),
    ("giver", &["receiver", "taker"]),
    ("payer", &["payee"]),
    ("lender", &["borrower"]),
    ("caller", &["callee"]),
    ("mentor", &["mentee"]),
    ("user", &["friend", "following", "followed", "contact", "matched_user", "other_user"]),
    ("user1", &["user2"]),
    ("user_1", &["user_2"]),
    ("user_a", &["user_b"]),
    ("user_one", &["user_two"]),
];

/// Pairs of people of whom only the one who acts owns the row: nobody takes back the block or the
/// report that is about them.
const ABOUT_ANOTHER: &[(&str, &[&str])] = &[
    ("blocker", &["blocked"]),
    ("muter", &["muted"]),
    ("referrer", &["referred", "referee"]),
    ("reporter", &["reported"]),
    ("reviewer", &["reviewee", "reviewed"]),
    ("rater", &["ratee", "rated"]),
    ("liker", &["liked"]),
    ("voter", &["voted", "candidate"]),
    ("subscriber", &["subscribed", "publisher", "creator"]),
    ("user", &["blocked", "muted", "reported", "liked", "target_user"]),
];

/// Columns that name an owner even where no foreign key is written.
const NAMES_WITHOUT_KEY: &[&str] = &["owner_id", "user_id", "author_id", "created_by"];

/// The users as other tables refer to them.
struct Users<'a> {
    tables: HashMap<&'a str, &'a Table>,
    /// The identity's table and key; none where it is built in.
    table: Option<(&'a str, &'a str)>,
}

impl Users<'_> {
    /// True where a foreign key leads to the key of a user.
    fn are_meant_by(&self, key: &ForeignKey) -> bool {
        if key.columns.len() != 1 {
            return false;
        }
        match self.table {
            Some((table, column)) if key.table == table => {
                key.referred.first().is_none_or(|referred| referred == column)
            }
            // The built-in users, or those of the platform that the identity's table extends.
            _ => {
                matches!(key.table.as_str(), "auth_users" | "auth.users")
                    || (self.table.is_none()
                        && matches!(key.table.as_str(), "users" | "user")
                        && !self.tables.contains_key(key.table.as_str()))
                    || self.shares_the_key(&key.table)
            }
        }
    }

    /// True for a table whose primary key is the user's key, such as a profile.
    fn shares_the_key(&self, name: &str) -> bool {
        let Some(table) = self.tables.get(name) else { return false };
        let Some(key) = table.key() else { return false };
        let is_identity = |key: &ForeignKey| match self.table {
            Some((users, _)) => key.table == users,
            None => matches!(key.table.as_str(), "auth_users" | "auth.users"),
        };
        table
            .foreign_keys
            .iter()
            .any(|foreign| foreign.columns == [key.name.clone()] && is_identity(foreign))
    }

    fn has_name(&self, name: &str) -> bool {
        let own = self.table.map(|(table, _)| format!("{}_id", singular(table)));
        NAMES_WITHOUT_KEY.contains(&name) || own.is_some_and(|own| own == name)
    }
}

/// What was found about ownership.
pub(super) struct Ownership {
    /// The owner of each table that has one.
    pub(super) owners: Vec<Owner>,
    /// Tables where several ways lead to a user: nothing is guessed, and the diagnostic is told
    /// only where a sentence depends on the owner.
    pub(super) ambiguous: HashMap<String, Diagnostic>,
    places: HashMap<String, usize>,
}

impl Ownership {
    /// The owner of a table's rows.
    pub(super) fn of(&self, table: &str) -> Option<&Owner> {
        self.places.get(table).and_then(|&at| self.owners.get(at))
    }

    /// True where several ways lead to a user.
    pub(super) fn is_ambiguous(&self, table: &str) -> bool {
        self.ambiguous.contains_key(table)
    }
}

/// The owners of all tables' rows.
pub(super) fn owners(data: &Data, identity: &Identity) -> Ownership {
    let table = match identity {
        Identity::BuiltIn => None,
        Identity::Table { table, key, .. } => Some((table.as_str(), key.as_str())),
    };
    let tables = data.tables.iter().map(|table| (table.name.as_str(), table)).collect();
    let users = Users { tables, table };
    let mut owners: Vec<Owner> =
        data.tables.iter().filter_map(|table| direct(table, &users)).collect();
    // Chains grow one step at a time, so that the shortest is found first.
    let mut known: HashMap<String, Owner> =
        owners.drain(..).map(|owner| (owner.table.clone(), owner)).collect();
    let mut ambiguous: HashMap<String, Diagnostic> = HashMap::new();
    for _ in 1..STEPS_MAX {
        let mut found = Vec::new();
        for table in &data.tables {
            if known.contains_key(&table.name) || ambiguous.contains_key(&table.name) {
                continue;
            }
            match through(table, &known, &ambiguous) {
                Some(Ok(owner)) => found.push(owner),
                Some(Err(diagnostic)) => {
                    ambiguous.insert(table.name.clone(), diagnostic);
                }
                None => {}
            }
        }
        if found.is_empty() {
            break;
        }
        known.extend(found.into_iter().map(|owner: Owner| (owner.table.clone(), owner)));
    }
    owners.extend(data.tables.iter().filter_map(|table| known.remove(&table.name)));
    let of_views: Vec<Owner> =
        data.views.iter().filter_map(|view| of_view(view, &owners)).collect();
    owners.extend(of_views);
    let places = owners.iter().enumerate().map(|(at, owner)| (owner.table.clone(), at)).collect();
    Ownership { owners, places, ambiguous }
}

/// The owner that a view shows of a table below it, where no other table below it has one.
fn of_view(view: &View, owners: &[Owner]) -> Option<Owner> {
    if owners.iter().any(|owner| owner.table == view.name) {
        return None;
    }
    let mut below = owners.iter().filter(|owner| {
        view.tables.contains(&owner.table)
            && matches!(owner.path.as_slice(), [only] if only != "id" && view.columns.contains(only))
    });
    match (below.next(), below.next()) {
        (Some(only), None) => {
            // A pair's second column need not be shown.
            let column = only.path.first()?;
            let condition = equals_me(column);
            Some(Owner { table: view.name.clone(), condition, ..only.clone() })
        }
        _ => None,
    }
}

/// `sender`, `sender_id`, `sender_user_id`: the person of this name.
fn names_person(column: &str, stem: &str) -> bool {
    let rest = column.strip_prefix(stem);
    rest.is_some_and(|rest| matches!(rest, "" | "_id" | "_user_id" | "_by" | "_uuid" | "_user"))
}

/// The owner that a column of the table itself names.
fn direct(table: &Table, users: &Users<'_>) -> Option<Owner> {
    let is_identity = users.table.is_some_and(|(name, _)| name == table.name);
    if is_identity || users.shares_the_key(&table.name) {
        let key = table.key()?;
        return Some(owner(table, vec![key.name.clone()], equals_me(&key.name), key.span));
    }
    let keys: Vec<(&Column, Span)> = table
        .foreign_keys
        .iter()
        .filter(|key| users.are_meant_by(key))
        .filter_map(|key| Some((table.column(key.columns.first()?)?, key.span)))
        .collect();
    let has = |name: &str| keys.iter().find(|(column, _)| column.name == name);
    let person = |stem: &str| keys.iter().find(|(column, _)| names_person(&column.name, stem));
    let pair = |pairs: &[(&str, &[&str])]| {
        pairs.iter().find_map(|(acts, others)| {
            let other = others.iter().find_map(|other| person(other))?;
            Some((person(acts)?, other))
        })
    };
    if let Some(((first, span), (second, _))) = pair(PAIRS) {
        let either = equals_me(&first.name).binary(Operator::Or, equals_me(&second.name));
        return Some(owner(table, vec![first.name.clone()], either, *span));
    }
    if let Some(((first, span), _)) = pair(ABOUT_ANOTHER) {
        return Some(owner(table, vec![first.name.clone()], equals_me(&first.name), *span));
    }
    let named = NAMES.iter().find_map(|name| has(name));
    let is_others = |name: &str| OTHERS.iter().any(|beginning| name.starts_with(beginning));
    let mut left = keys.iter().filter(|(column, _)| !is_others(&column.name));
    let only = || match (left.next(), left.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    };
    if let Some((column, span)) = named.or_else(only) {
        let condition = equals_me(&column.name);
        return Some(owner(table, vec![column.name.clone()], condition, *span));
    }
    let column = table.columns.iter().find(|column| {
        users.has_name(&column.name)
            && holds_a_key(column)
            && !table.foreign_keys.iter().any(|key| key.columns.contains(&column.name))
    })?;
    Some(owner(table, vec![column.name.clone()], equals_me(&column.name), column.span))
}

/// True for types that hold a key.
fn holds_a_key(column: &Column) -> bool {
    matches!(column.kind, ColumnType::Uuid | ColumnType::Text { .. } | ColumnType::Integer { .. })
}

/// A foreign key that leads to a user: through a table with this owner, or one whose owner is
/// ambiguous.
type Way<'a> = (&'a ForeignKey, Option<&'a Owner>);

/// The owner that a foreign key leads to through tables whose owner is known; the diagnostic
/// where several keys lead to one.
fn through(
    table: &Table,
    owners: &HashMap<String, Owner>,
    unclear: &HashMap<String, Diagnostic>,
) -> Option<Result<Owner, Diagnostic>> {
    let mut found: Vec<Way<'_>> = table
        .foreign_keys
        .iter()
        .filter(|key| key.columns.len() == 1 && key.referred.len() == 1 && key.table != table.name)
        .filter_map(|key| {
            let parent = owners.get(&key.table);
            let is_unclear = unclear.contains_key(&key.table);
            let is_near = parent.is_some_and(|parent| parent.path.len() < STEPS_MAX);
            (is_near || is_unclear).then_some((key, parent))
        })
        .collect();
    // What is ambiguous is at least as far as two steps.
    let length = |(_, parent): &Way<'_>| parent.map_or(2, |parent| parent.path.len());
    let shortest = found.iter().map(length).min()?;
    found.retain(|way| length(way) == shortest);
    let column = |key: &ForeignKey| key.columns.first().and_then(|name| table.column(name));
    let is_required = |key: &ForeignKey| column(key).is_some_and(|column| !column.nullable);
    let is_named =
        |key: &ForeignKey| column(key).is_some_and(|column| NAMES.contains(&column.name.as_str()));
    // A part belongs to the whole that carries its name: `order_items` to `orders`.
    let is_part = |key: &ForeignKey| table.name.starts_with(&format!("{}_", singular(&key.table)));
    let dies_along = |key: &ForeignKey| key.on_delete == ReferentialAction::Cascade;
    prefer(&mut found, is_required);
    prefer(&mut found, is_named);
    prefer(&mut found, is_part);
    prefer(&mut found, dies_along);
    let (key, parent) = match found.as_slice() {
        [(key, Some(parent))] => (*key, *parent),
        [(first, _), others @ ..] => return Some(Err(ambiguous(table, first, others))),
        [] => return None,
    };
    let (column, referred) = (key.columns.first()?, key.referred.first()?);
    let mut path = vec![column.clone()];
    path.extend(parent.path.iter().cloned());
    let condition = Expression::InSelect {
        operand: Box::new(Expression::column(column)),
        column: referred.clone(),
        table: key.table.clone(),
        condition: Box::new(parent.condition.clone()),
    };
    Some(Ok(owner(table, path, condition, key.span)))
}

/// Keeps those that hold, where any does.
fn prefer(found: &mut Vec<Way<'_>>, holds: impl Fn(&ForeignKey) -> bool) {
    if found.iter().any(|(key, _)| holds(key)) {
        found.retain(|(key, _)| holds(key));
    }
}

fn ambiguous(table: &Table, first: &ForeignKey, others: &[Way<'_>]) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(
        &codes::S005,
        table.span,
        format!("several foreign keys of `{}` lead to a user", table.name),
    )
    .label("nobody but the admin owns its rows")
    .also(first.span, format!("one way, through `{}`", first.table));
    for (key, _) in others {
        diagnostic = diagnostic.also(key.span, format!("another, through `{}`", key.table));
    }
    diagnostic.help(format!(
        "to say whose rows they are, give `{}` a column `user_id` that refers to the users",
        table.name
    ))
}

fn equals_me(column: &str) -> Expression {
    Expression::column(column).equals(Expression::principal_id())
}

fn owner(table: &Table, path: Vec<String>, condition: Expression, span: Span) -> Owner {
    Owner { table: table.name.clone(), path, condition, span }
}
