//! The secret that signs webhooks.

use crate::call::{Call, Reply, ok};
use crate::json::Fields;

pub(super) async fn secret(call: Call) -> Reply {
    Ok(ok(Fields::new().put("key", &call.app.webhook_secret).finish()))
}
