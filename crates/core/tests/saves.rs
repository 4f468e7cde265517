//! Saving file outputs to disk.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    future::Future,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Waker},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use replicant::{
    BoxFuture, Client, Error, ErrorKind, Options, Result, Value, json, operation,
    transport::{HttpRequest, HttpResponse, StreamBody, Transport},
};
use replicant_emulator::{Config, Emulator};
use support::{quick, temporary_folder};

/// A transport that sends `chunks`, then optionally breaks the connection.
struct ChunkServer {
    chunks: Vec<&'static str>,
    breaks: bool,
    requests: AtomicUsize,
}

impl Transport for ChunkServer {
    fn send(&self, _request: HttpRequest) -> BoxFuture<'static, Result<HttpResponse>> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let length = self.chunks.concat().len();
        let broken = self.breaks.then(|| Err(Error::new(ErrorKind::Connection, "reset")));
        let chunks: Vec<_> =
            self.chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).chain(broken).collect();
        Box::pin(async move {
            Ok(HttpResponse::new(
                200,
                vec![("content-length".to_owned(), length.to_string())],
                Box::new(StreamBody(Box::pin(stream::iter(chunks)))),
            ))
        })
    }
}

fn serving(chunks: &[&'static str], breaks: bool) -> (Client, Arc<ChunkServer>) {
    let server = Arc::new(ChunkServer { chunks: chunks.to_vec(), breaks, requests: AtomicUsize::new(0) });
    let options = Options { transport: Some(server.clone()), ..Options::default() };
    (Client::new(options).unwrap(), server)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().to_str().unwrap().to_owned()).collect();
    names.sort();
    names
}

const URL: &str = "https://replicate.delivery/a/out-0.webp";

#[tokio::test]
async fn a_connection_that_breaks_after_the_last_byte_is_not_an_error() {
    let (client, server) = serving(&["01", "23"], true);
    let params = json!({"url": URL});
    let reply = operation::call(&client, "output.bytes", params.into(), None).await.unwrap();
    assert!(matches!(reply.value, Value::Bytes(bytes) if bytes == "0123"));
    assert_eq!(server.requests.load(Ordering::SeqCst), 1);
}

/// Polls `work` at most `polls` times, then drops it. Returns `true` if it completed.
async fn completes_within<T>(polls: usize, work: impl Future<Output = T>) -> bool {
    let mut work = Box::pin(work);
    for _ in 0..polls {
        if work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready() {
            return true;
        }
        // Files are written on other threads.
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    false
}

/// Waits until a folder has only complete files: a write that was abandoned may still be running.
async fn only_complete(folder: &Path, is_complete: impl Fn(&str) -> bool) {
    let settled = async {
        while !names(folder).iter().all(|name| is_complete(name)) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let settled = tokio::time::timeout(Duration::from_secs(20), settled).await;
    assert!(settled.is_ok(), "{:?}", names(folder));
}

#[tokio::test]
async fn an_abandoned_save_leaves_the_old_or_the_new_file() {
    let (client, _) = serving(&["new", " content"], false);
    for polls in 0.. {
        let folder = temporary_folder();
        let path = folder.path().join("a.txt");
        std::fs::write(&path, "old").unwrap();
        let params = json!({"url": URL, "path": path.to_str().unwrap()});
        let done =
            completes_within(polls, operation::call(&client, "output.save", params.into(), None)).await;
        only_complete(folder.path(), |name| name == "a.txt").await;
        let content = std::fs::read_to_string(&path).unwrap();
        assert!(content == "new content" || content == "old" && !done, "{content:?} after {polls} polls");
        if done {
            assert!(polls > 1, "the save was never abandoned");
            return;
        }
    }
}

#[tokio::test]
async fn an_abandoned_save_all_leaves_only_complete_files() {
    let (client, _) = serving(&["new", " content"], false);
    for polls in 0.. {
        let folder = temporary_folder();
        let save = client.save_all(vec![URL, URL], folder.path()).into_future();
        let done = completes_within(polls, save).await;
        only_complete(folder.path(), |name| name.ends_with(".webp")).await;
        for name in names(folder.path()) {
            let content = std::fs::read_to_string(folder.path().join(&name)).unwrap();
            assert_eq!(content, "new content", "{name} after {polls} polls");
        }
        if done {
            assert_eq!(names(folder.path()).len(), 2);
            return;
        }
    }
}

#[tokio::test]
async fn a_failed_save_keeps_the_old_file() {
    let emulator = Emulator::start(Config::default()).unwrap();
    let script = emulator
        .replay(r#"{"exchanges": [{"expect": {}, "reply": {"text": "0123456789", "cut_at": 4}, "times": "any"}]}"#)
        .unwrap();
    let options = Options { base_url: Some(script.base_url()), max_retries: Some(1), ..quick() };
    let client = Client::new(options).unwrap();
    let folder = temporary_folder();
    let path = folder.path().join("a.bin");
    std::fs::write(&path, "old").unwrap();
    let url = format!("{}/files/a.bin", script.origin());
    let params = json!({"url": url, "path": path.to_str().unwrap()});
    let error = operation::call(&client, "output.save", params.into(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Download);
    assert!(error.message().contains("4 of 10"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

async fn save(client: &Client, path: &Path) -> Result<()> {
    let params = json!({"url": URL, "path": path.to_str().unwrap()});
    operation::call(client, "output.save", params.into(), None).await.map(drop)
}

#[cfg(unix)]
#[tokio::test]
async fn a_replaced_file_keeps_its_mode_and_a_new_one_has_that_of_the_umask() {
    use std::os::unix::fs::PermissionsExt;

    let (client, _) = serving(&["new"], false);
    let folder = temporary_folder();
    let path = folder.path().join("a.txt");
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for kept in [0o600, 0o640, 0o644, 0o666, 0o755, 0o400] {
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(kept)).unwrap();
        save(&client, &path).await.unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(mode(&path), kept, "{kept:o}");
        std::fs::remove_file(&path).unwrap();
    }
    let opened = folder.path().join("opened");
    std::fs::write(&opened, "").unwrap();
    save(&client, &path).await.unwrap();
    let all = client.save_all(URL, folder.path()).await.unwrap();
    assert_eq!((mode(&path), mode(&all[0])), (mode(&opened), mode(&opened)));
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_others_cannot_read_is_not_readable_while_it_is_replaced() {
    use std::os::unix::fs::PermissionsExt;

    let (client, _) = serving(&["0123", "4567"], false);
    let folder = temporary_folder();
    let path = folder.path().join("a.txt");
    std::fs::write(&path, "old").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (seen, inside) = (Arc::new(Mutex::new(Vec::new())), folder.path().to_owned());
    let modes = seen.clone();
    let observe = move |_| {
        for entry in std::fs::read_dir(&inside).unwrap() {
            modes.lock().unwrap().push(entry.unwrap().metadata().unwrap().permissions().mode() & 0o077);
        }
    };
    let params = json!({"url": URL, "path": path.to_str().unwrap()});
    operation::call(&client, "output.save", params.into(), Some(Arc::new(observe))).await.unwrap();
    let seen = seen.lock().unwrap();
    assert!(seen.len() > 2 && seen.iter().all(|mode| *mode == 0), "{seen:?}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_save_writes_through_a_symbolic_link() {
    use std::os::unix::fs::symlink;

    let (client, server) = serving(&["new"], false);
    let folder = temporary_folder();
    let (link, far) = (folder.path().join("link"), temporary_folder());
    symlink(far.path().join("a.txt"), &link).unwrap();
    for present in [false, true] {
        save(&client, &link).await.unwrap();
        assert!(link.is_symlink(), "{present}");
        assert_eq!(std::fs::read(far.path().join("a.txt")).unwrap(), b"new");
        std::fs::write(far.path().join("a.txt"), "old").unwrap();
    }
    assert_eq!((names(folder.path()).len(), names(far.path()).len()), (1, 1));
    let circle = folder.path().join("circle");
    symlink("circle", &circle).unwrap();
    let requests = server.requests.load(Ordering::SeqCst);
    let error = save(&client, &circle).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileNotWritten);
    assert_eq!(server.requests.load(Ordering::SeqCst), requests);
    // `save_all` replaces nothing, and so follows no link.
    let linked = folder.path().join("out-0.webp");
    symlink(far.path().join("b.txt"), &linked).unwrap();
    let saved = client.save_all(URL, folder.path()).await.unwrap();
    assert_ne!(saved[0], linked);
    assert_eq!(names(far.path()), ["a.txt"]);
}

#[tokio::test]
async fn a_name_of_maximum_length_can_be_saved() {
    let (client, _) = serving(&["x"], false);
    let folder = temporary_folder();
    let path = folder.path().join("n".repeat(255));
    let params = json!({"url": URL, "path": path.to_str().unwrap()});
    operation::call(&client, "output.save", params.into(), None).await.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"x");
}

#[tokio::test]
async fn concurrent_saves_replace_no_file() {
    let (client, _) = serving(&["x"], false);
    let folder = temporary_folder();
    std::fs::write(folder.path().join("OUT-0.webp"), "mine").unwrap();
    let saves = (0..8).map(|_| client.save_all(vec![URL, URL, URL], folder.path()).into_future());
    let saved = futures_util::future::try_join_all(saves).await.unwrap().concat();
    let distinct: std::collections::HashSet<_> = saved.iter().collect();
    assert_eq!((saved.len(), distinct.len()), (24, 24));
    assert_eq!(names(folder.path()).len(), 25);
    assert_eq!(std::fs::read_to_string(folder.path().join("OUT-0.webp")).unwrap(), "mine");
    assert!(saved.iter().all(|path| std::fs::read(path).unwrap() == b"x"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_path_that_is_not_a_file_is_rejected() {
    let (client, server) = serving(&["x"], false);
    let folder = temporary_folder();
    let path = folder.path().join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let params = json!({"url": URL, "path": path.to_str().unwrap()});
    let error = operation::call(&client, "output.save", params.into(), None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.message().contains("`path` is a device, a pipe or a socket"), "{error}");
    assert!(std::os::unix::net::UnixStream::connect(&path).is_ok(), "the socket still exists");
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn save_all_of_predictions_saves_only_their_outputs() {
    let (client, server) = serving(&["x"], false);
    let folder = temporary_folder();
    let prediction = |name: &str| {
        json!({
            "input": {"image": "https://replicate.delivery/in.png"},
            "output": [format!("https://replicate.delivery/{name}")],
            "urls": {"get": "https://api.replicate.com/v1/predictions/p1", "stream": "https://stream.replicate.com/p1"},
        })
    };
    let page = json!({"results": [prediction("a.png"), prediction("b.png")]});
    client.save_all(page, folder.path()).await.unwrap();
    assert_eq!(names(folder.path()), ["a.png", "b.png"]);
    assert_eq!(server.requests.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn save_all_reports_the_progress_of_all_files_together() {
    let (client, _) = serving(&["0123", "4567"], false);
    let folder = temporary_folder();
    let observed = Arc::new(Mutex::new(Vec::new()));
    let push = observed.clone();
    let save = client.save_all(vec![URL, URL, "data:,89"], folder.path());
    save.observe(move |bytes| push.lock().unwrap().push(bytes)).await.unwrap();
    let observed = observed.lock().unwrap();
    assert!(observed[0]["total"].is_null());
    let last = observed.last().unwrap();
    assert_eq!((last["loaded"].as_i64(), last["total"].as_i64()), (Some(18), Some(18)));
    assert!(observed.windows(2).all(|pair| pair[0]["loaded"].as_i64() <= pair[1]["loaded"].as_i64()));
}

#[tokio::test]
async fn an_error_names_a_folder_that_cannot_be_created() {
    let (client, server) = serving(&["x"], false);
    let folder = temporary_folder();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let error = client.save_all(URL, &file).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileNotWritten);
    assert!(error.message().contains("a-file"), "{error}");
    assert_eq!(server.requests.load(Ordering::SeqCst), 0);
    assert!(client.save_all(json!({"text": "not a URL"}), &file).await.unwrap().is_empty());
}
