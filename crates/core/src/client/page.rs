//! Lists: single pages, or streams of pages or items.

use std::{collections::HashSet, fmt, marker::PhantomData};

use futures_util::{Stream, TryStreamExt, stream};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use url::Url;

use super::{
    Client,
    call::{Work, awaitable, request_options},
    response::{Expect, Reply},
};
use crate::{
    error::{Error, ErrorKind, Result, decode},
    http::{
        request::{Request, RequestOptions, RequestTarget},
        url::has_query,
    },
    platform::{BoxFuture, BoxStream, MaybeSend},
    value::Value,
};

/// One page of a list.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// let page = client.predictions().list().await?;
/// if let Some(next) = &page.next {
///     let second = client.predictions().list().cursor(next).await?;
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[non_exhaustive]
pub struct Page<T> {
    /// URL of the next page; pass it to [`List::cursor`].
    #[serde(default, deserialize_with = "link")]
    pub next: Option<String>,
    /// URL of the previous page.
    #[serde(default, deserialize_with = "link")]
    pub previous: Option<String>,
    /// The items.
    pub results: Vec<T>,
}

fn link<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.filter(|link| is_link(link)))
}

/// Returns `true` if there is a page. A sample in the API documentation contains the string `null`.
fn is_link(link: &str) -> bool {
    !matches!(link, "" | "null")
}

/// A call of a list endpoint. Await it for one page, or stream all pages or items.
///
/// # Panics
/// Panics outside a tokio runtime, unless the client has its own [`Options::runtime`](crate::Options::runtime) and
/// [`Options::transport`](crate::Options::transport).
///
/// # Errors
/// The errors of a [`Call`](crate::Call), and [`ErrorKind::InvalidResponse`] if the link to the next page
/// points to another origin or the pages form a loop.
///
/// ```no_run
/// # async fn example(client: replicant::Client) -> replicant::Result<()> {
/// use futures_util::TryStreamExt;
///
/// let mut predictions = client.predictions().list().items();
/// while let Some(prediction) = predictions.try_next().await? {
///     println!("{}", prediction.id);
/// }
/// # Ok(()) }
/// ```
#[must_use = "a list is requested when it is awaited or streamed"]
pub struct List<T> {
    client: Client,
    request: Result<Request>,
    options: RequestOptions,
    item: PhantomData<fn() -> T>,
}

impl<T> fmt::Debug for List<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("List").field("options", &self.options).finish_non_exhaustive()
    }
}

impl<T> List<T> {
    pub(crate) fn new(client: &Client, request: Result<Request>) -> Self {
        Self { client: client.clone(), request, options: RequestOptions::default(), item: PhantomData }
    }

    request_options!();

    /// Starts at another page: the [`Page::next`] of a page, or only its cursor.
    pub fn cursor(mut self, cursor: impl AsRef<str>) -> Self {
        self.request = self.request.and_then(|request| at_cursor(&self.client, request, cursor.as_ref()));
        self
    }

    pub(crate) fn with_options(mut self, options: RequestOptions) -> Self {
        self.options = options;
        self
    }

    pub(crate) fn maybe_cursor(self, cursor: Option<String>) -> Self {
        match cursor {
            Some(cursor) => self.cursor(cursor),
            None => self,
        }
    }

    /// Streams the pages without decoding them.
    pub(crate) fn raw_pages(self) -> BoxStream<'static, Result<Value>> {
        let Self { client, request, options, .. } = self;
        let first = request.map(|request| with_options(request, options.clone()));
        let state = (Some(first), HashSet::new());
        Box::pin(stream::try_unfold(state, move |(request, mut seen)| {
            let client = client.clone();
            let options = options.clone();
            async move {
                let Some(request) = request else { return Ok(None) };
                let request = request?;
                if !seen.insert(client.url(&request)) {
                    return Err(loop_error(&client, &request));
                }
                let page = client.send(&request, Expect::Page).await?.value;
                let next = page["next"].as_str().filter(|next| is_link(next));
                let next =
                    next.map(|next| page_at(&client, next).map(|request| with_options(request, options)));
                Ok(Some((page, (next, seen))))
            }
        }))
    }
}

/// Sets the options of a call. The link to a page has their query already.
fn with_options(request: Request, mut options: RequestOptions) -> Request {
    if let RequestTarget::Url(url) = &request.target {
        options.query.retain(|name, _| !has_query(url, name));
    }
    request.options(options)
}

fn loop_error(client: &Client, request: &Request) -> Error {
    let message = format!("pagination loop: {} was already fetched", client.redacted_url(request));
    Error::new(ErrorKind::InvalidResponse, message)
}

impl<T: DeserializeOwned + MaybeSend + 'static> List<T> {
    /// Streams this page and all following ones. Each is requested when the stream reaches it.
    pub fn pages(self) -> BoxStream<'static, Result<Page<T>>> {
        Box::pin(self.raw_pages().and_then(|page| std::future::ready(decode(page))))
    }

    /// Streams the items of this page and all following ones. Pages are requested as needed.
    pub fn items(self) -> impl Stream<Item = Result<T>> + Unpin {
        let pages = self.pages().map_ok(|page| stream::iter(page.results.into_iter().map(Ok)));
        Box::pin(pages.try_flatten())
    }
}

/// Builds the request for a cursor or for the URL of a page.
fn at_cursor(client: &Client, request: Request, cursor: &str) -> Result<Request> {
    match cursor {
        "" => Err(Error::invalid_argument("cursor", "must not be empty; omit it for the first page")),
        url if url.contains("://") => page_at(client, url),
        cursor => Ok(request.query("cursor", Some(cursor))),
    }
}

/// Builds the request for a page that the API linked to, which must be at the API origin.
pub(crate) fn page_at(client: &Client, link: &str) -> Result<Request> {
    let invalid = |why: &str| {
        let why = format!("the link to the next page {why}: {link:?}");
        Error::new(ErrorKind::InvalidResponse, why)
    };
    let mut url = Url::parse(link).map_err(|_| invalid("is not a URL"))?;
    let base = &client.config().base_url;
    if url.scheme() == "http" && base.scheme() == "https" {
        // The API documentation contains such links. The token is never sent unencrypted.
        let _ = url.set_scheme("https");
    }
    if client.owns(&url) { Ok(Request::get_url(url)) } else { Err(invalid("points to another origin")) }
}

impl<T: 'static> Work for List<T> {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(
            async move { self.client.send(&with_options(self.request?, self.options), Expect::Page).await },
        )
    }
}

awaitable!([T: DeserializeOwned + MaybeSend + 'static] List<T> => Page<T>);
