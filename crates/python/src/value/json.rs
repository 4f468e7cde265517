//! JSON text to Python objects, without values of the core in between.

use std::{cell::Cell, fmt};

use pyo3::{
    prelude::*,
    types::{PyBool, PyDict, PyFloat, PyList, PyString},
};
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// Returns the Python object for a JSON text; `None` for text that serde_json rejects or rounds, which
/// [`exact_json`](super::exact_json) reads.
///
/// If the text is an object, its members become those of `object`, an empty dictionary.
pub fn to_python<'py>(
    py: Python<'py>,
    text: &str,
    object: Option<Bound<'py, PyDict>>,
) -> Option<Bound<'py, PyAny>> {
    let (rounded, object) = (Cell::new(false), Cell::new(object));
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let built = NAMES
        .with(|names| Build { py, names, rounded: &rounded, object: &object }.deserialize(&mut deserializer));
    built.ok().filter(|_| !rounded.get())
}

/// Returns a name that occurs often, such as that of a member or the kind of an event.
pub fn name<'py>(py: Python<'py>, name: &str) -> Bound<'py, PyString> {
    NAMES.with(|names| names.get(py, name))
}

/// A cache of names as Python strings: responses repeat the same few.
struct Names([Cell<Option<Name>>; 256]);

type Name = (Box<str>, Py<PyString>);

thread_local! {
    static NAMES: Names = const { Names([const { Cell::new(None) }; 256]) };
}

impl Names {
    /// Longer names are data rather than names.
    const LONGEST: usize = 64;

    fn get<'py>(&self, py: Python<'py>, name: &str) -> Bound<'py, PyString> {
        if name.len() > Self::LONGEST {
            return PyString::new(py, name);
        }
        let hash = name.bytes().fold(name.len(), |hash, byte| hash.wrapping_mul(31) ^ usize::from(byte));
        let place = &self.0[hash % self.0.len()];
        let known = place.take().filter(|(known, _)| **known == *name);
        let (known, object) = known.unwrap_or_else(|| (name.into(), PyString::new(py, name).unbind()));
        let given = object.bind(py).clone();
        place.set(Some((known, object)));
        given
    }
}

/// Builds one object.
#[derive(Clone, Copy)]
struct Build<'a, 'py> {
    py: Python<'py>,
    names: &'a Names,
    /// Set if an integer did not fit into 64 bits and was rounded to a float.
    rounded: &'a Cell<bool>,
    /// The dictionary for the outermost object.
    object: &'a Cell<Option<Bound<'py, PyDict>>>,
}

fn failed<E: serde::de::Error>(error: impl fmt::Display) -> E {
    E::custom(error)
}

impl<'de, 'py> DeserializeSeed<'de> for Build<'_, 'py> {
    type Value = Bound<'py, PyAny>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, 'py> Visitor<'de> for Build<'_, 'py> {
    type Value = Bound<'py, PyAny>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(self.py.None().into_bound(self.py))
    }

    fn visit_bool<E>(self, bool: bool) -> Result<Self::Value, E> {
        Ok(PyBool::new(self.py, bool).to_owned().into_any())
    }

    fn visit_i64<E: serde::de::Error>(self, int: i64) -> Result<Self::Value, E> {
        int.into_pyobject(self.py).map(Bound::into_any).map_err(failed)
    }

    fn visit_u64<E: serde::de::Error>(self, int: u64) -> Result<Self::Value, E> {
        int.into_pyobject(self.py).map(Bound::into_any).map_err(failed)
    }

    fn visit_f64<E>(self, float: f64) -> Result<Self::Value, E> {
        if float.abs() >= i64::MAX as f64 && float.fract() == 0.0 {
            self.rounded.set(true);
        }
        Ok(PyFloat::new(self.py, float).into_any())
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(PyString::new(self.py, text).into_any())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        self.object.take();
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            items.push(item);
        }
        PyList::new(self.py, items).map(Bound::into_any).map_err(failed)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
        let dict = self.object.take().unwrap_or_else(|| PyDict::new(self.py));
        while let Some(key) = access.next_key_seed(NameOf(self))? {
            let member = access.next_value_seed(self)?;
            dict.set_item(key, member).map_err(A::Error::custom)?;
        }
        Ok(dict.into_any())
    }
}

/// Builds the name of a member.
struct NameOf<'a, 'py>(Build<'a, 'py>);

impl<'de, 'py> DeserializeSeed<'de> for NameOf<'_, 'py> {
    type Value = Bound<'py, PyString>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'py> Visitor<'_> for NameOf<'_, 'py> {
    type Value = Bound<'py, PyString>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.names.get(self.0.py, name))
    }
}
