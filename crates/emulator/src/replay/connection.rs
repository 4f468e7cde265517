//! The connections of the replay server.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::player::{Outcome, play};
use super::request::{self, Request};
use super::script::{Script, Verdict};
use super::{Replays, Side};
use crate::support::json::{Fields, Raw};

/// Accepts connections until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, side: Side, replays: Arc<Replays>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let replays = replays.clone();
                tokio::spawn(async move {
                    // An error means that the client has closed or reset the connection.
                    let _ = handle(stream, side, &replays).await;
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn handle(mut stream: TcpStream, side: Side, replays: &Replays) -> io::Result<()> {
    // Sends each write as scripted, not merged with the next one.
    stream.set_nodelay(true)?;
    let mut buffer = BytesMut::new();
    while let Some(request) = request::read(&mut stream, &mut buffer).await? {
        // A script may describe files, but only those of the API are open to all pages.
        let (host, page) = (request.header("host"), request.header("origin"));
        if let Err(problem) = replays.access.check("", host.as_deref(), page.as_deref()) {
            respond(&mut stream, 403, &detail(&problem)).await?;
            if request.keep_alive {
                continue;
            }
            break;
        }
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let below = path.strip_prefix("/_replay").unwrap_or_default();
        let (name, rest) = match below.strip_prefix('/') {
            Some(below) => below.split_at(below.find('/').unwrap_or(below.len())),
            None => ("", ""),
        };
        let script = replays.get(name);
        match (&script, request.method.as_str(), rest) {
            (None, "POST", "") if path == "/_replay" => match replays.start(&request.body) {
                Ok(script) => respond(&mut stream, 201, &script.addresses()).await?,
                Err(error) => respond(&mut stream, 400, &detail(&error)).await?,
            },
            (None, ..) => {
                let text = format!("There is no script at this path: {} {}", request.method, request.target);
                respond(&mut stream, 404, &detail(&text)).await?;
            }
            (Some(script), "GET", "") => respond(&mut stream, 200, &script.report()).await?,
            (Some(script), ..) => {
                if !play_next(&mut stream, &request, script, rest, query, side).await? {
                    return Ok(());
                }
            }
        }
        if !request.keep_alive {
            break;
        }
    }
    stream.shutdown().await
}

/// Plays the reply to a request. Returns false if the connection has ended.
async fn play_next(
    stream: &mut TcpStream,
    request: &Request,
    script: &Script,
    path: &str,
    query: &str,
    side: Side,
) -> io::Result<bool> {
    let (exchange, number) = match script.receive(request, path, query, side) {
        Verdict::Play(exchange, number) => (exchange, number),
        Verdict::Refuse(problem) => {
            respond(stream, 599, &detail(&problem)).await?;
            return Ok(true);
        }
    };
    let is_head = request.method == "HEAD";
    let outcome = play(stream, &exchange.reply, request.keep_alive, is_head).await;
    script.replied();
    match outcome {
        Ok(Outcome::Sent) => return Ok(true),
        Ok(Outcome::Close) => {
            stream.shutdown().await?;
            // Unread data would turn the close into a reset.
            let mut rest = [0; 1024];
            while stream.read(&mut rest).await? > 0 {}
        }
        Ok(Outcome::Reset) => stream.set_zero_linger()?,
        Ok(Outcome::ClientClosed) => script.closed_by_client(number),
        Err(error) => {
            script.closed_by_client(number);
            if !matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted
            ) {
                script.add_problem(format!("the reply could not be sent: {error}"));
            }
        }
    }
    Ok(false)
}

async fn respond(stream: &mut TcpStream, status: u16, body: &Raw) -> io::Result<()> {
    let reason = if status == 599 { "Unexpected Request" } else { "" };
    let body = body.get();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await
}

fn detail(text: &str) -> Raw {
    Fields::new().put("detail", text).finish()
}
