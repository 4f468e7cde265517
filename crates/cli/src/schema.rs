//! The inputs and the output of a model, as its version describes them.

use replicant::{Client, Reference, Value, json};

use crate::{
    context::call,
    failure::{Failure, NOT_FOUND},
};

/// The OpenAPI document of a version.
pub(crate) struct Schema {
    pub document: Value,
}

/// What values an input has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Kind {
    Text,
    File,
    Integer,
    Number,
    Boolean,
    Array(Box<Kind>),
    Object,
    /// The schema does not say.
    Any,
}

/// One input of a model.
pub(crate) struct Property<'s> {
    pub name: &'s str,
    pub kind: Kind,
    pub is_required: bool,
    /// The allowed values, or `null`.
    pub choices: &'s Value,
    /// The definition, with `default` and `description`.
    pub definition: &'s Value,
}

impl Schema {
    /// Requests the schema of what a reference names. `None` if the API does not tell.
    pub async fn of(client: &Client, reference: &Reference) -> Result<Option<Self>, Failure> {
        let found = match reference {
            Reference::Model { owner, name } => {
                let params = json!({"owner": owner, "name": name});
                let model = call(client, "models.get", params).await;
                model.map(|model| model["latest_version"]["openapi_schema"].clone())
            }
            Reference::Version { model: Some((owner, name)), id } => {
                Self::of_version(client, owner, name, id).await
            }
            Reference::Deployment { owner, name } => {
                let params = json!({"owner": owner, "name": name});
                match call(client, "deployments.get", params).await {
                    Ok(deployment) => {
                        let release = &deployment["current_release"];
                        let model = release["model"].as_str().and_then(|model| model.split_once('/'));
                        match (model, release["version"].as_str()) {
                            (Some((owner, name)), Some(id)) => {
                                Self::of_version(client, owner, name, id).await
                            }
                            _ => Ok(Value::Null),
                        }
                    }
                    Err(failure) => Err(failure),
                }
            }
            _ => Ok(Value::Null),
        };
        match found {
            Ok(document) => Ok(Some(document).filter(|document| !document.is_null()).map(Self::new)),
            // Only the create decides whether it can be run.
            Err(failure) if failure.code == NOT_FOUND => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn of_version(client: &Client, owner: &str, name: &str, id: &str) -> Result<Value, Failure> {
        let params = json!({"owner": owner, "name": name, "id": id});
        let version = call(client, "models.versions.get", params).await?;
        Ok(version["openapi_schema"].clone())
    }

    pub fn new(document: Value) -> Self {
        Self { document }
    }

    /// Returns the inputs, in the order in which the model declares them.
    pub fn inputs(&self) -> Vec<Property<'_>> {
        let input = &self.document["components"]["schemas"]["Input"];
        let required = input["required"].as_array().unwrap_or_default();
        let mut inputs: Vec<_> = input["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, definition)| {
                let target = self.target(definition);
                Property {
                    name,
                    kind: self.kind(target),
                    is_required: required.iter().any(|required| *required == name.as_str()),
                    choices: &target["enum"],
                    definition,
                }
            })
            .collect();
        inputs.sort_by_key(|input| input.definition["x-order"].as_i64().unwrap_or(i64::MAX));
        inputs
    }

    /// Returns whether the output is text, written piece by piece.
    pub fn streams_text(&self) -> bool {
        let output = self.target(&self.document["components"]["schemas"]["Output"]);
        output["x-cog-array-display"] == "concatenate"
    }

    /// Follows references to the definition that has a type.
    fn target<'s>(&'s self, definition: &'s Value) -> &'s Value {
        let mut target = definition;
        // A document could refer to itself.
        for _ in 0..8 {
            if !target["type"].is_null() || !target["enum"].is_null() {
                return target;
            }
            let parts = ["allOf", "anyOf", "oneOf"].iter().find_map(|parts| target[*parts].as_array());
            let part = parts.and_then(|parts| parts.iter().find(|part| part["type"] != "null"));
            let part = part.unwrap_or(target);
            target = match part["$ref"].as_str().and_then(|path| path.rsplit('/').next()) {
                Some(name) => &self.document["components"]["schemas"][name],
                None if std::ptr::eq(part, target) => return target,
                None => part,
            };
        }
        target
    }

    fn kind(&self, target: &Value) -> Kind {
        match target["type"].as_str() {
            Some("string") if target["format"] == "uri" => Kind::File,
            Some("string") => Kind::Text,
            Some("integer") => Kind::Integer,
            Some("number") => Kind::Number,
            Some("boolean") => Kind::Boolean,
            Some("array") => Kind::Array(Box::new(self.kind(self.target(&target["items"])))),
            Some("object") => Kind::Object,
            _ => Kind::Any,
        }
    }
}

impl std::fmt::Display for Kind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text => "string",
            Self::File => "file",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Array(items) => return write!(f, "list of {items}"),
            Self::Object => "object",
            Self::Any => "any",
        })
    }
}
