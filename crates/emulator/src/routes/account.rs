//! The account the token belongs to.

use crate::call::{Call, Reply, ok};
use crate::json::{Fields, Raw};

pub(super) async fn get(call: Call) -> Reply {
    Ok(ok(view(&call.app.config.account)))
}

pub(crate) fn view(username: &str) -> Raw {
    Fields::new()
        .put("type", "organization")
        .put("username", username)
        .put("name", "Acme Corp, Inc.")
        .put("github_url", &format!("https://github.com/{username}"))
        .put("avatar_url", &format!("https://github.com/{username}.png"))
        .finish()
}
