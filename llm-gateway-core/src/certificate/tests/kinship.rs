//! Kinship as the model data and a policy tell it.

use std::time::Duration;

use crate::certificate::{Kin, KinRow, Kinship};
use crate::config::{LoadRequest, PolicySource, load};
use crate::environment::Environment;

/// The same open-weight model at two hosts, declared under one id; a dated model with a price of
/// the user's own; one id that means two things.
const POLICY: &str = r"
defaults: {quick: {provider: openai, model: gpt-4o, max_tokens: 8}}
providers:
  openai:
    models:
      gpt-4o-2024-08-06: {in: 1, out: 2}
  ollama:
    kind: openai
    base_url: http://127.0.0.1:11434/v1
    api_key_env: null
    models:
      llama3.3: {developer: Meta, lineage: [Llama]}
      chat: {developer: one, lineage: [one]}
  groq:
    kind: openai
    base_url: https://api.groq.test/v1
    api_key_env: null
    models:
      llama3.3: {developer: meta, lineage: [llama], aliases: [llama-3.3-70b-versatile]}
      chat: {developer: two, lineage: [two]}
";

fn kinship() -> Kinship {
    let source = PolicySource::Text(POLICY.to_owned());
    let environment = Environment::empty();
    let now = Duration::ZERO;
    let request =
        LoadRequest { source: &source, environment, env_file: None, own_providers: &[], now };
    let policy = load(request).policy.unwrap();
    let rows = policy.providers().iter().flat_map(|(name, provider)| {
        provider.models.iter().map(|(id, facts)| (name.as_str(), id.as_str(), facts.as_ref()))
    });
    Kinship::from_facts(rows)
}

#[test]
fn one_model_has_one_canonical_id() {
    let kinship = kinship();
    let canonical =
        |provider: &str, id: &str| kinship.find(provider, id).map(|kin| kin.canonical.clone());
    for dated in ["gpt-4o", "gpt-4o-2024-05-13", "gpt-4o-2024-08-06"] {
        assert_eq!(canonical("openai", dated).as_deref(), Some("gpt-4o"), "{dated}");
        assert_eq!(canonical("a-proxy", dated).as_deref(), Some("gpt-4o"), "{dated}");
    }
    assert_eq!(canonical("groq", "llama-3.3-70b-versatile").as_deref(), Some("llama3.3"));
    assert_eq!(kinship.find("groq", "llama3.3"), kinship.find("ollama", "llama3.3"));
    assert_eq!(canonical("openai", "gpt-4o-2099-01-01"), None);
}

#[test]
fn an_id_that_means_two_things_means_nothing_elsewhere() {
    let kinship = kinship();
    assert_ne!(kinship.find("groq", "chat"), kinship.find("ollama", "chat"));
    assert_eq!(kinship.find("openai", "chat"), None);
}

#[test]
fn the_version_is_that_of_the_rows() {
    let row = |developer| KinRow::new(None, "m", Kin::new("m", Some(developer), ["f"]));
    assert_eq!(Kinship::new([row("a")]).version(), Kinship::new([row("A ")]).version());
    assert_ne!(Kinship::new([row("a")]).version(), Kinship::new([row("b")]).version());
}
