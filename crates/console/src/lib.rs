//! How a running document is shown: the living page is the document itself, with the evidence of
//! the running system beside each claim. [`Console`] is the site map.

mod body;
pub mod diagram;
mod mark;
mod page;
