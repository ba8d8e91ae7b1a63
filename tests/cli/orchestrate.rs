//! `orchestrate`: the artifact on stdout, the steps and the verdict on stderr, and an exit code
//! that only an accepted artifact sets to 0.

use serde_json::json;
use test_support::{ACCEPTS, BlockingProvider, REFUSES};

use crate::hanging::Hanging;
use crate::policies::{SMALL, done_by};
use crate::program::{Ended, Home};
use crate::spend::Till;
use crate::verify::{flip_after, too_long};

pub(crate) const PLAN: &str = "Recall which city it is; then write a single sentence about it.";
pub(crate) const TASK: &str = "Name the capital of France.";

/// Starts planner, worker and verifier, each with the texts of its model in turn.
fn crew(worker: &[&str], verifier: &[&str]) -> [BlockingProvider; 3] {
    [
        BlockingProvider::answering("alpha", PLAN),
        BlockingProvider::answering_in_turn("beta", worker),
        BlockingProvider::answering_in_turn("gamma", verifier),
    ]
}

fn home_of(crew: &[BlockingProvider; 3]) -> Home {
    let urls = crew.each_ref().map(BlockingProvider::address);
    Home::holding(&done_by(urls.each_ref().map(String::as_str)))
}

/// Runs the task with this crew.
fn done(crew: &[BlockingProvider; 3], depth: &str) -> Ended {
    home_of(crew).with_policy(&["orchestrate", TASK, "--depth", depth]).ends()
}

/// Returns stderr without durations.
fn told(ended: &Ended) -> String {
    let is_time = |word: &&str| word.parse::<f64>().is_ok();
    let timeless = |line: &str| match line.rsplit_once(' ') {
        Some((rest, "s")) => match rest.rsplit_once(' ') {
            Some((rest, number)) if is_time(&number) => format!("{rest} [time]"),
            _ => line.to_owned(),
        },
        _ => line.to_owned(),
    };
    ended.stderr.lines().map(timeless).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_trivial_task_is_not_verified_and_says_so() {
    let crew = crew(&["It is Paris."], &[ACCEPTS]);
    let ended = done(&crew, "trivial").exits(0);
    assert_eq!(ended.stdout, "It is Paris.\n");
    insta::assert_snapshot!(told(&ended), @r"
    round 1  execute  ok      two/beta  [time]
    not verified: depth trivial asks for no verdict
    depth trivial · 1 call in 1 round · $0.000017 · [time]
    ");
    assert_eq!((crew[0].requests().len(), crew[2].requests().len()), (0, 0));
}

#[test]
fn without_a_depth_the_task_is_executed_and_verified() {
    let crew = crew(&["It is Paris."], &[ACCEPTS]);
    let ended = home_of(&crew).with_policy(&["orchestrate", TASK]).ends().exits(0);
    assert_eq!(ended.stdout, "It is Paris.\n");
    assert!(ended.stderr.contains("accepted by three/gamma\n"), "{}", ended.stderr);
    assert!(crew[0].requests().is_empty());
}

#[test]
fn a_complex_task_that_is_planned_anew_tells_every_step() {
    let crew = crew(&["It is Lyon.", "It is Paris."], &[REFUSES, ACCEPTS]);
    let ended = done(&crew, "complex").exits(0);
    assert_eq!(ended.stdout, "It is Paris.\n", "the artifact alone, to be piped");
    insta::assert_snapshot!(told(&ended));
}

#[test]
fn what_is_refused_to_the_end_exits_3_with_the_reasons() {
    let crew = crew(&["It is Lyon."], &[REFUSES]);
    let ended = done(&crew, "complex").exits(3);
    assert_eq!(ended.stdout, "It is Lyon.\n");
    insta::assert_snapshot!(told(&ended));
    let run = home_of(&crew).with_policy(&["--json", "orchestrate", TASK]).ends().exits(3);
    let envelope = run.document();
    assert_eq!(envelope["status"], "needs_human_review");
    assert_eq!(envelope["data"]["artifact"], "It is Lyon.");
    assert_eq!(run.stderr, "");
}

#[test]
fn a_verdict_that_is_none_is_asked_for_again_and_exits_3() {
    let crew = crew(&["It is Paris."], &["I cannot ACCEPT this"]);
    let ended = done(&crew, "standard").exits(3);
    let stderr = &ended.stderr;
    assert!(stderr.contains("three/gamma, asked again"), "{stderr}");
    assert!(stderr.contains("not accepted, three/gamma could not judge it"), "{stderr}");
}

#[test]
fn a_verifier_that_is_down_exits_3_with_the_artifact() {
    let [one, two, _] = crew(&["It is Paris."], &[ACCEPTS]);
    let crew = [one, two, BlockingProvider::refusing(500, "down")];
    let ended = done(&crew, "standard").exits(3);
    assert_eq!(ended.stdout, "It is Paris.\n");
    assert!(ended.stderr.contains("round 1  verify   failed  three/gamma"), "{}", ended.stderr);
    assert!(ended.stderr.contains("unverified, three/gamma could not be had"), "{}", ended.stderr);
    let home = home_of(&crew);
    let envelope = home.with_policy(&["--json", "orchestrate", TASK]).ends().exits(3).document();
    assert_eq!(
        (&envelope["status"], &envelope["data"]["verdict"]),
        (&json!("unverified"), &json!(null))
    );
}

#[test]
fn a_worker_that_is_down_exits_1_and_shows_the_plan() {
    let [one, _, three] = crew(&[""], &[ACCEPTS]);
    let crew = [one, BlockingProvider::refusing(500, "down"), three];
    let ended = done(&crew, "complex").exits(1);
    assert_eq!(ended.stdout, "", "there is no artifact");
    for shown in
        ["error: step `execute` failed", "tried  two/beta: provider_5xx", PLAN, "$0.000017"]
    {
        assert!(ended.stderr.contains(shown), "{shown}: {}", ended.stderr);
    }
    let home = home_of(&crew);
    let task = ["--json", "orchestrate", TASK, "--depth", "complex"];
    let envelope = home.with_policy(&task).ends().exits(1).document();
    assert_eq!(envelope["meta"]["failed_stage"], "execute");
    assert_eq!(envelope["data"]["plan"], PLAN);
}

#[test]
fn an_artifact_of_an_earlier_round_is_not_lost_with_a_later_one() {
    let worker = BlockingProvider::answering_in_turn("beta", &["It is Lyon.", ""]);
    let [one, _, three] = crew(&[""], &[REFUSES]);
    let ended = done(&[one, worker, three], "complex").exits(1);
    assert_eq!(ended.stdout, "It is Lyon.\n");
    assert!(ended.stderr.contains("refused by three/gamma"), "{}", ended.stderr);
}

#[test]
fn the_task_may_come_from_stdin_and_not_from_nowhere() {
    let crew = crew(&["It is Paris."], &[ACCEPTS]);
    let home = home_of(&crew);
    for arguments in [&["orchestrate"][..], &["orchestrate", "-"]] {
        let ended = home.with_policy(arguments).stdin("Name the capital of Chad.").ends().exits(0);
        assert_eq!(ended.stdout, "It is Paris.\n");
    }
    let asked = String::from_utf8(crew[1].requests()[0].body.clone()).unwrap();
    assert!(asked.contains("the capital of Chad"), "{asked}");
    let ended = home.with_policy(&["orchestrate"]).stdin([0xff]).ends().exits(1);
    assert!(ended.stderr.contains("UTF-8"), "{}", ended.stderr);
    let ended = home.with_policy(&["orchestrate", " "]).ends().exits(1);
    assert!(ended.stderr.contains("`task` is empty"), "{}", ended.stderr);
}

#[test]
fn a_missing_key_and_a_policy_without_roles_are_told_before_anything_is_asked() {
    let ended = Home::new().program(["orchestrate", TASK]).ends().exits(1);
    assert!(ended.stderr.contains("OPENAI_API_KEY is not set, and the worker"), "{}", ended.stderr);
    let ended = Home::holding(SMALL).with_policy(&["orchestrate", TASK]).ends().exits(1);
    assert!(ended.stderr.contains("describes no orchestration"), "{}", ended.stderr);
    let broken = Home::holding("orchestration: {roles: {woker: {}}}\n");
    let ended = broken.with_policy(&["orchestrate", TASK]).ends().exits(1);
    assert!(ended.stderr.contains("policy.yaml:1:"), "{}", ended.stderr);
}

#[test]
fn the_depths_of_the_default_policy_run_offline() {
    for depth in ["trivial", "standard", "complex"] {
        let run = Home::new().program(["--offline", "orchestrate", TASK, "--depth", depth]);
        let ended = run.ends().exits(0);
        assert!(ended.stdout.contains("offline answer"), "{}", ended.stdout);
        let accepted = ended.stderr.contains("accepted by anthropic/");
        assert_eq!(accepted, depth != "trivial", "{}", ended.stderr);
        if depth == "complex" {
            let page = include_str!("../../docs/orchestration.md");
            for line in ended.stdout.lines().chain(told(&ended).lines()) {
                let shown = line.trim_end_matches("[time]");
                assert!(page.contains(shown), "not in the manual: {shown}");
            }
        }
    }
}

#[test]
fn info_and_check_tell_who_plays_which_role() {
    let home = Home::new();
    let info = home.program(["info"]).env("OPENAI_API_KEY", "k").ends().exits(0).stdout;
    for shown in [
        "plan: gemini/gemini-4-argon",
        "execute: openai/gpt-6.1-sol",
        "verify: anthropic/claude-sonnet-5-5",
        "re-plans: at most 1",
        "unverified: set",
        "no: set GEMINI_API_KEY",
    ] {
        assert!(info.contains(shown), "{shown}: {info}");
    }
    let crew = crew(&[""], &[""]);
    let urls = crew.each_ref().map(BlockingProvider::address);
    let policy = done_by(urls.each_ref().map(String::as_str));
    let (others, verifier) = policy.split_once("three: {kind").unwrap();
    let verifier = verifier.replace("api_key_env: null", "api_key_env: VERIFIER_API_KEY");
    let home = Home::holding(&format!("{others}three: {{kind{verifier}"));
    let check = home.with_policy(&["check"]).ends().exits(0).stdout;
    let warning = "warning: VERIFIER_API_KEY is not set, for the verifier";
    assert!(check.contains(warning), "{check}");
    let document = home.with_policy(&["--json", "check"]).ends().exits(0).document();
    let role = &document["data"]["orchestration"]["roles"]["verifier"];
    assert_eq!(role["missing_key"], "VERIFIER_API_KEY");
    let entry = home.with_policy(&["client-config", "claude-code"]).ends().exits(0).stdout;
    assert!(entry.contains("VERIFIER_API_KEY"), "{entry}");
}

#[test]
fn receipt_and_bundle_are_written_even_of_what_failed_and_verify_holds_them() {
    let [one, two, three] = crew(&["It is Lyon.", "It is Paris."], &[REFUSES, ACCEPTS]);
    let down = [one, two, BlockingProvider::refusing(500, "down")];
    let accepted = [
        BlockingProvider::answering("alpha", PLAN),
        BlockingProvider::answering_in_turn("beta", &["It is Lyon.", "It is Paris."]),
        three,
    ];
    for (crew, code, certified) in [(accepted, 0, true), (down, 3, false)] {
        let home = home_of(&crew);
        let ask = ["orchestrate", TASK, "--depth", "complex"];
        let documents = ["--receipt", "receipt", "--bundle", "bundle"];
        let ended = home.with_policy(&[&ask[..], &documents[..]].concat()).ends().exits(code);
        assert!(ended.stderr.contains("receipt written to receipt"), "{}", ended.stderr);
        let both = ["--json", "verify", "receipt", "--bundle", "bundle"];
        let found = home.program(both).ends().exits(0).document();
        assert_eq!(found["data"]["result"], "holds");
        assert_eq!(found["data"]["kind"], "orchestration");
        assert_eq!(found["data"]["independence_certified"], certified, "{found}");
        flip_after(&home, "bundle", r#""body":""#);
        home.program(both).ends().exits(1);
    }
}

/// Checks that terminal, envelope, receipt and `check` agree about a verifier of which nothing is
/// known.
#[test]
fn a_judge_that_nobody_knows_certifies_nothing_anywhere() {
    let crew = crew(&["It is Paris."], &[ACCEPTS]);
    let urls = crew.each_ref().map(BlockingProvider::address);
    let known = done_by(urls.each_ref().map(String::as_str));
    let unknown = known.replace(", developer: of-gamma, lineage: [gamma]", "");
    assert_ne!(known, unknown);
    let home = Home::holding(&unknown);
    let ask = ["orchestrate", TASK, "--depth", "standard", "--receipt", "receipt"];
    let shown = home.with_policy(&ask).ends().exits(0).told();
    assert!(shown.contains("independence not certified"), "{shown}");
    assert!(shown.contains("unknown verifier_worker_distinct: "), "{shown}");
    let found = home.program(["--json", "verify", "receipt"]).ends().exits(2).document();
    assert_eq!(found["data"]["independence_certified"], false, "{found}");
    let ask = ["--json", "orchestrate", TASK, "--depth", "standard"];
    let envelope = home.with_policy(&ask).ends().exits(0).document();
    assert_eq!(envelope["meta"]["visibility"]["independence_certified"], false, "{envelope}");
    let checked = home.with_policy(&["check"]).ends().exits(0);
    let words = "a verdict is certified only if the answers name models that are known";
    let text = checked.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains(words), "{text}");
}

#[test]
fn a_receipt_that_cannot_be_written_exits_1_after_the_artifact() {
    let crew = crew(&["It is Paris."], &[ACCEPTS]);
    let home = home_of(&crew);
    let ask = ["orchestrate", TASK, "--receipt", &too_long()];
    let ended = home.with_policy(&ask).ends().exits(1);
    assert_eq!(ended.stdout, "It is Paris.\n");
    assert!(ended.stderr.contains("error: the receipt cannot be written to"), "{}", ended.stderr);
    for nowhere in [["--receipt", "one", "--bundle", "one"], ["--receipt", "r", "--bundle", "no/b"]]
    {
        let ask = [&["orchestrate", TASK][..], &nowhere].concat();
        home.with_policy(&ask).ends().exits(2);
    }
    assert_eq!(crew[1].requests().len(), 1, "nobody was asked where nothing could be written");
}

#[cfg(unix)]
#[test]
fn what_a_step_held_is_settled_when_a_signal_ends_the_run() {
    let hanging = Hanging::new();
    let url = hanging.address();
    let till = Till(Home::holding(&done_by([&url; 3])));
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let mut run = till.run(&["orchestrate", TASK, "--depth", "complex"]);
        let waiting = hanging.is_asked_by(run.command());
        waiting.hears(signal);
        assert_eq!(waiting.ends(), Some(code), "{signal}");
    }
    let report = till.spent(&["--by", "task_class"]);
    let open = (&report["held_usd"], &report["unsettled_usd"]);
    assert_eq!(open, (&json!(0.0), &json!(0.0)), "{report}");
    let row = &report["rows"][0];
    assert_eq!((&row["task_class"], &row["estimated"]), (&json!("orchestrate"), &json!(2)));
}
