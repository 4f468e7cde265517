//! The webhook secret.

use crate::request::{Call, Reply, ok};
use crate::support::json::Fields;

pub(super) async fn secret(call: Call) -> Reply {
    Ok(ok(Fields::new().put("key", &call.app.webhooks.secret).finish()))
}
