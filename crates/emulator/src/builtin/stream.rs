//! `emulator/stream`: emits given items one by one.

use std::time::Duration;

use crate::model::run::seconds;
use crate::model::{BuiltIn, Card, Input, Model, Run, Work};

pub(super) struct Stream;

impl BuiltIn for Stream {
    fn card(&self) -> Card {
        Card {
            name: "stream",
            description: "Emits the items of `chunks`, `pause` seconds apart, and the whole list `repeat` times.",
            versions: &[("0ec4000000000000000000000000000000000000000000000000000000000005", None)],
            schema: include_str!("schemas/stream.json").into(),
            example_input: r#"{"chunks": ["one", " two", " three"]}"#.into(),
            ..super::CARD
        }
    }
}

impl Model for Stream {
    fn cold_start(&self, input: &Input) -> Option<Duration> {
        super::cold_start(input)
    }

    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            let chunks = input.texts("chunks").unwrap_or_default();
            let pause = seconds(input.number("pause").unwrap_or(0.0));
            for _ in 0..input.integer("repeat").unwrap_or(1).clamp(0, 1_000_000) {
                for chunk in &chunks {
                    run.emit(chunk);
                    if pause.is_zero() {
                        tokio::task::yield_now().await;
                    } else {
                        run.sleep(pause).await;
                    }
                }
            }
            Ok(())
        })
    }
}
