//! The one path from text to System: outline, statements, claims, diagnostics. Never fails.

use std::collections::BTreeMap;

use crate::{
    ClaimKind, Class, Diagnostic, Ledger, Sources, System, outline::Outline, suppress::Suppressed,
};

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
    /// What is wrong but suppressed by a comment, with its reason.
    pub suppressed: Vec<Suppressed>,
}

/// What compiling depends on besides the text.
#[derive(Debug, Clone, Default)]
pub struct CompileOptions {
    /// Today as `YYYY-MM-DD`, for suppressions with an end; none expires where it is not given.
    pub today: Option<String>,
}

/// How many statements of each class and claims of each kind a document has.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct Tally {
    /// Claims.
    pub bound: usize,
    /// Not filled in yet.
    pub placeholder: usize,
    /// Ordinary text.
    pub prose: usize,
    /// Looks like a claim but was not understood.
    pub not_understood: usize,
    /// Claims that nothing enforces yet.
    pub not_enforced: usize,
    /// Claims by kind.
    pub kinds: BTreeMap<ClaimKind, usize>,
}

impl Compiled {
    /// True where nothing stops the whole document from being served.
    pub fn is_sound(&self) -> bool {
        self.diagnostics.iter().all(|diagnostic| diagnostic.level != crate::Level::Error)
    }

    /// Counts statements by class and claims by kind; the classes add up to all statements.
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for statement in &self.ledger.statements {
            match statement.class {
                Class::Bound => tally.bound += 1,
                Class::Placeholder => tally.placeholder += 1,
                Class::Prose => tally.prose += 1,
                Class::NotUnderstood => tally.not_understood += 1,
            }
            if let (Class::Bound, Some(kind)) = (statement.class, statement.kind) {
                *tally.kinds.entry(kind).or_default() += 1;
                if statement.enforcement == Some(crate::Enforcement::NotYet) {
                    tally.not_enforced += 1;
                }
            }
        }
        tally
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
    compile_with(sources, &CompileOptions::default())
}

/// Compiles a document with options.
pub fn compile_with(sources: Sources, options: &CompileOptions) -> Compiled {
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
    let kept = crate::data::cache::read(&mut reading, &system);
    crate::integration::read(&mut reading, &mut system);
    crate::resilience::read(&mut reading, &mut system);
    crate::observability::read(&mut reading, &mut system);
    crate::delivery::read(&mut reading, &mut system);
    crate::recovery::read(&mut reading, &mut system);
    crate::lexicon::read(&mut reading, &mut system);
    crate::data::cache::settle(&mut reading, &mut system, kept);
    let finished = crate::finish::finish(reading, options);
    let crate::finish::Finished { ledger, diagnostics, suppressed } = finished;
    Compiled { sources, outline, system, ledger, diagnostics, suppressed }
}
