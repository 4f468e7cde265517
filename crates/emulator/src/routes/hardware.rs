//! The hardware that models run on.

use crate::request::{Call, Reply, ok};
use crate::support::json::{Fields, array};

/// Names and SKUs.
const HARDWARE: [(&str, &str); 7] = [
    ("CPU", "cpu"),
    ("Nvidia T4 GPU", "gpu-t4"),
    ("Nvidia L40S GPU", "gpu-l40s"),
    ("Nvidia A40 GPU", "gpu-a40-small"),
    ("Nvidia A40 (Large) GPU", "gpu-a40-large"),
    ("Nvidia A100 (80GB) GPU", "gpu-a100-large"),
    ("Nvidia H100 GPU", "gpu-h100"),
];

pub(super) fn skus() -> [&'static str; 7] {
    HARDWARE.map(|(_, sku)| sku)
}

pub(super) async fn list(_: Call) -> Reply {
    let entries = HARDWARE.map(|(name, sku)| Fields::new().put("name", name).put("sku", sku).finish());
    Ok(ok(array(&entries)))
}
