//! Which option was meant by a name that does not exist.

/// Names of one option in other clients and languages, and common misspellings of it.
const SYNONYMS: &[&[&str]] = &[
    &[
        "token",
        "auth",
        "api_token",
        "bearer_token",
        "api_key",
        "access_token",
        "auth_token",
        "key",
        "replicate_api_token",
    ],
    &["base_url", "api_base", "api_url", "endpoint", "host", "url"],
    &["input", "inputs", "params", "parameters", "arguments", "args", "payload"],
    &["webhook_events_filter", "webhook_event_filter", "webhook_events", "webhook_filter", "events_filter"],
    &["webhook", "webhook_url", "callback", "callback_url"],
    &["headers", "default_headers", "extra_headers"],
    &["query", "default_query", "extra_query"],
    &["max_retries", "retries", "retry", "max_attempts"],
    &["timeout", "timeout_ms", "request_timeout", "deadline"],
    &["fetch", "http_client", "transport", "client", "session", "dispatcher"],
    &["proxy", "http_agent", "https_agent", "agent", "proxies", "http_proxy", "https_proxy"],
    &["ca_bundle", "ca", "cert", "verify"],
    &["interval", "poll_interval", "polling_interval"],
    &["ref", "model", "identifier", "model_id", "model_name"],
    &["version", "version_id"],
    &["on_update", "on_progress", "progress", "callback"],
    &["cancel_after", "lifetime", "expires_in"],
];

/// Returns the name in `names` that `given` was probably meant for: another spelling, a synonym or a near miss.
pub(crate) fn nearest<'a>(given: &str, names: &[&'a str]) -> Option<&'a str> {
    let given = plain(given);
    let is = |name: &&&str| plain(name) == given;
    if let Some(name) = names.iter().find(is) {
        return Some(name);
    }
    let groups = SYNONYMS.iter().filter(|group| group.iter().any(|name| plain(name) == given));
    let synonym = groups
        .flat_map(|group| group.iter())
        .find_map(|synonym| names.iter().find(|name| plain(name) == plain(synonym)));
    if let Some(name) = synonym {
        return Some(name);
    }
    let (distance, name) = names.iter().map(|name| (distance(&given, &plain(name)), *name)).min()?;
    (distance <= given.len() * 2 / 5).then_some(name)
}

/// A name without the marks by which languages spell it differently.
fn plain(name: &str) -> String {
    name.replace(['_', '-'], "").to_lowercase()
}

/// The edit distance: insertions, deletions and replacements.
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

/// What to say about the option `given`, where only `names` exist.
pub(crate) fn option_advice(given: &str, names: &[&str]) -> String {
    match nearest(given, names) {
        Some(name) => format!("did you mean `{name}`?"),
        None if names.is_empty() => "this operation has no options".to_owned(),
        None if names.contains(&"input") => "options of the model belong in `input`".to_owned(),
        None => format!("expected one of {}", list(names, '`', "and")),
    }
}

/// Names in a row, each in quotes.
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
    fn another_spelling_a_synonym_or_a_near_miss() {
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
        assert_eq!(nearest("flavour", &client), None);
        assert_eq!(nearest("onRetry", &client), None);
        // In Python and Node the token has other names.
        assert_eq!(nearest("api_key", &["api_token", "base_url"]), Some("api_token"));
        assert_eq!(nearest("apiKey", &["auth", "baseUrl"]), Some("auth"));
        let run = ["ref", "input", "webhook", "webhook_events_filter", "wait"];
        assert_eq!(nearest("inputs", &run), Some("input"));
        assert_eq!(nearest("webhook_event_filter", &run), Some("webhook_events_filter"));
        assert_eq!(nearest("webhookEventsFilter", &run), Some("webhook_events_filter"));
        assert_eq!(option_advice("prompt", &run), "options of the model belong in `input`");
    }
}
