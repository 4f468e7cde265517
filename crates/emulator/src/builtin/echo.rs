//! `emulator/echo`: returns its input.

use std::time::Duration;

use crate::model::run::seconds;
use crate::model::{BuiltIn, Card, Input, Model, Run, Work};

pub(super) struct Echo;

impl BuiltIn for Echo {
    fn card(&self) -> Card {
        Card {
            name: "echo",
            description: "Returns `value`, or its whole input without one, unchanged. `delay` and `cold_start` are \
                          the seconds to spend in processing and starting.",
            versions: &[("0ec4000000000000000000000000000000000000000000000000000000000001", None)],
            schema: include_str!("schemas/echo.json").into(),
            example_input: r#"{"value": "hello"}"#.into(),
            ..super::CARD
        }
    }
}

impl Model for Echo {
    fn cold_start(&self, input: &Input) -> Option<Duration> {
        super::cold_start(input)
    }

    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            if let Some(delay) = input.number("delay") {
                run.sleep(seconds(delay)).await;
            }
            run.output(input.sent("value").unwrap_or(input.raw));
            Ok(())
        })
    }
}
