//! Answers that are a number in digits.
//!
//! A number is compared as it is written: 3.10 and 3.1 may be one number or two versions. If the
//! policy says so, a number is compared by its value instead, provided that it has only one.
//! Countries read `1.000` and `1,5` differently, and a code such as `007` is no number.

use super::decimal::{Decimal, exponent};
use crate::panel::likeness::Likeness;
use crate::policy::Agree;

/// Characters that separate groups of three digits. Space that can break a line may separate two
/// numbers as well.
const GROUPING: [char; 8] = [',', '.', '_', '\'', '’', '\u{a0}', '\u{202f}', '\u{2009}'];

/// Characters that separate the whole part of a number from its fraction.
const POINTS: [char; 2] = ['.', ','];

/// An answer that is a number in digits.
#[derive(Debug, Clone, PartialEq)]
pub(in super::super) struct Numeral {
    /// The number as it was written.
    written: String,
    /// Every value that a reader may read the number as.
    readings: Vec<Decimal>,
    /// Whether the text may be a code instead of a number: it has leading zeros, as codes have, or
    /// several points, as versions and addresses have.
    is_code: bool,
}

impl Numeral {
    /// Reads a number in digits, with a sign, a fraction, separators of thousands or an exponent.
    pub(super) fn of(said: &str) -> Option<Self> {
        let (is_negative, unsigned) = match said.strip_prefix(['-', '\u{2212}']) {
            Some(rest) => (true, rest),
            None => (false, said.strip_prefix('+').unwrap_or(said)),
        };
        let (mantissa, power) = with_exponent(unsigned)?;
        let readings = readings(mantissa)?;
        let decimal =
            |(whole, fraction): (String, &str)| Decimal::new(is_negative, &whole, fraction, power);
        let has_zeros_in_front =
            mantissa.strip_prefix('0').is_some_and(|rest| rest.starts_with(is_digit));
        let is_code = has_zeros_in_front || mantissa.matches('.').nth(1).is_some();
        let mut values: Vec<Decimal> = readings.into_iter().map(decimal).collect();
        values.dedup();
        Some(Self { written: said.to_owned(), readings: values, is_code })
    }

    /// Compares two numbers, as they are written or by their values.
    pub(super) fn likeness(&self, other: &Self, agree: Agree) -> Likeness {
        let have_one_value = match (self.value(), other.value()) {
            (Some(one), Some(other)) => one == other,
            _ => false,
        };
        let is_same = self.written == other.written || (agree == Agree::ByValue && have_one_value);
        let is_code = self.is_code || other.is_code;
        let may_be_one = self.readings.iter().any(|value| other.readings.contains(value));
        match () {
            () if is_same => Likeness::Same,
            () if is_code || may_be_one => Likeness::Unclear,
            () => Likeness::Different,
        }
    }

    /// Returns the value of the number, if it has only one reading.
    fn value(&self) -> Option<&Decimal> {
        match self.readings.as_slice() {
            [value] if !self.is_code => Some(value),
            _ => None,
        }
    }
}

/// Returns the digits of a number before its exponent, and the exponent. An exponent that has
/// neither a sign nor a point before it may be part of a code, such as `1e3`.
fn with_exponent(unsigned: &str) -> Option<(&str, i64)> {
    let Some((mantissa, power)) = unsigned.split_once(['e', 'E']) else {
        return Some((unsigned, 0));
    };
    let is_exponent = power.starts_with(['+', '-']) || mantissa.contains('.');
    is_exponent.then(|| Some((mantissa, exponent(power)?)))?
}

/// Returns the whole part and the fraction of a number in every way in which it can be read.
/// Returns `None` if it is no number, such as a version of three parts.
fn readings(mantissa: &str) -> Option<Vec<(String, &str)>> {
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let first_mark = mantissa.find(|c| !is_digit(c));
    let last_mark = mantissa.rfind(|c| !is_digit(c));
    let (Some(first), Some(last)) = (first_mark, last_mark) else {
        return (!digits.is_empty()).then(|| vec![(digits, "")]);
    };
    let (whole, rest) = mantissa.split_at_checked(last)?;
    let point = rest.chars().next()?;
    let fraction = rest.strip_prefix(point).filter(|fraction| !fraction.is_empty())?;
    let mut readings = Vec::new();
    if first == last && POINTS.contains(&point) {
        readings.push((whole.to_owned(), fraction));
        // A comma may also separate the items of a list.
        if point == ',' {
            readings.push((digits.clone(), ""));
        }
    } else if POINTS.contains(&point) && !whole.contains(point) {
        readings.extend(grouped(whole).map(|whole| (whole, fraction)));
    }
    if let Some(whole) = grouped(mantissa) {
        readings.push((whole, ""));
    }
    (!readings.is_empty()).then_some(readings)
}

/// Returns the digits of a whole number without its separators of thousands. The separators must be
/// alike and precede groups of three digits, after one to three digits that do not begin with a
/// zero: `0,125` is an eighth.
fn grouped(number: &str) -> Option<String> {
    let separator = number.chars().find(|c| !is_digit(*c)).filter(|c| GROUPING.contains(c))?;
    let mut groups = number.split(separator);
    let first = groups.next()?;
    let leads = (1..=3).contains(&first.len()) && !first.starts_with('0');
    let is_grouped = leads
        && first.chars().all(is_digit)
        && groups.all(|group| group.len() == 3 && group.chars().all(is_digit));
    is_grouped.then(|| number.replace(separator, ""))
}

/// Returns whether a character is a digit from 0 to 9.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}
