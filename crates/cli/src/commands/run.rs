//! `replicant run`: runs a model.

use futures_util::TryStreamExt;
use replicant::{
    Client, Item, Object, Reference, Value,
    bindings::{CANCEL_AFTER, leave},
    json, operation,
};

use crate::{
    client::{call, client, open, seconds},
    command::{Arguments, Command, Context, Flag, flag, option},
    failure::{FAILED, Failure, INTERRUPTED},
    input,
    output::{is_terminal, print, print_json, print_line, while_read},
    schema::{Schema, Target},
};

pub(crate) const RUN: Command = Command {
    name: "run",
    usage: "OWNER/NAME[:VERSION] [KEY=VALUE]... [options]",
    summary: "Run a model and print its output",
    details: "The model may also be a version id, or deployments/OWNER/NAME. Without a version, a model that is not official is run at its
latest version. Inputs:
  KEY=VALUE   a value of the type that the model declares (`replicant models schema`), otherwise text;
              repeat the key of a list for each of its items
  KEY=@PATH   a file, which is uploaded; for an input that is text, the text in the file
  KEY=@-      the same, of standard input
  KEY:=JSON   any JSON

Text is printed as the model writes it. Files are printed as URLs, which expire after an hour; --output saves them.
On a terminal, standard error shows the status and the progress. Ctrl-C cancels the prediction.",
    flags: &[
        Flag {
            short: Some('o'),
            ..option("--output", "DIR", "Save output files into this folder and print their paths")
        },
        option("--input", "FILE", "Read inputs from this file, a JSON object; `-` is standard input"),
        flag("--json", "Print the prediction as JSON; with --output, `files` has the paths"),
        flag("--no-wait", "Print the id of the prediction and leave it running"),
        option("--timeout", "SECONDS", "Cancel the prediction after this time; with --no-wait 5 to 86400"),
        option("--webhook", "URL", "Send the events of the prediction to this URL"),
        option("--webhook-events", "LIST", "Only these: start, output, logs, completed (separated by commas)"),
    ],
    examples: &[
        "replicant run meta/meta-llama-3-8b-instruct prompt=\"Name a bird.\"",
        "replicant run black-forest-labs/flux-schnell prompt=\"a heron\" num_outputs=2 -o pictures/",
        "replicant run nightmareai/real-esrgan image=@photo.png scale=2 -o .",
        "echo Sing. | replicant run meta/meta-llama-3-8b-instruct prompt=@-",
    ],
    passes_arguments: false,
    run: |context, arguments| Box::pin(run(context, arguments)),
};

async fn run(context: &Context<'_>, arguments: Arguments) -> Result<(), Failure> {
    let Some((model, words)) = arguments.words.split_first() else {
        return Err(Failure::usage("OWNER/NAME is missing: the model to run"));
    };
    let reference: Reference = model.parse()?;
    let mut params = Object::new();
    for (name, key) in [("--webhook", "webhook"), ("--webhook-events", "webhook_events_filter")] {
        if let Some(value) = arguments.value(name) {
            let list = || value.split(',').map(str::trim).collect::<Vec<_>>().into();
            let value = if name == "--webhook" { value.into() } else { list() };
            params.insert(key.into(), value);
        }
    }
    if let Some(timeout) = arguments.value("--timeout") {
        let time = seconds("--timeout", timeout)?;
        let key = if arguments.has("--no-wait") { "cancel_after" } else { "timeout" };
        if key == "cancel_after" && !CANCEL_AFTER.contains(&time) {
            let (least, most) = CANCEL_AFTER.into_inner();
            return Err(Failure::usage(format!(
                "`--timeout` must be {least} to {most} seconds with `--no-wait`, the limits of the API, not `{timeout}`"
            )));
        }
        params.insert(key.into(), time.into());
    }
    if arguments.has("--no-wait") && arguments.has("--output") {
        return Err(Failure::usage("`--output` needs the output, for which `--no-wait` does not wait"));
    }
    if arguments.has("--webhook-events") && !arguments.has("--webhook") {
        return Err(Failure::usage("`--webhook-events` needs `--webhook URL`"));
    }
    input::check(words)?;
    let client = client()?.with_tasks(context.tasks.clone());
    let Target { reference, schema } = Target::find(&client, reference).await?;
    let input = input::read(words, arguments.value("--input"), schema.as_ref()).await?;
    params.insert("input".into(), input);
    let run = Run { context, client, arguments: &arguments };
    params.insert("ref".into(), reference.to_string().into());
    if arguments.has("--no-wait") {
        return run.leave(params).await;
    }
    if let Some(folder) = arguments.value("--output") {
        // Before the prediction, whose output would otherwise have no place.
        std::fs::create_dir_all(folder).map_err(|error| {
            Failure::new(FAILED, format!("`--output`: cannot create the folder {folder:?}: {error}"))
        })?;
    }
    let streams_text = schema.as_ref().map(Schema::streams_text);
    let work = async {
        match streams_text {
            Some(false) => run.whole(params).await,
            _ if arguments.has("--json") => run.whole(params).await,
            known => run.streamed(params, known.is_some()).await,
        }
    };
    // Files are saved even if nobody reads what is printed.
    if arguments.has("--output") { work.await } else { while_read(work).await }
}

struct Run<'r> {
    context: &'r Context<'r>,
    client: Client,
    arguments: &'r Arguments,
}

impl Run<'_> {
    /// Creates the prediction only.
    async fn leave(&self, params: Object) -> Result<(), Failure> {
        let created = leave(&self.client, params.into()).await?;
        if self.arguments.has("--json") {
            return print_json(&created).await;
        }
        print_line(created["id"].as_str().unwrap_or_default()).await
    }

    /// Prints the output when it is complete.
    async fn whole(&self, mut params: Object) -> Result<(), Failure> {
        params.insert("detailed".into(), true.into());
        // A create that is held has no id to show and to cancel until it ends.
        params.insert("wait".into(), false.into());
        let seen = self.context.progress.clone();
        let observer = std::sync::Arc::new(move |prediction| seen.see(&prediction));
        let run = operation::call(&self.client, "run", params.into(), Some(observer));
        let mut outcome = match self.context.progress.during(run).await {
            Ok(reply) => reply.value,
            Err(error) => {
                if let (true, Some(prediction)) = (self.arguments.has("--json"), error.prediction()) {
                    print_json(prediction).await?;
                }
                return Err(error.into());
            }
        };
        let (output, prediction) = (outcome["output"].clone(), &mut outcome["prediction"]);
        if !self.arguments.has("--json") {
            return self.save_and_print(output).await;
        }
        let saved = self.saved(&output).await;
        if let Ok(Some(paths)) = &saved {
            prediction["files"] = paths.clone().into();
        }
        let printed = print_json(prediction).await;
        saved.and(printed)
    }

    /// Prints text as it is written. `is_text` is `false` if the output may be something else.
    async fn streamed(&self, mut params: Object, is_text: bool) -> Result<(), Failure> {
        params.insert("poll_output".into(), true.into());
        let mut events = open(&self.client, "stream", params);
        let progress = &self.context.progress;
        let (mut files, mut logs, mut ends_line) = (Vec::new(), String::new(), true);
        let (mut id, mut is_empty) = (Value::Null, true);
        loop {
            let next = progress.during(events.try_next()).await;
            if next.is_err() && !ends_line {
                print("\n").await?;
            }
            match next? {
                None => break,
                Some(Item::Value(prediction)) => {
                    progress.see(&prediction);
                    id = prediction["id"].clone();
                }
                Some(Item::Event(event)) => match (event.event.as_str(), event.file) {
                    ("output", Some(file)) => files.push(Value::FileUrl(file.url().into())),
                    ("output", None) => {
                        if is_terminal() {
                            progress.end();
                        }
                        print(&event.data).await?;
                        is_empty = false;
                        ends_line = event.data.ends_with('\n') || (ends_line && event.data.is_empty());
                    }
                    ("logs", _) => {
                        logs.push_str(&event.data);
                        progress.logs(&logs);
                    }
                    _ => {}
                },
                Some(_) => {}
            }
        }
        if !ends_line {
            print("\n").await?;
        }
        if !files.is_empty() {
            return self.save_and_print(Value::Array(files)).await;
        }
        if is_empty && !is_text {
            // Such as an empty list, for which there is no event.
            let mut params = Value::object();
            params["id"] = id;
            let prediction = call(&self.client, "predictions.get", params).await?;
            return self.save_and_print(prediction["output"].clone()).await;
        }
        Ok(())
    }

    /// Prints an output, with the paths of its files if they are to be saved. If that fails or is interrupted, the URLs are
    /// printed, so that the billed output is not lost.
    async fn save_and_print(&self, output: Value) -> Result<(), Failure> {
        let saved = self.saved(&output).await;
        let printed = print_output(output, saved.as_ref().ok().cloned().flatten()).await;
        saved.and(printed)
    }

    /// Saves the files of an output. Returns their paths if `--output` was given.
    async fn saved(&self, output: &Value) -> Result<Option<Vec<Value>>, Failure> {
        let Some(folder) = self.arguments.value("--output") else { return Ok(None) };
        // Other strings may be links, which are not printed as files either.
        let mut files = Vec::new();
        replaced(output.clone(), &mut |file| {
            files.push(file.clone());
            file
        });
        if files.is_empty() {
            return Ok(None);
        }
        let mut params = Value::from(json!({"dir": folder}));
        params["outputs"] = files.into();
        let Context { progress, interrupt, .. } = self.context;
        interrupt.finish_after_signal(Some("the files are not saved"));
        tokio::select! {
            paths = progress.during(call(&self.client, "output.save_all", params)) => {
                interrupt.finish_after_signal(None);
                Ok(Some(paths?.as_array().unwrap_or_default().to_vec()))
            }
            () = interrupt.requested() => Err(Failure::silent(INTERRUPTED)),
        }
    }
}

/// Prints an output: files and text as lines, everything else as JSON. `paths` stand for the files.
async fn print_output(output: Value, paths: Option<Vec<Value>>) -> Result<(), Failure> {
    let mut paths = paths.map(Vec::into_iter);
    let output = replaced(output, &mut |url| match &mut paths {
        Some(paths) => paths.next().unwrap_or(url),
        None => url,
    });
    match &output {
        Value::String(_) | Value::FileUrl(_) => print_line(&output.to_string()).await,
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| item.as_str().is_some()) => {
            for item in items {
                print_line(&item.to_string()).await?;
            }
            Ok(())
        }
        other => print_json(other).await,
    }
}

/// Replaces the files in an output, in the order in which they are saved.
fn replaced(output: Value, replace: &mut impl FnMut(Value) -> Value) -> Value {
    output.map_leaves(&mut |leaf| if leaf.as_file_url().is_some() { replace(leaf) } else { leaf })
}
