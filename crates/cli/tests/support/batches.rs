//! Helpers for batches.

use std::{collections::HashSet, fs};

use replicant_emulator::{Definition, Scripted};
use serde_json::{Value, json};

use super::{Place, eventually};

/// Parses lines of results, in the order of the rows.
pub fn results(text: &str) -> Vec<Value> {
    let mut results: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    results.sort_by_key(|result| result["index"].as_u64());
    results
}

impl Place {
    /// Returns the results in a file, in the order of the rows.
    pub fn results(&self, name: &str) -> Vec<Value> {
        results(&fs::read_to_string(self.home.join(name)).unwrap_or_default())
    }

    /// Returns the inputs of the creates, sorted.
    pub fn inputs(&self) -> Vec<String> {
        let mut inputs: Vec<_> = self.created().iter().map(|body| body["input"].to_string()).collect();
        inputs.sort();
        inputs
    }

    /// Adds the model `acme/slow`, whose predictions take `seconds`.
    pub fn slow(&self, seconds: f64) {
        let script = Scripted { output: Some(json!("done")), delay: seconds, ..Scripted::default() };
        self.emulator.script(Definition::new("acme/slow"), script).unwrap();
    }

    /// Waits until a file has as many results.
    pub fn until_results(&self, name: &str, count: usize) {
        eventually("results", || {
            fs::read_to_string(self.home.join(name)).unwrap_or_default().lines().count() >= count
        });
    }
}

/// Returns a table with the columns `id` and `value`.
pub fn table(rows: usize) -> String {
    (0..rows).fold("id,value\n".to_owned(), |table, row| table + &format!("row-{row},{row}\n"))
}

/// Asserts that each of the first `rows` has one result.
pub fn assert_complete(results: &[Value], rows: usize) {
    let keys: HashSet<_> = results.iter().map(|result| result["key"].to_string()).collect();
    assert_eq!((results.len(), keys.len()), (rows, rows), "{results:?}");
    assert!(results.iter().all(|result| result["status"] == "succeeded"), "{results:?}");
}
