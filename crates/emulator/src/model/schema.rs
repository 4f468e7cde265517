//! The schema of a model version.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::validation::{self, Validation};
use crate::http::problem::InvalidField;
use crate::support::json::{Fields, Object, Raw, raw};

#[derive(Deserialize)]
struct ObjectSchema {
    #[serde(default)]
    properties: IndexMap<String, Value>,
    #[serde(default)]
    required: Vec<String>,
}

/// The schema of a model version.
pub(crate) struct Schema {
    /// The version's `openapi_schema`.
    pub(crate) document: Raw,
    /// The schema of the input, with `components` beside its members: what references lead to.
    root: Value,
    /// The schema of the input, or what it refers to.
    object: Value,
    properties: IndexMap<String, Value>,
    required: Vec<String>,
    /// Whether the output is a list that grows while the model runs.
    pub(crate) iterates: bool,
    /// Whether the output is a file or a list of files.
    pub(crate) outputs_files: bool,
    /// The schema of trainings, if the version can be trained.
    pub(crate) training: Option<Arc<Schema>>,
}

impl Schema {
    /// Parses the `components.schemas` object of an OpenAPI document.
    pub(crate) fn from_components(components: &str) -> Result<Self, String> {
        let mut schema = Self::read(components, "Input", "Output")?;
        if components.contains("\"TrainingInput\"") {
            schema.training = Some(Arc::new(Self::read(components, "TrainingInput", "TrainingOutput")?));
        }
        Ok(schema)
    }

    /// Parses an OpenAPI document, as Cog servers serve it.
    pub(crate) fn from_document(text: &str) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Document {
            components: Components,
        }
        #[derive(Deserialize)]
        struct Components {
            schemas: Box<RawValue>,
        }
        let document: Document =
            serde_json::from_str(text).map_err(|error| format!("the schema cannot be read: {error}"))?;
        let mut schema = Self::read(document.components.schemas.get(), "Input", "Output")?;
        schema.document = RawValue::from_string(text.to_owned()).map_err(|error| error.to_string())?.into();
        Ok(schema)
    }

    fn read(components: &str, input: &str, output: &str) -> Result<Self, String> {
        let bad = |error: serde_json::Error| format!("the schema cannot be read: {error}");
        let schemas: IndexMap<String, Box<RawValue>> = serde_json::from_str(components).map_err(bad)?;
        let input = schemas.get(input).ok_or_else(|| format!("the schema has no {input}"))?;
        let schema: Value = serde_json::from_str(input.get()).map_err(bad)?;
        let mut root = schema.clone();
        let all: Value = serde_json::from_str(components).map_err(bad)?;
        if let Some(members) = root.as_object_mut() {
            members.insert("components".into(), json!({ "schemas": all }));
        }
        validation::check_references(&root, &schema)?;
        let target = schema["$ref"].as_str().and_then(|name| validation::target(&root, name));
        let object = target.unwrap_or(&schema).clone();
        // Text keeps the order of the properties.
        let ObjectSchema { properties, required } = match target {
            Some(target) => serde_json::from_value(target.clone()).map_err(bad)?,
            None => serde_json::from_str(input.get()).map_err(bad)?,
        };
        let output: Value = match schemas.get(output) {
            Some(output) => serde_json::from_str(output.get()).map_err(bad)?,
            None => Value::Null,
        };
        let components = Fields::new().put("schemas", &schemas).finish();
        let info = Fields::new().put("title", "Cog").put("version", "0.1.0").finish();
        let document = Fields::new()
            .put("openapi", "3.0.2")
            .put("info", &info)
            .put("paths", &Fields::new().finish())
            .put("components", &components)
            .finish();
        Ok(Self {
            document,
            root,
            object,
            properties,
            required,
            iterates: output["x-cog-array-type"] == "iterator",
            outputs_files: output["format"] == "uri" || output["items"]["format"] == "uri",
            training: None,
        })
    }

    /// Returns all violations of the schema by an input.
    pub(crate) fn check(&self, input: &Object) -> Vec<InvalidField> {
        let has_default = |name: &String| self.properties.get(name).is_some_and(validation::has_default);
        let missing = self.required.iter().filter(|name| !input.contains_key(*name) && !has_default(name));
        let missing =
            missing.map(|name| InvalidField::new("required", "input", format!("{name} is required")));
        let mut problems: Vec<_> = missing.collect();
        // Values that serde_json cannot represent, such as huge numbers, are left to the model.
        let parsed = input.iter().filter_map(|(name, value)| {
            let value: Value = serde_json::from_str(value.get()).ok()?;
            Some((name.clone(), value))
        });
        let members: Map<String, Value> = parsed.collect();
        let is_complete = members.len() == input.len();
        let value = Value::Object(members);
        let mut validation = Validation::new(&self.root);
        for (name, property) in &self.properties {
            match value.get(name) {
                Some(Value::Null) if !self.required.contains(name) => {}
                Some(member) => problems.extend(validation.check(property, &format!("input.{name}"), member)),
                None => {}
            }
        }
        if is_complete {
            problems.extend(validation.combine(&self.object, "input", &value, 0));
        }
        problems
    }

    /// Returns the members that have defaults.
    pub(super) fn defaults(&self) -> impl Iterator<Item = (&str, Raw)> {
        self.properties.keys().filter_map(|name| Some((name.as_str(), self.default_of(name)?)))
    }

    pub(super) fn default_of(&self, name: &str) -> Option<Raw> {
        self.properties.get(name)?.get("default").filter(|default| !default.is_null()).map(raw)
    }
}
