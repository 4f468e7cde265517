//! The inputs and the output of a model, as its version describes them.

use replicant::{Client, Reference, Value, json};

use crate::{
    client::call,
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

/// What to run.
pub(crate) struct Target {
    pub reference: Reference,
    /// `None` if the API does not tell.
    pub schema: Option<Schema>,
}

impl Target {
    /// Requests what a reference names. A model that is not official is run at its latest version.
    pub async fn find(client: &Client, reference: Reference) -> Result<Self, Failure> {
        match look_up(client, &reference).await {
            Ok((version, document)) => {
                let schema = Some(document).filter(|document| !document.is_null()).map(Schema::new);
                Ok(Self { reference: version.unwrap_or(reference), schema })
            }
            // Only the create decides whether it can be run.
            Err(failure) if failure.code == NOT_FOUND => Ok(Self { reference, schema: None }),
            Err(failure) => Err(failure),
        }
    }
}

/// Returns the version to run instead, if any, and the schema.
async fn look_up(client: &Client, reference: &Reference) -> Result<(Option<Reference>, Value), Failure> {
    match reference {
        Reference::Model { owner, name } => {
            let model = of_model(client, owner, name).await?;
            let latest = &model["latest_version"];
            let version = latest["id"].as_str().filter(|_| model["is_official"].as_bool() == Some(false));
            let version = version.map(|id| Reference::Version {
                model: Some((owner.clone(), name.clone())),
                id: id.to_owned(),
            });
            Ok((version, latest["openapi_schema"].clone()))
        }
        Reference::Version { model: Some((owner, name)), id } => {
            Ok((None, of_version(client, owner, name, id).await?))
        }
        Reference::Deployment { owner, name } => {
            let deployment = call(client, "deployments.get", json!({"owner": owner, "name": name})).await?;
            let release = &deployment["current_release"];
            let model = release["model"].as_str().and_then(|model| model.split_once('/'));
            let schema = match (model, release["version"].as_str()) {
                // That of an official model.
                (Some((owner, name)), Some("hidden")) => {
                    of_model(client, owner, name).await?["latest_version"]["openapi_schema"].clone()
                }
                (Some((owner, name)), Some(id)) => of_version(client, owner, name, id).await?,
                _ => Value::Null,
            };
            Ok((None, schema))
        }
        _ => Ok((None, Value::Null)),
    }
}

async fn of_model(client: &Client, owner: &str, name: &str) -> Result<Value, Failure> {
    call(client, "models.get", json!({"owner": owner, "name": name})).await
}

async fn of_version(client: &Client, owner: &str, name: &str, id: &str) -> Result<Value, Failure> {
    let params = json!({"owner": owner, "name": name, "id": id});
    Ok(call(client, "models.versions.get", params).await?["openapi_schema"].clone())
}

impl Schema {
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

    /// Returns `true` if the output is text, written piece by piece.
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

impl Kind {
    /// Returns the type of one value: of a list, that of its items.
    pub fn item(&self) -> &Self {
        if let Self::Array(items) = self { items } else { self }
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
