//! Streams: JavaScript asks for the next items and takes all that have arrived.
//!
//! One batch of many events as JSON is several times faster than an object per event. Nothing is read ahead of a request
//! for items, so a slow reader slows down the sender.

use std::{cell::RefCell, collections::VecDeque, rc::Rc};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use js_sys::{Promise, Uint8Array};
use replicant::{BoxStream, Error, Item, Result, background::Tasks};
use replicant_javascript::{Batches, Message};
use tokio::sync::{Mutex, Notify};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

use crate::{promises::CompletionChannel, runtime, tasks};

/// Bytes to collect before JavaScript is told.
const COLLECTED: usize = 1 << 18;

type Items = BoxStream<'static, Result<Item>>;

/// Items that arrive over time. Dropping the stream closes its connection.
#[wasm_bindgen]
pub struct NativeStream {
    reading: Rc<Reading>,
}

struct Reading {
    channel: CompletionChannel,
    /// `None` after the end. Locked while the next items are read.
    items: Mutex<Option<Items>>,
    arrived: RefCell<Arrived>,
    /// What follows the stream.
    tasks: Tasks,
    closed: Notify,
}

#[derive(Default)]
struct Arrived {
    started: bool,
    closed: bool,
    bytes: VecDeque<Bytes>,
    json: Batches,
    /// An error that follows what has arrived.
    failure: Option<Error>,
}

#[wasm_bindgen]
impl NativeStream {
    /// Returns what has arrived, or `null` if nothing has.
    pub fn take(&self) -> JsValue {
        let mut arrived = self.reading.arrived.borrow_mut();
        if let Some(chunk) = arrived.bytes.pop_front() {
            return Uint8Array::from(chunk.as_ref()).into();
        }
        arrived.json.take().map_or(JsValue::NULL, JsValue::from)
    }

    /// Sends a message with `number` when there is something to take, or when the stream ended or failed.
    pub fn ready(&self, number: u32) {
        let reading = Rc::clone(&self.reading);
        let channel = reading.channel.clone();
        channel.complete(number, async move { reading.fill().await });
    }

    /// Ends the stream. Resolves when the requests that follow, such as a cancel, are sent, or after `limit` milliseconds; by
    /// default after the time that an exit may take.
    pub fn close(&self, limit: Option<f64>) -> Promise {
        let reading = Rc::clone(&self.reading);
        let started = reading.close();
        tasks::promise(async move {
            if started {
                drop(reading.items.lock().await.take());
                runtime::finish(&reading.tasks, limit.map(runtime::milliseconds)).await;
            }
        })
    }
}

impl NativeStream {
    pub(crate) fn new(items: Items, channel: CompletionChannel) -> Self {
        Self::followed_by(Tasks::default(), items, channel)
    }

    /// Makes a stream whose end these tasks may follow.
    pub(crate) fn followed_by(tasks: Tasks, items: Items, channel: CompletionChannel) -> Self {
        let reading = Reading {
            channel,
            items: Mutex::new(Some(items)),
            arrived: RefCell::default(),
            tasks,
            closed: Notify::new(),
        };
        Self { reading: Rc::new(reading) }
    }
}

impl Drop for NativeStream {
    fn drop(&mut self) {
        self.reading.close();
    }
}

impl Reading {
    /// Waits for the next items and collects all that have arrived.
    async fn fill(&self) -> Message {
        let mut held = self.items.lock().await;
        {
            let mut arrived = self.arrived.borrow_mut();
            arrived.started = true;
            if !arrived.is_empty() {
                return Message::Ready;
            }
            if let Some(error) = arrived.failure.take() {
                return error.into();
            }
        }
        let Some(items) = held.as_mut() else { return Message::Over };
        let ended = tokio::select! {
            biased;
            () = self.closed.notified() => Some(Ok(())),
            ended = self.collect(items) => ended,
        };
        let Some(outcome) = ended else { return Message::Ready };
        *held = None;
        let mut arrived = self.arrived.borrow_mut();
        match outcome {
            _ if arrived.closed => Message::Over,
            Ok(()) if arrived.is_empty() => Message::Over,
            Err(error) if arrived.is_empty() => error.into(),
            outcome => {
                arrived.failure = outcome.err();
                Message::Ready
            }
        }
    }

    /// Collects the next items. Returns `None` if more may follow.
    async fn collect(&self, items: &mut Items) -> Option<Result<()>> {
        let mut next = items.next().await;
        loop {
            let room = match next {
                Some(Ok(item)) => self.add(item),
                Some(Err(error)) => Err(error),
                None => return Some(Ok(())),
            };
            match room {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error)),
            }
            next = items.next().now_or_never()?;
        }
    }

    /// Adds an item. Returns whether to read another one, if it has arrived. A value (a page of a list) costs a request, so
    /// the next one is read only when requested.
    fn add(&self, item: Item) -> Result<bool> {
        let mut arrived = self.arrived.borrow_mut();
        let costly = matches!(item, Item::Value(_));
        match item {
            Item::Bytes(bytes) if bytes.is_empty() => {}
            Item::Bytes(bytes) => arrived.bytes.push_back(bytes),
            item => arrived.json.push(&item)?,
        }
        let size = arrived.json.size() + arrived.bytes.iter().map(Bytes::len).sum::<usize>();
        Ok(!costly && size < COLLECTED)
    }

    /// Ends the stream and drops what was not taken. Returns whether it was started.
    fn close(&self) -> bool {
        let started = {
            let mut arrived = self.arrived.borrow_mut();
            *arrived = Arrived { started: arrived.started, closed: true, ..Arrived::default() };
            arrived.started
        };
        match self.items.try_lock() {
            // Dropped while nothing is borrowed: it may cancel a prediction.
            Ok(mut items) => drop(items.take()),
            Err(_) => self.closed.notify_one(),
        }
        started
    }
}

impl Arrived {
    fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.json.size() == 0
    }
}
