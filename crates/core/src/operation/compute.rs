//! Operations that need no network. Some change a batch that runs in this process.

use serde::Deserialize;

use super::{params::Nothing, webhooks::verify};
use crate::{
    client::{
        options::Options,
        response::{Payload, RateLimit},
    },
    error::{Error, Result, decode_params, request_id},
    http::request::RequestOptions,
    identifier::Reference,
    map::{
        options::MapOptions,
        params::{BatchParams, PushParams, RowParams},
    },
    predictions::{
        handle::HandleParam, options::PredictionOptions, progress::Progress, run_params::RunOptions,
        wait::WaitOptions,
    },
    resources::trainings::TrainingOptions,
    value::{
        Object, Value,
        decode_error::INTERNAL,
        nearest::{nearest, option_advice as option_advice_for},
        options::{OptionSpec, OptionTable},
    },
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Logs {
    #[serde(default)]
    logs: Value,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceText {
    #[serde(rename = "ref")]
    reference: String,
}

fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    Value::from_members(members)
}

fn progress(params: Logs) -> Result<Value> {
    let logs = match &params.logs {
        Value::Object(prediction) => prediction.get("logs").unwrap_or(&Value::Null),
        logs => logs,
    };
    let progress = logs.as_str().and_then(Progress::parse);
    Ok(progress.map(Progress::to_value).into())
}

/// An unknown name, and the known ones.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnknownName {
    given: String,
    known: Vec<String>,
}

fn handle(params: HandleParam) -> Result<Value> {
    Ok(params.handle.to_value())
}

fn option_advice(params: UnknownName) -> Result<Value> {
    let known: Vec<&str> = params.known.iter().map(String::as_str).collect();
    let nearest = nearest(&params.given, &known);
    Ok(object([("nearest", nearest.into()), ("advice", option_advice_for(&params.given, &known).into())]))
}

fn identifier(params: ReferenceText) -> Result<Value> {
    let (owner, name, version) = match params.reference.parse()? {
        Reference::Model { owner, name } | Reference::Deployment { owner, name } => {
            (Some(owner), Some(name), None)
        }
        Reference::Version { model: Some((owner, name)), id } => (Some(owner), Some(name), Some(id)),
        Reference::Version { model: None, id } => (None, None, Some(id)),
    };
    Ok(object([("owner", owner.into()), ("name", name.into()), ("version", version.into())]))
}

/// The headers of a response, with lower-case names.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ResponseHeaders {
    headers: Object,
}

fn describe_response(params: ResponseHeaders) -> Result<Value> {
    let headers = params.headers.into_iter();
    let headers: Vec<(String, String)> =
        headers.filter_map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect();
    Ok(object([
        ("request_id", request_id(&headers).into()),
        ("rate_limit", RateLimit::of(&headers).map(RateLimit::to_value).into()),
    ]))
}

/// The URL of a file.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileUrl {
    url: String,
}

/// Returns a name under which a file can be saved on every operating system.
#[cfg(not(target_arch = "wasm32"))]
fn file_name(params: FileUrl) -> Result<Value> {
    Ok(crate::files::file_names::name_of(&params.url).into())
}

/// Returns the names, types and units of all options, by the kind of call.
fn option_table(_: Nothing) -> Result<Value> {
    let shared = [RunOptions::TABLE, PredictionOptions::TABLE].concat();
    // Streams do not poll.
    let streamed: Vec<_> = shared.iter().copied().filter(|option| option.name != "interval").collect();
    let batches = [MapOptions::TABLE, shared.as_slice()].concat();
    let tables: [(&str, &[OptionSpec]); 8] = [
        ("client", Options::TABLE),
        ("request", RequestOptions::TABLE),
        ("run", &shared),
        ("map", &batches),
        ("stream", &streamed),
        ("wait", WaitOptions::TABLE),
        ("create", PredictionOptions::TABLE),
        ("train", TrainingOptions::TABLE),
    ];
    Ok(object(tables.map(|(name, table)| {
        let offered = table.iter().filter(|option| !INTERNAL.contains(&option.name));
        (name, Value::Array(offered.map(|option| option.to_value()).collect()))
    })))
}

macro_rules! computations {
    ($($(#[$attribute:meta])* $name:literal => $function:expr,)*) => {
        /// The names of all operations that [`compute`] runs.
        ///
        /// ```
        /// assert!(replicant::operation::COMPUTATIONS.contains(&"webhooks.verify"));
        /// ```
        pub const COMPUTATIONS: &[&str] = &[$($(#[$attribute])* $name,)*];

        /// Runs an operation that needs no network: verifies a webhook, parses progress or a reference, or lists options.
        ///
        /// `map.push`, `map.row` and `map.stop` have an effect: they change a batch that [`open`](super::open) has started in
        /// this process, which they find by its number. `map.stats` reads one.
        ///
        /// # Errors
        /// [`ErrorKind::InvalidArgument`](crate::ErrorKind::InvalidArgument) for an unknown operation or parameter,
        /// and the errors of the operation.
        ///
        /// ```
        /// use replicant::{json, operation};
        ///
        /// let parts = operation::compute("identifier.parse", json!({"ref": "acme/text:5c7d"}).into())?.into_value()?;
        /// assert_eq!(parts["version"], "5c7d");
        /// # Ok::<(), replicant::Error>(())
        /// ```
        pub fn compute(name: &str, params: Value) -> Result<Payload> {
            match name {
                $($(#[$attribute])* $name => $function(decode_params(name, params)?).map(Payload::from),)*
                _ => Err(Error::invalid(format!("unknown operation {name:?}"))),
            }
        }
    };
}

computations! {
    #[cfg(not(target_arch = "wasm32"))]
    "file.name" => file_name,
    "handle.parse" => handle,
    "identifier.parse" => identifier,
    "map.push" => PushParams::push,
    "map.row" => RowParams::add,
    "map.stats" => BatchParams::stats,
    "map.stop" => BatchParams::stop,
    "options.advice" => option_advice,
    "options.table" => option_table,
    "progress.parse" => progress,
    "response.describe" => describe_response,
    "webhooks.verify" => verify,
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::Sha256;

    use super::compute;
    use crate::value::{Value, nearest::OF_CALLS};

    #[test]
    fn advice_names_the_calls_that_have_an_option() {
        let tables = compute("options.table", Value::object()).unwrap().into_value().unwrap();
        let has = |scope: &str, name: &str| {
            let options = tables[scope].as_array().expect("a list");
            options.iter().any(|option| option["name"].as_str() == Some(name))
        };
        let scopes = [("run", "`run`"), ("stream", "`stream`"), ("map", "`map`"), ("wait", "`wait`")];
        for option in tables["map"].as_array().expect("a list") {
            let name = option["name"].as_str().expect("a name");
            if name == "prefer" || has("train", name) {
                continue;
            }
            let (_, calls) = OF_CALLS.iter().find(|(options, _)| options.contains(&name)).expect(name);
            for (scope, call) in scopes.into_iter().chain([("create", "creates of predictions")]) {
                assert_eq!(calls.contains(call), has(scope, name), "`{name}` of {scope}");
            }
        }
    }

    #[test]
    fn a_webhook_is_parsed_only_on_request() {
        let mut mac = Hmac::<Sha256>::new_from_slice(b"secret").expect("any length");
        mac.update(b"m.1.no JSON");
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let mut params: Value = serde_json::json!({
            "id": "m", "timestamp": "1", "signature": signature, "body": "no JSON", "secret": "whsec_c2VjcmV0",
            "tolerance": null, "parse": false
        })
        .into();
        let verified = compute("webhooks.verify", params.clone()).unwrap();
        assert!(verified.into_value().unwrap().is_null());
        params["parse"] = true.into();
        assert!(compute("webhooks.verify", params).is_err());
    }
}
