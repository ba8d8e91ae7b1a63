//! Numbers that are compared by their exact value.

/// The most digits of an exponent that is read.
const EXPONENT_DIGITS: usize = 6;

/// A number by its exact value, without rounding. Two spellings of one number are equal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Decimal {
    is_negative: bool,
    /// The digits from the first to the last that is not zero; empty for zero.
    digits: String,
    /// The power of ten by which the digits, as a whole number, are multiplied.
    exponent: i64,
}

impl Decimal {
    /// Creates a number from the digits before and after its point, times a power of ten.
    pub(super) fn new(is_negative: bool, whole: &str, fraction: &str, exponent: i64) -> Self {
        let all = format!("{whole}{fraction}");
        let digits = all.trim_end_matches('0');
        let zeros = all.len().saturating_sub(digits.len());
        let digits = digits.trim_start_matches('0').to_owned();
        let is_zero = digits.is_empty();
        let length = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let exponent =
            exponent.saturating_add(length(zeros)).saturating_sub(length(fraction.len()));
        Self {
            is_negative: is_negative && !is_zero,
            digits,
            exponent: if is_zero { 0 } else { exponent },
        }
    }

    /// Reads a number of JSON.
    pub(super) fn of_json(raw: &str) -> Option<Self> {
        let (is_negative, rest) = match raw.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, raw),
        };
        let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, self::exponent(exponent)?),
            None => (rest, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let is_number = !whole.is_empty() && are_digits(whole) && are_digits(fraction);
        is_number.then(|| Self::new(is_negative, whole, fraction, exponent))
    }
}

/// Reads an exponent of a few digits, with or without a sign.
pub(super) fn exponent(text: &str) -> Option<i64> {
    let digits = text.trim_start_matches(['+', '-']);
    let is_short = digits.len() <= EXPONENT_DIGITS && digits.len() + 1 >= text.len();
    is_short.then(|| text.parse().ok())?
}
