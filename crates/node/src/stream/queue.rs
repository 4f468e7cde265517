//! The bounded queue between the task that reads a stream and JavaScript, which takes the items.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard},
};

use replicant::{Error, Item, Result, bindings::lock};
use replicant_javascript::{Batches, Channel, Message};
use tokio::sync::{Notify, watch};

use crate::promises::CompletionChannel;

/// Largest number of bytes to read ahead. Larger values were slower.
const AHEAD: usize = 1 << 20;

/// Largest number of bytes per take. Larger chunks are no faster, and the allocator returns their memory to the system
/// instead of reusing it. A reader that is not faster than its connection has no more read ahead for it.
const CHUNK: usize = 1 << 16;

/// What one take returns.
pub(super) enum Batch<B> {
    Json(String),
    Bytes(B),
}

/// Items that have arrived and were not taken.
pub(super) struct Queue {
    pub channel: CompletionChannel,
    state: Mutex<State>,
    /// Notified when something is taken or requested.
    taken: Notify,
    pub closed: Notify,
    /// Whether the reader has closed its connection. Each close of the stream waits for it.
    pub released: watch::Sender<bool>,
}

struct State {
    /// Copied from the received chunks, so that their memory is reused for the next read instead of returned to the
    /// system.
    bytes: VecDeque<u8>,
    json: Batches,
    /// Bytes to read ahead.
    ahead: usize,
    /// Whether reading had to pause since JavaScript last waited for more.
    paused: bool,
    /// Number of the message to send when something is there.
    requested: Option<u32>,
    ended: bool,
    failure: Option<Error>,
}

impl State {
    fn new() -> Self {
        Self {
            bytes: VecDeque::new(),
            json: Batches::default(),
            ahead: CHUNK,
            paused: false,
            requested: None,
            ended: false,
            failure: None,
        }
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.json.size()
    }

    /// Reads further ahead if JavaScript waits although reading had to pause. A file that is hardly read, or slowly, needs
    /// little memory.
    fn adapt(&mut self) {
        if self.paused && self.size() == 0 {
            self.ahead = (2 * self.ahead).min(AHEAD);
        }
        self.paused = false;
    }

    /// Returns the message to send now, if there is one.
    fn message(&mut self) -> Option<(u32, Message)> {
        let number = self.requested?;
        let message = if self.size() > 0 {
            Message::Ready
        } else if !self.ended {
            return None;
        } else {
            self.bytes = VecDeque::new();
            self.failure.take().map_or(Message::Over, Message::from)
        };
        self.requested = None;
        Some((number, message))
    }
}

impl Queue {
    pub fn new(channel: CompletionChannel) -> Self {
        Self {
            channel,
            state: Mutex::new(State::new()),
            taken: Notify::new(),
            closed: Notify::new(),
            released: watch::Sender::new(false),
        }
    }

    /// Changes the state and sends the message that results.
    fn update(&self, change: impl FnOnce(&mut State)) {
        let message = {
            let mut state = self.lock();
            change(&mut state);
            state.message()
        };
        if let Some((number, message)) = message {
            self.channel.send(number, message);
        }
    }

    /// Adds an item and waits until the next one may be read. Bytes and events are read ahead while there is room. A value
    /// (a page of a list) costs a request, so it is read only when requested.
    pub async fn push(&self, item: Item) -> Result<()> {
        if let Item::Bytes(bytes) = item {
            for chunk in bytes.chunks(CHUNK) {
                self.update(|state| {
                    if !state.ended {
                        state.bytes.extend(chunk);
                    }
                });
                self.room(|state| state.size() < state.ahead).await;
            }
            return Ok(());
        }
        let mut added = Ok(());
        self.update(|state| {
            if !state.ended {
                added = state.json.push(&item);
            }
        });
        added?;
        let costly = matches!(item, Item::Value(_));
        self.room(|state| if costly { state.requested.is_some() } else { state.size() < state.ahead }).await;
        Ok(())
    }

    /// Waits until there is room for more or the stream has ended.
    async fn room(&self, enough: impl Fn(&State) -> bool) {
        loop {
            let taken = self.taken.notified();
            {
                let mut state = self.lock();
                if enough(&state) || state.ended {
                    return;
                }
                state.paused = true;
            }
            taken.await;
        }
    }

    /// Takes a batch; `copy` copies its bytes. Returns `None` also if the event loop must turn first.
    pub fn take<B>(&self, copy: impl FnOnce(&[u8]) -> B) -> Option<Batch<B>> {
        if self.channel.must_turn() {
            return None;
        }
        let mut state = self.lock();
        let batch = if !state.bytes.is_empty() {
            let (first, _) = state.bytes.as_slices();
            let size = first.len().min(CHUNK);
            let chunk = copy(&first[..size]);
            state.bytes.drain(..size);
            Batch::Bytes(chunk)
        } else {
            Batch::Json(state.json.take()?)
        };
        // Not for every chunk: waking the reader costs more than copying one.
        let room = state.size() <= state.ahead / 2;
        drop(state);
        if room {
            self.taken.notify_one();
        }
        Some(batch)
    }

    /// Sends a message with `number` when there is something to take, or the stream has ended. Returns the number of bytes to
    /// read ahead.
    pub fn notify_when_ready(&self, number: u32) -> usize {
        let mut ahead = 0;
        self.update(|state| {
            state.adapt();
            state.requested = Some(number);
            ahead = state.ahead;
        });
        self.taken.notify_one();
        ahead
    }

    pub fn end(&self, outcome: Result<()>) {
        self.update(|state| {
            if !state.ended {
                state.failure = outcome.err();
            }
            state.ended = true;
        });
    }

    /// Ends the stream and drops what was not taken.
    pub fn close(&self) {
        self.update(|state| {
            state.ended = true;
            state.bytes = VecDeque::new();
            state.json = Batches::default();
        });
        self.closed.notify_one();
        self.taken.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }
}
