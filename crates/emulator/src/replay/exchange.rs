//! The format of a scripted exchange.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// An expected request and the reply to it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exchange {
    pub(super) expect: Expect,
    pub(super) reply: Reply,
    /// Whether adjacent exchanges with this flag may occur in any order.
    #[serde(default)]
    pub(super) unordered: bool,
    #[serde(default)]
    pub(super) times: Times,
    /// A comment for people.
    #[serde(default, rename = "description")]
    _description: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Times {
    Exactly(u32),
    Any(AnyNumber),
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum AnyNumber {
    Any,
}

impl Default for Times {
    fn default() -> Self {
        Self::Exactly(1)
    }
}

/// The expected request. Absent members are not checked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    pub(super) method: Option<String>,
    pub(super) path: Option<String>,
    pub(super) query: Option<IndexMap<String, Value>>,
    pub(super) headers: IndexMap<String, Option<String>>,
    pub(super) json: Option<Value>,
    pub(super) text: Option<String>,
    pub(super) body_contains: Vec<String>,
    pub(super) multipart: Option<IndexMap<String, ExpectPart>>,
    pub(super) origin: Option<String>,
    pub(super) not_before_ms: Option<u64>,
}

/// An expected field of a form.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct ExpectPart {
    pub(super) filename: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) text: Option<String>,
    pub(super) json: Option<Value>,
    pub(super) base64: Option<String>,
    pub(super) length: Option<usize>,
}

/// A response and how it is sent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Reply {
    pub(super) status: Option<u16>,
    pub(super) headers: IndexMap<String, String>,
    json: Option<Box<RawValue>>,
    text: Option<String>,
    base64: Option<String>,
    sse: Option<String>,
    repeat: Option<Repeat>,
    pub(super) chunks: Vec<usize>,
    pub(super) delay_ms: u64,
    pub(super) chunk_delay_ms: u64,
    pub(super) cut_at: Option<usize>,
    pub(super) reset_at: Option<usize>,
    pub(super) stall_at: Option<usize>,
    pub(super) close: Option<Close>,
    pub(super) head_cut_at: Option<usize>,
    pub(super) content_length: Option<ContentLength>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Repeat {
    byte: u8,
    length: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Close {
    BeforeHead,
    ResetBeforeHead,
}

/// The Content-Length header: a number, or `false` for a chunked body without one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum ContentLength {
    Exactly(usize),
    Sent(bool),
}

/// The body of a reply. A repeated byte is never held in memory as a whole.
pub(super) enum Content {
    Bytes(Bytes),
    Repeat { byte: u8, length: usize },
}

impl Content {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Repeat { length, .. } => *length,
        }
    }

    pub(super) fn slice(&self, from: usize, to: usize) -> Bytes {
        match self {
            Self::Bytes(bytes) => bytes.slice(from..to),
            Self::Repeat { byte, .. } => vec![*byte; to - from].into(),
        }
    }
}

impl Exchange {
    pub(super) fn read(raw: &RawValue) -> Result<Self, String> {
        let exchange: Self = serde_json::from_str(raw.get()).map_err(|error| error.to_string())?;
        let reply = &exchange.reply;
        let given = [
            reply.json.is_some(),
            reply.text.is_some(),
            reply.base64.is_some(),
            reply.sse.is_some(),
            reply.repeat.is_some(),
        ];
        if given.iter().filter(|given| **given).count() > 1 {
            return Err("a reply has one of json, text, base64, sse and repeat, not several".into());
        }
        if let Some(base64) = &reply.base64 {
            STANDARD.decode(base64).map_err(|error| format!("reply.base64: {error}"))?;
        }
        if !reply.chunks.is_sorted() {
            return Err("reply.chunks are offsets in rising order".into());
        }
        if !matches!(exchange.expect.origin.as_deref(), None | Some("main" | "other")) {
            return Err("expect.origin is \"main\" or \"other\"".into());
        }
        Ok(exchange)
    }
}

impl Reply {
    pub(super) fn content(&self) -> Content {
        let bytes = match (&self.json, &self.text, &self.sse, &self.base64, self.repeat) {
            (Some(json), ..) => Bytes::from(json.get().to_owned()),
            (_, Some(text), ..) | (_, _, Some(text), ..) => Bytes::from(text.clone()),
            (_, _, _, Some(base64), _) => STANDARD.decode(base64).unwrap_or_default().into(),
            (.., Some(Repeat { byte, length })) => return Content::Repeat { byte, length },
            _ => Bytes::new(),
        };
        Content::Bytes(bytes)
    }

    /// Returns the content type to use if the headers have none.
    pub(super) fn content_type(&self) -> Option<&'static str> {
        if self.json.is_some() {
            Some("application/json")
        } else if self.sse.is_some() {
            Some("text/event-stream")
        } else if self.text.is_some() {
            Some("text/plain; charset=utf-8")
        } else if self.base64.is_some() || self.repeat.is_some() {
            Some("application/octet-stream")
        } else {
            None
        }
    }

    pub(super) fn is_chunked(&self) -> bool {
        match self.content_length {
            Some(ContentLength::Sent(sent)) => !sent,
            Some(ContentLength::Exactly(_)) => false,
            // Event streams have no length.
            None => self.sse.is_some(),
        }
    }
}
