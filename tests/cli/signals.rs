//! A signal ends `route` as it ends any program, after what was held is settled.

use std::process::Command;

use serde_json::json;
use test_support::nanos;

use crate::hanging::{Hanging, Waiting};
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
            [(&["route", "quick_answer", "-"][..], ""), (&["orchestrate", "-"], CUT_OFF)]
        {
            let ended = waiting_for_its_prompt(&till, task);
            assert_eq!((ended.code, ended.stderr.as_str()), (130, said));
        }
        let ended = waiting_for_its_prompt(&till, &["--json", "orchestrate", "-"]);
        assert_eq!(ended.exits(130).document()["meta"]["error_category"], "cancelled");
    }

    const CUT_OFF: &str = "error: stopped before the task was read\n";

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
