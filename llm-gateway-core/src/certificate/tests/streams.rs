//! Tests of streamed responses as each API writes them, and of responses that are not answers.

use super::panel::{SEATS, Seat, kinship, not_passed, panel, response, rules, whole};
use crate::certificate::readers::{ReadResponse, response as read};
use crate::certificate::{ClaimResult, certify};
use crate::model::Delivery;
use crate::model::Dialect::{self, Anthropic, Gemini, OpenAi};

const OPENAI: &str = "\
data: {\"id\":\"\",\"model\":\"\",\"choices\":[]}\n\n\
data: {\"id\":\"chatcmpl-1\",\"model\":\"gpt-4o\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}\n\n\
: keep-alive\n\n\
data: {\"id\":\"chatcmpl-1\",\"model\":\"gpt-4o\",\"choices\":[{\"delta\":{\"content\":\"Ye\"}}]}\n\n\
data: {\"id\":\"chatcmpl-1\",\"model\":\"gpt-4o\",\"choices\":[{\"delta\":{\"content\":\"s\"},\"finish_reason\":\"stop\"}]}\n\n\
data: {\"id\":\"chatcmpl-1\",\"model\":\"gpt-4o\",\"choices\":[],\"usage\":{\"prompt_tokens\":1}}\n\n\
data: [DONE]\n\n";

const ANTHROPIC: &str = "\
event: message_start\r\n\
data: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"claude-haiku-4-5\",\"content\":[]}}\r\n\r\n\
event: content_block_start\r\n\
data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\r\n\r\n\
event: ping\r\ndata: {\"type\":\"ping\"}\r\n\r\n\
event: content_block_delta\r\n\
data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"No?\"}}\r\n\r\n\
event: content_block_delta\r\n\
data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"Yes\"}}\r\n\r\n\
event: message_delta\r\n\
data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":1}}\r\n\r\n\
event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n";

const GEMINI: &str = "\
data: {\"modelVersion\":\"models/gemini-2.5-pro\",\"responseId\":\"r1\",\
\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"hm\",\"thought\":true},{\"text\":\"Ye\"}]}}]}\n\n\
data: {\"modelVersion\":\"gemini-2.5-pro\",\"responseId\":\"r1\",\
\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"s\"}]},\"finishReason\":\"STOP\"}]}\n\n\
data: {\"usageMetadata\":{\"totalTokenCount\":3}}\n\n";

fn stream(dialect: Dialect, body: &str) -> Result<ReadResponse, String> {
    read(dialect, &whole(1, "text/event-stream; charset=utf-8", body))
}

#[test]
fn each_apis_stream_is_read() {
    let reply = |model: &str, id: &str| {
        Ok(ReadResponse {
            model: Some(model.to_owned()),
            other_models: Vec::new(),
            response_id: Some(id.to_owned()),
            text: "Yes".to_owned(),
        })
    };
    assert_eq!(stream(OpenAi, OPENAI), reply("gpt-4o", "chatcmpl-1"));
    assert_eq!(stream(Anthropic, ANTHROPIC), reply("claude-haiku-4-5", "msg_1"));
    assert_eq!(stream(Gemini, GEMINI), reply("gemini-2.5-pro", "r1"));
}

#[test]
fn what_follows_the_end_of_a_stream_is_ignored() {
    let ended = OPENAI.replace("data: [DONE]", "data: [DONE] ");
    for (dialect, body) in [(OpenAi, ended.as_str()), (Anthropic, ANTHROPIC)] {
        let whole = stream(dialect, body).unwrap();
        for behind in ["data: {\n\n", "data: {\"model\":\"another\",\"choices\":[]}\n\n"] {
            assert_eq!(
                stream(dialect, &format!("{body}{behind}")).as_ref(),
                Ok(&whole),
                "{behind}"
            );
        }
    }
}

/// Checks that an incomplete stream is no answer, because it is not all that the model said.
#[test]
fn a_stream_without_its_end_is_not_an_answer() {
    for (dialect, body, ends) in [
        (OpenAi, OPENAI, &["data: [DONE]\n\n", ",\"finish_reason\":\"stop\""][..]),
        (
            Anthropic,
            ANTHROPIC,
            &[
                "event: message_stop\r\ndata: {\"type\":\"message_stop\"}\r\n\r\n",
                "\"stop_reason\":\"end_turn\"",
            ],
        ),
        (Gemini, GEMINI, &[",\"finishReason\":\"STOP\""]),
    ] {
        for end in ends {
            let cut = body.replace(end, "");
            assert_ne!(cut, body);
            let why = stream(dialect, &cut).unwrap_err();
            assert_eq!(why, "its stream has no end", "{end:?}");
        }
    }
    // The end of the body ends the last event, which is not read if it is cut.
    for end in ["", "\n"] {
        let open = format!("{}{end}", OPENAI.trim_end());
        assert_eq!(stream(OpenAi, &open), stream(OpenAi, OPENAI));
        assert!(stream(OpenAi, &open.replace("[DONE]", "[DON")).is_err());
        assert!(stream(OpenAi, &open.replace("[DONE]", "{\"choices\":")).is_err());
        let counted = GEMINI.trim_end().replace("3}}", "3") + end;
        assert_eq!(stream(Gemini, &counted), stream(Gemini, GEMINI));
        assert!(stream(Gemini, &format!("{counted}\n\n")).is_err(), "it is whole and unreadable");
    }
    // Some servers write the reason into every event, and the text goes on after it.
    let reasoned = GEMINI.replace(
        "\"thought\":true},{\"text\":\"Ye\"}]}",
        "\"thought\":true},{\"text\":\"Ye\"}]},\"finishReason\":\"STOP\"",
    );
    assert_ne!(reasoned, GEMINI);
    assert_eq!(stream(Gemini, &reasoned), stream(Gemini, GEMINI));
}

#[test]
fn an_error_in_a_stream_or_around_an_answer_is_not_an_answer() {
    for (dialect, body) in [(OpenAi, OPENAI), (Anthropic, ANTHROPIC), (Gemini, GEMINI)] {
        for error in [
            "data: {\"error\":{\"message\":\"down\"}}\n\n",
            "data: {\"error\":{\"message\":\"down\"},\"choices\":[]}\n\n",
            "data: {\"object\":\"error\",\"choices\":[]}\n\n",
            "event: error\ndata: {\"type\":\"ping\",\"choices\":[]}\n\n",
        ] {
            let why = stream(dialect, &format!("{error}{body}")).unwrap_err();
            assert_eq!(why, "it is an error", "{error:?}");
        }
        let empty = "data: {\"type\":\"ping\",\"error\":{\"message\":\"\"},\"choices\":[]}\n\n";
        assert!(stream(dialect, &format!("{empty}{body}")).is_ok(), "{}", dialect.as_str());
    }
    let sentence = "data: {\"message\":\"down\"}\n\n";
    assert!(stream(OpenAi, &format!("{sentence}{OPENAI}")).is_err());
    let body = r#"{"error":{"code":500},"choices":[{"message":{"content":"Yes"}}]}"#;
    assert!(read(OpenAi, &whole(1, "application/json", body)).is_err());
}

#[test]
fn no_claim_passes_by_a_stream_without_its_end() {
    let mut evidence = panel(&SEATS);
    let sequence = response(&mut evidence.members[0]).sequence;
    let cut = OPENAI.replace("data: [DONE]\n\n", "");
    *response(&mut evidence.members[0]) = whole(sequence, "text/event-stream", &cut);
    let certificate = certify(&evidence, &rules(), &kinship());
    let open =
        ["fresh", "answered_quorum", "model_distinct", "vendor_distinct", "lineage_distinct"];
    assert_eq!(not_passed(&certificate), open.map(|name| (name, ClaimResult::Unknown)));
}

#[test]
fn a_panel_of_streams_is_certified_as_one_of_whole_answers() {
    let streaming = SEATS.map(|seat| Seat { delivery: Delivery::Stream, ..seat });
    let evidence = panel(&streaming);
    let body = |at: usize| evidence.members[at].exchanges[0].response.as_ref().unwrap();
    assert!((0..3).all(|at| body(at).body.as_bytes().windows(5).any(|part| part == b"data:")));
    let certificate = certify(&evidence, &rules(), &kinship());
    assert!(certificate.independence_certified());
    assert_eq!(certificate, certify(&panel(&SEATS), &rules(), &kinship()));
}

#[test]
fn a_streaming_request_is_allowed() {
    use super::panel::{ask, rewrite};
    let mut evidence = panel(&SEATS);
    for member in &mut evidence.members {
        let dialect = member.dialect;
        ask(member, |request| match dialect {
            Gemini => {
                request.url =
                    request.url.replace(":generateContent", ":streamGenerateContent?alt=sse");
            }
            _ => rewrite(request, |body| {
                body["stream"] = true.into();
                if dialect == OpenAi {
                    body["stream_options"] = serde_json::json!({"include_usage": true});
                }
            }),
        });
        ask(member, |request| {
            request.headers.push(("accept".to_owned(), "text/event-stream".to_owned()));
        });
    }
    let last = &mut evidence.members[0];
    let sequence = response(last).sequence;
    *response(last) = whole(sequence, "text/event-stream", OPENAI);
    assert_eq!(not_passed(&certify(&evidence, &rules(), &kinship())), []);
}

/// Checks a stream that numbers its events in the field of the id, as Foundry Local does
/// (<https://github.com/microsoft/foundry-local/issues/144>).
#[test]
fn a_stream_that_numbers_its_events_is_an_answer_without_an_id() {
    let numbered = OPENAI.replacen("chatcmpl-1", "chatcmpl-2", 1);
    let reply = stream(OpenAi, &numbered).unwrap();
    assert_eq!((reply.response_id, reply.text.as_str()), (None, "Yes"));
    assert_eq!(reply.model.as_deref(), Some("gpt-4o"));
    let mut evidence = panel(&SEATS);
    let sequence = response(&mut evidence.members[0]).sequence;
    *response(&mut evidence.members[0]) = whole(sequence, "text/event-stream", &numbered);
    let certificate = certify(&evidence, &rules(), &kinship());
    assert_eq!(not_passed(&certificate), [("fresh", ClaimResult::Unknown)]);
    assert!(certificate.independence_certified());
}

#[test]
fn a_response_that_is_not_an_answer_is_an_error() {
    for (dialect, body) in [
        (OpenAi, r#"{"error":{"message":"no"}}"#),
        (OpenAi, r#"{"choices":[{"message":{"content":null}}]}"#),
        (OpenAi, r#"{"choices":[{"error":{"code":502},"message":{"content":"x"}}]}"#),
        (OpenAi, r#"{"choices":[{"message":{"content":"x","error":"down"}}]}"#),
        (OpenAi, r#"{"choices":[{"message":{"content":"x"},"finish_reason":"error"}]}"#),
        (OpenAi, r#"{"base_resp":{"status_code":1008},"choices":[{"message":{"content":"x"}}]}"#),
        (OpenAi, r#"[{"choices":[{"message":{"content":"x"}}]}]"#),
        (Anthropic, r#"{"type":"error","error":{"type":"overloaded_error"}}"#),
        (Anthropic, r#"{"type":"message","content":[{"type":"thinking","text":"x"}]}"#),
        (Gemini, r#"{"error":{"code":500}}"#),
        (Gemini, r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#),
        (Gemini, r#"{"candidates":[{"content":{"parts":[{"text":"x"}]},"error":{"code":500}}]}"#),
        (Gemini, "<html>"),
        (Dialect::Own, "{}"),
    ] {
        assert!(read(dialect, &whole(1, "application/json", body)).is_err(), "{body}");
    }
    for dialect in [OpenAi, Anthropic, Gemini] {
        for body in ["", "data: [DONE]\n\n", "data: {\n\n", "event: error\n\n"] {
            assert!(stream(dialect, body).is_err(), "{body:?}");
        }
        let truncated = OPENAI.split_at(OPENAI.find("choices").unwrap()).0;
        assert!(stream(dialect, truncated).is_err());
    }
}

/// Checks forms that a compatible server may write in place of one text or object.
#[test]
fn an_answer_in_an_odd_form_is_read() {
    let message = r#"{"choices":[{"message":{"content":CONTENT},"finish_reason":"stop"}]}"#;
    for content in [
        r#""Yes""#,
        r#"["Ye","s"]"#,
        r#"[{"type":"text","text":"Ye"},{"text":["s"]},null,{"type":"reasoning","text":"No?"}]"#,
        r#"{"type":"output_text","text":"Yes"}"#,
    ] {
        let body = message.replace("CONTENT", content);
        let text = read(OpenAi, &whole(1, "text/event-stream", &body)).map(|reply| reply.text);
        assert_eq!(text.as_deref(), Ok("Yes"), "{content}");
        let body = format!(r#"{{"type":"message","content":{content}}}"#);
        let body = body.replace("output_text", "text").replace(r#"["s"]"#, r#""s""#);
        let text = read(Anthropic, &whole(1, "text/plain", &body)).map(|reply| reply.text);
        assert_eq!(text.as_deref(), Ok("Yes"), "{content}");
    }
    let body = r#"{"model":null,"model":"b","choices":{"text":7,"index":"0"}}"#;
    let reply = read(OpenAi, &whole(1, "", body)).unwrap();
    assert_eq!((reply.model.as_deref(), reply.text.as_str()), (Some("b"), "7"));
    let body = r#"{"model_version":"b","candidates":{"content":{"parts":{"text":"x"}}}}"#;
    let reply = read(Gemini, &whole(1, "", body)).unwrap();
    assert_eq!((reply.model.as_deref(), reply.text.as_str()), (Some("b"), "x"));
}

/// Checks that another index alone is no other answer, because some servers count events by
/// `index`.
#[test]
fn of_several_choices_the_first_is_the_answer() {
    let told = |chunks: &[&str]| {
        let chunk = |choices: &&str| format!("data: {{\"choices\":[{choices}]}}\n\n");
        let body: String = chunks.iter().map(chunk).chain(["data: [DONE]".to_owned()]).collect();
        stream(OpenAi, &body).map(|reply| reply.text)
    };
    let said =
        |index: u64, text: &str| format!(r#"{{"index":{index},"delta":{{"content":"{text}"}}}}"#);
    let ends = |index: u64| format!(r#"{{"index":{index},"finish_reason":"stop"}}"#);
    let [a, b, c] = [said(0, "a"), said(1, "b"), said(2, "c")];
    let end = "its stream has no end".to_owned();
    for (chunks, text) in [
        (vec![&*a, &b, &c, &ends(3)], Ok("abc")),
        (vec![&*a, &b, &said(0, "c"), &ends(0)], Ok("ac")),
        (vec![&*a, &ends(0), &b, &ends(1)], Ok("a")),
        (vec![&*format!("{b},{a}"), &format!("{a},{b}"), &ends(1)], Ok("bb")),
        (vec![&*a, &b, &ends(1), &said(0, "c")], Err(&end)),
    ] {
        assert_eq!(told(&chunks).as_deref(), text, "{chunks:?}");
    }
}

#[test]
fn declared_thinking_is_no_part_of_an_answer() {
    use crate::certificate::readers::answer;
    let mut call = panel(&SEATS).members.remove(0);
    for (said, declared, undeclared) in [
        ("<think>No?</think>\n\nYes", Ok("Yes"), Ok("<think>No?</think>\n\nYes")),
        (" <think>No?", Err("there is only reasoning in it"), Ok(" <think>No?")),
        ("<think>No?</think> ", Err("there is only reasoning in it"), Ok("<think>No?</think> ")),
        ("Yes<think>No?</think>", Ok("Yes<think>No?</think>"), Ok("Yes<think>No?</think>")),
    ] {
        let body = serde_json::json!({"choices": [{"message": {"content": said}}]}).to_string();
        for (think_tags, expected) in [(true, declared), (false, undeclared)] {
            call.think_tags = think_tags;
            let reply = answer(&call, &whole(1, "", &body)).map(|reply| reply.text);
            assert_eq!(reply.as_deref().map_err(String::as_str), expected, "{said:?}");
        }
    }
}

#[test]
fn an_odd_name_is_kept_as_it_is_written() {
    let body = r#"{"model":7,"id":12345678901234567890,"choices":[{"message":{"content":"x"}}]}"#;
    let reply = read(OpenAi, &whole(1, "application/json", body)).unwrap();
    assert_eq!(reply.model.as_deref(), Some("7"));
    assert_eq!(reply.response_id.as_deref(), Some("12345678901234567890"));
}

/// Checks that the reason why an answer is unreadable does not quote it: a parser's error quotes
/// what it did not expect, which would put an answer into a receipt.
#[test]
fn the_reason_why_an_answer_is_unreadable_quotes_none_of_it() {
    for body in [r#"{"choices":"a tomato is a fruit"}"#, r#"{"choices": a tomato is a fruit}"#] {
        let why = read(OpenAi, &whole(1, "application/json", body)).unwrap_err();
        assert!(!why.contains("tomato"), "{why}");
        assert_eq!(why.contains("column"), body.contains(": a"), "{why}");
    }
}
