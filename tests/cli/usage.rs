//! The arguments of the program, and the exit code for wrong ones.

use crate::program::Home;

#[test]
fn no_arguments_at_all_show_where_to_start() {
    let ended = Home::new().program([""; 0]).ends().exits(2);
    assert_eq!(ended.stdout, "");
    assert!(ended.stderr.contains("tour"), "{}", ended.stderr);
    assert!(ended.stderr.contains("start here"), "{}", ended.stderr);
}

#[test]
fn wrong_usage_exits_2_names_the_mistake_and_prints_no_result() {
    let mistakes: [(&[&str], &str); 19] = [
        (&["bogus"], "bogus"),
        (&["route"], "TASK_CLASS"),
        (&["route", "a", "b", "c"], "'c'"),
        (&["route", "a", "b", "--max-tokens", "0"], "--max-tokens"),
        (&["route", "a", "b", "--max-tokens", "many"], "many"),
        (&["route", "a", "b", "--tokens", "1"], "--tokens"),
        (&["orchestrate", "a", "b"], "'b'"),
        (&["orchestrate", "a", "--depth", "deep"], "trivial, standard, complex"),
        (&["check", "policy.yaml"], "policy.yaml"),
        (&["tour", "--strict"], "--strict"),
        (&["spend", "--by", "colour"], "provider, model, task_class"),
        (&["spend", "--yes"], "--drop-unsettled"),
        (&["verify"], "RECEIPT"),
        (&["verify", "receipt", "--digest", "ab"], "64 hex digits"),
        (&["--json", "verify", "receipt", "--digest", ""], "--digest"),
        (&["client-config"], "CLIENT"),
        (&["client-config", "emacs"], "claude-code, codex, cursor, vscode, gemini"),
        (&["--color", "sometimes", "info"], "auto, always, never"),
        (&["info", "--routing"], "--routing"),
    ];
    for (arguments, named) in mistakes {
        let ended = Home::new().program(arguments).ends().exits(2);
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert!(ended.told().contains(named), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn help_names_every_subcommand_and_every_global_flag() {
    let help = Home::new().program(["--help"]).ends().exits(0).stdout;
    let commands = [
        "tour",
        "check",
        "route",
        "orchestrate",
        "info",
        "spend",
        "verify",
        "schema",
        "client-config",
    ];
    for command in commands {
        assert!(help.lines().any(|line| line.trim_start().starts_with(command)), "{command}");
    }
    for flag in ["--routing", "--env-file", "--offline", "--json", "--color", "--log"] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = Home::new().program(["--version"]).ends().exits(0).stdout;
    assert_eq!(version, format!("llm-gateway {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_global_flag_may_stand_before_or_after_the_subcommand() {
    for arguments in [["--json", "info"], ["info", "--json"]] {
        let document = Home::new().program(arguments).ends().exits(0).document();
        assert_eq!(document["status"], "success");
    }
}
