//! Answers of one letter: options, and letters that stand for themselves.
//!
//! K is the unit kelvin and k is kilo, so a letter keeps its case. The case is ignored only if an
//! answer marks its letter as one of several options.

use super::lead_in::{LeadIn, LedAnswer};
use crate::panel::likeness::Likeness;

/// The last letter that a label such as "Answer:" marks as an option. Questions with more than ten
/// options are rare, and letters such as k, n and x then name a unit or a variable.
const LAST_OPTION: char = 'j';

/// An answer of one letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Letter {
    /// The letter as it was written.
    letter: char,
    /// The way in which the answer marks the letter.
    mark: Mark,
}

/// The way in which an answer marks its letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// The letter stands alone, or in a sentence.
    Bare,
    /// A label says that the letter is the answer, as in `Answer: B`.
    Answer,
    /// The letter is marked as one of several options, as in `(b)` and `Option B`.
    Option,
}

impl Letter {
    /// Reads an answer of one letter of the English alphabet.
    pub(super) fn of(led: &LedAnswer<'_>) -> Option<Self> {
        let inside = in_parentheses(led.said);
        let mut letters = inside.unwrap_or(led.said).chars();
        let letter = letters.next().filter(char::is_ascii_alphabetic)?;
        let mark = match led.by {
            _ if letters.next().is_some() => return None,
            _ if inside.is_some() => Mark::Option,
            LeadIn::Option => Mark::Option,
            LeadIn::Label if letter.to_ascii_lowercase() <= LAST_OPTION => Mark::Answer,
            LeadIn::Label | LeadIn::Sentence | LeadIn::None => Mark::Bare,
        };
        Some(Self { letter, mark })
    }

    /// Compares two letters. A small and a capital letter are one option if both answers mark it as
    /// an option, or if one answer marks it and the other is a bare capital. After the
    /// last usual option the second case would be a guess: `(s)` is a solid, and S is sulphur.
    pub(super) fn likeness(self, other: Self) -> Likeness {
        if !self.letter.eq_ignore_ascii_case(&other.letter) {
            return Likeness::Different;
        }
        let is_capital =
            |letter: Self| ('A'..=LAST_OPTION.to_ascii_uppercase()).contains(&letter.letter);
        let is_one_option = match (self.mark, other.mark) {
            (Mark::Option, Mark::Bare) => is_capital(other),
            (Mark::Bare, Mark::Option) => is_capital(self),
            (Mark::Bare, _) | (_, Mark::Bare) => false,
            (Mark::Answer | Mark::Option, Mark::Answer | Mark::Option) => true,
        };
        match self.letter == other.letter || is_one_option {
            true => Likeness::Same,
            false => Likeness::Unclear,
        }
    }
}

/// Returns the inside of parentheses. The opening parenthesis may be missing.
fn in_parentheses(said: &str) -> Option<&str> {
    let inside = said.strip_suffix([')', '）'])?;
    Some(inside.strip_prefix(['(', '（']).unwrap_or(inside))
}
