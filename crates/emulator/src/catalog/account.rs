//! The account that the token belongs to.

use crate::support::json::{Fields, Raw};

/// Returns the account object of the API.
pub(crate) fn view(username: &str) -> Raw {
    Fields::new()
        .put("type", "organization")
        .put("username", username)
        .put("name", "Acme Corp, Inc.")
        .put("github_url", &format!("https://github.com/{username}"))
        .put("avatar_url", &format!("https://github.com/{username}.png"))
        .finish()
}
