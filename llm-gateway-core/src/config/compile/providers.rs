//! Compiles the providers: the built-in ones, and what the file adds or overrides.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use crate::config::catalog::Catalog;
use crate::config::diagnostic::{Collector, Severity};
use crate::config::node::PathStep;
use crate::config::raw::{RawKind, RawLimits, RawPolicy, RawProvider};
use crate::model::{Delivery, Dialect, Endpoint, Limits, ProviderName, StandIn, is_loopback};
use crate::policy::{BaseUrlFrom, Listing, ModelNames, ProviderSpec};

use super::Compilation;
use super::address::checked_text;
use super::base_url::misplaced;
use super::built_in::{BUILT_IN_PROVIDERS, BuiltIn};
use super::header_value::{self, is_variable};
use super::headers::headers;
use super::models::models;

/// The domains of Azure's model services:
/// <https://learn.microsoft.com/azure/ai-foundry/openai/latest>.
const AZURE: [&str; 3] =
    [".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com"];

/// The longest time of one attempt by default, from the connect to the last byte. Long reasoning
/// without a stream takes minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// The longest silence between bytes by default. Reasoning models think long before the first byte.
const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(120);

/// Returns every variable that may hold a key: those of the built-in providers, and those that the
/// file names, for a key or in a header.
pub(in crate::config) fn key_variables(raw: &RawPolicy) -> Vec<String> {
    let named = raw.providers.iter().flatten().filter_map(|(_, provider)| provider.as_ref());
    let named = named.flat_map(|raw| {
        raw.api_key_env.clone().flatten().into_iter().chain(header_value::variables(raw))
    });
    BUILT_IN_PROVIDERS
        .iter()
        .map(|built_in| built_in.key_variable.to_owned())
        .chain(named)
        .collect()
}

impl<'a> Compilation<'a> {
    /// Returns whether a provider is built in or has an entry in the file, valid or not.
    pub(super) fn declares_provider(&self, name: &str) -> bool {
        BUILT_IN_PROVIDERS.iter().any(|built_in| built_in.name == name)
            || self.root.find(&["providers".into(), name.into()]).is_some()
    }

    /// Compiles all providers. A provider with an error is left out.
    pub(super) fn providers(
        &self,
        raw: &RawPolicy,
        catalog: &Catalog,
        problems: &mut Collector<'_>,
    ) -> BTreeMap<ProviderName, ProviderSpec> {
        let nothing = RawProvider::default();
        let mut entries: BTreeMap<&str, &RawProvider> = BTreeMap::new();
        let own = self.own_providers.iter().map(ProviderName::as_str);
        entries.extend(
            BUILT_IN_PROVIDERS
                .iter()
                .map(|built_in| built_in.name)
                .chain(own)
                .map(|n| (n, &nothing)),
        );
        let declared = raw.providers.iter().flatten();
        entries.extend(declared.filter_map(|(name, raw)| Some((name.as_str(), raw.as_ref()?))));
        let compiled = entries.into_iter().filter_map(|(name, raw)| {
            let entry = ProviderEntry::new(self, name, raw, problems)?;
            Some((entry.provider.clone(), entry.compile(catalog, problems)?))
        });
        compiled.collect()
    }
}

/// One provider while it is compiled.
struct ProviderEntry<'a> {
    compilation: &'a Compilation<'a>,
    provider: ProviderName,
    raw: &'a RawProvider,
    built_in: Option<&'static BuiltIn>,
    /// Whether the embedding program brings the provider.
    own: bool,
}

impl<'a> ProviderEntry<'a> {
    /// Creates the entry of a provider; `None` if its name is invalid.
    fn new(
        compilation: &'a Compilation<'a>,
        name: &str,
        raw: &'a RawProvider,
        problems: &mut Collector<'_>,
    ) -> Option<Self> {
        let provider = ProviderName::new(name).map_err(|error| {
            let place = compilation.root.key_place_of(&["providers".into(), name.into()]);
            problems.error(place, error.to_string(), "rename it");
        });
        let provider = provider.ok()?;
        let own = compilation.own_providers.contains(&provider);
        let built_in = BUILT_IN_PROVIDERS.iter().find(|built_in| built_in.name == name && !own);
        Some(Self { compilation, provider, raw, built_in, own })
    }

    /// Compiles the provider; `None` if it has an error.
    fn compile(&self, catalog: &Catalog, problems: &mut Collector<'_>) -> Option<ProviderSpec> {
        // Every part is checked before the first `?`, so that all problems are reported at once.
        let dialect = self.dialect(problems);
        let base_url = self.base_url(dialect, problems);
        let rows = (self.compilation.root, &self.path("headers")[..]);
        let headers = headers(self.raw.headers.as_ref(), rows, dialect, problems);
        // A provider that the embedding program brings manages its own key.
        let api_key_env = self.key_variable(problems).filter(|_| !self.own);
        let names = self.model_names(base_url.as_deref());
        let base_url_from = self.base_url_from();
        let rows = (self.compilation.root, &self.path("models")[..]);
        let built_in = catalog.of(self.provider.as_str());
        let models = models(self.raw.models.as_ref(), rows, built_in, names, problems);
        let seconds = |given: Option<f64>, default| given.map_or(default, Duration::from_secs_f64);
        let timeout = seconds(self.raw.timeout_s, DEFAULT_TIMEOUT);
        // A provider that the embedding program brings may report nothing until it has answered.
        let silence = if self.own { timeout } else { DEFAULT_IDLE_TIMEOUT };
        let endpoint = Endpoint {
            provider: self.provider.clone(),
            dialect: dialect?,
            base_url: base_url?,
            api_key_env,
            headers,
            delivery: self.delivery(),
            timeout,
            idle_timeout: seconds(self.raw.idle_timeout_s, silence),
        };
        Some(ProviderSpec {
            endpoint,
            base_url_from,
            listing: self.listing(),
            names,
            limits: self.raw.limits.as_ref().map(limits).unwrap_or_default(),
            models,
        })
    }

    /// Returns the naming scheme of the provider's models: OpenAI's at the built-in provider
    /// `openai`, wherever its requests go, and at the hosts that serve OpenAI's models only.
    fn model_names(&self, base_url: Option<&str>) -> ModelNames {
        let url = base_url.and_then(|url| Url::parse(url).ok());
        let host = url.as_ref().and_then(Url::host_str).unwrap_or_default();
        let is_of_openai =
            host == "api.openai.com" || AZURE.iter().any(|domain| host.ends_with(domain));
        match self.built_in.is_some_and(|it| it.name == "openai") || is_of_openai {
            true => ModelNames::OfOpenAi,
            false => ModelNames::Any,
        }
    }

    /// Returns when descriptions list the provider although nothing uses it.
    fn listing(&self) -> Listing {
        let root = self.compilation.root;
        let is_written = root.find(&["providers".into(), self.provider.as_str().into()]).is_some();
        match self.built_in {
            Some(built_in) if !is_written => built_in.listing,
            _ => Listing::Always,
        }
    }

    /// Returns the path of a key of this provider in the file.
    fn path<'p>(&'p self, key: &'p str) -> [PathStep<'p>; 3] {
        [PathStep::Key("providers"), PathStep::Key(self.provider.as_str()), PathStep::Key(key)]
    }

    /// Reports that a required key is missing. A key that is present but invalid has been reported
    /// already.
    fn missing(&self, key: &str, hint: &str, problems: &mut Collector<'_>) {
        let root = self.compilation.root;
        if root.find(&self.path(key)).is_none() {
            let message = format!("provider `{}` has no `{key}`", self.provider);
            problems.error(root.key_place_of(&self.path(key)), message, hint);
        }
    }

    /// Returns the dialect that the file sets, else the built-in one.
    fn dialect(&self, problems: &mut Collector<'_>) -> Option<Dialect> {
        match (self.raw.kind, self.built_in) {
            (Some(RawKind::Openai), _) => Some(Dialect::OpenAi),
            (Some(RawKind::Anthropic), _) => Some(Dialect::Anthropic),
            (Some(RawKind::Gemini), _) => Some(Dialect::Gemini),
            (None, Some(built_in)) => Some(built_in.dialect),
            (None, None) if self.own => Some(Dialect::Own),
            (None, None) => {
                let hint = "write kind: openai, anthropic or gemini: the wire format it speaks";
                let own = brought_by_program(self.provider.as_str());
                self.missing("kind", &format!("{hint}; {own}"), problems);
                None
            }
        }
    }

    /// Returns the variable that overrides the base URL, with its value. An address that is still
    /// in quotes does not count as missing, because prompt and key would go to another host.
    fn overriding(&self) -> Option<(&'static str, &str)> {
        let (variable, environment) =
            (self.built_in?.base_url_variable?, self.compilation.environment);
        let is_unfilled = environment.unusable(variable) == Some(StandIn::Unfilled);
        let url = environment.written(variable).filter(|_| !is_unfilled)?;
        Some((variable, url))
    }

    /// Returns where the base URL comes from.
    fn base_url_from(&self) -> BaseUrlFrom {
        let of_file = |name| self.compilation.environment.is_of_file(name);
        match self.overriding() {
            Some((name, _)) if of_file(name) => BaseUrlFrom::EnvFile(name),
            Some((name, _)) => BaseUrlFrom::Environment(name),
            None if self.raw.base_url.is_some() => BaseUrlFrom::Policy,
            None => BaseUrlFrom::BuiltIn,
        }
    }

    /// Returns the base URL that the environment sets, else the file's, else the built-in one.
    fn base_url(&self, dialect: Option<Dialect>, problems: &mut Collector<'_>) -> Option<String> {
        let plain_http = match self.raw.insecure_http {
            Some(true) => PlainHttp::Anywhere,
            Some(false) | None => PlainHttp::Loopback,
        };
        let overriding = self.overriding().map(|(variable, url)| (Some(variable), url));
        let of_the_file = self.raw.base_url.as_deref().map(|url| (None, url));
        if let Some((variable, url)) = overriding.or(of_the_file) {
            let place = self.compilation.root.place_of(&self.path("base_url"));
            let mut report = |severity, why: &str, hint: String| match variable {
                Some(variable) => problems.variable(severity, format!("{variable}: {why}"), hint),
                None => problems.push(severity, place, format!("`base_url`: {why}"), hint),
            };
            let checked = checked_url(url, plain_http);
            let url = checked
                .map_err(|(why, hint)| report(Severity::Error, &why, hint.to_owned()))
                .ok()?;
            if let Some(fault) = dialect.and_then(|dialect| misplaced(&url, dialect)) {
                report(fault.severity, &fault.message, fault.hint);
            }
            return Some(url);
        }
        match self.built_in {
            Some(built_in) => Some(built_in.base_url.to_owned()),
            None if self.own => Some(String::new()),
            None => {
                let hint = "write scheme, host and path prefix, such as http://127.0.0.1:11434/v1";
                self.missing("base_url", hint, problems);
                None
            }
        }
    }

    /// Returns the delivery that the file sets, else a stream. A stream shows early that a model
    /// works, keeps what was written when a connection breaks, and lets its server notice that a
    /// caller has left. A server that refuses a stream is asked once more without it.
    fn delivery(&self) -> Delivery {
        match self.raw.stream.unwrap_or(true) {
            true => Delivery::Stream,
            false => Delivery::Whole,
        }
    }

    /// Returns the variable that holds the key: the file's, else the built-in one.
    fn key_variable(&self, problems: &mut Collector<'_>) -> Option<String> {
        let Some(named) = &self.raw.api_key_env else {
            return self.built_in.map(|built_in| built_in.key_variable.to_owned());
        };
        let variable = named.as_ref()?;
        if is_variable(variable) {
            return Some(variable.clone());
        }
        // The value may be the key itself, so neither the message nor the snippet shows it.
        problems.error_hidden(
            self.compilation.root.place_of(&self.path("api_key_env")),
            "`api_key_env` is not the name of a variable",
            "write the name, such as OPENAI_API_KEY, and put the key itself into the environment",
        );
        None
    }
}

/// Returns advice for the author of a program that forgot to bring a provider.
pub(super) fn brought_by_program(provider: &str) -> String {
    format!(
        "a program that brings the provider adds it by `GatewayBuilder::provider(\"{provider}\", …)`"
    )
}

fn limits(raw: &RawLimits) -> Limits {
    Limits {
        requests_per_minute: raw.requests_per_minute,
        tokens_per_minute: raw.tokens_per_minute,
        concurrent: raw.concurrent,
    }
}

/// The hosts that plain http may reach. A key travels unencrypted over plain http.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PlainHttp {
    /// Plain http may reach this machine alone.
    Loopback,
    /// Plain http may reach any host, because the policy says `insecure_http: true`.
    Anywhere,
}

/// Checks a base URL and returns it without a closing slash.
///
/// # Errors
/// Fails with what is wrong and what would be right. Neither shows the URL, whose user-info may be
/// a secret.
fn checked_url(text: &str, plain_http: PlainHttp) -> Result<String, (String, &'static str)> {
    let example = "write scheme, host and path prefix, such as https://api.example.com/v1";
    let text = checked_text(text)?;
    let url = Url::parse(text).map_err(|error| (format!("not a URL: {error}"), example))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err((
            "it holds user-info".to_owned(),
            "keys go into the variable of `api_key_env`",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err((
            "it holds a query or a fragment".to_owned(),
            "keys go into the variable of `api_key_env`",
        ));
    }
    let loopback = match url.host() {
        Some(host) => is_loopback(&host),
        None => return Err(("it names no host".to_owned(), example)),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback || plain_http == PlainHttp::Anywhere => {}
        "http" => {
            return Err((
                "plain http to a host that is not this machine would send the key unencrypted"
                    .to_owned(),
                "use https, or say insecure_http: true for this provider",
            ));
        }
        scheme => return Err((format!("the scheme `{scheme}` is not http or https"), example)),
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_never_travels_in_the_open() {
        for safe in [
            "https://api.openai.com/v1/",
            "http://127.0.0.1:8080",
            "http://localhost/v1",
            "http://localhost./v1",
            "http://[::ffff:127.0.0.1]:11434",
            "http://[::1]:1",
        ] {
            assert!(checked_url(safe, PlainHttp::Loopback).is_ok(), "{safe}");
        }
        for unsafe_url in [
            "http://api.openai.com/v1",
            "http://localhost.evil.com",
            "http://ollama.localhost",
            "http://[::ffff:10.0.0.1]",
            "http://127.0.0.1.evil.com",
            "https://user:secret@api.openai.com",
            "https://api.openai.com/v1?key=secret",
            "https://api.openai.com/#f",
            "ftp://api.openai.com",
            "file:///etc/passwd",
            "api.openai.com",
            "",
        ] {
            let (why, hint) = checked_url(unsafe_url, PlainHttp::Loopback).expect_err(unsafe_url);
            assert!(!why.contains("secret") && !hint.contains("secret"), "{why} {hint}");
        }
        assert!(
            checked_url("http://10.0.0.1/v1", PlainHttp::Anywhere).is_ok(),
            "insecure_http allows it"
        );
    }

    #[test]
    fn a_base_url_loses_its_closing_slash() {
        assert_eq!(
            checked_url("https://host/v1/", PlainHttp::Loopback),
            Ok("https://host/v1".to_owned())
        );
    }
}
