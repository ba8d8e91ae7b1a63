//! The address of a provider's API, and the wire format that it speaks.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use url::{Host, Url};

use super::{KeyKind, ProviderHeader, ProviderName};

/// A wire format: the form of an API's requests and responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Dialect {
    /// The wire format of OpenAI's Chat Completions, which DeepSeek and many other servers speak
    /// too.
    OpenAi,
    /// The wire format of Anthropic's Messages API.
    Anthropic,
    /// The wire format of Google's `generateContent`.
    Gemini,
    /// The wire format of a [`Provider`](crate::provider::Provider) that the embedding program
    /// brought, which the gateway does not know.
    Own,
}

impl Dialect {
    /// Every wire format for which this crate has adapters, for the tests that go through all.
    #[cfg(test)]
    pub(crate) const SPOKEN: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// Returns the name of the wire format that `kind:` has in the policy file, such as `openai`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
            Self::Own => "own",
        }
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The way in which a provider is asked to deliver its answers. A caller gets one whole completion
/// either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// The provider sends the answer in one piece when it is complete.
    Whole,
    /// The provider sends the answer piece by piece as it is written, as server-sent events.
    Stream,
}

/// The address of one provider's API, and how it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Endpoint {
    /// The provider's name in the policy.
    pub provider: ProviderName,
    /// The wire format that the provider speaks.
    pub dialect: Dialect,
    /// Scheme, host and path prefix of the API, without a closing slash, user info or query.
    pub base_url: String,
    /// The environment variable that holds the provider's key; `None` if it needs no key.
    pub api_key_env: Option<String>,
    /// The headers that the policy sends with each request.
    pub headers: Vec<ProviderHeader>,
    /// The way in which the provider is asked to deliver its answers.
    pub delivery: Delivery,
    /// The longest time of one attempt at the provider, from connecting to the last byte.
    pub timeout: Duration,
    /// The longest time that an attempt may go without receiving a byte, the wait for the first
    /// byte included.
    pub idle_timeout: Duration,
}

impl Endpoint {
    /// Returns the variables without which the provider cannot be asked, each once: its key's
    /// variable and its headers' variables.
    pub fn variables(&self) -> Vec<&str> {
        let of_headers = self.headers.iter().flat_map(ProviderHeader::variables);
        let mut variables = Vec::new();
        for variable in self.api_key_env.as_deref().into_iter().chain(of_headers) {
            if !variables.contains(&variable) {
                variables.push(variable);
            }
        }
        variables
    }

    /// Returns whether the key of this provider is a secret, which is scrubbed. A mere word is no
    /// secret if the server is on this machine.
    pub(crate) fn guards(&self, key: &str) -> bool {
        match KeyKind::of(key) {
            KeyKind::Secret => true,
            KeyKind::Word => !self.is_on_this_machine(),
            KeyKind::Placeholder | KeyKind::TooShort => false,
        }
    }

    /// Returns whether the provider's server is on this machine.
    pub(crate) fn is_on_this_machine(&self) -> bool {
        let url = Url::parse(&self.base_url).ok();
        url.as_ref().and_then(Url::host).is_some_and(|host| is_loopback(&host))
    }
}

/// Returns whether a host is this machine by its name or address.
pub(crate) fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        // Names below it, such as `ollama.localhost`, lead to this machine by some resolvers only.
        Host::Domain(domain) => {
            domain.strip_suffix('.').unwrap_or(domain).eq_ignore_ascii_case("localhost")
        }
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => address.to_canonical().is_loopback(),
    }
}
