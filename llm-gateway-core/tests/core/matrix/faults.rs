//! Writes each fault of the table as it looks on the wire.

use std::time::Duration;

use llm_gateway_core::Scripted;
use serde_json::json;
use test_support::Wire;

use super::{Delivery, Reply, STUMBLE};

/// The model of every target.
pub(super) const MODEL: &str = "m";

/// The text of a good answer, long enough for several events.
pub(super) const TEXT: &str = "an answer of several words";

/// Adds a reply to a script, in the format of a dialect.
pub(super) fn reply(
    script: Scripted,
    reply: Reply,
    fault: &str,
    wire: Wire,
    delivery: Delivery,
) -> Scripted {
    match reply {
        Reply::Good => answer(script, wire, delivery, TEXT, wire.stop()),
        Reply::Stumble => failing(script, STUMBLE, wire, delivery),
        Reply::Fault => failing(script, fault, wire, delivery),
    }
}

fn failing(script: Scripted, fault: &str, wire: Wire, delivery: Delivery) -> Scripted {
    let wait = Duration::from_secs(5);
    match fault {
        "429, retry-after" => script.status_with_retry_after(429, wait),
        "503 with retry-after" => script.status_with_retry_after(503, wait),
        "503 by overload" => script.status(503),
        "503 of a proxy" => script.raw(503, "upstream connect error"),
        "refused" => script.refuse(),
        "reset before the head" => script.reset(),
        "hang" => script.hang(),
        "stall in the middle" => script.stall(),
        "cut in the middle" => script.cut(),
        "ends in the middle" => {
            let whole = body(wire, delivery, TEXT, wire.stop());
            plainly(script, delivery, whole[..whole.len() / 2].to_owned())
        }
        "no terminal event" => {
            let whole = wire.stream(MODEL, TEXT).replace("\r\n", "\n");
            let events: Vec<&str> = whole.split_inclusive("\n\n").collect();
            assert!(events.len() > 1, "half of a stream is something");
            script.events(events[..events.len() / 2].concat())
        }
        "not JSON" => plainly(script, delivery, in_an_event(delivery, "surprise!")),
        "JSON of another API" => {
            let foreign = json!({ "choices": 7, "type": 7, "candidates": 7, "content": 7 });
            plainly(script, delivery, in_an_event(delivery, &foreign.to_string()))
        }
        "HTML with 200" => script.raw(200, "<!doctype html><title>Sign in</title>"),
        "no body" => script.raw(200, ""),
        "redirect" => script.raw(302, ""),
        "429 in the middle" => script.error_event(429),
        "529 in the middle" => script.error_event(529),
        "500 in the middle" => script.error_event(500),
        "400 in the middle" => script.error_event(400),
        "odd error in the middle" => {
            let whole = wire.stream(MODEL, TEXT).replace("\r\n", "\n");
            let (first, rest) = whole.split_once("\n\n").expect("several events");
            let error = "event: error\ndata: {\"message\": \"boom\", \"code\": 500}";
            script.events([first, error, rest].join("\n\n"))
        }
        "no text" => answer(script, wire, delivery, "", wire.stop()),
        "a reason of failure" => answer(script, wire, delivery, TEXT, "error"),
        "filtered" => answer(script, wire, delivery, "", wire.safety()),
        "all spent on reasoning" => answer(script, wire, delivery, "", wire.length()),
        "out of credit by name" => {
            let (status, body) = out_of_credit(wire);
            script.raw(status, body)
        }
        "too long by name" => script.raw(400, too_long(wire)),
        "too long, in the middle" => script.events(in_an_event(Delivery::Stream, &too_long(wire))),
        other => match other.parse() {
            Ok(status) => script.status(status),
            Err(_) => oddly(script, other, wire, delivery),
        },
    }
}

/// Adds an answer in a form that the API does not promise and that real servers send.
fn oddly(script: Scripted, form: &str, wire: Wire, delivery: Delivery) -> Scripted {
    let body = body(wire, delivery, TEXT, wire.stop()).replace("\r\n", "\n");
    let between = |events: &str| body.replace("\n\n", &format!("\n\n{events}"));
    // Into every document of the body, before its own names.
    let with = |fields: &str| match delivery {
        Delivery::Stream => body.replace("data: {", &format!("data: {{{fields}, ")),
        Delivery::Whole => body.replacen('{', &format!("{{{fields}, "), 1),
    };
    let odd = match form {
        "blank events" => between("data:\n\ndata: \n\n"),
        "heartbeats of a proxy" => {
            between("event: heartbeat\ndata: ping\n\ndata: null\n\n: alive\n\ndata: 7\n\n")
        }
        "another closing word" => format!("{body}data: [DONE]\n\n"),
        "no last line end" => body.trim_end().to_owned(),
        "bare carriage returns" => body.replace('\n', "\r"),
        "a document a line" => {
            let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
            let documents = data.filter(|data| data.starts_with('{'));
            return script.raw(200, documents.collect::<Vec<_>>().join("\n"));
        }
        "another content type" => return plainly(script, delivery.other(), body),
        "a byte order mark" => format!("\u{feff}{body}"),
        "an odd number" => with(r#""odd": 1e999"#),
        "half a surrogate pair" => with(r#""odd": "\ud83d""#),
        "names that stand twice" => with(r#""usage": 7, "usageMetadata": 7, "model": "m""#),
        "nulls for what is not" => {
            with(r#""error": null, "errors": null, "base_resp": null, "detail": null"#)
        }
        "the reason's other case" => {
            let reason = match wire {
                Wire::Gemini => wire.stop().to_lowercase(),
                _ => wire.stop().to_uppercase(),
            };
            self::body(wire, delivery, TEXT, &reason)
        }
        other => panic!("no fault of the table: {other}"),
    };
    plainly(script, delivery, odd)
}

/// Returns the status and the body with which a dialect says that the account is empty. No dialect
/// needs a 402 for that.
fn out_of_credit(wire: Wire) -> (u16, String) {
    let (status, code, message) = match wire {
        Wire::OpenAi | Wire::DeepSeek => (429, "insufficient_quota", "You exceeded your quota."),
        Wire::Anthropic => {
            let message = "Your credit balance is too low to access the Anthropic API.";
            (400, "invalid_request_error", message)
        }
        Wire::Gemini => (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
    };
    (status, wire.refusal(status, code, message).to_string())
}

fn too_long(wire: Wire) -> String {
    let (code, message) = match wire {
        Wire::OpenAi | Wire::DeepSeek => ("context_length_exceeded", "This is too long."),
        Wire::Anthropic => ("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
        Wire::Gemini => ("INVALID_ARGUMENT", "The input token count (9) exceeds the maximum (8)."),
    };
    wire.refusal(400, code, message).to_string()
}

/// Adds a complete answer, or its stream, with reported tokens.
fn answer(script: Scripted, wire: Wire, delivery: Delivery, text: &str, reason: &str) -> Scripted {
    plainly(script, delivery, body(wire, delivery, text, reason))
}

fn body(wire: Wire, delivery: Delivery, text: &str, reason: &str) -> String {
    match delivery {
        Delivery::Stream => wire.stream_ending(MODEL, text, reason),
        Delivery::Whole => wire.answer_ending(MODEL, text, reason).to_string(),
    }
}

fn in_an_event(delivery: Delivery, data: &str) -> String {
    match delivery {
        Delivery::Stream => format!("data: {data}\n\n"),
        Delivery::Whole => data.to_owned(),
    }
}

/// Adds a body with status 200 and a clean end.
fn plainly(script: Scripted, delivery: Delivery, body: String) -> Scripted {
    match delivery {
        Delivery::Stream => script.events(body),
        Delivery::Whole => script.raw(200, body),
    }
}
