//! Tests of the lineage data that is made from the built-in models and a policy.

use std::collections::BTreeSet;
use std::time::Duration;

use super::orchestration;
use super::panel::{SEATS, Seat, not_passed, panel, rules};
use crate::certificate::{
    Certificate, ClaimResult, Kinship, Lineage, LineageRow, OrchestrationCertificate, Particulars,
    Receipt, Salt, VerifyOptions, VerifyResult, certify, certify_orchestration, verify,
};
use crate::config::{LoadRequest, PolicySource, built_in_models, load};
use crate::model::{Dialect, naming};

/// A policy with the same open-weight model at two hosts under one id, a dated model with a price
/// of the user's own, and one id that means two models.
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
    let policy = load(LoadRequest::new(&source, Duration::ZERO)).policy.unwrap();
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
    let row = |developer| LineageRow::new(None, "m", Lineage::new("m", Some(developer), ["f"]));
    assert_eq!(Kinship::new([row("a")]).version(), Kinship::new([row("A ")]).version());
    assert_ne!(Kinship::new([row("a")]).version(), Kinship::new([row("b")]).version());
}

/// Returns lineage data in which `aka` is one provider's name for its own model, and the id of
/// another provider's model.
fn aliased() -> Kinship {
    let row = |provider, id: &str, canonical: &str, developer, family| {
        LineageRow::new(Some(provider), id, Lineage::new(canonical, Some(developer), [family]))
    };
    Kinship::new([
        row("openai", "gpt-4o", "gpt-4o", "one", "a"),
        row("openai", "aka", "gpt-4o", "one", "a"),
        row("anthropic", "aka", "aka", "two", "b"),
        row("anthropic", "also", "aka", "two", "b"),
        row("gemini", "third", "third", "three", "c"),
    ])
}

/// Returns the panel members of [`SEATS`] with models that [`aliased`] knows.
fn seats() -> [Seat; 3] {
    let [one, two, three] = SEATS;
    let plain = |seat: Seat, model| Seat { model, dialect: Dialect::OpenAi, ..seat };
    [plain(one, "gpt-4o"), plain(two, "also"), plain(three, "third")]
}

#[test]
fn an_alias_of_one_provider_joins_what_another_serves_under_it() {
    let kinship = aliased();
    let evidence = panel(&seats());
    let certificate: Certificate = certify(&evidence, &rules(), &kinship);
    let claims = ["model_distinct", "vendor_distinct", "lineage_distinct"];
    assert_eq!(not_passed(&certificate), claims.map(|name| (name, ClaimResult::Fail)));
    let because = &certificate.claims.model_distinct.because;
    assert_eq!(because, "members 1 and 2 are aka (gpt-4o, also)");
    // The receipt's own rows say the same, so it is not contradicted with or without the bytes.
    let (particulars, salt) = (Particulars::default(), Salt::from_bytes([7; 32]));
    let (receipt, bundle) = Receipt::issue(particulars, evidence, &rules(), &kinship, salt);
    assert_eq!(receipt.certificate(), &certificate);
    let (receipt, bundle) = (receipt.to_bytes(), bundle.to_bytes());
    let alone = verify(&receipt, VerifyOptions::default());
    assert_eq!(alone.result, VerifyResult::Undecided, "{:?}", alone.findings);
    let found = verify(&receipt, VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(found.result, VerifyResult::Holds, "{:?}", found.findings);
}

/// Checks three models of which two have one developer, and the first has a name that moves from
/// model to model.
#[test]
fn a_name_that_moves_may_be_any_model_of_its_family() {
    let row = |id: &str, developer, family| {
        LineageRow::new(None, id, Lineage::new(id, Some(developer), [family]))
    };
    let told = |moves| {
        let mut newest = row("gpt-4o", "one", "a");
        newest.lineage.moves = moves;
        let others = [row("also", "one", "a"), row("third", "three", "c")];
        let kinship = Kinship::new(others.into_iter().chain([newest]));
        let certificate: Certificate = certify(&panel(&seats()), &rules(), &kinship);
        let because = certificate.claims.model_distinct.because.clone();
        (not_passed(&certificate), because)
    };
    let kin = [("vendor_distinct", ClaimResult::Fail), ("lineage_distinct", ClaimResult::Fail)];
    assert_eq!(told(false).0, kin);
    let (claims, because) = told(true);
    assert_eq!(claims, [&[("model_distinct", ClaimResult::Unknown)], &kin[..]].concat());
    assert_eq!(because, "member 1's model gpt-4o is a name that moves from model to model");
}

#[test]
fn a_verifier_is_not_the_worker_under_an_alias_of_another_provider() {
    let [one, two, three] = seats();
    let certificate: OrchestrationCertificate =
        certify_orchestration(&orchestration::replanned_by([three, one, two]), &aliased());
    let expected = [("verifier_worker_distinct", ClaimResult::Fail)];
    assert_eq!(orchestration::not_passed(&certificate), expected);
}

/// Checks that no two built-in models share a name: if a release gave them one, sound panels would
/// fail.
#[test]
fn no_two_models_of_the_built_in_data_are_joined() {
    let models = built_in_models();
    let rows = || models.iter().map(|(provider, id, facts)| (&**provider, &**id, &**facts));
    let kinship = Kinship::from_facts(rows());
    let told: BTreeSet<String> =
        rows().map(|(_, _, facts)| Lineage::from(facts).canonical).collect();
    let joined: BTreeSet<&str> = rows()
        .filter_map(|(provider, id, _)| Some(&*kinship.find(provider, id)?.canonical))
        .collect();
    assert_eq!(joined.into_iter().collect::<Vec<_>>(), told.iter().collect::<Vec<_>>());
}

/// Checks that names of the built-in data that may be one model by their form are one model by the
/// data, so that no panel of built-in models is undecided over its names.
#[test]
fn built_in_names_of_one_form_are_of_one_model() {
    let models = built_in_models();
    let rows: Vec<_> =
        models.iter().map(|(_, id, facts)| (&**id, Lineage::from(&**facts).canonical)).collect();
    for (one, model) in &rows {
        for (other, same) in &rows {
            if naming::may_be_one(one, other) {
                assert_eq!(model, same, "{one} and {other}");
            }
        }
    }
}
