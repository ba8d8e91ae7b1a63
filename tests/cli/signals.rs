//! A signal ends `route`, after what was held is settled and what had come is shown.

use std::process::Command;

use std::time::Duration;

use serde_json::json;
use test_support::{PATIENCE, Wire, nanos};

use crate::hanging::{Hanging, Waiting};
use crate::program::{Ended, flowing};
use crate::spend::Till;

impl Waiting {
    /// Sends a signal (`INT`, `TERM`, `HUP`).
    pub(crate) fn hears(&self, signal: &str) {
        let mut kill = Command::new("sh");
        kill.arg("-c").arg(format!("kill -{signal} {}", self.0.id()));
        assert!(kill.status().expect("a shell").success());
    }

    /// Waits for the end. Returns the exit code, unless a signal killed the program.
    pub(crate) fn ends(mut self) -> Option<i32> {
        self.0.wait().expect("the program ends").code()
    }
}

#[test]
fn what_a_run_held_is_settled_when_a_signal_ends_it() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let hanging = Hanging::new();
        let till = Till::at(&hanging.address());
        let waiting = hanging.asks(&till);
        waiting.hears(signal);
        assert_eq!(waiting.ends(), Some(code), "{signal}");
        let report = till.spent(&[]);
        let open = (&report["held_usd"], &report["unsettled_usd"]);
        assert_eq!(open, (&json!(0.0), &json!(0.0)), "{signal}: {report}");
        assert!(nanos(&report["total_usd"]) > 0, "{signal}: {report}");
        assert_eq!(report["rows"][0]["estimated"], 1, "{signal}: {report}");
    }
}

/// Interrupts questions to a model that falls silent half-way, until one had written something.
fn interrupted(arguments: &[&str]) -> (Ended, Till) {
    let stream = Wire::OpenAi.stream("small", &"All that is written is paid for. ".repeat(40));
    let hanging = Hanging::half_way(&stream);
    let mut patience = Duration::from_millis(50);
    while patience < PATIENCE {
        let till = Till::at(&hanging.address());
        let asked = [arguments, &["route", "quick_answer", "Why?"]].concat();
        let waiting = hanging.is_asked_by(till.run(&asked).command());
        hanging.goes_on_for(patience);
        waiting.hears("INT");
        let ended = waiting.ends_saying(&till.0).exits(130);
        if ended.stdout.contains("All that") {
            return (ended, till);
        }
        patience *= 2;
    }
    panic!("nothing that had come was shown");
}

#[test]
fn what_had_come_is_shown_when_a_signal_ends_a_question() {
    let (ended, till) = interrupted(&[]);
    assert!(ended.stdout.starts_with("All that is written is paid for. All "), "{}", ended.stdout);
    for told in ["cancelled after", "what local/small had written by then:"] {
        assert!(ended.told().contains(&flowing(told)), "{told}: {}", ended.stderr);
    }
    let report = till.spent(&[]);
    assert_eq!((&report["held_usd"], &report["rows"][0]["estimated"]), (&json!(0.0), &json!(1)));
    assert!(nanos(&report["total_usd"]) > 0, "{report}");
}

#[test]
fn what_had_come_is_in_the_one_envelope_of_a_question_that_a_signal_ends() {
    let (ended, _till) = interrupted(&["--json"]);
    let envelope = ended.document();
    assert_eq!((&envelope["status"], ended.stderr.as_str()), (&json!("error"), ""));
    assert_eq!(envelope["meta"]["error_category"], "cancelled");
    assert_eq!(envelope["meta"]["text_from"], json!({ "provider": "local", "model": "small" }));
    assert!(envelope["data"]["text"].as_str().unwrap().starts_with("All that is"));
}

/// Tests that read from Linux how a process handles its signals.
#[cfg(target_os = "linux")]
mod linux {
    use std::io::Read;
    use std::process::{Command, Stdio};

    use test_support::{BlockingProvider, PATIENCE, is_signal_in};
    use tokio::time::Instant;

    use crate::hanging::{Hanging, Waiting};
    use crate::program::Ended;
    use crate::spend::Till;

    const HUP: i32 = 1;
    const INT: i32 = 2;

    #[test]
    fn a_run_that_waits_for_its_prompt_ends() {
        let till = Till::closed();
        for (task, said) in
            [(&["route", "quick_answer", "-"][..], "prompt"), (&["orchestrate", "-"], "task")]
        {
            let said = format!("error: stopped before the {said} was read\n");
            let ended = waiting_for_its_prompt(&till, task);
            assert_eq!((ended.code, ended.stderr), (130, said));
        }
        for task in [&["--json", "route", "quick_answer", "-"][..], &["--json", "orchestrate", "-"]]
        {
            let ended = waiting_for_its_prompt(&till, task);
            assert_eq!(ended.exits(130).document()["meta"]["error_category"], "cancelled");
        }
    }

    /// Starts a program, and interrupts it once it listens for signals.
    fn waiting_for_its_prompt(till: &Till, arguments: &[&str]) -> Ended {
        let mut run = till.run(arguments);
        let piped = run.command().stdin(Stdio::piped()).stdout(Stdio::piped());
        let started = piped.stderr(Stdio::piped()).spawn();
        let mut waiting = Waiting(started.expect("the program starts"));
        // `wait` would close stdin, which must stay open.
        let _nobody_writes = waiting.0.stdin.take();
        let began = Instant::now();
        while !is_signal_in("SigCgt", waiting.0.id(), INT) {
            assert!(began.elapsed() < PATIENCE, "the program listens to no signal");
            std::thread::yield_now();
        }
        waiting.hears("INT");
        waiting.ends_saying(&till.0)
    }

    #[test]
    fn a_run_whose_answer_nobody_reads_ends() {
        // The answer is larger than any pipe.
        let provider = BlockingProvider::answering("small", &"x".repeat(2_000_000));
        let till = Till::at(&provider.address());
        let mut run = till.run(&["route", "quick_answer", "Why?"]);
        let command = run.command().stdout(Stdio::piped()).stderr(Stdio::null());
        let mut waiting = Waiting(command.spawn().expect("the program starts"));
        let mut unread = waiting.0.stdout.take().expect("a pipe");
        unread.read_exact(&mut [0]).expect("the answer begins");
        waiting.hears("INT");
        assert_eq!(waiting.ends(), Some(130));
        assert_eq!(till.spent(&[])["rows"][0]["calls"], 1);
    }

    #[test]
    fn a_signal_that_the_program_was_started_to_ignore_stays_ignored() {
        let hanging = Hanging::new();
        let till = Till::at(&hanging.address());
        let mut run = till.run(&["route", "quick_answer", "Why?"]);
        let bare = run.command();
        let mut deaf = Command::new("/bin/sh");
        deaf.args(["-c", "trap '' HUP; exec \"$@\"", "sh"]);
        deaf.arg(bare.get_program()).args(bare.get_args());
        deaf.env_clear().envs(bare.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let waiting = hanging.is_asked_by(&mut deaf);
        let is_in = |set, signal| is_signal_in(set, waiting.0.id(), signal);
        assert!(is_in("SigIgn", HUP) && is_in("SigCgt", INT));
        waiting.hears("HUP");
        waiting.hears("TERM");
        assert_eq!(waiting.ends(), Some(143));
    }
}
