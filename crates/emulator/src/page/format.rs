//! Short texts for values.

use maud::{Markup, html};

use crate::job::Status;
use crate::support::time::Timestamp;

/// Returns a moment as a time of day in UTC.
pub(super) fn time(moment: Timestamp) -> Markup {
    let full = moment.rfc3339(3);
    let clock = full.split('T').nth(1).unwrap_or_default().split(['.', 'Z']).next().unwrap_or_default();
    html! { time datetime=(full) title=(full) { (clock) } }
}

pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 1.0 => format!("{:.0} ms", s * 1000.0),
        s if s < 100.0 => format!("{s:.1} s"),
        s => format!("{:.0} min", s / 60.0),
    }
}

pub(super) fn status(status: Status) -> Markup {
    let name = status.name();
    html! { span.status.(name) { (name) } }
}
