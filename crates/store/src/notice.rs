//! What processes on one database hear of each other.

/// Something that was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// The words of another process, or of this one.
    Notice(String),
    /// From now on notices are heard. What was told before may have been missed.
    Listening,
    /// Nothing is heard until further notice.
    Deaf,
}
