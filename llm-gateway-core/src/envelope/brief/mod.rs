//! Leaves out of an envelope what says nothing new: what is as a reader expects it.
//!
//! What stays is decided by what is left out, so that a field that is added to `meta` shows until
//! somebody decides that it says nothing.

use serde_json::{Map, Value};

use super::{Envelope, Status};

/// The fields of `meta`, and of a step's row in it, that say nothing new at a certain value.
const EXPECTED: [(&str, &str); 2] = [("cost_basis", "exact"), ("finish_reason", "stop")];

/// The fields of a panel's visibility that are the same for every panel.
const SAME_FOR_ALL: [&str; 2] = ["mode", "members_see"];

/// Returns the envelope without what says nothing new. `data` keeps everything that models wrote.
pub(super) fn brief(mut envelope: Envelope) -> Envelope {
    // All of an error may be needed to find out what is wrong.
    if envelope.status == Status::Error || envelope.status == Status::Running {
        return envelope;
    }
    shorten_meta(&mut envelope.meta);
    let members = envelope.data.as_mut().and_then(|data| data.get_mut("members"));
    for member in members.and_then(Value::as_array_mut).into_iter().flatten() {
        let failed = member["status"] == "error";
        if let (false, Some(Value::Object(meta))) = (failed, member.get_mut("meta")) {
            shorten_meta(meta);
        }
    }
    envelope
}

fn shorten_meta(meta: &mut Map<String, Value>) {
    shorten_call(meta);
    for step in meta.get_mut("steps").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(step) = step.as_object_mut() {
            shorten_call(step);
        }
    }
    let repeats_level = meta.contains_key("visibility");
    if let Some(visibility) = object_in(meta, "visibility") {
        visibility.retain(|key, _| !SAME_FOR_ALL.contains(&key.as_str()));
    }
    if let Some(certificate) = object_in(meta, "certificate") {
        shorten_certificate(certificate);
        // The level of a panel stands in its visibility.
        certificate.retain(|key, _| !(repeats_level && (key == "level" || key == "required")));
    }
}

/// Leaves out what is as expected of one call, or of all calls of a run together.
fn shorten_call(meta: &mut Map<String, Value>) {
    meta.retain(|key, value| match key.as_str() {
        "attempts" => !is_one_good_attempt(value),
        "preflight" => !is_passed(value),
        "retries" => *value != 0,
        key => !EXPECTED.iter().any(|(name, expected)| key == *name && value == expected),
    });
}

/// Leaves out the words of claims that passed, what no certificate shows, and empty warnings.
fn shorten_certificate(certificate: &mut Map<String, Value>) {
    certificate.remove("not_proven");
    certificate.retain(|key, value| key != "warnings" || *value != Value::Array(Vec::new()));
    let claims = object_in(certificate, "claims").into_iter().flat_map(Map::values_mut);
    for claim in claims.filter_map(Value::as_object_mut) {
        if claim.get("result").is_some_and(|result| result == "pass") {
            claim.remove("because");
        }
    }
}

/// Returns whether these attempts are one that succeeded, or none.
fn is_one_good_attempt(attempts: &Value) -> bool {
    let attempts = attempts.as_array().map(Vec::as_slice);
    match attempts {
        Some([]) => true,
        Some([only]) => only["outcome"] == "ok" && only.get("reserved_usd").is_none(),
        _ => false,
    }
}

/// Returns whether a price check is passed without a warning.
fn is_passed(preflight: &Value) -> bool {
    preflight["action"] == "ok"
}

fn object_in<'a>(map: &'a mut Map<String, Value>, key: &str) -> Option<&'a mut Map<String, Value>> {
    map.get_mut(key)?.as_object_mut()
}

#[cfg(test)]
mod tests;
