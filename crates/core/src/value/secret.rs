//! Texts that must not be shown.

use std::{fmt, ops::Deref};

use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

use super::options::option_types;

/// Declares a text that is not printed, and whose memory is overwritten with zeros on drop.
macro_rules! secret {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Zeroizing<String>);

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                text.to_owned().into()
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("***")
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer).map(Self::from)
            }
        }
    };
}

secret! {
    /// An API token. It is not printed, and its memory is overwritten with zeros on drop.
    ///
    /// ```
    /// use replicant::{Options, Token};
    ///
    /// let options = Options { token: Some("r8_secret".into()), ..Options::default() };
    /// assert_eq!(options.token, Some(Token::from("r8_secret")));
    /// assert!(!format!("{:?}", options.token).contains("secret"));
    /// ```
    Token
}

secret! {
    /// A password. It is not printed, and its memory is overwritten with zeros on drop.
    Password
}

option_types! {
    Token => "string",
    Password => "string",
}
