//! Reads response headers in which a proxy names the model or deployment that it asked.
//!
//! A proxy may answer a request by another model than the requested one, under the requested name.
//! These headers show it:
//!
//! - LiteLLM: `x-litellm-attempted-fallbacks` counts the models that were asked instead,
//!   `x-litellm-model-group` names the group of deployments, `x-litellm-model-id` the deployment
//!   (<https://docs.litellm.ai/docs/proxy/response_headers>). Its attempted retries ask the same.
//! - Portkey: `x-portkey-last-used-option-index` is the path of the target in its configuration, such
//!   as `config.targets[1]` (<https://portkey.ai/docs/api-reference/response-schema>). Its retry count
//!   is about the same target.
//! - Helicone: `helicone-fallback-index`
//!   (<https://docs.helicone.ai/getting-started/integration-method/gateway-fallbacks>).
//! - Cloudflare: `cf-aig-step` is the position of the provider that answered
//!   (<https://developers.cloudflare.com/ai-gateway/configuration/fallbacks/>).
//! - ngrok: `ngrok-aig-model` names the model that answered
//!   (<https://ngrok.com/changelog/ai-gateway-response-headers>).
//! - Kong: `x-kong-llm-model` names provider and model
//!   (<https://developer.konghq.com/plugins/ai-proxy/>).
//! - TrueFoundry: `x-tfy-resolved-model` names the model that answered
//!   (<https://www.truefoundry.com/docs/ai-gateway/headers>).
//! - Azure: `x-ms-deployment-name` names the deployment.
//!
//! LiteLLM passes on the headers of the server behind it with `llm_provider-` before their names.
//!
//! OpenRouter names in its body the host that served the model, which says nothing about the model.

/// Headers that count or number the alternatives that were asked instead of the first choice.
const STEP_HEADERS: &[&str] = &["cf-aig-step", "x-portkey-last-used-option-index"];

/// Headers that name the model, or the group of models, that a proxy asked.
const MODEL_HEADERS: &[&str] =
    &["x-litellm-model-group", "ngrok-aig-model", "x-kong-llm-model", "x-tfy-resolved-model"];

/// Headers that name the deployment that a proxy asked.
const DEPLOYMENT_HEADERS: &[&str] = &["x-litellm-model-id", "x-ms-deployment-name"];

/// Words in the name of a header that describes the configured fallbacks, not the one that was
/// used.
const SETTING_WORDS: &[&str] = &["max", "allowed", "available", "configured", "enabled"];

/// The prefix of LiteLLM for the name of a header that the server behind it sent.
const HANDED_ON: &str = "llm_provider-";

/// The number of characters from which on the name of a deployment counts as random, and so as the
/// same deployment at any provider. LiteLLM draws 64 hexadecimal digits; a user may choose `1`.
const DRAWN: usize = 16;

/// The proxies between the gateway and the model, as the headers of a response name them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::certificate) struct Intermediary<'a> {
    /// The header that says that an alternative to the first choice answered.
    pub(in crate::certificate) fallback: Option<(&'a str, &'a str)>,
    /// The headers that name the model that was asked, one for each proxy on the way.
    pub(in crate::certificate) models: Vec<(&'a str, &'a str)>,
    /// The deployments on the way to the one that answered.
    pub(in crate::certificate) deployments: Vec<&'a str>,
}

impl<'a> Intermediary<'a> {
    /// Reads the headers that [`routing_headers`] selected.
    pub(in crate::certificate) fn of(headers: &'a [(String, String)]) -> Self {
        let mut found = Self::default();
        for (header, value) in headers {
            let (name, value) = (of_sender(header), value.trim());
            if MODEL_HEADERS.contains(&name) && !is_nothing(value) {
                found.models.push((header, value));
            } else if DEPLOYMENT_HEADERS.contains(&name) && !is_nothing(value) {
                found.deployments.push(value);
            } else if is_fallback(name, value) {
                found.fallback.get_or_insert((header, value));
            }
        }
        found
    }
}

/// The number of characters of a header's value that are kept.
const SHOWN_VALUE: usize = 200;

/// Returns the headers that `is_wanted` selects by their sender's name, in lower case, and their
/// value. Values are cut.
pub(super) fn kept(
    headers: &[(String, String)],
    is_wanted: impl Fn(&str, &str) -> bool,
) -> Vec<(String, String)> {
    let named = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
    let wanted = named.filter(|(name, value)| is_wanted(of_sender(name), value));
    wanted.map(|(name, value)| (name, value.chars().take(SHOWN_VALUE).collect())).collect()
}

/// Returns the name that a header had at its sender.
pub(super) fn of_sender(name: &str) -> &str {
    name.strip_prefix(HANDED_ON).unwrap_or(name)
}

/// Returns whether two names mean one deployment: they are equal, and either both belong to one
/// provider or they are long enough to be random.
pub(in crate::certificate) fn is_one_deployment(
    one: &str,
    other: &str,
    same_provider: bool,
) -> bool {
    one == other && (same_provider || one.chars().count() >= DRAWN)
}

/// Returns the headers of a response in which proxies name what they asked, with names in lower
/// case.
pub(in crate::certificate) fn routing_headers(
    headers: &[(String, String)],
) -> Vec<(String, String)> {
    kept(headers, |name, _| {
        [STEP_HEADERS, MODEL_HEADERS, DEPLOYMENT_HEADERS].iter().any(|known| known.contains(&name))
            || speaks_of_fallback(name)
    })
}

/// Returns whether a header's name says that it is about a fallback that was used. A number of
/// configured fallbacks does not count.
fn speaks_of_fallback(name: &str) -> bool {
    name.contains("fallback") && !name.split(['-', '_']).any(|word| SETTING_WORDS.contains(&word))
}

/// Returns whether a header says that an alternative to the first choice answered: its numbers are
/// not all zero, or it has words that are no denial. Between words, only a step's number counts.
fn is_fallback(name: &str, value: &str) -> bool {
    if !STEP_HEADERS.contains(&name) && !speaks_of_fallback(name) {
        return false;
    }
    let words: Vec<&str> =
        value.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let numbers: Vec<u64> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let is_number = !numbers.is_empty() && numbers.len() == words.len();
    match is_number || STEP_HEADERS.contains(&name) && !numbers.is_empty() {
        true => numbers.iter().any(|number| *number > 0),
        false => !is_nothing(value),
    }
}

/// Returns whether a value denies or says nothing.
fn is_nothing(value: &str) -> bool {
    let nothing = [
        "", "-", "0", "disabled", "false", "n/a", "no", "none", "not used", "not_used", "null",
        "off", "unknown", "unused",
    ];
    let value = value.trim_matches('"');
    nothing.iter().any(|word| value.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads one header, and returns whether it reports a fallback.
    fn tells_of_fallback(name: &str, value: &str) -> bool {
        let headers = routing_headers(&[(name.to_owned(), value.to_owned())]);
        Intermediary::of(&headers).fallback.is_some()
    }

    #[test]
    fn a_fallback_that_a_proxy_took_is_seen() {
        for (name, value) in [
            ("x-litellm-attempted-fallbacks", "1"),
            ("X-LiteLLM-Attempted-Fallbacks", "2"),
            ("x-portkey-last-used-option-index", "config.targets[1]"),
            ("x-portkey-last-used-option-index", "config.targets[0].targets[1]"),
            ("x-portkey-last-used-option-index", "1"),
            ("helicone-fallback-index", "1"),
            ("cf-aig-step", "2"),
            ("x-gateway-fallback", "true"),
            ("x-fallback-model", "gpt-4o-mini"),
            ("x-fallback-model", "model-0"),
            ("llm_provider-cf-aig-step", "1"),
        ] {
            assert!(tells_of_fallback(name, value), "{name}: {value}");
        }
        for (name, value) in [
            ("x-litellm-attempted-fallbacks", "0"),
            ("x-litellm-max-fallbacks", "5"),
            ("x-litellm-attempted-retries", "3"),
            ("x-portkey-last-used-option-index", "config.targets[0]"),
            ("x-portkey-last-used-option-index", "0"),
            ("x-portkey-last-used-option-index", ""),
            ("x-portkey-retry-attempt-count", "2"),
            ("helicone-fallback-index", "0"),
            ("cf-aig-step", "0"),
            ("x-gateway-fallback", "False"),
            ("x-gateway-fallback", "\"false\""),
            ("x-gateway-fallback", "not_used"),
            ("x-fallback-model", "-"),
            ("x-fallbacks-enabled", "true"),
            ("x-available-fallbacks", "3"),
            ("x-request-id", "1"),
        ] {
            assert!(!tells_of_fallback(name, value), "{name}: {value}");
        }
    }
}
