//! The Rust code of the README files. `tests/release/test_docs.py` compares them with this program, which also
//! runs against the emulator: set `REPLICATE_BASE_URL` to its address.

use std::{
    io::{Write, stdout},
    time::Duration,
};

use axum::{body::Bytes, http::HeaderMap};
use futures_util::{StreamExt, TryStreamExt, stream};
use replicant::{Client, File, FileEncodingStrategy, Options, Value, background, json, map::Row};
use replicant_emulator::{Config, Emulator};

const UPSCALE: &str =
    "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa";

#[tokio::main]
async fn main() -> replicant::Result<()> {
    let client = Client::from_env()?;
    let output = client.run("black-forest-labs/flux-schnell", json!({"prompt": "a heron at dawn"})).await?;
    output.files()[0].save("heron.webp").await?;

    sing(&client).await?;
    send_files(&client).await?;
    read_files(&client).await?;
    table(&client).await?;
    errors(&client).await;
    create(&client).await?;
    background::drain(Duration::from_secs(10)).await;
    Ok(())
}

async fn sing(client: &Client) -> replicant::Result<()> {
    let mut events = client.stream("meta/meta-llama-3-8b-instruct", json!({"prompt": "Sing."})).await?;
    while let Some(event) = events.try_next().await? {
        print!("{event}");
        stdout().flush().ok();
    }
    Ok(())
}

async fn send_files(client: &Client) -> replicant::Result<()> {
    let mut input: Value = json!({"scale": 2}).into();
    input["image"] = File::path("heron.webp").into();
    let output = client.run(UPSCALE, input).file_encoding_strategy(FileEncodingStrategy::Auto).await?;
    output.files()[0].save("larger.png").await?;
    Ok(())
}

async fn read_files(client: &Client) -> replicant::Result<()> {
    let output = client.run("black-forest-labs/flux-schnell", json!({"prompt": "a heron at dawn"})).await?;
    let content = output.files()[0].bytes().await?;
    let paths = client.save_all(output, "images").await?;
    println!("{} bytes in {paths:?}", content.len());
    Ok(())
}

async fn table(client: &Client) -> replicant::Result<()> {
    let rows = stream::iter(["heron", "kingfisher"])
        .map(|bird| Row::new(json!({"prompt": format!("a {bird} at dawn")})).key(bird));
    let mut results =
        client.map("black-forest-labs/flux-schnell", rows).checkpoint("birds.jsonl").save_to("birds");
    while let Some(item) = results.try_next().await? {
        println!("{} {:?}", item.key, item.error);
    }
    Ok(())
}

async fn errors(client: &Client) {
    let run = client.run("black-forest-labs/flux-schnell", json!({"prompt": 5}));
    match run.timeout(Duration::from_secs(60)).await {
        Ok(output) => println!("{}", output.text()),
        Err(error) => println!("{} {:?} {error}", error.code(), error.status()),
    }
}

async fn create(client: &Client) -> replicant::Result<()> {
    client
        .predictions()
        .create("meta/meta-llama-3-8b-instruct", json!({"prompt": "Name a bird."}))
        .webhook("https://example.com/webhook")
        .webhook_events_filter(["completed"])
        .await?;
    Ok(())
}

/// For your web framework. `headers` is a `HeaderMap`, or pairs of names and values; `body` is the raw body.
pub async fn webhook(client: &Client, headers: &HeaderMap, body: Bytes) -> replicant::Result<()> {
    let event = client.webhooks().unwrap(headers, body).await?;
    if let Some(prediction) = event.prediction() {
        println!("{} {} {}", prediction.id, prediction.status, prediction.output);
    }
    Ok(())
}

/// Tests without Replicate.
pub async fn emulated() -> Result<(), Box<dyn std::error::Error>> {
    let emulator = Emulator::start(Config::default())?;
    let client = Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() })?;
    emulator.fail_next("predictions.create", 429)?;
    assert_eq!(client.run("emulator/echo", json!({"value": 1})).await?.as_i64(), Some(1));
    Ok(())
}
