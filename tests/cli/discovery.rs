//! Tests of the places from which the policy and the keys are read, and of places from which they
//! never are.

use crate::policies::SMALL;
use crate::program::{Home, Run};

/// Returns the policy file that `info` names.
#[track_caller]
fn policy_in_force(run: Run) -> String {
    let document = run.ends().exits(0).document();
    document["data"]["policy_file"].as_str().expect("a name").to_owned()
}

#[test]
fn the_flag_wins_over_the_variable_and_the_variable_over_the_directory() {
    let home = Home::new();
    let flag = home.write("flag.yaml", SMALL);
    let variable = home.write("variable.yaml", SMALL);
    let directory = home.write("xdg/llm-gateway/routing.yaml", SMALL);
    let xdg = home.path().join("xdg");
    let run = |flags: &[&str]| {
        home.program(flags.iter().chain(&["--json", "info"])).env("XDG_CONFIG_HOME", &xdg)
    };
    let flags = ["--routing", flag.to_str().unwrap()];
    let all = run(&flags).env("LLM_GATEWAY_ROUTING", &variable);
    assert_eq!(policy_in_force(all), flag.display().to_string());
    let two = run(&[]).env("LLM_GATEWAY_ROUTING", &variable);
    assert_eq!(policy_in_force(two), variable.display().to_string());
    assert_eq!(policy_in_force(run(&[])), directory.display().to_string());
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn the_configuration_directory_of_the_home_is_the_default() {
    let home = Home::new();
    let policy = home.write(".config/llm-gateway/routing.yaml", SMALL);
    assert_eq!(policy_in_force(home.program(["--json", "info"])), policy.display().to_string());
}

#[test]
fn a_policy_or_env_file_in_the_current_directory_is_never_read() {
    let home = Home::new();
    home.write("routing.yaml", "defaults: {planted: {provider: openai, model: m}}\n");
    home.write(".env", "OPENAI_API_KEY=planted-key-0123456789\n");
    let document = home.program(["--json", "info"]).ends().exits(0).document();
    assert!(!document.to_string().contains("planted"), "{document}");
    assert!(!document.to_string().contains(r#""key":"set""#), "{document}");
}

#[test]
fn a_key_counts_from_the_environment_from_beside_the_policy_and_from_a_named_file() {
    let home = Home::holding(SMALL);
    home.with_policy(&["check", "--strict"]).ends().exits(1);
    let with = home.with_policy(&["check", "--strict"]).env("OPENAI_API_KEY", "key-of-openai");
    with.ends().exits(0);
    home.write("other.env", "OPENAI_API_KEY=key-of-openai\n");
    home.with_policy(&["check", "--strict", "--env-file", "other.env"]).ends().exits(0);
    home.write(".env", "OPENAI_API_KEY=key-of-openai\n");
    home.with_policy(&["check", "--strict"]).ends().exits(0);
}

#[test]
fn a_key_that_is_empty_or_was_never_expanded_is_missing() {
    let home = Home::holding(SMALL);
    for value in ["", "  ", "${OPENAI_API_KEY}"] {
        let run = home.with_policy(&["check"]).env("OPENAI_API_KEY", value);
        let ended = run.ends().exits(0);
        assert!(ended.stdout.contains("OPENAI_API_KEY is not set"), "{value:?}: {}", ended.stdout);
    }
}

#[test]
fn a_line_of_an_env_file_that_cannot_be_read_is_a_warning_that_does_not_show_it() {
    let home = Home::holding(SMALL);
    home.write("odd.env", "OPENAI_API_KEY=k\nsecret-without-a-name 0123456789\n");
    let ended = home.with_policy(&["check", "--env-file", "odd.env"]).ends().exits(0);
    assert!(ended.stdout.contains("odd.env:2: the line is not NAME=value"), "{}", ended.stdout);
    assert!(!ended.everything().contains("0123456789"));
}

#[test]
fn an_env_file_that_is_not_there_or_hides_a_cap_stops_every_call() {
    let home = Home::holding(SMALL);
    home.write("odd.env", "LLM_GATEWAY_CAP_TOTAL_MONTHLY=0.00177 USD\n");
    for (file, named) in [("absent.env", "absent.env"), ("odd.env", "odd.env:1: ")] {
        let arguments = ["--json", "--offline", "--env-file", file, "route", "quick_answer", "a"];
        let ended = home.with_policy(&arguments).ends().exits(1);
        let document = ended.document();
        assert_eq!(document["meta"]["error_category"], "policy_invalid", "{document}");
        assert!(document["error"].as_str().unwrap().contains(named), "{document}");
        // The point is part of it, because a run id may contain any three digits.
        assert!(!ended.everything().contains("0.00177"), "{document}");
    }
}

#[cfg(unix)]
#[test]
fn a_guard_that_is_no_utf_8_is_not_lost() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::holding(SMALL);
    // The values are `25 €` in Latin-9, and a path.
    let odd = [
        ("LLM_GATEWAY_CAP_TOTAL_MONTHLY", &b"25 \xa4"[..]),
        ("LLM_GATEWAY_DISABLED", b"\xa4"),
        ("LLM_GATEWAY_LEDGER_PATH", b"/var/k\xe4sse.db"),
    ];
    for (name, value) in odd {
        let run = home.with_policy(&["check"]).env("LLM_GATEWAY_LEDGER", "1");
        let ended = run.env(name, std::ffi::OsStr::from_bytes(value)).ends().exits(1);
        assert!(ended.stdout.contains(name), "{}", ended.stdout);
    }
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn a_policy_that_is_a_dead_link_stops_every_call_and_one_that_is_absent_is_told() {
    let home = Home::new();
    let place = home.path().join(".config/llm-gateway/routing.yaml");
    let ended = home.program(["check"]).ends();
    let told = format!("no policy of your own: {}", place.display());
    assert!(ended.stdout.contains(&told), "{}", ended.stdout);
    home.write(".config/llm-gateway/.env", "LLM_GATEWAY_DISABLED=1\n");
    std::os::unix::fs::symlink("../dotfiles/routing.yaml", &place).unwrap();
    let arguments = ["--json", "--offline", "route", "quick_answer", "hi"];
    let document = home.program(arguments).ends().exits(1).document();
    assert_eq!(document["meta"]["error_category"], "policy_invalid", "{document}");
    let named = place.display().to_string();
    assert!(document["error"].as_str().unwrap().contains(&named), "{document}");
    home.program(["check"]).ends().exits(1);
}
