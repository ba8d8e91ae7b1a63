//! Checks the path of a base URL: whether it is a whole endpoint, holds a part which the gateway
//! adds itself, or lacks the part where a known host keeps its API.
//!
//! Whether a base URL is safe is decided in [`providers`](super::providers). A fault is an error
//! only if no request to the URL can be answered; otherwise it is a warning.

use url::Url;

use crate::config::diagnostic::Severity;
use crate::model::Dialect;

/// A base URL whose path does not lead to the API that its author meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MisplacedUrl {
    /// The severity of the fault: an error if no request to the URL can be answered.
    pub(super) severity: Severity,
    /// The sentence about the fault, without the name of the key or variable.
    pub(super) message: String,
    /// The advice on how to correct the URL.
    pub(super) hint: String,
}

/// The last segments of endpoints' paths. They are certain behind a version, and likely without
/// one.
const ENDPOINTS: &[&str] = &["completions", "embeddings", "responses", "messages"];

/// The verbs behind the colon in the last segment of Google's endpoints.
const VERBS: &[&str] = &[
    "generatecontent",
    "streamgeneratecontent",
    "counttokens",
    "embedcontent",
    "predict",
    "rawpredict",
    "streamrawpredict",
];

/// The paths under which known hosts keep the API that `kind: openai` speaks. A host that serves it
/// at its root too (DeepSeek, Perplexity, llama.cpp's server) has no row.
///
/// Sources: the makers' pages on their OpenAI-compatible APIs, such as
/// <https://platform.openai.com/docs/api-reference>, <https://openrouter.ai/docs/quickstart>,
/// <https://console.groq.com/docs/openai>, <https://docs.ollama.com/api/openai-compatibility>,
/// <https://lmstudio.ai/docs/developer/openai-compat>,
/// <https://ai.google.dev/gemini-api/docs/openai>.
const API_PATHS: &[(&str, &str)] = &[
    ("api.openai.com", "/v1"),
    ("api.anthropic.com", "/v1"),
    ("generativelanguage.googleapis.com", "/v1beta/openai"),
    ("openrouter.ai", "/api/v1"),
    ("router.huggingface.co", "/v1"),
    ("api.groq.com", "/openai/v1"),
    ("api.mistral.ai", "/v1"),
    ("api.x.ai", "/v1"),
    ("api.together.xyz", "/v1"),
    ("api.fireworks.ai", "/inference/v1"),
    ("api.cerebras.ai", "/v1"),
    ("api.moonshot.ai", "/v1"),
    ("integrate.api.nvidia.com", "/v1"),
    ("dashscope.aliyuncs.com", "/compatible-mode/v1"),
    ("dashscope-intl.aliyuncs.com", "/compatible-mode/v1"),
    // Ollama and LM Studio, at the ports that they take unless told otherwise.
    ("127.0.0.1:11434", "/v1"),
    ("localhost:11434", "/v1"),
    ("[::1]:11434", "/v1"),
    ("127.0.0.1:1234", "/v1"),
    ("localhost:1234", "/v1"),
    ("[::1]:1234", "/v1"),
];

/// Returns what is wrong with the path of a base URL; `None` if nothing is.
pub(super) fn misplaced(url: &str, dialect: Dialect) -> Option<MisplacedUrl> {
    let added = added(dialect)?;
    let url = Url::parse(url).ok()?;
    let path = url.path().trim_end_matches('/');
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let lower: Vec<String> = segments.iter().map(|it| it.to_ascii_lowercase()).collect();
    let lower: Vec<&str> = lower.iter().map(String::as_str).collect();
    whole_endpoint(&url, &segments, &lower, dialect)
        .or_else(|| doubled_version(&url, &segments, &lower, dialect))
        .or_else(|| missing_prefix(&url, path, dialect))
        .map(|(severity, message, right)| {
            let kind = dialect.as_str();
            let hint = format!("{right}: the gateway adds {added} to a base URL of kind {kind}");
            MisplacedUrl { severity, message, hint }
        })
}

/// Returns the path that the gateway adds to a base URL.
fn added(dialect: Dialect) -> Option<&'static str> {
    match dialect {
        Dialect::OpenAi => Some("/chat/completions"),
        Dialect::Anthropic => Some("/v1/messages"),
        Dialect::Gemini => Some("/v1beta/models/…"),
        Dialect::Own => None,
    }
}

/// A fault of a base URL: its severity, what is wrong, and what would be right.
type UrlFault = (Severity, String, String);

/// Finds a base URL that is the address of a request.
fn whole_endpoint(
    url: &Url,
    segments: &[&str],
    lower: &[&str],
    dialect: Dialect,
) -> Option<UrlFault> {
    let (last, before) = lower.split_last()?;
    let is_verb = last.rsplit_once(':').is_some_and(|(_, verb)| VERBS.contains(&verb));
    let counts = *last == "count_tokens" && before.last() == Some(&"messages");
    let lists = *last == "models" && before.last().is_some_and(|it| is_version(it));
    let answers = ENDPOINTS.contains(last);
    if !(is_verb || counts || lists || answers) {
        return None;
    }
    let certain = !answers
        || (*last == "completions" && before.last() == Some(&"chat"))
        || before.last().is_some_and(|it| is_version(it));
    let kept = kept(lower, dialect);
    let ending = segments.get(kept..).unwrap_or_default().join("/");
    let what = match certain {
        true => format!("it ends in /{ending}, so it is a whole endpoint"),
        false => format!("it ends in /{ending}, as a whole endpoint does"),
    };
    let severity = if certain { Severity::Error } else { Severity::Warning };
    Some((severity, what, format!("write {}", shortened(url, segments, kept))))
}

/// Finds a base URL that ends in the version which the gateway adds itself.
fn doubled_version(
    url: &Url,
    segments: &[&str],
    lower: &[&str],
    dialect: Dialect,
) -> Option<UrlFault> {
    let (at, version) = match (dialect, lower) {
        (Dialect::Gemini, [.., version, "openai"]) if is_version(version) => {
            let what = "it is the address of Gemini's API in OpenAI's form".to_owned();
            let right = "write kind: openai, or take /openai and the version away".to_owned();
            return Some((Severity::Warning, what, right));
        }
        (Dialect::Gemini, [.., version, "models", _]) => (lower.len().checked_sub(3)?, version),
        (Dialect::Gemini | Dialect::Anthropic, [.., version]) => (lower.len() - 1, version),
        _ => return None,
    };
    is_version(version).then(|| {
        let ending = segments.get(at..).unwrap_or_default().join("/");
        let what = format!("it ends in /{ending}, which would stand in each request twice");
        (Severity::Warning, what, format!("write {}", shortened(url, segments, at)))
    })
}

/// Finds a base URL of a known host that lacks the path of the host's API.
fn missing_prefix(url: &Url, path: &str, dialect: Dialect) -> Option<UrlFault> {
    let host = url.host_str()?;
    let host = match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    let known = API_PATHS.iter().find(|(known, _)| *known == host);
    let (_, prefix) = known.filter(|_| dialect == Dialect::OpenAi)?;
    // Another path may be that of a proxy on the same host.
    (path.len() < prefix.len() && prefix.starts_with(path)).then(|| {
        let what = format!("{host} serves this API under {prefix}, which is missing");
        let origin = url.origin().ascii_serialization();
        (Severity::Warning, what, format!("write {origin}{prefix}"))
    })
}

/// Returns how many segments of an endpoint's path belong to its base URL.
fn kept(lower: &[&str], dialect: Dialect) -> usize {
    let is_of_endpoint = |it: &&&str| {
        let last = it.rsplit_once(':').is_some_and(|(_, verb)| VERBS.contains(&verb));
        last || ENDPOINTS.contains(it) || ["chat", "models", "count_tokens"].contains(it)
    };
    let ending = lower.iter().rev().take_while(is_of_endpoint).count();
    let kept = lower.len().saturating_sub(ending);
    let has_version =
        kept.checked_sub(1).and_then(|at| lower.get(at)).is_some_and(|it| is_version(it));
    match dialect {
        Dialect::Anthropic | Dialect::Gemini if has_version => kept - 1,
        _ => kept,
    }
}

/// Returns the URL with the first `kept` segments of its path.
fn shortened(url: &Url, segments: &[&str], kept: usize) -> String {
    let path: String = segments.iter().take(kept).map(|segment| format!("/{segment}")).collect();
    format!("{}{path}", url.origin().ascii_serialization())
}

/// Returns whether a segment is a version of an API, such as `v1` or `v1beta`.
fn is_version(segment: &str) -> bool {
    let Some(number) = segment.strip_prefix('v') else { return false };
    let digits = number.trim_end_matches("alpha").trim_end_matches("beta");
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(url: &str, dialect: Dialect) -> Option<(Severity, String)> {
        let fault = misplaced(url, dialect)?;
        assert!(fault.hint.contains("the gateway adds /"), "{}", fault.hint);
        Some((fault.severity, fault.hint.split(": the gateway").next()?.to_owned()))
    }

    #[test]
    fn a_whole_endpoint_is_an_error_where_nothing_can_answer_behind_it() {
        use Dialect::{Anthropic, Gemini, OpenAi};
        for (dialect, url, right) in [
            (OpenAi, "https://h/v1/chat/completions", "https://h/v1"),
            (OpenAi, "https://h/v1/chat/completions/", "https://h/v1"),
            (OpenAi, "https://h/v1//Chat/Completions", "https://h/v1"),
            (OpenAi, "https://h:8443/a/b/chat/completions", "https://h:8443/a/b"),
            (OpenAi, "https://h/v1/completions", "https://h/v1"),
            (OpenAi, "https://h/v1/embeddings", "https://h/v1"),
            (OpenAi, "https://h/v1/responses", "https://h/v1"),
            (OpenAi, "https://h/v1/models", "https://h/v1"),
            (OpenAi, "https://h/v1/messages", "https://h/v1"),
            (Anthropic, "https://h/v1/messages", "https://h"),
            (Anthropic, "https://h/v1/messages/count_tokens", "https://h"),
            (Anthropic, "https://h/v1/chat/completions", "https://h"),
            (Gemini, "https://h/v1beta/models/gemini-2.5-pro:generateContent", "https://h"),
            (Gemini, "https://h/x/v1/models/g:streamGenerateContent", "https://h/x"),
            (Gemini, "https://h/v1beta/models", "https://h"),
        ] {
            let said = Some((Severity::Error, format!("write {right}")));
            assert_eq!(found(url, dialect), said, "{url}");
        }
    }

    #[test]
    fn what_might_work_is_a_warning() {
        use Dialect::{Anthropic, Gemini, OpenAi};
        for (dialect, url, right) in [
            (OpenAi, "https://h/api/completions", "https://h/api"),
            (Anthropic, "https://h/api/messages", "https://h/api"),
            (Anthropic, "https://h/v1", "https://h"),
            (Anthropic, "https://h/anthropic/v1/", "https://h/anthropic"),
            (Gemini, "https://h/v1beta", "https://h"),
            (Gemini, "https://h/v1alpha", "https://h"),
            (Gemini, "https://h/v1beta/models/gemini-2.5-pro", "https://h"),
            (OpenAi, "https://api.openai.com", "https://api.openai.com/v1"),
            (OpenAi, "https://openrouter.ai/api", "https://openrouter.ai/api/v1"),
            (OpenAi, "https://openrouter.ai/", "https://openrouter.ai/api/v1"),
            (OpenAi, "http://127.0.0.1:11434", "http://127.0.0.1:11434/v1"),
        ] {
            let said = Some((Severity::Warning, format!("write {right}")));
            assert_eq!(found(url, dialect), said, "{url}");
        }
        let openai_form = "https://generativelanguage.googleapis.com/v1beta/openai";
        assert!(
            found(openai_form, Gemini).is_some_and(|(_, right)| right.contains("kind: openai"))
        );
    }

    #[test]
    fn a_base_url_that_can_work_is_left_alone() {
        use Dialect::{Anthropic, Gemini, OpenAi, Own};
        for (dialect, url) in [
            (OpenAi, "https://api.openai.com/v1"),
            (OpenAi, "https://api.deepseek.com"),
            (OpenAi, "https://api.perplexity.ai"),
            (OpenAi, "https://resource.services.ai.azure.com/models"),
            (OpenAi, "https://resource.openai.azure.com/openai/v1"),
            (OpenAi, "https://generativelanguage.googleapis.com/v1beta/openai"),
            (OpenAi, "https://gateway.ai.cloudflare.com/v1/account/gateway/openai"),
            (OpenAi, "http://127.0.0.1:8080"),
            (OpenAi, "https://h/chat"),
            (OpenAi, "http://127.0.0.1:11434/proxy"),
            (Anthropic, "https://api.anthropic.com"),
            (Anthropic, "https://api.deepseek.com/anthropic"),
            (Anthropic, "https://gateway.ai.cloudflare.com/v1/account/gateway/anthropic"),
            (Anthropic, "http://127.0.0.1:11434"),
            (Gemini, "https://generativelanguage.googleapis.com"),
            (Gemini, "https://h/v1x"),
            (Own, "https://h/v1/chat/completions"),
        ] {
            assert_eq!(misplaced(url, dialect), None, "{url}");
        }
    }
}
