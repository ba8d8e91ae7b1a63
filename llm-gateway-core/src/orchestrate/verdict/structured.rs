//! Reads the structured form of verdict: one JSON object with a checklist, and the checks that make
//! it believable.

use serde_json::{Map, Value};

use crate::certificate::parse_json;
use crate::model::printable;

use super::quotes;
use super::{ChecklistItem, Decision, Met, NO_REASON, Opinion, Question};

/// The reason that a verdict states for a verifier that could not decide and stated none.
const NO_JUDGEMENT: &str = "the verifier could not judge the artifact and does not say why";

/// The largest number of items that a list in a verdict may have. Each quote costs a search through
/// the artifact, and no task has so many requirements.
const LONGEST_LIST: usize = 512;

/// The number of characters of a field's name that a reason shows.
const SHOWN_KEY: usize = 64;

/// The fields of a verdict, as its schema names them. An acceptance with any other field does not
/// count, because the field may take the acceptance back.
const VERDICT_FIELDS: [&str; 4] = ["checklist", "blocking", "verdict", "nonce"];

/// The fields of a checklist item, as the schema of a verdict names them.
const ITEM_FIELDS: [&str; 3] = ["requirement", "evidence_quote", "met"];

/// Reads a structured verdict from a reply, which must contain one JSON object with the nonce of
/// the question. An acceptance must be nothing but this object.
///
/// # Errors
/// The reason why the reply is not in the structured form, or why its acceptance does not count.
pub(super) fn read(reply: &str, question: Question<'_>) -> Result<Opinion, String> {
    let ReplyParts { object, before, after } = object(reply)?;
    if text(&object, "nonce")? != question.nonce {
        return Err("`nonce` is not the one that was given".to_owned());
    }
    let decision = match text(&object, "verdict")? {
        "ACCEPT" => Decision::Accept,
        "REVISE" => Decision::Revise,
        "CANNOT_JUDGE" => Decision::CannotJudge,
        _ => return Err("`verdict` is not ACCEPT, REVISE or CANNOT_JUDGE".to_owned()),
    };
    let checklist: Vec<_> = objects(&object, "checklist")?.map(item).collect::<Result<_, _>>()?;
    let blocking: Vec<_> = objects(&object, "blocking")?.map(blocking).collect::<Result<_, _>>()?;
    if decision == Decision::Accept {
        check_prose(before, after)?;
        check_fields(&object)?;
        quotes::check(&checklist, question.artifact)?;
    }
    Ok(opinion(decision, checklist, blocking))
}

/// The JSON object in a verifier's reply, and the prose around it.
struct ReplyParts<'a> {
    object: Map<String, Value>,
    before: &'a str,
    after: &'a str,
}

/// Returns the one JSON object of a reply, which must be the whole reply or the content of its only
/// fence.
fn object(reply: &str) -> Result<ReplyParts<'_>, String> {
    let (before, text, after) = split_object(reply.trim())
        .ok_or("the reply is not one JSON object, alone or in a single fence")?;
    match parse_json(text.as_bytes()) {
        Ok(Value::Object(object)) => Ok(ReplyParts { object, before, after }),
        Ok(_) => Err("the reply is JSON, but no object".to_owned()),
        Err(error) => Err(format!("the reply is not one JSON object: {error}")),
    }
}

/// Splits a reply into the text before its JSON object, the object, and the text after it. Only the
/// object may stand between the first fence mark and the last. Fence marks within its strings are
/// therefore harmless, and a reply with a second fence cannot be read.
fn split_object(reply: &str) -> Option<(&str, &str, &str)> {
    if reply.starts_with('{') {
        return Some(("", reply, ""));
    }
    let fence = fence(reply)?;
    let (before, rest) = reply.split_once(fence)?;
    let (fenced, after) = rest.rsplit_once(fence)?;
    // A brace in the prose may belong to a second object.
    if before.contains('{') || after.contains('{') {
        return None;
    }
    let (tag, _) = fenced.split_once('{')?;
    let is_json = tag.trim().is_empty() || tag.trim().eq_ignore_ascii_case("json");
    let object = fenced.get(tag.len()..).filter(|_| is_json)?;
    Some((before, object, after))
}

/// Returns the mark of a reply's first fence: three or more backticks or tildes in a row.
fn fence(reply: &str) -> Option<&str> {
    let marks = ["```", "~~~"].into_iter().filter_map(|mark| Some((reply.find(mark)?, mark)));
    let (at, mark) = marks.min()?;
    let rest = reply.get(at..)?;
    let behind = rest.trim_start_matches(mark.chars().next()?);
    rest.get(..rest.len() - behind.len())
}

/// Checks that an acceptance is the whole reply. The prose around its object may take the
/// acceptance back, in words that cannot be foreseen.
fn check_prose(before: &str, after: &str) -> Result<(), String> {
    match (before.trim().is_empty(), after.trim().is_empty()) {
        (true, true) => Ok(()),
        (false, _) => Err("it accepts, and says something before its object".to_owned()),
        (true, false) => Err("it accepts, and says more after its object".to_owned()),
    }
}

/// Checks that an acceptance has no field that was not asked for.
fn check_fields(object: &Map<String, Value>) -> Result<(), String> {
    let items = object.get("checklist").and_then(Value::as_array);
    let of_items = items.into_iter().flatten().filter_map(Value::as_object).flat_map(Map::keys);
    let strange = object.keys().filter(|key| !VERDICT_FIELDS.contains(&key.as_str()));
    let strange = strange.chain(of_items.filter(|key| !ITEM_FIELDS.contains(&key.as_str())));
    let named = |key: &String| {
        let key = printable(key, SHOWN_KEY);
        Err(format!("it accepts with a field that was not asked for: `{key}`"))
    };
    strange.take(1).map(named).next().unwrap_or(Ok(()))
}

/// Reads a text from the object of a structured verdict.
fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a str, String> {
    let text = object.get(key).and_then(Value::as_str);
    text.ok_or_else(|| format!("`{key}` is missing or no text"))
}

/// Reads a list of objects from the object of a structured verdict.
fn objects<'a>(
    object: &'a Map<String, Value>,
    key: &str,
) -> Result<impl Iterator<Item = &'a Map<String, Value>>, String> {
    let list = object.get(key).and_then(Value::as_array).filter(|list| list.len() <= LONGEST_LIST);
    let list = list.filter(|list| list.iter().all(Value::is_object));
    let list =
        list.ok_or_else(|| format!("`{key}` is no list of at most {LONGEST_LIST} objects"))?;
    Ok(list.iter().filter_map(Value::as_object))
}

/// Reads one item of a structured verdict's checklist.
fn item(object: &Map<String, Value>) -> Result<ChecklistItem, String> {
    let met = match text(object, "met")? {
        "yes" => Met::Yes,
        "no" => Met::No,
        "unclear" => Met::Unclear,
        _ => return Err("`met` is not yes, no or unclear".to_owned()),
    };
    Ok(ChecklistItem {
        requirement: text(object, "requirement")?.trim().to_owned(),
        met,
        evidence_quote: text(object, "evidence_quote")?.trim().to_owned(),
    })
}

/// Returns what must change in the artifact, as "what (where): fix" without the empty parts.
fn blocking(object: &Map<String, Value>) -> Result<String, String> {
    let field = |key| text(object, key).map(str::trim);
    let (what, place, fix) = (field("what")?, field("where")?, field("fix")?);
    let place = if place.is_empty() { String::new() } else { format!("({place})") };
    let head = [what, &place].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let head = head.join(" ");
    let reason = [&head, fix].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    Ok(if reason.is_empty() { NO_REASON.to_owned() } else { reason.join(": ") })
}

/// Returns the opinion of a verifier that follows from its structured verdict. An acceptance that
/// contradicts its own checklist becomes a refusal.
fn opinion(decision: Decision, checklist: Vec<ChecklistItem>, blocking: Vec<String>) -> Opinion {
    let unmet: Vec<String> = checklist.iter().filter_map(unmet).collect();
    let given = if blocking.is_empty() { unmet.clone() } else { blocking.clone() };
    let or = |reasons: Vec<String>, none: &str| {
        if reasons.is_empty() { vec![none.to_owned()] } else { reasons }
    };
    let (decision, reasons) = match decision {
        Decision::Accept if blocking.is_empty() && unmet.is_empty() => (decision, Vec::new()),
        Decision::Accept => (Decision::Revise, [blocking, unmet].concat()),
        Decision::Revise => (decision, or(given, NO_REASON)),
        Decision::CannotJudge => (decision, or(given, NO_JUDGEMENT)),
    };
    Opinion { decision, reasons, checklist }
}

/// Returns the reason why the requirement of an item is not met; `None` if it is met.
fn unmet(item: &ChecklistItem) -> Option<String> {
    let requirement = &item.requirement;
    match item.met {
        Met::Yes => None,
        Met::No => Some(format!("not met: {requirement}")),
        Met::Unclear => Some(format!("unclear whether met: {requirement}")),
    }
}
