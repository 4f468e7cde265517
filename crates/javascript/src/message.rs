//! Messages about calls and streams, which `node/src/completion-channel.ts` receives.

use replicant::{Error, Result};

use crate::{CallResult, fields};

/// The numbers of the kinds of messages, which `node/src/completion-channel.ts` names.
pub mod kind {
    pub(super) const STATE: u32 = 0;
    pub(super) const RESULT: u32 = 1;
    pub(super) const FAILURE: u32 = 2;
    pub(super) const OVER: u32 = 3;
    /// Asks the event loop to turn. Only the binding of Node sends it.
    pub const TURN: u32 = 4;
    pub(super) const RECORD: u32 = 5;
    pub(super) const UNFOLLOWED: u32 = 6;
}

/// A message about a call or stream.
pub enum Message {
    /// A state for the observer, as JSON. More messages follow.
    State(String),
    /// An event, a span or a question for the receiver, as JSON. More messages follow.
    Record(String),
    /// No more records follow.
    Unfollowed,
    /// The result of a call.
    Result(CallResult),
    /// A stream has something to take.
    Ready,
    /// The fields of an error, as JSON.
    Failure(String),
    /// The call was stopped, or the stream ended.
    Over,
}

impl Message {
    /// Returns whether the message is about requests, which may outlive their call.
    pub fn is_of_requests(&self) -> bool {
        matches!(self, Self::Record(_) | Self::Unfollowed)
    }

    /// Returns the number of the [`kind`] and the content.
    pub fn into_parts(self) -> (u32, CallResult) {
        match self {
            Self::State(json) => (kind::STATE, text(json)),
            Self::Result(result) => (kind::RESULT, result),
            Self::Ready => (kind::RESULT, CallResult::default()),
            Self::Failure(fields) => (kind::FAILURE, text(fields)),
            Self::Over => (kind::OVER, CallResult::default()),
            Self::Record(json) => (kind::RECORD, text(json)),
            Self::Unfollowed => (kind::UNFOLLOWED, CallResult::default()),
        }
    }
}

impl From<Error> for Message {
    fn from(error: Error) -> Self {
        Self::Failure(fields(&error))
    }
}

impl From<Option<Result<CallResult>>> for Message {
    fn from(outcome: Option<Result<CallResult>>) -> Self {
        match outcome {
            Some(Ok(result)) => Self::Result(result),
            Some(Err(error)) => Self::from(error),
            None => Self::Over,
        }
    }
}

fn text(json: String) -> CallResult {
    CallResult { json: Some(json), ..CallResult::default() }
}
