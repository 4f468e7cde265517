//! Parameters that name a model or a deployment.

use serde::Deserialize;

use crate::{error::Result, predictions::target::owner_and, value::options::options};

options! {
    /// An owner and a name, or `owner/name` as the owner.
    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct OwnerAndName {
        owner: String,
        #[serde(default)]
        name: Option<String>,
    }
}

impl OwnerAndName {
    pub fn split(self) -> Result<(String, String)> {
        owner_and(self.owner, self.name)
    }
}
