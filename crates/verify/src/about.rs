//! What a trial is about: which claims of the document it speaks for.

use document::{ClaimKind, Span, Statement, api::Endpoint};

/// The claims that a trial speaks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Kinds of claims; any where empty.
    kinds: Vec<ClaimKind>,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Subject(String),
    Span(Span),
    Anywhere,
    /// What every system promises, whether or not the document says it.
    Promise(String),
}

impl About {
    /// Claims of a kind with a subject, such as `endpoint:GET /api/v1/posts`.
    pub fn subject(kinds: &[ClaimKind], subject: impl Into<String>) -> Self {
        Self { kinds: kinds.to_vec(), place: Place::Subject(subject.into()) }
    }

    /// Claims of a kind whose statement shares bytes with a span.
    pub fn span(kinds: &[ClaimKind], span: Span) -> Self {
        Self { kinds: kinds.to_vec(), place: Place::Span(span) }
    }

    /// What every system promises without being told to.
    pub fn promise(words: &str) -> Self {
        Self { kinds: Vec::new(), place: Place::Promise(words.to_owned()) }
    }

    /// In words, where it is about no place of the document.
    pub fn words(&self) -> &str {
        match &self.place {
            Place::Promise(words) | Place::Subject(words) => words,
            Place::Span(_) | Place::Anywhere => "what nobody has to write",
        }
    }

    /// All claims of a kind.
    pub fn kind(kind: ClaimKind) -> Self {
        Self { kinds: vec![kind], place: Place::Anywhere }
    }

    /// A table, and what other forms say of it.
    pub fn table(name: &str) -> Self {
        Self::subject(&[ClaimKind::Table, ClaimKind::Diagram], format!("table:{name}"))
    }

    /// A column.
    pub fn column(table: &str, column: &str) -> Self {
        Self::subject(&[ClaimKind::Column], format!("column:{table}.{column}"))
    }

    /// A setting by its key.
    pub fn setting(key: &str) -> Self {
        Self::subject(&[ClaimKind::Setting], format!("setting:{key}"))
    }

    /// An endpoint; not its examples.
    pub fn endpoint(endpoint: &Endpoint) -> Self {
        let subject = format!("endpoint:{} {}", endpoint.method.word(), endpoint.path);
        Self::subject(&[ClaimKind::Endpoint, ClaimKind::Route], subject)
    }

    /// True where the trial speaks for this statement.
    pub fn covers(&self, statement: &Statement) -> bool {
        let Some(kind) = statement.kind else { return false };
        if !self.kinds.is_empty() && !self.kinds.contains(&kind) {
            return false;
        }
        match &self.place {
            Place::Subject(subject) => statement.subject.as_deref() == Some(subject),
            Place::Span(span) => {
                let other = statement.span;
                span.file == other.file && span.start < other.end && other.start < span.end
            }
            Place::Anywhere => true,
            Place::Promise(_) => false,
        }
    }
}
