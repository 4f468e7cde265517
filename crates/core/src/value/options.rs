//! Declares options with a table of their names, types and units, which every language is tested against.

use std::{path::PathBuf, time::Duration};

use indexmap::IndexMap;

use super::{DecodeError, Object, Value};

/// An option that every language must support.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OptionSpec {
    pub name: &'static str,
    /// `string`, `number`, `integer`, `boolean`, `list`, `table` (an object of strings), `any`, or
    /// the accepted words, such as `cancel | leave`.
    pub kind: &'static str,
    pub unit: Option<&'static str>,
}

impl OptionSpec {
    /// Builds the entry of an option of type `T`.
    pub const fn of<T: OptionType>(name: &'static str) -> Self {
        // Fields named like keywords are raw identifiers.
        let name = match name.as_bytes() {
            [b'r', b'#', ..] => name.split_at(2).1,
            _ => name,
        };
        Self { name, kind: T::KIND, unit: T::UNIT }
    }

    pub fn to_value(self) -> Value {
        Value::from_members([
            ("name", self.name.into()),
            ("type", self.kind.into()),
            ("unit", self.unit.into()),
        ])
    }
}

/// The type of an option.
pub(crate) trait OptionType {
    const KIND: &'static str;
    const UNIT: Option<&'static str> = None;
}

macro_rules! option_types {
    ($($type:ty => $kind:literal $(in $unit:literal)?,)*) => {
        $(impl $crate::value::options::OptionType for $type {
            const KIND: &'static str = $kind;
            $(const UNIT: Option<&'static str> = Some($unit);)?
        })*
    };
}
pub(crate) use option_types;

option_types! {
    bool => "boolean",
    f64 => "number",
    i64 => "integer",
    u32 => "integer",
    u64 => "integer",
    Duration => "number" in "seconds",
    String => "string",
    PathBuf => "path",
    Vec<String> => "list",
    IndexMap<String, String> => "table",
    Object => "table",
    Value => "any",
}

impl<T: OptionType> OptionType for Option<T> {
    const KIND: &'static str = T::KIND;
    const UNIT: Option<&'static str> = T::UNIT;
}

/// A struct of options with a table of its fields.
pub(crate) trait OptionTable {
    const TABLE: &'static [OptionSpec];
}

/// Declares a struct that serde decodes, and implements [`OptionTable`] for it.
///
/// Fields after `rust` exist in Rust only.
macro_rules! options {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $($(#[$field_meta:meta])* $field_vis:vis $field:ident: $type:ty,)*
        }
        $(rust { $($(#[$rust_meta:meta])* $rust:ident: $rust_type:ty,)* })?
    ) => {
        $(#[$meta])*
        $vis struct $name {
            $($(#[$field_meta])* $field_vis $field: $type,)*
            $($($(#[$rust_meta])* #[serde(skip)] pub $rust: $rust_type,)*)?
        }

        impl $crate::value::options::OptionTable for $name {
            const TABLE: &'static [$crate::value::options::OptionSpec] =
                &[$($crate::value::options::OptionSpec::of::<$type>(stringify!($field)),)*];
        }
    };
}
pub(crate) use options;

/// Divides the members of an object among the tables that list them.
///
/// # Errors
/// If `params` is not an object, or no table lists a member.
pub(crate) fn split<const N: usize>(
    params: Value,
    tables: [&[OptionSpec]; N],
) -> Result<[Value; N], DecodeError> {
    let members = match params {
        Value::Null => Object::new(),
        Value::Object(members) => members,
        other => return Err(DecodeError::not_an_object(&other)),
    };
    let part_of = |name: &str| {
        let part = tables.iter().position(|table| table.iter().any(|option| option.name == name));
        part.ok_or_else(|| {
            let known = tables.iter().flat_map(|table| table.iter()).map(|option| option.name);
            DecodeError::unknown_member(name, known)
        })
    };
    let mut parts: [Object; N] = std::array::from_fn(|_| Object::new());
    // Most calls have no options, so that all members belong to one part, which takes the object as it is.
    let first = members.keys().next().map_or(Ok(0), |name| part_of(name))?;
    if members.keys().skip(1).all(|name| matches!(part_of(name), Ok(part) if part == first)) {
        parts[first] = members;
    } else {
        for (name, value) in members {
            parts[part_of(&name)?].insert(name, value);
        }
    }
    Ok(parts.map(Value::Object))
}
