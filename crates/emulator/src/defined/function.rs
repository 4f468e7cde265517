//! Models that are functions of a Rust test.

use std::io;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::rc::Rc;
use std::thread;

use futures_util::FutureExt;
use serde_json::Value;
use tokio::runtime::{Builder, Handle};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{LocalSet, spawn_local};

use crate::files::complete;
use crate::model::{Input, Model, Run, Work};
use crate::support::json::raw;

/// A model that calls a function. The result is the output, unless it is null.
///
/// The function has its own thread: one that blocks then delays no other request, and its futures need not be `Send`.
pub(crate) struct Function(mpsc::UnboundedSender<Call>);

/// A call of the function. A canceled prediction drops the receiver of the reply.
struct Call {
    input: Value,
    run: ModelRun,
    reply: oneshot::Sender<thread::Result<Result<Value, String>>>,
}

impl Function {
    /// Starts the thread, which ends when this is dropped.
    pub(crate) fn new<F>(function: F) -> io::Result<Self>
    where
        F: AsyncFn(Value, ModelRun) -> Result<Value, String> + Send + 'static,
    {
        let (sender, calls) = mpsc::unbounded_channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new()
            .name("replicant-model".into())
            .spawn(move || LocalSet::new().block_on(&runtime, serve(function, calls)))?;
        Ok(Self(sender))
    }
}

/// Runs calls until the model is gone.
async fn serve<F>(function: F, mut calls: mpsc::UnboundedReceiver<Call>)
where
    F: AsyncFn(Value, ModelRun) -> Result<Value, String> + 'static,
{
    let function = Rc::new(function);
    while let Some(Call { input, run, mut reply }) = calls.recv().await {
        let function = function.clone();
        spawn_local(async move {
            let work = AssertUnwindSafe(async { function(input, run).await }).catch_unwind();
            tokio::select! {
                () = reply.closed() => {}
                result = work => drop(reply.send(result)),
            }
        });
    }
}

impl Model for Function {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            let input = serde_json::from_str(input.complete().get()).map_err(|error| error.to_string())?;
            let (reply, result) = oneshot::channel();
            let call = Call { input, run: ModelRun { run: run.clone(), server: Handle::current() }, reply };
            let _ = self.0.send(call);
            let output = match result.await {
                Ok(result) => result.unwrap_or_else(|panic| resume_unwind(panic))?,
                Err(_) => return Err("The thread of the model has ended".into()),
            };
            if !output.is_null() {
                run.output(raw(&output));
            }
            Ok(())
        })
    }
}

/// A running prediction, as the function of a model sees it.
#[derive(Clone)]
pub struct ModelRun {
    run: Run,
    /// The runtime of the server, which lives as long as the connections of its HTTP client.
    server: Handle,
}

impl ModelRun {
    /// Returns the id of the prediction.
    pub fn id(&self) -> &str {
        &self.run.job.spec.id
    }

    /// Writes a line to the logs.
    pub fn log(&self, line: impl AsRef<str>) {
        self.run.log(line);
    }

    /// Appends an item to the output, which then is a list, and sends it to streams.
    pub fn emit(&self, item: impl Into<Value>) {
        self.run.emit_value(raw(&item.into()));
    }

    /// Reads the file of an input: a `data:` URI, the URL of an upload, or any other HTTP URL.
    ///
    /// # Errors
    /// The reason why the file cannot be read. It suits as the error of the prediction.
    pub async fn read(&self, uri: &str) -> Result<Vec<u8>, String> {
        let (files, uri) = (self.run.files.clone(), uri.to_owned());
        let read = self.server.spawn(async move { files.read(&uri).await });
        read.await.map_err(|error| error.to_string())?.map(Vec::from)
    }

    /// Saves an output file and returns its URL, in whose name characters other than ASCII letters, digits, `-`, `_` and `.`
    /// are replaced.
    pub fn save(&self, name: &str, content_type: &str, bytes: Vec<u8>) -> String {
        let (name, content_type) = complete(Some(name), Some(content_type), &bytes);
        self.run.save(&name, content_type, bytes)
    }
}

impl std::fmt::Debug for ModelRun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelRun").field("id", &self.id()).finish_non_exhaustive()
    }
}
