//! Files: uploads, file inputs and output files.

use crate::common::{Api, ESRGAN, SDXL, api, eventually, seconds, status_and_body, with};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use replicant_emulator::Config;
use reqwest::multipart::{Form, Part};
use serde_json::{Value, json};

async fn upload(api: &Api, bytes: &[u8]) -> Value {
    let part = Part::bytes(bytes.to_vec()).file_name("pic \"1\".png").mime_str("image/png").expect("a type");
    let form = Form::new().part("content", part).text("metadata", r#"{"customer": 7}"#);
    let response = api.request("POST", "/files").multipart(form).send().await.expect("sent");
    let (status, file) = status_and_body(response).await;
    assert_eq!(status, 201, "{file}");
    file
}

/// Returns an image painted by the emulator.
async fn image_file(api: &Api) -> Vec<u8> {
    let drawn = api.run_version(SDXL, json!({"prompt": "a", "width": 32, "height": 24, "seed": 1})).await;
    let url = drawn["output"][0].as_str().expect("a URL");
    api.request("GET", url).send().await.expect("sent").bytes().await.expect("bytes").to_vec()
}

fn size(png: &[u8]) -> (u32, u32) {
    let image = image::load_from_memory(png).expect("an image");
    (image.width(), image.height())
}

#[tokio::test]
async fn an_upload_can_be_read_listed_and_deleted() {
    let api = api();
    let file = upload(&api, b"hello").await;
    assert_eq!((&file["size"], &file["content_type"]), (&json!(5), &json!("image/png")));
    assert_eq!((&file["name"], &file["metadata"]), (&json!("pic \"1\".png"), &json!({"customer": 7})));
    let sha256 = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    assert_eq!(file["checksums"], json!({"sha256": sha256, "md5": "5d41402abc4b2a76b9719d911017c592"}));
    let url = file["urls"]["get"].as_str().expect("a URL").to_owned();
    assert_eq!(api.get(&url).await, (200, file.clone()));
    assert_eq!(api.get("/files").await.1["results"], json!([file]));
    assert_eq!(api.send("DELETE", &url, Value::Null).await.0, 204);
    let gone = (404, json!({"detail": "File not found"}));
    assert_eq!(api.get(&url).await, gone);
    assert_eq!(api.send("DELETE", &url, Value::Null).await, gone);
}

#[tokio::test]
async fn form_fields_may_be_empty_or_nested() {
    let api = api();
    let form = Form::new().part("content", Part::text("hello").mime_str("text/csv").expect("a type"));
    let form = form.text("type", "").text("metadata[customer]", "7").text("metadata[kind]", "a b");
    let response = api.request("POST", "/files").multipart(form).send().await.expect("sent");
    let (_, file) = status_and_body(response).await;
    assert_eq!(file["content_type"], "text/csv", "an empty field counts as missing");
    assert_eq!(file["metadata"], json!({"customer": "7", "kind": "a b"}));
}

#[tokio::test]
async fn invalid_uploads_are_rejected() {
    let api = api();
    let (status, problem) = api.post("/files", json!({})).await;
    assert_eq!(status, 400, "{problem}");
    let form = Form::new().text("upload", "x");
    let (status, problem) =
        status_and_body(api.request("POST", "/files").multipart(form).send().await.expect("sent")).await;
    assert_eq!((status, &problem["invalid_fields"][0]["description"]), (422, &json!("content is required")));
    let form = Form::new().part("content", Part::bytes(vec![0u8; 100_000_001]));
    let (status, problem) =
        status_and_body(api.request("POST", "/files").multipart(form).send().await.expect("sent")).await;
    let too_large = (413, json!({"detail": "Files must be less than 100MB in size"}));
    assert_eq!((status, problem), too_large);
    // One byte more than the emulator reads.
    let response = api.request("POST", "/files").body(vec![0; 160_000_001]).send().await.expect("sent");
    assert_eq!(status_and_body(response).await, too_large);
}

#[tokio::test]
async fn a_download_needs_a_valid_signature() {
    let api = api();
    let file = upload(&api, b"hello").await;
    let id = file["id"].as_str().expect("an id");
    let sign = |owner: &str, expiry: u64| {
        let mut mac =
            Hmac::<sha2::Sha256>::new_from_slice(api.emulator.files_secret().as_bytes()).expect("a key");
        mac.update(format!("{owner} {id} {expiry}").as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    };
    let fetch = async |owner: &str, expiry: u64, signature: &str| {
        let mut url =
            url::Url::parse(&format!("{}/files/{id}/download", api.emulator.base_url())).expect("a URL");
        let expiry = expiry.to_string();
        url.query_pairs_mut().extend_pairs([("owner", owner), ("expiry", &expiry), ("signature", signature)]);
        api.request("GET", url.as_str()).send().await.expect("sent")
    };
    let far = 4_000_000_000;
    let response = fetch("acme", far, &sign("acme", far)).await;
    assert_eq!(
        (response.status().as_u16(), &response.headers()["content-type"]),
        (200, &"application/octet-stream".parse().expect("a value"))
    );
    assert_eq!(response.bytes().await.expect("bytes"), "hello");
    assert_eq!(fetch("acme", far, &sign("acme", far + 1)).await.status(), 404);
    assert_eq!(fetch("acme", 1, &sign("acme", 1)).await.status(), 404, "expired");
    assert_eq!(fetch("other", far, &sign("other", far)).await.status(), 404);
}

#[tokio::test]
async fn file_inputs_can_be_data_uris_uploads_and_urls() {
    let api = api();
    let png = image_file(&api).await;
    assert_eq!(size(&png), (32, 24));
    let uploaded = upload(&api, &png).await;
    let drawn = api.run_version(SDXL, json!({"width": 32, "height": 24})).await;
    let inputs = [
        format!("data:image/png;base64,{}", STANDARD.encode(&png)),
        uploaded["urls"]["get"].as_str().expect("a URL").to_owned(),
        drawn["output"][0].as_str().expect("a URL").to_owned(),
    ];
    for uri in inputs {
        let larger = api.run_version(ESRGAN, json!({"image": uri, "scale": 2.5})).await;
        let url = larger["output"].as_str().unwrap_or_else(|| panic!("{larger}"));
        let bytes = api.request("GET", url).send().await.expect("sent").bytes().await.expect("bytes");
        assert_eq!(size(&bytes), (80, 60));
    }
}

#[tokio::test]
async fn file_inputs_have_the_origin_of_a_proxy() {
    let api = with(Config { token: Some("t".into()), ..Config::default() });
    let png = {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::RgbImage::new(32, 24).write_to(&mut bytes, image::ImageFormat::Png).expect("an image");
        bytes.into_inner()
    };
    let create = async |body: Value| {
        let request = api.request("POST", "/predictions").bearer_auth("t").header("prefer", "wait");
        let request = request.header("host", "app.localhost:5173").json(&body);
        status_and_body(request.send().await.expect("sent")).await.1
    };
    let form = Form::new().part("content", Part::bytes(png).mime_str("image/png").expect("a type"));
    let request = api.request("POST", "/files").bearer_auth("t").header("host", "app.localhost:5173");
    let (_, uploaded) = status_and_body(request.multipart(form).send().await.expect("sent")).await;
    let upload = uploaded["urls"]["get"].as_str().expect("a URL");
    assert!(upload.starts_with("http://app.localhost:5173/v1/files/"), "{upload}");
    let first = create(json!({"version": ESRGAN, "input": {"image": upload, "scale": 2}})).await;
    let output = first["output"].as_str().unwrap_or_else(|| panic!("{first}"));
    assert!(output.starts_with("http://app.localhost:5173/files/"), "{output}");
    let second = create(json!({"version": ESRGAN, "input": {"image": output, "scale": 2}})).await;
    assert!(second["output"].is_string(), "{second}");
}

#[tokio::test]
async fn an_unreadable_file_input_fails_with_a_reason() {
    let api = api();
    let deleted = format!("{}/files/bm9uZQ==", api.emulator.base_url());
    let expired = format!("{}/files/gone/a.png", api.emulator.origin());
    let unreadable = [
        (deleted.as_str(), "there is no uploaded file bm9uZQ=="),
        (expired.as_str(), "there is no output file gone/a.png"),
        ("data:text/plain,hello", "is not a readable image"),
        ("ftp://example.com/a.png", "ftp: URLs cannot be read"),
        ("http://127.0.0.1:1/a.png", "could not fetch http://127.0.0.1:1/a.png"),
    ];
    for (uri, expected) in unreadable {
        let failed = api.run_version(ESRGAN, json!({"image": uri})).await;
        assert_eq!(failed["status"], "failed", "{failed}");
        let error = failed["error"].as_str().expect("an error");
        assert!(error.contains(expected), "{error}");
        assert_ne!(failed["logs"], "");
    }
    let received: Value = serde_json::from_str(&api.emulator.requests_json()).expect("JSON");
    let paths = received.as_array().into_iter().flatten().map(|request| &request["path"]);
    assert!(paths.filter_map(Value::as_str).all(|path| !path.contains("/files/")), "{received}");
    let (status, problem) =
        api.post("/predictions", json!({"version": ESRGAN, "input": {"image": "pic.png"}})).await;
    assert_eq!((status, &problem["invalid_fields"][0]["field"]), (422, &json!("input.image")));
}

#[tokio::test]
async fn output_files_support_ranges() {
    let api = api();
    let drawn = api.run_version(SDXL, json!({"width": 32, "height": 24})).await;
    let url = drawn["output"][0].as_str().expect("a URL").to_owned();
    let get = async |headers: &[(&str, &str)]| {
        let mut request = api.request("GET", &url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("sent")
    };
    let whole = get(&[]).await;
    let etag = whole.headers()["etag"].to_str().expect("text").to_owned();
    assert_eq!(whole.headers()["content-type"], "image/png");
    let whole = whole.bytes().await.expect("bytes");
    let part = get(&[("range", "bytes=10-19"), ("if-range", &etag)]).await;
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], format!("bytes 10-19/{}", whole.len()).as_str());
    assert_eq!(part.bytes().await.expect("bytes"), whole[10..20]);
    let rest = get(&[("range", "bytes=10-")]).await;
    assert_eq!(rest.bytes().await.expect("bytes"), whole[10..]);
    assert_eq!(get(&[("range", "bytes=10-19"), ("if-range", "\"other\"")]).await.status(), 200);
    assert_eq!(get(&[("range", "bytes=99999999-")]).await.status(), 416);
    assert_eq!(get(&[("if-none-match", &etag)]).await.status(), 304);
}

#[tokio::test]
async fn output_files_need_no_token_and_expire() {
    let api = with(Config { token: Some("t".into()), retention: seconds(600.0), ..Config::default() });
    let request = api.request("POST", "/predictions").bearer_auth("t").header("prefer", "wait");
    let body = json!({"version": SDXL, "input": {"width": 16, "height": 16}});
    let (_, drawn) = status_and_body(request.json(&body).send().await.expect("sent")).await;
    let url = drawn["output"][0].as_str().expect("a URL");
    let response = api.request("GET", url).bearer_auth("leaked").send().await.expect("sent");
    assert_eq!(response.status(), 200);
    let requests: Value = serde_json::from_str(&api.emulator.requests_json()).expect("JSON");
    let last = requests.as_array().and_then(|all| all.last()).expect("a request");
    assert_eq!(last["headers"]["authorization"], "Bearer leaked", "the request log shows the header");
    api.emulator.advance(seconds(601.0));
    let gone = async || api.get(url).await.0 == 404;
    eventually(gone, "the file does not expire").await;
}

#[tokio::test]
async fn images_depend_on_prompt_seed_and_format() {
    let api = api();
    let draw = async |prompt: &str, seed: i64| {
        let input = json!({"prompt": prompt, "width": 48, "height": 32, "seed": seed});
        let drawn = api.run_version(SDXL, input).await;
        let url = drawn["output"][0].as_str().expect("a URL").to_owned();
        api.request("GET", &url).send().await.expect("sent").bytes().await.expect("bytes")
    };
    let first = draw("a lake", 1).await;
    assert_eq!(first, draw("a lake", 1).await);
    assert_ne!(first, draw("a lake", 2).await);
    assert_ne!(first, draw("a city at night", 1).await);

    for (format, kind) in [("webp", "image/webp"), ("jpg", "image/jpeg"), ("png", "image/png")] {
        let input = json!({"prompt": "a", "megapixels": "0.25", "output_format": format, "num_outputs": 2});
        let drawn = api.run_version("black-forest-labs/flux-schnell", input).await;
        assert_eq!(drawn["output"].as_array().map(Vec::len), Some(2));
        let response =
            api.request("GET", drawn["output"][1].as_str().expect("a URL")).send().await.expect("sent");
        assert_eq!(response.headers()["content-type"], kind);
        assert_eq!(size(&response.bytes().await.expect("bytes")), (512, 512));
    }
}

#[tokio::test]
async fn the_waveform_model_measures_a_sound() {
    let api = api();
    let (_, model) = api.get("/models/fofr/audio-to-waveform").await;
    let output = &model["default_example"]["output"];
    assert_eq!((&output["duration"], &output["sample_rate"]), (&json!(1.0), &json!(8000)));
    assert!(
        output["loudness"].as_f64().is_some_and(|loudness| (-20.0..-5.0).contains(&loudness)),
        "{output}"
    );
    let url = output["waveform"].as_str().expect("a URL");
    let bytes = api.request("GET", url).send().await.expect("sent").bytes().await.expect("bytes");
    assert_eq!(size(&bytes), (1000, 200));
    let version = model["latest_version"]["id"].as_str().expect("an id");
    let failed = api.run_version(version, json!({"audio": "data:audio/mpeg;base64,SUQz"})).await;
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("not a WAV file")), "{failed}");
}
