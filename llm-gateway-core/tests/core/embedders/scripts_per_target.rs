//! A script per target: each takes its own steps in order, and what was not used is told.

use llm_gateway_core::{Category, Gateway, Request, Scripted, Task};

use crate::support::own_provider;

const POLICY: &str = "
defaults:
  one: {provider: openai, model: gpt-6-luna}
  other: {provider: proxy, model: org/model}
  three:
    members:
      - {provider: openai, model: gpt-6-luna}
      - {provider: anthropic, model: claude-haiku-5-5}
      - {provider: gemini, model: gemini-3.5-flash-lite}
fallback:
  one: [{provider: anthropic, model: claude-haiku-5-5}]
orchestration:
  roles:
    worker: {provider: openai, model: gpt-6-luna}
    verifier: {provider: anthropic, model: claude-opus-5-5}
providers:
  proxy: {kind: openai, base_url: \"https://proxy.example/v1\", api_key_env: null, models: {org/model: {in: 1, out: 1}}}
  twin: {kind: openai, base_url: \"https://proxy.example/v1\", api_key_env: null, models: {org/model: {in: 1, out: 1}}}
reliability: {retry: {max_retries: 0}}
";

const LUNA: &str = "openai/gpt-6-luna";
const HAIKU: &str = "anthropic/claude-haiku-5-5";
const FLASH: &str = "gemini/gemini-3.5-flash-lite";

fn gateway(script: &Scripted) -> Gateway {
    Gateway::for_tests(POLICY, script.clone()).unwrap()
}

fn answers(texts: &[&str]) -> Scripted {
    texts.iter().fold(Scripted::new(), |script, text| script.answer(*text))
}

fn faults(script: &Scripted) -> Vec<String> {
    script.finish().err().map(|error| error.faults().to_vec()).unwrap_or_default()
}

#[tokio::test]
async fn each_target_takes_its_own_steps_and_the_others_share_the_rest() {
    let script =
        answers(&["shared"]).target(FLASH, answers(&["f1", "f2"])).target(LUNA, answers(&["l1"]));
    let panel = gateway(&script).panel(Request::new("three", "hi")).await.unwrap();
    let texts: Vec<_> = panel.answers().map(|answer| answer.text()).collect();
    assert_eq!(texts, ["l1", "shared", "f1"]);
    assert_eq!(faults(&script), [format!("1 of 2 steps of {FLASH} were not used (answer)")]);
}

#[tokio::test]
async fn what_comes_when_a_target_has_no_step_left() {
    let ask = async |script: &Scripted| gateway(script).route(Request::new("one", "hi")).await;
    // Neither is strict, so the default answer comes; the shared steps are not for this target.
    let script = answers(&["shared"]).target(LUNA, Scripted::new());
    assert!(ask(&script).await.unwrap().text().contains("offline answer"));
    assert_eq!(faults(&script), ["1 of 1 steps were not used (answer)"]);
    // Either is strict: a clear error, and no fallback hides it.
    for script in [
        Scripted::new().strict().target(LUNA, Scripted::new()),
        Scripted::new().target(LUNA, Scripted::new().strict()),
        Scripted::new().strict(),
    ] {
        let failure = ask(&script).await.unwrap_err();
        assert_eq!((failure.category(), failure.attempts().len()), (Category::InvalidRequest, 1));
        let told = format!("the script has no further step for {LUNA}");
        assert!(failure.to_string().contains(&told), "{failure}");
        assert_eq!(faults(&script), [format!("1 calls of {LUNA} found no step")]);
    }
}

#[tokio::test]
async fn steps_of_targets_that_are_alike_on_the_wire_are_told_apart() {
    let script = Scripted::new()
        .target("twin/org/model", answers(&["not this"]))
        .target("proxy/org/model", answers(&["this"]));
    let answer = gateway(&script).route(Request::new("other", "hi")).await.unwrap();
    assert_eq!(answer.text(), "this");
    assert_eq!(faults(&script).len(), 1);
}

#[tokio::test]
async fn a_target_named_twice_has_the_steps_of_both() {
    let (first, second) = (answers(&["a"]), answers(&["b", "c"]));
    let script = Scripted::new().target(LUNA, first.clone()).target(LUNA, second.clone());
    let gateway = gateway(&script);
    for text in ["a", "b", "c"] {
        let answer = gateway.route(Request::new("one", "hi")).await.unwrap();
        assert_eq!(answer.text(), text);
    }
    assert_eq!((first.requests().len(), second.requests().len()), (1, 2));
    assert_eq!(script.requests().len(), 3);
    script.finish().unwrap();
}

#[tokio::test]
async fn an_orchestration_takes_the_steps_of_its_roles() {
    let opus = Scripted::new().revise("too short").revise("still").answer("ACCEPT");
    let script = Scripted::new()
        .target("anthropic/claude-opus-5-5", opus)
        .target(LUNA, answers(&["one", "two", "three", "four"]));
    gateway(&script).orchestrate(Task::new("hi")).await.unwrap();
    let left = [
        "2 of 3 steps of anthropic/claude-opus-5-5 were not used (revise, answer)",
        "3 of 4 steps of openai/gpt-6-luna were not used (answer, answer, answer)",
    ];
    assert_eq!(faults(&script), left);
}

#[test]
fn a_target_that_the_policy_does_not_have_is_refused_with_the_nearest() {
    for (target, hint) in [
        ("openai/gpt-6-lunar", "did you mean `openai/gpt-6-luna`?"),
        ("OpenAI/GPT-6-luna", "did you mean `openai/gpt-6-luna`?"),
        ("gpt-6-luna", "name a target as `provider/model`, as the policy does"),
        ("", "name a target as `provider/model`, as the policy does"),
        ("proxy/org", "did you mean `proxy/org/model`?"),
        ("\u{0}/\u{202e}", "name a target as `provider/model`, as the policy does"),
    ] {
        let script = Scripted::new().target(target, answers(&["x"]));
        let problems = Gateway::for_tests(POLICY, script).unwrap_err();
        let [problem] = problems.diagnostics() else { panic!("{problems}") };
        assert_eq!(problem.file, "build");
        assert_eq!(problem.hint, hint, "{target}");
    }
    // Every model that the policy knows may be asked for by a caller.
    let script = Scripted::new().target("openai/gpt-5.6-terra", answers(&["x"]));
    Gateway::for_tests(POLICY, script).unwrap();
    // Without a step there is nothing to miss.
    Gateway::for_tests(POLICY, Scripted::new().target("no/such", Scripted::new())).unwrap();
}

#[test]
fn steps_for_an_own_provider_are_refused() {
    let script = Scripted::new().target("proxy/org/model", answers(&["x"]));
    let builder = Gateway::builder().policy_yaml(POLICY).for_tests(script);
    let problems = builder.provider("proxy", own_provider(|_| unreachable!())).build().unwrap_err();
    let told = "the script has steps for proxy/org/model, of an own provider";
    assert_eq!(problems.diagnostics()[0].message, told);
}

#[tokio::test]
async fn targets_within_targets_are_refused_and_a_script_in_itself_ends() {
    let inner = Scripted::new().target(LUNA, answers(&["x"]));
    let script = Scripted::new().target(LUNA, inner);
    let told = format!("the script of {LUNA} has targets of its own");
    let problems = Gateway::for_tests(POLICY, script.clone()).unwrap_err();
    assert_eq!(problems.diagnostics()[0].message, told);
    assert_eq!(faults(&script), [told.as_str()]);
    // Added after the build, in a circle.
    let script = Scripted::new();
    let gateway = gateway(&script);
    let script = script.clone().target(LUNA, script);
    let failure = gateway.route(Request::new("one", "hi")).await.unwrap_err();
    assert!(failure.to_string().contains(&told), "{failure}");
    assert_eq!(faults(&script)[0], told);
}

#[tokio::test]
async fn two_gateways_share_a_script() {
    let script = Scripted::new().target(LUNA, answers(&["a", "b"])).strict();
    let (first, second) = (gateway(&script), gateway(&script));
    assert_eq!(first.route(Request::new("one", "hi")).await.unwrap().text(), "a");
    assert_eq!(second.route(Request::new("one", "hi")).await.unwrap().text(), "b");
    script.finish().unwrap();
    second.route(Request::new("one", "hi")).await.unwrap_err();
    assert_eq!(faults(&script).len(), 1);
    // A new policy takes the script along, and steps that are used need no target any more.
    let next = first.with_policy(llm_gateway_core::config::PolicySource::Text(
        "defaults: {sums: {provider: gemini, model: gemini-3.5-flash-lite}}".to_owned(),
    ));
    assert!(next.policy_error().is_none(), "{:?}", next.policy_error());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn panels_at_the_same_time_take_each_step_once() {
    let numbered = |from: usize| {
        (from..from + 100).fold(Scripted::new(), |script, n| script.answer(n.to_string()))
    };
    let script = Scripted::new()
        .strict()
        .target(LUNA, numbered(0))
        .target(HAIKU, numbered(1_000))
        .target(FLASH, numbered(2_000));
    let gateway = gateway(&script);
    let asks: Vec<_> = (0..100)
        .map(|_| {
            let gateway = gateway.clone();
            tokio::spawn(async move { gateway.panel(Request::new("three", "hi")).await.unwrap() })
        })
        .collect();
    let mut seen = [Vec::new(), Vec::new(), Vec::new()];
    for ask in asks {
        let panel = ask.await.unwrap();
        for (member, answer) in panel.answers().enumerate() {
            seen[member].push(answer.text().parse::<usize>().unwrap());
        }
    }
    for (member, mut numbers) in seen.into_iter().enumerate() {
        numbers.sort_unstable();
        let from = member * 1_000;
        assert_eq!(numbers, (from..from + 100).collect::<Vec<_>>());
    }
    script.finish().unwrap();
}

#[tokio::test]
async fn what_was_not_used_is_named() {
    let script = Scripted::new()
        .status(500)
        .raw(200, "x")
        .error_event(503)
        .hang()
        .delay(std::time::Duration::from_secs(1))
        .answer("a")
        .out_of_resources();
    let told = "the script was not played as written: 7 of 7 steps were not used \
                (status(500), raw(200), error_event(503), hang, delay, …)";
    assert_eq!(script.finish().unwrap_err().to_string(), told);
    assert_eq!(Scripted::new().finish(), Ok(()));
    assert_eq!(Scripted::new().strict().finish(), Ok(()));
}
