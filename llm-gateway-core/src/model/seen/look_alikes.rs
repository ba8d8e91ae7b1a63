//! Letters that a reader takes for letters of the Latin alphabet although Unicode keeps them apart
//! under NFKC.
//!
//! Both texts of a comparison are mapped alike, so texts in other alphabets still compare
//! correctly.

use std::collections::HashMap;
use std::sync::LazyLock;

/// Latin letters, each with the letters that look like it: Cyrillic, Greek, Coptic, Cherokee, Lisu,
/// and the small capitals of phonetics. Source: the prototypes in
/// <https://www.unicode.org/Public/security/latest/confusables.txt>, for letters that fonts show
/// alike.
const LOOK_ALIKES: &[(char, &str)] = &[
    ('A', "АΑᎪꓮᴀ"),
    ('B', "ВΒᏴꓐʙ"),
    ('C', "СϹᏟⲤꓚᴄ"),
    ('D', "Ꭰꓓᴅ"),
    ('E', "ЕΕᎬꓰᴇ"),
    ('F', "ϜꓝꜰҒ"),
    ('G', "ԌᏀꓖɢ"),
    ('H', "НΗᎻⲎꓧʜ"),
    ('I', "ІΙӀⲒꓲɪ"),
    ('J', "ЈͿᎫꓙᴊ"),
    ('K', "КΚᏦⲔꓗᴋ"),
    ('L', "ᏞⳐꓡʟ"),
    ('M', "МΜᎷⲘꓟᴍ"),
    ('N', "ΝⲚꓠɴ"),
    ('O', "ОΟⲞꓳᴏ"),
    ('P', "РΡᏢⲢꓑᴘ"),
    ('Q', "Ԛⵕ"),
    ('R', "ᎡᏒꓣʀ"),
    ('S', "ЅՏᏚꓢꜱ"),
    ('T', "ТΤᎢⲦꓔᴛ"),
    ('U', "Սꓴᴜ"),
    ('V', "Ѵꓦᴠ"),
    ('W', "ԜᎳꓪᴡ"),
    ('X', "ХΧⲬꓫ"),
    ('Y', "ҮΥⲨꓬʏ"),
    ('Z', "ΖᏃꓜᴢ"),
    ('a', "аαɑ"),
    ('c', "сϲⲥ"),
    ('d', "ԁ"),
    ('e', "еҽ"),
    ('g', "ɡց"),
    ('h', "һհ"),
    ('i', "іıιɩ"),
    ('j', "јϳ"),
    ('l', "ӏ"),
    ('n', "ո"),
    ('o', "оοօⲟ"),
    ('p', "рρⲣ"),
    ('q', "ԛ"),
    ('s', "ѕ"),
    ('u', "υս"),
    ('v', "ѵν"),
    ('w', "ԝ"),
    ('x', "х"),
    ('y', "уγ"),
];

/// The Latin letter of each letter that looks like one.
static LATIN_LETTERS: LazyLock<HashMap<char, char>> = LazyLock::new(|| {
    let pairs = LOOK_ALIKES.iter().flat_map(|(plain, alike)| alike.chars().map(|c| (c, *plain)));
    pairs.collect()
});

/// The first letters of alphabets in frames and flags, which NFKC leaves as they are: negative
/// circled, negative squared, and regional indicators.
const FRAMED: [u32; 3] = [0x1_f150, 0x1_f170, 0x1_f1e6];

/// Returns the Latin letter that a character is taken for, or the character itself.
pub(super) fn plain(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    let framed = FRAMED.iter().find_map(|first| {
        let n = u32::from(c).checked_sub(*first).filter(|n| *n < 26)?;
        char::from_u32(u32::from('A') + n)
    });
    framed.or_else(|| LATIN_LETTERS.get(&c).copied()).unwrap_or(c)
}
