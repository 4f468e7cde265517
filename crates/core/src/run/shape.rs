//! Which versions write their output item by item, by their schema.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use super::plan::Plan;
use crate::{
    client::Client,
    error::{ErrorKind, Result},
    exchange::within,
    identifier::{Named, Reference},
    request::{Request, RequestOptions, path},
    value::Value,
};

/// How long a run waits for the schema of its version.
const LOOKUP: Duration = Duration::from_secs(10);

/// How a version writes its output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// All at once, as far as is known.
    Whole,
    /// Item by item.
    Items,
    /// Item by item, each a text that an event carries as it is.
    Texts,
}

impl Shape {
    /// Reads the shape from a version as the API shows it.
    fn of(version: &Value) -> Self {
        let output = &version["openapi_schema"]["components"]["schemas"]["Output"];
        // Before this release, Cog did not tell lists from iterators.
        let unmarked =
            || version["cog_version"].as_str().is_some_and(|version| is_before(version, [0, 3, 9]));
        let iterates = output["x-cog-array-type"].as_str() == Some("iterator") || unmarked();
        let items = &output["items"];
        match (output["type"].as_str(), items["type"].as_str()) {
            (Some("array"), _) if !iterates => Self::Whole,
            // The events of files hold other URLs than the output.
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

/// The shapes of the versions that this client has run.
#[derive(Default)]
pub(crate) struct Shapes(Mutex<HashMap<String, Shape>>);

impl Shapes {
    /// Versions remembered at most.
    const VERSIONS: usize = 4096;

    fn get(&self, version: &str) -> Option<Shape> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(version).copied()
    }

    fn learn(&self, version: String, shape: Shape) {
        let mut shapes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shapes.len() < Self::VERSIONS {
            shapes.insert(version, shape);
        }
    }
}

impl Plan {
    /// How the output will be written. Fetches the schema of a pinned version once; if that fails, the output
    /// counts as whole, and the run itself shows what is wrong.
    pub async fn shape(&self) -> Shape {
        if let Named::Version { schema, .. } = &self.reference {
            return schema.as_ref().map_or(Shape::Whole, Shape::of);
        }
        let Ok(reference @ Reference::Version { model: Some(_), .. }) = self.reference.resolve() else {
            return Shape::Whole;
        };
        let name = reference.to_string();
        if let Some(shape) = self.client.shapes().get(&name) {
            return shape;
        }
        let limit = self.timeout.map_or(LOOKUP, |timeout| timeout.min(LOOKUP));
        let fetched =
            within(self.client.runtime(), limit, fetch(&self.client, reference, &self.options)).await;
        let shape = match fetched {
            Some(Ok(version)) => Shape::of(&version),
            Some(Err(error)) if error.kind() == ErrorKind::NotFound => Shape::Whole,
            _ => return Shape::Whole,
        };
        self.client.shapes().learn(name, shape);
        shape
    }
}

async fn fetch(client: &Client, reference: Reference, options: &RequestOptions) -> Result<Value> {
    let Reference::Version { model: Some((owner, name)), id } = reference else { return Ok(Value::Null) };
    let path =
        path("/models/{owner}/{name}/versions/{id}", &[("owner", &owner), ("name", &name), ("id", &id)])?;
    let options = RequestOptions { max_retries: Some(1), ..options.clone() };
    client.fetch(&Request::get(path).options(options)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(cog_version: &str, output: Value) -> Shape {
        let mut version = Value::from(crate::json!({"openapi_schema": {"components": {"schemas": {}}}}));
        version["cog_version"] = cog_version.into();
        version["openapi_schema"]["components"]["schemas"]["Output"] = output;
        Shape::of(&version)
    }

    #[test]
    fn read_from_the_schema() {
        let list = || Value::from(crate::json!({"type": "array", "items": {"type": "string"}}));
        let mut texts = list();
        texts["x-cog-array-type"] = "iterator".into();
        let mut files = texts.clone();
        files["items"]["format"] = "uri".into();
        let mut numbers = texts.clone();
        numbers["items"]["type"] = "integer".into();
        assert_eq!(shape("0.9.0", list()), Shape::Whole);
        assert_eq!(shape("0.9.0", texts), Shape::Texts);
        assert_eq!(shape("0.9.0", files), Shape::Items);
        assert_eq!(shape("0.9.0", numbers), Shape::Items);
        assert_eq!(shape("0.3.8", list()), Shape::Texts);
        assert_eq!(shape("0.10.2", list()), Shape::Whole);
        assert_eq!(shape("dev", list()), Shape::Whole);
        assert_eq!(shape("0.3.8", crate::json!({"type": "string"}).into()), Shape::Whole);
        assert_eq!(Shape::of(&Value::Null), Shape::Whole);
    }
}
