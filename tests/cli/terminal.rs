//! On a terminal: colour, tables that fit, progress, and models that cannot take control of it.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::Stdio;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use test_support::BlockingProvider;

use crate::hanging::Hanging;
use crate::panels;
use crate::policies::{SMALL, reviewed_by, served_by};
use crate::program::{Home, Run};
use crate::route::ESCAPES;
use crate::spend::Till;

/// Returns what a terminal of 80 columns shows, and the exit code.
fn watched(run: Run) -> (String, i32) {
    talked_to(run, "")
}

/// Returns the same while a person types `words`.
fn talked_to(run: Run, words: &str) -> (String, i32) {
    on_terminal_of(80, run, words)
}

/// Returns the same on a terminal of this many columns.
pub(crate) fn on_terminal_of(columns: u16, run: Run, words: &str) -> (String, i32) {
    on_terminal("xterm", columns, run, words)
}

/// Returns the same on a terminal of this kind.
pub(crate) fn on_terminal(term: &str, columns: u16, run: Run, words: &str) -> (String, i32) {
    let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a pseudo-terminal");
    grantpt(&main).expect("its rights");
    unlockpt(&main).expect("its lock");
    let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&main, size).expect("its size");
    let name = ptsname(&main, Vec::new()).expect("its name");
    let name = std::ffi::OsStr::from_bytes(name.as_bytes());
    let end = || Stdio::from(OpenOptions::new().read(true).write(true).open(name).unwrap());
    let mut run = run;
    run.command().env("TERM", term);
    let mut child = run.command().stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
    (&File::from(main.try_clone().unwrap())).write_all(words.as_bytes()).unwrap();
    // The command holds its ends of the terminal open, so the reader below would wait for ever.
    drop(run);
    let mut shown = Vec::new();
    // Linux reports an error when the last user of a terminal has left.
    let _ = File::from(main).read_to_end(&mut shown);
    let code = child.wait().unwrap().code().expect("the program was not killed");
    (String::from_utf8_lossy(&shown).into_owned(), code)
}

#[test]
fn every_command_works() {
    let home = Home::holding(SMALL);
    let commands: [&[&str]; 6] = [
        &["tour"],
        &["check"],
        &["info"],
        &["schema"],
        &["client-config", "codex"],
        &["--offline", "route", "quick_answer", "hello"],
    ];
    for command in commands {
        let (shown, code) = watched(home.with_policy(command));
        assert_eq!(code, 0, "{command:?}: {shown}");
        assert!(!shown.contains("panicked") && !shown.contains("tracing"), "{command:?}: {shown}");
    }
}

#[test]
fn there_is_colour_unless_no_color_is_set() {
    let home = Home::holding(SMALL);
    let (shown, code) = watched(home.with_policy(&["check"]));
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("\x1b["), "{shown:?}");
    let (shown, code) = watched(home.with_policy(&["check"]).env("NO_COLOR", "1"));
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains('\x1b'), "{shown:?}");
}

#[test]
fn tables_fit() {
    let (shown, code) = watched(Home::new().program(["--color", "never", "info"]));
    assert_eq!(code, 0, "{shown}");
    let widest = shown.lines().map(|line| line.trim_end().chars().count()).max();
    assert!(widest <= Some(80), "{widest:?} columns:\n{shown}");
}

#[test]
fn a_model_cannot_take_the_terminal_over() {
    let provider = BlockingProvider::answering("small", ESCAPES);
    let home = Home::holding(&served_by(&provider.address(), &provider.address()));
    let run = home.with_policy(&["--color", "never", "route", "quick_answer", "Why?"]);
    let (shown, code) = watched(run.env("LOCAL_API_KEY", "k"));
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("title"), "{shown:?}");
    for obeyed in ["\x1b[31m", "\x1b]", "\x07", "\u{202e}"] {
        assert!(!shown.contains(obeyed), "{shown:?}");
    }
}

#[test]
fn no_member_of_a_panel_can_take_the_terminal_over() {
    // The escapes are a whole answer, so that they are the gist of a cluster, too, and the name of
    // a model.
    let members = [
        BlockingProvider::answering("alpha", ESCAPES),
        BlockingProvider::answering(ESCAPES, ESCAPES),
        BlockingProvider::refusing(400, ESCAPES),
    ];
    let home = panels::home_of(&members, ", quorum: 2");
    let (shown, code) = watched(home.with_policy(&["--color", "never", "route", "review", "?"]));
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("unanimous") && shown.contains("answered as a"), "{shown:?}");
    for obeyed in ["\x1b", "\x07", "\u{202e}"] {
        assert!(!shown.contains(obeyed), "{shown:?}");
    }
}

#[test]
fn progress_tells_of_each_member() {
    let provider = BlockingProvider::answering("small", "Yes, but not always.");
    let url = provider.address();
    let policy = reviewed_by([&url; 3], ", quorum: 2");
    // The third member has no key, so it fails long before the others answer.
    let (others, third) = policy.split_once("three: {kind").unwrap();
    let third = third.replace("api_key_env: null", "api_key_env: ABSENT_KEY");
    let home = Home::holding(&format!("{others}three: {{kind{third}"));
    let (shown, code) = watched(home.with_policy(&["--color", "never", "route", "review", "?"]));
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("0 of 3 answered, 1 gave no answer; waiting for one/"), "{shown:?}");
    let screen = on_screen(&shown);
    assert!(screen.iter().any(|line| line.starts_with("unanimous: 2 of 2")), "{screen:#?}");
}

#[test]
fn without_colour_progress_writes_no_escape_sequence() {
    let home = Home::holding(SMALL);
    let arguments = ["--color", "never", "--offline", "route", "quick_answer", "hello"];
    let (shown, code) = watched(home.with_policy(&arguments));
    assert_eq!(code, 0, "{shown}");
    assert!(!shown.contains('\x1b'), "{shown:?}");
}

#[test]
fn a_route_with_nothing_to_ask_does_not_wait_for_stdin() {
    let (shown, code) = watched(Home::holding(SMALL).with_policy(&["route", "quick_answer"]));
    assert_eq!(code, 2, "{shown}");
    assert!(shown.contains("nothing to ask"), "{shown}");
}

/// Returns the lines as they are on the screen in the end, where a carriage return overwrites.
fn on_screen(shown: &str) -> Vec<String> {
    let overwritten = |line: &str| {
        let mut cells: Vec<char> = Vec::new();
        for part in line.trim_end_matches('\r').split('\r') {
            // Colours take up no space.
            let part = part.replace("\x1b[2m", "").replace("\x1b[0m", "");
            let letters: Vec<char> = part.chars().collect();
            let kept = cells.get(letters.len()..).unwrap_or_default().to_vec();
            cells = letters.into_iter().chain(kept).collect();
        }
        cells.into_iter().collect::<String>().trim_end().to_owned()
    };
    shown.lines().map(overwritten).collect()
}

/// Asks on a terminal, and asserts that no progress is left beside the answer.
#[track_caller]
fn answer_stands_alone(color: &str) {
    let provider = BlockingProvider::answering("small", "Paris.");
    let home = Home::holding(&served_by(&provider.address(), &provider.address()));
    let run = home.with_policy(&["--color", color, "route", "quick_answer", "Why?"]);
    let (shown, code) = watched(run.env("LOCAL_API_KEY", "k"));
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("asking local/small"), "progress is shown: {shown:?}");
    let screen = on_screen(&shown);
    assert!(screen.iter().any(|line| line == "Paris."), "{screen:#?}");
}

#[test]
fn the_answer_stands_alone_where_progress_was() {
    answer_stands_alone("auto");
}

#[test]
fn the_answer_stands_alone_where_progress_was_without_colour() {
    answer_stands_alone("never");
}

#[test]
fn money_of_the_dead_is_given_back_on_a_clear_yes_alone() {
    let hanging = Hanging::new();
    let till = Till::at(&hanging.address());
    hanging.asks_and_dies(&till);
    let drop = ["--color", "never", "spend", "--drop-unsettled"];
    // The last input is the end of stdin.
    for (words, expected) in [("n\n", 1), ("\n", 1), ("yet\n", 1), ("\x04", 1), ("y\n", 0)] {
        assert!(till.spent(&[])["unsettled_usd"].as_f64() > Some(0.0), "before {words:?}");
        let (shown, code) = talked_to(till.run(&drop), words);
        assert_eq!(code, expected, "{words:?}: {shown}");
        assert!(shown.contains("processes that ended") && shown.contains("[y/N]"), "{shown}");
    }
    assert_eq!(till.spent(&[])["unsettled_usd"], 0.0);
    let (shown, code) = watched(till.run(&drop));
    assert_eq!(code, 0, "nothing is left to ask about: {shown}");
    assert!(!shown.contains("[y/N]"), "{shown}");
}
