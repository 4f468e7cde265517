//! A description of the operations as an OpenAPI document, for tools that explore an API.

use indexmap::IndexMap;

use crate::http::operations::OPERATIONS;
use crate::request::{Call, Reply, ok};
use crate::support::json::{Fields, Raw, array};

pub(super) async fn document(call: Call) -> Reply {
    let mut paths: IndexMap<&str, IndexMap<String, Raw>> = IndexMap::new();
    for operation in &OPERATIONS {
        let description = Fields::new().put("description", "See the API reference").finish();
        let responses = Fields::new().put("default", &description).finish();
        let names = operation.path.split('/').filter_map(|name| name.strip_prefix('{')?.strip_suffix('}'));
        let text = Fields::new().put("type", "string").finish();
        let parameters: Vec<Raw> = names
            .map(|name| {
                let parameter = Fields::new().put("name", name).put("in", "path").put("required", &true);
                parameter.put("schema", &text).finish()
            })
            .collect();
        let body = Fields::new()
            .put("operationId", operation.id)
            .put("parameters", &array(&parameters))
            .put("responses", &responses)
            .finish();
        paths.entry(operation.path).or_default().insert(operation.method.to_lowercase(), body);
    }
    let info = Fields::new().put("title", "Replicate HTTP API (emulator)").put("version", "1.0.0").finish();
    let server = Fields::new().put("url", &format!("{}/v1", call.origin)).finish();
    let bearer = Fields::new().put("type", "http").put("scheme", "bearer").finish();
    let schemes = Fields::new().put("bearerAuth", &bearer).finish();
    let required = Fields::new().put("bearerAuth", &Vec::<&str>::new()).finish();
    let document = Fields::new()
        .put("openapi", "3.1.0")
        .put("info", &info)
        .put("servers", &array([&server]))
        .put("security", &array([&required]))
        .put("paths", &paths)
        .put("components", &Fields::new().put("securitySchemes", &schemes).finish());
    Ok(ok(document.finish()))
}
