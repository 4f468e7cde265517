//! Python objects that are created once.
//!
//! While one of pyo3's cells is being filled, another thread can fork, and the child would wait for that thread forever.
//! These are filled in an instant in which the thread is attached, as a thread that forks must be. What threads create at
//! the same time is dropped, except the first.

use std::sync::OnceLock;

use pyo3::{prelude::*, types::PyString};

/// An object that is created when it is first needed.
pub struct Once<T>(OnceLock<Py<T>>);

impl<T> Once<T> {
    pub const fn new() -> Self {
        Self(OnceLock::new())
    }

    pub fn get_or_try_init(&self, create: impl FnOnce() -> PyResult<Py<T>>) -> PyResult<&Py<T>> {
        match self.0.get() {
            Some(object) => Ok(object),
            None => {
                let object = create()?;
                Ok(self.0.get_or_init(|| object))
            }
        }
    }
}

impl Once<PyAny> {
    /// Returns a member of a module.
    pub fn import<'py>(&self, py: Python<'py>, module: &str, name: &str) -> PyResult<&Bound<'py, PyAny>> {
        let member = self.get_or_try_init(|| Ok(py.import(module)?.getattr(name)?.unbind()))?;
        Ok(member.bind(py))
    }
}

/// A name that is converted to a Python string when it is first used.
pub struct Name {
    text: &'static str,
    string: OnceLock<Py<PyString>>,
}

impl Name {
    pub const fn new(text: &'static str) -> Self {
        Self { text, string: OnceLock::new() }
    }

    pub fn get<'py>(&self, py: Python<'py>) -> &Bound<'py, PyString> {
        let string = match self.string.get() {
            Some(string) => string,
            None => {
                let string = PyString::intern(py, self.text).unbind();
                self.string.get_or_init(|| string)
            }
        };
        string.bind(py)
    }
}

/// Returns a name as a Python string.
macro_rules! intern {
    ($py:expr, $text:expr) => {{
        static NAME: $crate::once::Name = $crate::once::Name::new($text);
        NAME.get($py)
    }};
}
pub(crate) use intern;
