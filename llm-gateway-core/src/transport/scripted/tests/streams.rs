//! Tests of the offline transport's streams, read as a client of each API would read them.

use super::*;

/// Returns the requests of [`requests`], changed to ask for streams.
fn stream_requests() -> [HttpRequest; 3] {
    let [mut openai, mut anthropic, mut gemini] = requests();
    for request in [&mut openai, &mut anthropic] {
        let mut body: Value = serde_json::from_slice(&request.body).unwrap();
        body["stream"] = json!(true);
        request.body = body.to_string().into();
    }
    let mut body: Value = serde_json::from_slice(&openai.body).unwrap();
    body["stream_options"] = json!({"include_usage": true});
    openai.body = body.to_string().into();
    gemini.url = gemini.url.replace(":generateContent", ":streamGenerateContent?alt=sse");
    [openai, anthropic, gemini]
}

/// Answers one request for a stream in each wire format from an offline transport that `script`
/// sets up.
async fn streamed(script: impl Fn(Scripted) -> Scripted) -> Vec<Seen> {
    let mut seen = Vec::new();
    for request in stream_requests() {
        seen.push(send(&script(Scripted::new()), &request).await);
    }
    seen
}

/// Returns the data of each event of a stream whose data is JSON.
fn events(seen: &Seen) -> Vec<Value> {
    let text = std::str::from_utf8(&seen.body).unwrap();
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap())
        .collect()
}

const PIECE: [&str; 3] =
    ["/choices/0/delta/content", "/delta/text", "/candidates/0/content/parts/0/text"];

fn pieces(wire: usize, seen: &Seen) -> Vec<String> {
    let events = events(seen);
    let pieces = events.iter().filter_map(|event| event.pointer(PIECE[wire])?.as_str());
    pieces.filter(|piece| !piece.is_empty()).map(str::to_owned).collect()
}

/// Returns every value at a JSON pointer, over all events of a stream.
fn all(seen: &Seen, path: &str) -> Vec<Value> {
    events(seen).iter().filter_map(|event| event.pointer(path).cloned()).collect()
}

#[tokio::test]
async fn an_answer_comes_word_by_word() {
    for (wire, seen) in streamed(|script| script.answer("so \"it\" is")).await.iter().enumerate() {
        assert_eq!((seen.status, seen.broken), (200, None));
        assert_eq!(seen.headers[header::CONTENT_TYPE], "text/event-stream");
        assert_eq!(pieces(wire, seen), ["so ", "\"it\" ", "is"]);
        let input = ["/usage/prompt_tokens", "/message/usage/input_tokens", INPUT[2]][wire];
        assert_eq!(all(seen, input).last(), Some(&json!(5)));
        assert_eq!(all(seen, OUTPUT[wire]).last(), Some(&json!(3)));
        let finish = [FINISH[0], "/delta/stop_reason", FINISH[2]][wire];
        let reasons: Vec<_> = all(seen, finish).into_iter().filter(|v| !v.is_null()).collect();
        assert_eq!(reasons, [["stop", "end_turn", "STOP"][wire]]);
        let model = ["/model", "/message/model", "/modelVersion"][wire];
        assert_eq!(all(seen, model)[0], MODELS[wire]);
        let end = [
            "data: [DONE]\n\n",
            "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
            "}\r\n\r\n",
        ];
        assert!(seen.body.ends_with(end[wire].as_bytes()), "{:?}", seen.body);
    }
}

#[tokio::test]
async fn a_stream_says_what_the_whole_would_and_the_same_each_time() {
    let (streams, again) = (streamed(|script| script).await, streamed(|script| script).await);
    let wholes = in_each_wire(|script| script).await;
    for (wire, whole) in wholes.iter().enumerate() {
        assert_eq!(streams[wire].body, again[wire].body);
        assert_eq!(pieces(wire, &streams[wire]).concat(), whole.at(TEXT[wire]));
    }
}

#[tokio::test]
async fn a_stream_counts_its_tokens_only_where_its_api_would() {
    let mut request = stream_requests()[0].clone();
    request.body = String::from_utf8(request.body.to_vec())
        .unwrap()
        .replace("\"include_usage\":true", "\"include_usage\":false")
        .into();
    let seen = send(&Scripted::new(), &request).await;
    assert!(all(&seen, "/usage/prompt_tokens").is_empty());
}

#[tokio::test]
async fn an_empty_stream_has_no_text_and_no_output_tokens() {
    for (wire, seen) in streamed(Scripted::empty).await.iter().enumerate() {
        assert!(pieces(wire, seen).is_empty());
        assert_eq!(all(seen, OUTPUT[wire]).last(), Some(&json!(0)));
    }
}

#[tokio::test]
async fn a_refusal_is_no_stream() {
    for (wire, seen) in streamed(|script| script.status(529)).await.iter().enumerate() {
        assert_eq!(
            (seen.status, &seen.headers[header::CONTENT_TYPE]),
            (529, &"application/json".parse().unwrap())
        );
        assert!(seen.at(["/error/type", "/error/type", "/error/status"][wire]).is_string());
    }
    let mut nobody = stream_requests()[0].clone();
    nobody.body = json!({"stream": true}).to_string().into();
    assert_eq!(send(&Scripted::new(), &nobody).await.status, 400);
}

#[tokio::test]
async fn half_a_stream_is_half_its_bytes() {
    let wholes = streamed(|script| script).await;
    for (wire, seen) in streamed(Scripted::cut).await.iter().enumerate() {
        assert_eq!(seen.broken, Some(Phase::Body));
        assert_eq!(seen.body, wholes[wire].body[..wholes[wire].body.len() / 2]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stall_begins_and_falls_silent() {
    for request in stream_requests().iter().chain(&requests()) {
        let whole = send(&Scripted::new(), request).await.body;
        let mut response = Scripted::new().stall().send(request, None).await.unwrap();
        let (mut came, hour) = (0, Duration::from_secs(3600));
        while let Ok(chunk) = tokio::time::timeout(hour, response.body.next()).await {
            came += chunk.expect("the stream ended").unwrap().len();
        }
        assert_eq!((response.status.as_u16(), came), (200, whole.len() / 2));
    }
}

#[tokio::test]
async fn an_error_event_ends_half_a_stream() {
    let wholes = streamed(|script| script).await;
    for (wire, seen) in streamed(|script| script.error_event(529)).await.iter().enumerate() {
        assert_eq!((seen.status, seen.broken), (200, None));
        let (told, whole) = (pieces(wire, seen).concat(), pieces(wire, &wholes[wire]).concat());
        assert!(whole.starts_with(&told) && !told.is_empty() && told != whole, "{told:?}");
        let last = events(seen).pop().unwrap();
        let code = ["/error/code", "/error/type", "/error/status"][wire];
        let name = ["server_is_overloaded", "overloaded_error", "UNAVAILABLE"][wire];
        assert_eq!(last.pointer(code), Some(&json!(name)));
    }
    for seen in in_each_wire(|script| script.error_event(529)).await {
        assert_eq!(seen.status, 529, "nothing to break off");
    }
}

#[tokio::test]
async fn events_come_as_they_are() {
    for seen in in_each_wire(|script| script.events("data: x\n\n")).await {
        assert_eq!((seen.status, &seen.body[..]), (200, &b"data: x\n\n"[..]));
        assert_eq!(seen.headers[header::CONTENT_TYPE], "text/event-stream");
    }
}

#[tokio::test]
async fn a_reset_comes_before_the_head() {
    for request in stream_requests() {
        let error = Scripted::new().reset().send(&request, None).await.err().unwrap();
        assert_eq!(error.phase, Phase::Send);
    }
}
