//! References to models, versions and deployments.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{
    error::{Error, Result},
    value::{Value, options::option_types},
};

/// What to run: a model, a version or a deployment. Also parsed from the URL of a page on replicate.com.
///
/// ```
/// use replicant::Reference;
///
/// let reference: Reference = "acme/upscaler:5c7d".parse().unwrap();
/// assert_eq!(reference.to_string(), "acme/upscaler:5c7d");
/// assert!("upscaler".parse::<Reference>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reference {
    /// `owner/name`: an official model, run at its latest version.
    Model {
        /// The owner of the model.
        owner: String,
        /// The name of the model.
        name: String,
    },
    /// `owner/name:version`, or a version id of 64 hexadecimal digits alone.
    Version {
        /// The owner and the name of the model, if known.
        model: Option<(String, String)>,
        /// The id of the version.
        id: String,
    },
    /// `deployments/owner/name`.
    Deployment {
        /// The owner of the deployment.
        owner: String,
        /// The name of the deployment.
        name: String,
    },
}

impl FromStr for Reference {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let invalid = || {
            let hint = if is_prediction_id(text) {
                ". This looks like the id of a prediction: pass that to `predictions.get` or `predictions.wait`"
            } else {
                ""
            };
            Error::invalid(format!(
                "Invalid reference to model version: {text}. Expected format: owner/name or owner/name:version{hint}"
            ))
        };
        if let Some(path) = page_path(text) {
            return from_page_path(path).ok_or_else(invalid);
        }
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
        let (owner, name) = owner_and_name(target).ok_or_else(invalid)?;
        match version {
            Some("") => Err(invalid()),
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

/// A reference as a parameter of an operation: text to parse, or a version object.
#[derive(Debug, Clone)]
pub(crate) enum ReferenceParam {
    Text(String),
    /// The id is sent without validation.
    Version {
        version: String,
        #[cfg_attr(
            target_arch = "wasm32",
            expect(dead_code, reason = "only outputs that are read live need it")
        )]
        schema: Option<Value>,
    },
}

impl<'de> Deserialize<'de> for ReferenceParam {
    /// Decodes a reference. If it is a prediction, the error suggests another method.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Self::Text(text)),
            Value::Object(mut members)
                if members.contains_key("version") && !members.contains_key("status") =>
            {
                let version =
                    members.shift_remove("version").and_then(|version| version.as_str().map(str::to_owned));
                let version =
                    version.ok_or_else(|| D::Error::custom("must have its version's id as a string"))?;
                Ok(Self::Version { version, schema: members.shift_remove("schema") })
            }
            prediction if prediction["id"].as_str().is_some() && prediction["status"].as_str().is_some() => {
                Err(D::Error::custom(
                    "must name a model, and this is a prediction; did you mean `predictions.wait(prediction)`?",
                ))
            }
            other => Err(D::Error::custom(format!(
                "must be \"owner/name\", \"owner/name:version\" or a version id, not {}",
                other.kind()
            ))),
        }
    }
}

option_types! {
    ReferenceParam => "any",
}

impl ReferenceParam {
    pub fn resolve(&self) -> Result<Reference> {
        match self {
            Self::Text(text) => text.parse().map_err(|error: Error| error.about("ref")),
            Self::Version { version, .. } => Ok(Reference::Version { model: None, id: version.clone() }),
        }
    }

    /// Returns the id of a version: the part of a text after the last colon.
    pub fn into_version_id(self) -> String {
        match self {
            Self::Text(text) => text.rsplit_once(':').map_or(text.clone(), |(_, id)| id.to_owned()),
            Self::Version { version, .. } => version,
        }
    }
}

/// Splits `owner/name`. Returns `None` unless there are exactly two parts, neither empty nor with whitespace.
pub(crate) fn owner_and_name(text: &str) -> Option<(String, String)> {
    let (owner, name) = text.split_once('/')?;
    let ok = |part: &str| {
        !part.is_empty() && !part.contains(|c: char| c == '/' || c.is_whitespace() || c.is_control())
    };
    (ok(owner) && ok(name)).then(|| (owner.to_owned(), name.to_owned()))
}

/// Returns the path of a URL of replicate.com.
fn page_path(text: &str) -> Option<&str> {
    let rest = ["https://", "http://"].iter().find_map(|scheme| text.strip_prefix(scheme)).unwrap_or(text);
    let path = rest.strip_prefix("www.").unwrap_or(rest).strip_prefix("replicate.com/")?;
    Some(path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/'))
}

/// Parses the path of a page on replicate.com: `owner/name`, `owner/name/versions/<id>`, or a tab of a
/// model's page.
fn from_page_path(path: &str) -> Option<Reference> {
    /// First segments of pages that are not models.
    const OTHER_PAGES: [&str; 8] =
        ["account", "blog", "changelog", "collections", "docs", "explore", "p", "pricing"];
    let parts: Vec<&str> = path.split('/').collect();
    let (deployment, parts) = match parts.as_slice() {
        ["deployments", rest @ ..] => (true, rest),
        parts => (false, parts),
    };
    let [owner, name, rest @ ..] = parts else { return None };
    let (owner, name) = owner_and_name(&format!("{owner}/{name}")).filter(|(owner, name)| {
        // Formatted, neither may read as a version or as another page.
        let formatted = format!("{owner}/{name}");
        !OTHER_PAGES.contains(&owner.as_str()) && !formatted.contains(':') && page_path(&formatted).is_none()
    })?;
    Some(match rest {
        _ if deployment => Reference::Deployment { owner, name },
        ["versions", id, ..] => Reference::Version { model: Some((owner, name)), id: (*id).to_owned() },
        _ => Reference::Model { owner, name },
    })
}

/// Returns `true` if a text has the form of a prediction id, or is the URL of a prediction's page.
fn is_prediction_id(text: &str) -> bool {
    let page = page_path(text).and_then(|path| path.strip_prefix("p/"));
    let id = page.unwrap_or(text);
    id.len() == 26 && id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
}

fn is_version_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_page_that_would_be_formatted_as_something_else_is_rejected() {
        for page in [
            "replicate.com/acme/text:",
            "replicate.com/a:b/c",
            "https://replicate.com/acme/text:5c7d",
            "replicate.com/replicate.com/acme",
            "https://www.replicate.com/www.replicate.com/acme",
        ] {
            assert!(page.parse::<Reference>().is_err(), "{page}");
        }
    }

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
    fn pasted_urls() {
        let id = "a".repeat(64);
        let version = format!("https://replicate.com/acme/text/versions/{id}");
        let pinned = format!("acme/text:{id}");
        for (page, meant) in [
            ("https://replicate.com/acme/text", "acme/text"),
            ("http://www.replicate.com/acme/text/?prediction=1#x", "acme/text"),
            ("replicate.com/acme/text/api/learn-more", "acme/text"),
            (version.as_str(), pinned.as_str()),
            ("https://replicate.com/deployments/acme/text", "deployments/acme/text"),
        ] {
            assert_eq!(page.parse::<Reference>().unwrap().to_string(), meant, "{page}");
        }
        let error = |text: &str| text.parse::<Reference>().unwrap_err().to_string();
        for page in
            ["https://replicate.com/", "https://replicate.com/collections/speech", "https://example.com/a/b"]
        {
            assert!(error(page).contains("owner/name:version"), "{page}");
        }
        for prediction in ["https://replicate.com/p/gm3qorzdhgbfurvjtvhg6dckhu", "gm3qorzdhgbfurvjtvhg6dckhu"]
        {
            assert!(error(prediction).contains("`predictions.wait`"), "{prediction}");
        }
    }

    #[test]
    fn errors_quote_the_reference_and_the_expected_format() {
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
        fn references_survive_a_round_trip(text in "[a-z:/ .é-]{0,24}|deployments/[a-z/:]{0,12}|[0-9a-f]{64}") {
            if let Ok(reference) = text.parse::<Reference>() {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }
}
