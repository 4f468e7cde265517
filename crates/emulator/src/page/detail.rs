//! A prediction: input, output, logs, events and webhook deliveries.

use maud::{Markup, html};
use serde_json::Value;

use super::format::{duration, status, time};
use super::value::{self, show};
use crate::job::{Job, Kind, Shape};
use crate::state::App;
use crate::support::excerpt::excerpt;
use crate::webhook::{Attempt, Delivery};

const MOST_EVENTS: usize = 100;
const EVENT_LENGTH: usize = 300;

pub(super) fn main(app: &App, id: &str) -> Markup {
    match app.jobs.get(id) {
        Some(job) => {
            job.remove_expired_data(app.now());
            found(app, &job)
        }
        None => html! {
            main #main tabindex="-1" {
                h1 { "No such prediction" }
                p { "The emulator has forgotten it, or never had it. " a href="/" { "All predictions" } }
            }
        },
    }
}

fn found(app: &App, job: &Job) -> Markup {
    let spec = &job.spec;
    let view: Value = serde_json::from_str(job.view(&app.origin, Shape::Read).get()).unwrap_or_default();
    let summary = job.summary();
    let deliveries = app.webhooks.deliveries(&spec.id);
    let attempts = deliveries.iter().filter_map(|delivery| Some((delivery, delivery.attempts.last()?)));
    let news = match attempts.max_by_key(|(_, attempt)| attempt.at) {
        // Without the count, an attempt with the same outcome would not be news.
        Some((delivery, attempt)) => format!(
            "{}, webhook {}: attempt {} {}",
            summary.status.name(),
            delivery.event.name(),
            delivery.attempts.len(),
            outcome(attempt)
        ),
        None => summary.status.name().into(),
    };
    html! {
        main #main tabindex="-1" data-updates={ "/_page/" (spec.id) "/updates" } data-news=(news) {
            p { a #back href="/" { "All predictions" } }
            h1 { (spec.model) @if spec.kind == Kind::Training { " training" } }
            dl.facts {
                dt { "Status" } dd { (status(summary.status)) }
                dt { "Id" } dd { code { (spec.id) } }
                dt { "Version" } dd { code { (excerpt(&spec.version, 12)) } }
                @if let Some(deployment) = &spec.deployment { dt { "Deployment" } dd { (deployment) } }
                dt { "Created" } dd { (time(spec.created_at)) " UTC" }
                @if let Some(ran) = summary.ran { dt { "Ran for" } dd { (duration(ran)) } }
                @if view["data_removed"] == true { dt { "Data" } dd { "removed" } }
            }
            @if let Some(error) = view["error"].as_str() {
                (section("error", "Error", &value::text(error)))
            }
            (section("input", "Input", &show(app, "Input", &view["input"])))
            (section("output", "Output", &output(app, &view)))
            (section("logs", "Logs", &logs(view["logs"].as_str().unwrap_or_default())))
            @if spec.stream_key.is_some() { (section("events", "Events", &events(job))) }
            @if let Some(url) = &spec.webhook {
                (section("deliveries", "Webhook deliveries", &table(&spec.id, url, &deliveries)))
            }
        }
    }
}

fn section(id: &str, title: &str, content: &Markup) -> Markup {
    html! {
        section #(id) aria-labelledby={ (id) "-title" } {
            h2 #{ (id) "-title" } { (title) }
            (content)
        }
    }
}

fn output(app: &App, view: &Value) -> Markup {
    match &view["output"] {
        Value::Null => html! { p { "None" } },
        value => show(app, "Output", value),
    }
}

fn logs(logs: &str) -> Markup {
    html! {
        // Not announced: a model may write many lines.
        pre #log role="log" aria-live="off" aria-labelledby="logs-title" tabindex="0" { (logs) }
    }
}

fn events(job: &Job) -> Markup {
    let (count, wires) = job.events(|log| {
        let count = log.len();
        let wires = log.from(count.saturating_sub(MOST_EVENTS)).iter().map(|event| event.wire.clone());
        (count, wires.collect::<Vec<_>>())
    });
    let field = |wire: &str, name: &str| {
        let lines = wire.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        lines.collect::<Vec<_>>().join("\n")
    };
    html! {
        div.scroll {
            table {
                caption { (count) " events" @if count > wires.len() { ", the last " (wires.len()) } }
                thead { tr { th scope="col" { "Event" } th scope="col" { "Id" } th scope="col" { "Data" } } }
                tbody { @for wire in &wires { tr {
                    td { (field(wire, "event")) }
                    td.number { (field(wire, "id")) }
                    td.input { code { (excerpt(&field(wire, "data"), EVENT_LENGTH)) } }
                } } }
            }
        }
    }
}

fn table(id: &str, url: &str, deliveries: &[Delivery]) -> Markup {
    html! {
        p { "To " code { (url) } }
        @if deliveries.is_empty() {
            p { "None yet, or the emulator no longer keeps them." }
        } @else {
            div.scroll { table {
                thead { tr {
                    th scope="col" { "Event" }
                    th scope="col" { "Message" }
                    th scope="col" { "Attempts" }
                    th scope="col" { span.hidden { "Action" } }
                } }
                tbody { @for delivery in deliveries { (row(id, delivery)) } }
            } }
        }
    }
}

fn row(id: &str, delivery: &Delivery) -> Markup {
    let number = delivery.number;
    html! {
        tr #{ "delivery-" (number) } {
            th scope="row" { (delivery.event.name()) }
            td { code { (excerpt(&delivery.id, 12)) } }
            td {
                @if delivery.attempts.is_empty() { "waiting for a response" }
                ol { @for attempt in &delivery.attempts {
                    li { (time(attempt.at)) " " (outcome(attempt)) }
                } }
            }
            td {
                form method="post" action={ "/_page/" (id) "/deliveries/" (number) } {
                    button #{ "again-" (number) } type="submit" {
                        "Deliver again" span.hidden { " " (delivery.event.name()) " " (delivery.id) }
                    }
                }
            }
        }
    }
}

fn outcome(attempt: &Attempt) -> String {
    match &attempt.result {
        Ok(status @ 200..=299) => format!("accepted with {status}"),
        Ok(status) => format!("refused with {status}"),
        Err(error) => format!("failed: {error}"),
    }
}
