//! Policies that several tests use.

/// One class, one target of the built-in provider: what a newcomer writes first.
pub(crate) const SMALL: &str = "\
defaults:
  quick_answer: {provider: openai, model: gpt-6-luna, max_tokens: 256, rationale: short}
";

/// A class that a server at `url` answers, which wants the key `LOCAL_API_KEY`; `spare` is
/// asked when `local` fails. Nothing is tried twice, so that no test waits.
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
