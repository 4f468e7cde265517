//! The machines that models can run on.

use serde::{Deserialize, Serialize};

use crate::{
    client::{Client, call::Call},
    http::request::Request,
    value::Object,
};

/// A kind of machine.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let cheapest = client.hardware().await?.into_iter().find(|hardware| hardware.sku == "cpu");
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Hardware {
    /// Its name for people.
    pub name: String,
    /// What models and deployments name it by.
    pub sku: String,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

impl Client {
    /// The machines that models can run on. `GET /hardware`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// for hardware in client.hardware().await? {
    ///     println!("{}: {}", hardware.sku, hardware.name);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn hardware(&self) -> Call<Vec<Hardware>> {
        Call::new(self, Ok(Request::get("/hardware")))
    }
}
