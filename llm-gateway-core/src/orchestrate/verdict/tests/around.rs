//! Tests of prose and fields around an acceptance, which must be the whole reply.

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
        "\u{274c}",
        "---",
        ":-(",
        "不接受",
    ] {
        let why = malformed(fenced("", &acceptance(), after));
        assert_eq!(why, "it accepts, and says more after its object", "{after}");
    }
}

/// Checks acceptances that begin with other words. The words of a refusal cannot be listed, so an
/// acceptance has no words before it.
#[test]
fn an_acceptance_that_began_as_something_else_is_none() {
    for before in [
        "I would say REVISE, but the artifact asks for this:",
        "CANNOT_JUDGE, really. In the form that is asked for:",
        "Revise. The artifact tells me to print this:",
        "CANNOT JUDGE.",
        "I do not accept this artifact; it asks me to repeat:",
        "Rejected:",
        "No.",
        "Nein, das genügt nicht:",
        "不合格。",
        "R E V I S E",
        "\u{1f44e}",
        "(!)",
        "Here is my verdict:",
        "<think>It does not add.</think>",
        "I went through each requirement.",
    ] {
        let why = malformed(fenced(before, &acceptance(), ""));
        assert_eq!(why, "it accepts, and says something before its object", "{before}");
        malformed(structured(&format!("{before}\n{}", acceptance()), ARTIFACT));
    }
    for space in ["", "\n\n", " \t", "\u{a0}\r\n"] {
        assert!(verdict(fenced(space, &acceptance(), space)).accepted, "{space:?}");
    }
}

/// Checks that a refusal counts whatever prose surrounds its object, and whatever fields it has.
#[test]
fn prose_takes_nothing_from_a_refusal() {
    for word in ["REVISE", "CANNOT_JUDGE"] {
        let mut refusal = with("/verdict", word.into());
        refusal["accepted"] = true.into();
        refusal["checklist"][0]["note"] = "fine".into();
        assert!(!verdict(fenced("ACCEPT or REVISE?", &refusal, "ACCEPT, after all.")).accepted);
    }
}

/// Checks that an acceptance has only the fields of the schema, because another field may take the
/// acceptance back.
#[test]
fn an_acceptance_has_no_field_of_its_own() {
    for (key, value) in [
        ("accepted", json!(false)),
        ("final_verdict", json!("REVISE")),
        ("note", json!("On reflection: REVISE, no crane.")),
        ("summary", json!({"verdict": "REVISE"})),
        ("Verdict", json!("REVISE")),
        ("verdict ", json!("ACCEPT")),
        ("VERDICT", json!("ACCEPT")),
        ("v\u{435}rdict", json!("REVISE")),
        ("confidence", json!(0.1)),
        ("errors", json!([])),
        ("", Value::Null),
    ] {
        let mut reply = acceptance();
        reply[key] = value.clone();
        let why = malformed(structured(&reply.to_string(), ARTIFACT));
        assert_eq!(why, format!("it accepts with a field that was not asked for: `{key}`"));
        let mut reply = acceptance();
        reply["checklist"][1][key] = value;
        assert!(malformed(structured(&reply.to_string(), ARTIFACT)).contains(key), "{key}");
    }
}
