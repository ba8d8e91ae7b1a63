//! Members are not asked, and not paid for, if the quorum cannot be met.

use super::*;
use crate::support::obeying;

/// Asks a panel with these keys, over a scripted network.
async fn ask_with(policy: &str, keys: &[&str]) -> (Result<PanelAnswer, Failure>, usize, bool) {
    let script = Scripted::new();
    let environment = keys.iter().fold(Environment::empty(), |it, key| it.with(*key, "k"));
    let builder = obeying(policy).environment(environment).transport(Arc::new(script.clone()));
    let gateway = builder.build().unwrap();
    let outcome = gateway.panel(Request::new("three", "hi")).await;
    let classes = gateway.describe().unwrap().task_classes;
    let is_available = classes.iter().any(|class| class.name == "three" && class.available);
    (outcome, script.requests().len(), is_available)
}

#[tokio::test]
async fn a_panel_that_lacks_keys_for_its_quorum_asks_nobody() {
    const ALL: [&str; 3] = ["OPENAI_API_KEY", "GEMINI_API_KEY", "ANTHROPIC_API_KEY"];
    let two = promising("quorum: 2");
    for (policy, keys, asked) in
        [(POLICY, 3, 3), (POLICY, 2, 0), (&two, 2, 2), (&two, 1, 0), (&two, 0, 0)]
    {
        let (outcome, requests, is_available) = ask_with(policy, &ALL[..keys]).await;
        assert_eq!((requests, is_available), (asked, asked > 0), "{keys} keys");
        assert_eq!(outcome.is_ok(), is_available, "{keys} keys");
    }
}

#[tokio::test]
async fn what_is_told_of_those_that_were_spared() {
    let (outcome, _, _) = ask_with(POLICY, &["OPENAI_API_KEY", "GEMINI_API_KEY"]).await;
    let failure = outcome.unwrap_err();
    let envelope = json!(Envelope::from(&failure));
    assert_eq!(failure.category(), Category::Quorum);
    assert_eq!(envelope["error"], "0 of 3 members of `three` answered, and 3 must");
    let told = envelope["meta"]["hint"].as_str().unwrap();
    assert!(told.contains("ANTHROPIC_API_KEY is not set"), "{told}");
    let members = envelope["data"]["members"].as_array().unwrap();
    let categories: Vec<_> = members.iter().map(|it| &it["meta"]["error_category"]).collect();
    assert_eq!(categories, ["quorum", "missing_key", "quorum"]);
    assert_eq!(members[0]["error"], "not asked: 2 of 3 members can be, and 3 must answer");
    let models: Vec<_> = members.iter().map(|it| &it["meta"]["model"]).collect();
    assert_eq!(models, ["gpt-6-luna", "claude-haiku-5-5", "gemini-3.8-flash"]);
    assert_eq!(envelope["meta"]["total_cost_usd_approx"], 0.0);
    let panel = failure.panel().unwrap();
    let bundle = panel.bundle.to_bytes();
    let found = verify(&panel.receipt.to_bytes(), VerifyOptions::default().with_bundle(&bundle));
    assert_eq!(found.result, VerifyResult::Holds, "{:?}", found.findings);
}

#[tokio::test]
async fn a_member_above_the_price_bound_spares_the_others() {
    let dear = "anthropic: {models: {claude-haiku-5-5: {in: 1, out: 1000}}}";
    let cheap = "anthropic: {models: {claude-haiku-5-5: {in: 1, out: 10}}}";
    let policy = POLICY.replace(cheap, dear) + "cost_preflight: {block_usd: 0.05}\n";
    assert!(policy.contains(dear));
    for (policy, asked) in [
        (policy.clone(), 0),
        (format!("{policy}visibility: {{three: {{mode: blind, quorum: 2}}}}"), 2),
    ] {
        let script = Scripted::new();
        let outcome = ask(&policy, script.clone()).await;
        assert_eq!((script.requests().len(), outcome.is_ok()), (asked, asked > 0));
        if let Err(failure) = outcome {
            let told = failure.error().hint().unwrap();
            assert!(told.contains("anthropic/claude-haiku-5-5 is refused"), "{told}");
        }
    }
}
