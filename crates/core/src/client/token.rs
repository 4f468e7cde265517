//! Detects base URLs that would send the token unencrypted.

use url::{Host, Url};

/// Returns who could read requests to `base_url` on their way: its host, or the `proxy` of a loopback host. Returns
/// `None` if they are encrypted, or stay on this machine.
pub(super) fn unencrypted_at(base_url: &Url, proxy: impl FnOnce() -> Option<String>) -> Option<String> {
    if base_url.scheme() != "http" {
        return None;
    }
    if !is_local(base_url) {
        return base_url.host_str().map(str::to_owned);
    }
    let proxy = Url::parse(&proxy()?).ok().filter(|proxy| proxy.scheme() != "https" && !is_local(proxy))?;
    proxy.host_str().map(|host| format!("the proxy {host}"))
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.');
            name == "localhost" || name.ends_with(".localhost")
        }
        // A connection to the unspecified address reaches this machine.
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_unspecified(),
        Some(Host::Ipv6(address)) => {
            let mapped = address.to_ipv4_mapped().is_some_and(|address| address.is_loopback());
            address.is_loopback() || address.is_unspecified() || mapped
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unencrypted(base_url: &str, proxy: Option<&str>) -> Option<String> {
        unencrypted_at(&Url::parse(base_url).unwrap(), || proxy.map(str::to_owned))
    }

    #[test]
    fn plain_http_leaves_the_machine_except_to_loopback() {
        for local in [
            "http://localhost:3000/v1",
            "http://LOCALHOST./v1",
            "http://api.localhost/v1",
            "http://127.0.0.1:1/v1",
            "http://127.9.9.9/v1",
            "http://2130706433/v1",
            "http://0.0.0.0:1/v1",
            "http://[::1]:1/v1",
            "http://[::ffff:127.0.0.1]/v1",
            "https://api.replicate.com/v1",
        ] {
            assert_eq!(unencrypted(local, None), None, "{local}");
        }
        for (remote, host) in [
            ("http://api.replicate.com/v1", "api.replicate.com"),
            ("http://localhost.example.com/v1", "localhost.example.com"),
            ("http://notlocalhost/v1", "notlocalhost"),
            ("http://10.0.0.1/v1", "10.0.0.1"),
            ("http://127.0.0.1.example/v1", "127.0.0.1.example"),
            ("http://[fe80::1]/v1", "[fe80::1]"),
        ] {
            assert_eq!(unencrypted(remote, None).as_deref(), Some(host));
            assert_eq!(unencrypted(remote, Some("https://localhost:1")).as_deref(), Some(host));
        }
    }

    #[test]
    fn a_proxy_sees_plain_http_to_loopback() {
        let through = |base_url, proxy| unencrypted(base_url, Some(proxy));
        let seen = Some("the proxy proxy.example".to_owned());
        assert_eq!(through("http://localhost/v1", "http://proxy.example:3128"), seen);
        assert_eq!(through("http://localhost/v1", "socks5h://proxy.example:1080"), seen);
        assert_eq!(through("http://localhost/v1", "https://proxy.example"), None);
        assert_eq!(through("http://localhost/v1", "http://127.0.0.1:3128"), None);
        assert_eq!(through("https://api.replicate.com/v1", "http://proxy.example:3128"), None);
    }
}
