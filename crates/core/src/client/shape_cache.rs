//! Caches how versions write their output.

use std::{collections::HashMap, sync::Mutex};

use crate::{platform::lock, value::Value};

/// How a version writes its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All at once, or unknown.
    Whole,
    /// Item by item.
    Items,
    /// Item by item, where each item is the text of one event.
    Texts,
}

impl Shape {
    /// Determines the shape from the schema of a version.
    pub fn of(version: &Value) -> Self {
        let output = &version["openapi_schema"]["components"]["schemas"]["Output"];
        // Before this release, the schema did not distinguish lists from iterators.
        let unmarked =
            || version["cog_version"].as_str().is_some_and(|version| is_before(version, [0, 3, 9]));
        let iterates = output["x-cog-array-type"].as_str() == Some("iterator") || unmarked();
        let items = &output["items"];
        match (output["type"].as_str(), items["type"].as_str()) {
            (Some("array"), _) if !iterates => Self::Whole,
            // The URLs in the events of files differ from those of the output.
            (Some("array"), Some("string")) if items["format"].is_null() => Self::Texts,
            (Some("array"), _) => Self::Items,
            _ => Self::Whole,
        }
    }
}

fn is_before(version: &str, release: [u32; 3]) -> bool {
    let numbers: Option<Vec<u32>> = version.split('.').take(3).map(|number| number.parse().ok()).collect();
    numbers.is_some_and(|numbers| numbers.as_slice() < release.as_slice())
}

/// The shapes of versions that this client has run.
#[derive(Default)]
pub(crate) struct Shapes(Mutex<HashMap<String, Shape>>);

impl Shapes {
    /// Maximum number of versions.
    const VERSIONS: usize = 4096;

    pub fn get(&self, version: &str) -> Option<Shape> {
        lock(&self.0).get(version).copied()
    }

    pub fn learn(&self, version: String, shape: Shape) {
        let mut shapes = lock(&self.0);
        if shapes.len() < Self::VERSIONS {
            shapes.insert(version, shape);
        }
    }
}
