//! The operations of the API: method, path below `/v1`, and id as in the API's OpenAPI document.

use axum::http::Method;

/// An operation.
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) id: &'static str,
}

const fn operation(method: &'static str, path: &'static str, id: &'static str) -> Operation {
    Operation { method, path, id }
}

#[rustfmt::skip]
pub(crate) const OPERATIONS: [Operation; 37] = [
    operation("GET", "/account", "account.get"),
    operation("GET", "/collections", "collections.list"),
    operation("GET", "/collections/{collection_slug}", "collections.get"),
    operation("GET", "/deployments", "deployments.list"),
    operation("POST", "/deployments", "deployments.create"),
    operation("DELETE", "/deployments/{deployment_owner}/{deployment_name}", "deployments.delete"),
    operation("GET", "/deployments/{deployment_owner}/{deployment_name}", "deployments.get"),
    operation("PATCH", "/deployments/{deployment_owner}/{deployment_name}", "deployments.update"),
    operation("POST", "/deployments/{deployment_owner}/{deployment_name}/predictions", "deployments.predictions.create"),
    operation("GET", "/files", "files.list"),
    operation("POST", "/files", "files.create"),
    operation("DELETE", "/files/{file_id}", "files.delete"),
    operation("GET", "/files/{file_id}", "files.get"),
    operation("GET", "/files/{file_id}/download", "files.download"),
    operation("GET", "/hardware", "hardware.list"),
    operation("GET", "/models", "models.list"),
    operation("POST", "/models", "models.create"),
    operation("QUERY", "/models", "models.search"),
    operation("DELETE", "/models/{model_owner}/{model_name}", "models.delete"),
    operation("GET", "/models/{model_owner}/{model_name}", "models.get"),
    operation("PATCH", "/models/{model_owner}/{model_name}", "models.update"),
    operation("GET", "/models/{model_owner}/{model_name}/examples", "models.examples.list"),
    operation("POST", "/models/{model_owner}/{model_name}/predictions", "models.predictions.create"),
    operation("GET", "/models/{model_owner}/{model_name}/readme", "models.readme.get"),
    operation("GET", "/models/{model_owner}/{model_name}/versions", "models.versions.list"),
    operation("DELETE", "/models/{model_owner}/{model_name}/versions/{version_id}", "models.versions.delete"),
    operation("GET", "/models/{model_owner}/{model_name}/versions/{version_id}", "models.versions.get"),
    operation("POST", "/models/{model_owner}/{model_name}/versions/{version_id}/trainings", "trainings.create"),
    operation("GET", "/predictions", "predictions.list"),
    operation("POST", "/predictions", "predictions.create"),
    operation("GET", "/predictions/{prediction_id}", "predictions.get"),
    operation("POST", "/predictions/{prediction_id}/cancel", "predictions.cancel"),
    operation("GET", "/search", "search"),
    operation("GET", "/trainings", "trainings.list"),
    operation("GET", "/trainings/{training_id}", "trainings.get"),
    operation("POST", "/trainings/{training_id}/cancel", "trainings.cancel"),
    operation("GET", "/webhooks/default/secret", "webhooks.default.secret.get"),
];

/// Returns the operation of a request.
pub(crate) fn of(method: &Method, path: &str) -> Option<&'static Operation> {
    let path = path.strip_prefix("/v1")?;
    OPERATIONS.iter().find(|operation| operation.method == method.as_str() && fits(operation.path, path))
}

/// Reports whether a path fits a template, in which `{name}` stands for one segment.
fn fits(template: &str, path: &str) -> bool {
    let (mut names, mut segments) = (template.split('/'), path.split('/'));
    loop {
        match (names.next(), segments.next()) {
            (None, None) => return true,
            (Some(name), Some(segment)) if name.starts_with('{') || name == segment => {}
            _ => return false,
        }
    }
}

impl Operation {
    /// Reports whether this is the operation `id`. A prediction is created in three ways, and `predictions.create` stands
    /// for all of them.
    pub(crate) fn is(&self, id: &str) -> bool {
        self.id == id || (id == "predictions.create" && self.id.ends_with(".predictions.create"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_operations() {
        let id = |method: &str, path: &str| {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            of(&method, path).map(|operation| operation.id)
        };
        assert_eq!(id("GET", "/v1/predictions/abc"), Some("predictions.get"));
        assert_eq!(id("POST", "/v1/models/a/b/predictions"), Some("models.predictions.create"));
        assert_eq!(id("QUERY", "/v1/models"), Some("models.search"));
        assert_eq!(id("GET", "/v1/predictions/abc/x"), None);
        assert_eq!(id("GET", "/predictions/abc"), None);
        let by_model = of(&Method::POST, "/v1/models/a/b/predictions").expect("an operation");
        assert!(by_model.is("predictions.create") && by_model.is("models.predictions.create"));
        assert!(!by_model.is("deployments.predictions.create"));
    }
}
