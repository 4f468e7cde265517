//! JSON that serde_json rejects or rounds, as Python objects: integers of any size, floats out of range, strings with
//! half a surrogate pair, and any depth. The result is that of `json.loads`, which has a limit for the depth.

use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString},
};

/// A list or dictionary whose end has not been reached yet.
enum Open<'py> {
    List(Bound<'py, PyList>),
    Dict(Bound<'py, PyDict>, Bound<'py, PyString>),
}

/// Returns the Python object for a JSON text that the core has checked. Uses no stack for nested values.
pub fn to_python<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let mut text = Text { py, rest: text };
    let mut open = Vec::new();
    loop {
        let mut value = match text.peek() {
            b'[' => {
                text.skip();
                if text.peek() != b']' {
                    open.push(Open::List(PyList::empty(py)));
                    continue;
                }
                text.skip();
                PyList::empty(py).into_any()
            }
            b'{' => {
                text.skip();
                if text.peek() != b'}' {
                    open.push(Open::Dict(PyDict::new(py), text.name()?));
                    continue;
                }
                text.skip();
                PyDict::new(py).into_any()
            }
            b'"' => text.string()?.into_any(),
            _ => text.scalar()?,
        };
        loop {
            match open.last() {
                None => return Ok(value),
                Some(Open::List(list)) => list.append(value)?,
                Some(Open::Dict(dict, name)) => dict.set_item(name, value)?,
            }
            let more = text.peek() == b',';
            text.skip();
            value = match (open.pop(), more) {
                (Some(Open::List(list)), true) => {
                    open.push(Open::List(list));
                    break;
                }
                (Some(Open::Dict(dict, _)), true) => {
                    open.push(Open::Dict(dict, text.name()?));
                    break;
                }
                (Some(Open::List(list)), false) => list.into_any(),
                (Some(Open::Dict(dict, _)), false) => dict.into_any(),
                (None, _) => return Err(malformed()),
            };
        }
    }
}

/// The text that has not been read yet.
struct Text<'a, 'py> {
    py: Python<'py>,
    rest: &'a str,
}

impl<'a, 'py> Text<'a, 'py> {
    /// Returns the next byte that is not white space, or 0 at the end.
    fn peek(&mut self) -> u8 {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
        self.rest.bytes().next().unwrap_or(0)
    }

    /// Skips a bracket, comma or colon.
    fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    /// Reads the name of a member and the colon.
    fn name(&mut self) -> PyResult<Bound<'py, PyString>> {
        if self.peek() != b'"' {
            return Err(malformed());
        }
        let name = self.string()?;
        self.peek();
        self.skip();
        Ok(name)
    }

    fn string(&mut self) -> PyResult<Bound<'py, PyString>> {
        let mut escaped = true;
        let end = self.rest.bytes().position(|byte| {
            let ends = byte == b'"' && !escaped;
            // The first byte is the opening quote.
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let literal = self.take(end.ok_or_else(malformed)? + 1);
        match serde_json::from_str::<String>(literal) {
            Ok(string) => Ok(PyString::new(self.py, &string)),
            // Only Python can express half a surrogate pair.
            Err(_) => Ok(self.py.import("json")?.call_method1("loads", (literal,))?.cast_into()?),
        }
    }

    fn scalar(&mut self) -> PyResult<Bound<'py, PyAny>> {
        let end = self.rest.find([',', ']', '}', ' ', '\t', '\n', '\r']).unwrap_or(self.rest.len());
        let (py, literal) = (self.py, self.take(end));
        match literal {
            "null" => Ok(py.None().into_bound(py)),
            "true" | "false" => Ok(PyBool::new(py, literal == "true").to_owned().into_any()),
            _ if literal.contains(['.', 'e', 'E']) => {
                // Out of range is infinite, as in Python.
                let float: f64 = literal.parse().map_err(|_| malformed())?;
                Ok(PyFloat::new(py, float).into_any())
            }
            _ => integer(py, literal),
        }
    }
}

/// Returns an integer of any size. One with more digits than Python converts (4,300) is infinite, as in JavaScript, so that
/// the rest of the response can be read.
pub fn integer<'py>(py: Python<'py>, digits: &str) -> PyResult<Bound<'py, PyAny>> {
    py.get_type::<PyInt>().call1((digits,)).or_else(|_| {
        let float: f64 = digits.parse().map_err(|_| malformed())?;
        Ok(PyFloat::new(py, float).into_any())
    })
}

fn malformed() -> PyErr {
    PyValueError::new_err("malformed JSON")
}
