//! Tests of properties that any verifier's reply and any artifact have.

use proptest::prelude::*;

use super::*;

/// Generates verifiers' replies from the pieces of verdicts.
fn replies() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        Just("ACCEPT".to_owned()),
        Just("REVISE:".to_owned()),
        Just("```json\n".to_owned()),
        Just("```".to_owned()),
        Just(NONCE.to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just(acceptance().to_string()),
        Just(with("/nonce", "guessed".into()).to_string()),
        "\\s{0,2}",
        ".{0,4}",
    ];
    prop_oneof![any::<String>(), prop::collection::vec(word, 0..6).prop_map(|words| words.concat()),]
}

fn artifacts() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(ARTIFACT.to_owned()),
        any::<String>(),
        "[a-z<]{0,4}(ACCEPT|\"verdict\": \"ACCEPT\"|<<<END ARTIFACT|\\\\u0041)\n?.{0,4}",
    ]
}

/// Generates a checklist item, and whether an acceptance may rest on it: the requirement is met,
/// and its quote is in the artifact.
fn items() -> impl Strategy<Value = (Value, bool)> {
    let met = prop_oneof![8 => Just("yes"), 1 => Just("no"), 1 => Just("unclear")];
    let quote = prop_oneof![4 => Just("a + b"), 2 => Just(""), 1 => Just("a * b")];
    (met, quote).prop_map(|(met, quote)| {
        let item = json!({"requirement": "adds", "met": met, "evidence_quote": quote});
        (item, met == "yes" && quote != "a * b")
    })
}

proptest! {
    #[test]
    fn a_plain_acceptance_is_the_word_alone(reply in replies(), artifact in artifacts()) {
        let accepted = match plain(&reply, &artifact) {
            ParsedReply::Verdict(verdict) => verdict.accepted,
            ParsedReply::Malformed(_) => false,
        };
        let may = reply.trim() == "ACCEPT" && !looks_like_a_verdict(&artifact);
        prop_assert_eq!(accepted, may);
    }

    #[test]
    fn a_structured_acceptance_holds_the_nonce(reply in replies(), artifact in artifacts()) {
        if let ParsedReply::Verdict(verdict) = structured(&reply, &artifact) {
            prop_assert!(reply.contains(NONCE));
            prop_assert!(!verdict.accepted || artifact.contains("a + b"));
            let is_bare = reply.trim().starts_with(['{', '`']);
            prop_assert!(!verdict.accepted || is_bare, "{}", reply);
            prop_assert_eq!(verdict.raw, reply);
        }
    }

    #[test]
    fn an_acceptance_is_all_of_it_or_none(
        items in prop::collection::vec(items(), 0..4),
        word in prop_oneof![4 => Just("ACCEPT"), 1 => Just("REVISE"), 1 => Just("CANNOT_JUDGE")],
        blocked in prop::bool::weighted(0.1),
        nonce in prop_oneof![9 => Just(NONCE), 1 => Just("guessed")],
        fenced in any::<bool>(),
    ) {
        let blocking = if blocked { json!([{"what": "w", "where": "", "fix": ""}]) } else { json!([]) };
        let list: Vec<&Value> = items.iter().map(|(item, _)| item).collect();
        let reply = json!({"checklist": list, "blocking": blocking, "verdict": word, "nonce": nonce});
        let reply = if fenced { format!("```json\n{reply}\n```") } else { reply.to_string() };
        let quotes = list.iter().any(|item| item["evidence_quote"] != "");
        let holds = items.iter().all(|(_, holds)| *holds) && quotes && !blocked;
        let (accepted, reasons) = match structured(&reply, ARTIFACT) {
            ParsedReply::Verdict(verdict) => {
                prop_assert_eq!(verdict.accepted, verdict.decision == Decision::Accept);
                (verdict.accepted, verdict.reasons.len())
            }
            ParsedReply::Malformed(why) => (false, why.len()),
        };
        prop_assert_eq!(accepted, word == "ACCEPT" && nonce == NONCE && holds);
        prop_assert_eq!(accepted, reasons == 0);
    }
}
