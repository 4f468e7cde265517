//! Replaces `poll_together` on the web, where each waiting prediction is polled alone.

use std::time::Duration;

use super::{poll::Polling, snapshot::Snapshot};
use crate::{
    client::{Client, waiting::Seat},
    error::Result,
};

impl Client {
    pub(super) fn seat(&self, _: &Snapshot, _: &Polling) -> Option<Seat> {
        None
    }

    pub(super) async fn poll_together(
        &self,
        _: &Snapshot,
        _: &Polling,
        _: Duration,
        seat: &mut Seat,
    ) -> Result<Snapshot> {
        match *seat {}
    }
}
