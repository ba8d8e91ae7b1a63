//! Every command in terminals of every width: lines fit, and names are whole.

use std::path::PathBuf;

use anstream::adapter::strip_str;
use test_support::BlockingProvider;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::policies::served_by;
use crate::program::{Ended, Home, Run};
use crate::terminal::{on_terminal, on_terminal_of};

/// The widths that are tried. A terminal of 0 or 1 column counts as one of 80.
const WIDTHS: [u16; 7] = [0, 1, 20, 40, 80, 132, 65_535];

/// A task class whose name is wider than a narrow terminal.
const LONG_CLASS: &str = "a-class-whose-name-has-as-many-letters-as-a-name-may-have-64.of_t";

/// A model whose id is wider than a terminal of 80 columns.
const LONG_MODEL: &str = "accounts/fireworks/models/a-model-that-somebody-has-tuned-and-then-named-after-everything-that-it-was-tuned-for:latest@1";

/// A policy of every kind of class, with names of every length.
fn policy() -> String {
    let long_class = &LONG_CLASS[..64];
    format!(
        "\
defaults:
  short: {{provider: local, model: small, rationale: \"量子力学描述了微观世界的行为，而经典力学描述了宏观世界的行为，二者在极限下一致，这是一个没有空格的很长的句子。\"}}
  {long_class}: {{provider: local, model: \"{LONG_MODEL}\", rationale: \"tabs\\tand\\nlines \\u202e and \\e[31m marks\"}}
  review:
    members:
      - {{provider: local, model: small}}
      - {{provider: local, model: \"{LONG_MODEL}\"}}
      - {{provider: keyed, model: other}}
    max_tokens: 256
  sums:
    cascade:
      gate: [{{provider: local, model: small}}, {{provider: keyed, model: other}}]
      else: {{provider: local, model: \"{LONG_MODEL}\"}}
    max_tokens: 256
fallback:
  short: [{{provider: keyed, model: other}}, {{provider: local, model: \"{LONG_MODEL}\"}}]
orchestration:
  roles:
    planner: {{provider: keyed, model: other, max_tokens: 256}}
    worker: {{provider: local, model: \"{LONG_MODEL}\", max_tokens: 256}}
    verifier: {{provider: local, model: small, max_tokens: 256}}
providers:
  local: {{kind: openai, base_url: 'http://127.0.0.1:9/a/base/url/of/some/length/that/a/proxy/may/well/have/v1', api_key_env: null, models: {{small: {{in: 1, out: 2}}, \"{LONG_MODEL}\": {{in: 1, out: 2}}}}}}
  keyed: {{kind: anthropic, base_url: 'http://127.0.0.1:9', api_key_env: A_KEY_WITH_A_LONG_NAME_OF_SOMEBODY_S_OWN_MAKING, models: {{other: {{in: 1, out: 2}}}}}}
"
    )
}

/// The commands whose output is for people, and whether each tells every name of the policy.
const COMMANDS: [(&[&str], bool); 19] = [
    (&["check"], true),
    (&["--offline", "check"], true),
    (&["check", "--strict"], true),
    (&["info"], true),
    (&["--offline", "info"], true),
    (&["tour"], false),
    (&["spend"], false),
    (&["--offline", "route", "short", "Why is the sky blue, and the sea at times?"], false),
    (&["--offline", "route", "review", "Why is the sky blue, and the sea at times?"], false),
    (&["--offline", "route", "sums", "Why is the sky blue, and the sea at times?"], false),
    (&["--offline", "orchestrate", "Say why the sky is blue.", "--depth", "complex"], false),
    (&["route", "shrot", "Why?"], false),
    (&["route", "review", "Why?"], false),
    (&["verify", "/a/receipt/that/is/not/there"], false),
    (&["client-config", "emacs"], false),
    (&["route", "short", "a", "an argument too many, of several words"], false),
    (&["--help"], false),
    (&["route", "--help"], false),
    (&["orchestrate", "--help"], false),
];

fn run(home: &Home, arguments: &[&str]) -> Run {
    let ledger = home.path().join("ledger.db");
    let run = home.with_policy(arguments).env("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "5");
    run.env("LLM_GATEWAY_LEDGER_PATH", ledger).env("A_KEY_OF_NOBODY", "k")
}

/// Returns the columns of a line: the larger of two counts.
fn columns(line: &str) -> usize {
    let plain: String = line.chars().filter(|c| !c.is_control()).collect();
    plain.chars().filter_map(UnicodeWidthChar::width).sum::<usize>().max(plain.width())
}

/// Asserts that no line is wider than the terminal, but for a name that stands alone.
#[track_caller]
fn fits(shown: &str, width: usize, what: &str) {
    let shown = strip_str(shown).to_string();
    for line in shown.split(['\n', '\r']) {
        let is_name = !line.trim().contains(' ');
        assert!(columns(line) <= width || is_name, "{what} in {width} columns: {line:?}\n{shown}");
    }
}

#[track_caller]
fn names_are_whole(shown: &str, what: &str) {
    let shown = strip_str(shown).to_string();
    for name in ["short", &LONG_CLASS[..64], "review", "sums", "local/small", LONG_MODEL] {
        assert!(shown.contains(name), "{name} of {what}:\n{shown}");
    }
}

/// Returns the columns that a line may take on a terminal that reports this width.
fn columns_of(width: u16) -> usize {
    if width < 10 { 80 } else { usize::from(width).min(400) }
}

#[test]
fn every_command_fits_every_terminal() {
    let home = Home::holding(&policy());
    for (arguments, tells_all) in COMMANDS {
        for width in WIDTHS {
            let (shown, _) = on_terminal_of(width, run(&home, arguments), "");
            assert!(!shown.contains("panicked"), "{arguments:?} in {width}: {shown}");
            fits(&shown, columns_of(width), &format!("{arguments:?}"));
            if tells_all {
                names_are_whole(&shown, &format!("{arguments:?} in {width}"));
            }
            for obeyed in ["\x1b[31m marks", "\u{202e}"] {
                assert!(!shown.contains(obeyed), "{arguments:?} in {width}: {shown:?}");
            }
        }
    }
}

#[test]
fn a_pipe_gets_lines_of_80_columns_whatever_columns_says() {
    let home = Home::holding(&policy());
    for (arguments, tells_all) in COMMANDS {
        // The answer of a model goes to a pipe as it is.
        let is_answer = arguments.contains(&"--offline") && arguments.len() > 2;
        for columns in ["0", "200"] {
            let ended: Ended = run(&home, arguments).env("COLUMNS", columns).ends();
            fits(&ended.stderr, 80, &format!("{arguments:?}"));
            if !is_answer {
                fits(&ended.stdout, 80, &format!("{arguments:?}"));
            }
            if tells_all {
                names_are_whole(&ended.stdout, &format!("{arguments:?}"));
            }
        }
    }
}

#[test]
fn the_variable_counts_where_the_terminal_has_no_width() {
    let home = Home::holding(&policy());
    let (shown, _) = on_terminal_of(0, run(&home, &["info"]).env("COLUMNS", "40"), "");
    fits(&shown, 40, "info");
}

#[test]
fn check_of_the_built_in_policy_without_a_key_is_one_screen() {
    let (shown, code) = on_terminal_of(80, Home::new().program(["check"]), "");
    assert_eq!(code, 0, "{shown}");
    assert!(shown.lines().count() <= 24, "{} lines:\n{shown}", shown.lines().count());
    for key in ["OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "DEEPSEEK_API_KEY"] {
        assert_eq!(shown.matches(key).count(), 1, "{key}:\n{shown}");
    }
    let first = shown.lines().next().unwrap();
    assert!(strip_str(first).to_string().starts_with("warning: "), "problems first: {shown}");
}

#[test]
fn what_switches_calls_off_is_the_first_line_and_offline_needs_no_key() {
    let first = |run: Run| run.ends().stdout.lines().next().unwrap().to_owned();
    let home = Home::holding(&policy());
    let offline = || home.with_policy(&["--offline", "check"]);
    assert!(first(offline()).starts_with("offline: "));
    let off = offline().env("LLM_GATEWAY_DISABLED", "1");
    assert!(first(off).starts_with("LLM_GATEWAY_DISABLED is set"));
    for command in ["check", "info"] {
        for home in [Home::holding(&policy()), Home::holding(crate::policies::SMALL)] {
            let said = home.with_policy(&["--offline", command]).ends().exits(0).everything();
            let words = said.to_lowercase().replace("keyed", "");
            assert!(!words.contains("key"), "{command}: {said}");
        }
    }
}

#[test]
fn a_path_with_blanks_and_line_ends_is_one_name() {
    let home = Home::new();
    let deep: PathBuf = std::iter::repeat_n("a folder of my own", 11).collect();
    let path = home.write(deep.join("my policy.yaml").to_str().unwrap(), policy());
    let name = path.to_str().unwrap();
    for command in ["check", "info"] {
        let ended = home.program(["--routing", name, command]).ends().exits(0);
        assert!(ended.stdout.contains(name), "{command}: {}", ended.stdout);
    }
    home.write("odd\n\t\u{1b}[31m.yaml", policy());
    let ended = home.program(["--routing", "odd\n\t\u{1b}[31m.yaml", "check"]).ends().exits(0);
    assert!(ended.stdout.contains("odd<U+000A><U+0009><U+001B>[31m.yaml"), "{}", ended.stdout);
}

#[test]
fn a_path_with_blanks_is_whole_in_a_message() {
    let home = Home::new();
    let folder = "a folder of my own/and one more/with a name that is longer than a line of a page";
    let path = home.write(&format!("{folder}/p.yaml"), "defaults: {}\n");
    let named = path.to_str().unwrap();
    let by_flag = home.program(["--routing", named, "route", "a", "b"]);
    let by_variable = home.program(["info"]).env("LLM_GATEWAY_ROUTING", named);
    let receipt = home.path().join(folder).join("no receipt");
    let absent = home.program(["verify", receipt.to_str().unwrap()]);
    for (run, name) in [(by_flag, named), (by_variable, named), (absent, receipt.to_str().unwrap())]
    {
        let ended = run.ends().exits(1);
        let whole = ended.stderr.matches(name).count();
        assert!(whole > 0 && whole == ended.told().matches(name).count(), "{}", ended.stderr);
    }
}

#[test]
fn a_long_line_of_a_broken_policy_is_shown_around_its_problem() {
    let wide = "量子".repeat(80);
    let broken = format!(
        "defaults:\n  a: {{rationale: \"{wide}\", provider: opnai, model: m, max_tokens: {}}}\n",
        "9".repeat(300)
    );
    let home = Home::holding(&broken);
    for width in WIDTHS {
        let (shown, code) = on_terminal_of(width, home.with_policy(&["check"]), "");
        assert_eq!(code, 1, "{shown}");
        fits(&shown, columns_of(width), "check");
    }
}

#[test]
fn a_dumb_terminal_gets_no_progress_and_no_colour() {
    let (shown, code) = watched_asking("dumb", 80);
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains('\x1b') && !shown.contains("asking"), "{shown:?}");
}

/// Returns what a terminal shows while a model with a long name is asked over HTTP.
fn watched_asking(term: &str, width: u16) -> (String, i32) {
    let provider = BlockingProvider::answering(LONG_MODEL, "Paris.");
    let policy = served_by(&provider.address(), &provider.address());
    let policy = policy.replace("model: small,", &format!("model: \"{LONG_MODEL}\","));
    let home = Home::holding(&policy.replace("      small:", &format!("      \"{LONG_MODEL}\":")));
    let run = home.with_policy(&["route", "quick_answer", "Why?"]).env("LOCAL_API_KEY", "k");
    on_terminal(term, width, run, "")
}

#[test]
fn progress_stays_on_one_line() {
    for width in [20, 40, 80, 200] {
        let (shown, code) = watched_asking("xterm", width);
        assert_eq!(code, 0, "{shown}");
        let shown = strip_str(&shown).to_string();
        let steps: Vec<&str> =
            shown.split(['\n', '\r']).filter(|it| it.trim_end().ends_with(" s")).collect();
        assert!(steps.iter().any(|step| step.starts_with("asking ")), "{shown:?}");
        assert!(steps.iter().all(|step| columns(step) < width.into()), "{width}: {steps:?}");
    }
}
