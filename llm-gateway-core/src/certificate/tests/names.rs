//! Tests of the names in a response: of the model that answered, and of the response.

use super::orchestration;
use super::panel::{SEATS, kinship, panel, response, rules, whole};
use super::receipts::{issue_counting, verify};
use crate::certificate::readers::{ReadResponse, response as read};
use crate::certificate::{ClaimResult, VerifyResult, certify, certify_orchestration};
use crate::model::Dialect::OpenAi;
use crate::model::LONGEST_RECEIPT_NAME;

/// The end of a stream that gives no name.
const END: &str =
    "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";

/// Returns an event of a stream with a text, by a model of the given name; without a name if it is
/// empty.
fn event(model: &str) -> String {
    let model = if model.is_empty() { String::new() } else { format!("\"model\":\"{model}\",") };
    format!("data: {{{model}\"choices\":[{{\"delta\":{{\"content\":\"s\"}}}}]}}\n\n")
}

fn stream(body: &str) -> Result<ReadResponse, String> {
    read(OpenAi, &whole(1, "text/event-stream", body))
}

#[test]
fn a_stream_that_names_two_models_says_not_who_answered() {
    let mixed = [event("gpt-4o"), event("other"), END.to_owned()].concat();
    let reply = stream(&mixed).unwrap();
    assert_eq!(
        (reply.model.as_deref(), &reply.other_models[..]),
        (Some("gpt-4o"), &["other".to_owned()][..])
    );
    let mut evidence = panel(&SEATS);
    let sequence = response(&mut evidence.members[0]).sequence;
    *response(&mut evidence.members[0]) = whole(sequence, "text/event-stream", &mixed);
    let certificate = certify(&evidence, &rules(), &kinship());
    let distinct = &certificate.claims.model_distinct;
    assert_eq!(distinct.result, ClaimResult::Unknown);
    let told = "member 1's response gives its model several names: gpt-4o, other";
    assert!(distinct.because.contains(told), "{}", distinct.because);
    assert_eq!(certificate.claims.answered_quorum.result, ClaimResult::Pass);
    let (receipt, bundle) = issue_counting(evidence, &[]);
    let found = verify(&receipt.to_bytes(), Some(&bundle));
    assert_eq!(found.result, VerifyResult::Holds, "{:?}", found.findings);
}

/// Checks that a name and its declared alias are one model, and so are the requested name and the
/// dated one.
#[test]
fn a_stream_that_names_one_model_in_several_ways_says_who_answered() {
    for names in [
        &["gpt-4o", "gpt-4o-2024-08-06"][..],
        &["gpt-4o-2024-08-06", "gpt-4o"],
        &["gpt-4o", "openai/gpt-4o", "gpt-4o-2099-01-01", "gpt-4o"],
    ] {
        let body: String = names.iter().map(|name| event(name)).collect::<String>() + END;
        let mut evidence = panel(&SEATS);
        let sequence = response(&mut evidence.members[0]).sequence;
        *response(&mut evidence.members[0]) = whole(sequence, "text/event-stream", &body);
        let certificate = certify(&evidence, &rules(), &kinship());
        let distinct = &certificate.claims.model_distinct;
        assert_eq!(distinct.result, ClaimResult::Pass, "{names:?}: {}", distinct.because);
        let (receipt, bundle) = issue_counting(evidence, &[]);
        let found = verify(&receipt.to_bytes(), Some(&bundle));
        assert_eq!(found.result, VerifyResult::Holds, "{names:?}: {:?}", found.findings);
    }
}

/// Checks that a verifier's stream counts like a member's.
#[test]
fn a_verifier_whose_stream_names_one_model_in_several_ways_is_known() {
    let [one, two, three] = SEATS;
    for (names, result) in [
        (&["gpt-4o", "gpt-4o-2024-08-06"][..], ClaimResult::Pass),
        (&["gpt-4o", "openai/gpt-4o"], ClaimResult::Pass),
        (&["gpt-4o", "o3"], ClaimResult::Unknown),
    ] {
        let body: String = names.iter().map(|name| event(name)).collect::<String>() + END;
        let mut evidence = orchestration::replanned_by([two, three, one]);
        let verdict = response(&mut evidence.steps.last_mut().unwrap().call);
        *verdict = whole(verdict.sequence, "text/event-stream", &body);
        let certificate = certify_orchestration(&evidence, &kinship());
        let distinct = &certificate.claims.verifier_worker_distinct;
        assert_eq!(distinct.result, result, "{names:?}: {}", distinct.because);
    }
}

/// Checks that all names are kept in their order, each once, up to a bound.
#[test]
fn every_name_that_a_stream_gives_its_model_is_kept() {
    let names = |models: &[&str]| {
        let events: String = models.iter().map(|model| event(model)).collect();
        stream(&(events + END))
            .map(|reply| reply.model.into_iter().chain(reply.other_models).collect::<Vec<_>>())
    };
    for (models, kept) in [
        (&["a", "a", "a"][..], &["a"][..]),
        (&["", "a", ""], &["a"]),
        (&["a", "b", "a", "b"], &["a", "b"]),
        (&["a", "A", "a-2026-01-01", "a"], &["a", "A", "a-2026-01-01"]),
        (&["", ""], &[]),
        (&["1", "2", "3", "4", "5", "6", "7", "8", "1"], &["1", "2", "3", "4", "5", "6", "7", "8"]),
    ] {
        assert_eq!(names(models).unwrap(), kept, "{models:?}");
    }
    let many: Vec<String> = (0..9).map(|n| n.to_string()).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(names(&many), Err("it names more than 8 models".to_owned()));
}

/// Checks that a name may have any length. A name that is too long for a receipt is kept as its
/// digest, by which it differs from every other.
#[test]
fn a_long_name_loses_no_answer() {
    let body = |model: &str, id: &str| {
        let body = format!(
            "{{\"model\":\"{model}\",\"id\":\"{id}\",\"choices\":[{{\"message\":{{\"content\":\"x\"}}}}]}}"
        );
        read(OpenAi, &whole(1, "application/json", &body)).unwrap()
    };
    for length in [1, 255, 256, 257, 305, 1_023, 1_024] {
        let name = "m".repeat(length);
        let reply = body(&name, &name);
        assert_eq!((reply.model, reply.response_id), (Some(name.clone()), Some(name)));
    }
    for length in [1_025, 4_096, 100_000] {
        let [one, same, other] = ["a", "a", "b"].map(|end| "é".repeat(length) + end);
        let [one, same, other] =
            [one, same, other].map(|name| body("m", &name).response_id.unwrap());
        assert_eq!(one, same);
        assert_ne!(one, other);
        assert!(one.starts_with("ééé") && one.len() <= LONGEST_RECEIPT_NAME, "{one}");
        let model = body(&"m".repeat(length), "i").model.unwrap();
        assert!(model.len() <= LONGEST_RECEIPT_NAME && model.contains("SHA-256"), "{model}");
    }
}
