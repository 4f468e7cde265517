//! Panics become errors of the core.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use futures_util::FutureExt;
use replicant::{BoxFuture, Error, ErrorKind, Result};

/// Runs `work`; a panic becomes an error.
pub fn guard<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(&*panic)))
}

/// Awaits `work`; a panic becomes an error.
pub async fn guarded<T>(work: BoxFuture<'static, Result<T>>) -> Result<T> {
    AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|panic| Err(panicked(&*panic)))
}

pub fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("panic");
    Error::new(ErrorKind::Internal, format!("this is a bug in replicant, please report it: {text}"))
}
