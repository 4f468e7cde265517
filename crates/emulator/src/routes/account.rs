//! The account that the token belongs to.

use crate::catalog::account;
use crate::request::{Call, Reply, ok};

pub(super) async fn get(call: Call) -> Reply {
    Ok(ok(account::view(&call.app.config.account)))
}
