//! Builds the request of a create.

use url::Url;

use super::options::{CANCEL_AFTER, CancelAfter, PredictionOptions, PreferWait};
use crate::{
    error::{Error, Result},
    http::request::{Request, path},
    identifier::{Reference, owner_and_name},
    value::{Object, Value, float_text},
};

/// What a create runs. Determines the endpoint.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Target {
    Version(String),
    Model(String, String),
    Deployment(String, String),
}

impl From<Reference> for Target {
    fn from(reference: Reference) -> Self {
        match reference {
            Reference::Version { id, .. } => Self::Version(id),
            Reference::Model { owner, name } => Self::Model(owner, name),
            Reference::Deployment { owner, name } => Self::Deployment(owner, name),
        }
    }
}

impl Target {
    /// Returns the target of a model whose name may include a version: `name:version`.
    pub fn of_model(owner: String, name: String) -> Self {
        match name.split_once(':') {
            Some((_, version)) if !version.is_empty() => Self::Version(version.to_owned()),
            _ => Self::Model(owner, name),
        }
    }

    /// Returns the name for a span: of the model, or the id of a version.
    pub fn name(&self) -> String {
        match self {
            Self::Version(id) => id.clone(),
            Self::Model(owner, name) => format!("{owner}/{name}"),
            Self::Deployment(owner, name) => format!("deployments/{owner}/{name}"),
        }
    }

    /// Builds the request. Files in `input` must already be uploaded or inlined.
    pub fn request(&self, input: Value, options: &PredictionOptions, hold: PreferWait) -> Result<Request> {
        let PredictionOptions {
            webhook,
            webhook_events_filter,
            webhook_completed,
            stream,
            wait: _,
            prefer: _,
            cancel_after,
            file_encoding_strategy: _,
        } = options;
        if input.as_object().is_none() {
            return Err(Error::invalid_argument(
                "input",
                format!("must be an object with the model's inputs by name, not {}", input.kind()),
            ));
        }
        let mut body = Object::new();
        let path = match self {
            Self::Version(id) => {
                body.insert("version".into(), id.as_str().into());
                "/predictions".to_owned()
            }
            Self::Model(owner, name) => {
                path("/models/{owner}/{name}/predictions", &[("owner", owner), ("name", name)])?
            }
            Self::Deployment(owner, name) => {
                path("/deployments/{owner}/{name}/predictions", &[("owner", owner), ("name", name)])?
            }
        };
        body.insert("input".into(), input);
        let events = webhook_events_filter.clone();
        insert_webhooks(&mut body, webhook.as_deref(), webhook_completed.as_deref(), events)?;
        if let Some(stream) = stream {
            body.insert("stream".into(), (*stream).into());
        }
        let mut request = Request::post(path).json(Value::Object(body));
        if let Some(prefer) = hold.header() {
            request = request.header("prefer", prefer);
        }
        if let Some(after) = cancel_after {
            request = request.header("cancel-after", cancel_after_header(after)?);
        }
        Ok(request)
    }
}

/// Adds the options of webhooks to the body of a create.
pub(crate) fn insert_webhooks(
    body: &mut Object,
    webhook: Option<&str>,
    completed: Option<&str>,
    events: Option<Vec<String>>,
) -> Result<()> {
    for (name, url) in [("webhook", webhook), ("webhook_completed", completed)] {
        if let Some(url) = url {
            body.insert(name.into(), checked_webhook(name, url)?.into());
        }
    }
    if let Some(events) = events {
        body.insert("webhook_events_filter".into(), events.into());
    }
    Ok(())
}

/// Checks the URL of a webhook. `name` is the argument in the error.
fn checked_webhook(name: &str, url: &str) -> Result<String> {
    match Url::parse(url) {
        Ok(parsed) if matches!(parsed.scheme(), "http" | "https") => Ok(url.to_owned()),
        // `getenv("WEBHOOK", "")`
        _ if url.is_empty() => {
            Err(Error::invalid(format!("Invalid webhook URL: `{name}` is empty; leave it out")).about(name))
        }
        _ => Err(Error::invalid(format!("Invalid webhook URL: `{name}` must be an https URL, not {url:?}"))
            .about(name)),
    }
}

fn cancel_after_header(after: &CancelAfter) -> Result<String> {
    match after {
        CancelAfter::Seconds(seconds) if seconds.is_finite() && *seconds > 0.0 => {
            Ok(format!("{}s", float_text(seconds.ceil().max(*CANCEL_AFTER.start()))))
        }
        CancelAfter::Text(text)
            if !text.is_empty()
                && text.bytes().all(|byte| byte.is_ascii_digit() || b"hms".contains(&byte)) =>
        {
            Ok(text.clone())
        }
        other => Err(Error::invalid_argument(
            "cancel_after",
            format!(
                "must be a positive number of seconds or a duration such as \"1m30s\", not {}",
                match other {
                    CancelAfter::Seconds(seconds) => float_text(*seconds),
                    CancelAfter::Text(text) => format!("{text:?}"),
                }
            ),
        )),
    }
}

/// Returns owner and name, passed as two arguments or as `owner/name` in the first.
pub(crate) fn owner_and(owner: String, name: Option<String>) -> Result<(String, String)> {
    match name {
        Some(name) => Ok((owner, name)),
        None => owner_and_name(&owner).ok_or_else(|| {
            Error::invalid(format!(
                "expected \"owner/name\", or owner and name as two arguments, not {owner:?}"
            ))
            .about("owner")
        }),
    }
}

/// Splits `owner/name`. `what` is the argument in the error.
pub(crate) fn named(what: &str, text: &str) -> Result<(String, String)> {
    owner_and_name(text)
        .ok_or_else(|| Error::invalid_argument(what, format!("must be \"owner/name\", not {text:?}")))
}
