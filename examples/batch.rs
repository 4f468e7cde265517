//! A batch: pictures for a table of prompts, with a checkpoint, saved files and limits.
//!
//! `cargo run --example batch` runs against an emulator, without a token or a network, and interrupts itself once. With
//! `Client::from_env` in place of the emulator's client, it uses the API.

use std::path::Path;

use futures_util::{StreamExt, TryStreamExt, stream};
use replicant::{
    Client, Options, json,
    map::{Map, Row},
};
use replicant_emulator::{Config, Emulator};

const MODEL: &str = "black-forest-labs/flux-schnell";

/// Reads the table. Rows are read as they are needed, so it can be of any length.
fn rows() -> impl futures_util::Stream<Item = Row> + Send + 'static {
    let birds = ["heron", "kingfisher", "avocet", "bittern", "crane", "dipper", "egret", "grebe"];
    stream::iter(birds).map(|bird| Row::new(json!({"prompt": format!("a {bird} at dawn")})).key(bird))
}

fn batch(client: &Client, folder: &Path) -> Map {
    let batch = client.map(MODEL, rows()).concurrency(4).checkpoint(folder.join("birds.jsonl"));
    // Files expire after an hour, so they are saved at once. Failed predictions are created again once.
    batch.save_to(folder.join("birds")).retries(1).max_predictions(1000).max_error_rate(0.5)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start(Config::default())?;
    let client = Client::new(Options {
        base_url: Some(emulator.base_url()),
        token: Some("r8_example".into()),
        ..Options::default()
    })?;
    let folder = std::env::temp_dir().join(format!("replicant-batch-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;

    let mut interrupted = batch(&client, &folder);
    for _ in 0..3 {
        interrupted.try_next().await?;
    }
    // As Ctrl-C would: what runs is canceled, and its rows run again later.
    drop(interrupted);
    println!("interrupted after 3 rows");

    let mut results = batch(&client, &folder);
    while let Some(item) = results.try_next().await? {
        match &item.error {
            None => println!("{}: {}", item.key, if item.resumed { "from the checkpoint" } else { "saved" }),
            Some(error) => println!("{}: {error}", item.key),
        }
    }
    let stats = results.stats();
    println!("{} rows, {} of them from the checkpoint, {} failed", stats.rows, stats.resumed, stats.failed);
    println!("{} pictures", std::fs::read_dir(folder.join("birds"))?.count());
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}
