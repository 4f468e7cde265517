//! `replicant predictions`: lists, shows and cancels predictions.

use futures_util::TryStreamExt;
use replicant::{Item, Value, json};

use crate::{
    client::{call, client, open},
    command::{Arguments, Command, Flag, JSON, option},
    failure::Failure,
    output::{columns, note, print, print_json, print_line, shown},
};

pub(crate) const LIST: Command = Command {
    name: "predictions list",
    usage: "[options]",
    summary: "List predictions, newest first",
    details: "",
    flags: &[
        Flag { short: Some('n'), ..option("--limit", "N", "Number of predictions; 0 for all (default: 20)") },
        JSON,
    ],
    examples: &["replicant predictions list --limit 5", "replicant predictions list -n 0 --json | jq .id"],
    passes_arguments: false,
    run: |_, arguments| Box::pin(list(arguments)),
};

pub(crate) const GET: Command = Command {
    name: "predictions get",
    usage: "ID [options]",
    summary: "Show a prediction",
    details: "",
    flags: &[JSON],
    examples: &["replicant predictions get 4b2q8m", "replicant predictions get 4b2q8m --json | jq -r .logs"],
    passes_arguments: false,
    run: |_, arguments| Box::pin(get(arguments)),
};

pub(crate) const CANCEL: Command = Command {
    name: "predictions cancel",
    usage: "ID... [options]",
    summary: "Cancel predictions",
    details: "",
    flags: &[JSON],
    examples: &["replicant predictions cancel 4b2q8m"],
    passes_arguments: false,
    run: |_, arguments| Box::pin(cancel(arguments)),
};

async fn list(arguments: Arguments) -> Result<(), Failure> {
    arguments.exactly([])?;
    let limit: usize = arguments.number("--limit", "a number, 0 for all")?.unwrap_or(20);
    let mut left = if limit == 0 { usize::MAX } else { limit };
    let mut pages = open(&client()?, "predictions.list", Value::Null);
    let mut heading = Some(line("ID", "STATUS", "CREATED", "SECONDS", "MODEL"));
    while left > 0
        && let Some(Item::Value(page)) = pages.try_next().await?
    {
        let found = page["results"].as_array().unwrap_or_default();
        let found = &found[..found.len().min(left)];
        left -= found.len();
        if arguments.has("--json") {
            for prediction in found {
                print_json(prediction).await?;
            }
        } else {
            let lines = heading.take().into_iter().chain(found.iter().map(row));
            print(&lines.collect::<String>()).await?;
        }
    }
    Ok(())
}

fn row(prediction: &Value) -> String {
    let member = |name: &str| prediction[name].as_str().unwrap_or_default();
    // Without the fraction of a second.
    let created = member("created_at").split('.').next().unwrap_or_default();
    let created = created.trim_end_matches('Z').replace('T', " ");
    let time = prediction["metrics"]["predict_time"].as_f64();
    let time = time.map_or_else(String::new, |time| format!("{time:.1}"));
    line(member("id"), member("status"), &created, &time, member("model"))
}

/// Formats a line of the list. The widths are those of the longest values, because the pages to come are not known.
fn line(id: &str, status: &str, created: &str, time: &str, model: &str) -> String {
    format!("{id:26}  {status:10}  {created:19}  {time:>7}  {model}").trim_end().to_owned() + "\n"
}

async fn get(arguments: Arguments) -> Result<(), Failure> {
    let [id] = arguments.exactly(["ID"])?;
    let prediction = call(&client()?, "predictions.get", json!({"id": id})).await?;
    if arguments.has("--json") {
        return print_json(&prediction).await;
    }
    let mut rows = Vec::new();
    let mut row = |name: &str, value: &Value| {
        if !value.is_null() {
            rows.push(vec![name.to_owned(), value.to_string()]);
        }
    };
    for name in ["id", "status", "model", "version", "created_at", "started_at", "completed_at"] {
        row(name, &prediction[name]);
    }
    row("predict_time", &prediction["metrics"]["predict_time"]);
    row("web", &prediction["urls"]["web"]);
    row("input", &prediction["input"]);
    row("error", &prediction["error"]);
    row("output", &prediction["output"]);
    print(&columns(&rows)).await
}

async fn cancel(arguments: Arguments) -> Result<(), Failure> {
    if arguments.words.is_empty() {
        return Err(Failure::usage("ID is missing: the prediction to cancel"));
    }
    let client = client()?;
    let mut failure: Option<Failure> = None;
    for id in &arguments.words {
        let canceled = match call(&client, "predictions.cancel", json!({"id": id})).await {
            Ok(prediction) if arguments.has("--json") => print_json(&prediction).await,
            Ok(prediction) => print_line(&format!("{id} {}", prediction["status"])).await,
            Err(failure) => {
                note(&format!("replicant: {}: {}", shown(id), failure.message));
                Err(Failure::silent(failure.code))
            }
        };
        // The others are canceled nevertheless. A closed pipe, whose code is 0, does not hide that a cancel failed.
        if let Err(new) = canceled
            && failure.as_ref().is_none_or(|earlier| earlier.code == 0)
        {
            failure = Some(new);
        }
    }
    failure.map_or(Ok(()), Err)
}
