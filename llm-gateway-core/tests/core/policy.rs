//! Tests of the meaning of policies: the file of version 1.0.0, the one of the repository, and
//! bounds.

use llm_gateway_core::config::{EMBEDDED_POLICY, PolicySource};
use llm_gateway_core::model::{NanoUsd, StepRole};
use llm_gateway_core::policy::{
    Enforce, Level, PlanRequest, PlanShape, PlannedTarget, Policy, Shape, VerdictForm,
};
use llm_gateway_core::{Category, Environment};
use test_support::VERSION_1_0_0;

use crate::support::loaded_from;

fn policy(yaml: &str) -> Policy {
    let source = PolicySource::Text(yaml.to_owned());
    loaded_from(&source, Environment::empty())
        .policy
        .unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn a_file_of_version_1_0_0_means_what_it_says() {
    let policy = policy(VERSION_1_0_0);
    let route = |name: &str| policy.route(name).unwrap();
    let targets =
        |name: &str| route(name).targets().iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(targets("quick"), ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"]);
    assert_eq!(targets("deep"), ["anthropic/claude-opus-4-8"]);
    assert_eq!((route("quick").max_tokens, route("quick").allow_override), (Some(1024), true));
    let Shape::Panel(panel) = &route("panel").shape else { panic!("no panel") };
    assert_eq!(panel.members.len(), 3);
    assert_eq!(panel.cost_cap, Some(NanoUsd::from_nanos(1_000_000_000)));
    assert_eq!(
        (panel.visibility.enforce, panel.visibility.require),
        (Enforce::Hard, Level::ModelDistinct)
    );
    assert_eq!(policy.preflight().warn, Some(NanoUsd::from_nanos(500_000_000)));
    assert_eq!(policy.preflight().block, Some(NanoUsd::from_nanos(15_000_000_000)));
    let orchestration = policy.orchestration().unwrap();
    assert_eq!(
        orchestration.verdict,
        VerdictForm::Plain,
        "an own verifier instruction asks for plain words"
    );
    let complex = orchestration.depths.iter().find(|depth| depth.name == "complex").unwrap();
    let steps: Vec<_> = complex.workflow.steps().iter().map(|step| step.role).collect();
    assert_eq!(steps, [StepRole::Planner, StepRole::Worker, StepRole::Verifier]);
    assert_eq!(complex.max_replans, 1);
    let order: Vec<_> = policy.task_classes().map(ToString::to_string).collect();
    assert_eq!(order, ["quick", "deep", "panel"], "classes keep the order of the file");
}

#[test]
fn every_class_of_the_repositorys_policy_plans_with_current_models_and_prices() {
    let loaded = loaded_from(&PolicySource::Embedded, Environment::empty());
    assert_eq!(loaded.problems, [], "no model of it is retired or without a price");
    let policy = loaded.policy.unwrap();
    for class in policy.task_classes() {
        let plan = policy.plan(PlanRequest::new(class.as_str())).unwrap();
        let targets: Vec<PlannedTarget> = match plan.shape {
            PlanShape::Single(targets) => targets,
            PlanShape::Panel(panel) => panel.members,
            PlanShape::Cascade { gate, otherwise } => {
                gate.members.into_iter().chain([otherwise]).collect()
            }
            _ => panic!("a shape without a test"),
        };
        assert!(
            targets
                .iter()
                .all(|planned| planned.facts.as_ref().is_some_and(|f| f.prices.is_some()))
        );
    }
    assert!(EMBEDDED_POLICY.starts_with("# yaml-language-server: $schema=./routing.schema.json\n"));
}

/// Returns the plan for the only target of a policy.
fn planned(yaml: &str, asked: Option<u64>) -> PlannedTarget {
    let mut request = PlanRequest::new("a");
    request.max_tokens = asked;
    let PlanShape::Single(mut chain) = policy(yaml).plan(request).unwrap().shape else {
        panic!("not single")
    };
    chain.remove(0)
}

#[test]
fn the_bound_that_is_sent_is_the_callers_then_the_classs_then_the_models_then_4096() {
    let limited = "providers: {openai: {models: {m: {in: 1, out: 1, max_output: 500}}}}\n";
    let class =
        |keys: &str| format!("{limited}defaults: {{a: {{provider: openai, model: m{keys}}}}}");
    assert_eq!(planned(&class(""), Some(100)).max_tokens, 100);
    assert_eq!(planned(&class(", max_tokens: 300"), None).max_tokens, 300);
    assert_eq!(planned(&class(", max_tokens: 300"), Some(400)).max_tokens, 400);
    assert_eq!(planned(&class(""), None).max_tokens, 500);
    assert_eq!(
        planned(&class(""), Some(9_000)).max_tokens,
        500,
        "never above the model's own limit"
    );
    let unknown = "defaults: {a: {provider: openai, model: nobody-knows}}";
    assert_eq!(planned(unknown, None).max_tokens, 4_096);
}

#[test]
fn a_row_of_the_policy_wins_over_the_built_in_one() {
    let yaml = "
providers:
  openai:
    models:
      gpt-4o: {in: 1, out: 2, aliases: [mine]}
      gpt-6-luna: {max_output: 10}
defaults: {a: {provider: openai, model: mine}, b: {provider: openai, model: gpt-6-luna}}";
    let policy = policy(yaml);
    let spec = policy
        .providers()
        .values()
        .find(|spec| spec.endpoint.provider.as_str() == "openai")
        .unwrap();
    let own = spec.model("mine").unwrap();
    assert_eq!(own.canonical, "gpt-4o");
    assert_eq!(own.prices.as_ref().unwrap().cache_read, None, "one new price replaces all of them");
    assert_eq!(own.context, Some(128_000), "what the row does not name stays");
    let narrowed = spec.model("gpt-6-luna").unwrap();
    assert_eq!(narrowed.max_output, Some(10));
    assert!(narrowed.prices.is_some());
}

#[test]
fn an_override_stays_with_the_provider_and_obeys_the_policy() {
    let policy = policy(
        "defaults:
  a: {provider: openai, model: gpt-4o}
  fixed: {provider: openai, model: gpt-4o, allow_override: false}
  panel: {members: [{provider: openai, model: gpt-4o}, {provider: gemini, model: gemini-2.5-pro}]}
fallback: {a: [{provider: anthropic, model: claude-haiku-4-5}]}",
    );
    let plan = |class, model| {
        let mut request = PlanRequest::new(class);
        request.override_model = Some(model);
        policy.plan(request)
    };
    let PlanShape::Single(chain) = plan("a", "gpt-4o-mini").unwrap().shape else {
        panic!("not single")
    };
    let chain: Vec<_> = chain.iter().map(|planned| planned.target.to_string()).collect();
    assert_eq!(chain, ["openai/gpt-4o-mini", "anthropic/claude-haiku-4-5"]);
    assert_eq!(plan("fixed", "gpt-4o-mini").unwrap_err().category(), Category::PolicyBlocked);
    assert_eq!(plan("panel", "gpt-4o-mini").unwrap_err().category(), Category::InvalidRequest);
    assert_eq!(plan("a", "../v1/files").unwrap_err().category(), Category::InvalidRequest);
    let unknown = plan("b", "gpt-4o").unwrap_err();
    assert_eq!(unknown.category(), Category::UnknownTaskClass);
    assert!(unknown.hint().unwrap().contains("the policy has: a, fixed"));
}

#[test]
fn a_depth_runs_only_with_somebody_in_each_role() {
    let depths = |orchestration: &str| {
        let yaml = format!(
            "defaults: {{quick: {{provider: openai, model: gpt-4o-mini}}}}\n\
             orchestration: {{{orchestration}}}"
        );
        let loaded = loaded_from(&PolicySource::Text(yaml), Environment::empty());
        let warnings: Vec<String> = loaded.problems.iter().map(|it| it.message.clone()).collect();
        let orchestration = loaded.policy.unwrap().orchestration().unwrap().clone();
        (orchestration.depths.into_iter().map(|depth| depth.name).collect::<Vec<_>>(), warnings)
    };
    let worker = "worker: {provider: openai, model: gpt-4o}";
    let verifier = "verifier: {provider: anthropic, model: claude-sonnet-4-6}";
    let planner = "planner: {provider: gemini, model: gemini-2.5-pro}";
    let none: [&str; 0] = [];

    // Without a table, a policy has the built-in depths that its roles can run.
    assert_eq!(depths(&format!("roles: {{{worker}}}")), (vec!["trivial".into()], vec![]));
    let all = format!("roles: {{{worker}, {verifier}, {planner}}}");
    assert_eq!(depths(&all).0, ["trivial", "standard", "complex"]);
    assert_eq!(depths("roles: {}").0, none);
    // With a table, a policy has its own depths, and a warning about those that cannot run.
    let table =
        format!("roles: {{{worker}}}, depth: {{standard: {{verify: true}}, trivial: {{}}}}");
    let (names, warnings) = depths(&table);
    assert_eq!(names, ["trivial"]);
    assert_eq!(warnings, ["depth `standard` cannot run: nobody is named as its verifier"]);
}

#[test]
fn a_depth_is_resolved_by_its_name_or_the_standard_one() {
    let source = PolicySource::Text(EMBEDDED_POLICY.to_owned());
    let policy = loaded_from(&source, Environment::empty()).policy.unwrap();
    let standard = policy.plan_orchestration(None).unwrap();
    assert_eq!((standard.depth.as_str(), standard.steps.len()), ("standard", 2));
    assert_eq!(standard.steps[0].planned.max_tokens, 16_000);
    let complex = policy.plan_orchestration(Some("complex")).unwrap();
    assert_eq!((complex.steps.len(), complex.max_replans), (3, 1));
    let error = policy.plan_orchestration(Some("complx\u{7}")).unwrap_err();
    assert_eq!(error.category(), Category::InvalidRequest);
    assert_eq!(error.to_string(), "no depth is called `complx`");
    let hint = "did you mean `complex`? the policy has: trivial, standard, complex";
    assert_eq!(error.hint(), Some(hint));

    let bare = "defaults: {quick: {provider: openai, model: gpt-4o-mini}}";
    let source = PolicySource::Text(bare.to_owned());
    let policy = loaded_from(&source, Environment::empty()).policy.unwrap();
    let error = policy.plan_orchestration(None).unwrap_err();
    assert_eq!(error.category(), Category::PolicyInvalid);
}

#[test]
fn a_depth_that_the_policy_does_not_have_says_what_it_lacks() {
    let refused = |orchestration: &str, depth: Option<&str>| {
        let yaml = format!(
            "defaults: {{quick: {{provider: openai, model: gpt-4o-mini}}}}\n\
             orchestration: {{{orchestration}}}"
        );
        let policy = loaded_from(&PolicySource::Text(yaml), Environment::empty()).policy.unwrap();
        let error = policy.plan_orchestration(depth).unwrap_err();
        assert_eq!(error.category(), Category::InvalidRequest);
        (error.to_string(), error.hint().unwrap_or_default().to_owned())
    };
    let worker = "worker: {provider: openai, model: gpt-4o}";
    let verifier = "verifier: {provider: anthropic, model: claude-sonnet-4-6}";
    let needs = |depth: &str, role: &str| {
        format!("depth `{depth}` needs a {role}, and the policy names none")
    };
    let roles = format!("roles: {{{worker}}}");
    let hint = "add orchestration.roles.verifier, or ask for `trivial`";
    assert_eq!(refused(&roles, None), (needs("standard", "verifier"), hint.to_owned()));

    let roles = format!("roles: {{{worker}, {verifier}}}");
    let hint = "add orchestration.roles.planner, or ask for `trivial` or `standard`";
    assert_eq!(refused(&roles, Some("complex")), (needs("complex", "planner"), hint.to_owned()));

    let table = format!("{roles}, depth: {{trivial: {{}}, complex: {{plan: true, verify: true}}}}");
    let hint = "add it to orchestration.depth, or ask for `trivial`";
    let left_out = "the policy's `depth` table has no `standard`";
    assert_eq!(refused(&table, None), (left_out.to_owned(), hint.to_owned()));
    assert_eq!(refused(&table, Some("complex")).0, needs("complex", "planner"));
    assert_eq!(refused(&table, Some("complx")).0, "no depth is called `complx`");
}
