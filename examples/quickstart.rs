//! Six examples. `make quickstart` runs them, and the same in Python and Node.
//!
//! Without `REPLICATE_API_TOKEN` it uses the emulator, which needs no token and no network, and costs nothing.

use std::{
    io::{Write, stdout},
    path::Path,
};

use futures_util::TryStreamExt;
use replicant::{Client, File, Options, Value, json};
use replicant_emulator::{Config, Emulator};

const TEXT: &str = "meta/meta-llama-3-8b-instruct";
const IMAGE: &str = "stability-ai/sdxl:7762fd07cf82c948538e41f63f77d685e02b063e37e496e96eefd46c929f9bdc";
const UPSCALE: &str =
    "nightmareai/real-esrgan:f121d640bd286e1fdc67f9799164c1d5be36ff74576ee11c803ae5b665dd46aa";

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let real = std::env::var("REPLICATE_API_TOKEN").is_ok_and(|token| !token.is_empty());
    let emulator = if real { None } else { Some(Emulator::start(Config::default())?) };
    let client = match &emulator {
        Some(emulator) => Client::new(Options { base_url: Some(emulator.base_url()), ..Options::default() })?,
        None => Client::from_env()?,
    };
    let folder = Path::new("quickstart-output/rust");
    std::fs::create_dir_all(folder)?;

    // 1. Run a text model.
    let prompt = json!({"prompt": "Describe a harbor at dawn.", "max_tokens": 30, "seed": 7});
    let output = client.run(TEXT, prompt).await?;
    println!("1. run:     {}", output.text().trim());

    // 2. Stream its output.
    print!("2. stream:  ");
    let prompt = json!({"prompt": "Sing of the sea.", "max_tokens": 30, "seed": 8});
    let mut events = client.stream(TEXT, prompt).await?;
    while let Some(event) = events.try_next().await? {
        print!("{event}");
        // Standard output keeps a line until it is complete.
        stdout().flush()?;
    }
    println!();

    // 3. Generate an image and save it.
    let prompt = json!({"prompt": "a harbor at dawn", "width": 512, "height": 512, "seed": 7});
    let output = client.run(IMAGE, prompt).await?;
    let image = folder.join("harbor.png");
    output.files()[0].save(&image).await?;
    println!("3. image:   harbor.png, {} bytes", std::fs::metadata(&image)?.len());

    // 4. Send a file, which is uploaded automatically, and save the output.
    let mut input: Value = json!({"scale": 2}).into();
    input["image"] = File::path(&image).into();
    let output = client.run(UPSCALE, input).await?;
    let larger = folder.join("harbor-x2.png");
    output.files()[0].save(&larger).await?;
    println!("4. upscale: harbor-x2.png, {} bytes", std::fs::metadata(&larger)?.len());

    // 5. Start a prediction in the background and receive a webhook when it has ended.
    if real {
        println!("5. webhook: skipped, as the real API cannot reach a local port");
    } else {
        let (url, received) = receive_one_webhook().await?;
        let created = client
            .predictions()
            .create(TEXT, json!({"prompt": "Name a bird.", "max_tokens": 5, "seed": 9}))
            .webhook(url)
            .webhook_events_filter(["completed"])
            .await?;
        let (headers, body) = received.await?;
        let event = client.webhooks().unwrap(&headers, body).await?;
        let done = event.prediction().ok_or("the webhook is not about a prediction")?;
        assert_eq!(done.id, created.id);
        println!("5. webhook: verified, {}: {}", done.status, done.output.text().trim());
    }

    // 6. Handle an invalid input.
    let Err(error) = client.run(IMAGE, json!({"prompt": "x", "width": "wide"})).await else {
        return Err("an invalid width was accepted".into());
    };
    println!("6. error:   {} ({})", error.code(), error.status().unwrap_or_default());
    println!(
        "            {}",
        error.response().and_then(|response| response.detail.as_deref()).unwrap_or("").trim()
    );

    println!("The pictures are in {}", folder.display());
    Ok(())
}

type Received = (axum::http::HeaderMap, axum::body::Bytes);

/// Starts a web server on a free local port that returns the first webhook it receives.
async fn receive_one_webhook() -> std::io::Result<(String, tokio::sync::oneshot::Receiver<Received>)> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/webhook", listener.local_addr()?);
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let sender = std::sync::Arc::new(std::sync::Mutex::new(Some(sender)));
    let handler = move |headers: axum::http::HeaderMap, body: axum::body::Bytes| async move {
        if let Some(sender) = sender.lock().ok().and_then(|mut sender| sender.take()) {
            let _ = sender.send((headers, body));
        }
    };
    let app = axum::Router::new().route("/webhook", axum::routing::post(handler));
    tokio::spawn(async move { axum::serve(listener, app).await });
    Ok((url, receiver))
}
