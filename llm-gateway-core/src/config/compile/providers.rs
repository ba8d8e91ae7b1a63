//! Providers: the built-in four, and what the file adds or overrides.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use url::{Host, Url};

use crate::config::catalog::{Catalog, ProviderCatalog};
use crate::config::diagnostic::{Collector, Severity};
use crate::config::node::Step;
use crate::config::raw::{RawKind, RawLimits, RawModel, RawPolicy, RawProvider};
use crate::model::{Dialect, Endpoint, ModelFacts, ModelId, Prices, ProviderName, Rate};
use crate::policy::{Limits, ProviderSpec};

use super::Compilation;

/// A provider that needs no entry in the file.
struct BuiltIn {
    name: &'static str,
    dialect: Dialect,
    base_url: &'static str,
    base_url_variable: &'static str,
    key_variable: &'static str,
}

const BUILT_IN: [BuiltIn; 4] = [
    BuiltIn {
        name: "openai",
        dialect: Dialect::OpenAi,
        base_url: "https://api.openai.com/v1",
        base_url_variable: "OPENAI_BASE_URL",
        key_variable: "OPENAI_API_KEY",
    },
    BuiltIn {
        name: "anthropic",
        dialect: Dialect::Anthropic,
        base_url: "https://api.anthropic.com",
        base_url_variable: "ANTHROPIC_BASE_URL",
        key_variable: "ANTHROPIC_API_KEY",
    },
    BuiltIn {
        name: "gemini",
        dialect: Dialect::Gemini,
        base_url: "https://generativelanguage.googleapis.com",
        base_url_variable: "GEMINI_BASE_URL",
        key_variable: "GEMINI_API_KEY",
    },
    BuiltIn {
        name: "deepseek",
        dialect: Dialect::OpenAi,
        base_url: "https://api.deepseek.com/v1",
        base_url_variable: "DEEPSEEK_BASE_URL",
        key_variable: "DEEPSEEK_API_KEY",
    },
];

/// One attempt, from connect to the last byte. Long reasoning without a stream takes
/// minutes.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(300);

/// Silence between bytes. Reasoning models think long before the first one.
const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(120);

fn built_in(name: &str) -> Option<&'static BuiltIn> {
    BUILT_IN.iter().find(|built_in| built_in.name == name)
}

/// Every variable that may hold a key: the built-in ones and those that the file names.
pub(in crate::config) fn key_variables(raw: &RawPolicy) -> Vec<String> {
    let named = raw
        .providers
        .iter()
        .flatten()
        .filter_map(|(_, provider)| provider.as_ref()?.api_key_env.clone()?);
    BUILT_IN.iter().map(|built_in| built_in.key_variable.to_owned()).chain(named).collect()
}

impl Compilation<'_> {
    /// Whether the file has an entry for a provider, sound or not.
    pub(super) fn declares_provider(&self, name: &str) -> bool {
        self.root.entry("providers").is_some_and(|entry| entry.value.entry(name).is_some())
    }

    pub(super) fn providers(
        &self,
        raw: &RawPolicy,
        catalog: &Catalog,
        problems: &mut Collector<'_>,
    ) -> BTreeMap<ProviderName, ProviderSpec> {
        let nothing = RawProvider::default();
        let declared = raw.providers.iter().flatten();
        let undeclared =
            |name: &&str| !raw.providers.as_ref().is_some_and(|map| map.contains_key(*name));
        let names = BUILT_IN
            .iter()
            .map(|built_in| built_in.name)
            .filter(undeclared)
            .map(|name| (name, &nothing))
            .chain(
                self.own_providers
                    .iter()
                    .map(ProviderName::as_str)
                    .filter(undeclared)
                    .map(|name| (name, &nothing)),
            )
            .chain(
                declared
                    .map(|(name, provider)| (name.as_str(), provider.as_ref().unwrap_or(&nothing))),
            );
        names.filter_map(|(name, raw)| self.provider(name, raw, catalog, problems)).collect()
    }

    fn provider(
        &self,
        name: &str,
        raw: &RawProvider,
        catalog: &Catalog,
        problems: &mut Collector<'_>,
    ) -> Option<(ProviderName, ProviderSpec)> {
        let path = [Step::Key("providers"), Step::Key(name)];
        let built_in = built_in(name);
        let provider = ProviderName::new(name)
            .map_err(|error| {
                problems.error(self.root.key_place_of(&path), error.to_string(), "rename it")
            })
            .ok()?;
        let dialect = match (raw.kind, built_in) {
            (Some(RawKind::Openai), _) => Dialect::OpenAi,
            (Some(RawKind::Anthropic), _) => Dialect::Anthropic,
            (Some(RawKind::Gemini), _) => Dialect::Gemini,
            (None, Some(built_in)) => built_in.dialect,
            (None, None) if self.own_providers.contains(&provider) => Dialect::Own,
            (None, None) => {
                // A `kind` that is there but wrong has been reported already.
                if self.root.key_place_of(&[path[0], path[1], "kind".into()])
                    == self.root.place_of(&path)
                {
                    problems.error(
                        self.root.key_place_of(&path),
                        format!("provider `{name}` has no `kind`"),
                        "write kind: openai, anthropic or gemini: the wire format it speaks",
                    );
                }
                return None;
            }
        };
        let base_url = self.base_url(&provider, raw, built_in, problems)?;
        let seconds = |given: Option<f64>, default| given.map_or(default, Duration::from_secs_f64);
        let endpoint = Endpoint {
            dialect,
            base_url,
            api_key_env: self.key_variable(&provider, raw, built_in, problems),
            timeout: seconds(raw.timeout_s, DEFAULT_TIMEOUT),
            idle_timeout: seconds(raw.idle_timeout_s, DEFAULT_IDLE_TIMEOUT),
            provider: provider.clone(),
        };
        let spec = ProviderSpec {
            endpoint,
            stream: raw.stream.unwrap_or(built_in.is_some()),
            limits: raw.limits.as_ref().map(limits).unwrap_or_default(),
            models: self.models(name, raw, catalog.of(name), problems),
        };
        Some((provider, spec))
    }

    /// The environment's base URL, else the file's, else the built-in one.
    fn base_url(
        &self,
        provider: &ProviderName,
        raw: &RawProvider,
        built_in: Option<&BuiltIn>,
        problems: &mut Collector<'_>,
    ) -> Option<String> {
        let path = [Step::Key("providers"), Step::Key(provider.as_str()), Step::Key("base_url")];
        let insecure_http = raw.insecure_http.unwrap_or(false);
        let variable = built_in.map(|built_in| built_in.base_url_variable);
        if let Some((variable, url)) =
            variable.and_then(|name| Some((name, self.environment.get(name)?)))
        {
            return checked_url(url, insecure_http)
                .map_err(|(why, hint)| {
                    problems.variable(Severity::Error, format!("{variable}: {why}"), hint)
                })
                .ok();
        }
        if let Some(url) = &raw.base_url {
            return checked_url(url, insecure_http)
                .map_err(|(why, hint)| {
                    problems.error(self.root.place_of(&path), format!("`base_url`: {why}"), hint)
                })
                .ok();
        }
        if built_in.is_none() && self.own_providers.contains(provider) {
            return Some(String::new());
        }
        if built_in.is_none() {
            problems.error(
                self.root.key_place_of(&path[..2]),
                format!("provider `{provider}` has no `base_url`"),
                "write scheme, host and path prefix, such as http://127.0.0.1:11434/v1",
            );
        }
        built_in.map(|built_in| built_in.base_url.to_owned())
    }

    fn key_variable(
        &self,
        provider: &ProviderName,
        raw: &RawProvider,
        built_in: Option<&BuiltIn>,
        problems: &mut Collector<'_>,
    ) -> Option<String> {
        let Some(named) = &raw.api_key_env else {
            return built_in.map(|built_in| built_in.key_variable.to_owned());
        };
        let variable = named.as_ref()?;
        let is_variable = variable.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && variable.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && variable.len() <= 64;
        if is_variable {
            return Some(variable.clone());
        }
        let path = [Step::Key("providers"), Step::Key(provider.as_str()), Step::Key("api_key_env")];
        // The value may be the key itself, so neither message nor snippet shows it.
        problems.error_hidden(
            self.root.place_of(&path),
            "`api_key_env` is not the name of a variable",
            "write the name, such as OPENAI_API_KEY, and put the key itself into the environment",
        );
        None
    }

    /// The built-in rows, with the file's rows on top.
    fn models(
        &self,
        provider: &str,
        raw: &RawProvider,
        built_in: ProviderCatalog,
        problems: &mut Collector<'_>,
    ) -> BTreeMap<String, Arc<ModelFacts>> {
        let mut models = built_in.models;
        for (id, row) in raw.models.iter().flatten() {
            let path =
                [Step::Key("providers"), Step::Key(provider), Step::Key("models"), Step::Key(id)];
            let place = self.root.key_place_of(&path);
            for id in row.aliases.iter().flatten().chain([id]) {
                if let Err(error) = ModelId::new(id) {
                    problems.error(
                        place,
                        error.to_string(),
                        "write the id that the provider's API takes",
                    );
                }
            }
            if row.input.is_some() != row.output.is_some() {
                let (there, absent) =
                    if row.input.is_some() { ("in", "out") } else { ("out", "in") };
                problems.error(
                    place,
                    format!("the row of `{id}` has `{there}` but no `{absent}`"),
                    "a row that sets one price replaces all of them: write both",
                );
                continue;
            }
            let facts = Arc::new(merged(id, row, models.get(id).map(Arc::as_ref)));
            for id in row.aliases.iter().flatten().chain([id]) {
                models.insert(id.clone(), Arc::clone(&facts));
            }
        }
        models
    }
}

/// A row of the file over the row that was there.
fn merged(id: &str, row: &RawModel, base: Option<&ModelFacts>) -> ModelFacts {
    let base = base.cloned().unwrap_or_default();
    // The bounds of the schema are those of a rate, so a refused number cannot arrive here.
    let rate = |usd: Option<f64>| usd.and_then(|usd| Rate::from_usd_per_million(usd).ok());
    let (read, write) = (rate(row.cache_read), rate(row.cache_write));
    let prices = match (rate(row.input), rate(row.output)) {
        (Some(input), Some(output)) => {
            Some(Prices { cache_read: read, cache_write: write, ..Prices::flat(input, output) })
        }
        _ => base.prices.map(|prices| Prices {
            cache_read: read.or(prices.cache_read),
            cache_write: write.or(prices.cache_write),
            ..prices
        }),
    };
    ModelFacts {
        canonical: id.to_owned(),
        snapshot_of: base.snapshot_of,
        developer: row.developer.clone().or(base.developer),
        lineage: row.lineage.clone().unwrap_or(base.lineage),
        prices,
        context: row.context.or(base.context),
        max_output: row.max_output.or(base.max_output),
        capabilities: base.capabilities,
    }
}

fn limits(raw: &RawLimits) -> Limits {
    Limits {
        requests_per_minute: raw.requests_per_minute,
        tokens_per_minute: raw.tokens_per_minute,
        concurrent: raw.concurrent,
    }
}

/// Checks a base URL: what is wrong with it and what would be right, or the URL without a
/// closing slash. Never shows the URL: its user-info may be a secret.
fn checked_url(text: &str, insecure_http: bool) -> Result<String, (String, &'static str)> {
    let example = "write scheme, host and path prefix, such as https://api.example.com/v1";
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
        Some(Host::Domain(domain)) => domain.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(("it names no host".to_owned(), example)),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback || insecure_http => {}
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
            "http://[::1]:1",
        ] {
            assert!(checked_url(safe, false).is_ok(), "{safe}");
        }
        for unsafe_url in [
            "http://api.openai.com/v1",
            "http://localhost.evil.com",
            "http://127.0.0.1.evil.com",
            "https://user:secret@api.openai.com",
            "https://api.openai.com/v1?key=secret",
            "https://api.openai.com/#f",
            "ftp://api.openai.com",
            "file:///etc/passwd",
            "api.openai.com",
            "",
        ] {
            let (why, hint) = checked_url(unsafe_url, false).expect_err(unsafe_url);
            assert!(!why.contains("secret") && !hint.contains("secret"), "{why} {hint}");
        }
        assert!(checked_url("http://10.0.0.1/v1", true).is_ok(), "insecure_http allows it");
    }

    #[test]
    fn a_base_url_loses_its_closing_slash() {
        assert_eq!(checked_url("https://host/v1/", false), Ok("https://host/v1".to_owned()));
    }
}
