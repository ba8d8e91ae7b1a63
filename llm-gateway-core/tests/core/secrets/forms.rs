//! Tests of the key in any form, at any cut and place.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{KEY, Server, joined, opens_to, outputs, stream, whole};

/// Writes the key in one of many forms.
fn written(form: u8, lead: usize) -> String {
    let lines = |text: String, length: usize, end: &str| {
        let lines: Vec<_> = text.as_bytes().chunks(length).map(String::from_utf8_lossy).collect();
        lines.join(end)
    };
    let before = "-".repeat(lead);
    let each = |with: fn(u8) -> String| KEY.bytes().map(with).collect::<String>();
    match form {
        0 => KEY.to_owned(),
        1 => KEY.to_uppercase(),
        2 => STANDARD.encode(format!("{before}{KEY}, and more")),
        3 => URL_SAFE_NO_PAD.encode(format!("{before}{KEY}, and more")),
        4 => lines(STANDARD.encode(format!("{before}{KEY}, and more")), 64, "\r\n"),
        5 => lines(STANDARD.encode(format!("{before}{KEY}, and more")), 20, "\\n"),
        6 => each(|byte| format!("{byte:02x}")),
        7 => each(|byte| format!("%{byte:02X}")),
        8 => each(|byte| format!("%25{byte:02x}")),
        9 => each(|byte| format!("\\u{byte:04x}")),
        10 => each(|byte| format!("{}\u{200b}", char::from(byte))),
        11 => each(|byte| format!("\u{feff}{}\u{ad}", char::from(byte))),
        12 => lines(KEY.to_owned(), 9, "\n"),
        _ => each(|byte| format!("&#x{byte:x};")),
    }
}

#[test]
fn every_form_would_be_noticed() {
    for form in 0..14 {
        for lead in 0..3 {
            let quoted = json!({"text": written(form, lead)}).to_string();
            assert!(opens_to(&quoted, KEY), "{form}: {quoted}");
        }
    }
    let (head, tail) = KEY.split_at(20);
    let bundle = json!({"body": stream(&[json!({"content": head}), json!({"content": tail})])});
    assert!(opens_to(&joined(&bundle.to_string()), KEY));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Checks that a key in any form, at any cut, in any place of an answer is in no output.
    #[test]
    fn no_key_is_in_any_output(
        form in 0_u8..14,
        lead in 0_usize..3,
        cuts in proptest::collection::vec(0.0..1.0_f64, 0..4),
        place in 0_usize..7,
    ) {
        let text = written(form, lead);
        let chars: Vec<char> = text.chars().collect();
        let mut ends: Vec<usize> = cuts.iter().map(|cut| (cut * chars.len() as f64) as usize).collect();
        ends.extend([0, chars.len()]);
        ends.sort_unstable();
        let pieces: Vec<String> =
            ends.windows(2).map(|ends| chars[ends[0]..ends[1]].iter().collect()).collect();
        let kind = ["openai", "anthropic", "gemini"][place % 3];
        let deltas = |name: &str| -> Vec<Value> {
            let pieces = pieces.iter().map(|piece| json!({ name: piece }));
            pieces.chain([json!({"content": " hi"})]).collect()
        };
        let (server, kind, streams) = match place {
            0..3 => {
                let parts: Vec<&str> = pieces.iter().map(String::as_str).collect();
                (Server::answering(whole(kind, &parts)), kind, false)
            }
            3 => (Server::answering(stream(&deltas("content"))), "openai", true),
            4 => (Server::answering(stream(&deltas("reasoning_content"))), "openai", true),
            5 => (Server::answering(stream(&deltas("refusal"))), "openai", true),
            _ => {
                let body = json!({"error": {"message": format!("key {text} is wrong")}});
                (Server::refusing(401, body.to_string()), "openai", false)
            }
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let outputs = runtime.block_on(outputs(server, kind, streams, KEY));
        for output in outputs {
            prop_assert!(!opens_to(&output, KEY), "{}", output);
            prop_assert!(!opens_to(&joined(&output), KEY), "in pieces: {}", output);
        }
    }
}
