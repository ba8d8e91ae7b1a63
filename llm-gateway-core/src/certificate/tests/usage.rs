//! Tests of token counts as responses state them, and of receipts that state other counts.

use serde_json::Value;

use super::fixtures::fixtures;
use super::panel::{SEATS, Seat, panel, whole};
use super::receipts::issue_counting;
use crate::certificate::VerifyResult::{Contradicted, Holds};
use crate::certificate::readers::usage as read;
use crate::certificate::{Evidence, Verification, VerifyOptions, verify};
use crate::model::Dialect::{self, Anthropic, Gemini, OpenAi};
use crate::model::{Delivery, Usage};

/// Checks that the readers count the tokens of every fixture as the adapters do, whose counts the
/// fixtures contain.
#[test]
fn every_fixture_is_counted_as_it_is_booked() {
    let mut counted = 0;
    for dialect in [OpenAi, Anthropic, Gemini] {
        for (name, response, expected) in fixtures(dialect) {
            if expected["text"].is_null() {
                continue;
            }
            let usage = read(dialect, &response);
            assert_eq!(usage, booked(&expected["usage"]), "{name}");
            counted += usize::from(usage.is_some());
        }
    }
    assert!(counted > 10, "{counted} fixtures with a count are too few");
}

fn booked(tokens: &Value) -> Option<Usage> {
    let count = |name: &str| tokens[name].as_u64().unwrap();
    tokens.is_object().then(|| Usage {
        input_uncached: count("input_uncached"),
        cache_read: count("cache_read"),
        cache_write: count("cache_write"),
        output: count("output"),
        reasoning: count("reasoning"),
    })
}

/// Checks a receipt that states these token counts for its three calls.
fn counting(evidence: Evidence, used: [Usage; 3]) -> Verification {
    let used = [(4, used[0]), (5, used[1]), (6, used[2])];
    let (receipt, bundle) = issue_counting(evidence, &used);
    verify(&receipt.to_bytes(), VerifyOptions::default().with_bundle(&bundle))
}

/// The input and output tokens of the script's three answers, counted by hand from its words.
const COUNTED: [(u64, u64); 3] = [(16, 5), (16, 7), (16, 8)];

#[test]
fn tokens_that_the_bytes_do_not_confirm_contradict() {
    for delivery in [Delivery::Whole, Delivery::Stream] {
        let evidence = panel(&SEATS.map(|seat| Seat { delivery, ..seat }));
        let used = COUNTED.map(|(input, output)| Usage::new(input, output));
        let found = counting(evidence.clone(), used);
        assert_eq!(found.result, Holds, "{:?}", found.findings);
        assert!(
            found.findings[0].ends_with("the tokens of 3 counted again"),
            "{:?}",
            found.findings
        );
        for (at, call) in (4..).enumerate().take(3) {
            let changes: [fn(&mut Usage); 5] = [
                |usage| usage.input_uncached -= 1,
                |usage| usage.cache_read = 1,
                |usage| usage.cache_write = 1,
                |usage| usage.output += 1,
                |usage| usage.reasoning = 1,
            ];
            for change in changes {
                let mut other = used;
                change(&mut other[at]);
                let found = counting(evidence.clone(), other);
                assert_eq!(found.result, Contradicted, "{other:?}");
                let named = format!("tokens of call {call}: stated ");
                assert!(found.findings[0].starts_with(&named), "{:?}", found.findings);
            }
        }
    }
}

#[test]
fn bytes_without_a_plausible_count_contradict_no_tokens() {
    let odd = [
        (OpenAi, r#"{"choices":[]}"#),
        (OpenAi, r#"{"usage":{"prompt_tokens":1}}"#),
        (OpenAi, r#"{"usage":{"prompt_tokens":1,"completion_tokens":"two"}}"#),
        (OpenAi, r#"{"usage":{"prompt_tokens":1,"completion_tokens":2.5}}"#),
        (OpenAi, r#"{"usage":{"prompt_tokens":1,"completion_tokens":2000000000}}"#),
        (OpenAi, r#"{"usage":{"prompt_tokens":1,"completion_tokens":-2}}"#),
        (OpenAi, r#"{"usage":[1, 2]}"#),
        (Anthropic, r#"{"usage":{"output_tokens":2}}"#),
        (Gemini, r#"{"usageMetadata":{"candidatesTokenCount":2}}"#),
        (Gemini, r#"{"usageMetadata":{"promptTokenCount":1.5}}"#),
        (Gemini, "<html>"),
        (Dialect::Own, r#"{"usage":{"prompt_tokens":1,"completion_tokens":2}}"#),
    ];
    for (dialect, body) in odd {
        assert_eq!(read(dialect, &whole(1, "application/json", body)), None, "{body}");
    }
    let mut failed =
        whole(1, "application/json", r#"{"usage":{"prompt_tokens":1,"completion_tokens":2}}"#);
    assert_eq!(read(OpenAi, &failed), Some(Usage::new(1, 2)));
    failed.status = 500;
    assert_eq!(read(OpenAi, &failed), None);
}

/// Checks that the form of a count, and its place among the places of all APIs, do not matter.
#[test]
fn a_count_is_read_in_any_form() {
    let counted = Some(Usage::new(20, 5));
    for (dialect, name, usage, tokens) in [
        (OpenAi, "usage", r#"{"prompt_tokens":20.0,"completion_tokens":" 5 "}"#, counted),
        (OpenAi, "usage", r#"{"input_tokens":20,"output_tokens":"5.0"}"#, counted),
        (Anthropic, "usage", r#"{"inputTokens":20,"outputTokens":5,"totalTokens":25}"#, counted),
        (Gemini, "usage_metadata", r#"{"prompt_token_count":20,"total_token_count":25}"#, counted),
        (
            OpenAi,
            "usage",
            r#"{"prompt_tokens":20,"completion_tokens":5,"prompt_tokens_details":"none"}"#,
            counted,
        ),
        (
            Anthropic,
            "usage",
            r#"{"input_tokens":20,"output_tokens":5,"cache_read_input_tokens":[]}"#,
            counted,
        ),
        (
            OpenAi,
            "usage",
            r#"{"prompt_tokens":20,"completion_tokens":2,"total_tokens":25}"#,
            counted,
        ),
        (
            OpenAi,
            "usage",
            r#"{"prompt_tokens":20,"completion_tokens":1,"completion_tokens_details":{"reasoning_tokens":4}}"#,
            Some(Usage { reasoning: 4, ..Usage::new(20, 5) }),
        ),
        (
            OpenAi,
            "usage",
            r#"{"prompt_tokens":20,"completion_tokens":5,"cached_tokens":30}"#,
            Some(Usage { cache_read: 30, ..Usage::new(20, 5) }),
        ),
        (
            Gemini,
            "usageMetadata",
            r#"{"promptTokenCount":16,"toolUsePromptTokenCount":4,"candidatesTokenCount":5}"#,
            counted,
        ),
        // No model answers without any token.
        (OpenAi, "usage", r#"{"prompt_tokens":20,"completion_tokens":0}"#, None),
        (OpenAi, "usage", r#"{"prompt_tokens":0,"completion_tokens":5}"#, None),
    ] {
        let answer = match dialect {
            Gemini => r#""candidates":[{"content":{"parts":[{"text":"Yes"}]}}]"#,
            Anthropic => r#""content":"Yes""#,
            _ => r#""choices":[{"text":"Yes"}]"#,
        };
        let body = format!(r#"{{{answer},"{name}":{usage}}}"#);
        assert_eq!(read(dialect, &whole(1, "", &body)), tokens, "{body}");
    }
    let within =
        r#"{"choices":[{"text":"Yes","usage":{"prompt_tokens":20,"completion_tokens":5}}]}"#;
    assert_eq!(read(OpenAi, &whole(1, "", within)), counted);
}

#[test]
fn a_stream_is_counted_up_to_its_end() {
    let streamed = |dialect, events: &[&str]| {
        let body: String = events.iter().map(|event| format!("data: {event}\n\n")).collect();
        read(dialect, &whole(1, "text/event-stream", &body))
    };
    let running = r#"{"choices":[{"delta":{"content":"Y"}}],"usage":{"prompt_tokens":9,"completion_tokens":1}}"#;
    let text = r#"{"choices":[{"delta":{"content":"es"}}]}"#;
    let stop = r#"{"choices":[{"finish_reason":"stop"}]}"#;
    let last = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4}}"#;
    let none = r#"{"choices":[],"usage":null}"#;
    let zero = r#"{"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":0}}"#;
    assert_eq!(streamed(OpenAi, &[running, stop, last, none]), Some(Usage::new(9, 4)));
    let more = last.replace("4}", r#"5,"completion_tokens_details":[5]}"#);
    assert_eq!(streamed(OpenAi, &[stop, last, &more]), Some(Usage::new(9, 5)));
    assert_eq!(
        streamed(OpenAi, &[stop, &more, last]),
        Some(Usage::new(9, 5)),
        "the largest counts"
    );
    assert_eq!(streamed(OpenAi, &[stop, last, "[DONE]", &more]), Some(Usage::new(9, 4)));
    assert_eq!(streamed(OpenAi, &[running, last]), None, "the answer has no end");
    for counts in [&[running, text][..], &[running, text, zero], &[text, zero]] {
        let events = [counts, &[stop, "[DONE]"]].concat();
        assert_eq!(streamed(OpenAi, &events), None, "the last text is not counted: {counts:?}");
    }
    let start =
        r#"{"type":"message_start","message":{"usage":{"input_tokens":9,"output_tokens":1}}}"#;
    let delta = r#"{"type":"message_delta","usage":{"input_tokens":null,"output_tokens":4}}"#;
    let other = r#"{"type":"message_delta","usage":{"output_tokens":7}}"#;
    let stop = r#"{"type":"message_stop"}"#;
    assert_eq!(streamed(Anthropic, &[start, delta, stop, other]), Some(Usage::new(9, 4)));
    assert_eq!(streamed(Anthropic, &[start, stop]), None, "the first moment's output is none");
    let moment = r#"{"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":1}}"#;
    let end = r#"{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":9,"candidatesTokenCount":3,"thoughtsTokenCount":1}}"#;
    let whole = Usage { reasoning: 1, ..Usage::new(9, 4) };
    assert_eq!(streamed(Gemini, &[moment, end, "{}"]), Some(whole));
    assert_eq!(streamed(Gemini, &[moment]), None);
}
