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
