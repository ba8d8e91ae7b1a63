//! What the caps of a day and of a month leave, as far as the bookings of one run have shown, and
//! which caps limit the run.
//!
//! A ledger reports with each reservation what it leaves under each cap. What the attempts of the
//! run put back afterwards is added here, so that nothing has to be read when the run ends. Money
//! that other runs spend after the last reservation of this one is not seen.
//!
//! A figure belongs to one period, and so does what an attempt puts back: an attempt that began
//! before midnight adds nothing to the next day. Figures are signed, because a provider can bill
//! more than a cap had left.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ledger::{Cap, CapRefusal, Day, HoldRequest, Period, Scope, ScopeTotal};
use crate::model::{NanoUsd, ProviderName, Target};

use super::taken::{TakenAmount, TakenFrom};

/// What the caps of a day and of a month leave, as far as one run knows.
#[derive(Debug, Default)]
pub(crate) struct CapsLeft(Mutex<Known>);

/// The figures of one run, and the providers that it asks.
#[derive(Debug, Default)]
struct Known {
    /// What each cap leaves in a period, in nano-dollars; below zero where more was billed.
    left: BTreeMap<Place, i128>,
    /// The providers that the plan of the run names.
    planned: BTreeSet<ProviderName>,
    /// The providers for whose calls money was to be set aside, whether or not it was.
    asked: BTreeSet<ProviderName>,
}

/// The position of a cap among those that a ledger keeps, and a period of its length.
type Place = (usize, Period);

/// The caps under which one attempt counts, each in the period of the attempt's day.
pub(super) struct CapsShare<'a> {
    of: &'a CapsLeft,
    places: Vec<Place>,
}

impl CapsLeft {
    /// Notes the targets that the run would ask. Caps on their providers limit the run for as long
    /// as no money was to be set aside for any call.
    pub(crate) fn plan<'t>(&self, targets: impl IntoIterator<Item = &'t Target>) {
        let providers = targets.into_iter().map(|target| target.provider.clone());
        self.lock().planned.extend(providers);
    }

    /// Notes the target of a call for which money is to be set aside.
    pub(super) fn ask(&self, target: &Target) {
        self.lock().asked.insert(target.provider.clone());
    }

    /// Notes what a reservation of `day` left, and returns a guard for each of its attempts. The
    /// guard adds what its attempt puts back.
    pub(super) fn reserved(
        &self,
        day: Day,
        caps: &[Cap],
        totals: &[ScopeTotal],
        attempts: &[HoldRequest],
    ) -> Vec<TakenAmount<CapsShare<'_>>> {
        let mut known = self.lock();
        for total in totals {
            for (position, cap) in caps.iter().enumerate().filter(|(_, cap)| cap.limits(total)) {
                known.note(position, cap, total);
            }
        }
        drop(known);
        attempts.iter().map(|attempt| self.share(day, caps, attempt)).collect()
    }

    /// Notes what the cap that refused an attempt leaves.
    pub(super) fn refused(&self, caps: &[Cap], refused: &CapRefusal) {
        if let Some(position) = caps.iter().position(|cap| *cap == refused.cap) {
            self.lock().note(position, &refused.cap, &refused.total());
        }
    }

    /// Returns those of `caps` that limit the calls of a run for `class`, each with the amount that
    /// it leaves on `today`; `None` if no booking has shown it. The caps that a ledger keeps come
    /// first.
    pub(crate) fn limiting<'c>(
        &self,
        caps: &'c [Cap],
        class: &str,
        today: Day,
    ) -> Vec<(&'c Cap, Option<NanoUsd>)> {
        let known = self.lock();
        let limiting = caps.iter().enumerate().filter(|(_, cap)| known.limits(cap, class));
        let left = |(position, cap): (usize, &'c Cap)| {
            let left = place(position, cap, today).and_then(|place| known.left.get(&place));
            (cap, left.copied().map(shown))
        };
        limiting.map(left).collect()
    }

    /// Creates the guard of an attempt that was made on `day`.
    fn share(&self, day: Day, caps: &[Cap], attempt: &HoldRequest) -> TakenAmount<CapsShare<'_>> {
        let counts = |cap: &Cap| cap.scope.counts(&attempt.target.provider, &attempt.task_class);
        let counting = caps.iter().enumerate().filter(|(_, cap)| counts(cap));
        let places = counting.filter_map(|(position, cap)| place(position, cap, day)).collect();
        TakenAmount::new(CapsShare { of: self, places }, attempt.amount)
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        // A panic cannot leave an amount half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Sets what a cap leaves beside `total`. No ledger counts a total without a period.
    fn note(&mut self, position: usize, cap: &Cap, total: &ScopeTotal) {
        let Some(period) = total.period else { return };
        let left = signed(cap.limit) - signed(total.settled) - signed(total.held);
        self.left.insert((position, period), left);
    }

    /// Returns whether a cap limits the calls of a run for `class`: whether it is neither on
    /// another task class nor on a provider that the run does not ask.
    fn limits(&self, cap: &Cap, class: &str) -> bool {
        let providers = if self.asked.is_empty() { &self.planned } else { &self.asked };
        match &cap.scope {
            Scope::Total => true,
            Scope::Provider(provider) => providers.contains(provider),
            Scope::Class(of) => of.as_str() == class,
        }
    }
}

impl TakenFrom for CapsShare<'_> {
    fn end(&self, amount: NanoUsd, stays: NanoUsd) {
        if self.places.is_empty() {
            return;
        }
        let mut known = self.of.lock();
        for place in &self.places {
            if let Some(left) = known.left.get_mut(place) {
                *left += signed(amount) - signed(stays);
            }
        }
    }
}

/// Returns the place of the figure for a cap in the period to which `day` belongs. Returns `None`
/// for a cap per session, which has no period.
fn place(position: usize, cap: &Cap, day: Day) -> Option<Place> {
    Some((position, Period::of(cap.per, day)?))
}

/// Converts an amount into a signed number of nano-dollars.
fn signed(amount: NanoUsd) -> i128 {
    amount.as_nanos().into()
}

/// Returns a figure as it is shown: nothing is left where more was billed than there was.
fn shown(left: i128) -> NanoUsd {
    let most = u64::MAX.into();
    NanoUsd::from_nanos(u64::try_from(left.clamp(0, most)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Per;
    use crate::model::{ModelId, TaskClass};

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn target(provider: &str) -> Target {
        Target::new(ProviderName::new(provider).unwrap(), ModelId::new("m").unwrap())
    }

    fn attempt(amount: u64) -> HoldRequest {
        let class = TaskClass::new("a").unwrap();
        HoldRequest::new(target("openai"), class, NanoUsd::from_nanos(amount))
    }

    fn cap(scope: Scope, per: Per) -> Cap {
        Cap::new(scope, per, NanoUsd::from_nanos(100))
    }

    fn caps() -> [Cap; 2] {
        [cap(Scope::Total, Per::Month), cap(Scope::Total, Per::Day)]
    }

    /// Notes a reservation of `amount` on a day, where this much was settled in its month and in
    /// the day before, and returns its guard.
    fn reserved<'c>(
        left: &'c CapsLeft,
        on: &str,
        settled: [u64; 2],
        amount: u64,
    ) -> TakenAmount<CapsShare<'c>> {
        let [month, of_day] = settled.map(NanoUsd::from_nanos);
        let on = day(on);
        let held = NanoUsd::from_nanos(amount);
        let totals = [(Period::from(on.month()), month), (on.into(), of_day)]
            .map(|(period, settled)| ScopeTotal::new(period, Scope::Total, settled, held));
        left.reserved(on, &caps(), &totals, &[attempt(amount)]).remove(0)
    }

    /// Returns what the month and the day leave on a day.
    fn on(left: &CapsLeft, today: &str) -> [Option<u64>; 2] {
        let caps = caps();
        let limiting = left.limiting(&caps, "a", day(today));
        let [month, of_day] = limiting.as_slice() else { panic!("{limiting:?}") };
        [month, of_day].map(|(_, left)| left.map(NanoUsd::as_nanos))
    }

    #[test]
    fn what_was_billed_beyond_a_cap_is_not_given_back_by_others() {
        // The first is billed more than everything that is left, the second gives all back.
        for second_ends_first in [false, true] {
            let left = CapsLeft::default();
            let first = reserved(&left, "2026-11-21", [0, 0], 50);
            let totals = [ScopeTotal::new(
                day("2026-11-21").into(),
                Scope::Total,
                NanoUsd::ZERO,
                NanoUsd::from_nanos(100),
            )];
            let second =
                left.reserved(day("2026-11-21"), &caps(), &totals, &[attempt(50)]).remove(0);
            match second_ends_first {
                true => {
                    drop(second);
                    first.settle(NanoUsd::from_nanos(130));
                }
                false => {
                    first.settle(NanoUsd::from_nanos(130));
                    assert_eq!(on(&left, "2026-11-21")[1], Some(0), "never shown below zero");
                    drop(second);
                }
            }
            assert_eq!(on(&left, "2026-11-21")[1], Some(0), "100 - 130 is below zero");
        }
    }

    #[test]
    fn an_attempt_puts_back_into_the_periods_in_which_it_was_made() {
        for (before, after, month_left) in [
            ("2026-11-20", "2026-11-21", 100 - 60 - 30 - 8),
            ("2026-11-30", "2026-12-01", 100 - 60 - 8),
            // The clock was set back.
            ("2026-11-21", "2026-11-20", 100 - 60 - 30 - 8),
        ] {
            let left = CapsLeft::default();
            let early = reserved(&left, before, [0, 0], 30);
            assert_eq!(on(&left, after)[1], None, "nothing is known of another day");
            let is_same_month = before.get(..7) == after.get(..7);
            let month = 60 + if is_same_month { 30 } else { 0 };
            let late = reserved(&left, after, [month, 60], 10);
            early.settle(NanoUsd::from_nanos(30));
            late.settle(NanoUsd::from_nanos(8));
            assert_eq!(on(&left, after), [Some(month_left), Some(100 - 60 - 8)]);
            assert_eq!(on(&left, before)[1], Some(70));
        }
    }

    #[test]
    fn whatever_ends_when_the_figure_of_a_day_is_exact() {
        // Each attempt ends at a cost before, between or after the reservations of two days.
        for (costs, order) in [([7, 9], [0, 1]), ([7, 9], [1, 0]), ([90, 3], [0, 1])] {
            let left = CapsLeft::default();
            let mut guards = [
                Some(reserved(&left, "2026-11-29", [0, 0], 40)),
                Some(reserved(&left, "2026-11-30", [40, 5], 40)),
            ];
            for index in order {
                let (guard, cost) = (guards[index].take(), costs[index]);
                guard.unwrap().settle(NanoUsd::from_nanos(cost));
            }
            assert_eq!(on(&left, "2026-11-29")[1], Some(100 - costs[0]));
            assert_eq!(on(&left, "2026-11-30")[1], Some(95 - costs[1]));
        }
    }

    #[test]
    fn what_was_sent_and_left_stays_spent() {
        let left = CapsLeft::default();
        let mut sent = reserved(&left, "2026-11-21", [0, 0], 40);
        sent.sent();
        drop(sent);
        assert_eq!(on(&left, "2026-11-21"), [Some(60); 2]);
        drop(reserved(&left, "2026-11-21", [40, 40], 40));
        assert_eq!(on(&left, "2026-11-21"), [Some(60); 2]);
    }

    #[test]
    fn a_refusal_replaces_an_older_figure_of_its_period_alone() {
        let left = CapsLeft::default();
        drop(reserved(&left, "2026-11-21", [0, 0], 10));
        let used = NanoUsd::from_nanos(95);
        let total = ScopeTotal::new(day("2026-11-21").into(), Scope::Total, used, NanoUsd::ZERO);
        let [month, of_day] = caps();
        let refused = of_day.check(&total, NanoUsd::from_nanos(6)).unwrap_err();
        left.refused(&caps(), &refused);
        assert_eq!(on(&left, "2026-11-21"), [Some(100), Some(5)]);
        assert_eq!(on(&left, "2026-11-22"), [Some(100), None]);
        assert_eq!(month.per, Per::Month);
    }

    #[test]
    fn only_caps_on_what_the_run_asks_limit_it() {
        let provider = |name| Scope::Provider(ProviderName::new(name).unwrap());
        let class = |name| Scope::Class(TaskClass::new(name).unwrap());
        let scopes = [Scope::Total, provider("openai"), provider("gemini"), class("a"), class("b")];
        let caps = scopes.map(|scope| cap(scope, Per::Day));
        let left = CapsLeft::default();
        let keys = || -> Vec<String> {
            let limiting = left.limiting(&caps, "a", day("2026-11-21"));
            limiting.iter().map(|(cap, _)| cap.scope.key()).collect()
        };
        assert_eq!(keys(), ["total", "class:a"]);
        left.plan([&target("openai"), &target("gemini")]);
        assert_eq!(keys(), ["total", "openai", "gemini", "class:a"]);
        left.ask(&target("gemini"));
        assert_eq!(keys(), ["total", "gemini", "class:a"]);
        left.ask(&target("openai"));
        assert_eq!(keys(), ["total", "openai", "gemini", "class:a"]);
    }
}
