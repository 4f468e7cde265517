//! Handles: predictions that are started by one process and followed by any other.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{handle_events::HandleEvents, handle_result::HandleResult, types::Prediction};
use crate::{
    client::{Client, call::Call},
    value::Value,
};

/// What a [`Handle`] consists of, without its client: serializable, and without a token.
///
/// ```
/// use replicant::HandleDescription;
///
/// let stored = serde_json::to_string(&HandleDescription::from("4b2q8m"))?;
/// let description: HandleDescription = serde_json::from_str(&stored)?;
/// assert_eq!(description.id, "4b2q8m");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HandleDescription {
    /// Id of the prediction.
    pub id: String,
    /// Model, `owner/name`, if known.
    #[serde(default)]
    pub model: Option<String>,
}

impl HandleDescription {
    pub(crate) fn to_value(&self) -> Value {
        Value::from_members(vec![("id", self.id.as_str().into()), ("model", self.model.as_deref().into())])
    }

    /// Reads a description from an id, an object with an id, or the JSON text of one.
    fn of(given: &Value) -> Option<Self> {
        let text = given.as_str().map(str::trim);
        if let Some(json) = text.filter(|text| text.starts_with('{')) {
            return Self::of(&Value::from_json(json.as_bytes()).ok()?);
        }
        let id = text.or_else(|| given["id"].as_str())?;
        let is_id = !id.is_empty() && !id.contains(|c: char| c == '/' || c.is_whitespace());
        is_id.then(|| Self { id: id.to_owned(), model: given["model"].as_str().map(str::to_owned) })
    }
}

impl From<&str> for HandleDescription {
    fn from(id: &str) -> Self {
        id.to_owned().into()
    }
}

impl From<String> for HandleDescription {
    fn from(id: String) -> Self {
        Self { id, model: None }
    }
}

/// The parameters of `handle.parse`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HandleParam {
    #[serde(deserialize_with = "description")]
    pub handle: HandleDescription,
}

fn description<'de, D: Deserializer<'de>>(deserializer: D) -> Result<HandleDescription, D::Error> {
    let given = Value::deserialize(deserializer)?;
    HandleDescription::of(&given).ok_or_else(|| {
        let expected = "must be the id of a prediction, a handle, or its JSON, as an object or as text";
        D::Error::custom(match given.as_str() {
            Some(text) => format!("{expected}, not {text:?}"),
            None => format!("{expected}, not {}", given.kind()),
        })
    })
}

/// A prediction that continues to run whatever happens to this process; see [`Client::submit`].
///
/// Dropping a handle has no effect. [`Handle::description`] can be stored, and [`Client::handle`] makes a handle of it
/// again in any process.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let handle = client.submit("acme/captioner", replicant::json!({"prompt": "a heron"})).await?;
/// let stored = serde_json::to_string(handle.description()).unwrap();
/// // In another process:
/// let description: replicant::HandleDescription = serde_json::from_str(&stored).unwrap();
/// println!("{}", client.handle(description).result().await?);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct Handle {
    client: Client,
    description: HandleDescription,
}

impl Client {
    /// Returns the handle of a prediction: by its id, or by the description of another handle. Sends no request.
    pub fn handle(&self, description: impl Into<HandleDescription>) -> Handle {
        Handle { client: self.clone(), description: description.into() }
    }
}

impl Handle {
    /// Returns the id of the prediction.
    pub fn id(&self) -> &str {
        &self.description.id
    }

    /// Returns what the handle consists of, to be stored or sent.
    pub fn description(&self) -> &HandleDescription {
        &self.description
    }

    /// Returns the prediction as it is now. `GET /predictions/{id}`
    pub fn prediction(&self) -> Call<Prediction> {
        self.client.predictions().get(self.id())
    }

    /// Cancels the prediction. Has no effect on one that has ended. `POST /predictions/{id}/cancel`
    pub fn cancel(&self) -> Call<Prediction> {
        self.client.predictions().cancel(self.id())
    }

    /// Waits for the output. `GET /predictions/{id}` until the prediction has ended.
    pub fn result(&self) -> HandleResult {
        HandleResult::of(&self.client, self.id().to_owned())
    }

    /// Yields the changes of the prediction, beginning with what it has already. Polls `GET /predictions/{id}`.
    pub fn events(&self) -> HandleEvents {
        HandleEvents::of(&self.client, self.id().to_owned())
    }
}
