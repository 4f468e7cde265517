//! Reads a URL for a binding, with the head of the response.

use std::future::ready;

use futures_util::{StreamExt, TryStreamExt, stream};
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::json;

use super::{
    raw_request::url_of,
    streams::{Item, Items, later},
};
use crate::{
    client::Client,
    error::Result,
    http::{
        request::{Request, RequestOptions},
        transport::HttpResponse,
    },
};

/// A `GET` for another client, whose requests go through methods that a program has replaced.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadUrl {
    url: String,
    headers: IndexMap<String, String>,
    /// Whether the API named the URL. One that a model named is read as an output file.
    to_api: bool,
}

impl ReadUrl {
    /// Yields the status and the headers of the response, then its body as it arrives.
    pub fn read(self, client: &Client, options: RequestOptions) -> Result<Items> {
        let url = url_of(client, &self.url)?;
        let request = if self.to_api { Request::get_url(url) } else { Request::get_file(url) };
        let headers = self.headers.into_iter();
        let request =
            headers.fold(request.options(options), |request, (name, value)| request.header(&name, value));
        let client = client.clone();
        Ok(later(Box::pin(async move {
            let HttpResponse { status, headers, body } = client.open(&request).await?;
            let headers: Vec<_> = headers.into_iter().map(|(name, value)| json!([name, value])).collect();
            let head = Item::Value(json!({"status": status, "headers": headers}).into());
            let items: Items =
                Box::pin(stream::once(ready(Ok(head))).chain(body.stream().map_ok(Item::Bytes)));
            Ok(items)
        })))
    }
}
