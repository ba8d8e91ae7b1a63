//! `check`: every problem with its place, its line and advice.

use test_support::VERSION_1_0_0;

use crate::policies::SMALL;
use crate::program::{Ended, Home, flowing};

/// Asserts that the policy is refused at `place` (`line:column`), that the caret of the snippet is
/// under that column, and that there is advice. Keeps the whole text as a snapshot.
#[track_caller]
fn refuses(name: &str, policy: &str, place: &str) {
    let ended = Home::holding(policy).with_policy(&["check"]).ends().exits(1);
    points_at(&ended, policy, place);
    insta::assert_snapshot!(name, ended.stdout_anywhere());
}

#[track_caller]
fn points_at(ended: &Ended, policy: &str, place: &str) {
    let text = ended.stdout_anywhere();
    let header = format!("--> [home]/policy.yaml:{place}");
    let mut lines = text.lines().skip_while(|line| !line.ends_with(&header)).skip(2);
    let (line, column) = place.split_once(':').expect("line:column");
    let (line, column): (usize, usize) = (line.parse().unwrap(), column.parse().unwrap());
    let source = policy.lines().nth(line - 1).expect("the line is there");
    assert_eq!(lines.next(), Some(format!("{line} | {source}").as_str()), "{text}");
    let caret = lines.next().and_then(|line| line.find('^'));
    let margin = format!("{line} | ").len();
    assert_eq!(caret, Some(margin + column - 1), "{text}");
    assert!(lines.next().is_some_and(|line| line.trim().starts_with("= ")), "{text}");
}

#[test]
fn an_unknown_key() {
    refuses("unknown_key", &format!("{SMALL}falback: {{}}\n"), "3:1");
}

#[test]
fn an_unknown_key_deep_inside() {
    let policy = "defaults:\n  a: {provider: openai, model: gpt-6-luna, max_token: 5}\n";
    refuses("unknown_key_inside", policy, "2:44");
}

#[test]
fn a_wrong_type() {
    let policy = "defaults:\n  a: {provider: openai, model: gpt-6-luna, max_tokens: many}\n";
    refuses("wrong_type", policy, "2:56");
}

#[test]
fn a_list_where_a_mapping_belongs() {
    refuses("wrong_shape", "defaults: [quick_answer]\n", "1:11");
}

#[test]
fn a_dangling_provider() {
    let policy = "defaults:\n  a: {provider: opnai, model: gpt-6-luna}\n";
    refuses("dangling_provider", policy, "2:17");
}

#[test]
fn a_fallback_for_an_unknown_class() {
    let fallback = "fallback:\n  quick_anwser: [{provider: openai, model: gpt-6-luna}]\n";
    refuses("fallback_unknown_class", &format!("{SMALL}{fallback}"), "4:3");
}

#[test]
fn a_fallback_to_a_dangling_provider() {
    let fallback = "fallback:\n  quick_answer: [{provider: antropic, model: claude-haiku-5-5}]\n";
    refuses("fallback_dangling_provider", &format!("{SMALL}{fallback}"), "4:29");
}

/// Returns a policy whose provider has one model of its own, with these prices.
fn priced(prices: &str) -> String {
    format!("{SMALL}providers:\n  openai:\n    models:\n      mine: {{{prices}}}\n")
}

#[test]
fn one_price_without_the_other() {
    refuses("half_a_price", &priced("in: 1"), "6:7");
}

#[test]
fn bad_yaml() {
    let policy = "defaults:\n  a: {provider: openai, model: [\n";
    let ended = Home::holding(policy).with_policy(&["check"]).ends().exits(1);
    points_at(&ended, policy, "2:32");
    assert!(ended.stdout.contains("unclosed bracket"), "{}", ended.stdout);
}

/// A policy that defines a class twice, on lines 2 and 3.
const TWICE: &str = "\
defaults:
  a: {provider: openai, model: gpt-6-luna}
  a: {provider: anthropic, model: claude-haiku-5-5}
";

#[test]
fn what_the_yaml_reader_finds_is_said_to_the_author_of_the_file() {
    let second_document = format!("{SMALL}---\ndefaults: {{}}\n");
    for policy in [TWICE, &second_document] {
        let ended = Home::holding(policy).with_policy(&["check"]).ends().exits(1);
        for of_a_library in ["DuplicateKeyPolicy", "Options", "from_str", " at line "] {
            assert!(!ended.stdout.contains(of_a_library), "{of_a_library}: {}", ended.stdout);
        }
    }
}

#[test]
fn no_task_class() {
    refuses("no_task_class", "defaults: {}\n", "1:1");
    refuses("no_defaults", "version: \"1.0.0\"\n", "1:1");
}

#[test]
fn an_empty_file() {
    for policy in ["", "# nothing yet\n"] {
        let ended = Home::holding(policy).with_policy(&["check"]).ends().exits(1);
        assert!(ended.stdout.contains("empty"), "{}", ended.stdout);
    }
}

#[test]
fn plain_http_to_another_machine() {
    let policy = format!("{SMALL}providers:\n  openai: {{base_url: \"http://example.com/v1\"}}\n");
    refuses("plain_http", &policy, "4:22");
    let allowed = policy.replace("{base_url", "{insecure_http: true, base_url");
    Home::holding(&allowed).with_policy(&["check"]).ends().exits(0);
}

#[test]
fn a_base_url_of_the_environment_that_is_refused() {
    let run = Home::holding(SMALL).with_policy(&["check"]);
    let ended = run.env("OPENAI_BASE_URL", "http://example.com/v1").ends().exits(1);
    assert!(ended.stdout.contains("OPENAI_BASE_URL"), "{}", ended.stdout);
    assert!(ended.stdout.contains("https"), "{}", ended.stdout);
}

#[test]
fn every_problem_is_found_in_one_pass() {
    let policy = "\
version: 1
defaults:
  a: {provider: opnai, model: gpt-6-luna, max_tokens: 0}
  b: {provider: openai}
falback: {}
cost_preflight: {enabled: maybe, block_usd: -1}
fallback: {zzz: []}
";
    let ended = Home::holding(policy).with_policy(&["check"]).ends().exits(1);
    let places = ["1:10", "3:17", "3:55", "4:3", "5:1", "6:27", "6:45", "7:12"];
    for place in places {
        points_at(&ended, policy, place);
    }
    insta::assert_snapshot!("many_problems", ended.stdout_anywhere());
}

#[test]
fn a_place_behind_wide_letters_is_counted_in_letters() {
    let policy = "defaults:\n  a: {rationale: \"größer\", provider: opnai, model: m}\n";
    let ended = Home::holding(policy).with_policy(&["check"]).ends().exits(1);
    assert!(ended.stdout.contains("policy.yaml:2:38"), "{}", ended.stdout);
}

#[test]
fn what_is_no_policy_file_is_told_apart() {
    let home = Home::new();
    home.write("directory.yaml/x", "");
    home.write("binary.yaml", [0, 159, 146, 150, 255]);
    home.write("huge.yaml", vec![b'#'; 5 * 1024 * 1024]);
    let cases = [
        ("absent.yaml", "there is no such file"),
        ("directory.yaml", "directory"),
        ("binary.yaml", "not UTF-8"),
        ("huge.yaml", "5242880 bytes"),
    ];
    for (file, why) in cases {
        let ended = home.program(["--routing", file, "check"]).ends().exits(1);
        assert!(ended.stdout.contains(&format!("--> {file}")), "{}", ended.stdout);
        assert!(ended.stdout.contains(why), "{why}: {}", ended.stdout);
        assert!(ended.stdout.contains("--routing or LLM_GATEWAY_ROUTING"), "{}", ended.stdout);
    }
}

#[test]
fn windows_line_ends_and_a_byte_order_mark_do_no_harm() {
    let policy = format!("\u{feff}{}", SMALL.replace('\n', "\r\n"));
    Home::holding(&policy).with_policy(&["check"]).ends().exits(0);
}

#[test]
fn a_key_pasted_into_the_policy_is_not_shown() {
    let key = "sk-proj-Zk3vQ9xT7mB2nR8wL5";
    let places = [
        format!("defaults:\n  a: {{provider: openai, model: gpt-6-luna, api_key: {key}}}\n"),
        format!("defaults:\n  a: {{provider: {key}, model: gpt-6-luna}}\n"),
        format!("{SMALL}providers:\n  openai: {{api_key_env: {key}}}\n"),
        format!("{SMALL}providers:\n  openai: {{base_url: \"https://u:{key}@h.example/v1\"}}\n"),
        format!("{SMALL}providers:\n  openai: {{base_url: \"https://h.example/v1?key={key}\"}}\n"),
        format!("{SMALL}{key}: 1\n"),
        format!("{SMALL}output: {{max_chars: {key}}}\n"),
    ];
    for policy in places {
        let home = Home::holding(&policy);
        for arguments in [vec!["check"], vec!["check", "--json"], vec!["route", "a", "b"]] {
            let said = home.with_policy(&arguments).ends().exits(1).everything();
            assert!(!said.contains("Zk3vQ9xT7m"), "{policy}\n{said}");
        }
    }
}

#[test]
fn a_missing_key_is_a_warning_and_strict_makes_it_an_error() {
    let home = Home::holding(SMALL);
    let ended = home.with_policy(&["check"]).ends().exits(0);
    assert!(ended.stdout.contains("OPENAI_API_KEY is not set, for quick_answer"));
    assert!(ended.stdout.contains("1 warning"), "{}", ended.stdout);
    home.with_policy(&["check", "--strict"]).ends().exits(1);
}

#[test]
fn the_last_line_names_keys_that_let_something_run() {
    let last = |classes: &str| {
        let run = Home::holding(&format!("defaults:\n{classes}")).with_policy(&["check"]);
        let said = flowing(&run.ends().exits(0).stdout);
        said.split_once("no task class can run yet: ").expect("nothing can").1.to_owned()
    };
    let luna = "{provider: openai, model: gpt-6-luna}";
    let haiku = "{provider: anthropic, model: claude-haiku-5-5}";
    let flash = "{provider: gemini, model: gemini-3.8-flash}";
    let singles = format!("  a: {luna}\n  b: {haiku}\n");
    assert_eq!(last(&singles), "set ANTHROPIC_API_KEY or OPENAI_API_KEY");
    let panel = format!("  c: {{members: [{luna}, {haiku}]}}\n");
    assert_eq!(last(&panel), "set OPENAI_API_KEY and ANTHROPIC_API_KEY");
    let cascade = format!("  d: {{cascade: {{gate: [{luna}, {haiku}], else: {flash}}}}}\n");
    let told = "set GEMINI_API_KEY, for gemini/gemini-3.8-flash to which it escalates";
    assert_eq!(last(&cascade), told);
    assert_eq!(last(&format!("{panel}  e: {flash}\n")), "set GEMINI_API_KEY");
    let corp = "providers: {corp: {kind: openai, base_url: 'https://corp.example/v1', \
                api_key_env: CORP_KEY, headers: {x-org: '${CORP_ORG}'}, models: {m: {in: 1, out: 1}}}}";
    let single = format!("  f: {{provider: corp, model: m}}\n{corp}\n");
    assert_eq!(last(&single), "set CORP_KEY and CORP_ORG", "both are needed");
    let told = "`llm-gateway info` says what each of them needs";
    assert_eq!(last(&format!("{panel}{cascade}")), told);
}

#[test]
fn a_sound_policy_with_its_keys_passes_even_strictly() {
    let run = Home::holding(SMALL)
        .with_policy(&["check", "--strict"])
        .env("OPENAI_API_KEY", "key-of-openai");
    let ended = run.ends().exits(0);
    assert!(ended.stdout.contains("the policy is sound"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("warning"), "{}", ended.stdout);
}

#[test]
fn the_built_in_policy_lacks_nothing_but_keys() {
    let keys = ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY"];
    let run = Home::new().program(["check", "--strict"]);
    keys.into_iter().fold(run, |run, key| run.env(key, "a-long-key")).ends().exits(0);
}

#[test]
fn a_policy_of_version_1_0_0_loads_unchanged() {
    let home = Home::holding(VERSION_1_0_0);
    let ended = home.with_policy(&["--json", "check"]).ends().exits(0);
    let data = &ended.document()["data"];
    let problems = data["problems"].as_array().unwrap();
    assert!(problems.iter().all(|problem| problem["severity"] == "warning"), "{problems:?}");
    let class = &data["task_classes"][0];
    assert_eq!(class["name"], "quick");
    assert_eq!(class["max_tokens"], 1024);
    assert_eq!(class["targets"][1]["model"], "claude-haiku-4-5");
    assert_eq!(data["task_classes"][2]["kind"], "panel");
}

#[test]
fn json_lists_problems_and_task_classes() {
    let policy = "defaults:\n  a: {provider: deepseek, model: deepseek-reasoner}\n";
    let home = Home::holding(policy);
    let document = home.with_policy(&["--json", "check"]).ends().exits(0).document();
    assert_eq!(document["status"], "success");
    let problems = document["data"]["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    for problem in problems {
        let keys: Vec<&str> = problem.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["severity", "file", "line", "column", "message", "hint"]);
        assert_eq!(problem["severity"], "warning");
    }
    assert_eq!(problems[0]["file"], home.path().join("policy.yaml").display().to_string());
    assert_eq!((&problems[0]["line"], &problems[0]["column"]), (&2.into(), &34.into()));
    assert!(problems[1]["message"].as_str().unwrap().contains("DEEPSEEK_API_KEY"));
    let class = &document["data"]["task_classes"][0];
    assert_eq!(class["available"], false);
    assert_eq!(class["missing_keys"], serde_json::json!(["DEEPSEEK_API_KEY"]));
}

#[test]
fn json_of_a_broken_policy_still_has_both_lists() {
    let home = Home::holding("defaults:\n  a: {provider: opnai, model: m}\nfalback: {}\n");
    let document = home.with_policy(&["--json", "check"]).ends().exits(1).document();
    assert_eq!(document["status"], "error");
    let problems = document["data"]["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems.iter().all(|problem| problem["severity"] == "error"));
    assert_eq!(problems[0]["hint"], "did you mean `openai`?");
    assert_eq!(document["data"]["task_classes"], serde_json::json!([]));
}

#[test]
fn strict_says_the_same_in_json_as_by_its_exit_code() {
    let home = Home::holding(SMALL);
    let document = home.with_policy(&["--json", "check", "--strict"]).ends().exits(1).document();
    assert_eq!(document["status"], "error", "{document:#}");
    assert_eq!(document["data"]["problems"][0]["severity"], "error", "{document:#}");
}
