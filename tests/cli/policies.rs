//! Policies that several tests use, and the providers that they name.

use test_support::BlockingProvider;

/// A policy of one class with one target of a built-in provider.
pub(crate) const SMALL: &str = "\
defaults:
  quick_answer: {provider: openai, model: gpt-6-luna, max_tokens: 256, rationale: short}
";

/// Returns a policy whose class is answered at `url` with the key `LOCAL_API_KEY`. `spare` is asked
/// when `local` fails. Nothing is retried, so that no test waits.
pub(crate) fn served_by(url: &str, spare: &str) -> String {
    format!(
        "\
defaults:
  quick_answer: {{provider: local, model: small, max_tokens: 256, rationale: short}}
  strict: {{provider: local, model: small, max_tokens: 256, allow_override: false}}
  safe: {{provider: local, model: small, max_tokens: 256}}
fallback:
  safe: [{{provider: spare, model: smaller}}]
reliability: {{retry: {{max_retries: 0}}}}
providers:
  local:
    kind: openai
    base_url: {url}/v1
    api_key_env: LOCAL_API_KEY
    models:
      small: {{in: 1, out: 2}}
      larger: {{in: 10, out: 20}}
  spare:
    kind: openai
    base_url: {spare}/v1
    api_key_env: null
    models:
      smaller: {{in: 0, out: 0}}
"
    )
}

/// Returns three providers at these URLs, which need no key: `one/alpha`, `two/beta` and
/// `three/gamma`, each model of its own developer. Nothing is retried.
fn three_providers(urls: [&str; 3]) -> String {
    let members = [("one", "alpha"), ("two", "beta"), ("three", "gamma")];
    let providers = members.iter().zip(urls).map(|((provider, model), url)| {
        format!(
            "  {provider}: {{kind: openai, base_url: '{url}/v1', api_key_env: null, models: \
             {{{model}: {{in: 1, out: 2, developer: of-{model}, lineage: [{model}]}}}}}}\n"
        )
    });
    let providers: String = providers.collect();
    format!("reliability: {{retry: {{max_retries: 0}}}}\nproviders:\n{providers}")
}

/// Starts the providers of [`three_providers`], whose models `alpha`, `beta` and `gamma` answer
/// with these texts.
pub(crate) fn each_answering([alpha, beta, gamma]: [&str; 3]) -> [BlockingProvider; 3] {
    [
        BlockingProvider::answering("alpha", alpha),
        BlockingProvider::answering("beta", beta),
        BlockingProvider::answering("gamma", gamma),
    ]
}

/// Returns a policy with a panel `review` of three members at these URLs. `promise` adds keys to
/// its visibility.
pub(crate) fn reviewed_by(urls: [&str; 3], promise: &str) -> String {
    format!(
        "\
defaults:
  review:
    members:
      - {{provider: one, model: alpha}}
      - {{provider: two, model: beta}}
      - {{provider: three, model: gamma}}
    max_tokens: 256
visibility:
  review: {{mode: blind{promise}}}
{}",
        three_providers(urls)
    )
}

/// Returns a policy with a cascade `sums` at these URLs: a gate of two, then the strong one.
pub(crate) fn summed_by(urls: [&str; 3]) -> String {
    format!(
        "\
defaults:
  sums:
    cascade:
      gate: [{{provider: one, model: alpha}}, {{provider: two, model: beta}}]
      else: {{provider: three, model: gamma}}
    max_tokens: 256
{}",
        three_providers(urls)
    )
}

/// Returns a policy with planner, worker and verifier at these URLs.
pub(crate) fn done_by(urls: [&str; 3]) -> String {
    format!(
        "\
defaults:
  ask: {{provider: one, model: alpha, max_tokens: 256}}
orchestration:
  roles:
    planner: {{provider: one, model: alpha, max_tokens: 256}}
    worker: {{provider: two, model: beta, max_tokens: 256}}
    verifier: {{provider: three, model: gamma, max_tokens: 256}}
{}",
        three_providers(urls)
    )
}
