//! Deployments: models on machines of one's own choosing.

use serde::{Deserialize, Serialize};

use super::owner_and_name::OwnerAndName;
use crate::{
    client::{Client, call::Call, page::List, response::Expect},
    error::{Result, flattened},
    http::request::{Request, path},
    predictions::{create::CreatePrediction, target::Target},
    value::{Object, Value, options::options},
};

/// A deployment.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let deployment = client.deployments().get("acme", "text").await?;
/// println!("{}/{}", deployment.owner, deployment.name);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Deployment {
    /// Who owns it.
    pub owner: String,
    /// Its name.
    pub name: String,
    /// What it runs now.
    pub current_release: Option<Release>,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

/// One state of a deployment; every change makes a new one.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// if let Some(release) = client.deployments().get("acme", "text").await?.current_release {
///     println!("release {} runs {}:{}", release.number, release.model, release.version);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Release {
    /// Counted from 1.
    pub number: i64,
    /// `owner/name` of the model.
    pub model: String,
    /// The version's id.
    pub version: String,
    /// RFC 3339.
    pub created_at: Option<String>,
    /// The account that made it.
    pub created_by: Option<super::accounts::Account>,
    /// Hardware and numbers of machines.
    pub configuration: Option<Configuration>,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

/// What a deployment runs on.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let release = client.deployments().get("acme", "text").await?.current_release.unwrap_or_default();
/// if let Some(configuration) = release.configuration {
///     println!("{} on {} to {}", configuration.hardware, configuration.min_instances, configuration.max_instances);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Configuration {
    /// The machine's SKU; see [`Client::hardware`].
    pub hardware: String,
    /// How many machines run at least, 0 to 5.
    pub min_instances: i64,
    /// How many machines run at most, 0 to 20.
    pub max_instances: i64,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

/// A deployment to create: every field is required.
///
/// ```
/// use replicant::resources::deployments::NewDeployment;
///
/// let deployment = NewDeployment {
///     name: "text".into(),
///     model: "acme/text".into(),
///     version: "5c7d".into(),
///     hardware: "gpu-t4".into(),
///     min_instances: 0,
///     max_instances: 2,
/// };
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NewDeployment {
    /// Its name.
    pub name: String,
    /// `owner/name` of the model.
    pub model: String,
    /// The version's id.
    pub version: String,
    /// The machine's SKU; see [`Client::hardware`].
    pub hardware: String,
    /// How many machines run at least, 0 to 5.
    pub min_instances: i64,
    /// How many machines run at most, 0 to 20.
    pub max_instances: i64,
}

options! {
    /// What changes in a deployment; what is `None` stays.
    ///
    /// ```
    /// use replicant::resources::deployments::DeploymentChange;
    ///
    /// let change = DeploymentChange { min_instances: Some(1), ..DeploymentChange::default() };
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
    #[serde(deny_unknown_fields, default)]
    pub struct DeploymentChange {
        /// The version's id.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub version: Option<String>,
        /// The machine's SKU; see [`Client::hardware`].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub hardware: Option<String>,
        /// How many machines run at least, 0 to 5.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub min_instances: Option<i64>,
        /// How many machines run at most, 0 to 20.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub max_instances: Option<i64>,
    }
}

flattened! {
    /// The parameters of `deployments.update`.
    pub(crate) struct UpdateParams {
        pub deployment: OwnerAndName,
        pub change: DeploymentChange,
    }
}

/// The deployments of an account; see [`Client::deployments`].
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let deployments = client.deployments();
/// println!("{}", deployments.list().await?.results.len());
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Deployments<'c> {
    client: &'c Client,
}

impl Client {
    /// The deployments: run predictions on them, and manage them.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// println!("{:?}", client.deployments().get("acme", "text").await?.current_release);
    /// # Ok(()) }
    /// ```
    pub fn deployments(&self) -> Deployments<'_> {
        Deployments { client: self }
    }
}

impl Deployments<'_> {
    /// Creates a prediction on a deployment. `POST /deployments/{owner}/{name}/predictions`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let created = client.deployments().predict("acme", "text", replicant::json!({"prompt": "Sing."})).await?;
    /// println!("{}", created.id);
    /// # Ok(()) }
    /// ```
    pub fn predict(&self, owner: &str, name: &str, input: impl Into<Value>) -> CreatePrediction {
        CreatePrediction::new(self.client, Ok(Target::Deployment(owner.into(), name.into())), input.into())
    }

    /// All deployments, newest first. `GET /deployments`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// for deployment in client.deployments().list().await?.results {
    ///     println!("{}/{}", deployment.owner, deployment.name);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn list(&self) -> List<Deployment> {
        List::new(self.client, Ok(Request::get("/deployments")))
    }

    /// One deployment. `GET /deployments/{owner}/{name}`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let deployment = client.deployments().get("acme", "text").await?;
    /// println!("{}", deployment.current_release.unwrap_or_default().version);
    /// # Ok(()) }
    /// ```
    pub fn get(&self, owner: &str, name: &str) -> Call<Deployment> {
        Call::new(self.client, self.path(owner, name).map(Request::get))
    }

    /// Creates a deployment. `POST /deployments`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use replicant::resources::deployments::NewDeployment;
    ///
    /// let deployment = NewDeployment {
    ///     name: "text".into(),
    ///     model: "acme/text".into(),
    ///     version: "5c7d".into(),
    ///     hardware: "gpu-t4".into(),
    ///     min_instances: 0,
    ///     max_instances: 2,
    /// };
    /// client.deployments().create(&deployment).await?;
    /// # Ok(()) }
    /// ```
    pub fn create(&self, deployment: &NewDeployment) -> Call<Deployment> {
        Call::new(self.client, body(deployment).map(|body| Request::post("/deployments").json(body)))
    }

    /// Changes a deployment, which makes a new release. `PATCH /deployments/{owner}/{name}`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use replicant::resources::deployments::DeploymentChange;
    ///
    /// let change = DeploymentChange { max_instances: Some(5), ..DeploymentChange::default() };
    /// client.deployments().update("acme", "text", &change).await?;
    /// # Ok(()) }
    /// ```
    pub fn update(&self, owner: &str, name: &str, change: &DeploymentChange) -> Call<Deployment> {
        let request = self.path(owner, name).and_then(|path| Ok(Request::patch(path).json(body(change)?)));
        Call::new(self.client, request)
    }

    /// Deletes a deployment that has been offline and unused for 15 minutes.
    /// `DELETE /deployments/{owner}/{name}`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// client.deployments().delete("acme", "text").await?;
    /// # Ok(()) }
    /// ```
    pub fn delete(&self, owner: &str, name: &str) -> Call<bool> {
        Call::expecting(self.client, self.path(owner, name).map(Request::delete), Expect::Nothing)
    }

    fn path(&self, owner: &str, name: &str) -> Result<String> {
        path("/deployments/{owner}/{name}", &[("owner", owner), ("name", name)])
    }
}

/// A struct of parameters as a JSON body.
pub(crate) fn body(params: &impl Serialize) -> Result<Value> {
    let json =
        serde_json::to_value(params).map_err(|error| crate::error::Error::invalid(error.to_string()))?;
    Ok(json.into())
}
