//! Data: the document's tables as resources of the engine, and plans over them.

use std::{collections::HashMap, sync::Arc};

/// Tables as the engine serves them, by name.
#[derive(Default)]
pub struct Resources {
    /// By table name.
    pub by_name: HashMap<String, Arc<Resource>>,
}

/// A table as the engine serves it.
pub struct Resource {
    /// Its name.
    pub name: Arc<str>,
}

/// The schema that the store should have for this document.
pub fn schema(_compiled: &document::Compiled) -> store::schema::Schema {
    store::schema::Schema::default()
}
