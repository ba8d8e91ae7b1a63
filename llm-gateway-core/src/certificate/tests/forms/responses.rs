//! Rewrites responses in the forms in which servers and proxies send them.

use serde_json::{Value, json};

use super::dice::Dice;
use super::documents::{garble, written};
use crate::model::Dialect;

/// Events without a part of an answer.
const HEARTBEATS: &[&str] = &[
    ": keep-alive",
    "data:",
    "data: ",
    "data",
    "data: null",
    "data: 7",
    "data: ping",
    "data: still thinking, please wait",
    "data: []",
    "data: {}",
    "data: \"\"",
    "event: ping\ndata: {\"type\": \"ping\"}",
    "event: ping\ndata: {it is eight}",
    "event: heartbeat\ndata",
    "event: keepalive\nid: 7\nretry: 100\ndata:",
    "id: 7",
    "",
];

/// Content types that a body may be sent with, whatever it is.
const CONTENT_TYPES: &[&str] = &[
    "application/json",
    "application/json; charset=utf-8",
    "text/event-stream",
    "text/event-stream; charset=utf-8",
    "text/plain",
    "application/x-ndjson",
    "application/octet-stream",
];

/// Returns a response in another form; `None` for one whose body shows no form.
pub(super) fn changed(
    dialect: Dialect,
    response: &Value,
    is_answer: bool,
    dice: &mut Dice,
) -> Option<Value> {
    let body = response["body_text"].as_str().unwrap();
    let blocks = blocks(body);
    let is_stream = body.starts_with(['d', 'e', ':', '\u{feff}']) && !blocks.is_empty();
    let changed = match is_stream {
        true if is_answer && dice.once_in(5) => lines(&blocks, dice)?,
        true if !is_answer && !body.ends_with("\n\n") => return None,
        true => events(dialect, &blocks, is_answer, dice),
        false => whole(body, dice)?,
    };
    let mark = if dice.once_in(4) && !body.starts_with('\u{feff}') { "\u{feff}" } else { "" };
    let mut headers = response["headers"].as_object().unwrap().clone();
    if !dice.once_in(3) {
        headers.retain(|name, _| !name.eq_ignore_ascii_case("content-type"));
        if dice.once_in(2) {
            headers.insert("content-type".to_owned(), json!(dice.pick(CONTENT_TYPES)));
        }
    }
    let body = format!("{mark}{changed}");
    Some(json!({"status": 200, "headers": headers, "body_text": body}))
}

/// Texts that are inserted into a body to damage it.
const DAMAGE: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\r",
    "\n\n",
    "data: ",
    "data: [DONE]\n\n",
    "null",
    "1e999",
    "\\ud83d",
    "\\u12",
    "\t",
    "\u{0}",
    "\u{fffd}",
    "-",
    "7",
    "true",
    "error",
    "\"error\": \"x\",",
    "\"stop\"",
    "event: error\n",
    " ",
];

/// Returns a response in which some values are replaced.
pub(super) fn garbled(response: &Value, dice: &mut Dice) -> Value {
    let body = response["body_text"].as_str().unwrap();
    let garbled = |mut document: Value, dice: &mut Dice| {
        (0..=dice.roll(2)).for_each(|_| garble(&mut document, dice));
        document.to_string()
    };
    let body = match serde_json::from_str(body) {
        Ok(document) => garbled(document, dice),
        Err(_) => {
            let line = |line: &str| match document(line) {
                Some(document) if dice.once_in(3) => format!("data: {}\n", garbled(document, dice)),
                _ => format!("{line}\n"),
            };
            body.lines().map(line).collect()
        }
    };
    let mut changed = response.clone();
    changed["body_text"] = body.into();
    changed
}

/// Returns a response with a damaged body.
pub(super) fn damaged(response: &Value, dice: &mut Dice) -> Value {
    let body = response["body_text"].as_str().unwrap();
    let mut body: Vec<char> = body.chars().collect();
    for _ in 0..=dice.roll(3) {
        let at = dice.roll(body.len() + 1);
        let length = dice.roll(body.len() - at + 1).min(dice.pick(&[0, 1, 4, 60]));
        let inserted: Vec<char> = match dice.roll(4) {
            0 => Vec::new(),
            1 => {
                let from = dice.roll(body.len() + 1);
                let length = dice.roll(body.len() - from + 1).min(80);
                body[from..from + length].to_vec()
            }
            _ => dice.pick(DAMAGE).chars().collect(),
        };
        body.splice(at..at + length, inserted);
    }
    if dice.once_in(6) {
        body.truncate(dice.roll(body.len() + 1));
    }
    let mut damaged = response.clone();
    damaged["body_text"] = body.into_iter().collect::<String>().into();
    damaged
}

/// Splits a stream into its events, each with its lines.
fn blocks(body: &str) -> Vec<Vec<&str>> {
    let mut blocks = vec![Vec::new()];
    for line in body.lines() {
        match line {
            "" => blocks.push(Vec::new()),
            line => blocks.last_mut().unwrap().push(line),
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// Returns the document in a line with data.
fn document(line: &str) -> Option<Value> {
    let data = line.strip_prefix("data:")?;
    serde_json::from_str(data).ok().filter(Value::is_object)
}

fn whole(body: &str, dice: &mut Dice) -> Option<String> {
    let document: Value = serde_json::from_str(body).ok()?;
    let before = dice.pick(&["", "", "\n", " \r\n"]);
    let after = dice.pick(&["", "\n", "\r\n\r\n"]);
    Some(format!("{before}{}{after}", written(&document, dice)))
}

fn events(dialect: Dialect, blocks: &[Vec<&str>], is_answer: bool, dice: &mut Dice) -> String {
    let end = dice.pick(&["\n", "\r\n", "\r"]);
    let counts_events = dice.once_in(3) && has_one_choice(blocks);
    let mut body = String::new();
    for (n, block) in blocks.iter().enumerate() {
        for _ in 0..dice.roll(2) {
            heartbeat(dialect, end, dice, &mut body);
        }
        for line in block {
            let line = match document(line) {
                Some(mut document) => {
                    if counts_events && let Some(index) = document.pointer_mut("/choices/0/index") {
                        *index = json!(n);
                    }
                    format!("data:{}{}", dice.pick(&[" ", ""]), written(&document, dice))
                }
                None => (*line).to_owned(),
            };
            body.push_str(&line);
            body.push_str(end);
        }
        body.push_str(end);
    }
    match dice.roll(3) {
        // What breaks off stays as it is: whether it may be cut decides what it means.
        _ if !is_answer => {}
        0 => body.truncate(body.trim_end_matches(['\r', '\n']).len()),
        1 => heartbeat(dialect, end, dice, &mut body),
        _ => {}
    }
    body
}

fn heartbeat(dialect: Dialect, end: &str, dice: &mut Dice, body: &mut String) {
    let heartbeat = match dialect {
        Dialect::Anthropic | Dialect::Gemini if dice.once_in(6) => "data: [DONE]",
        _ => dice.pick(HEARTBEATS),
    };
    body.push_str(&format!("{}{end}{end}", heartbeat.replace('\n', end)));
}

/// Returns the documents of a stream, one a line; `None` for a stream whose events are no
/// documents.
fn lines(blocks: &[Vec<&str>], dice: &mut Dice) -> Option<String> {
    // A line has no name for its event, so an event that has its type there alone is lost.
    let is_named = |block: &&Vec<&str>| block.iter().any(|line| line.starts_with("event:"));
    let types = |line: &&str| document(line).is_some_and(|data| data.get("type").is_some());
    if blocks.iter().filter(is_named).any(|block| !block.iter().any(types)) {
        return None;
    }
    let data = blocks.iter().flatten().filter(|line| line.starts_with("data"));
    let end = dice.pick(&["\n", "\r\n", "\n\n"]);
    let mut lines = Vec::new();
    for line in data {
        match document(line) {
            Some(document) => lines.push(written(&document, dice)),
            None if *line == "data: [DONE]" => lines.push("[DONE]".to_owned()),
            None => return None,
        }
    }
    let last = dice.pick(&["", end]);
    Some(lines.join(end) + last)
}

/// Returns whether no event has more than one choice, and all have the first choice.
fn has_one_choice(blocks: &[Vec<&str>]) -> bool {
    blocks.iter().flatten().filter_map(|line| document(line)).all(|document| {
        let choices = document["choices"].as_array();
        choices.is_none_or(|choices| {
            choices.len() < 2 && choices.iter().all(|choice| choice["index"] == json!(0))
        })
    })
}
