//! A script plays all its steps, or says aloud that it is too long.

use llm_gateway_core::{Gateway, Request, Scripted};

const POLICY: &str = "defaults: {q: {provider: openai, model: gpt-6-luna}}";

#[tokio::test]
async fn every_step_is_played() {
    let script = (0..1500).fold(Scripted::new(), |script, n| script.answer(format!("answer {n}")));
    let gateway = Gateway::for_tests(POLICY, script.clone()).unwrap();
    for n in 0..1500 {
        let answer = gateway.route(Request::new("q", "hello")).await.unwrap();
        assert_eq!(answer.text(), format!("answer {n}"));
    }
    script.finish().unwrap();
}

#[test]
fn a_script_that_is_too_long_is_refused_by_the_build() {
    let long = (0..100_001).fold(Scripted::new(), |script, _| script.answer("x"));
    let nested = Scripted::new().target("openai/gpt-6-luna", long.clone());
    for (script, told) in [
        (long, "the script has 100001 steps, and 100000 is the most"),
        (nested, "the script of openai/gpt-6-luna has 100001 steps, and 100000 is the most"),
    ] {
        let problems = Gateway::for_tests(POLICY, script.clone()).unwrap_err();
        assert_eq!(problems.diagnostics()[0].message, told);
        let problems = Gateway::builder().policy_yaml(POLICY).scripted(script.clone()).build();
        assert_eq!(problems.unwrap_err().diagnostics()[0].message, told);
        assert_eq!(script.finish().unwrap_err().faults()[0], told);
    }
}
