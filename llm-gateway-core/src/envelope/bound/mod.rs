//! Shortens an envelope to a number of characters, while its JSON stays valid.
//!
//! Texts that models wrote are cut to their heads and tails, each to a share of the room. What
//! stands around them gives way step by step, by the rule of the file `shortening`.

mod gap;
mod shortening;
mod texts;
mod width;

use serde_json::json;

pub(super) use gap::{Gap, PAGED_GAP, PLAIN_GAP};
pub(super) use width::{escaped_width, json_chars};

use gap::SHORT_GAP;
use shortening::{STEPS, remains};
use texts::Texts;

use super::Envelope;

/// Shortens an envelope to at most `max_chars` characters of JSON.
pub(super) fn bounded(envelope: Envelope, max_chars: usize, gap: &Gap) -> Envelope {
    match envelope.fits(max_chars) {
        true => envelope,
        false => shortened(envelope, max_chars, gap),
    }
}

/// Shortens an envelope that does not fit to at most `max_chars` characters of JSON.
pub(super) fn shortened(mut envelope: Envelope, max_chars: usize, gap: &Gap) -> Envelope {
    envelope.meta.insert("truncated".to_owned(), json!(true));
    let texts = Texts::taken_from(&mut envelope);
    let Some((mut shortened, room)) = without_texts(&envelope, &texts, max_chars) else {
        return remains(envelope);
    };
    let mut of_gaps = |gap: &Gap| texts.least_room(&mut shortened, gap).0;
    // Where there is next to no room, the words of a gap give way to the text.
    let gap = match room {
        room if room >= 4 * of_gaps(gap) => gap,
        room if room >= of_gaps(&PLAIN_GAP) => &PLAIN_GAP,
        _ => &SHORT_GAP,
    };
    texts.put_back(&mut shortened, room, gap);
    shortened
}

/// Returns what the first step leaves that leaves room for the texts, and that room; `None` if no
/// step does.
fn without_texts(
    envelope: &Envelope,
    texts: &Texts,
    max_chars: usize,
) -> Option<(Envelope, usize)> {
    let wanted = texts.width();
    STEPS.iter().find_map(|step| {
        let mut shortened = step.shortened(envelope);
        let (least, of_numbers) = texts.least_room(&mut shortened, &SHORT_GAP);
        let room = max_chars.checked_sub(json_chars(&shortened) - of_numbers)?;
        let needed = step.for_texts.map_or(least, |part| wanted.min(max_chars / part).max(least));
        (room >= needed).then_some((shortened, room))
    })
}

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod tests;
