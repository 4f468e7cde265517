//! Tells whether a request that timed out still waited for its connection, so that nothing of it was sent.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

tokio::task_local! {
    /// Whether every request that the running poll has continued still waits. `None` if none of them has reported it.
    static WAITS: Cell<Option<bool>>;
}

/// Runs a request of any transport. `unsent` stays true while each poll reports that it waits, and nothing makes it true again.
/// Until then, the request ends with what `end` returns before a poll.
pub(crate) async fn watch<F: Future>(
    request: F,
    unsent: &mut bool,
    end: impl Fn() -> Option<F::Output>,
) -> F::Output {
    *unsent = true;
    let mut request = pin!(request);
    poll_fn(|context| {
        if let Some(output) = unsent.then(&end).flatten() {
            return Poll::Ready(output);
        }
        let (polled, waits) = poll(request.as_mut(), context);
        *unsent &= waits == Some(true);
        polled
    })
    .await
}

/// Runs a request and reports whether it waits.
pub(super) async fn reporting<F: Future>(request: F) -> F::Output {
    let mut request = pin!(request);
    poll_fn(|context| {
        let (polled, waits) = poll(request.as_mut(), context);
        report(waits == Some(true));
        polled
    })
    .await
}

/// Waits for something without which no byte of a request can be sent.
pub(super) async fn before_sending<F: Future>(wait: F) -> F::Output {
    let mut wait = pin!(wait);
    poll_fn(|context| {
        let polled = wait.as_mut().poll(context);
        if polled.is_pending() {
            report(true);
        }
        polled
    })
    .await
}

/// Polls `future`. Also returns what was reported meanwhile.
fn poll<F: Future>(future: Pin<&mut F>, context: &mut Context<'_>) -> (Poll<F::Output>, Option<bool>) {
    WAITS.sync_scope(Cell::new(None), || (future.poll(context), WAITS.with(Cell::get)))
}

fn report(waits: bool) {
    // Fails for a request that nothing watches.
    let _ = WAITS.try_with(|all| all.set(Some(waits && all.get() != Some(false))));
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use futures_util::{FutureExt, join};

    use super::*;

    fn is_unsent(request: impl Future) -> bool {
        let mut unsent = false;
        let ended = watch(request, &mut unsent, || None).now_or_never();
        assert!(ended.is_none());
        unsent
    }

    #[test]
    fn a_request_is_unsent_while_all_that_its_transport_sends_waits() {
        let waits = || reporting(before_sending(pending::<()>()));
        let sent = || reporting(pending::<()>());
        assert!(is_unsent(waits()));
        assert!(is_unsent(async { join!(waits(), waits()) }));
        assert!(!is_unsent(sent()));
        assert!(!is_unsent(async { join!(waits(), sent()) }));
        assert!(!is_unsent(async { join!(sent(), waits()) }));
        assert!(!is_unsent(pending::<()>()), "a transport that reports nothing");
    }
}
