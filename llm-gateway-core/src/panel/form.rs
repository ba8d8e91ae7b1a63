//! The normal form of a panel's answer: its meaning, whatever its spelling.

use serde_json::Value;

/// The tolerance within which two fractions are the same number, printed differently: the largest
/// difference of their parts after the point, as a share.
const FRACTION_TOLERANCE: f64 = 1e-9;

/// The largest whole number that the canonical form of JSON keeps. RFC 8785 has only doubles, so
/// above this number different numbers are written alike.
const MOST_IN_JSON: u64 = (1 << 53) - 1;

/// Words that often precede an answer and are left out of its normal form.
const LEAD_INS: [&str; 6] = [
    "the final answer is",
    "the answer is",
    "the correct answer is",
    "final answer",
    "answer",
    "option",
];

/// The normal form of an answer, in which answers are compared.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// An answer that is a whole number. Its digits are compared exactly.
    Whole(String),
    /// An answer that is a number with a fraction. The digits before the point are compared
    /// exactly; otherwise cents would be lost in millions.
    Fraction {
        /// The sign of the number and its digits before the point.
        whole: String,
        /// The part of the number after the point, below one.
        rest: f64,
    },
    /// An answer that is yes or no, true or false.
    Truth(bool),
    /// An answer that is a letter, which names one of several options, as a capital.
    Option(char),
    /// An answer that is a JSON object or array, in canonical form (RFC 8785).
    Json(Vec<u8>),
    /// An answer that is any other text. A single line loses the marks around it, repeated spaces
    /// and a full stop; several lines lose nothing.
    Text(String),
}

impl Form {
    /// Returns the normal form of an answer.
    pub(super) fn of(text: &str) -> Self {
        let text = text.trim();
        let bare = unfenced(text);
        if let Some(canonical) = json(bare) {
            return Self::Json(canonical);
        }
        if text.lines().nth(1).is_some() {
            return Self::Text(text.to_owned());
        }
        let plain = plain(text);
        let lower = plain.to_lowercase();
        let said = without_lead_in(&lower);
        option(said)
            .map(Self::Option)
            .or_else(|| truth(said).map(Self::Truth))
            .or_else(|| number(said))
            .unwrap_or(Self::Text(plain))
    }

    /// Returns the name of the answer's form, as envelopes show it.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Whole(_) | Self::Fraction { .. } => "number",
            Self::Truth(_) => "boolean",
            Self::Option(_) => "option_letter",
            Self::Json(_) => "canonical_json",
            Self::Text(_) => "normalized_exact",
        }
    }

    /// Returns whether two answers in normal form are the same.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fraction { whole, rest }, Self::Fraction { whole: as_whole, rest: other }) => {
                whole == as_whole && (rest - other).abs() <= FRACTION_TOLERANCE * rest.max(*other)
            }
            (one, other) => one == other,
        }
    }
}

/// Returns the inside of a fenced block if the whole text is one, else the text.
fn unfenced(text: &str) -> &str {
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    match inside.and_then(|inside| inside.split_once('\n')) {
        Some((language, body)) if !language.contains('`') => body.trim(),
        _ => text,
    }
}

/// Returns the canonical form of a JSON object or array, if reading it lost nothing. A repeated key
/// or a number that is rounded has no form that every reader understands alike.
fn json(text: &str) -> Option<Vec<u8>> {
    let value: Value = text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok())??;
    let written = value.to_string();
    let is_read_alike = written == without_space(text) && keeps_whole_numbers(&value);
    is_read_alike.then(|| serde_json_canonicalizer::to_vec(&value).ok())?
}

/// Returns whether the canonical form of JSON keeps every whole number in a value.
fn keeps_whole_numbers(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let whole = number.as_u64().or(number.as_i64().map(i64::unsigned_abs));
            whole.is_none_or(|whole| whole <= MOST_IN_JSON)
        }
        Value::Array(items) => items.iter().all(keeps_whole_numbers),
        Value::Object(fields) => fields.values().all(keeps_whole_numbers),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Returns JSON without the space between its tokens.
fn without_space(text: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let kept = in_string || !c.is_ascii_whitespace();
        in_string ^= *c == '"' && !escaped;
        escaped = in_string && *c == '\\' && !escaped;
        kept
    };
    text.chars().filter(keep).collect()
}

/// Returns a line of an answer with single spaces, without the emphasis around it and the full stop
/// after it.
fn plain(line: &str) -> String {
    let spaced = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let unmarked = unmarked(&spaced);
    // A point within code is not a full stop.
    let sentence = if spaced.ends_with('`') { unmarked } else { without_full_stop(unmarked) };
    self::unmarked(sentence).to_owned()
}

/// Returns a line of an answer without the full stop at its end. A point after a space, a point or
/// a slash is a name instead, such as the folder in `git add .`.
fn without_full_stop(line: &str) -> &str {
    match line.strip_suffix('.') {
        Some(sentence) if !sentence.is_empty() && !sentence.ends_with([' ', '.', '/', '\\']) => {
            sentence
        }
        _ => line,
    }
}

/// Returns a line of an answer without the marks that stand on both sides of it.
fn unmarked(line: &str) -> &str {
    let mut line = line.trim();
    while let Some(inside) = ["**", "*", "`", "\""]
        .iter()
        .find_map(|mark| line.strip_prefix(mark)?.strip_suffix(mark))
        .filter(|inside| !inside.is_empty())
    {
        line = inside.trim();
    }
    line
}

/// Returns an answer without a lead-in, such as "the answer is".
fn without_lead_in(plain: &str) -> &str {
    let marks = |c: char| matches!(c, '*' | '`' | '"' | ' ' | ':');
    let rest = LEAD_INS.iter().find_map(|lead_in| plain.strip_prefix(lead_in));
    // A word that only begins like one of these stays.
    rest.filter(|rest| rest.starts_with(marks)).map_or(plain, |rest| rest.trim_matches(marks))
}

fn option(said: &str) -> Option<char> {
    let inside = said.trim_start_matches('(').trim_end_matches([')', '.']);
    let mut letters = inside.chars();
    match (letters.next(), letters.next()) {
        (Some(letter @ 'a'..='z'), None) => Some(letter.to_ascii_uppercase()),
        _ => None,
    }
}

fn truth(said: &str) -> Option<bool> {
    match said {
        "yes" | "true" => Some(true),
        "no" | "false" => Some(false),
        _ => None,
    }
}

/// Reads a number in digits, with or without separators of thousands. A number that countries read
/// differently (`1,5`, `1.000`, `1.500`) is not read.
fn number(said: &str) -> Option<Form> {
    let (sign, digits) = match said.strip_prefix(['-', '\u{2212}']) {
        Some(digits) => ("-", digits),
        None => ("", said),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !fraction.is_empty() && !is_number(fraction) {
        return None;
    }
    let digits = without_separators(whole).filter(|digits| is_number(digits))?;
    // In countries where a point separates thousands this is another number than the one without
    // its last zero.
    if may_start_groups(whole) && fraction.len() == 3 && fraction.ends_with('0') {
        return None;
    }
    let whole = digits.trim_start_matches('0');
    if fraction.bytes().all(|digit| digit == b'0') {
        let sign = if whole.is_empty() { "" } else { sign };
        return (fraction.len() != 3).then(|| Form::Whole(format!("{sign}{whole}")));
    }
    let rest = format!("0.{fraction}").parse().ok()?;
    Some(Form::Fraction { whole: format!("{sign}{whole}"), rest })
}

/// Returns whether groups of three digits may follow the first digits of a number.
fn may_start_groups(first: &str) -> bool {
    first.len() <= 3 && !first.starts_with('0')
}

/// Returns the digits of a whole number without its separators of thousands. The separators must be
/// alike and stand before groups of three digits, after one to three digits that do not begin with
/// a zero (to many, `0,125` is an eighth).
fn without_separators(whole: &str) -> Option<String> {
    let Some(separator) = whole.chars().find(|c| matches!(c, ',' | ' ' | '_')) else {
        return Some(whole.to_owned());
    };
    let mut groups = whole.split(separator);
    let leads = groups.next().is_some_and(may_start_groups);
    let grouped = leads && groups.all(|group| group.len() == 3);
    grouped.then(|| whole.replace(separator, ""))
}
