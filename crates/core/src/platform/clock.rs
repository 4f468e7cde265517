//! The clock and the timer for work that has no client and thus no [`Runtime`](super::Runtime), and what else JavaScript does
//! for the core on the web.

#[cfg(not(target_arch = "wasm32"))]
mod imp {
    use std::time::{Duration, SystemTime, UNIX_EPOCH};

    /// Returns the time since the Unix epoch.
    pub(crate) fn wall_clock() -> Duration {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
    }

    /// Waits for `duration`, whatever the clock rate of a client.
    pub(crate) async fn real_sleep(duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(target_arch = "wasm32")]
mod imp {
    use std::{
        cell::{Cell, RefCell},
        sync::Arc,
        time::Duration,
    };

    use crate::platform::Runtime;

    thread_local! {
        static RUNTIME: RefCell<Option<Arc<dyn Runtime>>> = const { RefCell::new(None) };
        static PARSE_DECIMAL: Cell<fn(&str) -> f64> = const { Cell::new(|_| f64::NAN) };
    }

    /// Sets the runtime for work without a client: the standard library has no clock on the web.
    pub fn set_runtime(runtime: Arc<dyn Runtime>) {
        RUNTIME.set(Some(runtime));
    }

    /// Sets the function that parses decimal numbers: JavaScript's `Number`. It returns NaN for other text.
    pub fn set_decimal_parser(parse: fn(&str) -> f64) {
        PARSE_DECIMAL.set(parse);
    }

    pub(crate) fn parse_decimal(text: &str) -> f64 {
        PARSE_DECIMAL.get()(text)
    }

    /// Returns the time since the Unix epoch.
    pub(crate) fn wall_clock() -> Duration {
        RUNTIME.with_borrow(|runtime| runtime.as_ref().map(|runtime| runtime.now()).unwrap_or_default())
    }

    /// Waits for `duration`, whatever the clock rate of a client.
    pub(crate) async fn real_sleep(duration: Duration) {
        let runtime = RUNTIME.with_borrow(Option::clone);
        if let Some(runtime) = runtime {
            runtime.sleep(duration).await;
        }
    }
}

#[cfg(target_arch = "wasm32")]
pub(crate) use self::imp::parse_decimal;
pub(crate) use self::imp::{real_sleep, wall_clock};
#[cfg(target_arch = "wasm32")]
pub use self::imp::{set_decimal_parser, set_runtime};
