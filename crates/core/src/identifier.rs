//! References to what can be run: `owner/name`, `owner/name:version`, a version id, a deployment.

use std::{fmt, str::FromStr};

use crate::error::{Error, Result};

/// What a prediction is created from.
///
/// ```
/// use replicant::Reference;
///
/// let reference: Reference = "acme/upscaler:5c7d".parse().unwrap();
/// assert_eq!(reference.to_string(), "acme/upscaler:5c7d");
/// assert!("upscaler".parse::<Reference>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reference {
    /// `owner/name`: an official model, run at its latest version.
    Model {
        /// Who owns the model.
        owner: String,
        /// The model's name.
        name: String,
    },
    /// `owner/name:version`, or a version id of 64 hexadecimal digits alone.
    Version {
        /// The model, where it was given: owner and name.
        model: Option<(String, String)>,
        /// The version's id.
        id: String,
    },
    /// `deployments/owner/name`.
    Deployment {
        /// Who owns the deployment.
        owner: String,
        /// The deployment's name.
        name: String,
    },
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || {
            Error::invalid(format!(
                "Invalid reference to model version: {text}. Expected format: owner/name or owner/name:version"
            ))
        };
        if is_version_id(text) {
            return Ok(Self::Version { model: None, id: text.to_owned() });
        }
        let (model, version) = match text.split_once(':') {
            Some((model, version)) => (model, Some(version)),
            None => (text, None),
        };
        let (target, deployment) = match model.strip_prefix("deployments/") {
            Some(rest) if version.is_none() && rest.contains('/') => (rest, true),
            _ => (model, false),
        };
        let (owner, name) = owner_and_name(target).ok_or_else(wrong)?;
        match version {
            Some("") => Err(wrong()),
            Some(id) => Ok(Self::Version { model: Some((owner, name)), id: id.to_owned() }),
            None if deployment => Ok(Self::Deployment { owner, name }),
            None => Ok(Self::Model { owner, name }),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model { owner, name } => write!(f, "{owner}/{name}"),
            Self::Version { model: Some((owner, name)), id } => write!(f, "{owner}/{name}:{id}"),
            Self::Version { model: None, id } => f.write_str(id),
            Self::Deployment { owner, name } => write!(f, "deployments/{owner}/{name}"),
        }
    }
}

/// Splits `owner/name`; `None` unless there are just these two, neither empty nor with white space.
pub(crate) fn owner_and_name(text: &str) -> Option<(String, String)> {
    let (owner, name) = text.split_once('/')?;
    let ok = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control())
    };
    (ok(owner) && ok(name)).then(|| (owner.to_owned(), name.to_owned()))
}

fn is_version_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_spelling() {
        let id = "a".repeat(64);
        for text in ["owner/name", "owner/name:abc", "o-1/n.2_x:v:1", "deployments/acme/text", id.as_str()] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
        assert!(matches!("deployments/acme/text".parse().unwrap(), Reference::Deployment { .. }));
        assert!(matches!("deployments/acme".parse().unwrap(), Reference::Model { .. }));
        assert!(matches!(id.parse().unwrap(), Reference::Version { model: None, .. }));
    }

    #[test]
    fn what_is_wrong_is_shown() {
        for text in ["", "name", "/name", "owner/", "a/b/c", "owner/name:", "owner /name", "owner/na\nme"] {
            let error = text.parse::<Reference>().unwrap_err();
            assert!(
                error.message().contains(text) && error.message().contains("owner/name:version"),
                "{text:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_the_same(text in "[a-z:/ .é-]{0,24}|deployments/[a-z/:]{0,12}|[0-9a-f]{64}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
