//! The position of a file, which the uploads that read it share.

use std::{
    collections::HashMap,
    process,
    sync::{Arc, Mutex, Weak},
};

use pyo3::{exceptions::PyValueError, prelude::*, types::PyString};
use replicant::bindings::lock;
use tokio::sync::{Mutex as TurnMutex, OwnedMutexGuard};

use crate::{awaitable::close, once::intern};

/// How often to wait for a measurement, for 1 ms each. A greenlet waits in vain if `time.sleep` does not let others run.
const WAITS: u32 = 2000;

/// Positions by process and address of the file object. A forked child has its own, because a thread that it lacks may have been
/// reading.
type Positions = HashMap<(u32, usize), Weak<Position>>;

/// The positions of files that are in use. Only attached threads hold the lock.
static IN_USE: Mutex<Option<Positions>> = Mutex::new(None);

/// The part of a file that an upload sends.
#[derive(Clone, Copy)]
pub struct Extent {
    /// The position to begin at; `None` if the file cannot be rewound.
    pub start: Option<u64>,
    /// The number of bytes, if known.
    pub len: Option<u64>,
}

impl Extent {
    /// Returns whether an upload that has read up to a position is incomplete. A file at its end is uploaded whole.
    fn has_more_after(&self, position: u64) -> bool {
        self.start.zip(self.len).is_some_and(|(start, len)| position < start + len)
    }
}

/// The position of a file. An upload moves it, so another one that begins meanwhile must not begin there.
#[derive(Default)]
pub struct Position {
    /// Where an upload has left the file. Locked while the file is measured or read.
    left: Arc<TurnMutex<Option<u64>>>,
    /// What the last upload sends that has measured the file.
    measured: Mutex<Option<Extent>>,
}

/// The right to move the position of a file, with the position at which it was left.
pub type Turn = OwnedMutexGuard<Option<u64>>;

impl Position {
    /// Returns the position of `file`.
    pub fn of(file: &Bound<'_, PyAny>) -> Arc<Self> {
        let mut in_use = lock(&IN_USE);
        let in_use = in_use.get_or_insert_default();
        let key = (process::id(), file.as_ptr() as usize);
        if let Some(position) = in_use.get(&key).and_then(Weak::upgrade) {
            return position;
        }
        if in_use.len() == in_use.capacity() {
            in_use.retain(|_, position| position.strong_count() > 0);
        }
        let position = Arc::<Self>::default();
        in_use.insert(key, Arc::downgrade(&position));
        position
    }

    /// Returns what an upload that begins now sends: from the position of the file on, or from that of the other uploads if
    /// they have moved it.
    pub fn extent(&self, file: &Bound<'_, PyAny>) -> PyResult<Extent> {
        for _ in 0..WAITS {
            let measured = *lock(&self.measured);
            let Ok(mut left) = self.left.try_lock() else {
                match measured {
                    Some(extent) => return Ok(extent),
                    // Another thread measures it, or another greenlet of this thread, which a lock would block, too.
                    None => file.py().import("time")?.call_method1("sleep", (0.001,))?,
                };
                continue;
            };
            if let (Some(extent), Some(left)) = (measured, *left)
                && extent.has_more_after(left)
                && tell(file).is_ok_and(|at| at == left)
            {
                return Ok(extent);
            }
            let extent = measure(file);
            *left = None;
            *lock(&self.measured) = Some(extent);
            return Ok(extent);
        }
        Ok(measure(file))
    }

    /// Waits until no other upload reads the file.
    pub async fn turn(&self) -> Turn {
        self.left.clone().lock_owned().await
    }
}

pub fn tell(file: &Bound<'_, PyAny>) -> PyResult<u64> {
    let at = file.call_method0(intern!(file.py(), "tell"))?;
    close(&at);
    at.extract()
}

/// Measures a file. Its position does not change.
fn measure(file: &Bound<'_, PyAny>) -> Extent {
    let ends = || -> PyResult<(u64, u64)> {
        let py = file.py();
        // Files without `seekable` that cannot `seek` fail below.
        if let Ok(seekable) = file.call_method0(intern!(py, "seekable"))
            && (close(&seekable) || !seekable.is_truthy()?)
        {
            return Err(PyValueError::new_err("not seekable"));
        }
        let start = tell(file)?;
        if close(&file.call_method1(intern!(py, "seek"), (0, 2))?) {
            return Err(PyValueError::new_err("`seek` is async"));
        }
        let end = tell(file)?;
        file.call_method1(intern!(py, "seek"), (start,))?;
        Ok((start, end))
    };
    match ends() {
        // Positions in text are not byte offsets.
        Ok((start, end)) if is_text(file) => {
            if start >= end {
                let _ = file.call_method1(intern!(file.py(), "seek"), (0,));
            }
            Extent { start: None, len: (end == 0).then_some(0) }
        }
        // A file at its end was just written: upload all of it.
        Ok((start, end)) if start >= end => Extent { start: Some(0), len: Some(end) },
        Ok((start, end)) => Extent { start: Some(start), len: Some(end - start) },
        Err(_) => Extent { start: None, len: None },
    }
}

fn is_text(file: &Bound<'_, PyAny>) -> bool {
    let py = file.py();
    let Ok(nothing) = file.call_method1(intern!(py, "read"), (0,)) else { return false };
    close(&nothing);
    nothing.is_instance_of::<PyString>()
}
