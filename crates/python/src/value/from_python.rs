//! Python objects to values of the core.

use std::path::PathBuf;

use bytes::{Bytes, BytesMut};
use pyo3::{
    exceptions::PyValueError,
    prelude::*,
    pybacked::PyBackedBytes,
    types::{
        IntoPyDict, PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMemoryView,
        PySet, PyString, PyTuple,
    },
};
use replicant::{File, Number, Object, Value};

use crate::{once::intern, raised::reraised, secret::Secret, source::Reader};

/// The maximum nesting of data; deeper data would overflow the stack here or in the core.
const DEPTH: usize = 250;

/// Returns a Python object as a value of the core.
///
/// # Errors
/// `InvalidArgumentError`, which names the place inside the object: `input.image[0]`.
pub fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Value> {
    let py = object.py();
    let mut walk = Walk { py, place: Vec::new(), inside: Vec::new(), readers: Vec::new() };
    walk.value(object).map_err(|raised| reraised(py, raised))
}

/// The state of a conversion: the current place and the containers around it.
struct Walk<'py> {
    py: Python<'py>,
    place: Vec<Step<'py>>,
    inside: Vec<usize>,
    /// The readers found so far: a file that occurs twice is one source.
    readers: Vec<(usize, File)>,
}

/// A step into a member or item; formatted for errors only.
enum Step<'py> {
    Member(Bound<'py, PyString>),
    Item(usize),
}

impl<'py> Walk<'py> {
    fn value(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Value> {
        // The types of JSON first, as they are the most common; `bool` before `int`, its base class.
        if object.is_none() {
            Ok(Value::Null)
        } else if let Ok(string) = object.cast::<PyString>() {
            self.text(string).map(Value::String)
        } else if let Ok(bool) = object.cast::<PyBool>() {
            Ok(Value::Bool(bool.is_true()))
        } else if let Ok(int) = object.cast::<PyInt>() {
            integer(int)
        } else if let Ok(float) = object.cast::<PyFloat>() {
            self.float(float.value())
        } else if let Ok(dict) = object.cast::<PyDict>() {
            self.within(object, |walk| walk.members(pairs(dict).into_iter().map(Ok)))
        } else if let Ok(list) = object.cast::<PyList>() {
            self.within(object, |walk| walk.items(list.iter().map(Ok)))
        } else if let Ok(tuple) = object.cast::<PyTuple>() {
            self.within(object, |walk| walk.items(tuple.iter().map(Ok)))
        } else if let Ok(bytes) = object.cast::<PyBytes>() {
            // Not copied: the core keeps the Python object alive.
            Ok(Value::Bytes(Bytes::from_owner(PyBackedBytes::from(bytes.clone()))))
        } else {
            self.other(object)
        }
    }

    fn other(&mut self, object: &Bound<'py, PyAny>) -> PyResult<Value> {
        let py = object.py();
        if let Ok(secret) = object.cast::<Secret>() {
            return Ok(Value::String(secret.get().reveal().to_owned()));
        }
        if let Ok(bytes) = object.cast::<PyByteArray>() {
            return Ok(Value::Bytes(bytes.to_vec().into()));
        }
        if object.is_instance_of::<PyMemoryView>() {
            let bytes = object.call_method0(intern!(py, "tobytes"))?;
            return self.value(&bytes);
        }
        if object.is_instance_of::<PySet>() || object.is_instance_of::<PyFrozenSet>() {
            return self.within(object, |walk| walk.items(object.try_iter()?));
        }
        // A class has the methods of its instances, but is not one of them.
        if object.is_instance_of::<pyo3::types::PyType>() {
            return Err(self.refuse(object));
        }
        if let Some(url) = attribute(object, intern!(py, "__url__")) {
            return self.value(&url);
        }
        if has_method(object, intern!(py, "__fspath__")) {
            let path: PathBuf = object.extract()?;
            return Ok(Value::File(File::path(path)));
        }
        // Numbers and arrays of numpy and similar packages have a `dtype`.
        if attribute(object, intern!(py, "dtype")).is_some() && has_method(object, intern!(py, "tolist")) {
            let plain = object.call_method0(intern!(py, "tolist"))?;
            if plain.is(object) {
                return Err(self.refuse(object));
            }
            return self.within(object, |walk| walk.value(&plain));
        }
        // Scalars of Arrow.
        if has_method(object, intern!(py, "as_py")) {
            let plain = object.call_method0(intern!(py, "as_py"))?;
            return self.within(object, |walk| walk.value(&plain));
        }
        if has_method(object, intern!(py, "read")) {
            return self.reader(object).map(Value::File);
        }
        if is_image(object) {
            return self.image(object);
        }
        if has_method(object, intern!(py, "keys")) && has_method(object, intern!(py, "__getitem__")) {
            let pairs = object.call_method0(intern!(py, "items"))?;
            return self.within(object, |walk| {
                walk.members(
                    pairs.try_iter()?.map(|pair| pair?.extract::<(Bound<'py, PyAny>, Bound<'py, PyAny>)>()),
                )
            });
        }
        if has_method(object, intern!(py, "__next__")) {
            let items = self.within(object, |walk| walk.items(object.try_iter()?))?;
            return Ok(content(items));
        }
        if has_method(object, intern!(py, "__aiter__")) {
            let chunks = py.import("replicant._files")?.getattr("AsyncChunks")?.call1((object,))?;
            return self.reader(&chunks).map(Value::File);
        }
        Err(self.refuse(object))
    }

    fn members(
        &mut self,
        members: impl Iterator<Item = PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)>>,
    ) -> PyResult<Value> {
        let mut object = Object::with_capacity(members.size_hint().0.min(64));
        for member in members {
            let (key, member) = member?;
            let key = self.key(key)?;
            let name = self.text(&key)?;
            self.place.push(Step::Member(key.clone()));
            let value = self.value(&member)?;
            self.place.pop();
            object.insert(name, value);
        }
        Ok(Value::Object(object))
    }

    /// Returns a key as text, in the form of `json.dumps`.
    fn key(&self, key: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
        let py = key.py();
        let key = match key.cast_into::<PyString>() {
            Ok(text) => return Ok(text),
            Err(error) => error.into_inner(),
        };
        let text = if key.is_none() {
            "null"
        } else if let Ok(bool) = key.cast::<PyBool>() {
            if bool.is_true() { "true" } else { "false" }
        } else if let Ok(float) = key.cast::<PyFloat>() {
            self.float(float.value())?;
            return py
                .get_type::<PyFloat>()
                .call_method1("__repr__", (float,))?
                .cast_into()
                .map_err(Into::into);
        } else if key.is_instance_of::<PyInt>() {
            return py.get_type::<PyInt>().call_method1("__repr__", (key,))?.cast_into().map_err(Into::into);
        } else {
            let kind = key.get_type().name()?;
            return Err(
                self.wrong_type(format!("keys must be strings, numbers, booleans or None, not {kind}"))
            );
        };
        Ok(PyString::new(py, text))
    }

    fn items(&mut self, items: impl Iterator<Item = PyResult<Bound<'py, PyAny>>>) -> PyResult<Value> {
        let mut array = Vec::new();
        for (index, item) in items.enumerate() {
            self.place.push(Step::Item(index));
            array.push(self.value(&item?)?);
            self.place.pop();
        }
        Ok(Value::Array(array))
    }

    /// Converts the content of `container`, unless it contains itself.
    fn within(
        &mut self,
        container: &Bound<'_, PyAny>,
        convert: impl FnOnce(&mut Self) -> PyResult<Value>,
    ) -> PyResult<Value> {
        let address = container.as_ptr() as usize;
        if self.inside.contains(&address) {
            return Err(self.invalid("circular reference: it contains itself"));
        }
        if self.inside.len() >= DEPTH {
            return Err(self.invalid(format!("nested deeper than {DEPTH} levels")));
        }
        self.inside.push(address);
        let value = convert(self);
        self.inside.pop();
        value
    }

    fn text(&self, string: &Bound<'_, PyString>) -> PyResult<String> {
        string
            .to_cow()
            .map(std::borrow::Cow::into_owned)
            .map_err(|_| self.invalid("a string with an unpaired surrogate cannot be sent"))
    }

    fn float(&self, float: f64) -> PyResult<Value> {
        if float.is_finite() {
            return Ok(Value::Number(Number::Float(float)));
        }
        Err(self.invalid(format!("{float} cannot be sent as JSON; pass None or omit it")))
    }

    fn reader(&mut self, object: &Bound<'_, PyAny>) -> PyResult<File> {
        let address = object.as_ptr() as usize;
        if let Some((_, file)) = self.readers.iter().find(|(known, _)| *known == address) {
            return Ok(file.clone());
        }
        let closed = attribute(object, intern!(object.py(), "closed"));
        if closed.is_some_and(|closed| closed.extract::<bool>().unwrap_or_default()) {
            return Err(self.invalid("the file is closed; pass an open one, or its path"));
        }
        let file = Reader::file(object)?;
        self.readers.push((address, file.clone()));
        Ok(file)
    }

    /// Returns a PIL image as a PNG file, which is lossless.
    fn image(&self, object: &Bound<'_, PyAny>) -> PyResult<Value> {
        let py = object.py();
        let buffer = py.import("io")?.getattr("BytesIO")?.call0()?;
        object.call_method1(intern!(py, "save"), (&buffer, "PNG")).map_err(|error| {
            let refused = self.wrong_type("the image cannot be saved as PNG");
            refused.set_cause(py, Some(error));
            refused
        })?;
        let bytes = buffer.call_method0("getvalue")?.cast_into::<PyBytes>()?;
        let bytes = Bytes::from_owner(PyBackedBytes::from(bytes));
        Ok(Value::File(File::bytes(bytes).filename("image.png").content_type("image/png")))
    }

    fn here(&self) -> String {
        if self.place.is_empty() {
            return "the argument".to_owned();
        }
        let mut here = String::new();
        for step in &self.place {
            here += &match step {
                Step::Member(name) if here.is_empty() => name.to_string_lossy().into_owned(),
                Step::Member(name) => format!(".{}", name.to_string_lossy()),
                Step::Item(index) => format!("[{index}]"),
            };
        }
        format!("`{here}`")
    }

    fn refuse(&self, object: &Bound<'_, PyAny>) -> PyErr {
        let kind = object.get_type().fully_qualified_name();
        let kind = kind.map_or_else(|_| "this object".to_owned(), |name| name.to_string());
        self.wrong_type(format!(
            "{kind} cannot be sent; pass text, numbers, lists, dictionaries, bytes, paths or objects with `read`"
        ))
    }

    fn invalid(&self, problem: impl std::fmt::Display) -> PyErr {
        self.refused("InvalidArgumentError", &problem)
    }

    /// Returns an error that is a `TypeError`, too.
    fn wrong_type(&self, problem: impl std::fmt::Display) -> PyErr {
        self.refused("InvalidTypeError", &problem)
    }

    fn refused(&self, class: &str, problem: &dyn std::fmt::Display) -> PyErr {
        let here = self.here();
        let build = || {
            let members = [("argument", here.trim_matches('`'))].into_py_dict(self.py)?;
            let members = (!self.place.is_empty()).then_some(&members);
            let class = self.py.import("replicant._errors")?.getattr(class)?;
            class.call((format!("{here}: {problem}"),), members)
        };
        build().map_or_else(|failure| failure, PyErr::from_value)
    }
}

/// Joins the items of an iterator of bytes, which are the content of one file.
fn content(items: Value) -> Value {
    match &items {
        Value::Array(pieces) if pieces.iter().any(|piece| matches!(piece, Value::Bytes(_))) => {
            let mut whole = BytesMut::new();
            for piece in pieces {
                let Value::Bytes(bytes) = piece else { return items };
                whole.extend_from_slice(bytes);
            }
            Value::Bytes(whole.freeze())
        }
        _ => items,
    }
}

/// Returns the members of a dictionary as they are now: converting a member may change the dictionary.
fn pairs<'py>(dict: &Bound<'py, PyDict>) -> Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let mut pairs = Vec::with_capacity(dict.len());
    // Locks the dictionary once, while `next` locks it for each member.
    dict.iter().for_each(|pair| pairs.push(pair));
    pairs
}

fn integer(int: &Bound<'_, PyInt>) -> PyResult<Value> {
    if let Ok(int) = int.extract::<i64>() {
        return Ok(Value::Number(Number::Int(int)));
    }
    // By the method of `int`, because subclasses such as enumerations may print something else.
    let digits = int.py().get_type::<PyInt>().call_method1("__repr__", (int,))?.extract::<String>()?;
    Number::integer(&digits).map(Value::Number).ok_or_else(|| PyValueError::new_err(digits))
}

/// Returns an attribute unless it is missing or None.
fn attribute<'py>(object: &Bound<'py, PyAny>, name: &Bound<'py, PyString>) -> Option<Bound<'py, PyAny>> {
    object.getattr(name).ok().filter(|value| !value.is_none())
}

fn has_method(object: &Bound<'_, PyAny>, name: &Bound<'_, PyString>) -> bool {
    object.getattr(name).is_ok_and(|method| method.is_callable())
}

/// Returns `true` if this has the attributes of a PIL image.
fn is_image(object: &Bound<'_, PyAny>) -> bool {
    let py = object.py();
    has_method(object, intern!(py, "save"))
        && has_method(object, intern!(py, "tobytes"))
        && attribute(object, intern!(py, "mode")).is_some()
        && attribute(object, intern!(py, "size")).is_some()
}
