//! `replicant map`: runs a model over the rows of a table.

mod report;
mod results;
mod source;

use std::{sync::Arc, time::Duration};

use futures_util::{FutureExt, StreamExt};
use replicant::{
    Reference,
    map::{Map, MapItem, Stopped},
};
use tokio::time::{MissedTickBehavior, interval};

use self::{
    report::{progress, summary, summary_json},
    results::{Files, Results},
    source::{Broken, Source},
};
use crate::{
    client::{client, seconds},
    command::{Arguments, Command, Context, Flag, flag, option},
    failure::{FAILED, Failure, STOPPED, message},
    output::{note, print_json, while_read},
    schema::Target,
    template::Template,
};

const REDRAW: Duration = Duration::from_millis(200);

pub(crate) const MAP: Command = Command {
    name: "map",
    usage: "OWNER/NAME[:VERSION] --in FILE [KEY=VALUE]... [options]",
    summary: "Run a model over the rows of a table",
    details: "Each row is the input of a prediction, many of which run at a time. Rows are CSV with the names of the columns in the
first line, or JSON Lines: an object in each line. The model is named as in `replicant run`.

Without KEY=VALUE, each column is an input. The cells of CSV have the types that the model declares; an empty one is left
out. With KEY=VALUE, only these are inputs:
  KEY={COLUMN}        the value of the column
  KEY=\"a {COLUMN}\"    text with values of columns; {{ and }} are braces
  KEY=@{COLUMN}       the file at the path in the column, which is uploaded
  KEY:=JSON           any JSON, the same for all rows

Results are lines of JSON: key, index, status, output, error, attempts, seconds of predict time, id. With --out, the
checkpoint in FILE.checkpoint records each step. With --resume, an interrupted batch continues: finished rows come from the
checkpoint, running predictions are awaited, and FILE is written again. Rows may be added then, if --key identifies them.

A file is checked as a whole before the first prediction is created. Ctrl-C cancels what runs. The exit code is 1 if a row
failed, and 5 if a limit stopped the batch before its last row.",
    flags: &[
        option("--in", "FILE", "Read rows from this file; `-` is standard input"),
        option("--format", "NAME", "Format of the rows: csv, tsv, jsonl (default: the extension of the file)"),
        option("--out", "FILE", "Write results to this file (default: standard output)"),
        option("--checkpoint", "FILE", "Record each step in this file (default: that of --out with .checkpoint)"),
        flag("--resume", "Continue the batch of the checkpoint"),
        option("--key", "COLUMN", "Column that identifies a row (default: its position)"),
        Flag { short: Some('o'), ..option("--save", "DIR", "Save output files into this folder at once, named by key") },
        option("--concurrency", "N", "Predictions that run at a time, 1 to 10000 (default: 64)"),
        option("--retries", "N", "Create a failed prediction again, at most this often; each is billed (default: 0)"),
        option("--max-predictions", "N", "Create no more predictions than this"),
        option("--max-seconds", "SECONDS", "Create no more predictions after this much predict time"),
        option("--max-error-rate", "SHARE", "Stop if more than this share of the last 50 rows failed, such as 0.2"),
        option("--timeout", "SECONDS", "Cancel a prediction after this time"),
        flag("--ordered", "Write results in the order of the rows"),
        flag("--retry-unknown", "Run rows again whose outcome is unknown"),
        flag("--drain", "On Ctrl-C, finish what runs; a second Ctrl-C leaves it running"),
        flag("--json", "Print the summary as JSON on standard output; needs --out"),
    ],
    examples: &[
        "replicant map black-forest-labs/flux-schnell --in birds.csv --out birds.jsonl --save pictures/",
        "replicant map black-forest-labs/flux-schnell prompt=\"a {bird} at dawn\" --in birds.csv --key bird --out birds.jsonl",
        "replicant map nightmareai/real-esrgan image=@{path} scale=2 --in files.csv --out large.jsonl --resume",
        "generate-rows | replicant map owner/name --in - --format jsonl | jq .output",
    ],
    passes_arguments: false,
    run: |context, arguments| Box::pin(map(context, arguments)),
};

async fn map(context: &Context<'_>, arguments: Arguments) -> Result<(), Failure> {
    let Some((model, words)) = arguments.words.split_first() else {
        return Err(Failure::usage("OWNER/NAME is missing: the model to run"));
    };
    let reference: Reference = model.parse()?;
    let template = Template::parse(words, arguments.value("--key"))?;
    let source = Source::of(&arguments)?;
    let options = Options::of(&arguments)?;
    if arguments.has("--json") && arguments.value("--out").is_none_or(|out| out == "-") {
        return Err(Failure::usage(
            "`--json` needs `--out FILE`, because results are on standard output otherwise",
        ));
    }
    let files = Files::of(&arguments)?;
    let client = client()?.with_tasks(context.tasks.clone());
    let Target { reference, schema } = Target::find(&client, files.version_of(reference)).await?;
    let template = Arc::new(template.check(schema.as_ref())?);
    let total = source.check(&template).await?;
    let results = files.results().await?;
    let (rows, broken) = source.stream(template);
    let mut batch = options.apply(client.map(reference.to_string(), rows));
    if let Some(checkpoint) = &files.checkpoint {
        batch = batch.checkpoint(checkpoint);
    }
    context.interrupt.abandons("the running predictions", files.advice());
    if arguments.has("--drain") {
        context.interrupt.finish_after_signal(Some(
            "finishing the running predictions; press Ctrl-C again to leave them running",
        ));
    }
    Running { context, batch, results, total, first_error: None }
        .finish(&broken, arguments.has("--json"))
        .await
}

/// The options that are those of the core.
struct Options {
    concurrency: Option<usize>,
    retries: Option<u32>,
    max_predictions: Option<u64>,
    max_seconds: Option<f64>,
    max_error_rate: Option<f64>,
    timeout: Option<Duration>,
    save_to: Option<String>,
    ordered: bool,
    retry_unknown: bool,
}

impl Options {
    fn of(arguments: &Arguments) -> Result<Self, Failure> {
        let duration = |flag| arguments.value(flag).map(|text| seconds(flag, text)).transpose();
        Ok(Self {
            concurrency: arguments.number("--concurrency", "a whole number")?,
            retries: arguments.number("--retries", "a whole number")?,
            max_predictions: arguments.number("--max-predictions", "a whole number")?,
            max_seconds: duration("--max-seconds")?,
            max_error_rate: arguments.number("--max-error-rate", "a share of the rows, such as 0.2")?,
            timeout: duration("--timeout")?.map(Duration::from_secs_f64),
            save_to: arguments.value("--save").map(str::to_owned),
            ordered: arguments.has("--ordered"),
            retry_unknown: arguments.has("--retry-unknown"),
        })
    }

    fn apply(self, mut batch: Map) -> Map {
        batch = batch.ordered(self.ordered).retry_unknown(self.retry_unknown);
        batch = batch.retries(self.retries.unwrap_or_default());
        if let Some(concurrency) = self.concurrency {
            batch = batch.concurrency(concurrency);
        }
        if let Some(predictions) = self.max_predictions {
            batch = batch.max_predictions(predictions);
        }
        if let Some(seconds) = self.max_seconds {
            batch = batch.max_seconds(seconds);
        }
        if let Some(share) = self.max_error_rate {
            batch = batch.max_error_rate(share);
        }
        if let Some(timeout) = self.timeout {
            batch = batch.timeout(timeout);
        }
        match self.save_to {
            Some(folder) => batch.save_to(folder),
            None => batch,
        }
    }
}

/// A batch that runs.
struct Running<'r> {
    context: &'r Context<'r>,
    batch: Map,
    results: Results,
    total: Option<u64>,
    /// The error of the first row that failed.
    first_error: Option<String>,
}

impl Running<'_> {
    /// Writes the results until the end, then the summary.
    async fn finish(mut self, broken: &Broken, is_json: bool) -> Result<(), Failure> {
        let prints = self.results.are_printed();
        let writing = self.write_results();
        let ended = if prints { while_read(writing).await } else { writing.await };
        self.context.progress.clear();
        let stats = self.batch.stats();
        if stats.rows > 0 || ended.is_ok() {
            note(&format!("replicant: {}", summary(&stats, self.total)));
        }
        if let (true, Ok(())) = (is_json, &ended) {
            print_json(&summary_json(&stats, self.total)).await?;
        }
        ended?;
        if let Some(failure) = broken.take() {
            return Err(failure);
        }
        if let Some(error) = self.first_error {
            return Err(Failure::new(FAILED, format!("the first row that failed: {error}")));
        }
        match stats.stopped {
            // The summary says which limit.
            Some(Stopped::MaxPredictions | Stopped::MaxSeconds) => Err(Failure::silent(STOPPED)),
            _ => Ok(()),
        }
    }

    async fn write_results(&mut self) -> Result<(), Failure> {
        let mut redraw = interval(REDRAW);
        redraw.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut is_stopping = false;
        loop {
            // What is there is written at once, what comes next when it is there.
            let next = match self.batch.next().now_or_never() {
                Some(next) => next,
                None => {
                    self.write().await?;
                    tokio::select! {
                        () = self.context.interrupt.requested(), if !is_stopping => {
                            is_stopping = true;
                            self.batch.stop();
                            continue;
                        }
                        _ = redraw.tick() => {
                            self.context.progress.show(&progress(&self.batch.stats(), self.total));
                            continue;
                        }
                        next = self.batch.next() => next,
                    }
                }
            };
            match next {
                Some(Ok(item)) => self.add(item).await?,
                Some(Err(error)) => {
                    self.write().await?;
                    return Err(error.into());
                }
                None => return self.write().await,
            }
        }
    }

    async fn write(&mut self) -> Result<(), Failure> {
        if self.results.share_terminal() {
            self.context.progress.clear();
        }
        self.results.write().await
    }

    async fn add(&mut self, item: MapItem) -> Result<(), Failure> {
        if let (None, Some(error)) = (&self.first_error, &item.error) {
            self.first_error = Some(format!("{}: {}", item.key, message(error)));
        }
        self.results.add(&item).await
    }
}
