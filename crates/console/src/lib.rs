//! How a running document is shown: the living page is the document itself, with the evidence of
//! the running system beside each claim.

mod body;
pub mod diagram;
mod mark;
