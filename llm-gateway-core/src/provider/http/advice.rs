//! Advice on what a reader can do about a failure: the usual advice of its category for this
//! provider, or advice that the provider's own words lead to.
//!
//! This module decides no category: an answer's words only choose a hint.

use http::StatusCode;
use url::Url;

use crate::error::{Category, Error};
use crate::model::{Capability, Dialect, Endpoint};
use crate::provider::Call;
use crate::provider::dialect::ErrorReport;

/// The usual advice for a failure.
pub(super) enum UsualAdvice {
    /// The advice stands alone.
    Whole(String),
    /// The advice ends with the name of what to ask instead.
    Unfinished(String),
    /// The category's own advice is enough.
    OfCategory,
}

impl UsualAdvice {
    /// Returns the error with this advice.
    pub(super) fn given_with(self, error: Error) -> Error {
        match self {
            Self::Whole(hint) => error.with_hint(hint),
            Self::Unfinished(hint) => error.with_unfinished_hint(hint),
            Self::OfCategory => error,
        }
    }
}

/// Returns the usual advice about a failure of `category`.
pub(super) fn usual(endpoint: &Endpoint, call: &Call, category: Category) -> UsualAdvice {
    let (provider, model) = (&endpoint.provider, &call.model);
    let dialect = endpoint.dialect.as_str();
    UsualAdvice::Whole(match category {
        Category::Auth => match &endpoint.api_key_env {
            Some(variable) => format!("check the key in {variable} and what it may use"),
            None => format!("name the key's variable in providers.{provider}.api_key_env"),
        },
        Category::Quota => return UsualAdvice::Unfinished(format!("add credit at {provider}")),
        Category::RateLimit | Category::Overloaded | Category::Provider5xx => {
            return UsualAdvice::Unfinished("try again later".to_owned());
        }
        Category::Network if endpoint.is_on_this_machine() => format!(
            "check that {provider} runs at its base URL; if it drops connections under load, set \
             providers.{provider}.limits: {{concurrent: 1}}"
        ),
        Category::Network => {
            format!("check the network, the proxy and the base URL of {provider}")
        }
        Category::Truncated if endpoint.is_on_this_machine() => format!(
            "try again; if {provider} breaks off under load, set \
             providers.{provider}.limits: {{concurrent: 1}}"
        ),
        Category::BadResponse => {
            format!("check that the base URL of {provider} speaks the {dialect} dialect")
        }
        Category::ModelNotFound => {
            format!("check the model id `{model}`, and that the key may use it")
        }
        _ => return UsualAdvice::OfCategory,
    })
}

/// Returns the advice that the provider's own words lead to; `None` if there is none. `path` is the
/// path of the request.
pub(super) fn about(
    endpoint: &Endpoint,
    call: &Call,
    path: &str,
    error: &Error,
    report: &ErrorReport,
) -> Option<String> {
    match error.category() {
        Category::ModelNotFound
            if error.http_status() == Some(StatusCode::NOT_FOUND.as_u16())
                && !speaks_of_a_model(report, call, path) =>
        {
            Some(about_base_url(endpoint, call, path))
        }
        Category::InvalidRequest => about_output_bound(endpoint, call, report),
        _ => None,
    }
}

/// Returns whether an error mentions a model. A path that the error repeats does not count, because
/// Gemini's paths contain `models`.
fn speaks_of_a_model(report: &ErrorReport, call: &Call, path: &str) -> bool {
    let message = report.message.as_deref().unwrap_or_default().replace(path, " ");
    let is_address = |word: &&str| {
        word.trim_start_matches(['"', '\'', '(', '`']).starts_with('/') || word.contains("://")
    };
    let words = message.split_whitespace().filter(|word| !is_address(word));
    let codes = report.codes.iter().map(String::as_str);
    let id = call.model.as_str().to_ascii_lowercase();
    words.chain(codes).chain(report.parameter.as_deref()).any(|word| {
        let word = word.to_ascii_lowercase();
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        bare == id || ["model", "deployment", "engine"].iter().any(|noun| word.contains(noun))
    }) || message.to_ascii_lowercase().contains("no endpoints found")
}

/// Returns the advice for a path that the server does not have.
fn about_base_url(endpoint: &Endpoint, call: &Call, path: &str) -> String {
    let (provider, model) = (&endpoint.provider, &call.model);
    let base = Url::parse(&endpoint.base_url).ok();
    let base_path = base.as_ref().map_or("", |url| url.path().trim_end_matches('/'));
    let lacks_version = endpoint.dialect == Dialect::OpenAi && !has_version(base_path);
    let most = if lacks_version { ", which ends in /v1 at most servers" } else { "" };
    format!(
        "check the base URL of {provider}{most}: {path} was asked for, and the answer speaks of no \
         model; then check the model id `{model}`"
    )
}

/// Returns whether a path has a segment that is a version, such as `/v1`.
fn has_version(path: &str) -> bool {
    path.split('/').any(|segment| {
        segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    })
}

/// The words of servers about a parameter that they do not know, beside its name.
const UNKNOWN_PARAMETER: &[&str] = &[
    "unsupported",
    "not supported",
    "unrecognized",
    "unknown",
    "unexpected",
    "not permitted",
    "extra inputs",
    "extra fields",
    "does not support",
    "not allowed",
];

/// Returns the advice for a server that expects the bound on output under its other name.
fn about_output_bound(endpoint: &Endpoint, call: &Call, report: &ErrorReport) -> Option<String> {
    let words = [report.message.as_deref(), report.parameter.as_deref()];
    let codes = report.codes.iter().map(String::as_str);
    let said = words.into_iter().flatten().chain(codes).collect::<Vec<_>>().join(" ");
    let said = said.to_ascii_lowercase().replace("unsupported_parameter", "unsupported");
    let is_unknown = UNKNOWN_PARAMETER.iter().any(|words| said.contains(words));
    if endpoint.dialect != Dialect::OpenAi || !is_unknown {
        return None;
    }
    let (provider, model) = (&endpoint.provider, &call.model);
    let renamed = call.capabilities.contains(&Capability::MaxCompletionTokens);
    let named = said.contains("max_completion_tokens");
    match renamed {
        false if named => Some(format!(
            "declare it in the policy: providers.{provider}.models: {{{model}: {{capabilities: \
             [max_completion_tokens]}}}}"
        )),
        true if named || said.contains("max_tokens") => Some(format!(
            "leave max_completion_tokens out of the `capabilities` of `{model}`, in the policy \
             under providers.{provider}.models"
        )),
        _ => None,
    }
}
