//! What a row of the lexicon holds.

use crate::{Chapter, Enforcement};

/// One setting that documents state.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Its key, such as `resilience.circuit_breaker.failures_max`; units come last.
    pub key: &'static str,
    /// Its chapter.
    pub chapter: Chapter,
    /// Labels in the normal form of [`super::normal`]; `*` at one end stands for the subject.
    pub spellings: &'static [&'static str],
    /// What its value is.
    pub form: Form,
    /// The value where the document is silent, as a person would write it.
    pub default: Option<&'static str>,
    /// One of these words must stand in the label's context; none are needed where empty.
    pub under: &'static [&'static str],
    /// Where one of these stands in the context, the label means something else.
    pub not_under: &'static [&'static str],
    /// Whether the engine makes it true.
    pub enforcement: Enforcement,
    /// What makes it true, in words; empty where nothing does.
    pub enforced_by: &'static str,
}

/// What a value is and how it is found in the text after the label.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// A length of time: the first.
    Seconds,
    /// The length of time that stands right before or after one of these words.
    SecondsNear(&'static [&'static str]),
    /// The length of time after a count or share: `5 failures in 10 seconds`.
    Window,
    /// Several lengths of time.
    SecondsList,
    /// A size.
    Bytes,
    /// A share.
    Ratio,
    /// A number.
    Count,
    /// The number that stands near one of these words.
    CountNear(&'static [&'static str]),
    /// A factor: `2x`, `2`.
    Factor,
    /// Yes or no.
    Boolean,
    /// The first of these words that occurs, and the word it is stored as.
    Word(&'static [(&'static str, &'static str)]),
    /// The text as written.
    Text,
}

impl Entry {
    /// A row that nothing enforces yet.
    pub(super) const fn new(
        key: &'static str,
        chapter: Chapter,
        form: Form,
        spellings: &'static [&'static str],
    ) -> Self {
        Self {
            key,
            chapter,
            spellings,
            form,
            default: None,
            under: &[],
            not_under: &[],
            enforcement: Enforcement::NotYet,
            enforced_by: "",
        }
    }

    /// Only where one of these words stands in the context.
    pub(super) const fn under(mut self, words: &'static [&'static str]) -> Self {
        self.under = words;
        self
    }

    /// Not where one of these words stands in the context.
    pub(super) const fn not_under(mut self, words: &'static [&'static str]) -> Self {
        self.not_under = words;
        self
    }

    /// The value where the document is silent.
    pub(super) const fn default(mut self, value: &'static str) -> Self {
        self.default = Some(value);
        self
    }

    /// Says what in the engine makes it true.
    pub(super) const fn enforced(mut self, by: &'static str) -> Self {
        self.enforcement = Enforcement::Enforced;
        self.enforced_by = by;
        self
    }

    /// Says that no software can make it true.
    pub(super) const fn elsewhere(mut self) -> Self {
        self.enforcement = Enforcement::NotEnforceable;
        self
    }
}
