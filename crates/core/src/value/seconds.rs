//! Decodes durations from seconds.

use std::{fmt, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{Error, Unexpected, Visitor},
};

/// Decodes a duration in seconds.
pub(crate) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    Option::<f64>::deserialize(deserializer)?.map(duration).transpose()
}

fn duration<E: Error>(seconds: f64) -> Result<Duration, E> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| E::custom("must be a non-negative, finite number of seconds"))
}

/// Decodes a time limit in seconds. The string `none` means no limit, `Duration::MAX`.
pub(crate) fn limit<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    struct Limit;

    impl<'de> Visitor<'de> for Limit {
        type Value = Option<Duration>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number")
        }
        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
        fn visit_i64<E: Error>(self, seconds: i64) -> Result<Self::Value, E> {
            duration(seconds as f64).map(Some)
        }
        fn visit_u64<E: Error>(self, seconds: u64) -> Result<Self::Value, E> {
            duration(seconds as f64).map(Some)
        }
        fn visit_f64<E: Error>(self, seconds: f64) -> Result<Self::Value, E> {
            duration(seconds).map(Some)
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            match text {
                "none" => Ok(Some(Duration::MAX)),
                _ => Err(E::invalid_type(Unexpected::Str(text), &self)),
            }
        }
    }
    deserializer.deserialize_any(Limit)
}
