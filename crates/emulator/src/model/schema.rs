//! The schema of a model version, and the validation of inputs.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::http::problem::InvalidField;
use crate::support::json::{Fields, Object, Raw, raw};

/// The parts of a property that validation uses.
#[derive(Clone, Debug, Default, Deserialize)]
struct Property {
    r#type: Option<String>,
    #[serde(rename = "enum")]
    choices: Option<Vec<Value>>,
    minimum: Option<f64>,
    maximum: Option<f64>,
    format: Option<String>,
    default: Option<Value>,
    #[serde(rename = "allOf", default)]
    all_of: Vec<Reference>,
    #[serde(rename = "$ref")]
    reference: Option<String>,
    items: Option<Box<Property>>,
}

#[derive(Clone, Debug, Deserialize)]
struct Reference {
    #[serde(rename = "$ref")]
    reference: String,
}

#[derive(Deserialize)]
struct ObjectSchema {
    #[serde(default)]
    properties: IndexMap<String, Property>,
    #[serde(default)]
    required: Vec<String>,
}

/// The schema of a model version.
pub(crate) struct Schema {
    /// The version's `openapi_schema`.
    pub(crate) document: Raw,
    properties: IndexMap<String, Property>,
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
        let input: ObjectSchema = serde_json::from_str(input.get()).map_err(bad)?;
        let resolve = |mut property: Property| {
            let references = property.all_of.iter().map(|part| &part.reference);
            for reference in references.chain(&property.reference).cloned().collect::<Vec<_>>() {
                let name = reference.rsplit('/').next().unwrap_or_default();
                let target = schemas.get(name).ok_or_else(|| format!("the schema has no {name}"))?;
                let target: Property = serde_json::from_str(target.get()).map_err(bad)?;
                property.choices = property.choices.take().or(target.choices);
                property.r#type = property.r#type.take().or(target.r#type);
            }
            Ok::<_, String>(property)
        };
        let mut properties = IndexMap::new();
        for (name, property) in input.properties {
            properties.insert(name, resolve(property)?);
        }
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
            properties,
            required: input.required,
            iterates: output["x-cog-array-type"] == "iterator",
            outputs_files: output["format"] == "uri" || output["items"]["format"] == "uri",
            training: None,
        })
    }

    /// Returns all violations of the schema by an input.
    pub(crate) fn check(&self, input: &Object) -> Vec<InvalidField> {
        let missing = self.required.iter().filter(|name| !input.contains_key(*name));
        let mut problems: Vec<_> = missing
            .map(|name| InvalidField::new("required", "input", format!("{name} is required")))
            .collect();
        for (name, property) in &self.properties {
            // Values that serde_json cannot represent, such as huge numbers, are left to the model.
            let value = input.get(name).and_then(|value| serde_json::from_str(value.get()).ok());
            match value {
                Some(Value::Null) if !self.required.contains(name) => {}
                Some(value) => property.check(&format!("input.{name}"), &value, &mut problems),
                None => {}
            }
        }
        problems
    }

    /// Returns the members that have defaults.
    pub(super) fn defaults(&self) -> impl Iterator<Item = (&str, Raw)> {
        self.properties
            .iter()
            .filter_map(|(name, property)| Some((name.as_str(), raw(property.default.as_ref()?))))
    }

    pub(super) fn default_of(&self, name: &str) -> Option<Raw> {
        self.properties.get(name)?.default.as_ref().map(raw)
    }
}

impl Property {
    fn check(&self, field: &str, value: &Value, problems: &mut Vec<InvalidField>) {
        let mut report = |kind, text: String| problems.push(InvalidField::new(kind, field, text));
        if let Some(expected) = &self.r#type {
            let fits = match expected.as_str() {
                "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
                "number" => value.is_number(),
                "string" => value.is_string(),
                "boolean" => value.is_boolean(),
                "array" => value.is_array(),
                "object" => value.is_object(),
                _ => true,
            };
            if !fits {
                report(
                    "invalid_type",
                    format!("Invalid type. Expected: {expected}, given: {}", kind_of(value)),
                );
                return;
            }
        }
        if let Some(choices) = &self.choices
            && !choices.contains(value)
        {
            let list: Vec<_> = choices.iter().map(Value::to_string).collect();
            report("enum", format!("must be one of the following: {}", list.join(", ")));
        }
        if let (Some(minimum), Some(number)) = (self.minimum, value.as_f64())
            && number < minimum
        {
            report("number_gte", format!("Must be greater than or equal to {minimum}"));
        }
        if let (Some(maximum), Some(number)) = (self.maximum, value.as_f64())
            && number > maximum
        {
            report("number_lte", format!("Must be less than or equal to {maximum}"));
        }
        if let (Some("uri"), Some(text)) = (self.format.as_deref(), value.as_str())
            // `Url` accepts a Windows path such as C:\heron.png, with the scheme `c`.
            && (text.contains('\\') || url::Url::parse(text).is_err())
        {
            report("format", "Does not match format 'uri'".into());
        }
        if let (Some(items), Some(values)) = (&self.items, value.as_array()) {
            for (index, value) in values.iter().enumerate() {
                items.check(&format!("{field}.{index}"), value, problems);
            }
        }
    }
}

/// Returns the type name of a value, for error messages.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
