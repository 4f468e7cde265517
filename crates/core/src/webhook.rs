//! Verifies webhooks: their signature and their age.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    error::{Error, ErrorKind, Result},
    value::Value,
};

/// Default tolerance for the age of a webhook, in either direction: 5 minutes.
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// How to get the raw body in common frameworks.
pub(crate) const RAW_BODY: &str = "Pass the body as received: `express.raw({ type: \"application/json\" })` \
     or `req.rawBody` in Express, `await request.text()` for a web Request, `request.get_data()` in Flask, \
     `request.body` in Django, `await request.body()` in FastAPI, `Bytes` in axum.";

/// Builds the error for a webhook whose body is missing, empty or not raw.
pub(crate) fn body_error(why: &str) -> Error {
    Error::new(ErrorKind::WebhookBody, format!("{why}. {RAW_BODY}"))
}

/// Decodes a signing secret to its key.
fn decode_secret(secret: &str) -> Result<Hmac<Sha256>> {
    let invalid = |why: &str| Error::new(ErrorKind::WebhookSecret, why);
    let key = secret.trim();
    if key.is_empty() {
        return Err(invalid(
            "Missing webhook signing secret: pass the `key` of `GET /webhooks/default/secret`.",
        ));
    }
    // The error omits the secret. An empty key is rejected because anyone could sign with it.
    let key = STANDARD.decode(key.strip_prefix("whsec_").unwrap_or(key)).ok().filter(|key| !key.is_empty());
    key.and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok()).ok_or_else(|| {
        invalid(
            "Invalid secret key format: the signing secret must be `whsec_` followed by base64, as the API returns it.",
        )
    })
}

/// A webhook request.
///
/// ```
/// use std::time::SystemTime;
/// use replicant::{Result, Value, Webhook, webhook::TOLERANCE};
///
/// fn receive(headers: &[(&str, &str)], body: &[u8], secret: &str) -> Result<Value> {
///     let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
///     Webhook::from_headers(headers.iter().copied(), body)?.verify(secret, now, Some(TOLERANCE))
/// }
/// assert!(receive(&[("webhook-id", "msg_1")], b"{}", "whsec_c2VjcmV0").is_err());
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Webhook<'a> {
    /// The `webhook-id` header.
    pub id: &'a str,
    /// The `webhook-timestamp` header.
    pub timestamp: &'a str,
    /// The `webhook-signature` header.
    pub signature: &'a str,
    /// The raw body, exactly as received. A body that was parsed and serialized again fails verification.
    pub body: &'a [u8],
}

impl<'a> Webhook<'a> {
    /// Finds the three signature headers in `headers`. Header names are case-insensitive.
    ///
    /// # Errors
    /// [`ErrorKind::WebhookHeaders`] if a header is missing.
    pub fn from_headers(
        headers: impl IntoIterator<Item = (&'a str, &'a str)>,
        body: &'a [u8],
    ) -> Result<Self> {
        let (mut id, mut timestamp, mut signature) = (None, None, None);
        let mut headers = headers.into_iter().peekable();
        let missing =
            |why: String| Error::new(ErrorKind::WebhookHeaders, why + " Pass all headers of the request.");
        if headers.peek().is_none() {
            return Err(missing("Missing webhook headers: none were passed.".to_owned()));
        }
        for (name, value) in headers {
            match name.to_ascii_lowercase().as_str() {
                "webhook-id" => id = Some(value),
                "webhook-timestamp" => timestamp = Some(value),
                "webhook-signature" => signature = Some(value),
                _ => {}
            }
        }
        let required = |value: Option<&'a str>, name| {
            value.filter(|value| !value.is_empty()).ok_or_else(|| {
                missing(format!("Missing webhook {name}: the request has no `webhook-{name}` header."))
            })
        };
        Ok(Self {
            id: required(id, "id")?,
            timestamp: required(timestamp, "timestamp")?,
            signature: required(signature, "signature")?,
            body,
        })
    }

    /// Checks the timestamp and the signature, and returns the prediction or training in the body.
    ///
    /// - `secret`: the signing secret, `whsec_...`; see
    ///   [`Webhooks::secret`](crate::resources::webhooks::Webhooks::secret).
    /// - `now`: the current time since the Unix epoch.
    /// - `tolerance`: the maximum difference between the timestamp and `now`; `None` disables the check.
    ///
    /// # Errors
    /// - [`ErrorKind::WebhookSecret`]: the secret is missing or malformed.
    /// - [`ErrorKind::WebhookTimestamp`]: the timestamp is malformed or outside the tolerance.
    /// - [`ErrorKind::WebhookSignature`]: no signature matches.
    /// - [`ErrorKind::WebhookBody`]: the body is missing, or is not JSON.
    pub fn verify(&self, secret: &str, now: Duration, tolerance: Option<Duration>) -> Result<Value> {
        self.check(secret, now, tolerance)?;
        Value::from_json(self.body).map_err(|error| Error::from(error).with_kind(ErrorKind::WebhookBody))
    }

    /// Checks the timestamp and the signature without parsing the body.
    ///
    /// # Errors
    /// The errors of [`Webhook::verify`], except that the body need not be JSON.
    pub fn check(&self, secret: &str, now: Duration, tolerance: Option<Duration>) -> Result<()> {
        self.check_body()?;
        let key = decode_secret(secret)?;
        self.check_timestamp(now, tolerance)?;
        if self.signed_by(&self.mac(key)) {
            return Ok(());
        }
        let why = if self.signature.contains(',') {
            format!(
                "Webhook signature is invalid: no entry of `webhook-signature` matches this secret and body. \
                 Check that the secret belongs to the account that runs the model. {RAW_BODY}"
            )
        } else {
            "Invalid signature format: `webhook-signature` must hold entries such as `v1,<base64>`, separated by spaces."
                .to_owned()
        };
        Err(Error::new(ErrorKind::WebhookSignature, why))
    }

    /// Checks what needs no secret.
    pub(crate) fn check_unsigned(&self, now: Duration, tolerance: Option<Duration>) -> Result<()> {
        self.check_body()?;
        self.check_timestamp(now, tolerance)
    }

    fn check_body(&self) -> Result<()> {
        if self.body.is_empty() { Err(body_error("Missing webhook body")) } else { Ok(()) }
    }

    /// Checks the age alone.
    pub(crate) fn check_timestamp(&self, now: Duration, tolerance: Option<Duration>) -> Result<()> {
        let rejected = |why: String| Err(Error::new(ErrorKind::WebhookTimestamp, why));
        let Ok(timestamp) = self.timestamp.trim().parse::<i64>() else {
            return rejected(format!(
                "Invalid webhook timestamp: `webhook-timestamp` must be a Unix time in seconds, not {:?}.",
                self.timestamp
            ));
        };
        let Some(tolerance) = tolerance.map(|tolerance| tolerance.as_secs()) else { return Ok(()) };
        let age = i128::from(now.as_secs()) - i128::from(timestamp);
        if age.unsigned_abs() <= tolerance.into() {
            return Ok(());
        }
        let distance = age.unsigned_abs();
        let direction = if age > 0 { "old" } else { "in the future" };
        rejected(format!(
            "Webhook timestamp is outside the allowed tolerance of {tolerance} seconds: it is {distance} s {direction}. \
             Check the clock of this machine, or pass a larger `tolerance`."
        ))
    }

    fn mac(&self, mut key: Hmac<Sha256>) -> Hmac<Sha256> {
        for part in [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", self.body] {
            key.update(part);
        }
        key
    }

    fn signed_by(&self, mac: &Hmac<Sha256>) -> bool {
        self.signature.split_ascii_whitespace().any(|entry| {
            let Some(("v1", signature)) = entry.split_once(',') else { return false };
            // `verify_slice` compares in constant time.
            STANDARD.decode(signature).is_ok_and(|signature| mac.clone().verify_slice(&signature).is_ok())
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_empty_secret_is_rejected() {
        for secret in ["", " ", "whsec_", "whsec_\n"] {
            let mut webhook = Webhook { id: "m", timestamp: "1", signature: "v1,", body: b"{}" };
            let mut mac = Hmac::<Sha256>::new_from_slice(b"").expect("any length");
            mac.update(b"m.1.{}");
            let forged = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
            webhook.signature = &forged;
            let error = webhook.verify(secret, Duration::from_secs(1), None).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::WebhookSecret, "{secret:?}");
        }
    }

    #[test]
    fn checking_does_not_parse_the_body() {
        let unsigned = Webhook { id: "m", timestamp: "1", signature: "", body: b"no JSON" };
        let mac = unsigned.mac(decode_secret("whsec_c2VjcmV0").unwrap());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let webhook = Webhook { signature: &signature, ..unsigned };
        webhook.check("whsec_c2VjcmV0", Duration::ZERO, None).unwrap();
        let error = webhook.verify("whsec_c2VjcmV0", Duration::ZERO, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WebhookBody);
    }

    proptest! {
        #[test]
        fn unsigned_webhooks_are_rejected(
            id in any::<String>(), timestamp in any::<String>(), signature in "(v1,|v1a,| |,|[A-Za-z0-9+/=é]){0,12}",
            secret in "(whsec_)?[A-Za-z0-9+/=é ]{0,12}", body in any::<Vec<u8>>(), now in any::<u64>(),
        ) {
            let webhook = Webhook { id: &id, timestamp: &timestamp, signature: &signature, body: &body };
            let tolerance = Some(Duration::from_secs(now));
            prop_assert!(webhook.verify(&secret, Duration::from_secs(now), tolerance).is_err());
        }

        #[test]
        fn a_changed_body_is_rejected(body in "[ -~]{1,40}", at in 0usize..40, by in 1u8..255) {
            let body = body.into_bytes();
            let unsigned = Webhook { id: "m", timestamp: "1", signature: "", body: &body };
            let mac = unsigned.mac(decode_secret("whsec_c2VjcmV0").unwrap());
            let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
            let mut changed = body.clone();
            let at = at % changed.len();
            changed[at] = changed[at].wrapping_add(by);
            let webhook = Webhook { id: "m", timestamp: "1", signature: &signature, body: &changed };
            let error = webhook.verify("whsec_c2VjcmV0", Duration::from_secs(1), None).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::WebhookSignature);
            prop_assert!(error.message().contains("`Bytes` in axum"));
        }
    }
}
