//! Secrets that Python code stores and passes on, and does not print.

use std::hash::{Hash, Hasher};

use pyo3::{prelude::*, types::PyString};
use replicant::Token;

/// A text that `repr` and the locals of a traceback do not show. Its memory is overwritten with zeros on drop.
#[pyclass(frozen, eq, hash, module = "replicant._native")]
#[derive(PartialEq)]
pub struct Secret(Token);

impl Hash for Secret {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

#[pymethods]
impl Secret {
    /// Returns the text.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    fn __repr__(&self) -> &'static str {
        "Secret(***)"
    }
}

/// Returns a text as a secret, and anything else unchanged.
pub fn conceal<'py>(value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // A text that is not Unicode is refused later, with the name of the option.
    let Some(text) = value.cast::<PyString>().ok().and_then(|text| text.to_cow().ok()) else {
        return Ok(value);
    };
    Ok(Bound::new(value.py(), Secret(Token::from(&*text)))?.into_any())
}
