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
    /// Takes the three headers from a list, in any case.
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
                Error::new(
                    ErrorKind::WebhookHeaders,
                    format!("Missing required webhook headers: {name} is not there"),
                )
            })
        };
        Ok(Self {
            id: required(id, "webhook-id")?,
            timestamp: required(timestamp, "webhook-timestamp")?,
            signature: required(signature, "webhook-signature")?,
            body,
        })
    }

    /// Checks the signature and the time, and gives the event: the prediction or training that the
    /// body holds.
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
        Value::from_json(self.body).map_err(|error| error.with_kind(ErrorKind::WebhookBody))
    }

    /// The same without a look into the body.
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
        let mac = self.mac(secret)?;
        let timestamp: i64 = self.timestamp.trim().parse().map_err(|_| {
            let why = format!("webhook-timestamp is not a number of seconds: {:?}", self.timestamp);
            Error::new(ErrorKind::WebhookTimestamp, why)
        })?;
        // The signature first: a time that nobody signed says nothing.
        if !self.signed_by(&mac) {
            return Err(Error::new(
                ErrorKind::WebhookSignature,
                "No signature of the webhook matches. Is the secret right, and is the body the raw one, byte for byte as it came?",
            ));
        }
        if let Some(tolerance) = tolerance {
            let distance = i128::from(timestamp).abs_diff(now.as_secs().into());
            if distance > tolerance.as_secs().into() {
                let why = format!(
                    "the webhook's time is {distance} s away, more than the {} s allowed",
                    tolerance.as_secs()
                );
                return Err(Error::new(ErrorKind::WebhookTimestamp, why));
            }
        }
        Ok(())
    }

    fn mac(&self, secret: &str) -> Result<Hmac<Sha256>> {
        let wrong =
            |why: &str| Error::new(ErrorKind::WebhookSecret, format!("The webhook signing secret {why}"));
        let key = secret.trim();
        if key.is_empty() {
            return Err(wrong("is missing: get it from webhooks.default.secret"));
        }
        let key = key.strip_prefix("whsec_").unwrap_or(key);
        let key = STANDARD.decode(key).map_err(|_| wrong("is malformed: expected whsec_ and base64"))?;
        if key.is_empty() {
            // Anybody could sign with it.
            return Err(wrong("is empty after whsec_"));
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| wrong("cannot be used as a key"))?;
        for part in [self.id.as_bytes(), b".", self.timestamp.as_bytes(), b".", self.body] {
            mac.update(part);
        }
        Ok(mac)
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
    fn only_who_wants_the_event_reads_it() {
        let unsigned = Webhook { id: "m", timestamp: "1", signature: "", body: b"no JSON" };
        let mac = unsigned.mac("whsec_c2VjcmV0").unwrap();
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let webhook = Webhook { signature: &signature, ..unsigned };
        webhook.check("whsec_c2VjcmV0", Duration::ZERO, None).unwrap();
        let error = webhook.verify("whsec_c2VjcmV0", Duration::ZERO, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WebhookBody);
        let mut params: Value = crate::json!({
            "id": "m", "timestamp": "1", "signature": signature, "body": "no JSON", "secret": "whsec_c2VjcmV0",
            "tolerance": null, "parse": false
        })
        .into();
        let verified = crate::operation::compute("webhooks.verify", params.clone()).unwrap();
        assert!(verified.into_value().unwrap().is_null());
        params["parse"] = true.into();
        assert!(crate::operation::compute("webhooks.verify", params).is_err());
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
            let mac = unsigned.mac("whsec_c2VjcmV0").unwrap();
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
