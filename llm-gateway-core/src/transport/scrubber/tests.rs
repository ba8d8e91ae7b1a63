use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;
use crate::credential::{EnvironmentCredentials, Lease};
use crate::environment::Environment;
use crate::transport::Credential;

const KEY: &str = "sk-canary/\"0123456789+abcdef";

fn scrubber() -> Scrubber {
    scrubber_of(KEY)
}

fn scrubber_of(key: &str) -> Scrubber {
    Scrubber::new(vec![Secret::new(key.to_owned())])
}

/// Returns the key within JSON within JSON, `depth` times.
fn within_json(depth: usize) -> String {
    let wrapped = |text: String, _| serde_json::json!({ "text": text }).to_string();
    (0..depth).fold(KEY.to_owned(), wrapped)
}

/// Returns a text in lines of this length.
fn in_lines(text: &str, length: usize, end: &str) -> String {
    let lines: Vec<_> = text.as_bytes().chunks(length).map(String::from_utf8_lossy).collect();
    lines.join(end)
}

#[test]
fn a_key_goes_however_it_is_spelled() {
    let scrubber = scrubber();
    let spelled = [
        KEY.to_owned(),
        serde_json::json!({ "key": KEY }).to_string(),
        within_json(2),
        within_json(6),
        within_json(4).replace('/', "\\/"),
        url::form_urlencoded::byte_serialize(KEY.as_bytes()).collect(),
        utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string(),
        KEY.to_uppercase(),
    ];
    for text in spelled {
        let scrubbed = scrubber.scrub(&format!("before {text} after"));
        assert!(scrubbed.contains(REDACTED), "{text} survived as {scrubbed}");
        assert!(!scrubbed.contains("0123456789"), "{text} survived as {scrubbed}");
    }
}

/// Checks the escapes that writers choose: .NET escapes a plus in JSON, and some URL encoders write
/// lower case.
#[test]
fn a_key_goes_through_escapes_of_any_kind() {
    let scrubber = scrubber();
    let json = within_json(1);
    let twice = utf8_percent_encode(KEY, NON_ALPHANUMERIC).to_string().replace('%', "%25");
    for text in [
        json.replace('+', "\\u002B"),
        json.replace('-', "\\u002d").replace('s', "\\u0073"),
        within_json(2).replace('+', "\\\\u002b"),
        KEY.replace('/', "%2f").replace('"', "%22").replace('+', "%2b"),
        twice.replace('%', "%25"),
        twice,
        KEY.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
        KEY.bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
        KEY.bytes().map(|byte| format!("&#{byte};")).collect(),
        KEY.replace('"', "&amp;quot;"),
    ] {
        let scrubbed = scrubber.scrub(&format!("before {text} after"));
        assert_eq!(scrubbed.replace("{\"text\":\"", "").matches("0123").count(), 0, "{scrubbed}");
        assert!(!scrubbed.contains("\\u0030"), "{text} survived as {scrubbed}");
        assert!(scrubbed.contains(REDACTED), "{text} survived as {scrubbed}");
        assert!(scrubbed.starts_with("before ") && scrubbed.ends_with(" after"), "{scrubbed}");
        let (bytes, redacted) = scrubber.scrub_bytes(Bytes::from(text.clone()));
        assert!(redacted && !bytes.windows(10).any(|it| it == b"0123456789"), "{text}");
    }
    let escaped = "a \\u002B b, 100%25 of caf\\u00e9";
    assert_eq!(scrubber.scrub(escaped), escaped);
}

#[test]
fn a_key_goes_from_json_that_stays_json() {
    for depth in 1..4 {
        let scrubbed = scrubber().scrub(&within_json(depth));
        let read: serde_json::Value = serde_json::from_str(&scrubbed).expect(&scrubbed);
        assert!(read["text"].as_str().unwrap().contains(REDACTED), "{scrubbed}");
    }
    let quoted = scrubber_of("\"quoted-0123456789\"");
    let scrubbed = quoted.scrub(r#"{"a": "\"quoted-0123456789\""}"#);
    assert_eq!(scrubbed, r#"{"a": "[redacted]"}"#);
}

#[test]
fn a_key_goes_from_base64_at_any_offset() {
    for lead in ["", "x", "xy", "Bearer "] {
        let encoded = STANDARD_NO_PAD.encode(format!("{lead}{KEY}"));
        let scrubbed = scrubber().scrub(&encoded);
        assert!(scrubbed.contains(REDACTED), "offset {} survived", lead.len());
    }
}

/// Checks base64 in lines. Mail has lines of 76 characters, PEM of 64: RFC 2045, RFC 7468.
#[test]
fn a_key_goes_from_base64_in_lines() {
    let scrubber = scrubber();
    for lead in [0, 1, 2, 27, 28, 29, 40, 47, 48, 49, 50] {
        let dump = format!("{}{KEY}, and so on", "x".repeat(lead));
        for length in [64, 76, 9] {
            for end in ["\n", "\r\n", "\\n", "\\r\\n", "\\\\n", "=\r\n", "\n    ", "%0A"] {
                let lines = in_lines(&STANDARD.encode(&dump), length, end);
                for lines in [lines.replace('/', "\\/"), lines] {
                    let scrubbed = scrubber.scrub(&lines);
                    assert!(scrubbed.contains(REDACTED), "{lines}");
                    assert!(!scrubber.finds_key(scrubbed.as_bytes()));
                }
            }
        }
        let lines = in_lines(&URL_SAFE_NO_PAD.encode(&dump), 76, "\n");
        assert!(scrubber.scrub(&lines).contains(REDACTED), "{lines}");
    }
}

#[test]
fn a_key_goes_from_hex_digits() {
    let digits: Vec<_> = KEY.bytes().map(|byte| format!("{byte:02X}")).collect();
    for between in ["", " ", "\n"] {
        assert_eq!(scrubber().scrub(&digits.join(between)), REDACTED);
    }
}

#[test]
fn a_key_goes_with_what_nobody_sees_in_it() {
    for unseen in
        ["\u{200b}", "\u{ad}", "\u{feff}", "\u{2060}", "\u{7}", "\0", "\x1b[31m", "\n", " "]
    {
        for written in [unseen.to_owned(), serde_json::json!(unseen).to_string().replace('"', "")] {
            let key: String = KEY.chars().map(|c| format!("{c}{written}")).collect();
            let scrubbed = scrubber().scrub(&format!("before {key} after"));
            let scrubbed = scrubbed.replace(unseen, "").replace(&written, "").replace(' ', "");
            assert_eq!(scrubbed, "before[redacted]after", "{written:?}");
        }
    }
}

/// Checks a key behind a text that swallows its first letters: a backslash before `nvapi-…`, as in
/// a path, reads like the end of a line.
#[test]
fn a_key_goes_whatever_stands_before_it() {
    for key in ["nvapi-0123456789abcdef", "41bc-0123456789abcdef", "u0041-0123456789abcdef"] {
        for before in ["\\", "\\\\", "%", "%25", "&", "&#", "=", "\x1b[", "\n", "x"] {
            let scrubbed = scrubber_of(key).scrub(&format!("{before}{key}"));
            assert!(!scrubbed.contains("0123456789"), "{before}{key} survived as {scrubbed}");
        }
    }
}

#[test]
fn other_text_and_placeholders_stay() {
    for placeholder in ["ollama", "lm-studio", "not-needed", "sk-no-key-required"] {
        let scrubber = scrubber_of(placeholder);
        let text = format!("ask {placeholder}");
        assert_eq!(scrubber.scrub(&text), text);
        let (bytes, redacted) = scrubber.scrub_bytes(Bytes::from(text.clone()));
        assert_eq!((&bytes[..], redacted), (text.as_bytes(), false));
    }
    assert_eq!(scrubber_of("sk-1234").scrub("ask sk-1234"), "ask [redacted]");
}

#[test]
fn a_short_key_goes_where_it_stands_together() {
    let scrubber = scrubber_of("sk-mastersecret");
    assert_eq!(scrubber.scrub("the key sk-mastersecret is"), "the key [redacted] is");
    let scrubber = scrubber_of("mysecretkey");
    assert_eq!(scrubber.scrub("my secret key is mysecretkey"), "my secret key is [redacted]");
    let encoded = in_lines(&STANDARD.encode("xmysecretkey"), 5, "\n");
    assert!(scrubber.scrub(&encoded).contains(REDACTED));
    for (key, other) in [
        ("correct horse", "correcthorse, and correct: a horse is"),
        ("two words1", "twowords1 and two words 1"),
        ("pass word", "a password, pass a w o r d"),
    ] {
        let scrubber = scrubber_of(key);
        assert_eq!(scrubber.scrub(&format!("got `{key}`.")), "got `[redacted]`.");
        assert_eq!(scrubber.scrub(other), other, "{key}");
    }
}

#[test]
fn what_holds_a_key_shows_none_of_it() {
    let lease = Lease::new("OPENAI_API_KEY", Secret::new(KEY.to_owned()));
    let header = http::header::AUTHORIZATION;
    let credential = Credential::new(header, "Bearer ", lease.secret.clone());
    let environment = Environment::empty().with("OPENAI_API_KEY", KEY);
    let keys = EnvironmentCredentials::new(environment, ["OPENAI_API_KEY".to_owned()]);
    let shown = format!("{:?} {lease:?} {credential:?} {keys:?}", scrubber());
    assert!(shown.contains("OPENAI_API_KEY") && !shown.contains("canary"), "{shown}");
}

#[test]
fn a_key_that_begins_with_another_goes_whole() {
    let keys = ["sk-short-key-1", "sk-short-key-1-and-more"].map(|k| Secret::new(k.to_owned()));
    let scrubbed = Scrubber::new(keys.to_vec()).scrub("a sk-short-key-1-and-more b sk-short-key-1");
    assert_eq!(scrubbed, "a [redacted] b [redacted]");
    let escaped = "a sk-short\\u002Dkey-1-and-more b sk-short-key-1-and%2dmore";
    assert_eq!(Scrubber::new(keys.to_vec()).scrub(escaped), "a [redacted] b [redacted]");
}

#[test]
fn a_text_full_of_keys_is_read_in_little_time() {
    let key = "a".repeat(40);
    assert_eq!(scrubber_of(&key).scrub(&"a".repeat(200_000)), REDACTED);
    let many = format!("{KEY} ").repeat(6_000);
    assert_eq!(scrubber().scrub(&many).matches(REDACTED).count(), 6_000);
}

#[test]
fn pieces_are_found_in_bodies_that_do_not_show_them() {
    let (head, tail) = KEY.split_at(12);
    for body in [
        serde_json::json!({"content": [{"text": head}, {"text": tail}]}).to_string(),
        serde_json::json!({"reasoning": head, "type": "x", "text": tail}).to_string(),
        serde_json::json!({"model": head, "object": "x", "id": tail}).to_string(),
    ] {
        assert!(!scrubber().finds_key(body.as_bytes()), "{body}");
        assert!(scrubber().finds_pieces(body.as_bytes()), "{body}");
        assert!(!scrubber_of("sk-other-0123456789").finds_pieces(body.as_bytes()), "{body}");
    }
    assert!(!Scrubber::default().finds_pieces(b"{}"));
}

/// Writes a key in one of many ways.
fn written(key: &str, way: u8, lead: usize) -> String {
    let before = "é".repeat(lead);
    match way % 9 {
        0 => format!("{before}{key}"),
        1 => serde_json::json!({ before: key }).to_string(),
        2 => key.bytes().map(|byte| format!("\\\\u{byte:04X}")).collect(),
        3 => utf8_percent_encode(key, NON_ALPHANUMERIC).to_string().replace('%', "%25"),
        4 => in_lines(&STANDARD.encode(format!("{before}{key}")), 64, "\\r\\n"),
        5 => URL_SAFE_NO_PAD.encode(format!("{before}{key}")),
        6 => key.bytes().map(|byte| format!("{byte:02x} ")).collect(),
        7 => key.chars().map(|c| format!("{c}\u{200b}")).collect(),
        _ => key.bytes().map(|byte| format!("&#x{byte:x};")).collect(),
    }
}

proptest! {
    #[test]
    fn no_key_stays_in_a_text(
        key in "[!#-$\\'-\\[\\]-~]{16,60}", way: u8, lead in 0_usize..4, before in ".{0,20}", after in ".{0,20}",
    ) {
        let scrubber = scrubber_of(&key);
        let text = format!("{before}{}{after}", written(&key, way, lead));
        let scrubbed = scrubber.scrub(&text);
        // A key of special characters may leave too few letters to be looked for.
        if scrubber.spellings().is_some() && letters(key.as_bytes()).len() > 12 {
            prop_assert!(scrubbed.contains(REDACTED), "{} survived", text);
        }
        prop_assert!(!scrubber.finds_key(scrubbed.as_bytes()), "{} survived as {}", text, scrubbed);
    }

    #[test]
    fn other_text_stays(key in "[a-z0-9]{20}", text in "\\PC{0,200}") {
        prop_assert_eq!(scrubber_of(&key).scrub(&text), text);
    }
}
