//! Decides which members of bodies and which headers are secrets.

/// Words in the names of secrets.
const WORDS: [&str; 5] = ["secret", "password", "passphrase", "credential", "cookie"];
/// Such words in the names of members. Shorter ones are also in names such as `author` and `keyframes`.
const MEMBER_WORDS: [&str; 4] = ["authorization", "apikey", "accesskey", "privatekey"];
/// Such words in the names of headers.
#[cfg(not(target_arch = "wasm32"))]
const HEADER_WORDS: [&str; 3] = ["auth", "key", "token"];
/// Schemes of credentials in headers.
#[cfg(not(target_arch = "wasm32"))]
const SCHEMES: [&str; 3] = ["basic", "bearer", "token"];
/// Prefixes of values that are always secret.
const VALUES: [&str; 6] = ["whsec_", "r8_", "hf_", "sk-", "ghp_", "Bearer "];

/// Returns `true` if the member `name` of a body, or its value, is likely to be a secret.
pub(crate) fn is_secret_member(name: &str, text: &str) -> bool {
    let name = name.to_ascii_lowercase().replace(['-', '_'], "");
    // The names of counts contain `token` too, but they are numbers.
    (name.contains("token") && !name.contains("tokeniz"))
        || WORDS.iter().chain(&MEMBER_WORDS).any(|word| name.contains(word))
        || VALUES
            .iter()
            .any(|start| text.strip_prefix(start).is_some_and(|rest| !rest.contains(char::is_whitespace)))
}

/// Returns `true` if the value of a header, whose name is in lower case, is the token or likely to be another secret.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn is_secret_header(name: &str) -> bool {
    match name {
        "authorization" => true,
        // The headers of most requests, first because each search takes as long as a comparison of all.
        "user-agent" | "content-type" | "accept" | "accept-encoding" | "prefer" | "cancel-after" => false,
        _ => WORDS.iter().chain(&HEADER_WORDS).any(|word| name.contains(word)),
    }
}

/// Returns `true` if an additional header or query parameter is likely to be a secret: by its name, or because its value is a
/// credential.
#[cfg(not(target_arch = "wasm32"))]
pub fn is_secret_option(name: &str, value: &str) -> bool {
    let scheme = value.split(' ').next().filter(|scheme| scheme.len() < value.len()).unwrap_or_default();
    is_secret_header(&name.to_ascii_lowercase())
        || SCHEMES.iter().any(|secret| scheme.eq_ignore_ascii_case(secret))
}

/// Returns `true` for a header, whose name is in lower case, that a hook cannot change in requests to other origins.
pub(crate) fn is_for_the_api_only(name: &str) -> bool {
    ["authorization", "proxy-authorization", "cookie", "baggage"].contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_secret_in_a_body_is_secret_in_a_header() {
        for name in [
            "secret",
            "x-password",
            "x-passphrase",
            "x-amz-credential",
            "set-cookie",
            "proxy-authorization",
            "x-api-key",
            "x-access-key",
            "x-private-key",
            "x-hf-token",
        ] {
            assert!(is_secret_member(name, ""), "{name}");
            assert!(is_secret_header(name), "{name}");
        }
        for name in ["user-agent", "prefer", "x-trace", "range"] {
            assert!(!is_secret_member(name, ""), "{name}");
            assert!(!is_secret_header(name), "{name}");
        }
    }

    #[test]
    fn options_are_secret_by_name_or_scheme() {
        for (name, value) in
            [("X-Api-Key", "1"), ("x-forwarded", "Basic dTpw"), ("x-forwarded", "bearer abc")]
        {
            assert!(is_secret_option(name, value), "{name}: {value}");
        }
        for (name, value) in [("x-team", "basic"), ("x-team", "basically free"), ("x-team", "")] {
            assert!(!is_secret_option(name, value), "{name}: {value}");
        }
    }
}
