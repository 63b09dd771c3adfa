//! The one path from text to System: outline, statements, claims, diagnostics. Never fails.

use crate::{Diagnostic, Ledger, Sources, System, outline::Outline};

/// What compiling gives.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// The text it came from.
    pub sources: Sources,
    /// The Markdown tree, for rendering the document.
    pub outline: Outline,
    /// What the document says.
    pub system: System,
    /// Every statement with its class.
    pub ledger: Ledger,
    /// What is wrong, suppressed ones taken out.
    pub diagnostics: Vec<Diagnostic>,
}

impl Compiled {
    /// True where nothing stops the whole document from being served.
    pub fn is_sound(&self) -> bool {
        self.diagnostics.iter().all(|diagnostic| diagnostic.level != crate::Level::Error)
    }
}

/// What chapter readers work on: the text and tree, and where they put what they find.
pub(crate) struct Reading<'a> {
    /// The text.
    pub(crate) sources: &'a Sources,
    /// The tree.
    pub(crate) outline: &'a Outline,
    /// What statements were understood as.
    pub(crate) ledger: Ledger,
    /// What is wrong.
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// Compiles a document. Any bytes give a System and diagnostics.
pub fn compile(sources: Sources) -> Compiled {
    let outline = Outline::of(&sources);
    let mut reading = Reading {
        sources: &sources,
        outline: &outline,
        ledger: Ledger::default(),
        diagnostics: Vec::new(),
    };
    let mut system = System::default();
    // Order matters: endpoints bind to tables and states, access to endpoints; settings take what
    // is left over.
    crate::text::read(&mut reading);
    crate::data::read(&mut reading, &mut system);
    crate::messaging::read(&mut reading, &mut system);
    crate::api::read(&mut reading, &mut system);
    crate::security::read(&mut reading, &mut system);
    crate::integration::read(&mut reading, &mut system);
    crate::resilience::read(&mut reading, &mut system);
    crate::observability::read(&mut reading, &mut system);
    crate::delivery::read(&mut reading, &mut system);
    crate::recovery::read(&mut reading, &mut system);
    crate::lexicon::read(&mut reading, &mut system);
    let (ledger, diagnostics) = crate::finish::finish(reading);
    Compiled { sources, outline, system, ledger, diagnostics }
}
