//! Tests of the properties that all dialects share.

mod pieces;
mod streams;

use serde_json::{Value, json};

use http::StatusCode;

use super::*;
use crate::error::Category;
use crate::model::{ContentPart, Message, ModelId, Prompt};

/// Returns a conversation: a question in two parts, an earlier answer, and one more question.
fn conversation<W: WireFormat>() -> Value {
    let mut question = Message::user("one");
    question.parts.push(ContentPart::Text("two".to_owned()));
    let messages = vec![question, Message::assistant("three"), Message::user("four")];
    let call = Call {
        model: ModelId::new("m").unwrap(),
        prompt: Prompt::from_caller(None, messages).into(),
        max_tokens: 8,
        capabilities: Vec::new(),
    };
    serde_json::from_slice(&W::encode(&call, Delivery::Whole).unwrap()).unwrap()
}

#[test]
fn every_turn_and_every_part_is_sent() {
    let messages = |question: Value| {
        json!([
            {"role": "user", "content": question},
            {"role": "assistant", "content": "three"},
            {"role": "user", "content": "four"},
        ])
    };
    assert_eq!(conversation::<OpenAi>()["messages"], messages("onetwo".into()));
    let parts = json!([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}]);
    assert_eq!(conversation::<Anthropic>()["messages"], messages(parts));
    let contents = json!([
        {"role": "user", "parts": [{"text": "one"}, {"text": "two"}]},
        {"role": "model", "parts": [{"text": "three"}]},
        {"role": "user", "parts": [{"text": "four"}]},
    ]);
    assert_eq!(conversation::<Gemini>()["contents"], contents);
}

#[test]
fn a_key_travels_in_the_header_that_its_provider_reads() {
    fn header<W: WireFormat>() -> String {
        let sent = W::credential(Secret::new("key".to_owned()));
        format!("{}: {}{}", sent.header, sent.prefix, sent.secret.expose())
    }
    assert_eq!(header::<OpenAi>(), "authorization: Bearer key");
    assert_eq!(header::<Anthropic>(), "x-api-key: key");
    assert_eq!(header::<Gemini>(), "x-goog-api-key: key");
}

#[test]
fn a_status_inside_a_200_counts() {
    let body = br#"{"error": {"code": 429, "message": "slow down"}}"#;
    let report = OpenAi::decode_error(body).unwrap();
    assert_eq!(classify(StatusCode::OK, &report), Category::RateLimit);
    // The status of the response itself, where it is an error, is the better witness.
    assert_eq!(classify(StatusCode::BAD_GATEWAY, &report), Category::Provider5xx);
}
