//! The normal form of an answer: what it says, whatever its spelling.

use serde_json::Value;

/// Two fractions whose parts after the point differ by less than this share are the same, printed
/// differently.
const FRACTION_TOLERANCE: f64 = 1e-9;

/// The largest whole number that the canonical form of JSON keeps (RFC 8785, which knows no
/// numbers but doubles): above it, numbers that differ are written alike.
const MOST_IN_JSON: u64 = (1 << 53) - 1;

/// What is often said before an answer.
const LEAD_INS: [&str; 6] = [
    "the final answer is",
    "the answer is",
    "the correct answer is",
    "final answer",
    "answer",
    "option",
];

/// An answer in its normal form.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Form {
    /// A whole number: its digits, compared exactly.
    Whole(String),
    /// A number with a fraction: what stands before the point is compared exactly, or cents would
    /// be lost in millions.
    Fraction {
        /// The sign and the digits before the point.
        whole: String,
        /// What stands after it, below one.
        rest: f64,
    },
    /// Yes or no.
    Truth(bool),
    /// One of several options, as a capital letter.
    Option(char),
    /// A JSON object or array, in canonical form (RFC 8785).
    Json(Vec<u8>),
    /// Anything else. Only a single line loses anything: marks around it, spaces, a full stop.
    Text(String),
}

impl Form {
    /// Reads an answer.
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

    /// What is compared, as an envelope names it.
    pub(super) fn method(&self) -> &'static str {
        match self {
            Self::Whole(_) | Self::Fraction { .. } => "number",
            Self::Truth(_) => "boolean",
            Self::Option(_) => "option_letter",
            Self::Json(_) => "canonical_json",
            Self::Text(_) => "normalized_exact",
        }
    }

    /// Whether two answers say the same.
    pub(super) fn says_the_same_as(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Fraction { whole, rest }, Self::Fraction { whole: as_whole, rest: other }) => {
                whole == as_whole && (rest - other).abs() <= FRACTION_TOLERANCE * rest.max(*other)
            }
            (one, other) => one == other,
        }
    }
}

/// The inside of a fenced block, if the whole text is one.
fn unfenced(text: &str) -> &str {
    let inside = text.strip_prefix("```").and_then(|rest| rest.strip_suffix("```"));
    match inside.and_then(|inside| inside.split_once('\n')) {
        Some((language, body)) if !language.contains('`') => body.trim(),
        _ => text,
    }
}

/// The canonical form of an object or array, where reading it lost nothing: a key that stands
/// twice, or a number that is rounded, has no form that everybody reads alike.
fn json(text: &str) -> Option<Vec<u8>> {
    let value: Value = text.starts_with(['{', '[']).then(|| serde_json::from_str(text).ok())??;
    let written = value.to_string();
    let is_read_alike = written == without_space(text) && is_kept(&value);
    is_read_alike.then(|| serde_json_canonicalizer::to_vec(&value).ok())?
}

/// Whether the canonical form keeps every whole number.
fn is_kept(value: &Value) -> bool {
    match value {
        Value::Number(number) => {
            let whole = number.as_u64().or(number.as_i64().map(i64::unsigned_abs));
            whole.is_none_or(|whole| whole <= MOST_IN_JSON)
        }
        Value::Array(items) => items.iter().all(is_kept),
        Value::Object(fields) => fields.values().all(is_kept),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// JSON without the space between its tokens.
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

/// A line with single spaces, without the emphasis around it and a full stop after it.
fn plain(line: &str) -> String {
    let spaced = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let unmarked = unmarked(&spaced);
    // Within code it is no full stop.
    let sentence = if spaced.ends_with('`') { unmarked } else { without_full_stop(unmarked) };
    self::unmarked(sentence).to_owned()
}

/// Without the full stop that ends a sentence. One after a space, a stop or a slash is a name: the
/// folder in `git add .`.
fn without_full_stop(line: &str) -> &str {
    match line.strip_suffix('.') {
        Some(sentence) if !sentence.is_empty() && !sentence.ends_with([' ', '.', '/', '\\']) => {
            sentence
        }
        _ => line,
    }
}

/// Without marks that stand on both sides.
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

fn without_lead_in(plain: &str) -> &str {
    let marks = |c: char| matches!(c, '*' | '`' | '"' | ' ' | ':');
    let rest = LEAD_INS.iter().find_map(|lead_in| plain.strip_prefix(lead_in));
    // A word that only begins like a lead-in is none.
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

/// A number in digits, with or without separators of thousands. What is read differently
/// from place to place (`1,5`, `1.000`, `1.500`) is none.
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
    // Where a point separates thousands it is not the number without its last zero.
    if may_lead(whole) && fraction.len() == 3 && fraction.ends_with('0') {
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

/// Whether groups of three digits may follow.
fn may_lead(first: &str) -> bool {
    first.len() <= 3 && !first.starts_with('0')
}

/// A whole number without its separators of thousands, which are all alike: after one to three
/// digits, of which the first is no zero (`0,125` is an eighth to many), each stands before three.
fn without_separators(whole: &str) -> Option<String> {
    let Some(separator) = whole.chars().find(|c| matches!(c, ',' | ' ' | '_')) else {
        return Some(whole.to_owned());
    };
    let mut groups = whole.split(separator);
    let leads = groups.next().is_some_and(may_lead);
    let grouped = leads && groups.all(|group| group.len() == 3);
    grouped.then(|| whole.replace(separator, ""))
}
