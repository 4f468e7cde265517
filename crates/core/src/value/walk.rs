//! Visits and replaces the leaves of a [`Value`].

use super::{Value, json::lossy_string};

/// One step of a path into a [`Value`].
///
/// ```
/// use replicant::PathSegment;
///
/// // images[0]
/// let path = [PathSegment::Key("images".into()), PathSegment::Index(0)];
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathSegment {
    /// A member of an object.
    Key(String),
    /// An item of an array.
    Index(usize),
}

/// Formats a path as text, such as `input.images[0]`.
pub(crate) fn format_path(root: &str, path: &[PathSegment]) -> String {
    let mut text = root.to_owned();
    for segment in path {
        match segment {
            PathSegment::Key(key) => {
                text.push('.');
                text.push_str(key);
            }
            PathSegment::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

impl Value {
    /// Returns the paths of all file outputs, in depth-first order.
    pub fn file_paths(&self) -> Vec<Vec<PathSegment>> {
        let mut paths = Vec::new();
        self.walk(&mut Vec::new(), &mut |value, path| {
            if matches!(value, Value::FileUrl(_)) {
                paths.push(path.to_vec());
            }
        });
        paths
    }

    /// Concatenates all strings, such as the items of a language model's output. File outputs are omitted, and U+FFFD
    /// replaces half a surrogate pair.
    pub fn text(&self) -> String {
        let mut text = String::new();
        self.walk(&mut Vec::new(), &mut |value, _| match value {
            Value::String(string) => text.push_str(string),
            Value::Json(json) => text.extend(lossy_string(json)),
            _ => {}
        });
        text
    }

    /// Visits every leaf with its path, in depth-first order.
    pub(crate) fn walk<'a>(
        &'a self,
        path: &mut Vec<PathSegment>,
        visit: &mut impl FnMut(&'a Value, &[PathSegment]),
    ) {
        match self {
            Self::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    path.push(PathSegment::Index(index));
                    item.walk(path, visit);
                    path.pop();
                }
            }
            Self::Object(members) => {
                for (key, member) in members {
                    path.push(PathSegment::Key(key.clone()));
                    member.walk(path, visit);
                    path.pop();
                }
            }
            leaf => visit(leaf, path),
        }
    }

    /// Changes every text and the name of every member in place.
    pub(crate) fn edit_texts(&mut self, edit: &dyn Fn(&mut String)) {
        match self {
            Self::String(text) => edit(text),
            Self::Json(json) => {
                let mut text = std::mem::take(json).into_string();
                edit(&mut text);
                *json = text.into();
            }
            Self::Array(items) => items.iter_mut().for_each(|item| item.edit_texts(edit)),
            Self::Object(members) => {
                let edited = std::mem::take(members).into_iter().map(|(mut name, mut member)| {
                    edit(&mut name);
                    member.edit_texts(edit);
                    (name, member)
                });
                *members = edited.collect();
            }
            _ => {}
        }
    }

    /// Replaces every leaf.
    #[doc(hidden)]
    pub fn map_leaves(self, replace: &mut impl FnMut(Value) -> Value) -> Value {
        match self {
            Self::Array(items) => {
                Self::Array(items.into_iter().map(|item| item.map_leaves(replace)).collect())
            }
            Self::Object(members) => Self::Object(
                members.into_iter().map(|(key, member)| (key, member.map_leaves(replace))).collect(),
            ),
            leaf => replace(leaf),
        }
    }
}
