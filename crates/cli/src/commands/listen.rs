//! `replicant webhooks listen`: receives webhooks on this machine.

use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use replicant::{
    Client, ErrorKind, Token, Value, Webhook,
    native::{HttpOptions, HttpTransport},
    operation,
    transport::{HttpBody, HttpRequest, Transport},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::timeout,
};
use url::Url;

use crate::{
    client::{call, client, client_with},
    command::{Arguments, Command, JSON, option},
    failure::{FAILED, Failure, message},
    output::{note, print_json, print_line, while_read},
    receiver::{self, Request},
};

/// How long the response to a forwarded webhook may take. Senders of webhooks often wait for ten seconds.
const FORWARD_LIMIT: Duration = Duration::from_secs(8);

pub(crate) const LISTEN: Command = Command {
    name: "webhooks listen",
    usage: "[options]",
    summary: "Receive webhooks on this machine, verify them and print a line for each",
    details: "The server listens on 127.0.0.1, which the API cannot reach: a tunnel with a public https URL must lead to it, such
as `cloudflared tunnel --url http://127.0.0.1:8080` or `ngrok http 8080`. Pass that URL as the webhook of a
prediction. The emulator of `replicant emulator` reaches 127.0.0.1 without a tunnel.

Each webhook is verified with the signing secret of the account, or with the one in the environment variable
REPLICATE_WEBHOOK_SECRET or in --secret-file. A webhook that is not signed with it is refused and reported on standard
error.",
    flags: &[
        option("--port", "N", "Listen on this port; 0 selects a free one (default: 8080)"),
        option("--forward", "URL", "Send verified webhooks on to this URL, and respond with its status; 504 after 8 s"),
        option("--secret-file", "PATH", "Read the signing secret, `whsec_...`, from this file"),
        option("--count", "N", "End after this number of verified webhooks"),
        JSON,
    ],
    examples: &[
        "replicant webhooks listen --port 8080 --forward http://127.0.0.1:3000/replicate",
        "replicant webhooks listen --json | jq .object.output",
    ],
    passes_arguments: false,
    run: |_, arguments| Box::pin(while_read(listen(arguments))),
};

async fn listen(arguments: Arguments) -> Result<(), Failure> {
    arguments.exactly([])?;
    let port: u16 = arguments.number("--port", "a port, 0 to 65535")?.unwrap_or(8080);
    let mut left: Option<u64> = arguments.number("--count", "a whole number")?;
    let secret = secret(&arguments)?;
    let client = match secret {
        Some(_) => client_with(None)?,
        None => client()?,
    };
    if secret.is_none() {
        // Fails now rather than with the first webhook. The core requests it again if it was replaced.
        call(&client, "webhooks.default.secret.get", Value::Null).await?;
    }
    let receiver = Receiver { client, secret, forward: forward(&arguments)? };
    let unusable = |error| Failure::new(FAILED, format!("cannot listen on port {port}: {error}"));
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    note(&format!("Listening on http://{address} (the API needs a public https URL: see `--help`)"));
    let mut connections = FuturesUnordered::new();
    while left != Some(0) {
        let received = tokio::select! {
            accepted = listener.accept() => {
                match accepted {
                    Ok((stream, _)) => connections.push(receiver.receive(stream)),
                    // Such as too many open files.
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
                continue;
            }
            Some(received) = connections.next() => received,
        };
        match received {
            Ok(event) => {
                left = left.map(|left| left - 1);
                if arguments.has("--json") {
                    print_json(&event).await?;
                } else {
                    print_line(&line(&event)).await?;
                }
            }
            Err(why) => note(&format!("replicant: refused a request: {why}")),
        }
    }
    Ok(())
}

fn line(event: &Value) -> String {
    let object = &event["object"];
    let parts = [&event["id"], &event["type"], &object["id"], &object["status"], &object["model"]];
    parts.iter().filter_map(|part| part.as_str()).collect::<Vec<_>>().join(" ")
}

/// Returns the signing secret that the user gave.
fn secret(arguments: &Arguments) -> Result<Option<Token>, Failure> {
    let (name, secret) = match arguments.value("--secret-file") {
        Some(path) => {
            let read = std::fs::read_to_string(path).map_err(|error| {
                Failure::new(FAILED, format!("cannot read the secret at {path:?}: {error}"))
            })?;
            ("`--secret-file`", read)
        }
        None => {
            let given = std::env::var("REPLICATE_WEBHOOK_SECRET").ok();
            let Some(given) = given.filter(|secret| !secret.trim().is_empty()) else { return Ok(None) };
            ("REPLICATE_WEBHOOK_SECRET", given)
        }
    };
    let secret = secret.trim();
    // It has no signature, but the secret is checked before.
    let webhook = Webhook { id: "", timestamp: "", signature: "", body: b"{}" };
    match webhook.check(secret, Duration::ZERO, None) {
        Err(error) if error.kind() == ErrorKind::WebhookSecret => {
            Err(Failure::usage(message(&error)).within(name))
        }
        _ => Ok(Some(Token::from(secret))),
    }
}

fn forward(arguments: &Arguments) -> Result<Option<(Url, HttpTransport)>, Failure> {
    let Some(text) = arguments.value("--forward") else { return Ok(None) };
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| Failure::usage(format!("`--forward` must be an http URL, not `{text}`")))?;
    Ok(Some((url, HttpTransport::new(HttpOptions::default())?)))
}

struct Receiver {
    client: Client,
    secret: Option<Token>,
    forward: Option<(Url, HttpTransport)>,
}

impl Receiver {
    /// Handles one request. Returns its event, or why it was refused.
    async fn receive(&self, mut stream: TcpStream) -> Result<Value, String> {
        let handled = match receiver::read(&mut stream).await {
            Ok(request) => self.handle(request).await,
            Err(refused) => Err(refused),
        };
        match handled {
            Ok((event, status)) => {
                receiver::respond(&mut stream, status, "").await;
                Ok(event)
            }
            Err((status, why)) => {
                receiver::respond(&mut stream, status, &why).await;
                Err(why)
            }
        }
    }

    /// Returns the event and the status to respond with.
    async fn handle(&self, request: Request) -> Result<(Value, u16), (u16, String)> {
        if request.method != "POST" {
            return Err((405, format!("{} is not a webhook: expected POST", request.method)));
        }
        let mut params = Value::object();
        let pair = |(name, value): &(String, String)| vec![name.clone(), value.clone()];
        params["headers"] = request.headers.iter().map(pair).collect::<Vec<_>>().into();
        params["body"] = request.body.clone().into();
        params["secret"] = self.secret.as_deref().into();
        let verified = operation::call(&self.client, "webhooks.unwrap", params, None).await;
        let event = match verified {
            Ok(reply) => reply.value,
            Err(error) => return Err((error.status().unwrap_or(500), message(&error))),
        };
        let status = match &self.forward {
            Some((url, transport)) => forwarded(url, transport, request).await,
            None => 200,
        };
        Ok((event, status))
    }
}

/// Sends a webhook on. Returns the status of the response.
async fn forwarded(url: &Url, transport: &HttpTransport, request: Request) -> u16 {
    const OF_THE_CONNECTION: [&str; 5] =
        ["host", "connection", "content-length", "transfer-encoding", "expect"];
    let is_sent = |(name, _): &(String, String)| !OF_THE_CONNECTION.contains(&name.as_str());
    let headers = request.headers.into_iter().filter(is_sent).collect();
    let body: Bytes = request.body;
    let mut request = HttpRequest::new("POST", url.clone());
    (request.headers, request.body) = (headers, HttpBody::Bytes(body));
    match timeout(FORWARD_LIMIT, transport.send(request)).await {
        Ok(Ok(response)) => {
            note(&format!("forwarded to {url}: {}", response.status));
            response.status
        }
        Err(_) => {
            note(&format!("replicant: cannot forward to {url}: no response after {FORWARD_LIMIT:?}"));
            504
        }
        Ok(Err(error)) => {
            // The advice of the core is about the API.
            let why = message(&error).replace("REPLICATE_BASE_URL", "`--forward`");
            note(&format!("replicant: cannot forward to {url}: {why}"));
            502
        }
    }
}
