//! `replicant models`: shows what a model takes.

use replicant::Reference;

use crate::{
    client::client,
    command::{Arguments, Command, flag},
    failure::{Failure, NOT_FOUND},
    output::{columns, print, print_json, shown},
    schema::{Property, Target},
};

pub(crate) const SCHEMA: Command = Command {
    name: "models schema",
    usage: "OWNER/NAME[:VERSION] [options]",
    summary: "Show the inputs of a model",
    details: "Prints the name, type and default of each input, and below it the description.",
    flags: &[flag("--json", "Print the OpenAPI document of the version as it is")],
    examples: &[
        "replicant models schema black-forest-labs/flux-schnell",
        "replicant models schema acme/text --json | jq .components.schemas.Output",
    ],
    passes_arguments: false,
    run: |_, arguments| Box::pin(schema(arguments)),
};

async fn schema(arguments: Arguments) -> Result<(), Failure> {
    let [model] = arguments.exactly(["OWNER/NAME"])?;
    let reference: Reference = model.parse()?;
    let Target { schema: Some(schema), .. } = Target::find(&client()?, reference).await? else {
        let why = format!("{} does not exist, or has no version with a schema", shown(model));
        return Err(Failure::new(NOT_FOUND, why));
    };
    if arguments.has("--json") {
        return print_json(&schema.document).await;
    }
    print(&table(&schema.inputs())).await
}

fn table(inputs: &[Property<'_>]) -> String {
    let rows: Vec<_> = inputs.iter().map(row).collect();
    let lines = columns(&rows);
    let mut text = String::new();
    for (line, input) in lines.lines().zip(inputs) {
        text.push_str(line);
        text.push('\n');
        for line in input.definition["description"].as_str().unwrap_or_default().lines() {
            text.push_str(&format!("    {}\n", line.trim()));
        }
    }
    text
}

fn row(input: &Property<'_>) -> Vec<String> {
    let Property { name, kind, is_required, choices, definition } = input;
    let mut kind = kind.to_string();
    if let Some(choices) = choices.as_array() {
        let choices: Vec<String> = choices.iter().map(ToString::to_string).collect();
        kind = format!("{kind}: {}", choices.join(" | "));
    }
    let bounds = [("at least", "minimum"), ("at most", "maximum")]
        .iter()
        .filter(|(_, name)| !definition[*name].is_null())
        .map(|(words, name)| format!("{words} {}", definition[*name]))
        .collect::<Vec<_>>()
        .join(", ");
    if !bounds.is_empty() {
        kind = format!("{kind}, {bounds}");
    }
    let default = match &definition["default"] {
        _ if *is_required => "required".to_owned(),
        default if default.is_null() => String::new(),
        // A line break would end the row.
        default => format!("default {}", default.to_string().replace('\n', "\\n")),
    };
    vec![(*name).to_owned(), kind, default]
}
