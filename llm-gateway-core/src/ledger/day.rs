//! A calendar day in UTC: a hold belongs to the day in which it was made, and to its month.

use std::fmt;
use std::time::Duration;

use crate::model::{date_utc, printable};

use super::month::Month;

/// The error of a text that does not name a day.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a day: write YYYY-MM-DD, such as 2026-11-30")]
pub struct InvalidDay(String);

/// A calendar day in UTC. It is written as `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day {
    month: Month,
    day: u8,
}

impl Day {
    /// Returns the day of a time since 1970-01-01T00:00:00 UTC, as
    /// [`Clock::now`](crate::clock::Clock::now) returns it. A time after the year 9999 counts as
    /// the last day of that year.
    pub fn of(since_epoch: Duration) -> Self {
        let first = || Self::first_of(Month::of(since_epoch));
        Self::parse(&date_utc(since_epoch)).unwrap_or_else(|_| first())
    }

    /// Returns the first day of a month.
    pub fn first_of(month: Month) -> Self {
        Self { month, day: 1 }
    }

    /// Reads a day from `YYYY-MM-DD`.
    ///
    /// # Errors
    /// [`InvalidDay`] for any other text, and for a day that its month does not have.
    pub fn parse(text: &str) -> Result<Self, InvalidDay> {
        let invalid = || InvalidDay(printable(text, 40));
        let (month, day) = text.rsplit_once('-').ok_or_else(invalid)?;
        let month = Month::parse(month).map_err(|_| invalid())?;
        if day.len() != 2 || !day.chars().all(|c| c.is_ascii_digit()) {
            return Err(invalid());
        }
        let day: u8 = day.parse().map_err(|_| invalid())?;
        match (1..=month.days()).contains(&day) {
            true => Ok(Self { month, day }),
            false => Err(invalid()),
        }
    }

    /// Returns the month of the day.
    pub fn month(self) -> Month {
        self.month
    }

    /// Returns the next day, or `None` after the last day of the year 9999.
    pub fn next(self) -> Option<Self> {
        match self.day < self.month.days() {
            true => Some(Self { day: self.day + 1, ..self }),
            false => self.month.next().map(Self::first_of),
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:02}", self.month, self.day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_utc() {
        let last_second = Duration::from_secs(1_798_761_599);
        assert_eq!(Day::of(last_second).to_string(), "2026-12-31");
        assert_eq!(Day::of(last_second + Duration::from_secs(1)).to_string(), "2027-01-01");
        assert_eq!(Day::of(Duration::ZERO).to_string(), "1970-01-01");
        assert_eq!(Day::of(Duration::MAX).to_string(), "9999-12-31");
    }

    #[test]
    fn the_days_of_four_centuries_follow_each_other() {
        let mut day = Day::parse("1970-01-01").unwrap();
        for number in 0..146_097_u64 {
            assert_eq!(Day::of(Duration::from_secs(number * 86_400)), day);
            assert_eq!(Day::parse(&day.to_string()), Ok(day));
            let next = day.next().unwrap();
            assert!(next > day && next.to_string() > day.to_string(), "{next}");
            day = next;
        }
        assert_eq!(day.to_string(), "2370-01-01");
        assert_eq!(Day::parse("9999-12-31").unwrap().next(), None);
    }

    #[test]
    fn what_is_no_day_is_refused() {
        for good in ["2026-11-30", "2028-02-29", "2000-02-29", "0000-02-29"] {
            assert_eq!(Day::parse(good).map(|day| day.to_string()), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "2026",
            "2026-11",
            "2026-11-0",
            "2026-11-00",
            "2026-11-31",
            "2026-02-29",
            "2100-02-29",
            "2026-11-1",
            "2026-11-001",
            "2026-11-+1",
            "2026-11--1",
            "2026-13-01",
            "26-11-30",
            "2026-11-30 ",
            " 2026-11-30",
            "2026-11-30-",
            "2026/11/30",
            "30-11-2026",
            "2026-11-\u{661}\u{660}",
            "today",
        ] {
            assert!(Day::parse(bad).is_err(), "{bad:?} was taken as a day");
        }
    }
}
