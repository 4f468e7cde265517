//! Determines whether a version writes its output item by item.

use std::time::Duration;

use super::run_request::RunRequest;
use crate::{
    client::{Client, shape_cache::Shape},
    error::{ErrorKind, Result},
    http::{
        request::{Request, RequestOptions, path},
        time_limit::within,
    },
    identifier::{Reference, ReferenceParam},
    value::Value,
};

/// Time limit for fetching the schema of a version.
const FETCH_TIMEOUT: Duration = Duration::from_secs(10);

impl RunRequest {
    /// Returns how the version writes its output, from its schema, which is fetched once. If that fails, the shape is
    /// [`Shape::Whole`], and the run itself reports the error.
    pub async fn shape(&self) -> Shape {
        if let ReferenceParam::Version { schema, .. } = &self.reference {
            return schema.as_ref().map_or(Shape::Whole, Shape::of);
        }
        let Ok(reference @ Reference::Version { model: Some(_), .. }) = self.reference.resolve() else {
            return Shape::Whole;
        };
        let name = reference.to_string();
        if let Some(shape) = self.client.shapes().get(&name) {
            return shape;
        }
        let limit = self.run.timeout.map_or(FETCH_TIMEOUT, |timeout| timeout.min(FETCH_TIMEOUT));
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
    fn the_shape_depends_on_the_schema() {
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
