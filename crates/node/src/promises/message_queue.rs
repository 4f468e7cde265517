//! Messages on their way to a JavaScript thread.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, OnceLock, Weak},
    time::{Duration, Instant},
};

use napi::threadsafe_function::ThreadsafeFunctionCallMode;
use replicant::bindings::lock;
use replicant_javascript::Message;
use tokio::sync::watch;

use super::Callback;

/// How long messages, and the code that waits for them, may follow one another before the event loop turns, so that timers
/// and other events are handled. Node itself takes a thousand messages in one turn.
const SLICE: Duration = Duration::from_millis(2);

/// The messages for one thread, delivered one by one: the code that waits for a message runs before the next message.
pub(super) struct MessageQueue {
    state: Mutex<State>,
    callback: OnceLock<Weak<Callback>>,
    /// Set when the calls of the thread are abandoned. Each call holds a receiver.
    pub abandoned: watch::Sender<bool>,
    /// Set when the thread ends, and no longer handles messages.
    pub ended: watch::Sender<bool>,
}

struct State {
    messages: VecDeque<(u32, Message)>,
    /// When the loop last turned, as far as is known.
    turned: Instant,
    /// Whether the callback was called and has not run, or waits for the loop to turn.
    due: bool,
}

impl MessageQueue {
    pub fn new() -> Self {
        let state = State { messages: VecDeque::new(), turned: Instant::now(), due: false };
        Self {
            state: Mutex::new(state),
            callback: OnceLock::new(),
            abandoned: watch::Sender::new(false),
            ended: watch::Sender::new(false),
        }
    }

    /// Sets the callback, which delivers one message when called.
    pub fn connect(&self, callback: &Arc<Callback>) {
        let _ = self.callback.set(Arc::downgrade(callback));
    }

    pub fn send(&self, number: u32, message: Message) {
        let mut state = self.lock();
        if *self.abandoned.borrow() && !message.is_of_requests() {
            return;
        }
        state.messages.push_back((number, message));
        if !state.due {
            self.wake(state);
        }
    }

    /// Returns the message to deliver, or `None` if the loop must turn first.
    pub fn next(&self) -> Option<(u32, Message)> {
        let mut state = self.lock();
        if state.turned.elapsed() >= SLICE {
            return None;
        }
        let message = state.messages.pop_front();
        state.due = message.is_none();
        if !state.messages.is_empty() {
            self.wake(state);
        }
        message
    }

    /// Returns whether the time for this turn of the loop has passed.
    pub fn must_turn(&self) -> bool {
        self.lock().turned.elapsed() >= SLICE
    }

    /// Continues after the loop has turned.
    pub fn turned(&self) {
        let mut state = self.lock();
        state.turned = Instant::now();
        state.due = false;
        if !state.messages.is_empty() {
            self.wake(state);
        }
    }

    /// Stops all calls and drops their messages, except those about the requests that follow.
    pub fn abandon(&self) {
        // Under the lock, so that no message follows.
        let mut state = self.lock();
        self.abandoned.send_replace(true);
        state.messages.retain(|(_, message)| message.is_of_requests());
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        state.due = true;
        drop(state);
        // Fails if the thread has ended, and then nobody waits for the message.
        if let Some(callback) = self.callback.get().and_then(Weak::upgrade) {
            callback.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}
