//! Values from JavaScript: JSON text, and the parts that JSON cannot hold, each with its path.

use replicant::{Error, Number, Result, Value};

/// Replaces the values at `paths`, which are lines of JSON arrays of keys and indexes.
///
/// # Errors
/// [`ErrorKind::Internal`](replicant::ErrorKind::Internal) if there is no such path: it was made from this value.
pub fn insert(value: &mut Value, paths: &str, content: Value) -> Result<()> {
    for path in paths.lines() {
        let path = Value::from_json(path.as_bytes())?;
        *at(value, path.as_array().unwrap_or_default())? = content.clone();
    }
    Ok(())
}

fn at<'a>(value: &'a mut Value, path: &[Value]) -> Result<&'a mut Value> {
    let missing = || Error::bug("a part without a path");
    path.iter().try_fold(value, |value, step| match value {
        Value::Object(members) => members.get_mut(step.as_str().unwrap_or_default()).ok_or_else(missing),
        Value::Array(items) => {
            let index = step.as_i64().and_then(|index| usize::try_from(index).ok());
            index.and_then(|index| items.get_mut(index)).ok_or_else(missing)
        }
        _ => Err(missing()),
    })
}

/// Decodes a big integer from its decimal digits.
pub fn number(digits: &str) -> Value {
    Number::integer(digits).map_or(Value::Null, Value::Number)
}

/// Decodes headers from lines: a name, its value, the next name.
pub fn headers(lines: &str) -> Vec<(String, String)> {
    let mut lines = lines.split('\n');
    let pair = |_| Some((lines.next()?.to_owned(), lines.next()?.to_owned()));
    std::iter::repeat(()).map_while(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_those_that_json_has() {
        for digits in ["5", "-5", "9223372036854775808", "18446744073709551616", "-9223372036854775809"] {
            assert_eq!(Some(number(digits)), Value::from_json(digits.as_bytes()).ok(), "{digits}");
        }
        assert_eq!(number("1.5"), Value::Null);
    }
}
