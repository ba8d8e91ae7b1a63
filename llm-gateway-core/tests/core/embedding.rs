//! Tests of the values that a program which embeds the gateway passes in and gets back.

use std::error::Error as _;
use std::sync::Arc;

use llm_gateway_core::provider::Provider;
use llm_gateway_core::{
    Answer, CascadeAnswer, Category, Envelope, Environment, Error, Event, Failure, Gateway,
    OrchestrationOutcome, PanelAnswer, Reply, Request, Scripted, Stop, Task,
};

use crate::support::{SHAPES, obeying, own_provider};

/// Returns a provider that is never asked.
fn unasked() -> Arc<dyn Provider> {
    own_provider(|_| unreachable!())
}

#[tokio::test]
async fn a_name_that_no_provider_can_have_is_a_problem_of_the_build() {
    let builder = || obeying(SHAPES).offline();
    assert!(builder().provider("in_house", unasked()).build().is_ok());
    let named = builder().provider("In House", unasked());
    let problems = named.build().unwrap_err();
    let [problem] = problems.diagnostics() else { panic!("{problems}") };
    assert_eq!((problem.file.as_str(), problem.line), ("build", 0));
    assert!(problem.message.contains("`In House` is not a provider name"), "{problem}");
    let gateway = builder().provider("In House", unasked()).build_always();
    let failure = gateway.route(Request::new("one", "hi")).await.unwrap_err();
    assert_eq!(failure.category(), Category::PolicyInvalid);
    assert_eq!(failure.problems(), problems.diagnostics());
    assert_eq!(gateway.problems(), problems.diagnostics());
}

#[tokio::test]
async fn a_bad_name_and_a_bad_policy_are_told_together() {
    let builder = obeying("defaults: {one: {provider: openai}}").offline();
    let problems = builder.provider("", unasked()).build().unwrap_err();
    let files: Vec<_> = problems.diagnostics().iter().map(|it| it.file.as_str()).collect();
    assert_eq!(files, ["policy", "build"], "{problems}");
}

#[tokio::test]
async fn a_reply_is_taken_as_what_it_is_and_can_be_kept() {
    let gateway = obeying(SHAPES).offline().build().unwrap();
    let reply = async |class: &str| gateway.start(Request::new(class, "hi")).await.unwrap();
    let (one, three, sums) = (reply("one").await, reply("three").await, reply("sums").await);
    let task = gateway.start_orchestration(Task::new("hi")).await.unwrap();
    let kinds = |reply: &Reply| {
        [
            reply.clone().into_answer().is_some(),
            reply.clone().into_panel().is_some(),
            reply.clone().into_cascade().is_some(),
            reply.clone().into_orchestration().is_some(),
        ]
    };
    assert_eq!(kinds(&one), [true, false, false, false]);
    assert_eq!(kinds(&three), [false, true, false, false]);
    assert_eq!(kinds(&sums), [false, false, true, false]);
    assert_eq!(kinds(&task), [false, false, false, true]);
    assert_eq!(three.clone().into_panel().unwrap().text(), three.text());
    assert_eq!(task.clone().into_orchestration().unwrap().text(), task.text());
}

#[tokio::test]
async fn a_failure_can_be_kept_with_all_that_was_paid_for() {
    let script = Scripted::new().answer("42").status(401).status(401);
    let gateway = obeying(SHAPES).scripted(script).build().unwrap();
    let failure = gateway.panel(Request::new("three", "6 x 7 = ?")).await.unwrap_err();
    let kept = failure.clone();
    assert_eq!(kept.category(), Category::Quorum);
    assert_eq!(kept.panel().unwrap().text(), failure.panel().unwrap().text());
    assert_eq!(kept.attempts(), failure.attempts());
    assert!(failure.problems().is_empty());
}

/// Checks at compile time that a result can be kept in a map, handed to another task, and given to
/// several readers.
#[test]
fn all_results_can_be_cloned_and_kept_by_any_task() {
    fn can_be_kept<T: Clone + Send + Sync + 'static>() {}
    can_be_kept::<Error>();
    can_be_kept::<Failure>();
    can_be_kept::<Reply>();
    can_be_kept::<Answer>();
    can_be_kept::<PanelAnswer>();
    can_be_kept::<CascadeAnswer>();
    can_be_kept::<OrchestrationOutcome>();
    can_be_kept::<Result<Reply, Failure>>();
    can_be_kept::<Envelope>();
    can_be_kept::<Event>();
}

/// Checks that a clone leads to the same envelope as its original, whatever the result is, in
/// another task and after its gateway is gone.
#[tokio::test]
async fn a_kept_result_says_all_that_the_first_one_said() {
    let script = || Scripted::new().answer("42").status(401).status(401);
    let faulty = || obeying(SHAPES).scripted(script()).build().unwrap();
    let offline = || obeying(SHAPES).offline().build().unwrap();
    let broken = || obeying("defaults: {one: {provider: openai}}").offline().build_always();
    let asked = |gateway: Gateway, class: &'static str| async move {
        gateway.start(Request::new(class, "6 x 7 = ?")).await
    };
    let results = [
        asked(offline(), "one").await,
        asked(offline(), "three").await,
        asked(offline(), "sums").await,
        offline().start_orchestration(Task::new("hi")).await,
        asked(faulty(), "three").await,
        asked(faulty(), "sums").await,
        asked(broken(), "one").await,
        asked(offline(), "none").await,
    ];
    assert_eq!(results.iter().filter(|result| result.is_err()).count(), 4);
    for result in results {
        let shown = |result: &Result<Reply, Failure>| match result {
            Ok(reply) => format!("{:?}", Envelope::from(reply)),
            Err(failure) => {
                let cause = failure.source().map(ToString::to_string);
                format!("{:?} {cause:?} {failure:?}", Envelope::from(failure))
            }
        };
        let (kept, first) = (result.clone(), shown(&result));
        drop(result);
        assert_eq!(tokio::spawn(async move { shown(&kept) }).await.unwrap(), first);
    }
}

#[test]
fn what_a_request_asks_can_be_read() {
    let request = Request::new("one", "hi").system("be brief").max_tokens(9).override_model("m");
    assert_eq!((request.get_task_class(), request.get_messages().len()), ("one", 1));
    assert_eq!((request.get_system(), request.get_max_tokens()), (Some("be brief"), Some(9)));
    assert_eq!(request.get_override_model(), Some("m"));
    let stop = Stop::new();
    assert_eq!(request.get_stop(), None);
    let stopped = request.clone().stopped_by(&stop);
    assert_eq!(stopped.get_stop(), Some(&stop));
    assert_eq!(stopped.clone(), stopped);
    assert_ne!(stopped, request.clone().stopped_by(&Stop::new()), "another handle");
    assert_ne!(stopped, request);
    let task = Task::new("do it").depth("complex").stopped_by(&stop);
    assert_eq!((task.get_text(), task.get_depth()), ("do it", Some("complex")));
    assert_eq!(task.get_stop(), Some(&stop));
}

#[tokio::test]
async fn what_is_printed_for_debugging_holds_no_key_and_no_prompt() {
    let environment = Environment::empty().with("OPENAI_API_KEY", "sk-canary-key-4711");
    let builder = obeying(SHAPES).environment(environment).offline();
    let printed = format!("{builder:?}");
    let gateway: Gateway = builder.build().unwrap();
    let run = gateway.start(Request::new("one", "canary prompt"));
    let printed = format!("{printed} {gateway:?} {run:?}");
    run.await.unwrap();
    let printed = format!("{printed} {gateway:?}");
    assert!(printed.contains("GatewayBuilder") && printed.contains("Run"), "{printed}");
    assert!(!printed.contains("canary"), "{printed}");
}

/// Checks that every category has advice. `invalid_request`, `truncated` and `empty_output` once
/// had none.
#[tokio::test(start_paused = true)]
async fn every_category_leaves_its_reader_with_advice() {
    let policy = "defaults: {one: {provider: house, model: m}}\n\
                  providers: {house: {models: {m: {in: 0, out: 0}}}}";
    for category in Category::ALL {
        let failing = own_provider(|_| Err(Error::new(*category, "no")));
        let builder = obeying(policy).provider("house", failing);
        let failure = builder.build().unwrap().route(Request::new("one", "hi")).await.unwrap_err();
        let envelope = Envelope::from(&failure);
        let meta = &envelope.meta;
        assert_eq!(meta["error_category"], category.as_str());
        assert!(meta["hint"].as_str().is_some_and(|hint| hint.len() > 10), "{category}: {meta:?}");
    }
}
