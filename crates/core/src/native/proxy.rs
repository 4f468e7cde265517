//! Determines the proxy of a request, for error messages and warnings.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// The configured proxy, or the proxies of the environment.
#[derive(Debug)]
pub(super) struct Proxies(Matcher);

impl Proxies {
    pub fn new(proxy: Option<&str>) -> Self {
        Self(match proxy {
            Some(url) => Matcher::builder().all(url).build(),
            None => Matcher::from_system(),
        })
    }

    /// Returns the proxy for `url`, without its credentials.
    pub fn for_url(&self, url: &Url) -> Option<String> {
        let proxy = self.0.intercept(&url.as_str().parse().ok()?)?;
        let (uri, host) = (proxy.uri(), proxy.uri().host()?);
        let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{host}{port}", uri.scheme_str().unwrap_or("http")))
    }
}

/// Returns the URL of the proxy that requests to `url` use, without its credentials. Without the option `proxy`, the
/// environment determines it.
pub(crate) fn proxy_for(proxy: Option<&str>, url: &Url) -> Option<String> {
    Proxies::new(proxy).for_url(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_omitted() {
        let proxies = Proxies::new(Some("http://user:secret@proxy.example:3128"));
        let url = Url::parse("https://api.replicate.com/v1/predictions").unwrap();
        assert_eq!(proxies.for_url(&url).as_deref(), Some("http://proxy.example:3128"));
    }
}
