//! What a reader asks to see: fields, included rows, filters, order and page, from the query
//! string. A field that is never shown is unknown here: nothing filters, sorts or searches by it.

use std::sync::Arc;

use store::{Expression, Kind, Operator, Value, query::Output};

use super::{Field, Resource, cursor, output, plan::Plan, predicate, truth};
use crate::{
    Problem,
    problem::{Detail, ProblemCode},
    sabotage::{self, Sabotage},
    security::may::Asker,
};

/// Values in one list of a filter.
const LIST_MAX: usize = 100;
/// Filters in one request.
const FILTERS_MAX: usize = 50;
/// Sort keys in one request.
pub(crate) const SORT_KEYS_MAX: usize = 5;
/// Included tables in one request.
pub(crate) const INCLUDES_MAX: usize = 10;
/// Included tables inside one another.
const INCLUDE_DEPTH_MAX: usize = 3;
/// Rows of an included table shown in each row.
const INCLUDED_ROWS_MAX: u64 = 100;
/// Characters that are searched for.
const SEARCH_MAX: usize = 200;
/// Rows that may be skipped.
const OFFSET_MAX: u64 = 1_000_000_000;

/// What is shown of each row.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Its members.
    pub(crate) outputs: Arc<[Output]>,
    /// Rows of other tables inside it.
    pub(crate) includes: Vec<Include>,
}

/// Rows of another table inside each row.
#[derive(Debug, Clone)]
pub(crate) struct Include {
    /// The member's name.
    pub(crate) name: Arc<str>,
    /// The other table.
    pub(crate) resource: Arc<Resource>,
    /// The outer row's column.
    pub(crate) outer_column: Arc<str>,
    /// The inner table's column that equals it.
    pub(crate) inner_column: Arc<str>,
    /// An array, or one row or null.
    pub(crate) many: bool,
    /// Inside that.
    pub(crate) includes: Vec<Include>,
}

/// A page of rows that is asked for.
#[derive(Debug, Clone)]
pub(crate) struct ListAsk {
    /// What is shown of each.
    pub(crate) shape: Shape,
    /// Which ones; nothing yet of who may.
    pub(crate) condition: Expression,
    /// Words are searched for.
    pub(crate) is_search: bool,
    /// Fields with `true` for descending; ends with the key.
    pub(crate) order: Vec<(usize, bool)>,
    /// Number of the page, from 1.
    pub(crate) page: u64,
    /// Rows on it.
    pub(crate) limit: u64,
    /// Rows skipped.
    pub(crate) offset: u64,
    /// After the row that this cursor stands for.
    pub(crate) after: Option<Expression>,
    /// How many there are in all.
    pub(crate) count: bool,
}

/// What is shown of one row.
///
/// # Errors
/// 400 for what is unknown.
pub(crate) fn shape(
    asker: &Asker<'_>,
    resource: &Resource,
    query: &[(String, String)],
) -> Result<Shape, Problem> {
    if query.is_empty() {
        return Ok(Shape { outputs: Arc::clone(&resource.outputs), includes: Vec::new() });
    }
    let mut reader = Reader::new(asker, resource);
    for (name, value) in query {
        match name.as_str() {
            "fields" => reader.fields(value),
            "include" => reader.include(value),
            _ => reader.fault(name, "is not known here; fields and include are"),
        }
    }
    reader.check()?;
    Ok(reader.shape())
}

/// A page of rows.
///
/// # Errors
/// 400 for what is unknown or not valid, all at once.
pub(crate) fn read(
    asker: &Asker<'_>,
    plan: &Plan,
    query: &[(String, String)],
) -> Result<ListAsk, Problem> {
    let mut reader = Reader::new(asker, &plan.resource);
    for (name, value) in query {
        reader.parameter(name, value);
    }
    reader.check()?;
    reader.list()
}

struct Reader<'a> {
    asker: &'a Asker<'a>,
    resource: &'a Resource,
    faults: Vec<Detail>,
    fields: Option<Vec<usize>>,
    includes: Vec<Include>,
    include_count: usize,
    condition: Expression,
    is_search: bool,
    filters: usize,
    order: Vec<(usize, bool)>,
    direction: Option<bool>,
    page: u64,
    limit: Option<u64>,
    offset: Option<u64>,
    cursor: Option<String>,
    count: bool,
}

impl<'a> Reader<'a> {
    fn new(asker: &'a Asker<'a>, resource: &'a Resource) -> Self {
        Self {
            asker,
            resource,
            faults: Vec::new(),
            fields: None,
            includes: Vec::new(),
            include_count: 0,
            condition: Expression::Always(true),
            is_search: false,
            filters: 0,
            order: Vec::new(),
            direction: None,
            page: 1,
            limit: None,
            offset: None,
            cursor: None,
            count: false,
        }
    }

    fn fault(&mut self, name: &str, words: impl Into<String>) {
        let field: String = name.chars().take(64).collect();
        self.faults.push(Detail { field, message: words.into() });
    }

    fn check(&mut self) -> Result<(), Problem> {
        if self.faults.is_empty() {
            return Ok(());
        }
        let words = "the query string is not valid";
        let mut problem = Problem::new(ProblemCode::ValidationError, words);
        problem.details = std::mem::take(&mut self.faults);
        Err(problem)
    }

    fn parameter(&mut self, name: &str, value: &str) {
        let paging = &self.asker.running.system.api.pagination;
        match name {
            "fields" => self.fields(value),
            "include" => self.include(value),
            "sort" => self.sort(value),
            "search" => self.search(value),
            "filter" => self.filter_expression(value),
            "cursor" => self.cursor = Some(value.to_owned()),
            "count" => match value {
                "true" | "1" | "exact" => self.count = true,
                "false" | "0" | "" => {}
                _ => self.fault(name, "must be true or false"),
            },
            "offset" => {
                if let Some(offset) = self.number(name, value, 0, OFFSET_MAX) {
                    self.offset = Some(offset)
                }
            }
            _ if name == paging.page_parameter || name == "page" => {
                if let Some(page) = self.number(name, value, 1, OFFSET_MAX) {
                    self.page = page;
                }
            }
            _ if name == paging.limit_parameter || name == "limit" => {
                let limit_max = match sabotage::is(Sabotage::LimitMaxForgotten) {
                    true => u64::from(u32::MAX),
                    false => u64::from(paging.limit_max.max(1)),
                };
                // However large a number is: more than the most is the most.
                let is_whole = value.bytes().all(|byte| byte.is_ascii_digit());
                let value = if is_whole && value.len() > 18 { "999999999999999999" } else { value };
                if let Some(limit) = self.number(name, value, 1, u64::MAX)
                    && !sabotage::is(Sabotage::IgnoreLimit)
                {
                    self.limit = Some(limit.min(limit_max));
                }
            }
            _ if self.resource.visible(name).is_some() || name.contains('[') => {
                self.filter(name, value);
            }
            "q" | "query" => self.search(value),
            "sort_by" | "sortBy" | "order_by" | "orderBy" => self.sort(value),
            "order" | "sort_order" | "sortOrder" | "direction" => {
                match value.to_ascii_lowercase().as_str() {
                    "asc" => self.direction = Some(false),
                    "desc" => self.direction = Some(true),
                    _ => self.fault(name, "must be asc or desc"),
                }
            }
            _ => self.filter(name, value),
        }
    }

    fn number(&mut self, name: &str, value: &str, least: u64, most: u64) -> Option<u64> {
        match value.parse::<u64>() {
            Ok(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                self.fault(name, format!("must be a whole number from {least}"));
                None
            }
        }
    }

    /// The position of a field that may be seen; a fault where there is none.
    fn position(&mut self, parameter: &str, name: &str) -> Option<usize> {
        let resource = self.resource;
        if resource.visible(name).is_some() {
            return resource.position(name);
        }
        let similar = document::diagnostic::similar(name, resource.shown_names());
        let shown: String = name.chars().take(64).collect();
        let words = match similar.as_slice() {
            [] => format!("`{shown}` is not a field here"),
            names => format!("`{shown}` is not a field here; similar: {}", names.join(", ")),
        };
        self.fault(parameter, words);
        None
    }

    fn fields(&mut self, value: &str) {
        let mut positions = self.fields.take().unwrap_or_default();
        for name in value.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            if let Some(position) = self.position("fields", name)
                && !positions.contains(&position)
            {
                positions.push(position);
            }
        }
        if positions.is_empty() {
            self.fault("fields", "must name a field");
        }
        self.fields = Some(positions);
    }

    fn include(&mut self, value: &str) {
        for path in value.split(',').map(str::trim).filter(|path| !path.is_empty()) {
            self.include_count += 1;
            let steps: Vec<&str> = path.split('.').collect();
            if self.include_count > INCLUDES_MAX || steps.len() > INCLUDE_DEPTH_MAX {
                self.fault(
                    "include",
                    format!(
                        "takes at most {INCLUDES_MAX} tables, {INCLUDE_DEPTH_MAX} inside one another"
                    ),
                );
                return;
            }
            let mut includes = std::mem::take(&mut self.includes);
            let added = add_include(self.asker, self.resource, &mut includes, &steps);
            self.includes = includes;
            if let Err(words) = added {
                self.fault("include", words);
            }
        }
    }

    fn sort(&mut self, value: &str) {
        for key in value.split(',').map(str::trim).filter(|key| !key.is_empty()) {
            let (name, descending) = match key.strip_prefix('-') {
                Some(name) => (name, true),
                None => (key.strip_prefix('+').unwrap_or(key).trim(), false),
            };
            let (name, descending) = match name.rsplit_once(':') {
                Some((name, "desc")) => (name, true),
                Some((name, "asc")) => (name, false),
                _ => (name, descending),
            };
            let Some(position) = self.position("sort", name) else { continue };
            let kind = self.resource.field(position).map(|field| &field.kind);
            if matches!(kind, Some(Kind::Json | Kind::Array { .. } | Kind::Bytes)) {
                self.fault("sort", format!("`{name}` has no order"));
            }
            let is_new = self.order.iter().all(|(other, _)| *other != position);
            if is_new && !sabotage::is(Sabotage::IgnoreSort) {
                self.order.push((position, descending != sabotage::is(Sabotage::ReverseSort)));
            }
        }
        if self.order.len() > SORT_KEYS_MAX {
            self.fault("sort", format!("takes at most {SORT_KEYS_MAX} fields"));
        }
    }

    fn search(&mut self, words: &str) {
        if words.chars().count() > SEARCH_MAX {
            self.fault("search", format!("takes at most {SEARCH_MAX} characters"));
            return;
        }
        let texts = self.resource.fields.iter().filter(|field| field.is_text());
        let columns: Vec<String> = texts.map(|field| field.name.to_string()).collect();
        if columns.is_empty() {
            self.fault("search", "there is no text to search here");
        } else if !words.trim().is_empty() && !sabotage::is(Sabotage::IgnoreSearch) {
            self.is_search = true;
            self.narrow(Expression::Search { columns, words: words.to_owned() });
        }
    }

    fn narrow(&mut self, condition: Expression) {
        self.filters += 1;
        if self.filters > FILTERS_MAX {
            self.fault("filter", format!("at most {FILTERS_MAX} filters"));
            return;
        }
        let before = std::mem::replace(&mut self.condition, Expression::Always(true));
        self.condition = truth::and(before, condition);
    }

    fn filter_expression(&mut self, text: &str) {
        match predicate::parse(self.resource, text) {
            Ok(condition) => self.narrow(condition),
            Err(words) => self.fault("filter", words),
        }
    }

    /// `status=open`, `created_at[gte]=…`.
    fn filter(&mut self, name: &str, value: &str) {
        let (field, operator) = match name.split_once('[') {
            Some((field, rest)) => match rest.strip_suffix(']') {
                Some(operator) => (field, operator),
                None => return self.fault(name, "must look like field[operator]"),
            },
            None => (name, "eq"),
        };
        let Some(position) = self.position(name, field) else { return };
        let Some(field) = self.resource.field(position) else { return };
        match condition(field, operator, value) {
            Ok(_) if sabotage::is(Sabotage::IgnoreFilter) => {}
            Ok(condition) => self.narrow(condition),
            Err(words) => self.fault(name, words),
        }
    }

    fn shape(&self) -> Shape {
        let outputs = match &self.fields {
            _ if sabotage::is(Sabotage::IgnoreFields) => Arc::clone(&self.resource.outputs),
            None => Arc::clone(&self.resource.outputs),
            Some(positions) => {
                positions.iter().filter_map(|&at| self.resource.field(at)).map(output).collect()
            }
        };
        Shape { outputs, includes: self.includes.clone() }
    }

    fn list(mut self) -> Result<ListAsk, Problem> {
        let paging = &self.asker.running.system.api.pagination;
        let default = u64::from(paging.limit_default.clamp(1, paging.limit_max.max(1)));
        let limit = self.limit.unwrap_or(default);
        if let Some(descending) = self.direction
            && let Some(first) = self.order.first_mut()
        {
            first.1 = descending;
        }
        let last_descends = self.order.last().is_some_and(|(_, descending)| *descending);
        for &position in &self.resource.key {
            if self.order.iter().all(|(other, _)| *other != position) {
                self.order.push((position, last_descends));
            }
        }
        let offset = match self.offset {
            Some(offset) => offset,
            None => {
                let pages = self.page - 1 + u64::from(sabotage::is(Sabotage::PageOffByOne));
                pages.saturating_mul(limit)
            }
        };
        let after = match self.cursor.take() {
            None => None,
            Some(_) if sabotage::is(Sabotage::IgnoreCursor) => None,
            Some(text) => match cursor::read(self.resource, &self.order, &text) {
                Some(after) => Some(after),
                None => {
                    self.fault("cursor", "is not one that this list gave for this order");
                    None
                }
            },
        };
        self.check()?;
        let page = if self.offset.is_some() { offset / limit + 1 } else { self.page };
        Ok(ListAsk {
            shape: self.shape(),
            condition: self.condition,
            is_search: self.is_search,
            order: self.order,
            page,
            limit,
            offset: if after.is_some() { 0 } else { offset },
            after,
            count: self.count,
        })
    }
}

/// A filter on one field.
pub(crate) fn condition(field: &Field, operator: &str, value: &str) -> Result<Expression, String> {
    let column = || Expression::column(&*field.name);
    let parse = |text: &str| field.kind.parse_text(text).map_err(|words| words.to_string());
    let compare = |operator: Operator| -> Result<Expression, String> {
        refuse_without_equality(field)?;
        Ok(truth::compare(column(), operator, parse(value)?.into()))
    };
    let list = |negated: bool| -> Result<Expression, String> {
        refuse_without_equality(field)?;
        let mut values = Vec::new();
        for item in value.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            values.push(Expression::Value(parse(item)?));
        }
        if values.len() > LIST_MAX {
            return Err(format!("takes at most {LIST_MAX} values"));
        }
        Ok(truth::member_of(column(), values, negated))
    };
    let pattern = |operator: Operator| -> Result<Expression, String> {
        match field.is_text() || matches!(field.kind, Kind::Enum { .. } | Kind::Other { .. }) {
            true => Ok(column().binary(operator, Value::Text(value.to_owned()).into())),
            false => Err("patterns are for text".to_owned()),
        }
    };
    let is_null = |wanted: bool| Ok(truth::is_null(column(), !wanted));
    match operator {
        "eq" if sabotage::is(Sabotage::FilterSkipsIndex) => Ok(Expression::Case {
            branches: vec![(compare(Operator::Equal)?, Expression::Always(true))],
            otherwise: Some(Box::new(Expression::Always(false))),
        }),
        "eq" => compare(Operator::Equal),
        "ne" | "neq" => compare(Operator::NotEqual),
        "gt" => compare(Operator::Greater),
        "gte" if sabotage::is(Sabotage::BoundaryFilter) => compare(Operator::Greater),
        "gte" => compare(Operator::GreaterOrEqual),
        "lt" => compare(Operator::Less),
        "lte" => compare(Operator::LessOrEqual),
        "in" => list(false),
        "nin" | "not_in" => list(true),
        "like" => pattern(Operator::Like),
        "ilike" => pattern(Operator::ILike),
        "contains" => contains(field, value),
        "is" => match value {
            "null" => is_null(true),
            "not_null" | "notnull" => is_null(false),
            _ => Err("must be null or not_null".to_owned()),
        },
        "null" => match value {
            "true" | "1" => is_null(true),
            "false" | "0" => is_null(false),
            _ => Err("must be true or false".to_owned()),
        },
        _ => {
            Err("knows the operators eq, ne, gt, gte, lt, lte, in, nin, like, ilike, contains, is \
                  and null"
                .to_owned())
        }
    }
}

pub(crate) fn refuse_without_equality(field: &Field) -> Result<(), String> {
    match field.kind {
        Kind::Json | Kind::Array { .. } => {
            Err("is compared as a whole by nothing; use contains, is or null".to_owned())
        }
        _ => Ok(()),
    }
}

fn contains(field: &Field, value: &str) -> Result<Expression, String> {
    let column = Expression::column(&*field.name);
    match &field.kind {
        Kind::Array { .. } | Kind::Json => {
            let wanted = field.kind.parse_text(value).map_err(|words| words.to_string())?;
            Ok(column.binary(Operator::Contains, wanted.into()))
        }
        _ if field.is_text() => Ok(Expression::Search {
            columns: vec![field.name.to_string()],
            words: value.to_owned(),
        }),
        _ => Err("contains is for text, arrays and JSON".to_owned()),
    }
}

/// Adds `author.company` to what is included.
fn add_include(
    asker: &Asker<'_>,
    resource: &Resource,
    includes: &mut Vec<Include>,
    steps: &[&str],
) -> Result<(), String> {
    let Some((name, rest)) = steps.split_first() else { return Ok(()) };
    let found = find_include(asker, resource, name)?;
    let place = match includes.iter().position(|one| one.name == found.name) {
        Some(place) => place,
        None => {
            includes.push(found);
            includes.len() - 1
        }
    };
    let Some(include) = includes.get_mut(place) else { return Ok(()) };
    let inner = Arc::clone(&include.resource);
    add_include(asker, &inner, &mut include.includes, rest)
}

fn find_include(asker: &Asker<'_>, resource: &Resource, name: &str) -> Result<Include, String> {
    let resources = &asker.running.resources;
    let camel = |own: &str| super::camel(own) == name;
    let forward = resource.references.iter().find(|one| *one.name == *name || camel(&one.name));
    let forward = forward.or_else(|| resource.references.iter().find(|one| *one.table == *name));
    if let Some(one) = forward
        && let (Some(inner), Some(field)) = (resources.get(&one.table), resource.field(one.field))
        && !field.write_only
    {
        return Ok(Include {
            name: Arc::clone(&one.name),
            resource: Arc::clone(inner),
            outer_column: Arc::clone(&field.name),
            inner_column: Arc::clone(&one.column),
            many: false,
            includes: Vec::new(),
        });
    }
    let reverse = resource.referrers.iter().find(|one| *one.name == *name || camel(&one.name));
    if let Some(one) = reverse
        && let Some(inner) = resources.get(&one.table)
        && inner.visible(&one.column).is_some()
    {
        let position = inner.position(&one.column);
        return Ok(Include {
            name: Arc::clone(&one.name),
            resource: Arc::clone(inner),
            outer_column: Arc::clone(&one.own_column),
            inner_column: Arc::clone(&one.column),
            many: !position.is_some_and(|position| inner.unique.contains(&position)),
            includes: Vec::new(),
        });
    }
    let forward = resource.references.iter().map(|one| &*one.name);
    let known: Vec<&str> = forward.chain(resource.referrers.iter().map(|one| &*one.name)).collect();
    let shown: String = name.chars().take(64).collect();
    Err(match known.as_slice() {
        [] => format!("`{shown}` cannot be included; nothing is related to this table"),
        known => format!("`{shown}` cannot be included; related are {}", known.join(", ")),
    })
}

/// Rows of an included table shown in each row.
pub(crate) fn included_rows_max(many: bool) -> u64 {
    if many { INCLUDED_ROWS_MAX } else { 1 }
}
