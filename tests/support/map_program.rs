//! Runs a batch with a checkpoint and prints each result as a line of JSON: `map_program CHECKPOINT ROWS DELAY`.

use futures_util::{TryStreamExt, stream};
use replicant::{Client, json, map::Row};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, count, delay] = arguments.as_slice() else { return Err("pass CHECKPOINT ROWS DELAY".into()) };
    let (count, delay): (u64, f64) = (count.parse()?, delay.parse()?);
    let rows = (0..count).map(move |number| Row::new(json!({"value": number, "delay": delay})).key(number));
    let client = Client::from_env()?;
    let mut results = client.map("emulator/echo", stream::iter(rows)).concurrency(8).checkpoint(path);
    while let Some(item) = results.try_next().await? {
        let output = item.output.as_deref().and_then(replicant::Value::as_i64);
        println!("{}", json!({"key": item.key.as_i64(), "status": item.status, "output": output}));
    }
    Ok(())
}
