//! What a person is told of a cap when a call fails.

use serde_json::json;
use test_support::BlockingProvider;
use wiremock::ResponseTemplate;

use crate::program::Run;
use crate::spend::Till;

const DAILY: &str = "LLM_GATEWAY_CAP_TOTAL_DAILY";

/// Returns how often a text is in the lines of stderr, however they are wrapped.
fn said(stderr: &str, text: &str) -> usize {
    stderr.split_whitespace().collect::<Vec<_>>().join(" ").matches(text).count()
}

#[test]
fn a_failure_tells_what_is_left_and_warns_where_little_is() {
    // The answer counts no tokens, so each call costs its whole hold: 68 tokens at $1 per million
    // and 256 at $2.
    let provider = BlockingProvider::with(ResponseTemplate::new(200).set_body_json(json!({
        "choices": [{ "message": { "content": "Because." }, "finish_reason": "stop" }],
    })));
    let till = Till::at(&provider.address());
    let run = |arguments: &[&str]| -> Run { till.run(arguments).env(DAILY, "0.00121") };
    let failing = [vec!["route", "nobody", "Why?"], vec!["orchestrate", "Why?"]];
    for arguments in &failing {
        let stderr = run(arguments).ends().exits(1).stderr;
        assert_eq!((said(&stderr, "$0.00121 left today"), said(&stderr, "warning:")), (1, 0));
    }
    for _ in 0..2 {
        run(&["route", "quick_answer", "Why?"]).ends().exits(0);
    }
    let leaves = "warning: the daily cap of $0.00121 on everything leaves $0.00005";
    for arguments in &failing {
        let stderr = run(arguments).ends().exits(1).stderr;
        assert_eq!((said(&stderr, leaves), said(&stderr, "left today")), (1, 0), "{stderr}");
    }
    // The sentence of the refusal has all of it already.
    let stderr = run(&["route", "quick_answer", "Why?"]).ends().exits(1).stderr;
    assert_eq!((said(&stderr, "leaves $0.00005"), said(&stderr, "warning:")), (1, 0), "{stderr}");
    // Another cap refuses, and the tightest one is told of beside it.
    let by_month =
        run(&["route", "quick_answer", "Why?"]).env("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "0.0013");
    let stderr = by_month.ends().exits(1).stderr;
    assert_eq!((said(&stderr, "the monthly cap of"), said(&stderr, leaves)), (1, 1), "{stderr}");
}

#[test]
fn a_target_that_fails_leaves_a_line_about_the_cap_that_counts_it() {
    let provider = BlockingProvider::with(ResponseTemplate::new(500));
    let till = Till::at(&provider.address());
    let run = till.run(&["route", "quick_answer", "Why?"]).env("LLM_GATEWAY_CAP_SESSION", "1");
    let stderr = run.ends().exits(1).stderr;
    assert_eq!(said(&stderr, "$1.00 left in this session"), 1, "{stderr}");
}
