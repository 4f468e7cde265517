//! Suggests an option for an unknown name.

/// Names of the token.
const TOKEN: &[&str] = &[
    "token",
    "auth",
    "api_token",
    "bearer_token",
    "api_key",
    "access_token",
    "auth_token",
    "replicate_api_token",
];

/// Names that other clients and languages use for one option.
const SYNONYMS: &[&[&str]] = &[
    TOKEN,
    &["base_url", "api_base", "api_url", "endpoint", "host", "url"],
    &["input", "inputs", "params", "parameters", "arguments", "args", "payload"],
    &["webhook_events_filter", "webhook_event_filter", "webhook_events", "webhook_filter", "events_filter"],
    &["webhook", "webhook_url", "callback", "callback_url"],
    &["headers", "default_headers", "extra_headers"],
    &["query", "default_query", "extra_query"],
    &["max_retries", "retries", "retry", "max_attempts"],
    &["timeout", "timeout_ms", "request_timeout", "deadline"],
    &["fetch", "http_client", "transport", "client", "session", "dispatcher"],
    #[cfg(not(target_arch = "wasm32"))]
    &["proxy", "http_agent", "https_agent", "agent", "proxies", "http_proxy", "https_proxy"],
    #[cfg(not(target_arch = "wasm32"))]
    &["ca_bundle", "ca", "cert", "verify"],
    &["interval", "poll_interval", "polling_interval"],
    &["ref", "model", "identifier", "model_id", "model_name"],
    &["version", "version_id"],
    &["on_update", "on_progress", "progress", "callback"],
    &["cancel_after", "lifetime", "expires_in"],
];

/// Options of every request, which bindings separate from the parameters.
pub(super) const OF_REQUESTS: &[&str] = &["timeout", "max_retries", "headers", "query"];

/// Options of some calls, and the calls that have them.
pub(crate) const OF_CALLS: &[(&[&str], &str)] = &[
    (&["timeout"], "`run`, `stream`, `map` and `wait`"),
    (&["interval"], "`run`, `map` and `wait`"),
    (&["use_file_output", "on_abandon"], "`run`, `stream` and `map`"),
    (&["wait", "cancel_after", "stream"], "`run`, `stream`, `map` and creates of predictions"),
    // Not on the web.
    #[cfg(not(target_arch = "wasm32"))]
    (
        &[
            "concurrency",
            "ordered",
            "errors",
            "max_error_rate",
            "retries",
            "max_predictions",
            "max_seconds",
            "checkpoint",
            "retry_unknown",
            "save_to",
        ],
        "`map`",
    ),
];

/// Returns the name in `names` that `given` most likely stands for: another spelling, a synonym or a typo.
///
/// ```
/// use replicant::bindings::nearest;
///
/// assert_eq!(nearest("promt", &["prompt", "seed"]), Some("prompt"));
/// assert_eq!(nearest("guidance", &["prompt", "seed"]), None);
/// ```
pub fn nearest<'a>(given: &str, names: &[&'a str]) -> Option<&'a str> {
    let given = normalize(given);
    let is = |name: &&&str| normalize(name) == given;
    if let Some(name) = names.iter().find(is) {
        return Some(name);
    }
    let groups = SYNONYMS.iter().filter(|group| group.iter().any(|name| normalize(name) == given));
    let synonym = groups
        .flat_map(|group| group.iter())
        .find_map(|synonym| names.iter().find(|name| normalize(name) == normalize(synonym)));
    if let Some(name) = synonym {
        return Some(name);
    }
    let (distance, name) = names.iter().map(|name| (distance(&given, &normalize(name)), *name)).min()?;
    (distance <= given.len() * 2 / 5).then_some(name)
}

/// Removes the differences between the naming conventions of languages.
fn normalize(name: &str) -> String {
    name.replace(['_', '-'], "").to_ascii_lowercase()
}

/// Returns the edit distance: insertions, deletions, replacements, and exchanges of two neighbors.
fn distance(from: &str, to: &str) -> usize {
    let (from, to) = (from.as_bytes(), to.as_bytes());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=to.len()).collect();
    for i in 0..from.len() {
        let mut row = vec![i + 1];
        for j in 0..to.len() {
            let replaced = last[j] + usize::from(from[i] != to[j]);
            let mut least = replaced.min(row[j] + 1).min(last[j + 1] + 1);
            if i > 0 && j > 0 && from[i] == to[j - 1] && from[i - 1] == to[j] {
                least = least.min(before[j - 1] + 1);
            }
            row.push(least);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[to.len()]
}

/// Returns advice for the unknown option `given` where `names` are valid.
pub(crate) fn option_advice(given: &str, names: &[&str]) -> String {
    if let Some(name) = nearest(given, names) {
        return format!("did you mean `{name}`?");
    }
    match OF_CALLS.iter().find(|(options, _)| options.contains(&given)) {
        Some((_, calls)) => format!("it is an option of {calls}"),
        // In the input, the API would store it.
        None if TOKEN.iter().any(|name| normalize(name) == normalize(given)) => {
            "pass the token to the client".to_owned()
        }
        None if names.contains(&"input") => "options of the model belong in `input`".to_owned(),
        None => format!("expected one of {}", list(names, '`', "and")),
    }
}

/// Joins names, each in quotes.
pub(super) fn list(names: &[&str], quote: char, last_word: &str) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("{quote}{name}{quote}")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} {last_word} {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_other_spellings_synonyms_and_typos() {
        let client = ["token", "base_url", "timeout", "max_retries", "proxy", "headers"];
        for (given, meant) in [
            ("baseURL", "base_url"),
            ("apiKey", "token"),
            ("api_key", "token"),
            ("auth", "token"),
            ("httpAgent", "proxy"),
            ("default_headers", "headers"),
            ("max_retry", "max_retries"),
            ("tiemout", "timeout"),
        ] {
            assert_eq!(nearest(given, &client), Some(meant), "{given}");
        }
        assert_eq!(nearest("porxy", &["proxy", "token"]), Some("proxy"));
        assert_eq!(nearest("rnu", &["run", "login"]), Some("run"));
        assert_eq!(nearest("flavour", &client), None);
        assert_eq!(nearest("onRetry", &client), None);
        // The token has other names in Python and Node.
        assert_eq!(nearest("api_key", &["api_token", "base_url"]), Some("api_token"));
        assert_eq!(nearest("apiKey", &["auth", "baseUrl"]), Some("auth"));
        let run = ["ref", "input", "webhook", "webhook_events_filter", "wait"];
        assert_eq!(nearest("inputs", &run), Some("input"));
        assert_eq!(nearest("webhook_event_filter", &run), Some("webhook_events_filter"));
        assert_eq!(nearest("webhookEventsFilter", &run), Some("webhook_events_filter"));
        assert_eq!(option_advice("prompt", &run), "options of the model belong in `input`");
        assert_eq!(option_advice("api_token", &run), "pass the token to the client");
        assert_eq!(option_advice("interval", &run), "it is an option of `run`, `map` and `wait`");
    }
}
