//! `replicate/hello-world`: greets.

use crate::model::{BuiltIn, Card, Input, Model, Run, Work};
use crate::support::json::raw;

pub(super) struct Hello;

impl BuiltIn for Hello {
    fn card(&self) -> Card {
        Card {
            owner: "replicate",
            name: "hello-world",
            description: "Returns \"hello\" and its text.",
            official: false,
            versions: &[("5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa", None)],
            schema: include_str!("schemas/hello.json").into(),
            example_input: r#"{"text": "Alice"}"#.into(),
            ..super::CARD
        }
    }
}

impl Model for Hello {
    fn run(&self, input: Input, run: Run) -> Work<'_> {
        Box::pin(async move {
            run.output(raw(&format!("hello {}", input.required_text("text")?)));
            Ok(())
        })
    }
}
