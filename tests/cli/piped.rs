//! Text on stdin beside a prompt argument, and a stdin on which nothing ever comes.

use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;
use test_support::BlockingProvider;

use crate::policies::{done_by, served_by};
use crate::program::{Ended, Home, PROGRAM, Run};

fn home_of(provider: &BlockingProvider) -> Home {
    Home::holding(&served_by(&provider.address(), &provider.address()))
}

fn asking(home: &Home, arguments: &[&str]) -> Run {
    let arguments: Vec<&str> = ["route", "quick_answer"].iter().chain(arguments).copied().collect();
    home.with_policy(&arguments).env("LOCAL_API_KEY", "key-of-local")
}

/// Returns the last message of a request.
fn prompt_in(body: &Value) -> &str {
    body["messages"].as_array().and_then(|all| all.last()).unwrap()["content"].as_str().unwrap()
}

/// Runs with this stdin.
fn with_stdin(home: &Home, mut run: Run, stdin: impl Into<Stdio>) -> Ended {
    let output = run.command().stdin(stdin).output().expect("the program runs");
    home.ended(output)
}

#[test]
fn the_argument_comes_first_then_the_piped_text() {
    for (argument, piped, expected) in [
        ("Summarise:", "a\nb\n", "Summarise:\n\na\nb\n"),
        ("Summarise:", "", "Summarise:"),
        ("Summarise:", " \n\t\n", "Summarise:"),
        ("", "größer", "größer"),
        ("-", "alone", "alone"),
    ] {
        let provider = BlockingProvider::answering("small", "ok");
        asking(&home_of(&provider), &[argument]).stdin(piped).ends().exits(0);
        assert_eq!(prompt_in(&provider.request_body()), expected, "{argument:?} {piped:?}");
    }
}

#[test]
fn a_file_counts_as_a_pipe_does_and_what_holds_no_text_is_passed_over() {
    let home = Home::new();
    let file = home.write("text", "of a file");
    let open = |path: &std::path::Path| File::open(path).unwrap();
    for (stdin, expected) in [
        (open(&file), "Why?\n\nof a file"),
        (open("/dev/null".as_ref()), "Why?"),
        (open("/dev/zero".as_ref()), "Why?"),
        (open(home.path()), "Why?"),
    ] {
        let provider = BlockingProvider::answering("small", "ok");
        let asked = home_of(&provider);
        with_stdin(&asked, asking(&asked, &["Why?"]), stdin).exits(0);
        assert_eq!(prompt_in(&provider.request_body()), expected);
    }
}

#[test]
fn a_socket_counts_as_a_pipe_does() {
    let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
    far.write_all(b"of a socket").unwrap();
    drop(far);
    let provider = BlockingProvider::answering("small", "ok");
    let home = home_of(&provider);
    with_stdin(&home, asking(&home, &["Why?"]), std::os::fd::OwnedFd::from(near)).exits(0);
    assert_eq!(prompt_in(&provider.request_body()), "Why?\n\nof a socket");
}

/// Runs a script whose `$0` is the program and whose `$1` is the policy.
fn in_shell(home: &Home, script: &str) -> Ended {
    let policy = home.path().join("policy.yaml");
    let mut shell = Command::new("sh");
    let shell = shell.args(["-c", script, PROGRAM]).arg(policy).env("LOCAL_API_KEY", "k");
    home.ended(shell.stdin(Stdio::null()).output().unwrap())
}

#[test]
fn a_stdin_that_is_closed_holds_no_text() {
    let provider = BlockingProvider::answering("small", "ok");
    let home = home_of(&provider);
    in_shell(&home, "\"$0\" --routing \"$1\" route quick_answer Why? <&-").exits(0);
    assert_eq!(prompt_in(&provider.request_body()), "Why?");
}

#[test]
fn a_pipe_that_its_parent_leaves_open_is_not_waited_for() {
    let provider = BlockingProvider::answering("small", "ok");
    let home = home_of(&provider);
    let (reader, writer) = std::io::pipe().unwrap();
    let ended = with_stdin(&home, asking(&home, &["Why?"]), reader).exits(0);
    drop(writer);
    assert_eq!(prompt_in(&provider.request_body()), "Why?");
    assert!(ended.told().contains("nothing came on stdin within 3 s"), "{}", ended.stderr);
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_that_thinks_long_before_it_writes_is_waited_for() {
    let provider = BlockingProvider::answering("small", "ok");
    let home = home_of(&provider);
    let script = "(sleep 4; echo late) | \"$0\" --routing \"$1\" route quick_answer Why?";
    in_shell(&home, script).exits(0);
    assert_eq!(prompt_in(&provider.request_body()), "Why?\n\nlate\n");
}

#[test]
fn what_is_no_text_or_too_long_is_refused_before_anybody_is_asked() {
    let provider = BlockingProvider::answering("small", "never");
    let home = home_of(&provider);
    for (piped, why) in [(vec![0xff, 0xfe, 0], "not UTF-8"), (vec![b'a'; 65 << 20], "longer than")]
    {
        let ended = asking(&home, &["Why?"]).stdin(piped).ends().exits(1);
        assert!(ended.told().contains(why), "{}", ended.stderr);
    }
    assert_eq!(provider.requests().len(), 0);
}

#[test]
fn a_task_takes_piped_text_as_a_prompt_does() {
    let worker = BlockingProvider::answering("beta", "done");
    let home = Home::holding(&done_by([&worker.address(); 3]));
    let run = home.with_policy(&["orchestrate", "Mend this:", "--depth", "trivial"]);
    run.stdin("a = 1").ends().exits(0);
    let body = worker.request_body();
    assert!(body.to_string().contains("Mend this:\\n\\na = 1"), "{body}");
}
