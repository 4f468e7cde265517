//! Resources: models, versions, deployments, trainings, collections and hardware.

use crate::common::{Api, SDXL, api, eventually, seconds, with};
use replicant_emulator::Config;
use serde_json::{Value, json};

fn names(page: &Value) -> Vec<&str> {
    let results = page["results"].as_array().expect("results");
    results.iter().map(|item| item["name"].as_str().expect("a name")).collect()
}

#[tokio::test]
async fn models_have_schemas_examples_and_versions() {
    let api = api();
    let (_, model) = api.get("/models/meta/meta-llama-3-8b-instruct").await;
    assert_eq!((&model["is_official"], &model["latest_version"]["id"]), (&json!(true), &json!("hidden")));
    let schemas = &model["latest_version"]["openapi_schema"]["components"]["schemas"];
    assert_eq!(schemas["Output"]["x-cog-array-display"], "concatenate");
    assert_eq!(schemas["Input"]["properties"]["prompt"]["x-order"], 0);
    let example = &model["default_example"];
    assert_eq!((&example["status"], &example["source"]), (&json!("succeeded"), &json!("web")));
    assert!(example["output"].as_array().is_some_and(|words| words.len() > 10));
    let (_, examples) = api.get("/models/meta/meta-llama-3-8b-instruct/examples").await;
    assert_eq!(examples["results"][0], *example);
    assert_eq!(api.get("/models/meta/meta-llama-3-8b-instruct/versions").await.0, 404);
    assert_eq!(api.get("/predictions").await.1["results"], json!([]), "no list contains examples");

    let (_, versions) = api.get("/models/stability-ai/sdxl/versions").await;
    assert_eq!(versions["results"][0]["id"], SDXL);
    let (status, version) = api.get(&format!("/models/stability-ai/sdxl/versions/{SDXL}")).await;
    assert_eq!((status, &version), (200, &versions["results"][0]));
    assert_eq!(api.get("/models/nobody/nothing").await.0, 404);
    let readme = api.get("/models/stability-ai/sdxl/readme").await;
    assert!(readme.1.as_str().is_some_and(|text| text.starts_with("# sdxl")));
    assert_eq!(api.get("/models/acme/hotdog/readme").await.0, 404);
}

#[tokio::test]
async fn models_can_be_sorted_and_searched() {
    // All models in one page.
    let api = with(Config { page_size: Some(100), ..Config::default() });
    let (_, newest) = api.get("/models?sort_by=model_created_at").await;
    let (_, oldest) = api.get("/models?sort_by=model_created_at&sort_direction=asc").await;
    let mut reversed = names(&oldest);
    reversed.reverse();
    assert_eq!(names(&newest), reversed);
    assert!(!names(&newest).contains(&"hotdog"), "it is private");
    assert_eq!(api.get("/models?sort_by=luck").await.0, 400);

    for body in ["sdxl", "\"sdxl\""] {
        let response = api.request("QUERY", "/models").body(body).send().await.expect("sent");
        assert_eq!(response.headers()["allow"], "GET, POST, QUERY");
        assert_eq!(names(&crate::common::status_and_body(response).await.1), ["sdxl"]);
    }
    let response = api.request("QUERY", "/models").send().await.expect("sent");
    assert_eq!(response.status(), 400, "a search needs text");
    let (_, found) = api.get("/search?query=image").await;
    assert!(found["models"].as_array().is_some_and(|models| models.len() >= 3), "{found}");
    let (_, found) = api.get("/search?query=picture&limit=2").await;
    assert_eq!(found["models"].as_array().map(Vec::len), Some(2));
    assert_eq!(found["collections"][0]["slug"], "text-to-image");
    let response = api.request("GET", "/search").send().await.expect("sent");
    assert_eq!(response.headers()["content-type"], "application/json");
    let problem = json!({"detail": "Query parameter \"query\" is required"});
    assert_eq!(crate::common::status_and_body(response).await, (400, problem));
}

#[tokio::test]
async fn known_public_models_answer_as_the_models_of_the_demo() {
    let api = api();
    for name in [
        "meta/meta-llama-3-70b-instruct",
        "meta/llama-4-scout-instruct",
        "openai/gpt-4o",
        "openai/gpt-5",
        "openai/gpt-oss-120b",
        "google/gemini-2.5-flash",
    ] {
        let input = json!({"input": {"prompt": "Say hi", "max_tokens": 3}});
        let (_, created) = api.post(&format!("/models/{name}/predictions"), input).await;
        let done = api.finished(&created).await;
        assert_eq!((&done["model"], done["output"].as_array().map(Vec::len)), (&json!(name), Some(3)));
    }
    let input = json!({"input": {"prompt": "a heron", "megapixels": "0.25", "output_format": "jpg"}});
    for (name, single) in [
        ("black-forest-labs/flux-1.1-pro", true),
        ("black-forest-labs/flux-dev", false),
        ("google/nano-banana", true),
        ("qwen/qwen-image", false),
    ] {
        let (_, created) = api.post(&format!("/models/{name}/predictions"), input.clone()).await;
        let output = api.finished(&created).await["output"].clone();
        let url = if single { &output } else { &output[0] };
        assert_eq!(
            api.request("GET", url.as_str().expect("a URL")).send().await.expect("sent").status(),
            200
        );
    }
    let version = "5c7d5dc6dd8bf75c1acaa8565735e7986bc5b66206b55cca93cb72c9bf15ccaa";
    assert_eq!(api.run_version(version, json!({"text": "Alice"})).await["output"], "hello Alice");
}

#[tokio::test]
async fn a_prediction_without_the_version_that_its_model_needs_names_one() {
    let api = api();
    let input = json!({"text": "Ada"});
    for (path, body, expected) in [
        ("/models/replicate/hello-world/predictions", json!({"input": input}), 404),
        ("/predictions", json!({"version": "replicate/hello-world", "input": input}), 422),
    ] {
        let (status, problem) = api.post(path, body).await;
        let detail = problem["detail"].as_str().expect("a detail");
        let mut words = detail.split_whitespace().map(|word| word.trim_end_matches('.'));
        let named = words.find(|word| word.starts_with("replicate/hello-world:")).expect(detail);
        assert_eq!(
            (status, &api.run_version(named, input.clone()).await["output"]),
            (expected, &json!("hello Ada"))
        );
    }
    let (status, problem) = api.post("/models/acme/hotdog/predictions", json!({"input": {}})).await;
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(status == 404 && detail.ends_with("with a version."), "{detail}");
}

#[tokio::test]
async fn models_of_the_account_can_be_created_updated_and_deleted() {
    let api = api();
    let body = json!({"owner": "acme", "name": "new", "visibility": "private", "hardware": "cpu", "description": "d"});
    let (status, model) = api.post("/models", body.clone()).await;
    assert_eq!((status, &model["run_count"], &model["latest_version"]), (201, &json!(0), &Value::Null));
    let (status, problem) = api.post("/models", body).await;
    assert_eq!((status, &problem["invalid_fields"][0]["field"]), (422, &json!("name")));
    let (status, problem) =
        api.post("/models", json!({"owner": "other", "visibility": "open", "x": 1})).await;
    let fields: Vec<_> =
        problem["invalid_fields"].as_array().expect("fields").iter().map(|f| &f["type"]).collect();
    assert_eq!((status, fields.len()), (422, 5), "{problem}");
    for (member, value) in [
        ("name", ""),
        ("name", "A b"),
        ("owner", ""),
        ("github_url", "nope"),
        ("paper_url", "ftp://a"),
        ("cover_image_url", "/x.png"),
    ] {
        let mut body = json!({"owner": "acme", "name": "other", "visibility": "private", "hardware": "cpu"});
        body[member] = json!(value);
        let (status, problem) = api.post("/models", body).await;
        assert_eq!((status, &problem["invalid_fields"][0]["field"]), (422, &json!(member)), "{value:?}");
    }
    for member in ["github_url", "weights_url", "license_url"] {
        let (status, problem) = api.send("PATCH", "/models/acme/new", json!({member: "nope"})).await;
        assert_eq!((status, &problem["invalid_fields"][0]["field"]), (422, &json!(member)));
    }
    let change = json!({"readme": "# New", "paper_url": "https://example.com/paper"});
    let (status, model) = api.send("PATCH", "/models/acme/new", change).await;
    assert_eq!((status, &model["paper_url"]), (200, &json!("https://example.com/paper")));
    assert_eq!(model["description"], "d");
    assert_eq!(api.get("/models/acme/new/readme").await.1, "# New");
    assert_eq!(api.send("DELETE", "/models/stability-ai/sdxl", Value::Null).await.0, 403);
    assert_eq!(api.send("DELETE", "/models/acme/new", Value::Null).await.0, 204);
    assert_eq!(api.get("/models/acme/new").await.0, 404);
}

#[tokio::test]
async fn deployments_can_be_created_updated_and_deleted() {
    let api = api();
    let body = json!({"name": "art", "model": "stability-ai/sdxl", "version": SDXL, "hardware": "gpu-t4",
                      "min_instances": 1, "max_instances": 2});
    let (status, deployment) = api.post("/deployments", body.clone()).await;
    assert_eq!((status, &deployment["current_release"]["number"]), (200, &json!(1)));
    assert_eq!(names(&api.get("/deployments").await.1), ["art", "upscaler", "text"]);
    let (_, changed) = api.send("PATCH", "/deployments/acme/art", json!({"min_instances": 0})).await;
    assert_eq!(changed["current_release"]["number"], 2);
    let configuration = json!({"hardware": "gpu-t4", "min_instances": 0, "max_instances": 2});
    assert_eq!(changed["current_release"]["configuration"], configuration);
    assert_eq!(api.get("/deployments/acme/art").await.1, changed);
    let input = json!({"input": {"width": 16, "height": 16}});
    let (_, prediction) = api.post("/deployments/acme/art/predictions", input).await;
    assert_eq!(api.finished(&prediction).await["status"], "succeeded");
    let (status, problem) = api.send("PATCH", "/deployments/acme/art", json!({"max_instances": 21})).await;
    assert_eq!((status, &problem["invalid_fields"][0]["type"]), (422, &json!("number_lte")));
    for change in [json!({"max_instances": 1, "min_instances": 2}), json!({"min_instances": 3})] {
        let (status, problem) = api.send("PATCH", "/deployments/acme/art", change).await;
        assert_eq!((status, &problem["invalid_fields"][0]["field"]), (422, &json!("max_instances")));
    }
    assert_eq!(api.send("DELETE", "/deployments/acme/art", Value::Null).await.0, 204);
    assert_eq!(api.get("/deployments/acme/art").await.0, 404);
    let mut wrong = body;
    wrong["version"] = json!("0");
    assert_eq!(api.post("/deployments", wrong.clone()).await.0, 422);
    wrong["version"] = json!(SDXL);
    wrong["min_instances"] = json!(5);
    assert_eq!(api.post("/deployments", wrong).await.0, 422, "the minimum exceeds the maximum");
}

async fn train(api: &Api, destination: &str, input: Value) -> (u16, Value) {
    let path = format!("/models/stability-ai/sdxl/versions/{SDXL}/trainings");
    api.post(&path, json!({"destination": destination, "input": input})).await
}

#[tokio::test]
async fn a_training_adds_a_version_that_paints_in_learned_colors() {
    let api = api();
    let mut red = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(4, 4, image::Rgb([230, 10, 10]))
        .write_to(&mut red, image::ImageFormat::Png)
        .expect("written");
    use base64::Engine;
    let image = base64::engine::general_purpose::STANDARD.encode(red.into_inner());
    let input = json!({"input_images": format!("data:image/png;base64,{image}")});

    let missing = json!({"detail": "The specified training destination does not exist", "status": 404});
    for destination in ["acme/nothing", "stability-ai/sdxl"] {
        assert_eq!(train(&api, destination, input.clone()).await, (404, missing.clone()));
    }
    let (status, problem) = train(&api, "acme/hotdog", json!({})).await;
    assert_eq!((status, &problem["invalid_fields"][0]["field"]), (422, &json!("input")));

    let (status, created) = train(&api, "acme/hotdog", input).await;
    assert_eq!((status, &created["status"]), (201, &json!("starting")));
    let id = created["id"].as_str().expect("an id");
    let base = api.emulator.base_url();
    assert_eq!(
        created["urls"]["get"],
        format!("{base}/predictions/{id}"),
        "the create shows the URLs of a prediction"
    );
    let done = api.finished(&created).await;
    assert_eq!(done["status"], "succeeded", "{done}");
    assert_eq!(done["urls"]["cancel"], format!("{base}/trainings/{id}/cancel"));
    assert_eq!(api.get(&format!("/trainings/{id}")).await.1, done);
    assert_eq!(api.get("/trainings").await.1["results"][0]["id"], id);
    assert_eq!(api.get("/predictions").await.1["results"], json!([]));
    assert_eq!(api.get(done["output"]["weights"].as_str().expect("a URL")).await.0, 200);

    let version = done["output"]["version"].as_str().expect("a version").to_owned();
    let drawn = api
        .run_version(&version, json!({"prompt": "a sunny day", "width": 32, "height": 32, "seed": 1}))
        .await;
    let url = drawn["output"][0].as_str().expect("a URL");
    let bytes = api.request("GET", url).send().await.expect("sent").bytes().await.expect("bytes");
    let pixels = image::load_from_memory(&bytes).expect("an image").to_rgb8();
    let sum = |part: usize| pixels.pixels().map(|pixel| u64::from(pixel.0[part])).sum::<u64>();
    assert!(sum(0) > 2 * sum(2), "the image is red");

    let id = version.split(':').nth(1).expect("an id");
    let path = format!("/models/acme/hotdog/versions/{id}");
    assert_eq!(api.send("DELETE", "/models/acme/hotdog", Value::Null).await.0, 422, "it has a version now");
    assert_eq!(api.send("DELETE", &path, Value::Null).await.0, 202);
    assert_eq!(api.get(&path).await.0, 200, "deleted in the background");
    api.emulator.advance(seconds(2.0));
    let deleted = async || api.get(&path).await.0 == 404;
    eventually(deleted, "the version is not deleted").await;
}

#[tokio::test]
async fn trainings_can_be_canceled_and_are_not_predictions() {
    let api = api();
    let (_, model) = api.get("/models/stability-ai/sdxl").await;
    let input = json!({"input_images": model["default_example"]["output"][0]});
    let (_, training) = train(&api, "acme/hotdog", input).await;
    let id = training["id"].as_str().expect("an id");
    let (status, canceled) = api.post(&format!("/trainings/{id}/cancel"), Value::Null).await;
    assert_eq!((status, &canceled["status"]), (200, &json!("canceled")));
    let prediction = api.run("echo", json!({})).await;
    assert_eq!(api.get(&format!("/trainings/{}", prediction["id"].as_str().expect("an id"))).await.0, 404);
    let (status, _) = api
        .post(
            "/models/nightmareai/real-esrgan/versions/none/trainings",
            json!({"destination": "a/b", "input": {}}),
        )
        .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn collections_and_hardware_can_be_listed() {
    let api = api();
    assert_eq!(
        names(&api.get("/collections").await.1),
        ["Language models", "Text to image", "Super resolution"]
    );
    let (_, collection) = api.get("/collections/text-to-image").await;
    assert_eq!(collection["models"][0]["name"], "sdxl");
    assert!(collection["full_description"].is_string());
    assert_eq!(api.get("/collections/none").await.0, 404);
    let (_, hardware) = api.get("/hardware").await;
    assert_eq!(hardware[0], json!({"name": "CPU", "sku": "cpu"}));
}
