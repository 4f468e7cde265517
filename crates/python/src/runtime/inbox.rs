//! What threads receive while they wait.

use tokio::sync::{
    Mutex,
    mpsc::{self, UnboundedReceiver, UnboundedSender},
};

/// A queue of values. Each is received by one of the threads that wait.
pub struct Inbox<N> {
    sender: UnboundedSender<N>,
    /// Locked only while a thread waits, so that each of several threads has its turn.
    receiver: Mutex<UnboundedReceiver<N>>,
}

impl<N> Inbox<N> {
    pub fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, receiver: Mutex::new(receiver) }
    }

    pub fn send(&self, value: N) {
        // Cannot fail, because the receiver lives as long as the sender.
        drop(self.sender.send(value));
    }

    /// Waits for the next value.
    pub async fn next(&self) -> Option<N> {
        self.receiver.lock().await.recv().await
    }

    /// Returns the next value if it has arrived and no thread waits for it.
    pub fn now(&self) -> Option<N> {
        self.receiver.try_lock().ok()?.try_recv().ok()
    }
}
