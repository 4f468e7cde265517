//! Builds the errors of failed connections.

use std::{error::Error as StdError, io};

use rustls::{AlertDescription, CertificateError, Error as TlsError, OtherError};
use url::Url;

use super::tls::Rejected;
use crate::error::{Error, ErrorKind, causes};

/// How system libraries say that a host does not exist. A resolver that failed says something else.
const NO_SUCH_HOST: [&str; 5] = [
    "Name or service not known",
    "nodename nor servname provided",
    "No such host is known",
    "Name does not resolve",
    "No address associated with hostname",
];

/// Where a request went, for messages.
pub(super) struct Route<'a> {
    host: &'a str,
    /// The proxy, without its credentials.
    proxy: Option<String>,
    /// Variables of the environment that were ignored.
    ignored: &'a [String],
}

impl<'a> Route<'a> {
    pub fn new(url: &'a Url, proxy: Option<String>, ignored: &'a [String]) -> Self {
        Self { host: url.host_str().unwrap_or_default(), proxy, ignored }
    }

    /// Builds the error for a connection that could not be made, or that broke.
    pub fn failed(&self, error: reqwest::Error) -> Error {
        let (connecting, timed_out) = (error.is_connect(), error.is_timeout());
        let described = self.tls_failed(&error).or_else(|| connecting.then(|| self.connect_failed(&error)));
        let kind = if timed_out { ErrorKind::Timeout } else { ErrorKind::Connection };
        // Without the URL: its query may contain signatures.
        let why = cause(&error);
        let source = error.without_url();
        let Some(Failure { message, hint, permanent }) = described else {
            let host = self.host;
            let (kind, message) = match why.as_str() {
                _ if timed_out => (kind, format!("{host} did not respond in time.")),
                "message head is too large" => {
                    (ErrorKind::InvalidResponse, format!("The response of {host} has too long headers."))
                }
                why => (kind, format!("The connection to {host} broke: {why}.")),
            };
            return Error::new(kind, message).with_source(source);
        };
        let error = Error::new(kind, message).with_hint(&hint).with_source(source).with_never_sent();
        if permanent { error.with_permanent() } else { error }
    }

    /// Describes a failed handshake.
    fn tls_failed(&self, error: &reqwest::Error) -> Option<Failure> {
        let tls = chain(error).find_map(tls_error)?;
        if let TlsError::InvalidCertificate(CertificateError::Other(OtherError(other))) = tls
            && let Some(rejected) = other.downcast_ref::<Rejected>()
        {
            let (problem, advice) = rejected.advice();
            let of_proxy = rejected.host != self.host && self.proxy.is_some();
            let place = if of_proxy { "the proxy " } else { "" };
            let message = format!(
                "Cannot connect to {}: the certificate of {place}{} {problem}.",
                self.host, rejected.host
            );
            let ignored = self.ignored.iter().map(|ignored| format!(" {ignored}"));
            return Some(Failure {
                message,
                hint: advice.to_owned() + &ignored.collect::<String>(),
                permanent: true,
            });
        }
        let TlsError::AlertReceived(alert) = tls else { return None };
        let hint = match alert {
            AlertDescription::CertificateRequired
            | AlertDescription::BadCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::CertificateUnknown
            | AlertDescription::AccessDenied => {
                "The server accepts only known client certificates; pass yours as `client_cert`."
            }
            _ => "The server offers no protocol that both sides support.",
        };
        let message = format!("{} refused the TLS handshake: {alert:?}.", self.host);
        Some(Failure { message, hint: hint.to_owned(), permanent: true })
    }

    /// Describes a connection that could not be made, and says whether the proxy or the host failed.
    fn connect_failed(&self, error: &reqwest::Error) -> Failure {
        let (host, why) = (self.host, cause(error));
        let says = |text: &str| chain(error).any(|cause| cause.to_string().contains(text));
        let unknown = is_no_such_host(&why);
        let network = "Check `base_url` and the network.".to_owned();
        let Some(proxy) = &self.proxy else {
            return Failure {
                message: format!("Cannot connect to {host}: {why}."),
                hint: network,
                permanent: unknown,
            };
        };
        if says("error resolving for socks proxy") {
            // With socks5, this side resolves the host.
            let hint = format!("{network} With socks5h, the proxy resolves host names.");
            return Failure { message: format!("Cannot resolve {host}: {why}."), hint, permanent: unknown };
        }
        let hint = "Check the `proxy` option, HTTPS_PROXY and NO_PROXY.".to_owned();
        // The proxy responded but did not connect.
        let refused = says("tunnel error") && !says("failed to create underlying connection")
            || why.starts_with("socks error")
            || says("SOCKS error");
        if refused {
            let permanent = says("authorization required") || says("auth");
            let message = format!("The proxy {proxy} did not connect to {host}: {why}.");
            return Failure { message, hint, permanent };
        }
        Failure { message: format!("Cannot connect to the proxy {proxy}: {why}."), hint, permanent: unknown }
    }
}

fn is_no_such_host(why: &str) -> bool {
    NO_SUCH_HOST.iter().any(|text| why.contains(text))
}

/// What failed, and whether it would fail again.
struct Failure {
    message: String,
    hint: String,
    permanent: bool,
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
