//! Starts the application on port 3000.

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let public_url = std::env::var("PUBLIC_URL").unwrap_or_default();
    if public_url.is_empty() {
        return Err("`PUBLIC_URL` must be the URL at which the API reaches this application".into());
    }
    let app = example_axum::application(replicant::Client::from_env()?, &public_url, "pictures");
    axum::serve(tokio::net::TcpListener::bind("0.0.0.0:3000").await?, app).await?;
    Ok(())
}
