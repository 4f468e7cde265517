//! Which proxy a request goes through, so that an error can name it.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

/// The proxies in force: the one that was set, or those of the environment.
#[derive(Debug)]
pub(super) struct Proxies(Matcher);

impl Proxies {
    pub fn new(proxy: Option<&str>) -> Self {
        Self(match proxy {
            Some(url) => Matcher::builder().all(url).build(),
            None => Matcher::from_system(),
        })
    }

    /// The proxy for `url`, without its user name and password.
    pub fn of(&self, url: &Url) -> Option<String> {
        let proxy = self.0.intercept(&url.as_str().parse().ok()?)?;
        let (uri, host) = (proxy.uri(), proxy.uri().host()?);
        let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{host}{port}", uri.scheme_str().unwrap_or("http")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_is_not_shown() {
        let proxies = Proxies::new(Some("http://user:secret@proxy.example:3128"));
        let url = Url::parse("https://api.replicate.com/v1/predictions").unwrap();
        assert_eq!(proxies.of(&url).as_deref(), Some("http://proxy.example:3128"));
    }
}
