//! `replicant predictions`: lists, shows and cancels predictions.

use futures_util::TryStreamExt;
use replicant::{Item, Value, json};

use crate::{
    client::{call, client, open},
    command::{Arguments, Command, Flag, JSON, option},
    failure::Failure,
    output::{columns, print, print_json, print_line},
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

/// How many predictions are aligned, and requested before the first is printed.
const ALIGNED: usize = 100;

async fn list(arguments: Arguments) -> Result<(), Failure> {
    arguments.exactly([])?;
    let limit = arguments.value("--limit").unwrap_or("20");
    let limit: usize = limit
        .parse()
        .map_err(|_| Failure::usage(format!("`--limit` must be a number, 0 for all, not `{limit}`")))?;
    let mut left = if limit == 0 { usize::MAX } else { limit };
    let mut pages = open(&client()?, "predictions.list", Value::Null);
    let mut is_first = true;
    while left > 0
        && let Some(Item::Value(page)) = pages.try_next().await?
    {
        let found = page["results"].as_array().unwrap_or_default();
        for some in found[..found.len().min(left)].chunks(ALIGNED) {
            left -= some.len();
            if arguments.has("--json") {
                for prediction in some {
                    print_json(prediction).await?;
                }
            } else {
                print(&table(some, std::mem::take(&mut is_first))).await?;
            }
        }
    }
    Ok(())
}

fn table(predictions: &[Value], with_heading: bool) -> String {
    let heading = ["ID", "STATUS", "CREATED", "SECONDS", "MODEL"].map(str::to_owned).to_vec();
    let mut rows = if with_heading { vec![heading] } else { Vec::new() };
    rows.extend(predictions.iter().map(|prediction| {
        let member = |name: &str| prediction[name].as_str().unwrap_or_default().to_owned();
        let created = member("created_at");
        // Without the fraction of a second.
        let created = created.split('.').next().unwrap_or_default().trim_end_matches('Z').replace('T', " ");
        let time = prediction["metrics"]["predict_time"].as_f64();
        let time = time.map_or_else(String::new, |time| format!("{time:.1}"));
        vec![member("id"), member("status"), created, time, member("model")]
    }));
    columns(&rows)
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
    for id in &arguments.words {
        let canceled = call(&client, "predictions.cancel", json!({"id": id})).await?;
        if arguments.has("--json") {
            print_json(&canceled).await?;
        } else {
            print_line(&format!("{id} {}", canceled["status"])).await?;
        }
    }
    Ok(())
}
