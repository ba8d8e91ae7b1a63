//! Tests of streams whose answer was once lost, or of which half once passed for the whole.

use super::*;

/// Returns the answer of a stream of these events, each with its name and its data; `None` if the
/// stream has no end.
fn answer<W: WireFormat>(events: &[(&str, &str)]) -> Option<DecodedAnswer> {
    let mut assembly = W::Stream::default();
    for (name, data) in events {
        if assembly.take(name, data).unwrap().is_break() {
            break;
        }
    }
    assembly.finish().unwrap()
}

#[test]
fn a_blank_object_ends_no_message() {
    let events = [
        ("message", "{}"),
        ("content_block_delta", r#"{"delta": {"text": "hi"}}"#),
        ("message", r#"{"usage": {"output_tokens": 1}}"#),
        ("message_delta", r#"{"delta": {"stop_reason": "end_turn"}}"#),
        ("message_stop", "{}"),
    ];
    assert_eq!(answer::<Anthropic>(&events).unwrap().text, "hi");
    let whole = ("message", r#"{"content": "hi", "stop_reason": "end_turn"}"#);
    assert_eq!(answer::<Anthropic>(&[whole]).unwrap().text, "hi");
}

#[test]
fn another_choice_does_not_end_the_first() {
    let chunk = |choice: &str| format!(r#"{{"choices": [{choice}]}}"#);
    let one = chunk(r#"{"index": 0, "delta": {"content": "one"}}"#);
    let other = chunk(r#"{"index": 1, "delta": {"content": "other"}, "finish_reason": "stop"}"#);
    let more = chunk(r#"{"index": 0, "delta": {"content": " more"}}"#);
    let end = chunk(r#"{"index": 0, "finish_reason": "length"}"#);
    let told = |chunks: &[&str]| {
        let chunks: Vec<_> = chunks.iter().chain(&["[DONE]"]).map(|it| ("message", *it)).collect();
        answer::<OpenAi>(&chunks).map(|decoded| decoded.text)
    };
    assert_eq!(told(&[&one, &other, &more, &end]).as_deref(), Some("one more"));
    assert_eq!(told(&[&one, &other, &more]), None, "the first has no end of its own");
    assert_eq!(told(&[&one, &other]).as_deref(), Some("oneother"), "chunks are counted");
}

#[test]
fn a_name_may_stand_in_both_spellings() {
    let response = r#"{"candidates": [{"content": {"parts": [{"text": "hi"}]}, "finish_reason": null,
        "finishReason": "STOP"}], "modelVersion": null, "model_version": "models/m",
        "usageMetadata": {"promptTokenCount": 9}, "usage_metadata": {"total_token_count": 10}}"#;
    let decoded = answer::<Gemini>(&[("message", response)]).unwrap();
    assert_eq!((decoded.text.as_str(), decoded.model.as_deref()), ("hi", Some("m")));
    let usage = decoded.usage.unwrap().usage;
    assert_eq!((usage.input(), usage.output), (9, 1));
}

#[test]
fn a_list_in_the_place_of_an_object_is_no_text() {
    assert!(OpenAi::decode(br#"{"choices": [[0, {"content": "x"}]]}"#).is_err());
    let chunks = [
        ("message", r#"{"choices": [{"delta": ["x"]}, "x"]}"#),
        ("message", r#"{"choices": [{"delta": {"content": "hi"}, "finish_reason": "stop"}]}"#),
        ("message", "[DONE]"),
    ];
    assert_eq!(answer::<OpenAi>(&chunks).unwrap().text, "hi");
}
