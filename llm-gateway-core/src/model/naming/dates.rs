//! Dates and versions as model ids write them.

/// The number of bytes of the longest date: `2024-08-06`.
pub(super) const LONGEST_DATE: usize = 10;

/// Returns whether a text is a date as model ids write it: `2024-08-06`, `20240806`, `08-06`,
/// `0806`, `2408` or `08-2024`.
pub(super) fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    if !parts.iter().all(|part| is_digits(part)) {
        return false;
    }
    match parts.as_slice() {
        [year, month, day] => is_year(year) && is_month(month) && is_day(day),
        [month, other] => is_month(month) && (is_day(other) || is_year(other)),
        [whole] => match (whole.len(), whole.split_at_checked(2), whole.split_at_checked(4)) {
            (4, Some((first, second)), _) => {
                (is_month(first) && is_day(second)) || (is_short_year(first) && is_month(second))
            }
            (8, _, Some((year, rest))) => {
                let (month, day) = rest.split_at_checked(2).unwrap_or_default();
                is_year(year) && is_month(month) && is_day(day)
            }
            _ => false,
        },
        _ => false,
    }
}

/// Returns whether a text has this many digits, and their number is in a range.
fn is_number(text: &str, digits: usize, range: std::ops::RangeInclusive<u32>) -> bool {
    text.len() == digits && text.parse().is_ok_and(|number| range.contains(&number))
}

fn is_year(text: &str) -> bool {
    is_number(text, 4, 2015..=2099)
}

/// Returns whether a text is a year in two digits. Models with dated names exist since 2020.
fn is_short_year(text: &str) -> bool {
    is_number(text, 2, 20..=99)
}

fn is_month(text: &str) -> bool {
    is_number(text, 2, 1..=12)
}

fn is_day(text: &str) -> bool {
    is_number(text, 2, 1..=31)
}

/// Returns whether a text consists of digits.
pub(super) fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
