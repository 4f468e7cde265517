//! Assertions about predictions, for tests in all languages.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;

use crate::defined::names;
use crate::http::problem::Problem;
use crate::job::{Job, Kind};
use crate::request::{Call, Reply, ok};
use crate::state::App;
use crate::support::difference::{SHOWN_LENGTH, compare_values};
use crate::support::excerpt::excerpt;
use crate::support::json::{Fields, reason};
use crate::support::lock;

const MOST_SHOWN: usize = 10;

/// What a test expects of the predictions of a model, a version or a deployment, or of all models.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    model: Option<String>,
    which: Which,
    input: Option<Value>,
    times: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Which {
    /// There are `times` predictions, or at least one.
    Called,
    /// The last prediction has the input.
    Last,
    /// Some prediction has the input.
    Any,
    /// There is no prediction.
    Never,
    /// The inputs are returned, for matchers in the language of the test.
    Inputs,
}

/// Responds with `{"problem": text}`, or null if the expectation holds; with `{"inputs": [...]}` for `inputs`.
pub(super) async fn check(call: Call) -> Reply {
    call.app.emulates()?;
    let expected: Expected = serde_json::from_slice(&call.body)
        .map_err(|error| Problem::bad_request(format!("This is not an expectation: {}", reason(&error))))?;
    let all: Vec<_> =
        call.app.jobs.all().into_iter().filter(|job| job.spec.kind == Kind::Prediction).collect();
    let selected = expected.select(&call.app, &all)?;
    if expected.which == Which::Inputs {
        let inputs: Vec<_> = selected.iter().map(|job| job.spec.input.clone()).collect();
        return Ok(ok(Fields::new().put("inputs", &inputs).finish()));
    }
    let problem = expected.problem(&all, &selected).map(|text| text + &dropped(&call.app));
    Ok(ok(Fields::new().put("problem", &problem).finish()))
}

fn dropped(app: &App) -> String {
    match app.jobs.dropped() {
        0 => String::new(),
        count => format!("\n({count} older predictions were dropped: see the option --keep)"),
    }
}

impl Expected {
    /// Returns the predictions that the expectation is about.
    fn select<'a>(&self, app: &App, all: &'a [Arc<Job>]) -> Result<Vec<&'a Arc<Job>>, Problem> {
        let Some(wanted) = &self.model else { return Ok(all.iter().collect()) };
        let (name, version) = match wanted.split_once(':') {
            Some((name, version)) => (name, Some(version)),
            None => (&**wanted, None),
        };
        if names(name).is_none() || version == Some("") {
            return Err(Problem::bad_request(format!(
                "`model` must be \"owner/name\" or \"owner/name:version\", not {wanted:?}"
            )));
        }
        let account = &app.config.account;
        let selects = |job: &&Arc<Job>| {
            let spec = &job.spec;
            let deployment = || spec.deployment.as_ref().map(|deployment| format!("{account}/{deployment}"));
            (spec.model == name && version.is_none_or(|version| spec.actual_version == version))
                || (version.is_none() && deployment().is_some_and(|deployment| deployment == name))
        };
        let selected: Vec<_> = all.iter().filter(selects).collect();
        if selected.is_empty() && self.which == Which::Never && !exists(app, name, version) {
            return Err(Problem::bad_request(format!(
                "there is no model {wanted}, so nothing could have called it; correct the name, or define the model"
            )));
        }
        Ok(selected)
    }

    fn problem(&self, all: &[Arc<Job>], selected: &[&Arc<Job>]) -> Option<String> {
        let inputs: Vec<Value> = selected.iter().map(|job| input(job)).collect();
        let of = self.model.as_ref().map_or_else(String::new, |model| format!(" of {model}"));
        let count = match inputs.len() {
            1 => format!("1 prediction{of}"),
            count => format!("{count} predictions{of}"),
        };
        match self.which {
            Which::Never => (!inputs.is_empty())
                .then(|| format!("expected no predictions{of}, found {count}{}", list(&inputs))),
            Which::Called => match self.times {
                Some(times) if times != inputs.len() => {
                    Some(format!("expected {times} predictions{of}, found {count}{}", list(&inputs)))
                }
                None if inputs.is_empty() => {
                    Some(format!("expected a prediction{of}, found none{}", others(all)))
                }
                _ => None,
            },
            Which::Last | Which::Any => {
                let wanted = self.input.clone().unwrap_or_else(|| Value::Object(serde_json::Map::new()));
                let Some(last) = inputs.last() else {
                    return Some(format!("expected a prediction{of}, found none{}", others(all)));
                };
                // The difference to the closest input is the most useful one.
                let candidates =
                    if self.which == Which::Last { std::slice::from_ref(last) } else { &inputs[..] };
                let closest =
                    candidates.iter().rev().map(|input| differences(&wanted, input)).min_by_key(Vec::len)?;
                if closest.is_empty() {
                    return None;
                }
                let which = if self.which == Which::Last { "the last" } else { "the closest" };
                let lines: Vec<_> = closest.iter().map(|line| format!("\n  {line}")).collect();
                let rest = if inputs.len() > 1 {
                    format!("\nfound {count}{}", list(&inputs))
                } else {
                    String::new()
                };
                Some(format!("{which} prediction{of} has another input:{}{rest}", lines.concat()))
            }
            Which::Inputs => None,
        }
    }
}

/// Reports whether there is a model, a version or a deployment of this name.
fn exists(app: &App, name: &str, version: Option<&str>) -> bool {
    let catalog = lock(&app.catalog);
    let model = catalog.models.get(name);
    match version {
        Some(version) => model.is_some_and(|model| model.version(version).is_some()),
        None => model.is_some() || lock(&app.deployments).contains_key(name),
    }
}

fn input(job: &Job) -> Value {
    serde_json::from_str(job.spec.input.get()).unwrap_or_default()
}

fn differences(expected: &Value, got: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare_values("input", expected, got, &mut found);
    found
}

/// Lists inputs, one per line, the newest last.
fn list(inputs: &[Value]) -> String {
    let skipped = inputs.len().saturating_sub(MOST_SHOWN);
    let shown = inputs.iter().enumerate().skip(skipped);
    let lines = shown
        .map(|(index, input)| format!("\n  {}. {}", index + 1, excerpt(&input.to_string(), SHOWN_LENGTH)));
    let more = if skipped > 0 { format!("\n  ({skipped} earlier ones)") } else { String::new() };
    format!(":{more}{}", lines.collect::<String>())
}

/// Names the models that have predictions.
fn others(all: &[Arc<Job>]) -> String {
    let mut counts: IndexMap<&str, usize> = IndexMap::new();
    for job in all {
        *counts.entry(&job.spec.model).or_default() += 1;
    }
    if counts.is_empty() {
        return "; no predictions were created at all".into();
    }
    let counts: Vec<_> = counts.iter().map(|(model, count)| format!("{model} ({count})")).collect();
    format!("; the models with predictions are {}", counts.join(", "))
}
