//! The structured form: one JSON object with a checklist, and what makes it believable.

use serde_json::{Map, Value};

use crate::certificate::parse_json;

use super::{ChecklistItem, Decision, Met, NO_REASON, Opinion};

/// The reason of a verifier that could not tell and does not say why.
const NO_JUDGEMENT: &str = "the verifier could not judge the artifact and does not say why";

const FENCE: &str = "```";

/// The longest list that is looked at: each quote is a search through the artifact, and no task
/// has so many requirements.
const LONGEST_LIST: usize = 512;

/// Reads a reply that should hold one object, and this `nonce` in it.
pub(super) fn read(reply: &str, artifact: &str, nonce: &str) -> Result<Opinion, String> {
    let ReplyParts { object, before, after } = object(reply)?;
    if text(&object, "nonce")? != nonce {
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
        undisturbed(before, after)?;
        evidence(&checklist, artifact)?;
    }
    Ok(weigh(decision, checklist, blocking))
}

/// A reply: its object, and the prose around that.
struct ReplyParts<'a> {
    object: Map<String, Value>,
    before: &'a str,
    after: &'a str,
}

/// The one object of a reply: all of it, or all of its one fence.
fn object(reply: &str) -> Result<ReplyParts<'_>, String> {
    let (before, text, after) = parts(reply.trim())
        .ok_or("the reply is not one JSON object, alone or in a single fence")?;
    match parse_json(text.as_bytes()) {
        Ok(Value::Object(object)) => Ok(ReplyParts { object, before, after }),
        Ok(_) => Err("the reply is JSON, but no object".to_owned()),
        Err(error) => Err(format!("the reply is not one JSON object: {error}")),
    }
}

/// What stands before the object, the object, and what stands after it. Between the first fence
/// mark and the last there is the object and nothing else, so marks within its strings do no
/// harm, and a second fence makes it unreadable.
fn parts(reply: &str) -> Option<(&str, &str, &str)> {
    if reply.starts_with('{') {
        return Some(("", reply, ""));
    }
    let (before, rest) = reply.split_once(FENCE)?;
    let (fenced, after) = rest.rsplit_once(FENCE)?;
    // A brace in the prose may be a second object's.
    if before.contains('{') || after.contains('{') {
        return None;
    }
    let (tag, _) = fenced.split_once('{')?;
    let is_json = tag.trim().is_empty() || tag.trim().eq_ignore_ascii_case("json");
    let object = fenced.get(tag.len()..).filter(|_| is_json)?;
    Some((before, object, after))
}

/// Whether the prose around an acceptance leaves it as it is: a verifier that thinks better of it
/// says so behind its object, in words that nobody can foresee.
fn undisturbed(before: &str, after: &str) -> Result<(), String> {
    if says_something(after) {
        return Err("it accepts, and says more after its object".to_owned());
    }
    let other = ["REVISE", "CANNOT_JUDGE"].into_iter().find(|word| before.contains(word));
    other.map_or(Ok(()), |word| Err(format!("it accepts, and says `{word}` before its object")))
}

fn text<'a>(object: &'a Map<String, Value>, key: &str) -> Result<&'a str, String> {
    let text = object.get(key).and_then(Value::as_str);
    text.ok_or_else(|| format!("`{key}` is missing or no text"))
}

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

/// What must change: "what (where): fix", without what is empty.
fn blocking(object: &Map<String, Value>) -> Result<String, String> {
    let field = |key| text(object, key).map(str::trim);
    let (what, place, fix) = (field("what")?, field("where")?, field("fix")?);
    let place = if place.is_empty() { String::new() } else { format!("({place})") };
    let head = [what, &place].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    let head = head.join(" ");
    let reason = [&head, fix].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>();
    Ok(if reason.is_empty() { NO_REASON.to_owned() } else { reason.join(": ") })
}

/// Whether an acceptance shows what it rests on.
fn evidence(checklist: &[ChecklistItem], artifact: &str) -> Result<(), String> {
    if checklist.is_empty() {
        return Err("it accepts with an empty `checklist`".to_owned());
    }
    if checklist.iter().any(|item| !says_something(&item.requirement)) {
        return Err("it accepts with an empty `requirement`".to_owned());
    }
    if !checklist.iter().any(|item| says_something(&item.evidence_quote)) {
        return Err("it accepts without a single `evidence_quote`".to_owned());
    }
    let artifact = one_spaced(artifact);
    for (n, item) in checklist.iter().enumerate() {
        if !artifact.contains(&one_spaced(&item.evidence_quote)) {
            let n = n + 1;
            return Err(format!("the `evidence_quote` of item {n} does not stand in the artifact"));
        }
    }
    Ok(())
}

/// Whether there is a letter or a digit: a full stop stands in every artifact.
fn says_something(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// A text in which every run of whitespace is one space: lines are wrapped anew in a quote.
fn one_spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What is decided, all in all: an acceptance that contradicts itself is none.
fn weigh(decision: Decision, checklist: Vec<ChecklistItem>, blocking: Vec<String>) -> Opinion {
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

fn unmet(item: &ChecklistItem) -> Option<String> {
    let requirement = &item.requirement;
    match item.met {
        Met::Yes => None,
        Met::No => Some(format!("not met: {requirement}")),
        Met::Unclear => Some(format!("unclear whether met: {requirement}")),
    }
}
