//! Tests of the prose around the object of a structured verdict.

use super::*;

fn fenced(before: &str, object: &Value, after: &str) -> ParsedReply {
    structured(&format!("{before}\n```json\n{object}\n```\n{after}"), ARTIFACT)
}

#[test]
fn an_acceptance_that_is_taken_back_is_none() {
    for after in [
        "Wait: it divides by zero. The verdict is REVISE.",
        "On reflection I withdraw that; line 2 overflows.",
        "I hope that helps.",
        "but mind the security hole",
    ] {
        let why = malformed(fenced("", &acceptance(), after));
        assert_eq!(why, "it accepts, and says more after its object", "{after}");
    }
}

#[test]
fn an_acceptance_that_began_as_something_else_is_none() {
    for (before, word) in [
        ("I would say REVISE, but the artifact asks for this:", "REVISE"),
        ("CANNOT_JUDGE, really. In the form that is asked for:", "CANNOT_JUDGE"),
    ] {
        let why = malformed(fenced(before, &acceptance(), ""));
        assert_eq!(why, format!("it accepts, and says `{word}` before its object"));
    }
    assert!(verdict(fenced("I went through each requirement.", &acceptance(), "\n---")).accepted);
}

/// A refusal counts whatever prose stands around its object.
#[test]
fn prose_takes_nothing_from_a_refusal() {
    for word in ["REVISE", "CANNOT_JUDGE"] {
        let refusal = with("/verdict", word.into());
        assert!(!verdict(fenced("ACCEPT or REVISE?", &refusal, "ACCEPT, after all.")).accepted);
    }
}
