//! Hardware that models can run on.

use serde::{Deserialize, Serialize};

use crate::{
    client::{Client, call::Call, response::Expect},
    http::request::Request,
    value::Object,
};

/// A type of machine that models can run on.
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
    /// Display name.
    pub name: String,
    /// Identifier in models and deployments, such as `gpu-t4`.
    pub sku: String,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

impl Client {
    /// Lists the hardware that models can run on. `GET /hardware`
    pub fn hardware(&self) -> Call<Vec<Hardware>> {
        Call::expecting(self, Ok(Request::get("/hardware")), Expect::List)
    }
}
