//! Timestamps of the API as numbers, so that predictions can be ordered by their creation.

/// Microseconds since the Unix epoch, on the clock of the API.
pub(crate) type Moment = u64;

const SECOND: u64 = 1_000_000;

/// Parses a time in RFC 3339 and UTC, which may have any number of fractional digits and lack its zone.
pub(crate) fn parse(text: &str) -> Option<Moment> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let (date, time) = text.split_once('T')?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let is_valid = (1970..10_000).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !is_valid || hour > 23 || minute > 59 || second > 60 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second;
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(6);
    let micros = digits.fold(0, |micros, digit| micros * 10 + u64::from(digit - b'0'));
    Some(seconds * SECOND + micros)
}

/// Formats a time as RFC 3339 in UTC.
pub(crate) fn format(moment: Moment) -> String {
    let (seconds, micros) = (moment / SECOND, moment % SECOND);
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

fn numbers(text: &str, separator: char) -> Option<[u64; 3]> {
    let mut parts = text.split(separator).map(|part| {
        let is_number = (2..=4).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { part.parse().ok() } else { None }
    });
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// Returns the days from 1970 to a date of the Gregorian calendar. Years begin in March, so that a leap day is the last.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, year) = (year / 400, year % 400);
    era * 146_097 + year * 365 + year / 4 - year / 100 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// The reverse of [`days`].
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (year, day) = (era * 400 + year, day - (153 * month + 2) / 5 + 1);
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn timestamps_have_any_precision() {
        let moment = 1_700_024_627_203_903;
        assert_eq!(parse("2023-11-15T05:03:47.203903Z"), Some(moment));
        assert_eq!(parse("2023-11-15T05:03:47.203903642Z"), Some(moment));
        assert_eq!(parse("2023-11-15T05:03:47.2Z"), Some(moment - 3903));
        for text in ["2023-11-15T05:03:47+00:00", "2023-11-15T05:03:47"] {
            assert_eq!(parse(text), Some(moment - 203_903), "{text}");
        }
        for other in [
            "",
            "yesterday",
            "2023-11-15",
            "2023-13-15T05:03:47Z",
            "2023-11-15T05:03:47.x",
            "2023-11-15T05:03:47+02:00",
            "2023-11-15T05:03:47.5+02:00",
            "-1-1-1T0:0:0Z",
        ] {
            assert_eq!(parse(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn formatted_times_are_parsed(moment in 0u64..200_000_000_000_000_000) {
            prop_assert_eq!(parse(&format(moment)), Some(moment));
        }

        #[test]
        fn any_text_is_accepted_or_refused(text in "[0-9TZ:.+-]{0,30}") {
            parse(&text);
        }
    }
}
