//! Run machine-learning models on [Replicate](https://replicate.com).
//!
//! ```no_run
//! use std::io::{Write, stdout};
//!
//! use futures_util::TryStreamExt;
//! use replicant::{Client, File, Value, json};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> replicant::Result<()> {
//! let client = Client::from_env()?;
//!
//! // Run a model and wait for its output.
//! let output = client.run("meta/meta-llama-3-8b-instruct", json!({"prompt": "Name a bird."})).await?;
//! println!("{}", output.text());
//!
//! // Stream the output of a language model.
//! let mut events = client.stream("meta/meta-llama-3-8b-instruct", json!({"prompt": "Sing."})).await?;
//! while let Some(event) = events.try_next().await? {
//!     print!("{event}");
//!     // Standard output keeps a line until it is complete.
//!     stdout().flush().ok();
//! }
//!
//! // Files in the input are uploaded; files in the output can be saved. A model that is not official
//! // needs a version.
//! const UPSCALE: &str =
//!     "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa";
//! let mut input: Value = json!({"scale": 2}).into();
//! input["image"] = File::path("photo.png").into();
//! let output = client.run(UPSCALE, input).await?;
//! output.files()[0].save("larger.png").await?;
//! # Ok(()) }
//! ```
//!
//! Calls need a tokio runtime with I/O and time enabled: they panic outside of one. Several runtimes can share a client; each
//! opens its own connections. Cancels of abandoned predictions are sent in the background; await [`background::drain`] before
//! the program ends.
//!
//! Guarantees:
//!
//! - A create that may have been processed is never sent again; see [`ErrorKind::OutcomeUnknown`].
//! - Transient faults are retried. Event streams and downloads resume where they broke.
//! - The token is sent to the API origin only.
//! - A prediction whose run is abandoned is canceled; see [`OnAbandon`].

#![forbid(unsafe_code)]
// Shows which items need a feature.
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[doc(hidden)]
pub mod bindings;
mod client;
mod error;
#[cfg(feature = "axum")]
pub mod extract;
mod files;
mod http;
mod identifier;
#[cfg(not(target_arch = "wasm32"))]
pub mod map;
#[cfg(target_arch = "wasm32")]
#[path = "no_map.rs"]
mod map;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
#[cfg(target_arch = "wasm32")]
#[path = "no_native.rs"]
mod native;
pub mod operation;
pub mod platform;
mod predictions;
pub mod resources;
#[doc(hidden)]
pub mod telemetry;
mod value;
pub mod webhook;

/// Builds JSON from a literal, or from a type that serde can serialize. The result converts [`Into`] a [`Value`].
///
/// ```
/// use replicant::{Value, json};
///
/// #[derive(serde::Serialize)]
/// struct Input<'a> {
///     prompt: &'a str,
/// }
/// let input: Value = json!(Input { prompt: "a heron" }).into();
/// assert_eq!(input["prompt"].as_str(), Some("a heron"));
/// ```
pub use serde_json::json;

pub use self::{
    client::{
        Client, background,
        call::Call,
        hooks,
        options::{FileEncodingStrategy, OnAbandon, Options, RateLimitOption},
        page::{List, Page},
        rate_state::{RateLimitState, RateLimits},
        response::{RateLimit, Reply},
    },
    error::{Error, ErrorKind, ErrorResponse, FailureReason, Result},
    files::{output::FileOutput, save_all::SaveAll, upload::MAX_FILE_SIZE, upload_progress::UploadProgress},
    http::{request::RequestOptions, retry::RetryPolicy, transport},
    identifier::Reference,
    operation::Item,
    platform::{BoxError, BoxFuture, BoxStream},
    predictions::{
        create::CreatePrediction,
        cursor::HandleCursor,
        events::{Event, EventStream, TextStream},
        handle::{Handle, HandleDescription},
        handle_change::{HandleChange, HandleEvent},
        handle_events::HandleEvents,
        handle_result::HandleResult,
        output::Output,
        progress::Progress,
        run::{Run, RunOutcome},
        stream_prediction::StreamPrediction,
        stream_run::StreamRun,
        submit::Submit,
        types::{Prediction, Status},
    },
    resources::{
        accounts::Account,
        collections::Collection,
        deployments::Deployment,
        files::UploadedFile,
        hardware::Hardware,
        models::{Model, Version},
        trainings::Training,
    },
    value::{
        ByteSource, DecodeError, EncodeError, File, Number, Object, Observer, Password, PathSegment, Token,
        Value,
    },
    webhook::Webhook,
};
