//! Compares and redacts URLs.

use url::Url;

/// Returns `true` if two HTTP URLs have the same scheme, host and port. `Url::origin` would allocate.
pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// Returns the URL without parts that can hold secrets: the query, the fragment and the credentials.
pub(crate) fn redacted_url(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Fails only for URLs that cannot have credentials.
    let _ = (url.set_username(""), url.set_password(None));
    url.into()
}

/// Returns `true` if the query of a URL has a parameter.
pub(crate) fn has_query(url: &Url, name: &str) -> bool {
    url.query_pairs().any(|(given, _)| given == name)
}
