//! Run machine-learning models on [Replicate](https://replicate.com).
//!
//! ```no_run
//! use futures_util::TryStreamExt;
//! use replicant::{Client, File, Value, json};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> replicant::Result<()> {
//! let client = Client::from_env()?;
//!
//! // Run a model and take its output.
//! let output = client.run("meta/meta-llama-3-8b-instruct", json!({"prompt": "Name a bird."})).await?;
//! println!("{}", output.text());
//!
//! // Or take it as it comes.
//! let mut events = client.stream("meta/meta-llama-3-8b-instruct", json!({"prompt": "Sing."})).await?;
//! while let Some(event) = events.try_next().await? {
//!     print!("{event}");
//! }
//!
//! // Files go up and come down by themselves.
//! let mut input: Value = json!({"scale": 2}).into();
//! input["image"] = File::path("photo.png").into();
//! let output = client.run("nightmareai/real-esrgan", input).await?;
//! for file in output.files() {
//!     file.save("larger.png").await?;
//! }
//! # Ok(()) }
//! ```
//!
//! What it promises: a create that may have been carried out is never sent again (see [`ErrorKind::OutcomeUnknown`]);
//! a result that exists is not lost to a passing fault; the token goes to the API's own origin and
//! nowhere else; a prediction nobody waits for any more is cancelled.

#![forbid(unsafe_code)]
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod background;
mod base64_engine;
mod batch;
mod call;
mod client;
mod error;
mod exchange;
mod identifier;
#[cfg(not(target_arch = "wasm32"))]
pub mod native;
pub mod operation;
mod output;
mod page;
pub mod platform;
mod progress;
mod request;
pub mod resources;
mod retry;
mod run;
mod sse;
mod stream;
pub mod transport;
mod upload;
mod value;
mod wait;
pub mod webhook;

/// Writes JSON in Rust; what it makes converts [`Into`] a [`Value`].
pub use serde_json::json;

pub use self::{
    call::Call,
    client::{Client, Options},
    error::{Error, ErrorKind, ErrorResponse, FailureReason, Result},
    exchange::Reply,
    identifier::Reference,
    operation::Item,
    output::{FileOutput, SaveAll},
    page::{List, Page},
    platform::{BoxFuture, BoxStream, Observer},
    progress::Progress,
    request::RequestOptions,
    resources::{
        accounts::Account,
        collections::Collection,
        deployments::Deployment,
        files::UploadedFile,
        hardware::Hardware,
        models::{Model, Version},
        predictions::{CreatePrediction, Prediction, Status},
        trainings::Training,
    },
    retry::RetryPolicy,
    run::{Run, RunOutcome, StreamRun},
    stream::{Event, EventStream, TextStream},
    upload::{ByteSource, File, FileEncodingStrategy, MAX_FILE_SIZE, Upload},
    value::{Number, Object, PathSegment, Value},
    wait::OnAbandon,
    webhook::Webhook,
};
