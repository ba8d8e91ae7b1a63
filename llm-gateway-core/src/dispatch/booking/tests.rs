//! Tests of what a booking keeps together: its parts are taken, joined, sent and dropped as one.

use std::sync::Mutex;

use super::*;
use crate::dispatch::CapsLeft;
use crate::dispatch::Session;
use crate::dispatch::allowance::Allowance;
use crate::ledger::{
    Cap, Hold, HoldEnd, HoldRequest, HoldSlot, Per, Scope, ScopeTotal, WriteConfirmation,
};
use crate::model::{ModelId, ProviderName, Target, TaskClass};

const LIMIT: NanoUsd = NanoUsd::from_nanos(100);

/// What the sums in memory and the ledger have, each with a limit of 100.
#[derive(Default)]
struct Money {
    session: Session,
    caps_left: CapsLeft,
    /// What the ledger holds or has settled.
    counted: Mutex<u64>,
    /// What the caps left when the ledger heard of the end of a hold.
    heard: Mutex<Vec<u64>>,
}

/// The slot of a hold that writes into [`Money`].
struct Slot(&'static Money, u64);

impl HoldSlot for Slot {
    fn close(self: Box<Self>, end: HoldEnd, confirmation: WriteConfirmation) {
        let stays = match end {
            HoldEnd::Settled { cost, .. } => cost.as_nanos(),
            HoldEnd::Released => 0,
        };
        self.0.heard.lock().unwrap().push(self.0.left_of_caps());
        let mut counted = self.0.counted.lock().unwrap();
        *counted = *counted - self.1 + stays;
        confirmation.send(Ok(()));
    }
}

fn day() -> Day {
    Day::parse("2026-11-30").unwrap()
}

fn caps() -> [Cap; 2] {
    [Per::Day, Per::Session].map(|per| Cap::new(Scope::Total, per, LIMIT))
}

impl Money {
    /// Returns money that lives as long as the test, because a slot of the ledger must.
    fn new() -> &'static Self {
        Box::leak(Box::default())
    }

    /// Books an attempt of this amount.
    fn book(&'static self, allowance: &'static Allowance, amount: u64) -> Booking<'static> {
        let target = Target::new(ProviderName::new("p").unwrap(), ModelId::new("m").unwrap());
        let worst_case = NanoUsd::from_nanos(amount);
        let request = HoldRequest::new(target, TaskClass::new("a").unwrap(), worst_case);
        let [daily, of_session] = caps();
        *self.counted.lock().unwrap() += amount;
        let held = NanoUsd::from_nanos(*self.counted.lock().unwrap());
        let total = ScopeTotal::new(day().into(), Scope::Total, NanoUsd::ZERO, held);
        let attempts = [request];
        Booking {
            day: day(),
            worst_case: Some(worst_case),
            in_session: self.session.take(&attempts, &[of_session]).unwrap().remove(0),
            under_caps: self.caps_left.reserved(day(), &[daily], &[total], &attempts).remove(0),
            in_allowance: Some(allowance.take(&[worst_case]).unwrap().remove(0)),
            at_ledger: LedgerHold::Held(Hold::new(worst_case, Box::new(Slot(self, amount)))),
        }
    }

    fn left_of_caps(&self) -> u64 {
        let [daily, _] = caps();
        let caps = [daily];
        let limiting = self.caps_left.limiting(&caps, "a", day());
        limiting.first().unwrap().1.unwrap().as_nanos()
    }

    /// Returns what each part leaves: the session, the caps of the day, the allowance and the
    /// ledger.
    fn left(&self, allowance: &Allowance) -> [u64; 4] {
        let [_, of_session] = caps();
        let above = allowance.take(&[NanoUsd::from_nanos(101)]).err().unwrap();
        [
            self.session.left(&of_session).as_nanos(),
            self.left_of_caps(),
            above.left.as_nanos(),
            100 - *self.counted.lock().unwrap(),
        ]
    }
}

fn allowance() -> &'static Allowance {
    Box::leak(Box::new(Allowance::new(LIMIT, "max_usd")))
}

#[test]
fn what_is_dropped_unsent_goes_back_in_every_part_and_what_was_sent_stays() {
    for (is_sent, left) in [(false, 100), (true, 40)] {
        let (money, allowance) = (Money::new(), allowance());
        let mut booking = money.book(allowance, 60);
        assert_eq!(money.left(allowance), [40; 4]);
        if is_sent {
            booking.sent();
        }
        drop(booking);
        assert_eq!(money.left(allowance), [left; 4], "sent: {is_sent}");
    }
}

#[test]
fn what_is_joined_stays_taken_in_every_part_and_ends_as_one() {
    for (is_sent, left) in [(false, 100), (true, 20)] {
        let (money, allowance) = (Money::new(), allowance());
        let mut joined = money.book(allowance, 60).joined(money.book(allowance, 20));
        assert_eq!(money.left(allowance), [20; 4], "nothing goes back by joining");
        if is_sent {
            joined.sent();
        }
        drop(joined);
        assert_eq!(money.left(allowance), [left; 4], "sent: {is_sent}");
    }
}

#[test]
fn the_ledger_hears_last_of_a_booking_that_is_dropped() {
    // A reservation that another attempt makes in between then shows too little left, never too
    // much.
    let (money, allowance) = (Money::new(), allowance());
    drop(money.book(allowance, 60));
    assert_eq!(*money.heard.lock().unwrap(), [100], "the caps had it back before");
}
