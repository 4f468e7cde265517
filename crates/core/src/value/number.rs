//! Numbers that preserve integers of any size.

use std::fmt;

/// A JSON number.
///
/// ```
/// use replicant::{Number, Value};
///
/// assert_eq!(Value::from_json(b"1")?, Value::Number(Number::Int(1)));
/// assert_eq!(Value::from_json(b"1.0")?, Value::Number(Number::Float(1.0)));
/// # Ok::<(), replicant::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum Number {
    /// An integer that fits `i64`.
    Int(i64),
    /// A larger integer that fits `u64`.
    UInt(u64),
    /// The decimal digits of an integer that exceeds 64 bits.
    Big(Box<str>),
    /// A number with a fraction or an exponent.
    Float(f64),
}

/// Parses a decimal number as the nearest float.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    text.parse().ok()
}

/// Parses a decimal number as the nearest float, with the parser of JavaScript: that of the standard library would be a
/// thirtieth of the module.
#[cfg(target_arch = "wasm32")]
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let is_part = |byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
    // JavaScript reads other texts as numbers too, such as `0x10` and an empty one.
    let is_decimal = !text.is_empty() && text.bytes().all(is_part);
    is_decimal.then(|| crate::platform::parse_decimal(text)).filter(|float| !float.is_nan())
}

/// Returns the shortest text of a float: `2`, `0.5`, `1e+300`. It has the formatter of JSON, so that the code of another one is
/// not linked.
pub(crate) fn float_text(float: f64) -> String {
    if float.is_finite() {
        let text = json_text(float);
        return text.strip_suffix(".0").map(str::to_owned).unwrap_or(text);
    }
    let text = if float.is_nan() { "NaN" } else { "infinity" };
    if float < 0.0 { format!("-{text}") } else { text.to_owned() }
}

fn json_text(float: f64) -> String {
    serde_json::to_string(&float).unwrap_or_default()
}

impl Number {
    /// Parses a JSON number. Returns `None` if `text` is not a number or overflows.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E')) {
            return parse_float(text).filter(|float| float.is_finite()).map(Self::Float);
        }
        Self::integer(text)
    }

    /// Builds an integer from decimal digits with an optional leading `-`.
    ///
    /// ```
    /// use replicant::Number;
    ///
    /// assert_eq!(Number::integer("-5"), Some(Number::Int(-5)));
    /// assert_eq!(Number::integer("18446744073709551615"), Some(Number::UInt(u64::MAX)));
    /// assert!(matches!(Number::integer("18446744073709551616"), Some(Number::Big(_))));
    /// assert_eq!(Number::integer("1.5"), None);
    /// ```
    pub fn integer(digits: &str) -> Option<Self> {
        let unsigned = digits.strip_prefix('-').unwrap_or(digits);
        if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let small = digits.parse().ok().map(Self::Int).or_else(|| digits.parse().ok().map(Self::UInt));
        Some(small.unwrap_or_else(|| Self::Big(digits.into())))
    }

    /// Returns the integer if it fits `i64`.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(int) => Some(*int),
            Self::UInt(int) => i64::try_from(*int).ok(),
            Self::Big(_) | Self::Float(_) => None,
        }
    }

    /// Returns the integer if it fits `u64`.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::Int(int) => u64::try_from(*int).ok(),
            Self::UInt(int) => Some(*int),
            Self::Big(_) | Self::Float(_) => None,
        }
    }

    /// Returns the nearest float.
    pub fn as_f64(&self) -> f64 {
        match self {
            Self::Int(int) => *int as f64,
            Self::UInt(int) => *int as f64,
            Self::Big(digits) => parse_float(digits).unwrap_or(f64::NAN),
            Self::Float(float) => *float,
        }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(int) => write!(f, "{int}"),
            Self::UInt(int) => write!(f, "{int}"),
            Self::Big(digits) => f.write_str(digits),
            Self::Float(float) => f.write_str(&json_text(*float)),
        }
    }
}
