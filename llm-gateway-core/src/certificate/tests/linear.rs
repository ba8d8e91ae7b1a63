//! Checks that `verify` does work in proportion to its input, whoever wrote it. The work is
//! counted, not timed.

use serde_json::{Value, json};

use super::panel::{SEATS, panel, response, whole};
use super::receipts::{issue_counting, verify};
use crate::certificate::VerifyResult::{self, Contradicted, Holds};
use crate::certificate::{Evidence, RecordedRequest, effort};
use crate::model::{Dialect, Usage};

/// The number of bytes and rows that may be read for each byte of receipt and bundle. A body is
/// decoded, hashed, read as an answer for the row, the claims and the tokens, and written again.
const MOST_FOR_EACH_BYTE: usize = 24;

/// Checks that the work for an input grows no faster than the input. `input` creates an input of a
/// size.
#[track_caller]
fn grows_with_its_input(about: &str, input: impl Fn(usize) -> Evidence) {
    let measured = [1, 4].map(|times| {
        let used = [(4, Usage::new(3, 1)), (5, Usage::new(3, 1)), (6, Usage::new(3, 1))];
        let (receipt, bundle) = issue_counting(input(times), &used);
        let receipt = receipt.to_bytes();
        let length = receipt.len() + bundle.len();
        let mut found = None;
        let done = effort::of(|| found = Some(verify(&receipt, Some(&bundle))));
        // The tokens are counted again, and need not be the stated ones.
        let found = found.unwrap().findings;
        let is_other = |it: &String| !it.starts_with("tokens of call") && it.contains("bundle");
        assert!(!found.iter().any(is_other), "{about}: {found:?}");
        assert!(done > length, "{about}: nothing is counted");
        (length, done)
    });
    let [(length, done), (longer, more)] = measured;
    let grown = |of: usize| of * longer / length;
    assert!(longer > 2 * length, "{about}: {length} and {longer} bytes");
    assert!(more <= grown(done) * 5 / 4, "{about}: {done} for {length}, {more} for {longer}");
    assert!(more <= longer * MOST_FOR_EACH_BYTE, "{about}: {more} for {longer}");
}

/// Returns the evidence of a panel whose first member of a dialect answers with this stream.
fn streamed(dialect: Dialect, body: &str) -> Evidence {
    let mut evidence = panel(&SEATS);
    let member = evidence.members.iter_mut().find(|member| member.dialect == dialect).unwrap();
    let came = response(member);
    *came = whole(came.sequence, "text/event-stream", body);
    evidence
}

fn event(name: &str, data: &Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

/// Returns a stream of the Messages API with these events between its beginning and its end.
fn messages(events: impl Iterator<Item = String>) -> String {
    let text =
        json!({"type": "content_block_delta", "delta": {"type": "text_delta", "text": "no"}});
    let message = json!({"id": "msg_0123456789abcdef", "model": "claude-haiku-4-5", "content": []});
    let stop = json!({"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}});
    [
        event("message_start", &json!({"type": "message_start", "message": message})),
        event("content_block_delta", &text),
        events.collect(),
        event("message_delta", &stop),
        event("message_stop", &json!({"type": "message_stop"})),
    ]
    .concat()
}

/// Returns a stream of Chat Completions with these documents.
fn chunks(documents: impl Iterator<Item = Value>) -> String {
    let end = json!({"choices": [{"delta": {"content": "s"}, "finish_reason": "stop"}]});
    let events: String = documents.map(|document| format!("data: {document}\n\n")).collect();
    format!("{events}data: {end}\n\ndata: [DONE]\n\n")
}

#[test]
fn a_stream_of_any_events() {
    let check = |about: &str, stream: fn(usize) -> Value| {
        grows_with_its_input(about, |times| {
            streamed(Dialect::OpenAi, &chunks((0..300 * times).map(stream)))
        });
    };
    grows_with_its_input("counts", |times| {
        let counts = |n: usize| {
            let usage = json!({format!("k{n:07}"): 1, "output_tokens": 1});
            event("message_delta", &json!({"type": "message_delta", "delta": {}, "usage": usage}))
        };
        streamed(Dialect::Anthropic, &messages((0..300 * times).map(counts)))
    });
    check(
        "counts of all APIs",
        |n| json!({"choices": [], "usage": {"prompt_tokens": n, "completion_tokens": n, "inputTokens": n}}),
    );
    check("texts", |_| json!({"choices": [{"delta": {"content": "x"}}]}));
    check("ids", |n| json!({"id": format!("id-{n}"), "choices": []}));
    check("one name", |_| json!({"model": "gpt-4o", "choices": []}));
    check("a few names", |n| json!({"model": format!("m{}", n % 8), "choices": []}));
    check("choices", |n| json!({"choices": [{"index": n, "delta": {"content": "x"}}]}));
    check("reasons", |_| json!({"choices": [{"finish_reason": "stop"}]}));
    check(
        "the whole answer each time",
        |_| json!({"choices": [{"message": {"content": "x".repeat(200)}}]}),
    );
    check(
        "names of other fields",
        |n| json!({format!("field{n}"): {"error": null}, "choices": []}),
    );
    for (about, line) in
        [("heartbeats", ": ping\n\n"), ("blank lines", "\r\n\r\n"), ("empty data", "data:\n\n")]
    {
        grows_with_its_input(about, |times| {
            let stream = line.repeat(1_000 * times) + &chunks(std::iter::empty());
            streamed(Dialect::OpenAi, &format!(": \n\n{stream}"))
        });
    }
}

#[test]
fn a_response_of_any_form() {
    let headers = |times: usize| {
        let mut evidence = panel(&SEATS);
        let header = |n: usize| (format!("x-cache-{n}"), "a word".repeat(20));
        response(&mut evidence.members[0]).headers.extend((0..200 * times).map(header));
        evidence
    };
    grows_with_its_input("headers", headers);
    grows_with_its_input("a long text under one id", |times| {
        let mut evidence = panel(&SEATS);
        for member in &mut evidence.members {
            let text = "no ".repeat(20_000 * times);
            let text = json!({"id": "chatcmpl-0123456789abcdef", "choices": [{"message": {"content": text}}],
                "content": [{"type": "text", "text": text}], "responseId": "chatcmpl-0123456789abcdef",
                "stop_reason": "end_turn", "candidates": [{"content": {"parts": [{"text": text}]}}]});
            let sequence = response(member).sequence;
            *response(member) = whole(sequence, "application/json", &text.to_string());
        }
        evidence
    });
}

/// Returns the evidence of a panel whose first member was sent these further requests.
fn sent(requests: impl IntoIterator<Item = RecordedRequest>, status: u16) -> Evidence {
    let mut evidence = panel(&SEATS);
    let first = &mut evidence.members[0];
    first.exchanges[0].response.as_mut().unwrap().status = status;
    let last = first.exchanges[0].clone();
    for (request, n) in requests.into_iter().zip(0..) {
        let mut exchange = last.clone();
        exchange.request = request.into();
        exchange.sent = 10 + 2 * n;
        exchange.response.as_mut().unwrap().sequence = 11 + 2 * n;
        first.exchanges.push(exchange);
    }
    evidence
}

/// Returns a request of about `bytes` bytes that does not belong to the panel.
fn request(bytes: usize, last: &str) -> RecordedRequest {
    let content = "x".repeat(bytes) + last;
    let body = json!({"model": "gpt-4o", "messages": [{"role": "user", "content": content}]});
    let headers = http::HeaderMap::new();
    RecordedRequest::new("https://openai.test/v1/chat/completions", &headers, body.to_string())
}

#[test]
fn requests_that_were_sent_often() {
    grows_with_its_input("one large request, sent often", |times| {
        let mut evidence = sent(std::iter::empty(), 200);
        let first = &mut evidence.members[0];
        let large = request(20_000 * times, "");
        first.committed.as_mut().unwrap().request = large.clone().into();
        *first.exchanges[0].request = large.clone();
        let again = sent(std::iter::repeat_n(large, 20 * times), 200);
        first.exchanges.extend(again.members[0].exchanges.iter().skip(1).cloned());
        evidence
    });
    grows_with_its_input("another large request, sent often after a refusal", |times| {
        sent(std::iter::repeat_n(request(20_000 * times, ""), 20 * times), 400)
    });
    grows_with_its_input("small requests beside a large one after a refusal", |times| {
        let small = (0..40 * times).map(|n| request(10, &n.to_string()));
        let mut evidence = sent(small, 400);
        let large = request(20_000 * times, "");
        evidence.members[0].committed.as_mut().unwrap().request = large.into();
        evidence
    });
    grows_with_its_input("small requests beside a long question", |times| {
        let mut evidence = sent((0..40 * times).map(|n| request(10, &n.to_string())), 200);
        evidence.caller.user = vec!["x".repeat(20_000 * times)];
        evidence
    });
}

#[test]
fn documents_that_were_written_anew() {
    let measured = [1, 4].map(|times| {
        let (receipt, bundle) =
            issue_counting(sent((0..40 * times).map(|n| request(500, &n.to_string())), 200), &[]);
        let anew = |bytes: &[u8]| {
            format!("{:#}", serde_json::from_slice::<Value>(bytes).unwrap()).into_bytes()
        };
        let (receipt, bundle) = (anew(&receipt.to_bytes()), anew(&bundle));
        let done = effort::of(|| assert_eq!(verify(&receipt, Some(&bundle)).result, Holds));
        (receipt.len() + bundle.len(), done)
    });
    let [(length, done), (longer, more)] = measured;
    assert!(more <= done * longer / length * 5 / 4 && more <= longer * MOST_FOR_EACH_BYTE);
}

/// Checks that the rows of many attempts are sorted once, not searched for each.
#[test]
fn a_receipt_of_many_attempts_and_no_bundle() {
    let measured = [1, 4].map(|times| {
        let again = panel(&SEATS).members[0].exchanges[0].request.clone();
        let evidence = sent(std::iter::repeat_n((*again).clone(), 250 * times), 503);
        let (receipt, _) = issue_counting(evidence, &[]);
        let receipt = receipt.to_bytes();
        let mut result = Contradicted;
        let done = effort::of(|| result = verify(&receipt, None).result);
        assert_eq!(result, VerifyResult::Undecided);
        (receipt.len(), done)
    });
    let [(length, done), (longer, more)] = measured;
    assert!(more <= done * longer / length * 5 / 4, "{done} for {length}, {more} for {longer}");
}

/// Returns the size in MiB of the largest bundle that is checked. `verify` reads 64, which takes a
/// debug build more than a minute, so a variable sets the size:
///
/// ```sh
/// LLM_GATEWAY_BUNDLE_MIB=64 cargo test --release -p llm-gateway-core --lib largest_bundle
/// ```
#[allow(clippy::disallowed_methods)] // The large form is asked for by a variable.
fn largest_bundle_mib() -> usize {
    let asked = std::env::var("LLM_GATEWAY_BUNDLE_MIB").ok();
    asked.and_then(|size| size.parse().ok()).unwrap_or(2)
}

#[test]
fn the_largest_bundle() {
    let size = largest_bundle_mib() << 20;
    let event = |n: usize| {
        let usage = json!({format!("k{n:07}"): 1, "output_tokens": 1});
        event("message_delta", &json!({"type": "message_delta", "delta": {}, "usage": usage}))
    };
    // The body stands in the bundle as base64, and the rest of it is small.
    let events = size / 100 * 74 / event(0).len();
    let evidence = streamed(Dialect::Anthropic, &messages((0..events).map(event)));
    let (receipt, bundle) = issue_counting(evidence, &[]);
    let (receipt, length) = (receipt.to_bytes(), bundle.len());
    assert!(length <= size && length > size / 10 * 9, "{length} of {size} bytes");
    let mut found = None;
    let done = effort::of(|| found = Some(verify(&receipt, Some(&bundle))));
    assert_eq!(found.unwrap().result, Holds);
    assert!(done <= length * MOST_FOR_EACH_BYTE, "{done} for {length}");
}
