//! Cassettes: folders of exchanges that were recorded with the real API, to be played without it.
//!
//! Each exchange is a JSON file, and the files that it carried lie beside it. Tokens, secrets and signatures are removed
//! before anything is written.

mod closest;
mod draft;
mod events;
mod exchange;
mod json;
mod play;
mod record;
mod scrub;
mod secrecy;
mod shape;
mod store;
mod urls;

use axum::http::{HeaderMap, Method, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use crate::config::Config;
use play::Player;
use record::Recorder;

/// A request for a cassette.
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The origin that the client used.
    pub(crate) local: String,
}

impl Request {
    fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Returns the token in the `Authorization` header.
    fn token(&self) -> Option<&str> {
        self.header(header::AUTHORIZATION)?.split_once(' ').map(|(_, token)| token.trim())
    }
}

/// A cassette that responds in place of the API.
pub(crate) enum Cassette {
    Record(Recorder),
    Play(Player),
}

impl Cassette {
    /// Opens the cassette of the configuration. `webhook_secret` replaces the secret that was removed from it.
    pub(crate) fn open(config: &Config, webhook_secret: &str) -> Result<Option<Self>, String> {
        match (&config.record, &config.replay) {
            (None, None) => Ok(None),
            (Some(_), Some(_)) => Err("an emulator cannot record and replay at the same time".into()),
            (Some(folder), None) => Ok(Some(Self::Record(Recorder::new(folder, &config.upstreams)?))),
            (None, Some(folder)) => Ok(Some(Self::Play(Player::open(folder, webhook_secret)?))),
        }
    }

    pub(crate) async fn respond(&self, request: Request) -> Response {
        match self {
            Self::Record(recorder) => recorder.respond(request).await,
            Self::Play(player) => player.respond(&request).into_response(),
        }
    }

    /// Plays from the start again.
    pub(crate) fn rewind(&self) {
        if let Self::Play(player) = self {
            player.rewind();
        }
    }
}
