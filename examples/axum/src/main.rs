//! Starts the application: `PUBLIC_URL=https://pictures.example.com REPLICATE_API_TOKEN=r8_... cargo run`.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let public_url = std::env::var("PUBLIC_URL").unwrap_or_else(|_| "http://localhost:3000".into());
    let app = example_axum::application(replicant::Client::from_env()?, &public_url);
    axum::serve(tokio::net::TcpListener::bind("0.0.0.0:3000").await?, app).await?;
    Ok(())
}
