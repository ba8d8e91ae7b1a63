//! The session: what the calls of one gateway, and of those that took its place, have cost and
//! hold, in each scope that a cap per session limits, whether or not a ledger counts.
//!
//! A session is the life of one process: one client's session of the server, or one command. It is
//! kept in memory, so its caps are exact and need no file. Each attempt takes its worst case out of
//! every capped scope in which it counts before its first byte is sent, and puts back what it did
//! not cost. Other scopes are not counted. A scope that gets its first cap from a new policy begins
//! to count then; sums outlive the policy.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};

use crate::ledger::{Cap, CapRefusal, HoldRequest, Scope, ScopeTotal};
use crate::model::NanoUsd;

use super::taken::{TakenAmount, TakenFrom};

/// The sums of one session, by capped scope.
#[derive(Debug, Default)]
pub(crate) struct Session {
    sums: Mutex<BTreeMap<Scope, Sums>>,
    /// Held by a reservation that takes out of the session and asks the ledger too.
    turn: AsyncMutex<()>,
}

/// What the calls of one scope have cost, and what is held for calls under way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    settled: NanoUsd,
    held: NanoUsd,
}

impl Sums {
    fn of(self, scope: Scope) -> ScopeTotal {
        ScopeTotal::of_session(scope, self.settled, self.held)
    }
}

impl Session {
    /// Waits until no other reservation is between the session and the ledger. A call that the
    /// ledger will refuse thus takes no room away from others in the meantime: session and ledger
    /// are one step, as seen by the calls of this process.
    pub(super) async fn turn(&self) -> AsyncMutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Takes the worst cases of several attempts, all of them or none, and returns a hold for each,
    /// in the same order. `caps` are those of the session, one for each capped scope.
    ///
    /// # Errors
    /// [`CapRefusal`] by the first of the caps that has no room.
    pub(crate) fn take(
        &self,
        attempts: &[HoldRequest],
        caps: &[Cap],
    ) -> Result<Vec<SessionHold<'_>>, CapRefusal> {
        let holds = || attempts.iter().map(|attempt| self.hold(attempt, caps));
        if caps.is_empty() {
            return Ok(holds().collect());
        }
        let mut sums = self.lock();
        for cap in caps {
            let counted = attempts.iter().filter(|attempt| counts(cap, attempt));
            let asked = counted.fold(NanoUsd::ZERO, |sum, it| sum.saturating_add(it.amount));
            let sum = sums.get(&cap.scope).copied().unwrap_or_default();
            cap.check(&sum.of(cap.scope.clone()), asked)?;
        }
        let taken = holds().inspect(|hold| {
            for scope in &hold.of().scopes {
                let sum = sums.entry(scope.clone()).or_default();
                sum.held = sum.held.saturating_add(hold.amount());
            }
        });
        Ok(taken.collect())
    }

    /// Creates the hold of an attempt, whose amount is still to be added to the sums.
    fn hold(&self, attempt: &HoldRequest, caps: &[Cap]) -> SessionHold<'_> {
        let capping = caps.iter().filter(|cap| counts(cap, attempt));
        let scopes = capping.map(|cap| cap.scope.clone()).collect();
        TakenAmount::new(SessionShare { of: self, scopes }, attempt.amount)
    }

    /// Returns the amount that `cap` still allows in this session.
    pub(crate) fn left(&self, cap: &Cap) -> NanoUsd {
        let sums = self.lock().get(&cap.scope).copied().unwrap_or_default();
        cap.left(&sums.of(cap.scope.clone()))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Scope, Sums>> {
        // A panic cannot leave the sums half changed.
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns whether an attempt counts in the scope of a cap.
fn counts(cap: &Cap, attempt: &HoldRequest) -> bool {
    cap.scope.counts(&attempt.target.provider, &attempt.task_class)
}

/// The amount that one attempt has taken out of a session.
pub(crate) type SessionHold<'a> = TakenAmount<SessionShare<'a>>;

/// The sums of a session in which one attempt counts.
pub(crate) struct SessionShare<'a> {
    of: &'a Session,
    /// The capped scopes in which the attempt counts.
    scopes: Vec<Scope>,
}

impl SessionHold<'_> {
    /// Returns the amount that is set aside, if a cap of the session limits the attempt.
    pub(super) fn capped_amount(&self) -> Option<NanoUsd> {
        (!self.of().scopes.is_empty()).then_some(self.amount())
    }
}

impl TakenFrom for SessionShare<'_> {
    fn end(&self, amount: NanoUsd, stays: NanoUsd) {
        if self.scopes.is_empty() {
            return;
        }
        let mut sums = self.of.lock();
        for scope in &self.scopes {
            if let Some(sum) = sums.get_mut(scope) {
                sum.held = sum.held.saturating_sub(amount);
                sum.settled = sum.settled.saturating_add(stays);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice::from_ref;

    use proptest::prelude::*;

    use super::*;
    use crate::ledger::Per;
    use crate::model::{ModelId, ProviderName, Target, TaskClass};
    use crate::policy::Spending;

    const fn nanos(nanos: u64) -> NanoUsd {
        NanoUsd::from_nanos(nanos)
    }

    fn class(name: &str) -> TaskClass {
        TaskClass::new(name).unwrap()
    }

    fn attempt(name: &str, amount: u64) -> HoldRequest {
        let target = Target::new(ProviderName::new("p").unwrap(), ModelId::new("m").unwrap());
        HoldRequest::new(target, class(name), nanos(amount))
    }

    fn on_all(limit: u64) -> Cap {
        Cap::new(Scope::Total, Per::Session, nanos(limit))
    }

    fn on_class(name: &str, limit: u64) -> Cap {
        Cap::new(Scope::Class(class(name)), Per::Session, nanos(limit))
    }

    #[test]
    fn several_are_taken_whole_or_not_at_all() {
        let (session, caps) = (Session::default(), [on_all(100)]);
        let take = |amounts: &[u64]| {
            let attempts: Vec<_> = amounts.iter().map(|amount| attempt("a", *amount)).collect();
            session.take(&attempts, &caps).map(|holds| holds.len())
        };
        let refused = take(&[60, 41]).unwrap_err();
        assert_eq!((refused.period, refused.asked, refused.left()), (None, nanos(101), nanos(100)));
        assert_eq!(take(&[60, 40]), Ok(2), "a refusal took nothing, and a drop gives all back");
        let kept = session.take(&[attempt("a", 100)], &caps).unwrap();
        assert!(take(&[1]).is_err());
        assert_eq!(take(&[0, 0]), Ok(2), "what costs nothing always fits");
        drop(kept);
    }

    #[test]
    fn however_an_attempt_ends_what_it_cost_counts_and_no_more() {
        type End = dyn Fn(SessionHold<'_>);
        let all: [(&End, u64); 6] = [
            (&|hold: SessionHold<'_>| drop(hold), 100),
            (&|mut hold: SessionHold<'_>| hold.sent(), 40),
            (&|hold: SessionHold<'_>| hold.settle(nanos(10)), 90),
            (
                &|mut hold: SessionHold<'_>| {
                    hold.sent();
                    hold.settle(nanos(10));
                },
                90,
            ),
            (
                &|mut hold: SessionHold<'_>| {
                    hold.sent();
                    hold.settle(NanoUsd::ZERO);
                },
                100,
            ),
            (&|hold: SessionHold<'_>| hold.settle(nanos(150)), 0),
        ];
        for (ends, left) in all {
            let (session, cap) = (Session::default(), on_all(100));
            let hold = session.take(&[attempt("a", 60)], from_ref(&cap)).unwrap().remove(0);
            assert_eq!(session.left(&cap), nanos(40));
            ends(hold);
            assert_eq!(session.left(&cap), nanos(left));
        }
    }

    #[test]
    fn what_is_joined_ends_as_one() {
        let (session, cap) = (Session::default(), on_all(100));
        let take =
            |amount| session.take(&[attempt("a", amount)], from_ref(&cap)).unwrap().remove(0);
        let mut joined = take(40).joined(take(20));
        assert_eq!(session.left(&cap), nanos(40));
        joined.sent();
        joined.settle(nanos(50));
        assert_eq!(session.left(&cap), nanos(50));
        drop(take(40).joined(take(10)));
        assert_eq!(session.left(&cap), nanos(50), "nothing was sent");
    }

    #[test]
    fn each_scope_has_its_own_cap_and_the_first_that_refuses_is_named() {
        let spending = Spending::of(vec![on_class("a", 50), on_all(100), on_all(90)], Vec::new());
        let (session, caps) = (Session::default(), spending.session_caps());
        let refused = |name, amount| {
            let refused = session.take(&[attempt(name, amount)], caps).err()?;
            Some((refused.cap.key(), refused.cap.limit.as_nanos()))
        };
        assert_eq!(refused("a", 51), Some(("class:a/session".to_owned(), 50)));
        assert_eq!(refused("b", 51), None);
        assert_eq!(refused("a", 91), Some(("session".to_owned(), 90)), "the lowest counts");
        // A cap of a day is no cap of a session.
        let daily = Cap::new(Scope::Total, Per::Day, NanoUsd::ZERO);
        assert!(session.take(&[attempt("a", 1)], from_ref(&daily)).is_ok());
    }

    proptest! {
        #[test]
        fn no_history_passes_a_cap_and_what_ended_unsent_leaves_no_trace(
            steps in proptest::collection::vec((0..4_u8, 0..3_u8, 0..40_u64), 1..60),
        ) {
            let (session, caps) = (Session::default(), [on_all(100), on_class("a", 50)]);
            let (mut open, mut spent) = (Vec::new(), [0_u64; 2]);
            for (step, of, amount) in steps {
                let name = if of == 0 { "a" } else { "b" };
                match step {
                    0 | 1 => {
                        if let Ok(mut holds) = session.take(&[attempt(name, amount)], &caps) {
                            open.push((holds.remove(0), name, amount));
                        }
                    }
                    _ if open.is_empty() => {}
                    2 => drop(open.remove(0)),
                    _ => {
                        let (hold, name, taken) = open.remove(0);
                        let cost = amount.min(taken);
                        hold.settle(nanos(cost));
                        spent[0] += cost;
                        spent[1] += if name == "a" { cost } else { 0 };
                    }
                }
                let held = |is: &dyn Fn(&str) -> bool| -> u64 {
                    open.iter().filter(|(_, name, _)| is(name)).map(|(.., amount)| amount).sum()
                };
                let used = [spent[0] + held(&|_| true), spent[1] + held(&|name| name == "a")];
                for (cap, used) in caps.iter().zip(used) {
                    prop_assert!(used <= cap.limit.as_nanos());
                    prop_assert_eq!(session.left(cap).as_nanos(), cap.limit.as_nanos() - used);
                }
            }
        }
    }
}
