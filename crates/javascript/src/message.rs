//! Messages about calls and streams, which `node/src/completion-channel.ts` receives.

use replicant::{Error, Result};

use crate::{CallResult, fields};

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

    /// Returns the number of the kind and the content. `node/src/completion-channel.ts` names the kinds.
    pub fn into_parts(self) -> (u32, CallResult) {
        match self {
            Self::State(json) => (0, text(json)),
            Self::Result(result) => (1, result),
            Self::Ready => (1, CallResult::default()),
            Self::Failure(fields) => (2, text(fields)),
            Self::Over => (3, CallResult::default()),
            Self::Record(json) => (5, text(json)),
            Self::Unfollowed => (6, CallResult::default()),
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
