//! Counts of what is open at the moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// The numbers of open connections, streams and holds, and of all connections so far.
#[derive(Default)]
pub(crate) struct Gauges {
    pub(crate) connections: AtomicUsize,
    pub(crate) connections_ever: AtomicU64,
    pub(crate) streams: AtomicUsize,
    pub(crate) holds: AtomicUsize,
}

/// Adds one to a gauge until dropped.
pub(crate) struct GaugeGuard {
    gauges: Arc<Gauges>,
    gauge: fn(&Gauges) -> &AtomicUsize,
}

impl GaugeGuard {
    pub(crate) fn new(gauges: &Arc<Gauges>, gauge: fn(&Gauges) -> &AtomicUsize) -> Self {
        gauge(gauges).fetch_add(1, Ordering::Relaxed);
        Self { gauges: gauges.clone(), gauge }
    }
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        (self.gauge)(&self.gauges).fetch_sub(1, Ordering::Relaxed);
    }
}
