//! Durations as text.

/// Parses `90`, `90s`, `1m30s`, `1h30m45s` or `2d` to seconds.
pub(crate) fn seconds(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse() {
        return Some(seconds);
    }
    let mut total = 0u64;
    let mut number = String::new();
    for character in text.chars() {
        let unit = match character {
            'd' => 86_400,
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => {
                number.push(character);
                continue;
            }
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    (number.is_empty() && !text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_seconds_or_units() {
        assert_eq!(seconds("90"), Some(90));
        assert_eq!(seconds("1h30m45s"), Some(5445));
        assert_eq!(seconds("2d"), Some(172_800));
        for bad in ["", "h", "1x", "1m30", "-5s"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
