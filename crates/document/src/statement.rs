//! Statements and the ledger: every piece of the document that has a form, and what it was
//! understood as. `read` prints the ledger; nothing in a document is left unaccounted for.

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Chapter, Span};

/// What a statement was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Understood: it is a claim.
    Bound,
    /// Not filled in yet: not declared, never served.
    Placeholder,
    /// Ordinary text.
    Prose,
    /// Looks like a claim but was not understood.
    NotUnderstood,
}

/// Whether the running system makes a claim true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// It does.
    Enforced,
    /// It does not yet; marked so everywhere.
    NotYet,
    /// No software can (`DDoS protection`, a provider's name).
    NotEnforceable,
}

/// What kind of claim a bound statement is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the name of a claim's kind")]
pub enum ClaimKind {
    Table,
    Column,
    Key,
    Check,
    Index,
    Enum,
    View,
    Policy,
    Relation,
    Endpoint,
    Example,
    Envelope,
    ErrorShape,
    Pagination,
    Schema,
    Role,
    Access,
    Owner,
    RateLimit,
    States,
    Transition,
    Event,
    Job,
    Service,
    Route,
    Setting,
    Target,
    Alert,
    Variable,
    Flag,
    Environment,
    Backup,
    Objective,
    ErrorCategory,
    Diagram,
    Cache,
}

impl ClaimKind {
    /// The words for one claim of this kind.
    pub fn word(self) -> &'static str {
        match self {
            ClaimKind::Table => "table",
            ClaimKind::Column => "column",
            ClaimKind::Key => "key",
            ClaimKind::Check => "check",
            ClaimKind::Index => "index declaration",
            ClaimKind::Enum => "enum",
            ClaimKind::View => "view",
            ClaimKind::Policy => "row policy statement",
            ClaimKind::Relation => "relation",
            ClaimKind::Endpoint => "endpoint",
            ClaimKind::Example => "example",
            ClaimKind::Envelope => "envelope",
            ClaimKind::ErrorShape => "error shape",
            ClaimKind::Pagination => "paging rule",
            ClaimKind::Schema => "schema",
            ClaimKind::Role => "role",
            ClaimKind::Access => "access rule",
            ClaimKind::Owner => "owner",
            ClaimKind::RateLimit => "rate limit",
            ClaimKind::States => "list of states",
            ClaimKind::Transition => "transition",
            ClaimKind::Event => "event",
            ClaimKind::Job => "background job",
            ClaimKind::Service => "service",
            ClaimKind::Route => "gateway route",
            ClaimKind::Setting => "setting",
            ClaimKind::Target => "target",
            ClaimKind::Alert => "alert",
            ClaimKind::Variable => "variable",
            ClaimKind::Flag => "feature flag",
            ClaimKind::Environment => "environment",
            ClaimKind::Backup => "backup",
            ClaimKind::Objective => "recovery objective",
            ClaimKind::ErrorCategory => "error kind",
            ClaimKind::Diagram => "diagram",
            ClaimKind::Cache => "cache rule",
        }
    }
}

/// A piece of the document with a form.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Statement {
    /// Where it is.
    pub span: Span,
    /// Its form in a word: `fence`, `row`, `item`, `paragraph`, `heading`, `line`.
    pub form: &'static str,
    /// What it was taken for.
    pub class: Class,
    /// The kind of claim, where bound.
    pub kind: Option<ClaimKind>,
    /// Its chapter, where bound or under a heading that names one.
    pub chapter: Option<Chapter>,
    /// What was understood, in words: "table `users`, 7 columns"; or why it was not.
    pub meaning: String,
    /// The thing it is about, for evidence: `table:users`, `endpoint:GET /api/v1/posts`,
    /// `setting:security.token.access_seconds`.
    pub subject: Option<String>,
    /// Whether anything enforces it; only for bound statements.
    pub enforcement: Option<Enforcement>,
}

/// What a bound statement claims.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Its kind.
    pub kind: ClaimKind,
    /// Its chapter.
    pub chapter: Chapter,
    /// Whether anything enforces it.
    pub enforcement: Enforcement,
    /// What it is about; see [`Statement::subject`].
    pub subject: Option<String>,
    /// In words.
    pub meaning: String,
}

impl Claim {
    /// A claim that is enforced.
    pub fn new(kind: ClaimKind, chapter: Chapter, meaning: impl Into<String>) -> Self {
        Self {
            kind,
            chapter,
            enforcement: Enforcement::Enforced,
            subject: None,
            meaning: meaning.into(),
        }
    }

    /// Names the thing it is about.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Says whether anything enforces it.
    #[must_use]
    pub fn enforced(mut self, enforcement: Enforcement) -> Self {
        self.enforcement = enforcement;
        self
    }
}

/// All statements. Readers class spans; what nobody classed is prose in the end.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    /// In no particular order until [`Ledger::finish`].
    pub statements: Vec<Statement>,
}

impl Ledger {
    /// Records a claim.
    pub fn bind(&mut self, span: Span, form: &'static str, claim: Claim) {
        self.statements.push(Statement {
            span,
            form,
            class: Class::Bound,
            kind: Some(claim.kind),
            chapter: Some(claim.chapter),
            meaning: claim.meaning,
            subject: claim.subject,
            enforcement: Some(claim.enforcement),
        });
    }

    /// Records anything but a claim.
    pub fn class(
        &mut self,
        span: Span,
        form: &'static str,
        class: Class,
        meaning: impl Into<String>,
    ) {
        self.statements.push(Statement {
            span,
            form,
            class,
            kind: None,
            chapter: None,
            meaning: meaning.into(),
            subject: None,
            enforcement: None,
        });
    }

    /// True where a statement already lies within the span or covers it.
    pub fn knows(&self, span: Span) -> bool {
        self.statements
            .iter()
            .any(|statement| span.contains(statement.span) || statement.span.contains(span))
    }

    /// An index of what is classed so far, for asking about many spans.
    pub fn cover(&self) -> Cover {
        Cover::of(self.statements.iter().map(|statement| statement.span).collect())
    }

    /// An index of what is classed so.
    pub fn cover_of(&self, class: Class) -> Cover {
        let of_class = self.statements.iter().filter(|statement| statement.class == class);
        Cover::of(of_class.map(|statement| statement.span).collect())
    }
}

/// Which parts of the text are classed.
#[derive(Debug, Clone, Default)]
pub struct Cover {
    /// Disjoint spans in order.
    merged: Vec<Span>,
}

impl Cover {
    fn of(mut spans: Vec<Span>) -> Self {
        spans.sort_unstable();
        let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
        for span in spans {
            match merged.last_mut() {
                Some(last) if last.file == span.file && span.start < last.end => {
                    last.end = last.end.max(span.end);
                }
                _ => merged.push(span),
            }
        }
        Self { merged }
    }

    /// True where any part of the span is classed.
    pub fn knows(&self, span: Span) -> bool {
        let after =
            self.merged.partition_point(|known| (known.file, known.end) <= (span.file, span.start));
        self.merged.get(after).is_some_and(|known| {
            known.file == span.file && known.start < span.end.max(span.start + 1)
        })
    }
}
