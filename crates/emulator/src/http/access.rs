//! Which hosts and web pages may use the server.
//!
//! A page of any site can send requests to a loopback port, and by DNS rebinding under a host name of its own. So the
//! `Host` header must name a loopback address, and `Origin`, which browsers send, a page served from one.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use url::{Host, Url};

use super::problem::Problem;
use crate::config::Config;

const PREFLIGHT_SECONDS: u16 = 600;
const METHODS: &str = "GET, POST, PATCH, PUT, DELETE, QUERY";
const EXPOSED: &str = "location, preference-applied, ratelimit-remaining, ratelimit-reset, retry-after, etag, \
                       content-range, content-disposition, x-emulator-dropped";

/// The hosts and origins that are allowed beside the loopback ones.
pub(crate) struct Access {
    hosts: Vec<String>,
    origins: Vec<String>,
    /// The ports of the replay server, whose pages come from scripts and are not trusted.
    replay_ports: [Option<u16>; 2],
}

impl Access {
    pub(crate) fn new(config: &Config, replay_ports: [Option<u16>; 2]) -> Self {
        let (hosts, origins) = (config.allowed_hosts.clone(), config.allowed_origins.clone());
        Self { hosts, origins, replay_ports }
    }

    /// Fails with the reason if a request with these headers must not be processed.
    pub(crate) fn check(&self, path: &str, host: Option<&str>, origin: Option<&str>) -> Result<(), String> {
        if let Some(host) = host.filter(|host| !self.allows_host(host)) {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            return Err(format!(
                "The host {host:?} is not a loopback address. To allow it, start the emulator with \
                 --allow-host {name}"
            ));
        }
        match origin.filter(|origin| !self.allows_origin(origin, path)) {
            Some(origin) => Err(format!(
                "Pages of {origin:?} may not use the emulator. To allow them, start it with --allow-origin {origin}"
            )),
            None => Ok(()),
        }
    }

    /// Returns the response to a request that must not be processed.
    pub(crate) fn refuse(&self, method: &Method, path: &str, headers: &HeaderMap) -> Option<Response> {
        let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or("(binary)"));
        let origin = text(header::ORIGIN);
        if let Err(detail) = self.check(path, text(header::HOST), origin) {
            return Some(Problem::new(StatusCode::FORBIDDEN, detail).into_response());
        }
        let is_preflight = origin.is_some()
            && method == Method::OPTIONS
            && headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
        is_preflight.then(|| {
            let mut response = StatusCode::NO_CONTENT.into_response();
            let allowed = response.headers_mut();
            allowed.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(METHODS));
            allowed.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(PREFLIGHT_SECONDS));
            if let Some(wanted) = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
                allowed.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
            }
            response
        })
    }

    /// Lets the page that sent a request read the response.
    pub(crate) fn share(origin: Option<&HeaderValue>, mut response: Response) -> Response {
        if let Some(origin) = origin {
            let headers = response.headers_mut();
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
            headers.append(header::VARY, HeaderValue::from_static("origin"));
        }
        response
    }

    fn allows_host(&self, host: &str) -> bool {
        let Ok(url) = Url::parse(&format!("http://{host}")) else { return false };
        is_loopback(&url)
            || self.hosts.iter().any(|allowed| allowed == "*" || url.host_str() == Some(allowed))
    }

    fn allows_origin(&self, origin: &str, path: &str) -> bool {
        // As on Replicate: pages of all sites may show output files.
        path.starts_with("/files/")
            || Url::parse(origin).is_ok_and(|url| {
                is_loopback(&url) && !self.replay_ports.contains(&url.port_or_known_default())
            })
            || self.origins.iter().any(|allowed| allowed == "*" || allowed == origin)
    }
}

/// Reports whether a URL has the name or the address of this host.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_and_configured_hosts_are_allowed() {
        let config = Config { allowed_hosts: vec!["emulator".into()], ..Config::default() };
        let access = Access::new(&config, [None; 2]);
        for host in ["127.0.0.1:80", "localhost", "LOCALHOST:1", "[::1]:8080", "a.localhost", "emulator:4000"]
        {
            assert!(access.allows_host(host), "{host}");
        }
        for host in
            ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1", "", "a b"]
        {
            assert!(!access.allows_host(host), "{host}");
        }
    }

    #[test]
    fn only_pages_from_loopback_and_configured_origins_are_allowed() {
        let config = Config { allowed_origins: vec!["https://app.example".into()], ..Config::default() };
        let access = Access::new(&config, [Some(5000), None]);
        for origin in ["http://localhost:3000", "https://127.0.0.1", "https://app.example"] {
            assert!(access.allows_origin(origin, "/v1/account"), "{origin}");
        }
        for origin in [
            "https://evil.example",
            "null",
            "http://app.example",
            "http://localhost.evil.example",
            "http://127.0.0.1:5000",
            "http://a.localhost:5000",
        ] {
            assert!(!access.allows_origin(origin, "/v1/account"), "{origin}");
            assert!(access.allows_origin(origin, "/files/key/out.png"), "{origin}");
        }
    }
}
