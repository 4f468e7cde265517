//! `emulator/endless`: runs until it is canceled.

use std::time::Duration;

use crate::model::{BuiltIn, Card, Input, Model, Run, Work};

pub(super) struct Endless;

impl BuiltIn for Endless {
    fn card(&self) -> Card {
        Card {
            name: "endless",
            description: "Runs until it is canceled, and logs a line per second.",
            versions: &[("0ec4000000000000000000000000000000000000000000000000000000000003", None)],
            schema: include_str!("schemas/endless.json").into(),
            ..super::CARD
        }
    }
}

impl Model for Endless {
    fn cold_start(&self, input: &Input) -> Option<Duration> {
        super::cold_start(input)
    }

    fn run(&self, _input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            for second in 0u64.. {
                run.log(format!("still running after {second} s"));
                run.sleep(Duration::from_secs(1)).await;
            }
            Ok(())
        })
    }
}
