//! Determines the proxy of a request, for error messages and warnings.

use hyper_util::client::proxy::matcher::Matcher;
use url::Url;

use crate::error::{Error, Result};

const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
/// The configured proxy, or the proxies of the environment.
#[derive(Debug)]
pub(super) struct Proxies {
    matcher: Matcher,
    /// The proxies as reqwest takes them; `None` for those of the operating system.
    proxies: Option<Vec<reqwest::Proxy>>,
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
            let proxies = vec![reqwest::Proxy::all(url).map_err(unusable)?];
            let matcher = Matcher::builder().all(url).build();
            return Ok(Self { matcher, proxies: Some(proxies), excluded: Vec::new() });
        }
        let excluded = variable("NO_PROXY").map(|(_, list)| list).unwrap_or_default();
        let [http, https, all] =
            ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].map(|name| variable(name).map(valid).transpose());
        let (http, https, all) = (http?, https?, all?);
        if cfg!(any(windows, target_vendor = "apple")) && !has_variables() {
            let excluded = excluded.split(',').filter_map(with_port).collect();
            return Ok(Self { matcher: Matcher::from_system(), proxies: None, excluded });
        }
        if excluded.split(',').any(|entry| entry.trim() == "*") {
            let matcher = Matcher::builder().build();
            return Ok(Self { matcher, proxies: Some(Vec::new()), excluded: Vec::new() });
        }
        let mut proxies = Vec::new();
        let mut matcher = Matcher::builder().no(excluded.as_str());
        let mut add = |proxy: reqwest::Result<reqwest::Proxy>| {
            let no_proxy = reqwest::NoProxy::from_string(&excluded);
            proxies.push(proxy.map_err(unusable)?.no_proxy(no_proxy));
            Ok::<_, Error>(())
        };
        if let Some(url) = http {
            add(reqwest::Proxy::http(&url))?;
            matcher = matcher.http(url);
        }
        if let Some(url) = https {
            add(reqwest::Proxy::https(&url))?;
            matcher = matcher.https(url);
        }
        if let Some(url) = all {
            add(reqwest::Proxy::all(&url))?;
            matcher = matcher.all(url);
        }
        let excluded = excluded.split(',').filter_map(with_port).collect();
        Ok(Self { matcher: matcher.build(), proxies: Some(proxies), excluded })
    }

    /// Has the requests of a client use these proxies.
    pub fn apply(&self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        match &self.proxies {
            Some(proxies) => proxies.iter().cloned().fold(builder.no_proxy(), reqwest::ClientBuilder::proxy),
            None => builder,
        }
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

/// Returns the variable `name`, and which of its spellings has it: as in curl and httpx, that in lower case hides the other one,
/// also if it is empty.
fn variable(name: &'static str) -> Option<(String, String)> {
    let lower = name.to_ascii_lowercase();
    // A CGI server sets the variable from a header of the client.
    let upper =
        (name != "HTTP_PROXY" || std::env::var_os("REQUEST_METHOD").is_none()).then(|| name.to_owned());
    let set = |name: String| std::env::var(&name).ok().map(|value| (name, value));
    set(lower).or_else(|| upper.and_then(set)).filter(|(_, value)| !value.trim().is_empty())
}

/// Returns whether the environment says anything about proxies.
fn has_variables() -> bool {
    std::env::vars_os().any(|(name, _)| {
        let name = name.to_string_lossy().to_ascii_uppercase();
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"].contains(&name.as_str())
    })
}

/// Returns the URL of a proxy that a variable has.
fn valid((name, url): (String, String)) -> Result<String> {
    let url = url.trim();
    if !is_proxy(url) {
        // The value may contain a password.
        return Err(Error::invalid(format!(
            "the environment variable {name} must be the URL of a proxy, such as http://host:port"
        )));
    }
    Ok(if url.contains("://") { url.to_owned() } else { format!("http://{url}") })
}

fn unusable(error: reqwest::Error) -> Error {
    Error::invalid(format!("the proxy cannot be used: {}", error.without_url()))
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
        let proxies = Proxies {
            matcher,
            proxies: None,
            excluded: excluded.into_iter().filter_map(with_port).collect(),
        };
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
