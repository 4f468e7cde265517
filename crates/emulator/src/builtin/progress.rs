//! `emulator/progress`: writes a progress bar to its logs.

use std::time::Duration;

use crate::model::run::seconds;
use crate::model::{BuiltIn, Card, Input, Model, Run, Work};
use crate::support::json::raw;

pub(super) struct Progress;

const WIDTH: usize = 10;

impl BuiltIn for Progress {
    fn card(&self) -> Card {
        Card {
            name: "progress",
            description: "Takes `steps` steps, writes a progress bar to its logs and returns the number of steps.",
            versions: &[("0ec4000000000000000000000000000000000000000000000000000000000004", None)],
            schema: include_str!("schemas/progress.json").into(),
            example_input: r#"{"steps": 10}"#.into(),
            ..super::CARD
        }
    }
}

impl Model for Progress {
    fn cold_start(&self, input: &Input) -> Option<Duration> {
        super::cold_start(input)
    }

    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            let steps = input.integer("steps").unwrap_or(10).clamp(1, 10_000) as usize;
            let pause = seconds(input.number("step_seconds").unwrap_or(0.01));
            for step in 0..=steps {
                run.log(bar(step, steps, pause * step as u32, pause));
                if step < steps {
                    run.sleep(pause).await;
                }
            }
            run.output(raw(&steps));
            Ok(())
        })
    }
}

/// Returns a line such as ` 30%|███       | 3/10 [00:00<00:01, 9.50it/s]`.
fn bar(step: usize, steps: usize, elapsed: Duration, pause: Duration) -> String {
    let percent = step * 100 / steps;
    let filled = step * WIDTH / steps;
    let bar: String = "█".repeat(filled) + &" ".repeat(WIDTH - filled);
    let clock = |time: Duration| format!("{:02}:{:02}", time.as_secs() / 60, time.as_secs() % 60);
    if step == 0 {
        return format!("{percent:3}%|{bar}| {step}/{steps} [00:00<?, ?it/s]");
    }
    let left = clock(pause * (steps - step) as u32);
    let rate = 1.0 / pause.as_secs_f64().max(1e-6);
    format!("{percent:3}%|{bar}| {step}/{steps} [{}<{left}, {rate:.2}it/s]", clock(elapsed))
}
