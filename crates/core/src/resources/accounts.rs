//! The account that the token belongs to.

use serde::{Deserialize, Serialize};

use crate::{
    client::{Client, call::Call},
    http::request::Request,
    value::Object,
};

/// An account: a user or an organization.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let account = client.account().await?;
/// println!("{} is a {}", account.username, account.kind);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Account {
    /// `user` or `organization`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name in URLs.
    pub username: String,
    /// Display name.
    pub name: Option<String>,
    /// URL of the GitHub profile.
    pub github_url: Option<String>,
    /// URL of the avatar image.
    pub avatar_url: Option<String>,
    /// Members that this version of the crate does not know.
    #[serde(flatten)]
    pub extra: Object,
}

impl Client {
    /// Returns the account that the token belongs to. `GET /account`
    pub fn account(&self) -> Call<Account> {
        Call::new(self, Ok(Request::get("/account")))
    }
}
