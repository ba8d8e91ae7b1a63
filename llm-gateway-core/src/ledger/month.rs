//! A calendar month in UTC.

use std::fmt;
use std::time::Duration;

use crate::model::{date_utc, printable};

/// The error of a text that does not name a month.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a month: write YYYY-MM, such as 2026-11")]
pub struct InvalidMonth(String);

/// A calendar month in UTC. It is written as `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Month {
    year: u16,
    month: u8,
}

impl Month {
    /// Returns the month of a time since 1970-01-01T00:00:00 UTC, as
    /// [`Clock::now`](crate::clock::Clock::now) returns it.
    pub fn of(since_epoch: Duration) -> Self {
        let date = date_utc(since_epoch);
        let last = Self { year: 9999, month: 12 };
        date.get(..7).and_then(|month| Self::parse(month).ok()).unwrap_or(last)
    }

    /// Reads a month from `YYYY-MM`.
    ///
    /// # Errors
    /// [`InvalidMonth`] for any other text.
    pub fn parse(text: &str) -> Result<Self, InvalidMonth> {
        let invalid = || InvalidMonth(printable(text, 40));
        let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
        let (year, month) = text.split_once('-').ok_or_else(invalid)?;
        if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
            return Err(invalid());
        }
        let month: u8 = month.parse().map_err(|_| invalid())?;
        if !(1..=12).contains(&month) {
            return Err(invalid());
        }
        Ok(Self { year: year.parse().map_err(|_| invalid())?, month })
    }

    /// Returns the next month, or `None` after the last month of the year 9999.
    pub fn next(self) -> Option<Self> {
        match self {
            Self { year: 9999, month: 12 } => None,
            Self { year, month: 12 } => Some(Self { year: year + 1, month: 1 }),
            Self { year, month } => Some(Self { year, month: month + 1 }),
        }
    }

    /// Returns the number of days in the month, by the Gregorian calendar.
    pub(super) fn days(self) -> u8 {
        let leaps = |year: u16| {
            year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
        };
        match self.month {
            2 if leaps(self.year) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_ends_at_midnight_utc() {
        let last_second = Duration::from_secs(1_798_761_599);
        assert_eq!(Month::of(last_second).to_string(), "2026-12");
        assert_eq!(Month::of(last_second + Duration::from_secs(1)).to_string(), "2027-01");
        assert_eq!(Month::of(Duration::MAX).to_string(), "9999-12");
    }

    #[test]
    fn a_december_is_followed_by_the_next_year() {
        let next = |month| Month::parse(month).unwrap().next().map(|month| month.to_string());
        assert_eq!(next("2026-11").as_deref(), Some("2026-12"));
        assert_eq!(next("2026-12").as_deref(), Some("2027-01"));
        assert_eq!(next("9999-12"), None);
    }

    #[test]
    fn what_is_no_month_is_refused() {
        assert_eq!(Month::parse("2026-01").map(|m| m.to_string()), Ok("2026-01".to_owned()));
        for bad in ["", "2026", "2026-1", "2026-13", "2026-00", "26-01", "2026-+1", "2026-01-01"] {
            assert!(Month::parse(bad).is_err(), "{bad:?} was taken as a month");
        }
    }
}
