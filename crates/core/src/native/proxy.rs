//! Determines the proxy of a request, for error messages and warnings.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::error::{Error, Result};

const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
const VARIABLES: [[&str; 2]; 3] =
    [["HTTPS_PROXY", "https_proxy"], ["HTTP_PROXY", "http_proxy"], ["ALL_PROXY", "all_proxy"]];

/// The configured proxy, or the proxies of the environment.
#[derive(Debug)]
pub(super) struct Proxies {
    matcher: Matcher,
    /// The entries of `NO_PROXY` with a port, which reqwest does not know.
    excluded: Vec<(String, u16)>,
}

impl Proxies {
    /// Uses `proxy`, or the environment.
    ///
    /// # Errors
    /// If a proxy variable of the environment is not the URL of a proxy.
    pub fn new(proxy: Option<&str>) -> Result<Self> {
        if let Some(url) = proxy {
            return Ok(Self { matcher: Matcher::builder().all(url).build(), excluded: Vec::new() });
        }
        for name in VARIABLES.iter().flatten() {
            // The value may contain a password.
            if std::env::var(name).is_ok_and(|url| !url.is_empty() && !is_proxy(&url)) {
                return Err(Error::invalid(format!(
                    "the environment variable {name} must be the URL of a proxy, such as http://host:port"
                )));
            }
        }
        let excluded = ["NO_PROXY", "no_proxy"].iter().find_map(|name| std::env::var(name).ok());
        let excluded = excluded.iter().flat_map(|list| list.split(',')).filter_map(with_port).collect();
        Ok(Self { matcher: Matcher::from_system(), excluded })
    }

    /// Returns `true` if `NO_PROXY` excludes a host with a port.
    pub fn has_exclusions(&self) -> bool {
        !self.excluded.is_empty()
    }

    /// Returns `true` if `NO_PROXY` excludes the host and the port of `url`.
    pub fn excludes(&self, url: &Url) -> bool {
        let (Some(host), Some(port)) = (url.host_str(), url.port_or_known_default()) else { return false };
        let host = host.trim_matches(['[', ']']).to_ascii_lowercase();
        self.excluded.iter().any(|(excluded, of_port)| {
            *of_port == port
                && (host == *excluded
                    || host.strip_suffix(excluded.as_str()).is_some_and(|rest| rest.ends_with('.')))
        })
    }

    /// Returns the proxy for `url`, without its credentials.
    pub fn for_url(&self, url: &Url) -> Option<String> {
        if self.excludes(url) {
            return None;
        }
        let proxy = self.matcher.intercept(&url.as_str().parse().ok()?)?;
        let (uri, host) = (proxy.uri(), proxy.uri().host()?);
        let port = uri.port_u16().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("{}://{host}{port}", uri.scheme_str().unwrap_or("http")))
    }
}

/// Returns the URL of the proxy that requests to `url` use, without its credentials. Without the option `proxy`, the
/// environment determines it.
pub(crate) fn proxy_for(proxy: Option<&str>, url: &Url) -> Option<String> {
    // An invalid variable is an error of the first request.
    Proxies::new(proxy).ok()?.for_url(url)
}

/// Returns `true` if a text is the URL of a proxy. The scheme may be omitted, as in curl.
pub(super) fn is_proxy(text: &str) -> bool {
    let text = text.trim();
    let url = match text.trim_end_matches('/') {
        _ if text.contains("://") => Url::parse(text),
        host if host.contains('/') => return false,
        host => Url::parse(&format!("http://{host}")),
    };
    url.is_ok_and(|url| {
        SCHEMES.contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty())
    })
}

/// Returns the host and the port of an entry of `NO_PROXY`; `None` for entries without a port.
fn with_port(entry: &str) -> Option<(String, u16)> {
    let (host, port) = entry.trim().rsplit_once(':')?;
    let host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(ipv6) => ipv6,
        // An IPv6 address without a port.
        None if host.contains(':') => return None,
        None => host.trim_start_matches(['*', '.']),
    };
    Some((host.to_ascii_lowercase(), port.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn credentials_are_omitted() {
        let proxies = Proxies::new(Some("http://user:secret@proxy.example:3128")).unwrap();
        let proxy = proxies.for_url(&url("https://api.replicate.com/v1/predictions"));
        assert_eq!(proxy.as_deref(), Some("http://proxy.example:3128"));
    }

    #[test]
    fn no_proxy_entries_with_ports_exclude_that_port_only() {
        let excluded = ["localhost:8080", ".example.com:443", " [::1]:90", "::1", "plain", "10.0.0.1:80"];
        let matcher = Matcher::builder().all("http://proxy.example").build();
        let proxies = Proxies { matcher, excluded: excluded.into_iter().filter_map(with_port).collect() };
        for (text, excluded) in [
            ("http://localhost:8080/", true),
            ("http://LOCALHOST:8080/", true),
            ("http://localhost:8081/", false),
            ("https://example.com/", true),
            ("https://api.example.com/", true),
            ("http://api.example.com/", false),
            ("https://notexample.com/", false),
            ("http://[::1]:90/", true),
            ("http://[::1]:91/", false),
            ("http://10.0.0.1/", true),
        ] {
            assert_eq!(proxies.excludes(&url(text)), excluded, "{text}");
            assert_eq!(proxies.for_url(&url(text)).is_none(), excluded, "{text}");
        }
    }

    #[test]
    fn malformed_proxies_are_recognized() {
        for good in ["http://h:1", "socks5h://u:p@h:1080", "h:3128", "https://h", "127.0.0.1:8080"] {
            assert!(is_proxy(good), "{good}");
        }
        for bad in ["http://", "ftp://h", "http://h:port", "://", "http//h:3128", "sock5://h"] {
            assert!(!is_proxy(bad), "{bad}");
        }
    }
}
