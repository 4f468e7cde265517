//! Which clients and pages may use the server: hosts, origins, signed URLs and base URLs.

use crate::common::{api, status_and_body, with};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use replicant_emulator::Config;
use serde_json::{Value, json};

#[tokio::test]
async fn a_foreign_host_or_page_is_refused_on_every_path() {
    let api = api();
    let state = format!("{}/_emulator/state", api.emulator.origin());
    let output = format!("{}/files/key/out.png", api.emulator.origin());
    for (url, header, value, refused) in [
        ("/account", "host", "evil.example", true),
        (&*state, "host", "evil.example:80", true),
        (&*output, "host", "evil.example", true),
        ("/account", "host", "localhost:4000", false),
        ("/account", "origin", "https://evil.example", true),
        (&*state, "origin", "https://evil.example", true),
        (&*state, "origin", "null", true),
        ("/account", "origin", "http://localhost:3000", false),
        (&*output, "origin", "https://evil.example", false),
    ] {
        let response = api.request("GET", url).header(header, value).send().await.expect("sent");
        let (status, body) = status_and_body(response).await;
        assert_eq!(status == 403, refused, "{url} {header}: {value}: {body}");
        if refused {
            let option = format!("--allow-{header} ");
            assert!(body["detail"].as_str().is_some_and(|text| text.contains(&option)), "{body}");
        }
    }
    assert_eq!(api.state().await["requests"], 3, "a refused request is not recorded");
}

#[tokio::test]
async fn hosts_and_origins_can_be_allowed() {
    let api = with(Config {
        allowed_hosts: vec!["emulator".into()],
        allowed_origins: vec!["https://app.example".into()],
        ..Config::default()
    });
    let request = api.request("GET", "/account").header("host", "emulator:4000");
    assert_eq!(request.send().await.expect("sent").status(), 200);
    let request = api.request("GET", "/account").header("origin", "https://app.example");
    assert_eq!(request.send().await.expect("sent").status(), 200);
}

#[tokio::test]
async fn a_page_on_a_loopback_address_can_read_responses() {
    let api = with(Config { token: Some("r8_secret".into()), ..Config::default() });
    let page = "http://localhost:3000";
    let preflight = api
        .request("OPTIONS", "/predictions")
        .header("origin", page)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type");
    let response = preflight.send().await.expect("sent");
    assert_eq!(response.status(), 204, "a preflight has no token");
    assert_eq!(response.headers()["access-control-allow-origin"], page);
    assert_eq!(response.headers()["access-control-allow-headers"], "authorization,content-type");
    assert!(
        response.headers()["access-control-allow-methods"].to_str().is_ok_and(|all| all.contains("QUERY"))
    );
    for (token, status) in [("r8_secret", 200), ("r8_other", 401)] {
        let request = api.request("GET", "/account").header("origin", page).bearer_auth(token);
        let response = request.send().await.expect("sent");
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["access-control-allow-origin"], page);
    }
    let response = api.request("GET", "/account").send().await.expect("sent");
    assert!(response.headers().get("access-control-allow-origin").is_none());
}

#[tokio::test]
async fn a_signed_download_needs_no_token() {
    let api = with(Config { token: Some("t".into()), ..Config::default() });
    let form = reqwest::multipart::Form::new().part("content", reqwest::multipart::Part::text("hello"));
    let upload = api.request("POST", "/files").bearer_auth("t").multipart(form).send().await.expect("sent");
    let (_, file) = status_and_body(upload).await;
    let id = file["id"].as_str().expect("an id");
    let mut mac =
        Hmac::<sha2::Sha256>::new_from_slice(api.emulator.files_secret().as_bytes()).expect("a key");
    mac.update(format!("acme {id} 4000000000").as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let get = async |signature: &str| {
        let query = [("owner", "acme"), ("expiry", "4000000000"), ("signature", signature)];
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let request = api.request("GET", &format!("/files/{id}/download?{query}"));
        status_and_body(request.send().await.expect("sent")).await
    };
    assert_eq!(get(&signature).await, (200, json!("hello")));
    assert_eq!(get("d3Jvbmc=").await.0, 404);
    assert_eq!(api.get(&format!("/files/{id}")).await.0, 401, "only the download is open");
}

#[tokio::test]
async fn a_doubled_version_in_the_path_is_explained() {
    let api = api();
    let (status, problem) = api.get("/v1/models").await;
    let detail = problem["detail"].as_str().expect("text");
    assert_eq!(status, 404);
    assert!(detail.contains(&format!("REPLICATE_BASE_URL={})", api.emulator.origin())), "{detail}");
}

#[tokio::test]
async fn the_openapi_document_lists_operations_that_exist() {
    let api = with(Config { token: Some("t".into()), ..Config::default() });
    let (status, document) = api.get(&format!("{}/openapi.json", api.emulator.origin())).await;
    assert_eq!(status, 200, "it needs no token");
    assert_eq!(document["servers"][0]["url"], api.emulator.base_url());
    let mut count = 0;
    for (path, methods) in document["paths"].as_object().expect("paths") {
        for (method, operation) in methods.as_object().expect("methods") {
            assert!(operation["operationId"].is_string());
            let path = path.replace(['{', '}'], "");
            let request = api.request(&method.to_uppercase(), &path).bearer_auth("t");
            let response = request.send().await.expect("sent");
            let status = response.status().as_u16();
            let (_, body) = status_and_body(response).await;
            assert_ne!(status, 405, "{method} {path}: {body}");
            count += 1;
        }
    }
    assert_eq!(count, 37);
    let response =
        api.request("PUT", "/models").bearer_auth("t").json(&Value::Null).send().await.expect("sent");
    assert_eq!(
        (response.status().as_u16(), &response.headers()["allow"]),
        (405, &"GET, POST, QUERY".parse().expect("text"))
    );
}

#[tokio::test]
async fn https_has_an_authority_of_its_own_and_https_urls() {
    let api = with(Config { tls: true, ..Config::default() });
    let addresses: Value = serde_json::from_str(&api.emulator.addresses_json()).expect("JSON");
    let (base_url, path) = (
        addresses["tls_base_url"].as_str().expect("a URL"),
        addresses["ca_bundle"].as_str().expect("a path"),
    );
    let authority =
        reqwest::Certificate::from_pem(&std::fs::read(path).expect("a file")).expect("a certificate");
    let http = reqwest::Client::builder().no_proxy().tls_certs_only([authority]).build().expect("a client");
    let create = http.post(format!("{base_url}/predictions")).header("prefer", "wait");
    let input = json!({"width": 16, "height": 16});
    let created =
        create.json(&json!({"version": crate::common::SDXL, "input": input})).send().await.expect("sent");
    let (_, done) = status_and_body(created).await;
    let file = done["output"][0].as_str().expect("a URL");
    assert!(file.starts_with("https://127.0.0.1:"), "{file}");
    assert_eq!(http.get(file).send().await.expect("sent").status(), 200);
    let stream = done["urls"]["stream"].as_str().expect("a URL");
    assert!(stream.contains("/v1/files/"), "the stream of files: {stream}");
    let events = http.get(stream).send().await.expect("sent").text().await.expect("text");
    assert!(events.contains(&format!("data: {file}")), "{events}");
    assert!(api.http.get(format!("{base_url}/account")).send().await.is_err(), "the authority is unknown");
    drop(api);
    assert!(!std::path::Path::new(path).exists(), "the file is deleted");
}
