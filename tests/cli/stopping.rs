//! A signal that ends `orchestrate` early loses nothing: the completed steps were paid for.

use std::io::Read;

use serde_json::json;
use test_support::{BlockingProvider, REFUSES, nanos};

use crate::hanging::{Hanging, Waiting};
use crate::orchestrate::{PLAN, TASK};
use crate::policies::done_by;
use crate::program::{Home, flowing};
use crate::spend::Till;

/// A task whose planner and worker answer while the verifier hangs.
struct Unjudged {
    hanging: Hanging,
    _crew: [BlockingProvider; 2],
    till: Till,
}

impl Unjudged {
    fn saying(artifact: &str) -> Self {
        let crew = [
            BlockingProvider::answering("alpha", PLAN),
            BlockingProvider::answering("beta", artifact),
        ];
        let hanging = Hanging::new();
        let [one, two] = crew.each_ref().map(BlockingProvider::address);
        let till = Till(Home::holding(&done_by([&one, &two, &hanging.address()])));
        Self { hanging, _crew: crew, till }
    }

    /// Runs the task until the verifier is asked.
    fn asked(&self, arguments: &[&str]) -> Waiting {
        let task = [&["orchestrate", TASK, "--depth", "complex"], arguments].concat();
        self.hanging.is_asked_by(self.till.run(&task).command())
    }
}

#[test]
fn the_artifact_is_shown_when_a_signal_ends_the_run() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129)] {
        let work = Unjudged::saying("It is Paris.");
        let waiting = work.asked(&["--receipt", "receipt", "--bundle", "bundle"]);
        waiting.hears(signal);
        let ended = waiting.ends_saying(&work.till.0).exits(code);
        assert_eq!(ended.stdout, "It is Paris.\n", "{signal}");
        for told in [
            "round 1  verify   failed  three/gamma",
            "error: step `verify` failed: the run was told to stop before three/gamma had answered",
            "tried  three/gamma: cancelled",
            "unverified, three/gamma had not judged it",
            "receipt written to receipt",
        ] {
            assert!(ended.told().contains(&flowing(told)), "{signal}: {told}: {}", ended.stderr);
        }
        let both = ["--json", "verify", "receipt", "--bundle", "bundle"];
        let found = work.till.0.program(both).ends().exits(0).document();
        assert_eq!(found["data"]["result"], "holds", "{found}");
    }
}

#[test]
fn a_signal_leaves_one_envelope_with_all_there_is_and_what_it_cost() {
    let work = Unjudged::saying("It is Paris.");
    let waiting = work.asked(&["--json"]);
    waiting.hears("INT");
    let ended = waiting.ends_saying(&work.till.0).exits(130);
    let (envelope, report) = (ended.document(), work.till.spent(&[]));
    assert_eq!((&envelope["status"], ended.stderr.as_str()), (&json!("error"), ""));
    let (data, meta) = (&envelope["data"], &envelope["meta"]);
    assert_eq!((&data["artifact"], &data["plan"]), (&json!("It is Paris."), &json!(PLAN)));
    assert_eq!(meta["error_category"], "cancelled");
    assert_eq!(meta["failed_stage"], "verify");
    assert_eq!(report["held_usd"], json!(0.0));
    assert_eq!(nanos(&meta["total_cost_usd_approx"]), nanos(&report["total_usd"]));
}

#[test]
fn a_stopped_run_whose_artifact_nobody_reads_ends() {
    // The artifact is larger than any pipe.
    let work = Unjudged::saying(&"x".repeat(300_000));
    let mut waiting = work.asked(&[]);
    let mut unread = waiting.0.stdout.take().expect("a pipe");
    waiting.hears("INT");
    unread.read_exact(&mut [0]).expect("the artifact begins");
    assert_eq!(waiting.ends(), Some(130));
}

/// Checks that output which cannot be written costs neither the artifact nor the receipt: a closed
/// terminal accepts no output, and neither does a full disk.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_told_keeps_back_neither_artifact_nor_receipt() {
    let full = || std::fs::File::options().write(true).open("/dev/full").expect("a full device");
    let task = ["orchestrate", TASK, "--depth", "complex", "--receipt", "receipt", "--bundle", "b"];
    for is_deaf in [true, false] {
        let worker = BlockingProvider::answering_in_turn("beta", &["It is Lyon.", ""]);
        let verifier = BlockingProvider::answering_in_turn("gamma", &[REFUSES]);
        let crew = [BlockingProvider::answering("alpha", PLAN), worker, verifier];
        let urls = crew.each_ref().map(BlockingProvider::address);
        let home = Home::holding(&done_by(urls.each_ref().map(String::as_str)));
        let mut run = home.with_policy(&task);
        let output = match is_deaf {
            true => run.command().stderr(full()).output(),
            false => run.command().stdout(full()).output(),
        };
        let output = output.expect("the program runs");
        assert_eq!(output.status.code(), Some(1));
        let artifact = if is_deaf { "It is Lyon.\n" } else { "" };
        assert_eq!(String::from_utf8_lossy(&output.stdout), artifact);
        for document in ["receipt", "b"] {
            std::fs::remove_file(home.path().join(document)).expect(document);
        }
    }
}
