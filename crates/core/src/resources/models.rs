//! Models and their versions.

use serde::{Deserialize, Serialize};

use super::{body, owner_and_name::OwnerAndName};
use crate::{
    client::{Client, call::Call, page::List, response::Expect},
    error::{Result, flattened},
    http::request::{Body, Request, RequestTarget, path},
    predictions::{target::owner_and, types::Prediction},
    value::{Object, Value, options::options},
};

/// A model.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let model = client.models().get("nightmareai", "real-esrgan").await?;
/// println!("{}/{}: {}", model.owner, model.name, model.description.unwrap_or_default());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Model {
    /// Owner.
    pub owner: String,
    /// Name.
    pub name: String,
    /// URL of the page.
    pub url: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// `public` or `private`.
    pub visibility: Option<String>,
    /// Whether the model is official: maintained by Replicate, always warm, and run without a version.
    pub is_official: Option<bool>,
    /// URL of the source code.
    pub github_url: Option<String>,
    /// URL of the paper.
    pub paper_url: Option<String>,
    /// URL of the license.
    pub license_url: Option<String>,
    /// Number of runs.
    pub run_count: Option<i64>,
    /// URL of the cover image.
    pub cover_image_url: Option<String>,
    /// An example prediction.
    pub default_example: Option<Prediction>,
    /// Newest version.
    pub latest_version: Option<Version>,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

/// A version of a model. Versions never change.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let version = client.models().versions().get("acme", "painter", "5c7d").await?;
/// println!("{}", version.openapi_schema["components"]["schemas"]["Input"]["properties"]);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Version {
    /// Id: 64 hexadecimal digits.
    pub id: String,
    /// Creation time, in RFC 3339.
    pub created_at: Option<String>,
    /// Version of Cog that built it.
    pub cog_version: Option<String>,
    /// OpenAPI schema of input and output.
    pub openapi_schema: Value,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

/// A model to create.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::resources::models::NewModel;
///
/// let mut model = NewModel::new("acme", "painter", "private", "gpu-t4");
/// model.description = Some("Paints herons".into());
/// println!("{:?}", client.models().create(&model).await?.url);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewModel {
    /// Owner: the account of the token.
    pub owner: String,
    /// Name.
    pub name: String,
    /// `public` or `private`.
    pub visibility: String,
    /// SKU of the hardware; see [`Client::hardware`].
    pub hardware: String,
    /// Description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// URL of the source code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github_url: Option<String>,
    /// URL of the paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper_url: Option<String>,
    /// URL of the license.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_url: Option<String>,
    /// URL of the cover image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover_image_url: Option<String>,
}

impl NewModel {
    /// Builds a model of `owner`, the account of the token. `visibility` is `public` or `private`; `hardware` is a SKU, see
    /// [`Client::hardware`].
    pub fn new(
        owner: impl Into<String>,
        name: impl Into<String>,
        visibility: impl Into<String>,
        hardware: impl Into<String>,
    ) -> Self {
        Self {
            owner: owner.into(),
            name: name.into(),
            visibility: visibility.into(),
            hardware: hardware.into(),
            description: None,
            github_url: None,
            paper_url: None,
            license_url: None,
            cover_image_url: None,
        }
    }
}

options! {
    /// Changes to a model. A field that is `None` stays unchanged.
    ///
    /// ```
    /// use replicant::resources::models::ModelChange;
    ///
    /// let mut change = ModelChange::default();
    /// change.readme = Some("# Painter".into());
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
    #[serde(default)]
    #[non_exhaustive]
    pub struct ModelChange {
        /// Description.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// Readme, in Markdown.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub readme: Option<String>,
        /// URL of the source code.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub github_url: Option<String>,
        /// URL of the paper.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub paper_url: Option<String>,
        /// URL of the weights.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub weights_url: Option<String>,
        /// URL of the license.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub license_url: Option<String>,
    }
}

/// A model, with the id of a version or the cursor of a list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct OfModel {
    pub owner: String,
    #[serde(default)]
    pub name: Option<String>,
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub cursor: Option<String>,
}

impl OfModel {
    pub fn split(&self) -> Result<(String, String)> {
        owner_and(self.owner.clone(), self.name.clone())
    }

    pub fn id(&self) -> Result<&str> {
        self.id
            .as_deref()
            .ok_or_else(|| crate::error::Error::invalid_argument("id", "is missing; pass the version's id"))
    }
}

flattened! {
    /// The parameters of `models.update`.
    pub(crate) struct UpdateModel {
        pub model: OwnerAndName,
        pub change: ModelChange,
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ListModels {
    pub cursor: Option<String>,
    pub sort_by: Option<String>,
    pub sort_direction: Option<String>,
}

/// The models resource; see [`Client::models`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// for model in client.models().search("remove background").await?.results {
///     println!("{}/{}", model.owner, model.name);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Models<'c> {
    client: &'c Client,
}

/// The versions resource; see [`Models::versions`].
#[derive(Debug, Clone, Copy)]
pub struct Versions<'c> {
    client: &'c Client,
}

impl Client {
    /// Returns the models resource.
    pub fn models(&self) -> Models<'_> {
        Models { client: self }
    }
}

impl<'c> Models<'c> {
    /// Returns a model. `GET /models/{owner}/{name}`
    pub fn get(&self, owner: &str, name: &str) -> Call<Model> {
        Call::new(self.client, of_model("", owner, name).map(Request::get))
    }

    /// Lists public models, those with the newest versions first. `GET /models`
    pub fn list(&self) -> List<Model> {
        self.list_params(ListModels::default())
    }

    /// Lists public models in another order. `sort_by` is `model_created_at` or
    /// `latest_version_created_at`; `sort_direction` is `asc` or `desc`. `GET /models`
    pub fn list_sorted(&self, sort_by: &str, sort_direction: &str) -> List<Model> {
        let (sort_by, sort_direction) = (Some(sort_by.to_owned()), Some(sort_direction.to_owned()));
        self.list_params(ListModels { cursor: None, sort_by, sort_direction })
    }

    pub(crate) fn list_params(&self, params: ListModels) -> List<Model> {
        let ListModels { cursor, sort_by, sort_direction } = params;
        let request =
            Request::get("/models").query("sort_by", sort_by).query("sort_direction", sort_direction);
        List::new(self.client, Ok(request)).maybe_cursor(cursor)
    }

    /// Searches public models. `QUERY /models`
    pub fn search(&self, query: &str) -> List<Model> {
        let request = Request::with_method("QUERY", RequestTarget::Path("/models".into()))
            .body(Body::Text(query.to_owned()));
        List::new(self.client, Ok(request))
    }

    /// Creates a model without versions. `POST /models`
    pub fn create(&self, model: &NewModel) -> Call<Model> {
        Call::new(self.client, body(model).map(|body| Request::post("/models").json(body)))
    }

    /// Changes the metadata of a model. `PATCH /models/{owner}/{name}`
    pub fn update(&self, owner: &str, name: &str, change: &ModelChange) -> Call<Model> {
        Call::new(
            self.client,
            of_model("", owner, name).and_then(|path| Ok(Request::patch(path).json(body(change)?))),
        )
    }

    /// Deletes a private model without versions. `DELETE /models/{owner}/{name}`
    pub fn delete(&self, owner: &str, name: &str) -> Call<bool> {
        Call::expecting(self.client, of_model("", owner, name).map(Request::delete), Expect::Nothing)
    }

    /// Lists example predictions of a model. `GET /models/{owner}/{name}/examples`
    pub fn examples(&self, owner: &str, name: &str) -> List<Prediction> {
        List::new(self.client, of_model("/examples", owner, name).map(Request::get))
    }

    /// Returns the readme of a model, in Markdown. `GET /models/{owner}/{name}/readme`
    pub fn readme(&self, owner: &str, name: &str) -> Call<String> {
        Call::expecting(self.client, of_model("/readme", owner, name).map(Request::get), Expect::Text)
    }

    /// Returns the versions resource.
    pub fn versions(&self) -> Versions<'c> {
        Versions { client: self.client }
    }
}

impl Versions<'_> {
    /// Lists the versions of a model, newest first. `GET /models/{owner}/{name}/versions`
    pub fn list(&self, owner: &str, name: &str) -> List<Version> {
        List::new(self.client, of_model("/versions", owner, name).map(Request::get))
    }

    /// Returns a version. `GET /models/{owner}/{name}/versions/{id}`
    pub fn get(&self, owner: &str, name: &str, id: &str) -> Call<Version> {
        Call::new(self.client, version(owner, name, id).map(Request::get))
    }

    /// Requests the deletion of a version, which takes minutes. `DELETE /models/{owner}/{name}/versions/{id}`
    pub fn delete(&self, owner: &str, name: &str, id: &str) -> Call<bool> {
        Call::expecting(self.client, version(owner, name, id).map(Request::delete), Expect::Nothing)
    }
}

fn of_model(below: &str, owner: &str, name: &str) -> Result<String> {
    Ok(path("/models/{owner}/{name}", &[("owner", owner), ("name", name)])? + below)
}

fn version(owner: &str, name: &str, id: &str) -> Result<String> {
    path("/models/{owner}/{name}/versions/{id}", &[("owner", owner), ("name", name), ("id", id)])
}
