//! `emulator/fails`: emits output, writes logs and fails.

use std::time::Duration;

use crate::model::{BuiltIn, Card, Input, Model, Run, Work, timing};

pub(super) struct Fails;

impl BuiltIn for Fails {
    fn card(&self) -> Card {
        Card {
            name: "fails",
            description: "Emits the items of `partial`, writes log lines and fails with `message`.",
            versions: &[("0ec4000000000000000000000000000000000000000000000000000000000002", None)],
            schema: include_str!("schemas/fails.json").into(),
            timing: timing(5, 10),
            ..super::CARD
        }
    }
}

impl Model for Fails {
    fn cold_start(&self, input: &Input) -> Option<Duration> {
        super::cold_start(input)
    }

    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            run.log("Loading weights");
            for piece in input.texts("partial").unwrap_or_default() {
                run.emit(&piece);
            }
            run.log("Traceback (most recent call last):");
            let message = input.required_text("message")?;
            run.log(format!("RuntimeError: {message}"));
            Err(message)
        })
    }
}
