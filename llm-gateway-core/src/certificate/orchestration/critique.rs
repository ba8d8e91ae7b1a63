//! Reads what a verifier's reply criticises, with the certificate's own reader.
//!
//! In a verdict in JSON the criticism is the `what` of each blocking fault, or, if it names no
//! fault, each requirement that is not met. The `fix` does not count, because it is meant to be
//! copied. A reply in plain words is one line after another, without the word of the verdict.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::tokens::is_unspaced;
use crate::certificate::json;

/// Pairs of marks that begin and end a quote in a text.
const QUOTE_MARKS: [(char, char); 18] = [
    ('"', '"'),
    ('\'', '\''),
    ('`', '`'),
    ('“', '”'),
    ('„', '“'),
    ('„', '”'),
    ('‘', '’'),
    ('‚', '‘'),
    ('«', '»'),
    ('»', '«'),
    ('»', '»'),
    ('”', '”'),
    ('’', '’'),
    ('‹', '›'),
    ('›', '‹'),
    ('《', '》'),
    ('「', '」'),
    ('『', '』'),
];

/// Marks that also occur within words or after numbers, as an apostrophe does. Such a mark begins a
/// quote only if no letter precedes it, and ends one only if no letter follows. Letters of scripts
/// that write words without spaces, or join endings to them, may be adjacent to any quote.
const AMBIGUOUS: [char; 5] = ['"', '\'', '`', '‘', '’'];

/// The criticism of a verifier, and its quotes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Critique {
    /// Each fault that the reply names.
    pub(super) faults: Vec<String>,
    /// Each passage that the reply quotes, from the artifact or as a text to be written.
    pub(super) quotes: Vec<String>,
}

impl Critique {
    /// Reads what a verifier's reply criticises.
    pub(super) fn read(reply: &str) -> Self {
        let critique = match verdict(reply) {
            Some(verdict) => Self::of_verdict(&verdict),
            None => Self::of_words(reply),
        };
        critique.without_quotes()
    }

    fn of_verdict(verdict: &Map<String, Value>) -> Self {
        let texts = |list: &str, key: &str, counts: &dyn Fn(&Value) -> bool| -> Vec<String> {
            let items = verdict.get(list).and_then(Value::as_array).into_iter().flatten();
            let texts =
                items.filter(|item| counts(item)).filter_map(|item| item.get(key)?.as_str());
            texts.filter(|text| !text.trim().is_empty()).map(str::to_owned).collect()
        };
        let mut faults = texts("blocking", "what", &|_| true);
        if faults.is_empty() {
            let is_unmet = |item: &Value| item.get("met").and_then(Value::as_str) != Some("yes");
            faults = texts("checklist", "requirement", &is_unmet);
        }
        Self { faults, quotes: texts("checklist", "evidence_quote", &|_| true) }
    }

    fn of_words(reply: &str) -> Self {
        let reply = reply.trim();
        let reasons = reply.strip_prefix("REVISE:").unwrap_or(reply);
        Self { faults: vec![reasons.to_owned()], quotes: Vec::new() }
    }

    /// Removes the passages that the faults quote, and makes each remaining line a fault of its
    /// own. If a reply consists of quotes alone, the quotes are its faults.
    fn without_quotes(self) -> Self {
        let (mut faults, mut quotes) = (Vec::new(), self.quotes);
        for fault in &self.faults {
            let Lines { said, quoted } = Lines::of(fault);
            quotes.extend(quoted.into_iter().map(str::to_owned));
            quotes.extend(said.iter().flat_map(|line| marked(line)).map(str::to_owned));
            faults.extend(said);
        }
        let says_something = |line: &&str| line.contains(char::is_alphanumeric);
        let said: Vec<&str> = faults.into_iter().filter(says_something).collect();
        if said.is_empty() {
            let lines = self.faults.iter().flat_map(|fault| fault.lines()).filter(says_something);
            return Self { faults: lines.map(str::to_owned).collect(), quotes: Vec::new() };
        }
        Self { faults: said.into_iter().map(str::to_owned).collect(), quotes }
    }
}

/// The lines of a text in Markdown, divided into its own lines and quoted ones.
#[derive(Default)]
struct Lines<'a> {
    said: Vec<&'a str>,
    quoted: Vec<&'a str>,
}

impl<'a> Lines<'a> {
    /// Divides a text into its lines. A line is quoted if it is in a fence that ends, or behind a
    /// `>`.
    fn of(text: &'a str) -> Self {
        let mut lines = Self::default();
        let mut fenced: Option<Vec<&str>> = None;
        for line in text.lines() {
            let begun = line.trim_start();
            match (["```", "~~~"].into_iter().any(|mark| begun.starts_with(mark)), &mut fenced) {
                (true, Some(inner)) => {
                    lines.quoted.append(inner);
                    fenced = None;
                }
                (true, None) => fenced = Some(Vec::new()),
                (false, Some(inner)) => inner.push(line),
                (false, None) if begun.starts_with('>') => lines.quoted.push(line),
                (false, None) => lines.said.push(line),
            }
        }
        lines.said.extend(fenced.into_iter().flatten());
        lines
    }
}

/// Returns the verdict in a reply: the first JSON object in it, if it has the field of a decision.
/// Words may follow it, with braces among them.
fn verdict(reply: &str) -> Option<Map<String, Value>> {
    let begun = reply.get(reply.find('{')?..)?;
    let mut values = serde_json::Deserializer::from_str(begun).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    let object = begun.get(..values.byte_offset())?;
    match json::parse(object.as_bytes()).ok()? {
        Value::Object(verdict) if verdict.contains_key("verdict") => Some(verdict),
        _ => None,
    }
}

/// Returns the passages of a line between quote marks. Marks around the whole line quote nothing,
/// because they belong to its form.
fn marked(line: &str) -> Vec<&str> {
    let line = line.trim().trim_end_matches(['.', ',', ';']);
    let mut found = Vec::new();
    // Marks that no later mark closes: each is looked for once, so the work is linear.
    let mut open_ended = Vec::new();
    let mut at = 0;
    while let Some((start, mark)) = line.get(at..).and_then(|rest| opening(rest, &open_ended)) {
        let (start, from) = (at + start, at + start + mark.len_utf8());
        let inner = line.get(from..).unwrap_or_default();
        let Some(length) = closing(inner, mark) else {
            open_ended.push(mark);
            at = from;
            continue;
        };
        let quote = inner.get(..length).unwrap_or_default();
        at = from + length;
        at += line.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        if start > 0 || at < line.len() {
            found.push(quote);
        }
    }
    found
}

/// Returns the first mark that begins a quote, with its position. The `open_ended` marks begin no
/// quote.
fn opening(text: &str, open_ended: &[char]) -> Option<(usize, char)> {
    let mut before = ' ';
    text.char_indices().find(|(_, c)| {
        let is_mark =
            QUOTE_MARKS.iter().any(|(opening, _)| opening == c) && !open_ended.contains(c);
        let is_opening = is_mark && !(AMBIGUOUS.contains(c) && goes_on(before));
        before = *c;
        is_opening
    })
}

/// Returns whether a word continues with a character beside a mark.
fn goes_on(c: char) -> bool {
    let is_hangul = ('\u{ac00}'..='\u{d7a3}').contains(&c);
    c.is_alphanumeric() && !is_hangul && !is_unspaced(c)
}

/// Returns the position of the first mark that ends a quote.
fn closing(inner: &str, opening: char) -> Option<usize> {
    let ends = |c: char| QUOTE_MARKS.contains(&(opening, c));
    let mut marks = inner.char_indices().filter(|(_, c)| ends(*c));
    let is_end = |(at, c): &(usize, char)| {
        let behind = inner.get(at + c.len_utf8()..).unwrap_or_default();
        !(AMBIGUOUS.contains(c) && behind.starts_with(goes_on))
    };
    marks.find(is_end).map(|(at, _)| at)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(reply: &str) -> (Vec<String>, Vec<String>) {
        let Critique { faults, quotes } = Critique::read(reply);
        (faults, quotes)
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn what_was_wrong_is_told_from_what_should_be_done() {
        let item =
            |met: &str| json!({"requirement": "adds", "evidence_quote": "a - b", "met": met});
        let fault = |what: &str| json!({"what": what, "where": "line 2", "fix": "write a + b"});
        let reply = |faults: &[&str], met| {
            let blocking: Vec<Value> = faults.iter().map(|what| fault(what)).collect();
            json!({"checklist": [item(met)], "blocking": blocking, "verdict": "REVISE", "nonce": ""})
        };
        let both = reply(&["it subtracts", "it says \"sum\" twice"], "no");
        let expected =
            (texts(&["it subtracts", "it says \"sum\" twice"]), texts(&["a - b", "sum"]));
        for written in [
            both.to_string(),
            format!("Sorry:\n```json\n{both:#}\n```\nThat is all."),
            format!("```json\n{both}\n```\nMind the }} in line 2."),
        ] {
            assert_eq!(read(&written), expected);
        }
        assert_eq!(read(&reply(&[], "unclear").to_string()).0, ["adds"]);
        assert_eq!(read(&reply(&[], "yes").to_string()).0, [""; 0]);
        assert_eq!(read(&reply(&["", " "], "no").to_string()).0, ["adds"]);
    }

    #[test]
    fn a_reply_in_plain_words_is_read_line_by_line() {
        for (reply, faults, quotes) in [
            ("ACCEPT", &["ACCEPT"][..], &[][..]),
            ("REVISE: too long", &[" too long"], &[]),
            ("REVISE:\n- too long\n\n- no title", &["- too long", "- no title"], &[]),
            ("REVISE: no\n```\nso it ends not", &[" no", "so it ends not"], &[]),
            ("It is {too} long.", &["It is {too} long."], &[]),
            ("{\"too\": \"long\"}", &["{\"too\": \"long\"}"], &["too", "long"]),
            ("REVISE: write\n```\nfn a()\n```", &[" write"], &["fn a()"]),
            ("REVISE: write\n> one\nnot two", &[" write", "not two"], &["> one"]),
            // A reply that is quoted as a whole is said all the same.
            ("REVISE: \"too long\"", &[" \"too long\""], &[]),
            ("REVISE:\n```\ntoo long\n```", &["too long"], &[]),
        ] {
            assert_eq!(read(reply), (texts(faults), texts(quotes)), "{reply}");
        }
    }

    #[test]
    fn quotes_stand_between_marks_and_apostrophes_do_not() {
        for (line, quotes) in [
            ("it's the reader's view, isn't it", &[][..]),
            ("write 'seven steps' and “eight”", &["seven steps", "eight"]),
            ("schreib „sieben“ statt »acht« oder ‚neun‘", &["sieben", "acht", "neun"]),
            ("il faut « sept pas »", &[" sept pas "]),
            ("写「七」", &["七"]),
            ("写\"七\"而不写\"八\"", &["七", "八"]),
            ("'칠'을 \"팔\"로", &["칠", "팔"]),
            ("skriv ”sju” och »åtta», écris ‹neuf›", &["sju", "åtta", "neuf"]),
            ("a `let` too many, 5\" wide", &["let"]),
            ("an \"open end", &[]),
            ("say \"it's \"", &["it's "]),
            ("\"all of it\".", &[]),
        ] {
            assert_eq!(marked(line), quotes, "{line}");
        }
        // The work must grow with the length of the line.
        for run in ["\"a ", "„", "'a", "` "] {
            marked(&run.repeat(50_000));
        }
    }
}
