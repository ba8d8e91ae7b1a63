//! Finds spellings among the letters of a text.
//!
//! A text is split into adjacent windows of four letters. If a spelling of seven letters or more
//! occurs in the text, one of the windows lies within a given seven of its letters, at one of four
//! offsets. So it is enough to store those four windows of each spelling, and to compare the whole
//! spelling only if one of them occurs. Almost no window of a text is stored, so searching many
//! spellings takes hardly longer than searching one.

use std::ops::Range;

use super::spellings::Spelling;

/// The number of letters in a window.
const WIDTH: usize = 4;

/// The fewest letters of a spelling, in which a window fits at each of its offsets. Shorter
/// spellings would also occur by chance.
const FEWEST_LETTERS: usize = 2 * WIDTH - 1;

/// The number of bits that are kept of the hash of a window.
const HASH_BITS: u32 = 16;

/// The spellings, with the windows by which they are found.
pub(super) struct Spellings {
    /// The spellings in the order of their letters.
    spellings: Vec<Spelling>,
    /// The hashes of the windows, one bit each.
    hashes: Vec<u64>,
    /// The windows in order.
    windows: Vec<Window>,
    /// The number of letters of the longest spelling.
    longest: usize,
}

/// A window of a spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Window {
    letters: u32,
    /// The index of the spelling.
    spelling: usize,
    /// The number of letters of the spelling before the window.
    offset: usize,
}

impl Spellings {
    /// Creates the set of these spellings, without those of too few letters; `None` if none is
    /// left.
    pub(super) fn new(mut spellings: Vec<Spelling>) -> Option<Self> {
        spellings.retain(|spelling| spelling.letters.len() >= FEWEST_LETTERS);
        spellings.sort_unstable_by(|one, other| one.letters.cmp(&other.letters));
        let windows = spellings.iter().enumerate();
        let mut windows: Vec<_> =
            windows.flat_map(|(index, spelling)| Window::of(index, &spelling.letters)).collect();
        windows.sort_unstable();
        let mut hashes = vec![0; 1 << (HASH_BITS - 6)];
        for window in &windows {
            let (word, bit) = hash(window.letters);
            if let Some(word) = hashes.get_mut(word) {
                *word |= bit;
            }
        }
        let longest = spellings.iter().map(|spelling| spelling.letters.len()).max()?;
        Some(Self { spellings, hashes, windows, longest })
    }

    /// Returns the places of each spelling in these letters, overlapping ones included.
    pub(super) fn find(&self, letters: &[u8]) -> Vec<(&Spelling, Range<usize>)> {
        let (windows, _) = letters.as_chunks::<WIDTH>();
        let windows = windows.iter().map(|window| u32::from_le_bytes(*window)).enumerate();
        let mut found = Vec::new();
        for (number, window) in windows {
            let (word, bit) = hash(window);
            if self.hashes.get(word).is_some_and(|word| word & bit != 0) {
                self.compare(letters, number * WIDTH, window, &mut found);
            }
        }
        found
    }

    /// Returns whether a text that ends with `letters` may go on so that these letters begin a
    /// spelling. `written` is that end of the text, with what stands between and behind its
    /// letters.
    pub(super) fn could_begin(&self, letters: &[u8], written: &[u8]) -> bool {
        let first = self.spellings.partition_point(|spelling| &spelling.letters[..] < letters);
        let rest = self.spellings.iter().skip(first);
        let mut begun = rest.take_while(|spelling| spelling.letters.starts_with(letters));
        begun.any(|it| it.letters.len() > letters.len() && it.may_fit(written))
    }

    /// Returns the number of letters of the longest spelling.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Adds the spellings that stand around a window of the text.
    #[cold]
    fn compare<'a>(
        &'a self,
        letters: &[u8],
        at: usize,
        window: u32,
        found: &mut Vec<(&'a Spelling, Range<usize>)>,
    ) {
        let first = self.windows.partition_point(|it| it.letters < window);
        let same = self.windows.iter().skip(first).take_while(|it| it.letters == window);
        for Window { spelling, offset, .. } in same {
            let Some(start) = at.checked_sub(*offset) else { continue };
            let Some(spelling) = self.spellings.get(*spelling) else { continue };
            let range = start..start + spelling.letters.len();
            if letters.get(range.clone()) == Some(&spelling.letters[..]) {
                found.push((spelling, range));
            }
        }
    }
}

impl Window {
    /// Returns the windows of a spelling at each offset. They lie in its middle, because many keys
    /// begin with the same letters.
    fn of(spelling: usize, letters: &[u8]) -> impl Iterator<Item = Self> {
        let from = letters.len().saturating_sub(FEWEST_LETTERS) / 2;
        let windows = letters.windows(WIDTH).enumerate().skip(from).take(WIDTH);
        windows.filter_map(move |(offset, window)| {
            let letters = u32::from_le_bytes(*window.first_chunk()?);
            Some(Self { letters, spelling, offset })
        })
    }
}

/// Returns the place of a window's hash: a word and a bit of it.
fn hash(window: u32) -> (usize, u64) {
    // Knuth's multiplier spreads windows that differ in one letter.
    let hash = window.wrapping_mul(2_654_435_769) >> (u32::BITS - HASH_BITS);
    ((hash >> 6) as usize, 1 << (hash & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(texts: &[&str]) -> Spellings {
        let spelling = |text: &&str| Spelling { letters: text.bytes().collect(), blanks: None };
        Spellings::new(texts.iter().map(spelling).collect()).unwrap()
    }

    #[test]
    fn no_spelling_is_overlooked_wherever_it_stands() {
        for text in ["abcdefg", "aaaaaaa", "sk+canary+openai+9f8e7d6c5b4a39281706f5e4d3c2b1a0"] {
            let spellings = of(&[text, "another"]);
            for before in 0..9 {
                for after in 0..9 {
                    let letters = format!("{}{text}{}", "x".repeat(before), "y".repeat(after));
                    let found = spellings.find(letters.as_bytes());
                    let found: Vec<_> = found.into_iter().map(|(_, range)| range).collect();
                    assert_eq!(found.len(), 1, "{letters}");
                    assert_eq!(found[0], before..before + text.len());
                }
            }
            assert!(
                spellings.find(text[1..].repeat(100).as_bytes()).is_empty() || text == "aaaaaaa"
            );
        }
    }

    #[test]
    fn spellings_that_overlap_are_found_apart() {
        let spellings = of(&["abcdefgh", "abcdefghijk", "efghijklm"]);
        let mut found: Vec<_> =
            spellings.find(b"_abcdefghijklm").iter().map(|it| it.1.clone()).collect();
        found.sort_by_key(|range| (range.start, range.end));
        assert_eq!(found, [1..9, 1..12, 5..14]);
    }

    #[test]
    fn there_may_be_nothing_to_look_for() {
        assert!(Spellings::new(Vec::new()).is_none());
    }
}
