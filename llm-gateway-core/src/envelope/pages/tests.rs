//! Tests of pages: each fits, and all of them joined are the whole text.

use proptest::prelude::*;

use serde_json::json;

use super::*;
use crate::envelope::Status;

/// The largest envelope that an empty page of these tests has.
const FRAME: usize = 200;

fn of_run(data: Value) -> Envelope {
    let mut envelope = Envelope::success(data);
    envelope.meta.insert("run_id".to_owned(), json!("0123456789abcdef0123456789abcdef"));
    envelope
}

/// Returns the slices of all pages, and checks each page.
fn slices(envelope: &Envelope, max_chars: usize) -> Vec<String> {
    let first = envelope.page(1, max_chars).unwrap();
    let pages = first.meta["pages"].as_u64().unwrap();
    let slices = (1..=pages).map(|number| {
        let page = envelope.page(number, max_chars).unwrap();
        assert_eq!((&page.meta["page"], &page.meta["pages"]), (&json!(number), &json!(pages)));
        assert_eq!(page.status, envelope.status);
        assert_eq!(page.meta["run_id"], envelope.meta["run_id"]);
        let size = json_chars(&page);
        assert!(size <= max_chars.max(FRAME + WIDEST_IN_JSON), "{size} of {max_chars}");
        page.data.unwrap()["text"].as_str().unwrap().to_owned()
    });
    let slices: Vec<String> = slices.collect();
    for beyond in [0, pages + 1, u64::MAX] {
        let error = envelope.page(beyond, max_chars).unwrap_err();
        assert_eq!(error.category(), Category::InvalidRequest);
        let range = if pages == 1 { "one page, 1".to_owned() } else { format!("1 to {pages}") };
        assert!(error.message().contains(&range), "{error}");
    }
    slices
}

#[test]
fn a_short_text_is_one_page() {
    for text in ["", "hi", "\u{0}"] {
        assert_eq!(slices(&of_run(json!({ "text": text })), 2_000), [text]);
    }
}

#[test]
fn a_page_of_a_text_is_full() {
    let envelope = of_run(json!({ "text": "x".repeat(100_000) }));
    let slices = slices(&envelope, 2_000);
    assert!(slices.len() < 60, "{} pages", slices.len());
    assert_eq!(slices.concat().len(), 100_000);
}

#[test]
fn no_bound_is_too_small_for_progress() {
    let text = "ä\u{1F980}\u{0}\"\\\n.";
    for max_chars in [0, 1, FRAME / 2, FRAME] {
        let slices = slices(&of_run(json!({ "text": text })), max_chars);
        assert_eq!(slices.concat(), text, "{max_chars}");
        assert!(slices.iter().all(|slice| !slice.is_empty()));
    }
}

#[test]
fn a_panels_members_follow_each_other_under_headings() {
    let mut failed = Envelope::from(&Error::new(Category::Timeout, "too late"));
    failed.meta.insert("provider".to_owned(), json!("gemini"));
    let member = |model: &str, text: &str| {
        json!({ "status": "success", "data": { "text": text },
                "meta": { "provider": "openai", "model": format!("{model}-2026"), "model_requested": model } })
    };
    let members = json!([member("a", "one\n"), failed, member("b", "")]);
    let text = of_run(json!({ "members": members, "agreement": {} })).whole_text().into_owned();
    assert_eq!(
        text,
        "## 1. openai/a\n\none\n\n\n## 2.: no answer\n\ntoo late\n\n## 3. openai/b\n\n\n"
    );
}

#[test]
fn what_was_made_of_a_task_follows_under_headings_and_nothing_is_left_out() {
    let data = json!({
        "artifact": "A", "plan": "P",
        "verdict": { "decision": "ACCEPT", "raw": "{}", "first_raw": "well" },
        "other_rounds": [
            { "artifact": "A1", "plan": null, "verdict": null, "round": 1 },
            { "artifact": null, "plan": "P2", "verdict": { "raw": "R2" }, "round": 2 },
        ],
    });
    let text = of_run(data).whole_text().into_owned();
    let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
    assert_eq!(
        headings,
        [
            "## Artifact",
            "## Plan",
            "## Verdict: ACCEPT",
            "## First reply of the verifier",
            "## Round 1: Artifact",
            "## Round 2: Plan",
            "## Round 2: Verdict"
        ]
    );
    assert!(text.ends_with("## Round 2: Plan\n\nP2\n\n## Round 2: Verdict\n\nR2\n"), "{text}");
}

/// A page of a refused artifact says so, and a page of a failure is one.
#[test]
fn a_page_has_the_status_of_its_run() {
    let mut refused = of_run(json!({ "artifact": "x".repeat(5_000), "plan": null }));
    refused.status = Status::NeedsHumanReview;
    slices(&refused, 1_000);
    let mut failed = of_run(json!({ "members": [] }));
    (failed.status, failed.error) = (Status::Error, Some("e".repeat(1_000)));
    failed.meta.insert("error_category".to_owned(), json!("quorum"));
    let page = failed.page(1, 1_000).unwrap();
    assert_eq!(page.meta["error_category"], "quorum");
    assert_eq!(page.error.unwrap().len(), LONGEST_REPEATED_ERROR);
    // A failure without a result is its sentence.
    failed.data = None;
    assert_eq!(failed.page(1, 5_000).unwrap().whole_text(), "e".repeat(1_000));
}

#[test]
fn a_shortened_result_counts_its_pages_and_names_who_has_them() {
    let text = format!("first {} last", "\"x\n".repeat(50_000));
    let envelope = of_run(json!({ "text": text }));
    let bounded = envelope.clone().bounded_in_pages(5_000);
    assert!(json_chars(&bounded) <= 5_000);
    assert_eq!(bounded.meta["truncated"], true);
    assert_eq!(bounded.meta["pages"], slices(&envelope, 5_000).len());
    let shown = bounded.whole_text();
    assert!(shown.starts_with("first ") && shown.ends_with(" last"), "{shown}");
    assert!(shown.contains(" characters left out; llm_result has them ..."), "{shown}");
    // What is of no run, or fits, is as before.
    let description = Envelope::success(json!({ "text": text }));
    assert_eq!(description.clone().bounded_in_pages(5_000), description.bounded(5_000));
    assert_eq!(envelope.clone().bounded_in_pages(1_000_000), envelope);
}

proptest! {
    #[test]
    fn pages_joined_are_the_text(
        text in "([\\PC\u{0}-\u{1f}\"\\\\]|\u{1F980}|é|\r\n){0,1500}",
        max_chars in 0_usize..900,
    ) {
        let envelope = of_run(json!({ "text": text }));
        prop_assert_eq!(slices(&envelope, max_chars).concat(), text);
    }

    #[test]
    fn pages_joined_are_the_whole_text_of_any_shape(
        texts in prop::collection::vec("[\\PC\n\u{0}\"]{0,300}", 7),
        max_chars in 100_usize..700,
    ) {
        let at = |n: usize| texts[n].as_str();
        let member = |n: usize| json!({ "status": "success", "data": { "text": at(n) }, "meta": {} });
        let shapes = [
            json!({ "members": [member(0), member(1), member(2)] }),
            json!({ "artifact": at(0), "plan": at(1), "verdict": { "raw": at(2), "first_raw": at(3) },
                    "other_rounds": [{ "artifact": at(4), "plan": at(5), "round": 1 }] }),
            json!({ "text": at(0), "gate": [{ "gist": at(1) }] }),
        ];
        for shape in shapes {
            let envelope = of_run(shape);
            let whole = envelope.whole_text().into_owned();
            prop_assert_eq!(slices(&envelope, max_chars).concat(), whole.clone());
            let brief = envelope.brief();
            prop_assert_eq!(brief.whole_text(), whole);
        }
    }
}
