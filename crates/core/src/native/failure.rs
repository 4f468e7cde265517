//! Builds the errors of failed connections.

use std::{error::Error as StdError, io};

use rustls::{CertificateError, Error as TlsError, OtherError};
use url::Url;

use super::tls::Rejected;
use crate::error::{Error, ErrorKind, causes};

/// How system libraries say that a host does not exist. A resolver that failed says something else.
const NO_SUCH_HOST: [&str; 6] = [
    "Name or service not known",
    "nodename nor servname provided",
    "No such host is known",
    // The same in other languages of Windows.
    "(os error 11001)",
    "Name does not resolve",
    "No address associated with hostname",
];

/// How h2 says that it has ended a connection because of the headers of a response.
const H2_ENDLESS_HEAD: [&str; 3] = [
    "header_list_way_too_large",
    "too_many_continuations",
    "connection error detected: unable to maintain the header compression context",
];
/// How h2 says that the server has not processed a request (RFC 9113, sections 8.7 and 6.8): it reset the stream, or closed the
/// connection after an earlier stream.
const H2_UNPROCESSED: [&str; 2] = [
    "stream error received: refused stream before processing any application logic",
    "connection error received: not a result of an error",
];
const PROXY_AUTHORIZATION: &str = "proxy authorization required";
/// How hyper says that a proxy did not accept the credentials.
const CREDENTIALS: [&str; 3] = [PROXY_AUTHORIZATION, "authentication", "credentials not accepted"];
const CHECK_PROXY: &str = "Check the `proxy` option, HTTPS_PROXY and NO_PROXY.";

/// Where a request went, for messages.
pub(super) struct Route<'a> {
    host: &'a str,
    /// The proxy, without its credentials.
    proxy: Option<String>,
    /// Whether the proxy reads the requests and has the only connection: plain http through an HTTP proxy.
    relayed: bool,
    /// Variables of the environment that were ignored.
    ignored: &'a [String],
    has_client_cert: bool,
}

impl<'a> Route<'a> {
    pub fn new(url: &'a Url, proxy: Option<String>, ignored: &'a [String], has_client_cert: bool) -> Self {
        let relayed =
            url.scheme() == "http" && proxy.as_ref().is_some_and(|proxy| !proxy.starts_with("socks"));
        Self { host: url.host_str().unwrap_or_default(), proxy, relayed, ignored, has_client_cert }
    }

    /// Builds the error for a connection that broke.
    pub fn broke(&self, why: &str) -> Error {
        let peer = match &self.proxy {
            Some(proxy) if self.relayed => format!("the proxy {proxy}"),
            _ => self.host.to_owned(),
        };
        Error::new(ErrorKind::Connection, format!("the connection to {peer} broke: {why}."))
    }

    /// Builds the error for a response with status 407 if a proxy sent it.
    pub fn credentials_required(&self) -> Option<Error> {
        let proxy = self.proxy.as_ref().filter(|_| self.relayed)?;
        Some(self.refused(proxy, PROXY_AUTHORIZATION).into_error(ErrorKind::Connection))
    }

    /// Builds the error for a connection that could not be made, or that broke.
    pub fn failed(&self, error: reqwest::Error) -> Error {
        let (connecting, timed_out) = (error.is_connect(), error.is_timeout());
        let described = self.tls_failed(&error).or_else(|| connecting.then(|| self.connect_failed(&error)));
        let kind = if timed_out { ErrorKind::Timeout } else { ErrorKind::Connection };
        // Without the URL: its query may contain signatures.
        let why = cause(&error);
        let is_request = error.is_request();
        let head_problem = head_problem(&why).filter(|_| is_request);
        let is_refused_url = error.is_builder();
        let source = error.without_url();
        let host = self.host;
        let error = match described {
            Some(failure) => failure.into_error(kind),
            // The only such error: the length of a URL is limited to 64 KiB.
            None if is_refused_url => {
                let message = format!("the URL of the request to {host} is too long.");
                Error::new(ErrorKind::InvalidArgument, message).with_never_sent().with_permanent()
            }
            None if timed_out => Error::new(kind, format!("{host} did not respond in time.")),
            None => match head_problem {
                Some(problem) => {
                    let message = format!("the headers of the response from {host} are {problem}.");
                    Error::new(ErrorKind::InvalidResponse, message)
                }
                None if is_request && is_unprocessed(&why) => self.broke(&why).with_never_sent(),
                None => self.broke(&why),
            },
        };
        error.with_source(source)
    }

    /// Describes a failed handshake.
    fn tls_failed(&self, error: &reqwest::Error) -> Option<ConnectFailure> {
        if let Some(TlsError::InvalidCertificate(CertificateError::Other(OtherError(other)))) =
            chain(error).find_map(tls_error)
            && let Some(rejected) = other.downcast_ref::<Rejected>()
        {
            let (problem, advice) = rejected.advice();
            let of_proxy = rejected.host != self.host && self.proxy.is_some();
            let place = if of_proxy { "the proxy " } else { "" };
            let message = format!(
                "cannot connect to {}: the certificate of {place}{} {problem}.",
                self.host, rejected.host
            );
            let ignored = self.ignored.iter().map(|ignored| format!(" {ignored}"));
            return Some(ConnectFailure {
                message,
                hint: advice.to_owned() + &ignored.collect::<String>(),
                permanent: true,
            });
        }
        // As text, because h2 keeps no more of an error.
        let why = cause(error);
        let alert = why.strip_prefix("received fatal alert: ")?;
        let hint = match alert {
            "CertificateRequired"
            | "BadCertificate"
            | "UnsupportedCertificate"
            | "CertificateExpired"
            | "CertificateRevoked"
            | "CertificateUnknown"
            | "UnknownCA"
            | "AccessDenied" => match self.has_client_cert {
                true => "The server rejected the certificate that was passed as `client_cert`.",
                false => "The server accepts only known client certificates; pass yours as `client_cert`.",
            },
            _ if error.is_connect() => "The server offers no protocol that both sides support.",
            // The handshake was complete.
            _ => return None,
        };
        let message = format!("{} refused the TLS handshake: {alert}.", self.host);
        Some(ConnectFailure { message, hint: hint.to_owned(), permanent: true })
    }

    /// Describes a connection that could not be made, and says whether the proxy or the host failed.
    fn connect_failed(&self, error: &reqwest::Error) -> ConnectFailure {
        let (host, why) = (self.host, cause(error));
        let says = |text: &str| chain(error).any(|cause| cause.to_string().contains(text));
        let unknown = is_no_such_host(&why);
        let network = "Check `base_url` and the network.".to_owned();
        let Some(proxy) = &self.proxy else {
            return ConnectFailure {
                message: format!("cannot connect to {host}: {why}."),
                hint: network,
                permanent: unknown,
            };
        };
        if says("error resolving for socks proxy") {
            // With socks5, this side resolves the host.
            let hint = format!("{network} With socks5h, the proxy resolves host names.");
            return ConnectFailure {
                message: format!("cannot resolve {host}: {why}."),
                hint,
                permanent: unknown,
            };
        }
        // The proxy responded but did not connect.
        let refused = says("tunnel error") || says("socks error") || says("SOCKS error");
        if refused && !says("failed to create underlying connection") {
            return self.refused(proxy, &why);
        }
        let message = match error.is_timeout() {
            true => format!("cannot connect to {host} through the proxy {proxy}: {why}."),
            false => format!("cannot connect to the proxy {proxy}: {why}."),
        };
        ConnectFailure { message, hint: CHECK_PROXY.to_owned(), permanent: unknown }
    }

    /// Describes a proxy that did not connect to the host.
    fn refused(&self, proxy: &str, why: &str) -> ConnectFailure {
        let permanent = CREDENTIALS.iter().any(|text| why.contains(text));
        let hint = match permanent {
            true => "Check the credentials in the `proxy` option, HTTPS_PROXY or HTTP_PROXY.",
            false => CHECK_PROXY,
        };
        let why = match why {
            "tunnel error: unsuccessful" => "it did not respond with status 200",
            why => why,
        };
        let message = format!("the proxy {proxy} did not connect to {}: {why}.", self.host);
        ConnectFailure { message, hint: hint.to_owned(), permanent }
    }
}

/// Returns what is wrong with the headers of a response.
fn head_problem(why: &str) -> Option<&'static str> {
    match why {
        "message head is too large" => Some("too many or too long"),
        // h2 has one error for all.
        "stream error detected: unspecific protocol error detected" => Some("too many, too long or invalid"),
        _ => H2_ENDLESS_HEAD.iter().any(|text| why.contains(text)).then_some("too many or too long"),
    }
}

/// Returns `true` if h2 says so. The text of the server follows in parentheses.
fn is_unprocessed(why: &str) -> bool {
    H2_UNPROCESSED
        .iter()
        .any(|text| why.strip_prefix(text).is_some_and(|rest| rest.is_empty() || rest.starts_with(" (")))
}

fn is_no_such_host(why: &str) -> bool {
    NO_SUCH_HOST.iter().any(|text| why.contains(text))
}

/// What failed, and whether it would fail again.
struct ConnectFailure {
    message: String,
    hint: String,
    permanent: bool,
}

impl ConnectFailure {
    fn into_error(self, kind: ErrorKind) -> Error {
        let error = Error::new(kind, self.message).with_hint(&self.hint).with_never_sent();
        if self.permanent { error.with_permanent() } else { error }
    }
}

/// Returns the root cause, which is the most specific one.
fn cause(error: &reqwest::Error) -> String {
    causes(error).last().unwrap_or(error).to_string()
}

fn chain<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::once(error as &(dyn StdError + 'static)).chain(causes(error))
}

/// Returns an error of rustls, which other layers wrap in errors of the operating system.
fn tls_error<'a>(mut error: &'a (dyn StdError + 'static)) -> Option<&'a TlsError> {
    while let Some(wrapped) = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        error = wrapped;
    }
    error.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_does_not_exist_is_a_permanent_failure() {
        assert!(is_no_such_host("failed to lookup address information: Name or service not known"));
        assert!(is_no_such_host("No such host is known. (os error 11001)"));
        // The resolver failed, which may pass.
        assert!(!is_no_such_host(
            "failed to lookup address information: Temporary failure in name resolution"
        ));
    }
}
