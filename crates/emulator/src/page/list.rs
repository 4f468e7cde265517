//! The list of predictions.

use std::sync::Arc;

use maud::{Markup, html};

use super::format::{duration, status, time};
use crate::job::{Job, Kind};
use crate::state::App;
use crate::support::excerpt::excerpt;

const MOST: usize = 100;
const INPUT_LENGTH: usize = 120;

pub(super) fn main(app: &App) -> Markup {
    let jobs = app.jobs.newest(MOST);
    let count = app.jobs.count();
    // Without the number, one with the same outcome would not be news.
    let number = count as u64 + app.jobs.dropped();
    let news = jobs.first().map(|job| format!("{} {}, number {number}", job.spec.model, job.status().name()));
    html! {
        main #main tabindex="-1" data-updates="/_page/updates" data-news=(news.unwrap_or_default()) {
            h1 { "Predictions" }
            @if jobs.is_empty() {
                (nothing(app))
            } @else {
                // Outside of the table, which is wider than narrow windows.
                p.caption #caption { (count) @if count == 1 { " prediction" } @else { " predictions and trainings" } ", newest first. Times are in UTC." }
                div.scroll {
                    table.list aria-labelledby="caption" {
                        thead { tr {
                            th scope="col" { "Model" }
                            th scope="col" { "Status" }
                            th scope="col" { "Input" }
                            th scope="col" { "Created" }
                            th scope="col" { "Ran for" }
                        } }
                        tbody { @for job in &jobs { (row(job)) } }
                    }
                }
                @if count > jobs.len() {
                    p { "The list shows the newest " (jobs.len()) "." }
                }
            }
        }
    }
}

fn row(job: &Arc<Job>) -> Markup {
    let (spec, summary) = (&job.spec, job.summary());
    html! {
        tr #{ "row-" (spec.id) } {
            th scope="row" {
                a #{ "link-" (spec.id) } href={ "/_page/" (spec.id) } { (spec.model) " " small { (excerpt(&spec.id, 8)) } }
                @if spec.kind == Kind::Training { small { " training" } }
            }
            td { (status(summary.status)) }
            td.input { code { (excerpt(summary.input.get(), INPUT_LENGTH)) } }
            td { (time(spec.created_at)) }
            td.number { @if let Some(ran) = summary.ran { (duration(ran)) } }
        }
    }
}

fn nothing(app: &App) -> Markup {
    if let Some(folder) = app.config.replay.as_ref().or(app.config.record.as_ref()) {
        let does = if app.config.replay.is_some() { "plays" } else { "records" };
        return html! {
            p { "This emulator " (does) " the cassette " code { (folder.display()) } ", and runs no predictions itself." }
        };
    }
    let token = if app.config.token.is_some() { "<the token>" } else { "any-token" };
    html! {
        p { "There are none yet. They appear here as soon as a client creates one:" }
        pre tabindex="0" aria-label="Example" {
            "export REPLICATE_BASE_URL=" (app.origin) " REPLICATE_API_TOKEN=" (token) "\n"
            "python -c 'import replicant; print(replicant.run(\"emulator/echo\", {\"value\": \"Ada\"}))'"
        }
    }
}
