//! The account that the token belongs to.

use serde::{Deserialize, Serialize};

use crate::{
    client::{Client, call::Call},
    http::request::Request,
    value::Object,
};

/// A user or an organisation.
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
    /// Its name in URLs.
    pub username: String,
    /// Its name for people.
    pub name: Option<String>,
    /// Its page on GitHub.
    pub github_url: Option<String>,
    /// Its picture.
    pub avatar_url: Option<String>,
    /// Members that are newer than this crate.
    #[serde(flatten)]
    pub extra: Object,
}

impl Client {
    /// The account that the token belongs to. `GET /account`
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// println!("{}", client.account().await?.username);
    /// # Ok(()) }
    /// ```
    pub fn account(&self) -> Call<Account> {
        Call::new(self, Ok(Request::get("/account")))
    }
}
