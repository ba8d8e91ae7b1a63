//! Checks the body of a request: compares each leaf with the allow-list of its format.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Finding, MOST_REQUEST_FINDINGS, ReadRequest, ShownText};
use crate::certificate::json::{self, Leaf, PathStep};

/// The content that a place in a request's body may have.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holds {
    /// The place holds the id of the declared model.
    Model,
    /// The place holds a whole number that is not negative.
    Whole,
    /// The place holds true or false.
    Truth,
    /// The place holds this word of the protocol.
    Word(&'static str),
    /// The place holds the speaker of a turn: the format's word for the user, or for the system if
    /// it has one.
    Speaker { user: &'static str, system: Option<&'static str> },
    /// The place holds a system text above the conversation.
    System,
    /// The place holds a text of a turn.
    Said,
}

#[derive(Clone, Copy)]
enum TurnSpeaker {
    User,
    System,
}

/// A turn while its leaves are read.
#[derive(Default)]
struct OpenTurn {
    speaker: Option<TurnSpeaker>,
    texts: Vec<ShownText>,
}

/// A walk over a body, leaf by leaf.
struct BodyWalk<'a> {
    model: &'a str,
    asked: ReadRequest,
    turns: BTreeMap<usize, OpenTurn>,
}

/// Reads a body. In a place, `*` means any index of a list. The values of `schema` are allowed at
/// their places if all of them are present and complete; otherwise these leaves are checked like
/// all others.
pub(super) fn read(
    places: &[(&str, Holds)],
    model: &str,
    schema: &[(&str, Value)],
    body: &Value,
) -> ReadRequest {
    let mut walk = BodyWalk { model, asked: ReadRequest::default(), turns: BTreeMap::new() };
    let is_whole = schema.iter().all(|(place, known)| body.pointer(place) == Some(known));
    let of_schema = |leaf: &Leaf<'_>| schema.iter().any(|(place, _)| is_below(leaf, place));
    for leaf in json::leaves(body) {
        if is_whole && of_schema(&leaf) {
            continue;
        }
        let taken = match places.iter().find(|(place, _)| is_at(&leaf, place)) {
            Some((_, holds)) => walk.take(*holds, &leaf),
            None => Err("is no place of the protocol"),
        };
        let told = taken.err().filter(|_| walk.asked.findings.len() < MOST_REQUEST_FINDINGS);
        let stray = told.map(|what| Finding::new(leaf.pointer(), what).holding(leaf.text()));
        walk.asked.findings.extend(stray);
    }
    walk.finish()
}

impl BodyWalk<'_> {
    /// Checks a leaf that may be at a place, and records its text.
    ///
    /// # Errors
    /// The leaf is not what the place may contain; the text says so.
    fn take(&mut self, holds: Holds, leaf: &Leaf<'_>) -> Result<(), &'static str> {
        let text = || leaf.value.as_str().ok_or("is no text");
        let shown = |text: &str| ShownText { at: leaf.pointer(), text: text.to_owned() };
        match holds {
            Holds::Whole => leaf.value.is_u64().then_some(()).ok_or("is no whole number"),
            Holds::Truth => {
                leaf.value.is_boolean().then_some(()).ok_or("is neither true nor false")
            }
            Holds::Model => {
                (text()? == self.model).then_some(()).ok_or("is not the declared model")
            }
            Holds::Word(word) => {
                (text()? == word).then_some(()).ok_or("is no word of the protocol")
            }
            Holds::Speaker { user, system } => {
                self.turn(leaf).speaker = Some(match text()? {
                    word if word == user => TurnSpeaker::User,
                    word if Some(word) == system => TurnSpeaker::System,
                    _ => return Err("is a speaker that a blind request has not"),
                });
                Ok(())
            }
            Holds::System => {
                self.asked.system.push(shown(text()?));
                Ok(())
            }
            Holds::Said => {
                self.turn(leaf).texts.push(shown(text()?));
                Ok(())
            }
        }
    }

    /// Returns the turn that a leaf belongs to.
    fn turn(&mut self, leaf: &Leaf<'_>) -> &mut OpenTurn {
        self.turns.entry(first_index(leaf)).or_default()
    }

    /// Assigns each turn to its speaker.
    fn finish(self) -> ReadRequest {
        let Self { mut asked, turns, .. } = self;
        for (index, OpenTurn { speaker, mut texts }) in turns {
            match speaker {
                Some(TurnSpeaker::User) => asked.turns.push(texts),
                Some(TurnSpeaker::System) => asked.system.append(&mut texts),
                None => {
                    let said: Vec<String> = texts.into_iter().map(|shown| shown.text).collect();
                    let turn = format!("turn {index}");
                    let stray = Finding::new(turn, "has no known speaker").holding(said.concat());
                    asked.findings.push(stray);
                }
            }
        }
        asked
    }
}

/// Returns whether a leaf is exactly at a place.
fn is_at(leaf: &Leaf<'_>, place: &str) -> bool {
    let mut steps = leaf.path.iter();
    let matches = place.split('/').skip(1).all(|wanted| match steps.next() {
        Some(PathStep::Key(key)) => *key == wanted,
        Some(PathStep::Index(_)) => wanted == "*",
        None => false,
    });
    matches && steps.next().is_none()
}

/// Returns whether a leaf is at a place, or within the value at that place.
fn is_below(leaf: &Leaf<'_>, place: &str) -> bool {
    let mut steps = leaf.path.iter();
    place.split('/').skip(1).all(|wanted| steps.next() == Some(&PathStep::Key(wanted)))
}

/// Returns the first index on the way to a leaf, which is the number of its turn.
fn first_index(leaf: &Leaf<'_>) -> usize {
    let index = |step: &PathStep<'_>| match step {
        PathStep::Index(index) => Some(*index),
        PathStep::Key(_) => None,
    };
    leaf.path.iter().find_map(index).unwrap_or_default()
}
