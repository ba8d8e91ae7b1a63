//! Caps on what calls may cost in a period, and the refusal of calls by a cap.

use std::fmt;

use crate::model::NanoUsd;

use super::day::Day;
use super::period::{Per, Period};
use super::scope::{Scope, ScopeName, ScopeTotal};

/// The unit of a cap's limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Measure {
    /// Money, in US dollars.
    Usd,
}

/// The most that the calls of a scope may cost in a period.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cap {
    /// Scope whose calls are capped.
    pub scope: Scope,
    /// Measure of the limit.
    pub measure: Measure,
    /// Length of time over which the calls are added up.
    pub per: Per,
    /// The most that the scope's calls may cost together in each period. Reaching the limit is
    /// allowed.
    pub limit: NanoUsd,
}

impl Cap {
    /// Creates a cap of `limit` US dollars on the calls of `scope` in each session, day or month.
    pub fn new(scope: Scope, per: Per, limit: NanoUsd) -> Self {
        Self { scope, measure: Measure::Usd, per, limit }
    }

    /// Returns whether `total` is one that the cap limits: of its scope, and of a period of its
    /// length.
    pub fn limits(&self, total: &ScopeTotal) -> bool {
        self.scope == total.scope && self.per == total.per()
    }

    /// Checks whether calls that may cost `asked` fit under the cap: settled + held + asked must
    /// not be above the limit.
    ///
    /// Calls that ask for nothing are always allowed: a cap that is passed already is no reason to
    /// refuse a call to a local model. A total of another scope, or of another length of time, is
    /// not capped by this cap.
    ///
    /// # Errors
    /// [`CapRefusal`] with every figure.
    pub fn check(&self, total: &ScopeTotal, asked: NanoUsd) -> Result<(), CapRefusal> {
        let sum: u128 =
            [total.settled, total.held, asked].map(|sum| sum.as_nanos().into()).iter().sum();
        let is_free = asked == NanoUsd::ZERO || !self.limits(total);
        match is_free || sum <= u128::from(self.limit.as_nanos()) {
            true => Ok(()),
            false => Err(CapRefusal::new(self.clone(), total, asked)),
        }
    }

    /// Returns the key of the cap in reports: its scope and its length of time, such as
    /// `openai/day`. The cap of a session on everything is `session`.
    pub fn key(&self) -> String {
        match (&self.scope, self.per) {
            (Scope::Total, Per::Session) => Per::Session.as_str().to_owned(),
            (scope, per) => format!("{}/{}", scope.key(), per.as_str()),
        }
    }

    /// Returns the amount that the cap allows beside what `total` has settled and holds.
    pub fn left(&self, total: &ScopeTotal) -> NanoUsd {
        self.limit.saturating_sub(total.settled).saturating_sub(total.held)
    }
}

/// A cap, and what it still allows.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapLeft {
    /// The cap on everything, on one provider or on one task class.
    pub cap: Cap,
    /// The amount that the cap still allows: its limit minus what is spent, held or unsettled.
    pub left: NanoUsd,
}

impl CapLeft {
    /// Returns the tightest of several caps: the one that leaves least. Of several that leave
    /// equally much, the first is returned.
    pub fn tightest(caps: impl IntoIterator<Item = Self>) -> Option<Self> {
        caps.into_iter().min_by_key(|cap| cap.left)
    }

    /// Returns a warning if at least four fifths of the cap are used, with the time when it begins
    /// anew. A cap of zero is no news to anybody, so it warns of nothing.
    pub(crate) fn warning(&self, today: Day) -> Option<String> {
        let Self { cap, left } = self;
        let [left_nanos, limit] = [*left, cap.limit].map(|sum| u128::from(sum.as_nanos()));
        let is_nearly_used = left_nanos * 5 <= limit && limit > 0;
        let renewal = Renewal(Period::of(cap.per, today));
        is_nearly_used.then(|| format!("the {cap} leaves {left}{renewal}"))
    }
}

/// The refusal of calls by a cap, with every figure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the {cap} leaves {}{}, and {asked} may be needed (settled {settled}, held {held}{}){}",
    self.left(), Within(.period), DeadMoney(.unsettled), Outlook(self)
)]
#[non_exhaustive]
pub struct CapRefusal {
    /// Cap that refused the calls.
    pub cap: Cap,
    /// Period in which the refused calls would count; `None` = the life of this process.
    pub period: Option<Period>,
    /// Settled cost of the cap's scope in this period.
    pub settled: NanoUsd,
    /// Money held in the scope in this period, for calls under way and for calls whose process
    /// died.
    pub held: NanoUsd,
    /// The part of the held money that is held by processes that ended: their calls will never be
    /// settled.
    pub unsettled: NanoUsd,
    /// Sum that the refused calls asked of the scope.
    pub asked: NanoUsd,
}

impl CapRefusal {
    /// Describes the refusal by `cap` of calls that asked for `asked`, where `total` is what the
    /// scope of the cap has settled and holds.
    pub fn new(cap: Cap, total: &ScopeTotal, asked: NanoUsd) -> Self {
        let ScopeTotal { period, settled, held, unsettled, .. } = *total;
        Self { cap, period, settled, held, unsettled, asked }
    }

    /// Returns the refusal that lasts longest: waiting for the next day helps nothing if the month
    /// is used up. Of several that last equally long, the first is returned.
    pub fn longest(refusals: impl IntoIterator<Item = Self>) -> Option<Self> {
        refusals.into_iter().reduce(|longest, other| match other.cap.per > longest.cap.per {
            true => other,
            false => longest,
        })
    }

    /// Returns the total of the cap's scope in the period, without the refused calls.
    pub(crate) fn total(&self) -> ScopeTotal {
        let Self { ref cap, period, settled, held, unsettled, .. } = *self;
        ScopeTotal { period, scope: cap.scope.clone(), settled, held, unsettled }
    }

    /// Sets the part of the held money that is held by processes that ended.
    #[must_use]
    pub fn with_unsettled(self, unsettled: NanoUsd) -> Self {
        Self { unsettled, ..self }
    }

    /// Returns `advice`, preceded by how to release the money that dead processes hold, if they
    /// hold any and it would help.
    pub(crate) fn hint(&self, advice: &str) -> String {
        match self.unsettled {
            NanoUsd::ZERO => advice.to_owned(),
            _ if self.is_above_limit() => advice.to_owned(),
            held => format!(
                "`llm-gateway spend --drop-unsettled` gives back {held}, held by a process that \
                 ended; else {advice}"
            ),
        }
    }

    /// Returns the amount that the cap still allows in the period.
    pub fn left(&self) -> NanoUsd {
        self.cap.limit.saturating_sub(self.settled).saturating_sub(self.held)
    }

    /// Returns whether calls under way hold money that the cap counts, so that it can help to look
    /// at what is held.
    pub(crate) fn has_calls_under_way(&self) -> bool {
        self.held > self.unsettled
    }

    /// Returns whether only the money of calls under way is in the way: when they end for less than
    /// they hold, the refused calls may fit.
    pub(crate) fn fits_without_calls_under_way(&self) -> bool {
        let kept = self.settled.saturating_add(self.unsettled).saturating_add(self.asked);
        self.has_calls_under_way() && kept <= self.cap.limit
    }

    /// Returns whether the calls ask for more than the cap ever allows, so that no wait helps.
    pub fn is_above_limit(&self) -> bool {
        self.asked > self.cap.limit
    }

    /// Returns when the cap begins anew, as RFC 3339 writes it: the first moment of the next day or
    /// of the next month, in UTC. Returns `None` for a session, which begins anew with the next
    /// process.
    pub fn resets_at(&self) -> Option<String> {
        let next = self.period?.next_begins_on()?;
        Some(format!("{next}T00:00:00Z"))
    }
}

/// Writes the cap as the object of a sentence: `monthly cap of $25.00 on everything`.
impl fmt::Display for Cap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scope, per, limit, .. } = self;
        write!(f, "{} cap of {limit} on {}", per.adjective(), ScopeName(scope))
    }
}

/// The period of a cap, displayed as the part of a sentence that says when.
struct Within<'a>(&'a Option<Period>);

impl fmt::Display for Within<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str(" in this session"),
            Some(Period::Day(day)) => write!(f, " on {day}"),
            Some(Period::Month(month)) => write!(f, " in {month}"),
        }
    }
}

/// The money of dead processes, displayed as the end of a list of sums, or as nothing.
struct DeadMoney<'a>(&'a NanoUsd);

impl fmt::Display for DeadMoney<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            NanoUsd::ZERO => Ok(()),
            held => write!(f, ", of which {held} is held by a process that ended"),
        }
    }
}

/// The time when calls such as the refused ones can be made again, displayed as the end of a
/// sentence, or as nothing at the end of the calendar.
struct Outlook<'a>(&'a CapRefusal);

impl fmt::Display for Outlook<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(refusal) = self;
        match refusal.is_above_limit() {
            true => f.write_str("; that is more than the whole cap, so no wait helps"),
            false => Renewal(refusal.period).fmt(f),
        }
    }
}

/// The time when a cap begins anew, displayed as the end of a sentence, or as nothing at the end of
/// the calendar. The period is that of the cap; `None` stands for the life of this process.
struct Renewal(Option<Period>);

impl fmt::Display for Renewal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_str("; it begins anew with a new process"),
            Some(period) => match period.next_begins_on() {
                Some(day) => write!(f, "; it begins anew on {day} at 00:00 UTC"),
                None => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cap_warns_from_exactly_four_fifths_on() {
        let today = Day::parse("2026-11-30").unwrap();
        let is_warned = |limit: u64, left: u64| {
            let [limit, left] = [limit, left].map(NanoUsd::from_nanos);
            let warning = |per| {
                let cap = Cap::new(Scope::Total, per, limit);
                CapLeft { cap, left }.warning(today).is_some()
            };
            let all = [Per::Session, Per::Day, Per::Month].map(warning);
            assert!(all.iter().all(|one| *one == all[0]));
            all[0]
        };
        for (limit, left, expected) in [
            (5, 1, true),
            (5, 2, false),
            (1_000_000_000, 200_000_000, true),
            (1_000_000_000, 200_000_001, false),
            (1_000_000_000, 199_999_999, true),
            (4, 0, true),
            (4, 1, false),
            (u64::MAX, u64::MAX / 5, true),
            (u64::MAX, u64::MAX / 5 + 1, false),
            (u64::MAX, u64::MAX, false),
            // A cap of nothing is no news.
            (0, 0, false),
        ] {
            assert_eq!(is_warned(limit, left), expected, "{left} of {limit}");
        }
    }

    #[test]
    fn a_warning_says_what_is_left_and_when_the_cap_begins_anew() {
        let today = Day::parse("2026-12-31").unwrap();
        for (per, told) in [
            (Per::Session, "the session cap of $0.00 on everything"),
            (Per::Day, "it begins anew on 2027-01-01 at 00:00 UTC"),
            (Per::Month, "it begins anew on 2027-01-01 at 00:00 UTC"),
        ] {
            let cap = Cap::new(Scope::Total, per, NanoUsd::from_nanos(5));
            let warning = CapLeft { cap, left: NanoUsd::from_nanos(1) }.warning(today).unwrap();
            let told = told.replace("$0.00", "$0.000000005");
            assert!(
                warning.contains(&told) && warning.contains("leaves $0.000000001"),
                "{warning}"
            );
        }
    }
}
