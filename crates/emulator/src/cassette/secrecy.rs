//! Decides which members of a body, and which parameters of a query, carry secrets.

/// When the value of a member is a secret.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Secrecy {
    Never,
    /// `token` is also what language models emit, and `file_key` the name of a file.
    IfCredential,
    /// A number may be a count.
    Text,
    /// Texts and numbers, and whatever lies in the value.
    Always,
}

/// Returns when the member of this name, or a query parameter, carries a secret.
pub(super) fn secrecy(name: &str) -> Secrecy {
    const SECRETS: [&str; 10] = [
        "apikey",
        "accesskey",
        "accesskeyid",
        "secretkey",
        "privatekey",
        "secret",
        "password",
        "passphrase",
        "credential",
        "authorization",
    ];
    let lower = name.to_ascii_lowercase();
    let singular = lower.strip_suffix('s').unwrap_or(&lower);
    let plain = singular.replace(['-', '_'], "");
    let secrecy = if SECRETS.iter().any(|ending| plain.ends_with(ending)) {
        Secrecy::Always
    } else if let Some(owner) = singular.strip_suffix("token") {
        of_token(owner, lower.len() > singular.len())
    } else if let Some(owner) = plain.strip_suffix("key").filter(|owner| !owner.is_empty()) {
        of_key(owner)
    } else {
        Secrecy::Never
    };
    if is_about(name) { secrecy.min(Secrecy::IfCredential) } else { secrecy }
}

/// Returns `true` if a member describes others, as `num_hf_tokens` and `hasSecret` do.
fn is_about(name: &str) -> bool {
    const COUNTS: [&str; 8] = ["count", "has", "is", "max", "min", "n", "num", "total"];
    let first = name.split(|c: char| !c.is_ascii_lowercase()).next();
    first.is_some_and(|word| COUNTS.contains(&word))
}

/// Returns when `<owner>token` is a secret.
fn of_token(owner: &str, is_plural: bool) -> Secrecy {
    const SECRETS: [&str; 6] = ["access", "api", "auth", "hf", "hub", "refresh"];
    const OF_TOKENIZERS: [&str; 12] =
        ["bos", "cls", "end", "eos", "mask", "pad", "sep", "special", "start", "stop", "unk", ""];
    let owner = owner.trim_end_matches(['-', '_']);
    let is_secret = SECRETS.iter().any(|ending| owner.ends_with(ending));
    match owner.rsplit(['-', '_']).next() {
        _ if is_secret && is_plural => Secrecy::Text,
        _ if is_secret => Secrecy::Always,
        Some(word) if is_plural || OF_TOKENIZERS.contains(&word) => Secrecy::IfCredential,
        _ => Secrecy::Text,
    }
}

/// Returns when `<owner>key` is a secret: databases have keys too, and maps.
fn of_key(owner: &str) -> Secrecy {
    const SECRETS: [&str; 32] = [
        "anthropic",
        "auth",
        "aws",
        "azure",
        "cloudflare",
        "cohere",
        "datadog",
        "deepseek",
        "deploy",
        "elevenlabs",
        "encryption",
        "gemini",
        "github",
        "gitlab",
        "google",
        "groq",
        "huggingface",
        "license",
        "mailgun",
        "master",
        "mistral",
        "openai",
        "openrouter",
        "pinecone",
        "replicate",
        "sendgrid",
        "signing",
        "ssh",
        "stripe",
        "subscription",
        "supabase",
        "twilio",
    ];
    match SECRETS.iter().any(|ending| owner.ends_with(ending)) {
        true => Secrecy::Text,
        false => Secrecy::IfCredential,
    }
}

/// Reports whether the text of a member is a secret.
pub(super) fn is_secret(name: &str, value: &str) -> bool {
    match secrecy(name) {
        Secrecy::Never => false,
        Secrecy::IfCredential => is_credential(name, value),
        Secrecy::Text | Secrecy::Always => true,
    }
}

/// Reports whether a value is more likely a credential than a word of a language model or the name of a file.
fn is_credential(name: &str, value: &str) -> bool {
    const PREFIXES: [&str; 8] = ["sk-", "ghp_", "github_pat_", "xox", "AKIA", "hf_", "r8_", "whsec_"];
    // Shorter texts are also words, and keys of databases.
    const SHORTEST_TOKEN: usize = 8;
    const SHORTEST: usize = 20;
    let value = value.trim().trim_start_matches("Bearer ");
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix('s').unwrap_or(&name);
    let special: &[u8] = if name.ends_with("token") { b"-_~+=./:|" } else { b"-_~+=" };
    let has = |kind: fn(&u8) -> bool| value.bytes().any(|byte| kind(&byte));
    let has_digits_and = |kind: fn(&u8) -> bool| has(u8::is_ascii_digit) && has(kind);
    value.starts_with(|first: char| first.is_ascii_alphanumeric())
        && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || special.contains(&byte))
        && match value.len() {
            SHORTEST.. if PREFIXES.iter().any(|prefix| value.starts_with(prefix)) => true,
            SHORTEST_TOKEN.. if name == "token" => has_digits_and(u8::is_ascii_alphabetic),
            // A hash has letters of one case only.
            SHORTEST.. => has_digits_and(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase),
            _ => false,
        }
}
