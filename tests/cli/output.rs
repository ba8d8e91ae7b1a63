//! Colour or no colour, and a stdout that nobody reads.

use crate::policies::SMALL;
use crate::program::Home;

const COMMANDS: [&[&str]; 3] = [&["tour"], &["check"], &["info"]];

#[test]
fn a_pipe_gets_no_colour_unless_it_is_asked_for() {
    let home = Home::holding(SMALL);
    for command in COMMANDS {
        let run = |flags: &[&str]| {
            let arguments: Vec<&str> = flags.iter().chain(command).copied().collect();
            home.with_policy(&arguments).ends().exits(0)
        };
        assert!(!run(&[]).everything().contains('\x1b'), "{command:?}");
        assert!(!run(&["--color", "never"]).everything().contains('\x1b'), "{command:?}");
        assert!(run(&["--color", "always"]).stdout.contains("\x1b["), "{command:?}");
    }
}

#[test]
fn never_is_never_even_where_the_environment_insists() {
    let home = Home::holding(SMALL);
    let run = home.with_policy(&["--color", "never", "check"]).env("CLICOLOR_FORCE", "1");
    assert!(!run.ends().exits(0).everything().contains('\x1b'));
}

#[test]
fn errors_of_the_program_are_coloured_by_the_same_rule() {
    let home = Home::holding(SMALL);
    let always = home.with_policy(&["--color", "always", "route", "nope", "hello"]).ends();
    assert!(always.exits(1).stderr.contains("\x1b["));
    let never = home.with_policy(&["--color", "never", "route", "nope", "hello"]).ends();
    assert!(!never.exits(1).stderr.contains('\x1b'));
}

#[test]
fn a_reader_that_went_away_is_no_error() {
    let home = Home::holding(SMALL);
    let mut commands = COMMANDS.to_vec();
    commands.extend([
        &["schema"][..],
        &["client-config", "codex"],
        &["--json", "tour"],
        &["--json", "info"],
        &["--json", "check"],
        &["--offline", "route", "quick_answer", "hello"],
    ]);
    for command in commands {
        let ended = home.with_policy(command).ends_unheard().exits(0);
        assert!(!ended.stderr.contains("pipe"), "{command:?}: {}", ended.stderr);
        assert!(!ended.stderr.contains("panicked"), "{command:?}: {}", ended.stderr);
    }
}

#[test]
fn a_reader_of_stderr_that_went_away_is_no_error_either() {
    let home = Home::holding(SMALL);
    let commands: [(&[&str], i32); 3] = [
        (&["--offline", "route", "quick_answer", "hello"], 0),
        (&["route", "nope", "hello"], 1),
        (&["client-config", "codex"], 0),
    ];
    for (command, code) in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut run = home.with_policy(command);
        let stdin = std::process::Stdio::null();
        let output = run.command().stdin(stdin).stderr(writer).output().unwrap();
        home.ended(output).exits(code);
    }
}

#[test]
fn a_check_that_fails_fails_though_nobody_reads_why() {
    let home = Home::holding("defaults: {}\n");
    home.with_policy(&["check"]).ends_unheard().exits(1);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let home = Home::holding(SMALL);
    let mut run = home.with_policy(&["info"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = run.command().stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("error: "));
}
