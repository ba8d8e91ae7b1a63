//! Tests of the text that is passed on while an answer arrives.

use super::*;
use crate::stream::{self, Content, Delta};

/// Returns the event of a chunk of text, under the index of a choice.
fn piece(index: u64, text: &str) -> String {
    let delta = serde_json::json!({"content": text});
    let choice = serde_json::json!({"index": index, "delta": delta});
    format!("data: {}\n\n", serde_json::json!({"choices": [choice]}))
}

fn end() -> String {
    end_at(0)
}

fn end_at(index: u64) -> String {
    let choice = serde_json::json!({"index": index, "delta": {}, "finish_reason": "stop"});
    let stop = serde_json::json!({"choices": [choice]});
    format!("data: {stop}\n\ndata: [DONE]\n\n")
}

fn streaming(chunks: Vec<(Duration, Chunk)>) -> Script {
    let mut script = Script::answering(200, chunks);
    script.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    script
}

/// Makes one attempt, and returns its result and the text that was passed on before it ended.
async fn heard(script: Script, capabilities: &[Capability]) -> (Result<Completion, Error>, String) {
    let provider = provider_of(Delivery::Stream, script, Some(KEY));
    let call = Call { capabilities: capabilities.to_vec(), ..call() };
    let prepared = provider.prepare(call).unwrap();
    let (recorder, (sink, content)) = (Recorder::new(), stream::channel());
    let sends = async {
        let context = SendContext::new(&recorder).with_content(&sink);
        let result = provider.send_with(&prepared, &context).await;
        drop(sink);
        result
    };
    tokio::join!(sends, joined(content))
}

async fn joined(mut content: Content) -> String {
    let mut text = String::new();
    while let Some(Delta::Text { text: piece }) = content.next().await {
        text.push_str(&piece);
    }
    text
}

/// Asserts what is heard of a stream of pieces, and that it is the beginning of the answer.
async fn hears(pieces: &[(u64, &str)], capabilities: &[Capability], expected: [&str; 2]) {
    let [live, whole] = expected;
    let mut chunks: Vec<_> = pieces.iter().map(|it| after(1, &piece(it.0, it.1))).collect();
    // A server that counts its chunks by the index counts the last one, too.
    let is_count = pieces.iter().zip(0..).all(|(piece, number)| piece.0 == number);
    let last = if is_count { pieces.len() as u64 } else { 0 };
    chunks.push(after(1, &end_at(last)));
    let (result, text) = heard(streaming(chunks), capabilities).await;
    let answer = result.unwrap().joined_text();
    assert_eq!((text.as_str(), answer.as_str()), (live, whole), "{pieces:?}");
    assert!(answer.starts_with(&text));
}

#[tokio::test(start_paused = true)]
async fn text_is_passed_on_while_it_arrives() {
    hears(&[(0, "Grüße"), (0, ""), (0, ", "), (0, "Welt!")], &[], ["Grüße, Welt!"; 2]).await;
}

#[tokio::test(start_paused = true)]
async fn the_first_text_is_heard_while_the_rest_is_still_to_come() {
    let chunks =
        vec![after(1, &piece(0, "now ~")), after(20, &piece(0, "later")), after(1, &end())];
    let provider = provider_of(Delivery::Stream, streaming(chunks), Some(KEY));
    let prepared = provider.prepare(call()).unwrap();
    let (recorder, (sink, mut content)) = (Recorder::new(), stream::channel());
    let context = SendContext::new(&recorder).with_content(&sink);
    let began = Instant::now();
    let first = async {
        assert_eq!(content.next().await, Some(Delta::Text { text: "now ~".to_owned() }));
        began.elapsed()
    };
    let (result, took) = tokio::join!(provider.send_with(&prepared, &context), first);
    assert_eq!(took, Duration::from_secs(1));
    assert!(result.is_err(), "it is silent for longer than it may be");
    assert_eq!(context.chars(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_comes_in_pieces_is_never_passed_on() {
    for at in 1..KEY.len() {
        let (head, tail) = KEY.split_at(at);
        hears(&[(0, "~ "), (0, head), (0, tail), (0, " ~")], &[], ["~ [redacted] ~"; 2]).await;
    }
    let letters: Vec<_> = KEY.split_inclusive(|_: char| true).map(|it| (0, it)).collect();
    hears(&letters, &[], ["[redacted]"; 2]).await;
    // What may be the beginning of a key comes with the whole answer.
    hears(&[(0, "~"), (0, "sk-canary")], &[], ["~", "~sk-canary"]).await;
}

#[tokio::test(start_paused = true)]
async fn reasoning_between_tags_is_not_passed_on() {
    let tags = &[Capability::ThinkTags];
    for (pieces, whole) in [
        (&[(0, " <th"), (0, "ink>a"), (0, "b</thi"), (0, "nk>\n\n"), (0, "42!")][..], "42!"),
        (&[(0, "<"), (0, "b>42!")], "<b>42!"),
        (&[(0, " "), (0, "4"), (0, "2!")], " 42!"),
    ] {
        hears(pieces, tags, [whole; 2]).await;
    }
    hears(&[(0, "<think>42!"), (0, "</think>!")], &[], ["<think>42!</think>!"; 2]).await;
}

#[tokio::test(start_paused = true)]
async fn text_that_may_be_taken_back_waits() {
    // The second index turns out to be another choice.
    hears(&[(0, "yes"), (1, "no"), (0, "!")], &[], ["yes!"; 2]).await;
    // A server counts its chunks by the index, so that all of them are the answer.
    hears(&[(0, "one!"), (1, "two!"), (2, "three!")], &[], ["one!", "one!two!three!"]).await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_in_one_piece_is_not_heard_before_it_is_whole() {
    let (result, text) = heard(Script::answering(200, vec![after(1, ANSWER)]), &[]).await;
    assert_eq!((result.unwrap().joined_text().as_str(), text.as_str()), ("hi", ""));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_is_no_silence_of_the_provider() {
    let mut chunks: Vec<_> = (0..200).map(|_| after(0, &piece(0, "word!"))).collect();
    chunks.push(after(0, &end()));
    let provider = provider_of(Delivery::Stream, streaming(chunks), Some(KEY));
    let prepared = provider.prepare(call()).unwrap();
    let (recorder, (sink, mut content)) = (Recorder::new(), stream::channel());
    let sends = async {
        let context = SendContext::new(&recorder).with_content(&sink);
        let result = provider.send_with(&prepared, &context).await;
        drop(sink);
        result
    };
    let reads = async {
        let mut text = String::new();
        while let Some(Delta::Text { text: piece }) = content.next().await {
            sleep(IDLE * 2).await;
            text.push_str(&piece);
        }
        text
    };
    let (result, text) = tokio::join!(sends, reads);
    assert_eq!(result.unwrap().joined_text(), text);
    assert_eq!(text.len(), 1_000);
}
