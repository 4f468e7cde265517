//! URLs compared, and URLs and texts as messages show them.

use url::Url;

/// Whether two URLs of HTTP have the same scheme, host and port. `Url::origin` would make texts of all of them.
pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host() == other.host()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// A URL as it may be shown: without its query, which can hold signatures, and without a password.
pub(crate) fn redacted_url(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Refused only by URLs that cannot have either.
    let _ = (url.set_username(""), url.set_password(None));
    url.into()
}
