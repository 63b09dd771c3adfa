//! Lines about caching: `User profiles: 1 hour`, rows of `| Data | TTL | Invalidation |`, `Cache-aside:
//! product lists (5 min)`, `GET /products is cached for 60 s`, keys with their time, warming.

use super::super::codes;
use super::{
    model::{CacheStrategy, CacheSubject, TTL_SECONDS_MAX},
    subject::{Meaning, Served},
};
use crate::{
    Chapter, Claim, ClaimKind, Class, Diagnostic, Enforcement, Span,
    compile::Reading,
    observability::Comparison,
    quantity::{self, Unit as Of},
    statement::Cover,
    system::System,
    unit::{self, Unit, near, units},
};

/// Headings and labels under which lines are about caching.
const CONTEXT: &[&str] = &["cach", "ttl"];
/// Caches in front of something else than rows; also as headings.
const PLACES: &[&str] = &[
    "cdn",
    "cloudfront",
    "cloudflare",
    "fastly",
    "akamai",
    "varnish",
    "nginx",
    "browser",
    "client side",
    "service worker",
    "react query",
    "tanstack query",
    "localstorage",
    "local storage",
    "indexeddb",
    "cache control",
    "prompt",
    "llm",
    "dns",
    "docker",
    "build",
    "npm",
    "offline",
    "frontend",
    "mobile",
    "opcode",
    "bytecode",
    "next js",
    "edge",
];
/// What is kept that is no row.
const THINGS: &[&str] = &[
    "session",
    "token",
    "rate limit",
    "ratelimit",
    "rate",
    "idempotency",
    "asset",
    "static file",
    "embedding",
    "jwks",
    "public key",
    "lock",
    "otp",
];
/// Headings over what is not built yet.
const LATER: &[&str] = &["future", "planned", "roadmap", "out of scope"];
/// Headers of the column that says how long.
const TIMES: &[&str] = &[
    "ttl",
    "cache ttl",
    "time to live",
    "expiry",
    "expiration",
    "expires",
    "duration",
    "cache duration",
    "cache time",
    "lifetime",
    "max age",
    "max-age",
    "cache",
    "caching",
];
/// Headers of the column that says how.
const HOWS: &[&str] = &["strategy", "pattern", "approach", "cache strategy", "caching strategy"];
/// Headers of the column that says what.
const WHATS: &[&str] = &["endpoint", "path", "route", "url"];
/// Words at which what is named ends.
const ENDS: &[&str] = &[
    " is cached",
    " are cached",
    " cached ",
    " for ",
    " with ",
    " at ",
    " on ",
    " in ",
    " using ",
    " via ",
    " during ",
    " when ",
    " every ",
    " after ",
    " upon ",
    " until ",
    " - ",
    " – ",
    " — ",
    " → ",
    " -> ",
    ": ",
];
/// Words before what is named.
const STARTS: &[&str] = &[
    "cache ",
    "caching of ",
    "caching ",
    "for ",
    "used for ",
    "on ",
    "pre-load ",
    "preload ",
    "prewarm ",
    "pre-warm ",
    "warm up ",
    "warm ",
    "load ",
    "populate ",
    "pre-populate ",
    "prefetch ",
    "the ",
];

/// What a line says about some reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    pub(super) ttl_seconds: Option<u64>,
    pub(super) strategy: Option<CacheStrategy>,
    pub(super) warm: bool,
}

/// What all lines say.
#[derive(Debug, Default)]
pub(crate) struct Drafts {
    pub(super) rules: Vec<(CacheSubject, Said, Span)>,
    /// Said of all that is read, and where.
    pub(super) general: Option<(Said, Span)>,
    /// Everything kept is to be warm.
    pub(super) warm: bool,
    /// Statements of rules: the subject and where the claim goes.
    pub(super) bound: Vec<(CacheSubject, Span, &'static str)>,
}

/// Reads every line about caching.
pub(crate) fn read(reading: &mut Reading<'_>, system: &System) -> Drafts {
    let outline = reading.outline;
    let served = Served::of(&system.data, &system.api);
    let bound = reading.ledger.cover_of(Class::Bound);
    let holes = reading.ledger.cover_of(Class::Placeholder);
    let mut reader = Reader { served, bound, drafts: Drafts::default(), reading };
    let mut contexts = unit::Contexts::new(outline);
    for unit in units(outline) {
        if unit.form == "heading" || holes.knows(unit.span) {
            continue;
        }
        let context = contexts.of(unit.node);
        match unit.fence {
            Some(_) => reader.keys(&unit, &context),
            None => reader.unit(&unit, &context),
        }
    }
    reader.drafts
}

struct Reader<'a, 'r> {
    served: Served<'a>,
    bound: Cover,
    drafts: Drafts,
    reading: &'a mut Reading<'r>,
}

impl Reader<'_, '_> {
    fn unit(&mut self, unit: &Unit<'_>, context: &[String]) {
        let line = unit.line();
        let lower = line.to_lowercase();
        let is_about = near(context, 3, CONTEXT);
        let says_so = lower.contains("cach");
        let has_column = unit.header.iter().any(|cell| is_time(&cell.text) && says(&cell.text));
        let measures = ["hit rate", "hit_rate", "hit ratio", "hit_ratio"];
        let is_other = measures.iter().any(|word| lower.contains(word)) || near(context, 3, LATER);
        if !(is_about || says_so || has_column) || is_other {
            return;
        }
        if !unit.cells.is_empty() {
            if is_about || has_column {
                self.row(unit, &lower, context);
            }
            return;
        }
        // A line that is a claim of another kind counts only where it speaks of caching itself.
        if self.bound.knows(unit.span) && !says_so && !near(context, 2, CONTEXT) {
            return;
        }
        let said = said(&line);
        if says_warm(&lower) {
            return self.warm(unit, &line);
        }
        let Some((label, value)) = unit.label_value() else {
            return self.sentence(unit, &line, &said, is_about, context);
        };
        if is_elsewhere(&lower, context) {
            return self.elsewhere(unit, label.text, &said);
        }
        let value_said = self::said(value.text);
        match self.served.meaning(label.text) {
            Meaning::Subjects(subjects) if value_said.is_some() || said.is_some() => {
                self.bind(subjects, &value_said.or(said), unit.span, unit.form);
            }
            // `Cache-aside: product lists (5 min)`, `5 minutes: categories`.
            _ if self::said(label.text).is_some() => {
                self.list(unit, label.text, value.text);
            }
            Meaning::Nothing if value_said.is_some() => {
                self.under(unit, context, &value_said);
            }
            Meaning::Everything if value_said.is_some() && is_about => {
                self.everything(unit, &value_said);
            }
            Meaning::Unserved if value_said.ttl_seconds.is_some() && is_about => {
                self.elsewhere(unit, label.text, &value_said);
            }
            _ => self.sentence(unit, &line, &said, is_about, context),
        }
    }

    /// `| Product list | Cache-aside | 5 min | on update |`.
    fn row(&mut self, unit: &Unit<'_>, lower: &str, context: &[String]) {
        let time = unit.header.iter().position(|cell| is_time(&cell.text));
        let how = unit.column(HOWS).map(|cell| cell.text.as_str()).unwrap_or("");
        let text = match time.filter(|at| *at > 0) {
            Some(at) => unit.cells.get(at).map(|cell| cell.text.as_str()).unwrap_or(""),
            None => unit.cells.get(1).map(|cell| cell.text.as_str()).unwrap_or(""),
        };
        let mut found = said(text);
        found.strategy = found.strategy.or(said(how).strategy);
        if !found.is_some() {
            return;
        }
        let what = match unit.column(WHATS) {
            Some(cell) => {
                let method = unit.column(&["method", "verb"]).map_or("", |cell| cell.trimmed());
                format!("{method} {}", cell.trimmed())
            }
            None => unit.cells.first().map_or(String::new(), |cell| cell.trimmed().to_owned()),
        };
        if is_elsewhere(lower, context) {
            return self.elsewhere(unit, &what, &found);
        }
        match self.served.meaning(&what) {
            Meaning::Subjects(subjects) => self.bind(subjects, &found, unit.span, unit.form),
            Meaning::Everything => self.everything(unit, &found),
            Meaning::Unserved | Meaning::Nothing => self.elsewhere(unit, &what, &found),
        }
    }

    /// `Cache-aside: product lists (TTL 5 min), user profiles`: each name with its own time.
    fn list(&mut self, unit: &Unit<'_>, label: &str, value: &str) {
        let all = said(label);
        let mut bound = false;
        for clause in clauses(value) {
            let own = said(clause).or(all.clone());
            if let Meaning::Subjects(subjects) = self.served.meaning(&named(clause)) {
                self.bind(subjects, &own, unit.span, unit.form);
                bound = true;
            }
        }
        let whole = said(&format!("{label} {value}"));
        if !bound && all.strategy.is_some() {
            self.everything(unit, &whole);
        }
    }

    /// `TTL: 5 minutes` under what it is about.
    fn under(&mut self, unit: &Unit<'_>, context: &[String], said: &Said) {
        for words in context.iter().take(2) {
            match self.served.meaning(words) {
                Meaning::Subjects(subjects) => {
                    return self.bind(subjects, said, unit.span, unit.form);
                }
                // Above the section on caching stands the document's title.
                _ if words.contains("cach") => break,
                Meaning::Nothing | Meaning::Everything => {}
                // What is said below something else is not said of everything.
                Meaning::Unserved => return,
            }
        }
        // A time alone is a setting; with its strategy it is a sentence of its own.
        if said.strategy.is_some() && near(context, 2, CONTEXT) {
            self.everything(unit, said);
        }
    }

    /// `Product lists are cached for 5 minutes`.
    fn sentence(
        &mut self,
        unit: &Unit<'_>,
        line: &str,
        said: &Said,
        is_about: bool,
        context: &[String],
    ) {
        let lower = line.to_lowercase();
        let says_so = lower.contains("cached for") || lower.contains("cache ") || is_about;
        let is_one = times(line) == 1 || said.ttl_seconds == Some(0);
        if !says_so || !is_one || is_elsewhere(&lower, context) {
            return;
        }
        if let Meaning::Subjects(subjects) = self.served.meaning(&named(line)) {
            self.bind(subjects, said, unit.span, unit.form);
        }
    }

    /// `Cache warming: popular products at start`.
    fn warm(&mut self, unit: &Unit<'_>, line: &str) {
        let text = unit.label_value().map_or(line, |(_, value)| value.text);
        let said = Said { warm: true, ..Said::default() };
        match self.served.meaning(&named(text)) {
            Meaning::Subjects(subjects) => self.bind(subjects, &said, unit.span, unit.form),
            Meaning::Everything | Meaning::Nothing | Meaning::Unserved => {
                let lower = text.to_lowercase();
                let at_start = ["start", "deploy", "boot", "frequent", "popular", "yes", "enabled"];
                self.drafts.warm |= at_start.iter().any(|word| lower.contains(word));
            }
        }
    }

    /// Keys with their times in a fence: `product:{id} -> JSON (TTL: 1 hour)`.
    fn keys(&mut self, unit: &Unit<'_>, context: &[String]) {
        let Some(fence) = unit.fence else { return };
        let is_plain =
            matches!(fence.language.as_str(), "" | "text" | "redis" | "txt" | "plaintext");
        if !is_plain || !near(context, 3, &["cach", "redis"]) {
            return;
        }
        let mut start = 0;
        for line in fence.text.split_inclusive('\n') {
            let from = start;
            start += line.len();
            let text = line.trim_end();
            let key = text.split_whitespace().next().unwrap_or("");
            let found = said(text);
            let is_key = key.contains(':') && key.contains(['{', '<', '*']);
            if !is_key || found.ttl_seconds.is_none() || is_elsewhere(&text.to_lowercase(), &[]) {
                continue;
            }
            if let Meaning::Subjects(subjects) = self.served.meaning(key) {
                let span = fence.span_of(from..from + text.len());
                self.bind(subjects, &found, span, "line");
            }
        }
    }

    fn bind(&mut self, subjects: Vec<CacheSubject>, said: &Said, span: Span, form: &'static str) {
        for subject in subjects {
            self.drafts.bound.push((subject.clone(), span, form));
            let known = self.drafts.rules.iter_mut().find(|(own, ..)| *own == subject);
            let Some((_, own, first)) = known else {
                self.drafts.rules.push((subject, said.clone(), span));
                continue;
            };
            if let (Some(one), Some(other)) = (own.ttl_seconds, said.ttl_seconds)
                && one != other
            {
                self.reading.diagnostics.push(two_times(&subject, (one, *first), (other, span)));
            }
            own.ttl_seconds = own.ttl_seconds.or(said.ttl_seconds);
            own.strategy = own.strategy.or(said.strategy);
            own.warm |= said.warm;
        }
    }

    fn everything(&mut self, unit: &Unit<'_>, said: &Said) {
        if let Some((known, _)) = &mut self.drafts.general {
            known.ttl_seconds = known.ttl_seconds.or(said.ttl_seconds);
            known.strategy = known.strategy.or(said.strategy);
        } else {
            self.drafts.general = Some((said.clone(), unit.span));
        }
    }

    /// Understood, but about nothing that is served here.
    fn elsewhere(&mut self, unit: &Unit<'_>, what: &str, said: &Said) {
        let Some(seconds) = said.ttl_seconds else { return };
        let what = what.split('(').next().unwrap_or("");
        let what: String = what.trim_matches(['`', '*', ' ']).chars().take(60).collect();
        if what.is_empty() || self.bound.knows(unit.span) {
            return;
        }
        let time = time(seconds);
        let meaning = format!("{what} for {time}: no table or endpoint here has this name");
        let claim = Claim::new(ClaimKind::Cache, Chapter::Data, meaning)
            .enforced(Enforcement::NotEnforceable);
        self.reading.ledger.bind(unit.span, unit.form, claim);
    }
}

impl Said {
    fn is_some(&self) -> bool {
        self.ttl_seconds.is_some() || self.strategy.is_some()
    }

    fn or(self, other: Said) -> Said {
        Said {
            ttl_seconds: self.ttl_seconds.or(other.ttl_seconds),
            strategy: self.strategy.or(other.strategy),
            warm: self.warm || other.warm,
        }
    }
}

fn two_times(subject: &CacheSubject, first: (u64, Span), second: (u64, Span)) -> Diagnostic {
    let message = format!(
        "`{}` is kept for {} here and for {} elsewhere",
        subject.words(),
        time(second.0),
        time(first.0)
    );
    Diagnostic::new(&codes::D025, second.1, message)
        .label("these two disagree")
        .also(first.1, format!("{} here, which is the time that holds", time(first.0)))
        .help("keep one of them, or say in the label which reads each is for: lists or details")
}

/// A length of time for people.
pub(super) fn time(seconds: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "at most some days")]
    let seconds = seconds as f64;
    crate::lexicon::time(seconds)
}

/// The time and the strategy that a text names.
fn said(text: &str) -> Said {
    let lower = text.to_lowercase();
    let strategy = [
        ("write-through", CacheStrategy::WriteThrough),
        ("write through", CacheStrategy::WriteThrough),
        ("read-through", CacheStrategy::ReadThrough),
        ("read through", CacheStrategy::ReadThrough),
        ("cache-aside", CacheStrategy::CacheAside),
        ("cache aside", CacheStrategy::CacheAside),
        ("lazy loading", CacheStrategy::CacheAside),
    ];
    let strategy = strategy.iter().find(|(words, _)| lower.contains(words)).map(|(_, one)| *one);
    let never = ["not cached", "no cache", "no caching", "never cached", "don't cache", "no-store"];
    let endless =
        ["infinite", "forever", "no expiry", "no expiration", "until invalidated", "no ttl"];
    let bare = lower.trim().trim_matches(['`', '*', '.']);
    let has = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let ttl_seconds = if has(&never) || matches!(bare, "no" | "none" | "never" | "❌" | "✗") {
        Some(0)
    } else if let Some(seconds) = ttl(text) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked")]
        let whole = seconds.ceil().min(1e9) as u64;
        Some(whole.min(TTL_SECONDS_MAX))
    } else {
        has(&endless).then_some(TTL_SECONDS_MAX)
    };
    Said { ttl_seconds, strategy, warm: false }
}

/// The first length of time that is no bound of something measured.
fn ttl(text: &str) -> Option<f64> {
    let is_bound = |comparison| matches!(comparison, Comparison::Less | Comparison::Greater);
    let amounts = quantity::amounts(text).into_iter();
    let mut times = amounts.filter(|amount| {
        amount.unit == Of::Time && !amount.comparison.is_some_and(is_bound) && amount.value >= 0.0
    });
    times.next().map(|amount| amount.value)
}

/// How many lengths of time a text names.
fn times(text: &str) -> usize {
    quantity::amounts(text).iter().filter(|amount| amount.unit == Of::Time).count()
}

/// Clauses of a list of names, where parentheses hold what is said of one.
fn clauses(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0_usize, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' | ';' | '\n' if depth == 0 => {
                found.push(text.get(start..at).unwrap_or("").trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(text.get(start..).unwrap_or("").trim());
    found.retain(|clause| !clause.is_empty());
    found
}

/// What a clause or sentence names: without the verb before and whatever follows.
fn named(text: &str) -> String {
    let mut rest = text.trim();
    let lower_starts = |rest: &str, start: &str| {
        rest.get(..start.len()).is_some_and(|head| head.eq_ignore_ascii_case(start))
    };
    while let Some(start) = STARTS.iter().find(|start| lower_starts(rest, start)) {
        rest = rest.get(start.len()..).unwrap_or("").trim_start();
    }
    let lower = rest.to_ascii_lowercase();
    let end = ENDS.iter().filter_map(|word| lower.find(word)).min();
    rest.get(..end.unwrap_or(rest.len())).unwrap_or("").to_owned()
}

fn is_time(header: &str) -> bool {
    let words = crate::outline::heading_words(header);
    TIMES.iter().any(|time| words == *time || words.starts_with(&format!("{time} ")))
}

fn says(header: &str) -> bool {
    let lower = header.to_lowercase();
    lower.contains("cach") || lower.contains("ttl")
}

fn says_warm(lower: &str) -> bool {
    ["warming", "warm-up", "warm up", "cache warm", "preload", "pre-load", "pre-warm", "prewarm"]
        .iter()
        .any(|word| lower.contains(word))
}

/// True where a line or what stands right above it is about another cache.
pub(super) fn is_elsewhere(lower: &str, context: &[String]) -> bool {
    let padded = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.fold(String::from(" "), |padded, word| padded + word + " ")
    };
    let names = |padded: &str, words: &[&str]| {
        words.iter().any(|word| {
            padded.contains(&format!(" {word} ")) || padded.contains(&format!(" {word}s "))
        })
    };
    let line = padded(lower);
    names(&line, PLACES)
        || names(&line, THINGS)
        || context.iter().take(2).any(|words| names(&padded(words), PLACES))
}
