//! `replicant webhooks listen`.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command},
    thread,
};

use rustix::process::Signal;
use serde_json::Value;
use support::{Done, Place, piped, signal, until_closed};

/// A listening program and its address.
struct Listening {
    child: Child,
    address: String,
    errors: BufReader<std::process::ChildStderr>,
}

fn listen(command: &mut Command) -> Listening {
    let mut child = piped(command).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    errors.read_line(&mut line).unwrap();
    let address = line.strip_prefix("Listening on http://").unwrap_or_else(|| panic!("{line}"));
    let address = address.split(' ').next().unwrap().to_owned();
    Listening { child, address, errors }
}

impl Listening {
    /// Waits for the end. Returns what it printed.
    fn printed(mut self) -> String {
        let mut text = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
        let mut errors = String::new();
        self.errors.read_to_string(&mut errors).unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{errors}");
        text
    }

    fn send(&self, request: &str) -> String {
        send(&self.address, request)
    }
}

fn send(address: &str, request: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    response
}

const ONE: [&str; 6] = ["webhooks", "listen", "--port=0", "--count=1", "--json", "--"];

/// Runs a model with a webhook for its end.
fn run(place: &Place, address: &str) {
    let webhook = format!("--webhook=http://{address}/hook");
    place.printed(&["run", "emulator/echo", "value=heron", &webhook, "--webhook-events=completed"]);
}

#[test]
fn verified_webhooks_are_printed() {
    let place = Place::new();
    let listening = listen(&mut place.program(&["webhooks", "listen", "--port=0", "--count=2"]));
    run(&place, &listening.address);
    run(&place, &listening.address);
    let printed = listening.printed();
    assert_eq!(printed.lines().count(), 2, "{printed}");
    for line in printed.lines() {
        let words: Vec<&str> = line.split(' ').collect();
        assert!(words[0].starts_with("msg_") && words[1] == "prediction", "{line}");
        assert_eq!(words[3..], ["succeeded", "emulator/echo"], "{line}");
    }
}

#[test]
fn webhooks_with_another_signature_are_refused() {
    let place = Place::new();
    let mut listening = listen(&mut place.program(&ONE));
    let head = "POST / HTTP/1.1\r\nhost: x\r\nwebhook-id: m\r\nwebhook-timestamp: 1\r\nwebhook-signature: v1,AAAA\r\n";
    let forged = format!("{head}content-length: 2\r\n\r\n{{}}");
    assert!(listening.send(&forged).starts_with("HTTP/1.1 401 "));
    assert!(listening.send("POST / HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}").starts_with("HTTP/1.1 400 "));
    assert!(listening.send("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 405 "));
    assert!(listening.send("nonsense\r\n\r\n").starts_with("HTTP/1.1 400 "));
    let long = format!("{head}content-length: 99999999999\r\n\r\n");
    assert!(listening.send(&long).starts_with("HTTP/1.1 413 "));
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n");
    assert!(listening.send(&chunked).starts_with("HTTP/1.1 401 "));
    let mut line = String::new();
    listening.errors.read_line(&mut line).unwrap();
    assert!(line.starts_with("replicant: refused a request: "), "{line}");
    // It still receives.
    run(&place, &listening.address);
    let event: Value = serde_json::from_str(&listening.printed()).unwrap();
    assert_eq!((&event["type"], &event["object"]["output"]), (&"prediction".into(), &"heron".into()));
}

#[test]
fn an_invalid_secret_is_refused_at_the_start() {
    let place = Place::new();
    let mut command = place.logged_out(&["webhooks", "listen", "--port=0"]);
    let done = Done::of(command.env("REPLICATE_WEBHOOK_SECRET", "foo!").output().unwrap());
    assert_eq!(done.code, 2, "{done:?}");
    assert!(
        done.err.starts_with("replicant: REPLICATE_WEBHOOK_SECRET: Invalid secret key format"),
        "{done:?}"
    );
    assert!(!done.err.contains("foo"), "{done:?}");
    place.file("empty", "\n");
    let done = place.run(&["webhooks", "listen", "--port=0", "--secret-file=empty"]);
    assert_eq!(done.code, 2, "{done:?}");
    assert!(done.err.starts_with("replicant: `--secret-file`: Missing webhook signing secret"), "{done:?}");
}

#[test]
fn the_secret_can_come_from_the_environment_or_a_file() {
    let place = Place::new();
    let secret = place.emulator.webhook_secret().to_owned();
    let file = place.file("secret", &format!("{secret}\n"));
    // Without a token.
    let mut command = place.logged_out(&ONE);
    let listening = listen(command.env("REPLICATE_WEBHOOK_SECRET", &secret));
    run(&place, &listening.address);
    assert!(listening.printed().contains("heron"));
    let from_file = format!("--secret-file={}", file.display());
    let words = ["webhooks", "listen", "--port=0", "--count=1", &from_file];
    let listening = listen(place.logged_out(&words).env("REPLICATE_WEBHOOK_SECRET", "whsec_d3Jvbmc="));
    run(&place, &listening.address);
    assert!(listening.printed().contains(" succeeded "));
    assert!(!place.emulator.requests_json().contains("/webhooks/default/secret"));
}

#[test]
fn verified_webhooks_are_sent_on() {
    let place = Place::new();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let forward = format!("--forward=http://{}/there", target.local_addr().unwrap());
    let received = thread::spawn(move || {
        let (mut stream, _) = target.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            let mut piece = [0; 4096];
            let length = stream.read(&mut piece).unwrap();
            assert!(length > 0, "the request is incomplete");
            request.extend_from_slice(&piece[..length]);
        }
        stream.write_all(b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n").unwrap();
        String::from_utf8(request).unwrap()
    });
    let listening = listen(&mut place.program(&["webhooks", "listen", "--port=0", "--count=1", &forward]));
    run(&place, &listening.address);
    let request = received.join().unwrap();
    assert!(request.starts_with("POST /there HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("webhook-signature: v1,") && request.contains("heron"), "{request}");
    assert!(!request.contains("must-not-leak"));
    listening.printed();
}

#[test]
fn a_webhook_that_cannot_be_sent_on_is_reported() {
    let place = Place::new();
    let mut listening = listen(&mut place.program(&[
        "webhooks",
        "listen",
        "--port=0",
        "--count=1",
        "--forward=http://127.0.0.1:1/",
    ]));
    run(&place, &listening.address);
    let mut line = String::new();
    listening.errors.read_line(&mut line).unwrap();
    assert!(
        line.contains("cannot forward to http://127.0.0.1:1/") && line.contains("Check `--forward`"),
        "{line}"
    );
    listening.printed();
}

#[test]
fn a_webhook_is_printed_although_its_target_does_not_respond() {
    let place = Place::new();
    let target = TcpListener::bind("127.0.0.1:0").unwrap();
    let forward = format!("--forward=http://{}/", target.local_addr().unwrap());
    let mut listening =
        listen(&mut place.program(&["webhooks", "listen", "--port=0", "--count=1", &forward]));
    run(&place, &listening.address);
    let mut line = String::new();
    listening.errors.read_line(&mut line).unwrap();
    assert!(line.contains("no response after 8s"), "{line}");
    assert!(listening.printed().contains(" succeeded "));
}

#[test]
fn a_closed_pipe_ends_it() {
    let place = Place::new();
    let done = until_closed(&mut place.program(&["webhooks", "listen", "--port=0"]), drop);
    assert_eq!(done.code, 0, "{done:?}");
}

#[test]
fn ctrl_c_ends_it() {
    let place = Place::new();
    let mut listening = listen(&mut place.program(&["webhooks", "listen", "--port", "0"]));
    signal(&listening.child, Signal::INT);
    assert_eq!(listening.child.wait().unwrap().code(), Some(130));
}
