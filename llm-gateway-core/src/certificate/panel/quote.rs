//! Detects whether the caller's text quotes an answer that this process returned before.
//!
//! A caller may quote an answer, but members that are shown it are not blind to it, so the
//! certificate warns. Only letters and digits are compared, without case, because a quotation may
//! be wrapped differently, marked line by line or set in other quotes. The work is linear in the
//! length of the texts, which is bounded.

use std::collections::HashSet;

use crate::model::as_seen;

/// The number of equal letters and digits in a row that counts as a quotation.
const QUOTED_RUN: usize = 52;

/// The number of letters and digits from which on an answer shorter than [`QUOTED_RUN`] counts as
/// quoted, if it is found as a whole. Shorter answers would be found in most texts.
const SHORTEST_WHOLE: usize = 20;

/// The number of characters of one text that are searched for quotations: about as many as the
/// largest context holds.
const MOST_SEARCHED: usize = 4 * 1024 * 1024;

/// The caller's texts, prepared to be searched for quotations.
pub(super) struct Windows {
    /// Letters and digits of each text.
    texts: Vec<String>,
    runs: HashSet<u64>,
}

impl Windows {
    /// Prepares the caller's texts to be searched for quotations.
    pub(super) fn of<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let texts: Vec<String> = texts.into_iter().map(letters).collect();
        let runs = texts.iter().flat_map(|text| hashes(text)).collect();
        Self { texts, runs }
    }

    /// Returns whether the caller's texts contain a run of `answer`, or all of a short answer.
    pub(super) fn quote(&self, answer: &str) -> bool {
        let answer = letters(answer);
        match answer.chars().take(QUOTED_RUN).count() {
            QUOTED_RUN => hashes(&answer).any(|hash| self.runs.contains(&hash)),
            SHORTEST_WHOLE.. => self.texts.iter().any(|text| text.contains(&answer)),
            _ => false,
        }
    }
}

/// Returns the letters and digits of a text in lower case, as a reader sees them.
fn letters(text: &str) -> String {
    let start = text.char_indices().nth(MOST_SEARCHED).and_then(|(end, _)| text.get(..end));
    let seen = as_seen(start.unwrap_or(text));
    seen.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Returns the hash of every window of [`QUOTED_RUN`] characters in a text: a polynomial modulo
/// 2^64. If two windows have the same hash by chance, the only effect is a needless warning.
fn hashes(text: &str) -> impl Iterator<Item = u64> + '_ {
    const BASE: u64 = 0x9e37_79b9_7f4a_7c15;
    // Spreads a character over 64 bits, so that the low bits of the hash depend on it as well.
    let spread = |c: char| {
        let mixed = (u64::from(c) + 1).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 29)
    };
    let leaving_weight = BASE.wrapping_pow(QUOTED_RUN as u32);
    let mut hash = 0u64;
    let roll = move |(entering, leaving): (char, Option<char>)| {
        let left = leaving.map_or(0, |c| spread(c).wrapping_mul(leaving_weight));
        hash = hash.wrapping_mul(BASE).wrapping_add(spread(entering)).wrapping_sub(left);
        hash
    };
    let leaving = std::iter::repeat_n(None, QUOTED_RUN).chain(text.chars().map(Some));
    text.chars().zip(leaving).map(roll).skip(QUOTED_RUN - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "Ninety-one is seven times thirteen, and therefore it is not a prime number \
        at all, whatever people say about odd numbers that end in one.";

    #[test]
    fn a_quotation_is_found_however_it_is_wrapped_and_marked() {
        for question in [
            format!("You said: {ANSWER} Is that so?"),
            ANSWER.replace(' ', "\n"),
            ANSWER
                .split(' ')
                .collect::<Vec<_>>()
                .chunks(4)
                .fold("Somebody said:".to_owned(), |all, line| {
                    format!("{all}\n> {}", line.join(" "))
                }),
            ANSWER.replace("thirteen, and", "thir-\nteen,\n    and"),
            ANSWER.replace(' ', " \u{a0}\t").to_uppercase(),
            format!("| {} |", ANSWER.replace("therefore", "**therefore**")),
            ANSWER.replace(", ", ",&nbsp;").replace("not", "no\u{308}t"),
        ] {
            assert!(Windows::of([question.as_str()]).quote(ANSWER), "{question}");
        }
        for question in [
            "Is ninety-one a prime number, or is it not a prime number at all? What do people say?",
            "",
            "> > >",
        ] {
            assert!(!Windows::of([question]).quote(ANSWER), "{question}");
        }
        // What is said in few letters is found in many texts.
        assert!(!Windows::of(["Yes, of course: yes, of course."]).quote("Yes, of course"));
    }
}
