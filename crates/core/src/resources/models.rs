//! Models and their versions.

use serde::{Deserialize, Serialize};

use super::{deployments::body, owner_and_name::OwnerAndName};
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
    /// Who owns it.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: Option<String>,
    /// What it does.
    pub description: Option<String>,
    /// `public` or `private`.
    pub visibility: Option<String>,
    /// Whether it is kept by Replicate, always warm, and run without a version.
    pub is_official: Option<bool>,
    /// Its source.
    pub github_url: Option<String>,
    /// Its paper.
    pub paper_url: Option<String>,
    /// Its licence.
    pub license_url: Option<String>,
    /// How often it has been run.
    pub run_count: Option<i64>,
    /// Its picture.
    pub cover_image_url: Option<String>,
    /// An example of its use.
    pub default_example: Option<Prediction>,
    /// Its newest version.
    pub latest_version: Option<Version>,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

/// A version of a model; it never changes.
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
    /// Its id: 64 hexadecimal digits.
    pub id: String,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// The version of Cog it was built with.
    pub cog_version: Option<String>,
    /// What it takes and gives, as an OpenAPI document.
    pub openapi_schema: Value,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

/// A model to create.
///
/// ```
/// use replicant::resources::models::NewModel;
///
/// let model = NewModel {
///     owner: "acme".into(),
///     name: "painter".into(),
///     visibility: "private".into(),
///     hardware: "gpu-t4".into(),
///     ..NewModel::default()
/// };
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewModel {
    /// Who will own it: the account of the token.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// `public` or `private`.
    pub visibility: String,
    /// The machine's SKU; see [`Client::hardware`].
    pub hardware: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub github_url: Option<String>,
    /// Its paper.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paper_url: Option<String>,
    /// Its licence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license_url: Option<String>,
    /// Its picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover_image_url: Option<String>,
}

options! {
    /// What changes in a model; what is `None` stays.
    ///
    /// ```
    /// use replicant::resources::models::ModelChange;
    ///
    /// let change = ModelChange { readme: Some("# Painter".into()), ..ModelChange::default() };
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
    #[serde(default)]
    pub struct ModelChange {
        /// What it does.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub description: Option<String>,
        /// How it is used, in Markdown.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub readme: Option<String>,
        /// Its source.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub github_url: Option<String>,
        /// Its paper.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub paper_url: Option<String>,
        /// Its weights.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub weights_url: Option<String>,
        /// Its licence.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub license_url: Option<String>,
    }
}

/// Which model, and what of it.
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

/// The models; see [`Client::models`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let models = client.models();
/// println!("{:?}", models.get("acme", "painter").await?.run_count);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Models<'c> {
    client: &'c Client,
}

/// The versions of models; see [`Models::versions`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let versions = client.models().versions();
/// println!("{}", versions.list("acme", "painter").await?.results.len());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Versions<'c> {
    client: &'c Client,
}

impl Client {
    /// The models and their versions.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// println!("{:?}", client.models().get("acme", "painter").await?.visibility);
    /// # Ok(()) }
    /// ```
    pub fn models(&self) -> Models<'_> {
        Models { client: self }
    }
}

impl<'c> Models<'c> {
    /// One model. `GET /models/{owner}/{name}`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let model = client.models().get("nightmareai", "real-esrgan").await?;
    /// println!("{}", model.latest_version.unwrap_or_default().id);
    /// # Ok(()) }
    /// ```
    pub fn get(&self, owner: &str, name: &str) -> Call<Model> {
        Call::new(self.client, of_model("", owner, name).map(Request::get))
    }

    /// All public models, those with the newest versions first. `GET /models`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use futures_util::{StreamExt, TryStreamExt};
    ///
    /// let newest: Vec<_> = client.models().list().items().take(100).try_collect().await?;
    /// # Ok(()) }
    /// ```
    pub fn list(&self) -> List<Model> {
        self.list_params(ListModels::default())
    }

    /// All public models in another order: `sort_by` is `model_created_at` or
    /// `latest_version_created_at`, `sort_direction` is `asc` or `desc`. `GET /models`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let oldest = client.models().list_sorted("model_created_at", "asc").await?.results;
    /// # Ok(()) }
    /// ```
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

    /// Public models that match a text. `QUERY /models`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// for model in client.models().search("remove background").await?.results {
    ///     println!("{}/{}", model.owner, model.name);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn search(&self, query: &str) -> List<Model> {
        let request = Request::with_method("QUERY", RequestTarget::Path("/models".into()))
            .body(Body::Text(query.to_owned()));
        List::new(self.client, Ok(request))
    }

    /// Creates a model without versions. `POST /models`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use replicant::resources::models::NewModel;
    ///
    /// let model = NewModel {
    ///     owner: "acme".into(),
    ///     name: "painter".into(),
    ///     visibility: "private".into(),
    ///     hardware: "gpu-t4".into(),
    ///     ..NewModel::default()
    /// };
    /// println!("{:?}", client.models().create(&model).await?.url);
    /// # Ok(()) }
    /// ```
    pub fn create(&self, model: &NewModel) -> Call<Model> {
        Call::new(self.client, body(model).map(|body| Request::post("/models").json(body)))
    }

    /// Changes what a model says of itself. `PATCH /models/{owner}/{name}`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use replicant::resources::models::ModelChange;
    ///
    /// let change = ModelChange { description: Some("Paints birds".into()), ..ModelChange::default() };
    /// client.models().update("acme", "painter", &change).await?;
    /// # Ok(()) }
    /// ```
    pub fn update(&self, owner: &str, name: &str, change: &ModelChange) -> Call<Model> {
        Call::new(
            self.client,
            of_model("", owner, name).and_then(|path| Ok(Request::patch(path).json(body(change)?))),
        )
    }

    /// Deletes a private model without versions. `DELETE /models/{owner}/{name}`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// client.models().delete("acme", "painter").await?;
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, owner: &str, name: &str) -> Call<bool> {
        Call::expecting(self.client, of_model("", owner, name).map(Request::delete), Expect::Nothing)
    }

    /// Predictions that show what a model does. `GET /models/{owner}/{name}/examples`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// for example in client.models().examples("acme", "painter").await?.results {
    ///     println!("{} -> {}", example.input, example.output);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn examples(&self, owner: &str, name: &str) -> List<Prediction> {
        List::new(self.client, of_model("/examples", owner, name).map(Request::get))
    }

    /// A model's readme, in Markdown. `GET /models/{owner}/{name}/readme`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// println!("{}", client.models().readme("acme", "painter").await?);
    /// # Ok(()) }
    /// ```
    pub fn readme(&self, owner: &str, name: &str) -> Call<String> {
        Call::expecting(self.client, of_model("/readme", owner, name).map(Request::get), Expect::Text)
    }

    /// The versions of models.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let versions = client.models().versions().list("acme", "painter").await?.results;
    /// # Ok(()) }
    /// ```
    pub fn versions(&self) -> Versions<'c> {
        Versions { client: self.client }
    }
}

impl Versions<'_> {
    /// All versions of a model, newest first. `GET /models/{owner}/{name}/versions`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// for version in client.models().versions().list("acme", "painter").await?.results {
    ///     println!("{} {}", version.id, version.created_at.unwrap_or_default());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self, owner: &str, name: &str) -> List<Version> {
        List::new(self.client, of_model("/versions", owner, name).map(Request::get))
    }

    /// One version. `GET /models/{owner}/{name}/versions/{id}`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let version = client.models().versions().get("acme", "painter", "5c7d").await?;
    /// println!("{:?}", version.cog_version);
    /// # Ok(()) }
    /// ```
    pub fn get(&self, owner: &str, name: &str, id: &str) -> Call<Version> {
        Call::new(self.client, version(owner, name, id).map(Request::get))
    }

    /// Begins to delete a version, which takes minutes. `DELETE /models/{owner}/{name}/versions/{id}`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// client.models().versions().delete("acme", "painter", "5c7d").await?;
    /// # Ok(()) }
    /// ```
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
