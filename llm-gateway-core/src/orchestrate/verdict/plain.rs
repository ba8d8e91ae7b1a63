//! Reads the plain form of verdict: the whole reply is `ACCEPT`, or it begins with `REVISE:`.
//!
//! Nothing similar counts. "ACCEPTANCE criteria are not met" and "I cannot ACCEPT this" contain the
//! word too, and a parser that accepts `**ACCEPT**` would have to guess where to stop.

use super::{Decision, NO_REASON, Opinion};

/// Reads a plain verdict from a reply.
///
/// # Errors
/// The reason why the reply is not in the plain form.
pub(super) fn read(reply: &str) -> Result<Opinion, String> {
    let reply = reply.trim();
    if reply == "ACCEPT" {
        let decision = Decision::Accept;
        return Ok(Opinion { decision, reasons: Vec::new(), checklist: Vec::new() });
    }
    let Some(rest) = reply.strip_prefix("REVISE:") else {
        return Err("the reply is not `ACCEPT` alone and does not begin with `REVISE:`".to_owned());
    };
    let mut reasons: Vec<String> = rest.lines().filter_map(reason).collect();
    if reasons.is_empty() {
        reasons.push(NO_REASON.to_owned());
    }
    Ok(Opinion { decision: Decision::Revise, reasons, checklist: Vec::new() })
}

/// Returns the text of a line of reasons, without the mark or number that makes it a list item.
fn reason(line: &str) -> Option<String> {
    let line = line.trim();
    let unmarked = line.trim_start_matches(['-', '*', '•']);
    let unnumbered = line.trim_start_matches(|c: char| c.is_ascii_digit());
    let item = if unmarked.len() < line.len() {
        unmarked
    } else if unnumbered.len() < line.len() {
        // A number without a mark after it belongs to the sentence: "3 tests fail".
        unnumbered.strip_prefix(['.', ')']).filter(|rest| rest.starts_with(' ')).unwrap_or(line)
    } else {
        line
    };
    let item = item.trim();
    (!item.is_empty()).then(|| item.to_owned())
}
