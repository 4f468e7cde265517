//! Lists, page by page or item by item.

use std::{collections::HashSet, marker::PhantomData};

use futures_util::{Stream, TryStreamExt, stream};
use serde::{Deserialize, de::DeserializeOwned};
use url::Url;

use super::{
    Client,
    call::{Work, answers, request_options},
    response::{Expect, Reply},
};
use crate::{
    error::{Error, ErrorKind, Result, decode},
    http::request::{Request, RequestOptions},
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
    /// URL of the page after this one; give it to `cursor` of the list.
    #[serde(default)]
    pub next: Option<String>,
    /// URL of the page before this one.
    #[serde(default)]
    pub previous: Option<String>,
    /// The items.
    pub results: Vec<T>,
}

/// A list that is asked for: await it for its first page, or take all of it as a stream.
///
/// # Errors
/// As a [`Call`](crate::Call), and [`ErrorKind::InvalidResponse`] for a link to the next page that leads to
/// another server.
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
#[must_use = "a list is asked for when it is awaited or streamed"]
pub struct List<T> {
    client: Client,
    request: Result<Request>,
    options: RequestOptions,
    item: PhantomData<fn() -> T>,
}

impl<T> List<T> {
    pub(crate) fn new(client: &Client, request: Result<Request>) -> Self {
        Self { client: client.clone(), request, options: RequestOptions::default(), item: PhantomData }
    }

    request_options!();

    /// Begins at another page: the `next` of a page, or a cursor alone.
    ///
    /// A link to another server fails with [`ErrorKind::InvalidResponse`].
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// let first = client.predictions().list().await?;
    /// if let Some(next) = first.next {
    ///     println!("{}", client.predictions().list().cursor(next).await?.results.len());
    /// }
    /// # Ok(()) }
    /// ```
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

    /// The pages as they came, with all that the API sent.
    pub(crate) fn raw_pages(self) -> BoxStream<'static, Result<Value>> {
        let Self { client, request, options, .. } = self;
        let first = request.map(|request| request.options(options.clone()));
        let state = (Some(first), HashSet::new());
        Box::pin(stream::try_unfold(state, move |(request, mut seen)| {
            let client = client.clone();
            let options = options.clone();
            async move {
                let Some(request) = request else { return Ok(None) };
                let request = request?;
                if !seen.insert(client.url(&request)?) {
                    return Err(circle(&client, &request));
                }
                let page = client.send(&request, Expect::Json).await?.value;
                let next = match page["next"].as_str() {
                    // One documented sample shows the word instead of the value.
                    None | Some("" | "null") => None,
                    Some(next) => Some(page_at(&client, next).map(|request| request.options(options))),
                };
                Ok(Some((page, (next, seen))))
            }
        }))
    }
}

fn circle(client: &Client, request: &Request) -> Error {
    let why = format!("pagination loop: {} was already fetched", client.shown_url(request));
    Error::new(ErrorKind::InvalidResponse, why)
}

impl<T: DeserializeOwned + MaybeSend + 'static> List<T> {
    /// All pages from here on, each asked for when it is wanted.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use futures_util::TryStreamExt;
    ///
    /// let mut pages = client.models().list().pages();
    /// while let Some(page) = pages.try_next().await? {
    ///     println!("{} models", page.results.len());
    /// }
    /// # Ok(()) }
    /// ```
    pub fn pages(self) -> BoxStream<'static, Result<Page<T>>> {
        Box::pin(self.raw_pages().and_then(|page| std::future::ready(decode(page))))
    }

    /// All items from here on, their pages asked for as they are wanted.
    ///
    /// ```no_run
    /// # async fn example(client: replicant::Client) -> replicant::Result<()> {
    /// use futures_util::{StreamExt, TryStreamExt};
    ///
    /// let newest: Vec<_> = client.predictions().list().items().take(500).try_collect().await?;
    /// # Ok(()) }
    /// ```
    pub fn items(self) -> impl Stream<Item = Result<T>> + Unpin {
        let pages = self.pages().map_ok(|page| stream::iter(page.results.into_iter().map(Ok)));
        Box::pin(pages.try_flatten())
    }
}

/// Points a list's request at a cursor, or at the whole URL of a page.
fn at_cursor(client: &Client, request: Request, cursor: &str) -> Result<Request> {
    match cursor {
        "" => Err(Error::invalid_argument("cursor", "must not be empty; omit it for the first page")),
        url if url.contains("://") => page_at(client, url),
        cursor => Ok(request.query("cursor", Some(cursor))),
    }
}

/// The request for a page that the API linked to; only its own server is asked.
pub(crate) fn page_at(client: &Client, link: &str) -> Result<Request> {
    let wrong = |why: &str| {
        let why = format!("the link to the next page {why}: {link:?}");
        Error::new(ErrorKind::InvalidResponse, why)
    };
    let mut url = Url::parse(link).map_err(|_| wrong("is not a URL"))?;
    let base = &client.config().base_url;
    if url.scheme() == "http" && base.scheme() == "https" && url.host() == base.host() && url.port().is_none()
    {
        // Seen in the API's own documentation; never worth sending a token in the clear.
        let _ = url.set_scheme("https");
    }
    if client.owns(&url) { Ok(Request::get_url(url)) } else { Err(wrong("leads to another server")) }
}

impl<T: 'static> Work for List<T> {
    fn options_mut(&mut self) -> &mut RequestOptions {
        &mut self.options
    }

    fn reply(self) -> BoxFuture<'static, Result<Reply>> {
        Box::pin(async move { self.client.send(&self.request?.options(self.options), Expect::Json).await })
    }
}

answers!([T: DeserializeOwned + MaybeSend + 'static] List<T> => Page<T>);
