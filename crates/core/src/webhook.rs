//! Verifying that a webhook came from Replicate and was not changed or replayed.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::{
    error::{Error, ErrorKind, Result},
    value::Value,
};

/// How old or how far in the future a webhook may be by default.
///
/// ```
/// assert_eq!(replicant::webhook::TOLERANCE.as_secs(), 300);
/// ```
pub const TOLERANCE: Duration = Duration::from_secs(300);

/// Where each common framework keeps the bytes that were signed.
pub(crate) const RAW_BODY: &str = "Pass the body exactly as received: `express.raw({ type: \"application/json\" })` \
     or `req.rawBody` in Express, `await request.text()` for a web Request, `request.get_data()` in Flask, \
     `request.body` in Django, `await request.body()` in FastAPI and Starlette.";

/// The error for a webhook whose body is absent, empty or not raw.
pub(crate) fn body_error(why: &str) -> Error {
    Error::new(ErrorKind::WebhookBody, format!("{why}. {RAW_BODY}"))
}

/// The key in a signing secret.
fn key_of(secret: &str) -> Result<Hmac<Sha256>> {
    let wrong = |why: &str| Error::new(ErrorKind::WebhookSecret, why);
    let key = secret.trim();
    if key.is_empty() {
        return Err(wrong(
            "Missing webhook signing secret: pass the `key` that `webhooks.default.secret` returns.",
        ));
    }
    // Without the secret, which the official client quotes here. With an empty key anybody could sign.
    let key = STANDARD.decode(key.strip_prefix("whsec_").unwrap_or(key)).ok().filter(|key| !key.is_empty());
    key.and_then(|key| Hmac::<Sha256>::new_from_slice(&key).ok()).ok_or_else(|| {
        wrong(
            "Invalid secret key format: the signing secret must be `whsec_` followed by base64, as \
             `webhooks.default.secret` returns it.",
        )
    })
}

/// A webhook as it was received.
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
    /// The body, byte for byte as it came: a body that was parsed and written again does not verify.
    pub body: &'a [u8],
}

impl<'a> Webhook<'a> {
    /// Reads the three headers from a list; their names may be in any case.
    ///
    /// # Errors
    /// [`ErrorKind::WebhookHeaders`] if one is missing.
    ///
    /// ```
    /// use replicant::Webhook;
    ///
    /// let headers = [("Webhook-Id", "msg_1"), ("Webhook-Timestamp", "1614265330"), ("Webhook-Signature", "v1,c2ln")];
    /// let webhook = Webhook::from_headers(headers, b"{}")?;
    /// assert_eq!(webhook.id, "msg_1");
    /// # Ok::<(), replicant::Error>(())
    /// ```
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

    /// Checks the timestamp and the signature, and returns the event: the prediction or training in the
    /// body.
    ///
    /// `secret` is the whole signing secret (`whsec_...`, see
    /// [`Webhooks::secret`](crate::resources::webhooks::Webhooks::secret)); `now` the time since the Unix
    /// epoch; `tolerance` how far the timestamp may be from it either way, `None` for any distance.
    ///
    /// # Errors
    /// [`ErrorKind::WebhookSecret`], [`ErrorKind::WebhookTimestamp`],
    /// [`ErrorKind::WebhookSignature`], or [`ErrorKind::WebhookBody`] if the body is not JSON although
    /// it is signed.
    ///
    /// ```
    /// # use std::time::Duration;
    /// use replicant::Webhook;
    ///
    /// let webhook = Webhook {
    ///     id: "msg_p5jXN8AQM9LWM0D4loKWxJek",
    ///     timestamp: "1614265330",
    ///     signature: "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    ///     body: br#"{"test": 2432232314}"#,
    /// };
    /// let now = Duration::from_secs(1614265400);
    /// let event = webhook.verify("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", now, Some(replicant::webhook::TOLERANCE))?;
    /// assert_eq!(event["test"].as_i64(), Some(2432232314));
    /// # Ok::<(), replicant::Error>(())
    /// ```
    pub fn verify(&self, secret: &str, now: Duration, tolerance: Option<Duration>) -> Result<Value> {
        self.check(secret, now, tolerance)?;
        Value::from_json(self.body).map_err(|error| Error::from(error).with_kind(ErrorKind::WebhookBody))
    }

    /// Checks the timestamp and the signature without parsing the body.
    ///
    /// # Errors
    /// As [`Webhook::verify`], but for what the body holds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use replicant::Webhook;
    ///
    /// let webhook = Webhook { id: "1", timestamp: "0", signature: "v1,AAAA", body: b"{}" };
    /// assert!(webhook.check("whsec_c2VjcmV0", Duration::ZERO, None).is_err());
    /// ```
    pub fn check(&self, secret: &str, now: Duration, tolerance: Option<Duration>) -> Result<()> {
        if self.body.is_empty() {
            return Err(body_error("Missing webhook body"));
        }
        let key = key_of(secret)?;
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

    fn check_timestamp(&self, now: Duration, tolerance: Option<Duration>) -> Result<()> {
        let refused = |why: String| Err(Error::new(ErrorKind::WebhookTimestamp, why));
        let Ok(timestamp) = self.timestamp.trim().parse::<i64>() else {
            return refused(format!(
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
        refused(format!(
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
    fn an_empty_secret_signs_nothing() {
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
        let mac = unsigned.mac(key_of("whsec_c2VjcmV0").unwrap());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let webhook = Webhook { signature: &signature, ..unsigned };
        webhook.check("whsec_c2VjcmV0", Duration::ZERO, None).unwrap();
        let error = webhook.verify("whsec_c2VjcmV0", Duration::ZERO, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WebhookBody);
    }

    proptest! {
        #[test]
        fn whatever_comes_is_verified_or_refused(
            id in any::<String>(), timestamp in any::<String>(), signature in "(v1,|v1a,| |,|[A-Za-z0-9+/=é]){0,12}",
            secret in "(whsec_)?[A-Za-z0-9+/=é ]{0,12}", body in any::<Vec<u8>>(), now in any::<u64>(),
        ) {
            let webhook = Webhook { id: &id, timestamp: &timestamp, signature: &signature, body: &body };
            let tolerance = Some(Duration::from_secs(now));
            prop_assert!(webhook.verify(&secret, Duration::from_secs(now), tolerance).is_err());
        }

        #[test]
        fn a_changed_body_is_refused(body in "[ -~]{1,40}", at in 0usize..40, by in 1u8..255) {
            let body = body.into_bytes();
            let unsigned = Webhook { id: "m", timestamp: "1", signature: "", body: &body };
            let mac = unsigned.mac(key_of("whsec_c2VjcmV0").unwrap());
            let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
            let mut changed = body.clone();
            let at = at % changed.len();
            changed[at] = changed[at].wrapping_add(by);
            let webhook = Webhook { id: "m", timestamp: "1", signature: &signature, body: &changed };
            let error = webhook.verify("whsec_c2VjcmV0", Duration::from_secs(1), None).unwrap_err();
            prop_assert_eq!(error.kind(), ErrorKind::WebhookSignature);
        }
    }
}
