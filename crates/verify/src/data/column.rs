//! Trials of a column: its type, null, default, list of values, and whether it is shown.

use document::{
    ClaimKind,
    data::{Column, ColumnType, DefaultValue},
};
use futures_util::future::join_all;
use serde_json::Value as Json;

use super::{Desk, is_shown, single, tries};
use crate::{
    About, Request, evaluate,
    fixture::{Row, constant_default, default_words, in_row, is_link, is_of_range, passes, same},
    shape,
};

/// Clocks may differ by so many seconds.
const CLOCK_SECONDS_MAX: i64 = 300;

/// Tries a column.
pub(super) async fn probe(desk: &Desk<'_>, column: &Column) {
    let trial = Trial { desk, column, about: abouts(desk, column) };
    if !is_shown(desk.stage, desk.table, column) {
        trial.hidden().await;
        return;
    }
    if column.generated.is_some() {
        trial.computed().await;
        return;
    }
    trial.round().await;
    let is_serial = matches!(column.kind, ColumnType::Serial { .. });
    if is_serial {
        trial.counted().await;
    } else {
        let tries = tries::of(desk.stage.system(), desk.table, column);
        join_all(tries.iter().map(|one| trial.value(one))).await;
        trial.null().await;
    }
    trial.default().await;
    if column.touched_on_update {
        trial.touched().await;
    }
}

fn abouts(desk: &Desk<'_>, column: &Column) -> Vec<About> {
    let mut abouts = vec![About::column(&desk.table.name, &column.name)];
    let data = &desk.stage.system().data;
    if let ColumnType::Enum { name } = &column.kind
        && let Some(listed) = data.enumeration(name)
    {
        abouts.push(About::span(&[ClaimKind::Enum], listed.span));
    }
    abouts
}

struct Trial<'s> {
    desk: &'s Desk<'s>,
    column: &'s Column,
    about: Vec<About>,
}

impl Trial<'_> {
    fn judge(&self, expected: &str, answer: &crate::Answer, holds: bool) {
        for about in &self.about {
            self.desk.stage.book.judge(about, expected, answer, holds);
        }
    }

    fn name(&self) -> String {
        self.desk.shown(&self.column.name)
    }

    fn is_key(&self) -> bool {
        self.desk.table.primary_key.contains(&self.column.name)
    }

    fn is_unique(&self) -> bool {
        self.is_key()
            || self.desk.table.unique_keys.iter().any(|key| key.columns.contains(&self.column.name))
    }

    fn is_state(&self) -> bool {
        self.desk.stage.system().messaging.machines.iter().any(|machine| {
            machine.table == self.desk.table.name && machine.column == self.column.name
        })
    }

    /// True where a key of several columns is in use by chance, which says nothing of this one.
    fn collides(&self, answer: &crate::Answer) -> bool {
        let is_wide = |key: &document::data::UniqueKey| key.columns.len() > 1;
        let table = self.desk.table;
        let has_wide = table.primary_key.len() > 1 || table.unique_keys.iter().any(is_wide);
        answer.status == 409 && has_wide
    }

    /// A row that fits, with another value for this column; none where a check forbids it.
    async fn row_with(&self, value: Option<&Json>) -> Option<Row> {
        let mut row = self.desk.stage.candidate(self.desk.table).await.ok()?;
        match value {
            Some(value) => row.insert(self.name(), value.clone()),
            None => row.remove(&self.name()),
        };
        Some(row)
    }

    /// The value that the row was made with stands in it.
    async fn round(&self) {
        let Ok(row) = self.desk.stage.candidate(self.desk.table).await else { return };
        let Some(sent) = row.get(&self.name()).cloned() else { return };
        let Ok(answer) = self.desk.stage.create(self.desk.table, row).await else { return };
        let expected = format!("a value is kept: {sent}");
        let came = shape::row(self.desk.stage.system(), &answer.json);
        let came = came.and_then(|row| row.get(&self.name()));
        let holds =
            answer.is_success() && came.is_some_and(|came| same(&self.column.kind, &sent, came));
        self.judge(&expected, &answer, holds);
    }

    /// One value, in a new row and as a change.
    async fn value(&self, one: &tries::Try) {
        match &one.taken {
            Some(taken) => self.taken(one, taken).await,
            None => self.refused(one).await,
        }
    }

    async fn taken(&self, one: &tries::Try, taken: &Json) {
        // A wide range stands in the way of all other rows.
        let table = self.desk.table;
        if is_link(table, self.column) || is_of_range(table, self.column) {
            return;
        }
        let stage = self.desk.stage;
        let expected = format!("{} is taken and kept", one.words);
        let holds = |answer: &crate::Answer| {
            let came = shape::row(stage.system(), &answer.json);
            let came = came.and_then(|row| row.get(&self.name()));
            answer.is_success() && came.is_some_and(|came| same(&self.column.kind, taken, came))
        };
        let Some(row) = self.row_with(Some(&one.value)).await else { return };
        if !passes(stage.system(), self.desk.table, &row) {
            return;
        }
        // What is kept of a value must pass the checks as well.
        let mut kept = row.clone();
        kept.insert(self.name(), taken.clone());
        if !passes(stage.system(), self.desk.table, &kept) {
            return;
        }
        if let Ok(answer) = stage.create(self.desk.table, row).await
            && !self.collides(&answer)
        {
            self.judge(&expected, &answer, holds(&answer));
        }
        // A change of a key, or to a state, is another claim's trial.
        if self.is_unique() || self.is_state() || self.column.touched_on_update {
            return;
        }
        let mut changed = self.desk.row.clone();
        changed.insert(self.name(), one.value.clone());
        if passes(stage.system(), self.desk.table, &changed) {
            let set = single(self.name(), one.value.clone());
            // Of a row of its own, since other trials read the desk's.
            let Ok(own) = stage.row(self.desk.table).await else { return };
            if let Some(answer) = self.desk.change_of(&own, set).await {
                self.judge(&format!("{expected}, as a change"), &answer, holds(&answer));
            }
        }
    }

    async fn refused(&self, one: &tries::Try) {
        let expected = format!("{} is refused with 400", one.words);
        self.refuse(&one.value, &expected).await;
    }

    async fn refuse(&self, value: &Json, expected: &str) {
        if let Some(row) = self.row_with(Some(value)).await
            && let Ok(answer) = self.desk.stage.create(self.desk.table, row).await
        {
            self.judge(expected, &answer, answer.is_invalid());
        }
        if self.is_key() || self.column.touched_on_update {
            return;
        }
        let set = single(self.name(), value.clone());
        if let Some(answer) = self.desk.change(set).await {
            self.judge(&format!("{expected}, as a change"), &answer, answer.is_invalid());
        }
    }

    async fn null(&self) {
        if !self.column.nullable {
            // Whoever leaves the key out gets one.
            if !self.column.touched_on_update {
                self.refuse(&Json::Null, "null is refused with 400").await;
            }
            if self.is_filled() {
                return;
            }
            let Some(row) = self.row_with(None).await else { return };
            if let Ok(answer) = self.desk.stage.create(self.desk.table, row).await {
                let expected = "a row without it is refused with 400";
                self.judge(expected, &answer, answer.is_invalid());
            }
            return;
        }
        let null =
            tries::Try { words: "null".to_owned(), value: Json::Null, taken: Some(Json::Null) };
        let is_owner = is_link(self.desk.table, self.column);
        if !is_owner {
            self.taken(&null, &Json::Null).await;
        }
    }

    /// True where a sentence about access reads the column: it may name whoever makes the row, and
    /// is then filled in for them.
    fn names_caller(&self) -> bool {
        let (system, table) = (self.desk.stage.system(), self.desk.table);
        let name = &self.column.name;
        let mut owners = system.security.owners.iter();
        let of_grants = system.security.grants.iter().filter(|grant| grant.table == table.name);
        let mut conditions = of_grants.flat_map(|grant| grant.condition.iter().chain(&grant.check));
        owners.any(|owner| owner.table == table.name && owner.path.first() == Some(name))
            || conditions.any(|condition| condition.columns().contains(&name.as_str()))
    }

    /// True where whoever makes a row may leave the column out.
    fn is_filled(&self) -> bool {
        let column = self.column;
        let table = self.desk.table;
        let users = self.desk.stage.fixture.users_table().map_or("users", |users| &users.name);
        let refers_to_user = table
            .foreign_keys
            .iter()
            .any(|key| key.table == users && key.columns.contains(&column.name));
        let is_creation = column.name.starts_with("created")
            && matches!(column.kind, ColumnType::Timestamp { .. } | ColumnType::Date);
        column.default.is_some()
            || self.names_caller()
            || refers_to_user
            || is_creation
            || column.touched_on_update
            || self.is_state()
            || self.is_key() && column.kind == ColumnType::Uuid
            || self.desk.stage.fixture.is_users(table)
                && self.desk.stage.fixture.is_reserved(column)
    }

    /// A number that the store hands out: each row gets its own, the later one the greater.
    async fn counted(&self) {
        let (stage, table) = (self.desk.stage, self.desk.table);
        let number = |row: &Row| row.get(&self.name()).and_then(Json::as_i64);
        let Ok(row) = stage.candidate(table).await else { return };
        let Ok(answer) = stage.create(table, row).await else { return };
        let later = shape::row(stage.system(), &answer.json).and_then(number);
        let holds = answer.is_success() && later.is_some() && number(&self.desk.row) < later;
        self.judge("a new row gets the next number", &answer, holds);
        let set = single(self.name(), "many".into());
        if let Some(answer) = self.desk.change(set).await {
            self.judge("a word is refused with 400", &answer, answer.is_invalid());
        }
    }

    /// What a row holds that says nothing of it.
    async fn default(&self) {
        let Some(words) = default_words(self.column) else { return };
        if self.is_state() {
            return;
        }
        let Some(mut row) = self.row_with(None).await else { return };
        if !passes(self.desk.stage.system(), self.desk.table, &row) {
            return;
        }
        row.remove(&self.name());
        let Ok(answer) = self.desk.stage.create(self.desk.table, row).await else { return };
        if self.collides(&answer) {
            return;
        }
        let came = shape::row(self.desk.stage.system(), &answer.json);
        let came = came.and_then(|row| row.get(&self.name())).cloned().unwrap_or(Json::Null);
        let holds = match &self.column.default {
            Some(DefaultValue::Now) => came.as_str().is_some_and(is_near_now),
            Some(DefaultValue::Today) => came.as_str().is_some_and(is_near_now),
            Some(DefaultValue::RandomUuid) => {
                came.as_str().is_some_and(|came| uuid::Uuid::try_parse(came).is_ok())
                    && Some(&came) != self.desk.row.get(&self.name())
            }
            _ => constant_default(self.column)
                .is_some_and(|wanted| same(&self.column.kind, &wanted, &came)),
        };
        let expected = format!("a row without it holds {words}");
        self.judge(&expected, &answer, answer.is_success() && holds);
    }

    /// A column that is never shown: not in a row, and not by way of a filter or an order.
    async fn hidden(&self) {
        let stage = self.desk.stage;
        let name = self.name();
        if let Some(answer) = self.desk.read(&self.desk.row).await {
            let is_there =
                shape::row(stage.system(), &answer.json).is_none_or(|row| row.contains_key(&name));
            self.judge("a row does not show it", &answer, answer.status == 200 && !is_there);
        }
        let list = stage.paths().of_table(self.desk.table, document::api::Operation::List);
        let Some((_, path)) = list else { return };
        let filter = format!("{name}[like]");
        let queries: [&[(&str, &str)]; 4] =
            [&[(&name, "a")], &[(&filter, "%a%")], &[("sort", &name)], &[("fields", &name)]];
        for query in queries {
            let request = Request::get(format!("{path}?{}", shape::query(query)));
            let answer = stage.as_admin(request).await;
            let parameter = query.first().map_or("", |(parameter, _)| parameter);
            let expected = format!("`{parameter}` that asks for it is refused with 400");
            self.judge(&expected, &answer, answer.is_invalid());
        }
        let is_password = stage.fixture.is_users(self.desk.table);
        if is_password && !self.column.nullable {
            let Ok(mut row) = stage.candidate(self.desk.table).await else { return };
            row.remove("password");
            if let Ok(answer) = stage.create(self.desk.table, row).await {
                let expected = "a user without a password is refused with 400";
                self.judge(expected, &answer, answer.is_invalid());
            }
        }
    }

    /// A column that is computed from others.
    async fn computed(&self) {
        let stage = self.desk.stage;
        let (system, table) = (stage.system(), self.desk.table);
        let Some(expression) =
            self.column.generated.as_ref().and_then(|generated| generated.expression.as_ref())
        else {
            for about in &self.about {
                stage.book.skip(about, "it is computed", "its expression is not understood");
            }
            return;
        };
        let Ok(row) = stage.candidate(table).await else { return };
        let Ok(answer) = stage.create(table, row.clone()).await else { return };
        let came = shape::row(system, &answer.json).cloned().unwrap_or_default();
        let read = |name: &str| in_row(system, table, &came, name);
        match evaluate::value(expression, &read) {
            Some(wanted) => {
                let value = came.get(&self.name()).cloned().unwrap_or(Json::Null);
                let holds = evaluate::of_json(value.clone()) == wanted
                    || matches!(&wanted, evaluate::Value::Number(number)
                        if same(&self.column.kind, &Json::from(*number), &value));
                self.judge("it is computed from its row", &answer, answer.is_success() && holds);
            }
            None => self.judge(
                "a row is made with it",
                &answer,
                answer.is_success() && came.contains_key(&self.name()),
            ),
        }
        let mut forged = row;
        forged.insert(self.name(), stage.fixture.value(table, self.column, 1));
        if let Ok(answer) = stage.create(table, forged).await {
            self.judge("a value for it is refused with 400", &answer, answer.is_invalid());
        }
    }

    /// A column that moves with each change.
    async fn touched(&self) {
        let stage = self.desk.stage;
        let Ok(before) = stage.row(self.desk.table).await else { return };
        let Some(other) = self.desk.table.columns.iter().find(|other| {
            other.name != self.column.name
                && is_shown(stage, self.desk.table, other)
                && !self.desk.table.primary_key.contains(&other.name)
                && other.generated.is_none()
                && matches!(other.kind, ColumnType::Text { .. } | ColumnType::Boolean)
        }) else {
            return;
        };
        let name = self.desk.shown(&other.name);
        let same_value = before.get(&name).cloned().unwrap_or(Json::Null);
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        let Some(answer) = self.desk.change_of(&before, single(name, same_value)).await else {
            return;
        };
        let moment =
            |row: &Row| row.get(&self.name()).and_then(Json::as_str).and_then(evaluate::moment_of);
        let after = shape::row(stage.system(), &answer.json).and_then(moment);
        let has_moved = after.is_some() && moment(&before) < after;
        self.judge("it moves with a change", &answer, answer.is_success() && has_moved);
    }
}

fn is_near_now(text: &str) -> bool {
    let Some(moment) = evaluate::moment_of(text) else { return false };
    let seconds = jiff::Timestamp::now().as_second() - moment.as_second();
    let allowed = if text.len() == 10 { 86_400 } else { 0 } + CLOCK_SECONDS_MAX;
    seconds.abs() <= allowed
}
