//! The clock of the emulated service, and timestamps in the formats of the API.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;

/// A leap year.
pub(crate) const LONGEST_ADVANCE: Duration = Duration::from_secs(366 * 24 * 3600);

/// Microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Timestamp(pub(crate) u64);

/// The clock, and the ratio of real time to the time of the emulated service. Clones share the clock.
#[derive(Clone)]
pub(crate) struct Time {
    last: Arc<AtomicU64>,
    scale: f64,
    /// The microseconds by which tests have advanced the clock.
    advanced: Arc<watch::Sender<u64>>,
}

impl Time {
    /// Starts a clock. `scale` is how many real seconds a second of the emulated service takes.
    pub(crate) fn new(scale: f64) -> Self {
        Self { last: Arc::default(), scale, advanced: Arc::new(watch::Sender::new(0)) }
    }

    /// Returns the current time. No two calls return the same timestamp, so that one can serve as a cursor.
    pub(crate) fn now(&self) -> Timestamp {
        let wall = real_micros() + self.advanced();
        let advance = |last: u64| Some(wall.max(last + 1));
        let last = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance).unwrap_or(wall);
        Timestamp(wall.max(last + 1))
    }

    fn advanced(&self) -> u64 {
        *self.advanced.borrow()
    }

    /// Returns the current time of the computer, in seconds since the Unix epoch.
    pub(crate) fn real_seconds() -> u64 {
        real_micros() / 1_000_000
    }

    /// Converts a duration of the emulated service to real time.
    pub(crate) fn scaled(&self, duration: Duration) -> Duration {
        duration.mul_f64(self.scale)
    }

    /// Advances the clock by a duration of the emulated service, up to [`LONGEST_ADVANCE`], and shortens all sleeps by it.
    pub(crate) fn advance(&self, duration: Duration) {
        let micros = self.scaled(duration.min(LONGEST_ADVANCE)).as_micros() as u64;
        self.advanced.send_modify(|advanced| *advanced = advanced.saturating_add(micros));
    }

    /// Sleeps for a duration of the emulated service.
    pub(crate) async fn sleep(&self, duration: Duration) {
        self.sleep_real(self.scaled(duration)).await;
    }

    /// Sleeps for a duration of real time, less the time by which the clock is advanced meanwhile.
    pub(crate) async fn sleep_real(&self, duration: Duration) {
        let mut changes = self.advanced.subscribe();
        let before = *changes.borrow_and_update();
        let began = Instant::now();
        loop {
            let advanced = Duration::from_micros(*changes.borrow_and_update() - before);
            let left = duration.saturating_sub(advanced + began.elapsed());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => return,
                _ = changes.changed() => {}
            }
        }
    }

    /// Sleeps until the clock shows `moment`.
    pub(crate) async fn sleep_until(&self, moment: Timestamp) {
        self.sleep_real(Duration::from_secs_f64(moment.since(self.now()))).await;
    }

    /// Awaits a future for a duration of the emulated service. Returns `None` if it takes longer.
    pub(crate) async fn timeout<T>(&self, duration: Duration, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            result = work => Some(result),
            () = self.sleep(duration) => None,
        }
    }
}

/// Returns the current time of the computer, in microseconds since the Unix epoch.
fn real_micros() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_micros() as u64
}

/// The time of one task, such as a job. If a test advances the clock, each sleep of the task takes its part of the advance, and
/// the rest is left for the next sleeps. Work takes its real time, so that its duration does not depend on when the clock was
/// advanced. Clones share the time.
#[derive(Clone)]
pub(crate) struct Pace {
    time: Time,
    /// The microseconds from the time of the computer to that of the task.
    offset: Arc<AtomicI64>,
    /// The microseconds by which the clock had been advanced at the end of the last sleep.
    seen: Arc<AtomicU64>,
    moved: Arc<Notify>,
    /// The number of sleeps that had passed when they began.
    passed: Arc<AtomicU64>,
    end: Option<Timestamp>,
}

/// After this many sleeps that have passed, a task yields.
const MOST_PASSED: u64 = 1000;

impl Pace {
    /// Returns the pace of a task that started at `start`.
    pub(crate) fn new(time: Time, start: Timestamp) -> Self {
        let pace = Self {
            time,
            offset: Arc::default(),
            seen: Arc::default(),
            moved: Arc::default(),
            passed: Arc::default(),
            end: None,
        };
        pace.set(start);
        pace
    }

    /// Returns the same pace, whose sleeps go no further than `end`: then they never return, and the caller drops them.
    pub(crate) fn up_to(&self, end: Option<Timestamp>) -> Self {
        let ends = [self.end, end];
        Self { end: ends.into_iter().flatten().min(), ..self.clone() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp(real_micros().saturating_add_signed(self.offset.load(Ordering::Relaxed)))
    }

    fn set(&self, now: Timestamp) {
        self.offset.store(now.0 as i64 - real_micros() as i64, Ordering::Relaxed);
        self.seen.store(self.time.advanced(), Ordering::Relaxed);
    }

    /// Sleeps for a duration of the emulated service.
    pub(crate) async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now().plus(self.time.scaled(duration))).await;
    }

    pub(crate) async fn sleep_until(&self, moment: Timestamp) {
        if moment <= self.now() {
            return;
        }
        let end = self.end.filter(|end| *end < moment);
        let until = end.unwrap_or(moment);
        if until <= self.time.now() {
            let passed = self.passed.fetch_add(1, Ordering::Relaxed) + 1;
            if passed.is_multiple_of(MOST_PASSED) {
                tokio::task::yield_now().await;
            }
        }
        self.time.sleep_until(until).await;
        self.set(until);
        if end.is_some() {
            self.moved.notify_waiters();
            std::future::pending().await
        }
    }

    /// Waits until the end and returns it; forever if there is none. Advances count also while the task works.
    pub(crate) async fn ended(&self) -> Timestamp {
        let Some(end) = self.end else { return std::future::pending().await };
        let unused = || self.time.advanced().saturating_sub(self.seen.load(Ordering::Relaxed));
        self.wait(end, || self.now().plus(Duration::from_micros(unused()))).await;
        end
    }

    /// Waits until the time of the task is `moment`. Takes no part of an advance itself.
    pub(crate) async fn reached(&self, moment: Timestamp) {
        self.wait(moment, || self.now()).await;
    }

    async fn wait(&self, moment: Timestamp, now: impl Fn() -> Timestamp) {
        loop {
            let moved = self.moved.notified();
            let left = moment.since(now());
            if left <= 0.0 {
                return;
            }
            tokio::select! {
                () = self.time.sleep_real(Duration::from_secs_f64(left)) => {}
                () = moved => {}
            }
        }
    }
}

impl Timestamp {
    pub(crate) fn plus(self, time: Duration) -> Self {
        Self(self.0 + time.as_micros() as u64)
    }

    pub(crate) fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(time.as_micros() as u64))
    }

    /// Returns the seconds since `earlier`, or 0 if that is later.
    pub(crate) fn since(self, earlier: Self) -> f64 {
        self.0.saturating_sub(earlier.0) as f64 / 1e6
    }

    pub(crate) fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Formats the time as RFC 3339 in UTC, with up to `digits` fractional digits and no trailing zeros.
    pub(crate) fn rfc3339(self, digits: usize) -> String {
        let seconds = self.seconds();
        let (year, month, day) = civil_from_days((seconds / 86_400) as i64);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let fraction = format!("{:06}000", self.0 % 1_000_000);
        let fraction = fraction[..digits].trim_end_matches('0');
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{point}{fraction}Z")
    }

    /// Formats the time for an HTTP header, such as `Sun, 06 Nov 1994 08:49:37 GMT`.
    pub(crate) fn http_date(self) -> String {
        const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let seconds = self.seconds();
        let days = seconds / 86_400;
        let (year, month, day) = civil_from_days(days as i64);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let (weekday, month) = (DAYS[(days % 7) as usize], MONTHS[month as usize - 1]);
        format!("{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }

    /// Parses an ISO 8601 date, or a date and time with an optional offset.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (date, time) = match text.split_once(['T', 't', ' ']) {
            Some((date, time)) => (date, time),
            None => (text, "00:00:00Z"),
        };
        let mut parts = date.split('-');
        let mut next = || parts.next()?.parse::<i64>().ok();
        let (year, month, day) = (next()?, next()?, next()?);
        if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let (time, offset) = split_offset(time)?;
        let mut parts = time.split(':');
        let hour: u64 = parts.next()?.parse().ok()?;
        let minute: u64 = parts.next()?.parse().ok()?;
        let seconds: f64 = parts.next().unwrap_or("0").parse().ok()?;
        if hour > 23 || minute > 59 || !(0.0..61.0).contains(&seconds) {
            return None;
        }
        let whole = days_from_civil(year, month, day) * 86_400 + (hour * 3600 + minute * 60) as i64 - offset;
        u64::try_from(whole * 1_000_000 + (seconds * 1e6).round() as i64).ok().map(Self)
    }
}

/// Splits `10:00:00+02:00` into the time and the offset in seconds.
fn split_offset(time: &str) -> Option<(&str, i64)> {
    if let Some(time) = time.strip_suffix(['Z', 'z']) {
        return Some((time, 0));
    }
    let Some(at) = time.rfind(['+', '-']) else {
        return Some((time, 0));
    };
    let (time, offset) = time.split_at(at);
    let digits: String = offset[1..].chars().filter(|c| *c != ':').collect();
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let minutes = digits[..2].parse::<i64>().ok()? * 60 + digits[2..].parse::<i64>().ok()?;
    Some((time, if offset.starts_with('-') { -minutes * 60 } else { minutes * 60 }))
}

/// Converts days since 1970 to year, month and day of the Gregorian calendar, which repeats every 400 years.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Converts a date of the Gregorian calendar to days since 1970.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formatted_timestamp_parses_to_the_same_time() {
        let timestamp = Timestamp::parse("2024-02-29T23:59:58.25Z").expect("a leap day");
        assert_eq!(timestamp.rfc3339(9), "2024-02-29T23:59:58.25Z");
        assert_eq!(Timestamp::parse("2024-03-01T01:59:58.25+02:00"), Some(timestamp));
        assert_eq!(timestamp.http_date(), "Thu, 29 Feb 2024 23:59:58 GMT");
    }

    #[test]
    fn malformed_times_do_not_parse() {
        for text in [
            "",
            "yesterday",
            "2024-13-01",
            "2024-01-01T25:00:00Z",
            "2024-01-01T00:00:00+1",
            "2024-01-01T00:00:00+aé1",
            "2024-01-01T00:00:00-+1+2",
        ] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }

    #[test]
    fn timestamps_never_repeat() {
        let time = Time::new(1.0);
        let timestamps: Vec<_> = (0..1000).map(|_| time.now()).collect();
        assert!(timestamps.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
