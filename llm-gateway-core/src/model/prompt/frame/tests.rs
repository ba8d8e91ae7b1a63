use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const KINDS: [(Framed, &str); 3] =
    [(Framed::Artifact, "ARTIFACT"), (Framed::Plan, "PLAN"), (Framed::Reasons, "REASONS")];

/// Returns a generator that draws `numbers` in order, and then the last of them again and again.
fn draws(numbers: &[u128]) -> impl FnMut() -> u128 {
    let mut left = numbers.to_vec();
    move || if left.len() > 1 { left.remove(0) } else { left[0] }
}

#[test]
fn the_delimiter_lines_hold_the_nonce() {
    for (kind, word) in KINDS {
        let frame = Frame::around(kind, "text", draws(&[0xab]));
        let nonce = "000000000000000000000000000000ab";
        assert_eq!(frame.nonce(), nonce);
        let (opening, closing) = (frame.opening(), frame.closing());
        assert!(opening.as_str().ends_with(&format!("\n\n<<<{word} {nonce}>>>\n\n")));
        assert_eq!(closing.as_str(), format!("\n\n<<<END {word} {nonce}>>>\n\n"));
        assert!(opening.as_str().starts_with("\n\nBetween the next line and"));
    }
}

#[test]
fn a_nonce_that_stands_in_the_text_is_drawn_again() {
    let text = format!("quotes {} and {}", hex(1), hex(2));
    assert_eq!(Frame::around(Framed::Plan, &text, draws(&[1, 2, 9])).nonce(), hex(9));
}

#[test]
fn a_generator_that_repeats_itself_ends_all_the_same() {
    let text: String = (7..107).map(hex).collect();
    assert_eq!(Frame::around(Framed::Artifact, &text, draws(&[7])).nonce(), hex(107));
    let last = format!("{} {}", hex(u128::MAX), hex(0));
    assert_eq!(Frame::around(Framed::Artifact, &last, draws(&[u128::MAX])).nonce(), hex(1));
}

#[test]
fn a_known_nonce_gives_the_same_words() {
    for (kind, _) in KINDS {
        let frame = Frame::around(kind, "text", draws(&[u128::MAX / 3]));
        let again = Frame::known(kind, frame.nonce()).unwrap();
        assert_eq!((again.opening(), again.closing()), (frame.opening(), frame.closing()));
        for ask in Ask::ALL {
            assert_eq!(again.ask(ask), frame.ask(ask));
        }
    }
}

#[test]
fn what_is_no_nonce_has_no_frame() {
    let nonce = hex(0xabc);
    assert!(Frame::known(Framed::Plan, &nonce).is_some());
    let longer = format!("{nonce}0");
    let umlauts = "ü".repeat(16);
    for other in ["", "abc", &nonce[1..], &longer, &nonce.to_uppercase(), &umlauts] {
        assert_eq!(Frame::known(Framed::Plan, other), None, "{other}");
    }
}

#[test]
fn an_ask_names_its_form() {
    let frame = Frame::known(Framed::Artifact, &hex(5)).unwrap();
    let [structured, plain, structured_again, plain_again] =
        Ask::ALL.map(|ask| frame.ask(ask).as_str().to_owned());
    let words =
        ["requirement", "evidence_quote", "met", "what", "where", "fix", "verdict", "nonce"];
    for word in words.map(|word| format!("\"{word}\": ")) {
        assert!(structured.contains(&word), "{word}");
    }
    assert!(structured.ends_with(&format!("copy {} exactly.", hex(5))));
    assert!(plain.contains("exactly ACCEPT") && plain.contains("REVISE: "));
    assert!(!plain.contains(frame.nonce()));
    for (first, again) in [(structured, structured_again), (plain, plain_again)] {
        assert!(again.starts_with("Your previous reply was not in the form"), "{again}");
        assert!(again.ends_with(&first), "{again}");
    }
}

#[test]
fn the_planner_is_told_not_to_solve() {
    assert_eq!(planner_ask().as_str(), PLANNER_ASK);
    assert!(PLANNER_ASK.starts_with("\n\nWrite the plan"));
}

/// Asserts that every object of a schema is as strict structured outputs need it.
fn assert_strict(schema: &Value, at: &str) {
    let allowed = ["type", "properties", "required", "additionalProperties", "items", "enum"];
    let keywords = schema.as_object().unwrap();
    assert!(keywords.keys().all(|key| allowed.contains(&key.as_str())), "{at}: {schema}");
    if schema["type"] == "object" {
        assert_eq!(schema["additionalProperties"], false, "{at}");
        let properties = schema["properties"].as_object().unwrap();
        let names: Vec<&String> = properties.keys().collect();
        assert_eq!(schema["required"], json!(names), "{at}");
        properties.iter().for_each(|(name, inner)| assert_strict(inner, &format!("{at}/{name}")));
    }
    if let Some(items) = keywords.get("items") {
        assert_strict(items, &format!("{at}/items"));
    }
}

#[test]
fn the_schema_is_strict_and_takes_what_the_ask_shows() {
    let schema: Value = serde_json::from_str(VERDICT_SCHEMA).unwrap();
    assert_strict(&schema, "");
    let good = json!({
        "checklist": [{"requirement": "r", "evidence_quote": "", "met": "unclear"}],
        "blocking": [{"what": "w", "where": "", "fix": "f"}],
        "verdict": "CANNOT_JUDGE",
        "nonce": hex(5),
    });
    assert!(jsonschema::is_valid(&schema, &good));
    for (path, wrong) in [("/verdict", "accept"), ("/checklist/0/met", "true")] {
        let mut bad = good.clone();
        *bad.pointer_mut(path).unwrap() = wrong.into();
        assert!(!jsonschema::is_valid(&schema, &bad), "{path}");
    }
}

proptest! {
    #[test]
    fn the_nonce_is_never_in_the_text(
        held in prop::collection::vec(0u128..12, 0..12),
        drawn in prop::collection::vec(0u128..12, 1..12),
        between in ".{0,3}",
    ) {
        let text = held.into_iter().map(hex).collect::<Vec<_>>().join(&between);
        let frame = Frame::around(Framed::Artifact, &text, draws(&drawn));
        prop_assert!(!text.contains(frame.nonce()));
        prop_assert!(Frame::known(Framed::Artifact, frame.nonce()).is_some());
    }
}
