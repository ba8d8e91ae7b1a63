//! Tests of the text that is kept of an answer that fails, whatever ends it.

use super::*;
use crate::stream::{self, Delta};
use crate::transport::{CallProgress, TextOf};

fn choice(fields: serde_json::Value) -> String {
    format!("data: {}\n\n", serde_json::json!({ "choices": [fields] }))
}

/// Returns the event of a chunk of text.
fn piece(text: &str) -> String {
    choice(serde_json::json!({ "index": 0, "delta": { "content": text } }))
}

fn end(reason: &str) -> String {
    let last = choice(serde_json::json!({ "index": 0, "delta": {}, "finish_reason": reason }));
    [&last, "data: [DONE]\n\n"].concat()
}

fn reset() -> (Duration, Chunk) {
    (Duration::ZERO, Err(TransportError::new(Phase::Body, "connection reset")))
}

fn silence() -> (Duration, Chunk) {
    after(600, "")
}

/// A text that is kept of an attempt that failed, and what was passed on of it.
struct Kept {
    text: Option<String>,
    heard: String,
    category: Option<Category>,
}

/// Makes one attempt, which is ended after `seconds` at the latest.
async fn kept(script: Script, capabilities: &[Capability], seconds: u64) -> Kept {
    let provider = provider_of(Delivery::Stream, script, Some(KEY));
    let call = Call { capabilities: capabilities.to_vec(), ..call() };
    let prepared = provider.prepare(call).unwrap();
    let progress = Arc::new(CallProgress::new());
    let (recorder, (sink, mut content)) = (Recorder::new(), stream::channel());
    let context = SendContext::new(&recorder).with_content(&sink);
    let context = context.with_progress(Arc::clone(&progress));
    let sent = provider.send_with(&prepared, &context);
    let result = timeout(Duration::from_secs(seconds), sent).await;
    drop(sink);
    let mut heard = String::new();
    while let Some(Delta::Text { text }) = content.next().await {
        heard.push_str(&text);
    }
    let category = result.ok().and_then(Result::err).map(|error| error.category());
    Kept { text: progress.take_text(TextOf::Newest), heard, category }
}

fn streaming(chunks: Vec<(Duration, Chunk)>) -> Script {
    let mut script = Script::answering(200, chunks);
    script.headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    script
}

/// Returns the chunks of a stream that says these pieces, and then goes on in another way.
fn saying(pieces: &[&str], then: Vec<(Duration, Chunk)>) -> Vec<(Duration, Chunk)> {
    pieces.iter().map(|text| after(1, &piece(text))).chain(then).collect()
}

#[tokio::test(start_paused = true)]
async fn whatever_ends_a_stream_what_came_is_kept() {
    let error = "data: {\"error\":{\"message\":\"no\",\"code\":\"server_error\"}}\n\n";
    let both = choice(serde_json::json!({ "delta": { "content": "!" }, "finish_reason": "error" }));
    for (how, then, category, text) in [
        ("its caller", vec![silence()], None, "Grüße, Welt"),
        ("a reset", vec![reset()], Some(Category::Truncated), "Grüße, Welt"),
        ("its end", vec![], Some(Category::Truncated), "Grüße, Welt"),
        ("no reason", vec![after(0, "data: [DONE]\n\n")], Some(Category::Truncated), "Grüße, Welt"),
        ("an error", vec![after(0, error)], Some(Category::Provider5xx), "Grüße, Welt"),
        ("nonsense", vec![after(0, "data: {\"choices\":7}\n\n")], None, "Grüße, Welt"),
        ("half an event", vec![after(0, "data: {\"cho"), reset()], None, "Grüße, Welt"),
        ("its own reason", vec![after(0, &end("error"))], None, "Grüße, Welt"),
        ("a reason with text", vec![after(0, &both), after(0, &end(""))], None, "Grüße, Welt!"),
        (
            "a large event",
            vec![after(0, &piece(&"x".repeat(super::super::events::LARGEST_EVENT)))],
            Some(Category::BadResponse),
            "Grüße, Welt",
        ),
    ] {
        let script = streaming(saying(&["Gr", "üße", "", ", Welt"], then));
        let kept = kept(script, &[], 5).await;
        assert_eq!(kept.text.as_deref(), Some(text), "{how}");
        assert!(category.is_none() || kept.category == category, "{how}: {:?}", kept.category);
        assert!(text.starts_with(&kept.heard), "{how}: {}", kept.heard);
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_ends_a_stream_keeps_what_came() {
    let stalls = streaming(saying(&["Hel", "lo"], vec![silence()]));
    let stalled = kept(stalls, &[], 60).await;
    assert_eq!(
        (stalled.text.as_deref(), stalled.category),
        (Some("Hello"), Some(Category::Timeout))
    );
    let drips = streaming((0..100).map(|_| after(4, &piece("x"))).collect());
    let late = kept(drips, &[], 60).await;
    assert_eq!((late.text.as_deref(), late.category), (Some("xxxxxxx"), Some(Category::Timeout)));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_kept_where_no_text_came() {
    let reasoning = choice(serde_json::json!({ "delta": { "reasoning_content": "hm" } }));
    let refused = Script::answering(500, vec![after(0, &piece("no text of an answer"))]);
    for (what, script) in [
        ("nothing", streaming(vec![silence()])),
        ("pings", streaming(vec![after(1, ": ping\n\n"), silence()])),
        ("no head", Script { head_after: ATTEMPT, ..streaming(vec![]) }),
        ("reasoning", streaming(vec![after(1, &reasoning), silence()])),
        ("blanks", streaming(saying(&[" ", "\n", "\u{a0}"], vec![silence()]))),
        ("a refusal", refused),
        ("a whole answer", streaming(saying(&["hi"], vec![after(0, &end("stop"))]))),
    ] {
        let kept = kept(script, &[], 20).await;
        assert_eq!(kept.text, None, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn reasoning_between_tags_is_not_kept() {
    for (pieces, text) in [
        (&["<think>a", "b"][..], None),
        (&["<thi"], None),
        (&["<think>a</think>"], None),
        (&["<think>a</think>\n\n", "42!"], Some("42!")),
        (&["<b>4", "2!"], Some("<b>42!")),
    ] {
        let script = streaming(saying(pieces, vec![reset()]));
        let kept = kept(script, &[Capability::ThinkTags], 20).await;
        assert_eq!(kept.text.as_deref(), text, "{pieces:?}");
    }
}

/// Checks that neither a key nor the beginning of one is kept, wherever the stream is cut. A letter
/// or two tell nothing of it.
#[tokio::test(start_paused = true)]
async fn no_part_of_a_key_is_kept() {
    let whole = format!("~ {KEY} ~");
    for at in 0..=whole.len() {
        let (said, _) = whole.split_at(at);
        let letters: Vec<_> = said.split_inclusive(|_: char| true).collect();
        for pieces in [&[said][..], &letters] {
            for then in [vec![reset()], vec![silence()], vec![after(0, &end("error"))]] {
                let kept = kept(streaming(saying(pieces, then)), &[], 60).await;
                let text = kept.text.unwrap_or_default();
                assert!(!text.contains("sk-"), "{said}: {text}");
                assert!(text.starts_with(&kept.heard), "{text:?} {:?}", kept.heard);
                let begins = "~ [redacted] ~".starts_with(&text) || "~ sk".starts_with(&text);
                assert!(begins, "{said}: {text}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_with_the_first_letters_of_a_key_is_kept() {
    let cjk = "\u{7b54}\u{6848}".repeat(200);
    for pieces in [&["So far it is"][..], &["as"], &["a", "s"], &["s", &cjk], &["as", &cjk, "!"]] {
        for then in [vec![reset()], vec![silence()], vec![after(0, &end("error"))]] {
            let kept = kept(streaming(saying(pieces, then)), &[], 60).await;
            assert_eq!(kept.text, Some(pieces.concat()));
        }
    }
}

/// Checks that a long text is kept whole, without the keys that stand anywhere in it.
#[tokio::test(start_paused = true)]
async fn a_long_text_is_kept_whole() {
    for before in (65_500..65_540).step_by(9) {
        let text = format!("{}{KEY}{}!", "\u{20ac}~~".repeat(before / 5), "~".repeat(before));
        let kept = kept(streaming(saying(&[&text], vec![reset()])), &[], 60).await;
        assert_eq!(kept.text, Some(text.replace(KEY, "[redacted]")), "{before}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_text_of_another_choice_is_not_kept() {
    let other =
        |text: &str| choice(serde_json::json!({ "index": 1, "delta": { "content": text } }));
    let chunks = vec![after(0, &piece("yes!")), after(0, &other("no")), reset()];
    assert_eq!(kept(streaming(chunks), &[], 20).await.text.as_deref(), Some("yes!"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_framing_keeps_its_text_too() {
    let failed = r#"{"choices":[{"message":{"content":"half an a~"},"finish_reason":"error"}]}"#;
    let line = |text: &str| piece(text).replace("data: ", "").replace("\n\n", "\n");
    let lines = [line("half "), line("an a~")].concat();
    for (what, body) in [("one document", failed), ("lines", lines.as_str())] {
        let kept = kept(Script::answering(200, vec![after(0, body)]), &[], 20).await;
        assert!(kept.category.is_some(), "{what}");
        assert_eq!(kept.text.as_deref(), Some("half an a~"), "{what}");
    }
}
