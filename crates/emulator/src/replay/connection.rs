//! The listeners scripts are played on.

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
use crate::json::{Fields, Raw};

/// Answers connections until the task is dropped.
pub(crate) async fn serve(listener: TcpListener, side: Side, replays: Arc<Replays>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let replays = replays.clone();
                tokio::spawn(async move {
                    // An error here is the client's end of the connection going away.
                    let _ = converse(stream, side, &replays).await;
                });
            }
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn converse(mut stream: TcpStream, side: Side, replays: &Replays) -> io::Result<()> {
    // Each write is to arrive as it was scripted, not gathered with the next.
    stream.set_nodelay(true)?;
    let mut buffer = BytesMut::new();
    while let Some(request) = request::read(&mut stream, &mut buffer).await? {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let below = path.strip_prefix("/_replay").unwrap_or_default();
        let (name, rest) = match below.strip_prefix('/') {
            Some(below) => below.split_at(below.find('/').unwrap_or(below.len())),
            None => ("", ""),
        };
        let script = replays.get(name);
        match (&script, request.method.as_str(), rest) {
            (None, "POST", "") if path == "/_replay" => match replays.start(&request.body) {
                Ok(script) => answer(&mut stream, 201, &script.addresses()).await?,
                Err(error) => answer(&mut stream, 400, &detail(&error)).await?,
            },
            (None, ..) => {
                let text = format!("There is no script run here: {} {}", request.method, request.target);
                answer(&mut stream, 404, &detail(&text)).await?;
            }
            (Some(script), "GET", "") => answer(&mut stream, 200, &script.report()).await?,
            (Some(script), ..) => {
                if !scripted(&mut stream, &request, script, rest, query, side).await? {
                    return Ok(());
                }
            }
        }
        if !request.keep_alive {
            break;
        }
    }
    close(stream).await
}

/// Plays the reply to one request. False when the connection is over.
async fn scripted(
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
            answer(stream, 599, &detail(&problem)).await?;
            return Ok(true);
        }
    };
    let is_head = request.method == "HEAD";
    let outcome = play(stream, &exchange.reply, request.keep_alive, is_head).await;
    script.answered();
    match outcome {
        Ok(Outcome::Sent) => return Ok(true),
        Ok(Outcome::Close) => {
            stream.shutdown().await?;
            // Reading what the client still sends keeps the close orderly: unread data would make it a reset.
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

async fn answer(stream: &mut TcpStream, status: u16, body: &Raw) -> io::Result<()> {
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

async fn close(mut stream: TcpStream) -> io::Result<()> {
    stream.shutdown().await
}
