//! Deployments: models on dedicated hardware that scales automatically.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::{body, owner_and_name::OwnerAndName};
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
    /// Owner.
    pub owner: String,
    /// Name.
    pub name: String,
    /// Current release.
    pub current_release: Option<Release>,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

/// A release of a deployment. Every change creates one.
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
    /// Number, starting at 1.
    pub number: i64,
    /// Model, `owner/name`.
    pub model: String,
    /// Id of the version.
    pub version: String,
    /// Creation time, in RFC 3339.
    pub created_at: Option<String>,
    /// Account that created it.
    pub created_by: Option<super::accounts::Account>,
    /// Hardware and scaling.
    pub configuration: Option<Configuration>,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

/// The hardware and scaling of a deployment.
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
    /// SKU of the hardware; see [`Client::hardware`].
    pub hardware: String,
    /// Minimum number of instances, 0 to 5.
    pub min_instances: i64,
    /// Maximum number of instances, 0 to 20.
    pub max_instances: i64,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

/// A deployment to create. Every field is required.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use replicant::resources::deployments::NewDeployment;
///
/// let deployment = NewDeployment::new("text", "acme/text", "5c7d", "gpu-t4", 0..=2);
/// client.deployments().create(&deployment).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct NewDeployment {
    /// Name.
    pub name: String,
    /// Model, `owner/name`.
    pub model: String,
    /// Id of the version.
    pub version: String,
    /// SKU of the hardware; see [`Client::hardware`].
    pub hardware: String,
    /// Minimum number of instances, 0 to 5.
    pub min_instances: i64,
    /// Maximum number of instances, 0 to 20.
    pub max_instances: i64,
}

impl NewDeployment {
    /// Builds a deployment of a version of `model`, `owner/name`. `hardware` is a SKU, see [`Client::hardware`]; `instances`
    /// are the minimum and the maximum.
    pub fn new(
        name: impl Into<String>,
        model: impl Into<String>,
        version: impl Into<String>,
        hardware: impl Into<String>,
        instances: RangeInclusive<i64>,
    ) -> Self {
        Self {
            name: name.into(),
            model: model.into(),
            version: version.into(),
            hardware: hardware.into(),
            min_instances: *instances.start(),
            max_instances: *instances.end(),
        }
    }
}

options! {
    /// Changes to a deployment. A field that is `None` stays unchanged.
    ///
    /// ```
    /// use replicant::resources::deployments::DeploymentChange;
    ///
    /// let mut change = DeploymentChange::default();
    /// change.min_instances = Some(1);
    /// ```
    #[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
    #[serde(deny_unknown_fields, default)]
    #[non_exhaustive]
    pub struct DeploymentChange {
        /// Id of the version.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub version: Option<String>,
        /// SKU of the hardware; see [`Client::hardware`].
        #[serde(skip_serializing_if = "Option::is_none")]
        pub hardware: Option<String>,
        /// Minimum number of instances, 0 to 5.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub min_instances: Option<i64>,
        /// Maximum number of instances, 0 to 20.
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

/// The deployments resource; see [`Client::deployments`].
#[derive(Debug, Clone, Copy)]
pub struct Deployments<'c> {
    client: &'c Client,
}

impl Client {
    /// Returns the deployments resource.
    pub fn deployments(&self) -> Deployments<'_> {
        Deployments { client: self }
    }
}

impl Deployments<'_> {
    /// Creates a prediction on a deployment. `POST /deployments/{owner}/{name}/predictions`
    pub fn predict(&self, owner: &str, name: &str, input: impl Into<Value>) -> CreatePrediction {
        CreatePrediction::new(self.client, Ok(Target::Deployment(owner.into(), name.into())), input.into())
    }

    /// Lists deployments, newest first. `GET /deployments`
    pub fn list(&self) -> List<Deployment> {
        List::new(self.client, Ok(Request::get("/deployments")))
    }

    /// Returns a deployment. `GET /deployments/{owner}/{name}`
    pub fn get(&self, owner: &str, name: &str) -> Call<Deployment> {
        Call::new(self.client, self.path(owner, name).map(Request::get))
    }

    /// Creates a deployment. `POST /deployments`
    pub fn create(&self, deployment: &NewDeployment) -> Call<Deployment> {
        Call::new(self.client, body(deployment).map(|body| Request::post("/deployments").json(body)))
    }

    /// Changes a deployment, which creates a new release. `PATCH /deployments/{owner}/{name}`
    pub fn update(&self, owner: &str, name: &str, change: &DeploymentChange) -> Call<Deployment> {
        let request = self.path(owner, name).and_then(|path| Ok(Request::patch(path).json(body(change)?)));
        Call::new(self.client, request)
    }

    /// Deletes a deployment that has been offline and unused for 15 minutes.
    /// `DELETE /deployments/{owner}/{name}`
    pub fn delete(&self, owner: &str, name: &str) -> Call<bool> {
        Call::expecting(self.client, self.path(owner, name).map(Request::delete), Expect::Nothing)
    }

    fn path(&self, owner: &str, name: &str) -> Result<String> {
        path("/deployments/{owner}/{name}", &[("owner", owner), ("name", name)])
    }
}
