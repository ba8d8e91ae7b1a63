//! The periods over which money is added up: a calendar day and a calendar month, in UTC.

use std::fmt;

use super::day::Day;
use super::month::Month;

/// The length of time over which a cap adds up what its calls cost.
///
/// The order is that of how long a person has to wait: a session can be ended at any time, a day
/// ends sooner than its month.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Per {
    /// The life of one process. No ledger counts it: the gateway itself keeps such caps.
    Session,
    /// A calendar day, in UTC.
    Day,
    /// A calendar month, in UTC.
    Month,
}

impl Per {
    /// Returns the word that policies and envelopes use: `session`, `day` or `month`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Day => "day",
            Self::Month => "month",
        }
    }

    /// Returns the word that stands before "cap" in a sentence, such as `monthly`.
    pub(crate) fn adjective(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Day => "daily",
            Self::Month => "monthly",
        }
    }
}

impl fmt::Display for Per {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A calendar day or a calendar month in UTC, over which a ledger adds up what calls cost. It is
/// written as `YYYY-MM-DD` or `YYYY-MM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Period {
    /// A calendar day.
    Day(Day),
    /// A calendar month.
    Month(Month),
}

impl Period {
    /// Returns the periods in which a call of `day` counts: the day and its month.
    pub fn all_of(day: Day) -> [Self; 2] {
        [Self::Day(day), Self::Month(day.month())]
    }

    /// Returns the period of the length `per` in which a call of `day` counts. Returns `None` for a
    /// session, which no calendar knows.
    pub fn of(per: Per, day: Day) -> Option<Self> {
        Self::all_of(day).into_iter().find(|period| period.per() == per)
    }

    /// Returns whether a call of `day` counts in the period.
    pub fn contains(self, day: Day) -> bool {
        Self::all_of(day).contains(&self)
    }

    /// Returns the length of the period.
    pub fn per(self) -> Per {
        match self {
            Self::Day(_) => Per::Day,
            Self::Month(_) => Per::Month,
        }
    }

    /// Returns the month itself, or the month of the day.
    pub fn month(self) -> Month {
        match self {
            Self::Day(day) => day.month(),
            Self::Month(month) => month,
        }
    }

    /// Returns the first day after the period, on which its caps begin anew: at 00:00:00 UTC.
    /// Returns `None` at the end of the year 9999.
    pub fn next_begins_on(self) -> Option<Day> {
        match self {
            Self::Day(day) => day.next(),
            Self::Month(month) => month.next().map(Day::first_of),
        }
    }
}

impl From<Day> for Period {
    fn from(day: Day) -> Self {
        Self::Day(day)
    }
}

impl From<Month> for Period {
    fn from(month: Month) -> Self {
        Self::Month(month)
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Day(day) => day.fmt(f),
            Self::Month(month) => month.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_begins_anew_when_the_next_one_begins() {
        let day = Period::from(Day::parse("2026-12-31").unwrap());
        let month = Period::from(Month::parse("2026-12").unwrap());
        for (period, next) in [(day, "2027-01-01"), (month, "2027-01-01")] {
            assert_eq!(period.next_begins_on().unwrap().to_string(), next);
        }
        let november = Period::from(Month::parse("2026-11").unwrap());
        assert_eq!(november.next_begins_on().unwrap().to_string(), "2026-12-01");
        for last in [
            Day::parse("9999-12-31").map(Period::Day).unwrap(),
            Month::parse("9999-12").map(Period::Month).unwrap(),
        ] {
            assert_eq!(last.next_begins_on(), None);
        }
    }

    #[test]
    fn a_call_counts_in_its_day_and_in_its_month() {
        let day = |text| Day::parse(text).unwrap();
        let november = Period::from(Month::parse("2026-11").unwrap());
        assert!(november.contains(day("2026-11-01")) && november.contains(day("2026-11-30")));
        assert!(!november.contains(day("2026-12-01")) && !november.contains(day("2025-11-30")));
        assert!(Period::from(day("2026-11-30")).contains(day("2026-11-30")));
        assert!(!Period::from(day("2026-11-30")).contains(day("2026-11-29")));
    }

    #[test]
    fn the_longest_wait_is_that_for_the_month() {
        assert!(Per::Session < Per::Day && Per::Day < Per::Month);
        assert_eq!(
            [Per::Session, Per::Day, Per::Month].map(Per::as_str),
            ["session", "day", "month"]
        );
    }
}
