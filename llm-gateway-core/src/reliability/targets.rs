//! The state that is kept about each target between requests: its circuit breaker and its retry
//! budget.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::model::Target;

use super::breaker::{Admission, Breaker, BreakerRules, Report};
use super::budget::RetryBudget;
use super::timeline::Timeline;

/// The most targets that are kept at once. Only targets in trouble are kept, and a caller that
/// makes up model ids must not fill the memory.
const MOST_TARGETS: usize = 1024;

/// The targets in trouble. A target that is not in the map is healthy. Clones share the map.
#[derive(Debug, Clone, Default)]
pub(crate) struct Targets(Arc<Mutex<Records>>);

/// The states of targets, and the time that was seen last.
#[derive(Debug, Default)]
struct Records {
    of: BTreeMap<Target, Record>,
    timeline: Timeline,
}

/// The state of one target.
#[derive(Debug, Clone, Copy)]
struct Record {
    breaker: Breaker,
    budget: RetryBudget,
}

impl Record {
    fn healthy(now: Instant) -> Self {
        Self { breaker: Breaker::default(), budget: RetryBudget::full(now) }
    }

    fn moved_back(self, by: Duration) -> Self {
        Self { breaker: self.breaker.moved_back(by), budget: self.budget.moved_back(by) }
    }

    fn is_healthy(&self, now: Instant) -> bool {
        self.breaker == Breaker::default() && self.budget.is_full(now)
    }
}

impl Targets {
    /// Returns how long a call to `target` would be refused at `now`, or `None` if it would be let
    /// in.
    pub(crate) fn refusal(&self, target: &Target, now: Instant) -> Option<Duration> {
        self.lock().of.get(target)?.breaker.admission(now).err()
    }

    /// Lets a call to `target` in at `now`.
    ///
    /// # Errors
    /// The time for which the breaker refuses the call.
    pub(crate) fn admit(
        &self,
        target: &Target,
        rules: BreakerRules,
        now: Instant,
    ) -> Result<BreakerPermit, Duration> {
        // This is one step, so that two callers that saw the same state cannot both be the trial.
        let admission = self.change(target, now, |record| {
            let admission = record.breaker.admission(now)?;
            record.breaker = record.breaker.step(admission, Report::Admitted, &rules, now);
            Ok::<_, Duration>(admission)
        })?;
        Ok(BreakerPermit { targets: self.clone(), target: target.clone(), rules, admission })
    }

    /// Records a first attempt, which earns a fifth of a retry.
    pub(crate) fn first_try(&self, target: &Target, now: Instant) {
        if let Some(record) = self.lock().of.get_mut(target) {
            record.budget = record.budget.after_first_try(now);
        }
    }

    /// Takes a retry out of the target's budget, and returns whether there was one.
    pub(crate) fn take_retry(&self, target: &Target, now: Instant) -> bool {
        self.change(target, now, |record| match record.budget.after_retry(now) {
            Some(budget) => {
                record.budget = budget;
                true
            }
            None => false,
        })
    }

    /// Returns the breaker of a target.
    pub(crate) fn breaker(&self, target: &Target) -> Breaker {
        self.lock().of.get(target).map(|record| record.breaker).unwrap_or_default()
    }

    /// Returns every breaker that is not closed or has counted a failure.
    pub(crate) fn breakers(&self) -> Vec<(Target, Breaker)> {
        let records = self.lock();
        let troubled = records.of.iter().filter(|(_, record)| record.breaker != Breaker::default());
        troubled.map(|(target, record)| (target.clone(), record.breaker)).collect()
    }

    /// Changes the state of a target, which is kept only while it is in trouble.
    fn change<T>(&self, target: &Target, now: Instant, change: impl FnOnce(&mut Record) -> T) -> T {
        let mut locked = self.lock();
        let records = &mut locked.of;
        let mut record = records.get(target).copied().unwrap_or_else(|| Record::healthy(now));
        let changed = change(&mut record);
        if record.is_healthy(now) {
            records.remove(target);
            return changed;
        }
        if records.len() >= MOST_TARGETS && !records.contains_key(target) {
            make_room(records, now);
        }
        records.insert(target.clone(), record);
        changed
    }

    /// Locks the records, whose times are those of this runtime's clock. Its reading is taken here:
    /// what callers ask about may lie in its future.
    fn lock(&self) -> MutexGuard<'_, Records> {
        // Records are replaced whole, so a panic leaves the map sound.
        let mut records = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let back = records.timeline.step_back(Instant::now());
        if back > Duration::ZERO {
            records.of.values_mut().for_each(|record| *record = record.moved_back(back));
        }
        records
    }
}

/// Removes the targets that are healthy again, or else the one with the fewest failures.
fn make_room(records: &mut BTreeMap<Target, Record>, now: Instant) {
    records.retain(|_, record| !record.is_healthy(now));
    if records.len() < MOST_TARGETS {
        return;
    }
    let failures = |(_, record): &(&Target, &Record)| record.breaker.consecutive_failures();
    let least = records.iter().min_by_key(failures).map(|(target, _)| target.clone());
    least.map(|target| records.remove(&target));
}

/// The breaker's permit for one attempt. If it is dropped without a report, the attempt shows
/// nothing about the target, and the permit is returned.
#[must_use = "a permit that is dropped at once says nothing about the target"]
#[derive(Debug)]
pub(crate) struct BreakerPermit {
    targets: Targets,
    target: Target,
    rules: BreakerRules,
    admission: Admission,
}

impl BreakerPermit {
    /// Reports that the target answered.
    pub(crate) fn succeeded(self, now: Instant) {
        self.report(Report::Succeeded, now);
    }

    /// Reports that the provider failed, and how long it asked to wait, if it did.
    pub(crate) fn failed(self, retry_after: Option<Duration>, now: Instant) {
        self.report(Report::Failed { retry_after }, now);
    }

    fn report(&self, report: Report, now: Instant) {
        self.targets.change(&self.target, now, |record| {
            record.breaker = record.breaker.step(self.admission, report, &self.rules, now);
        });
    }
}

impl Drop for BreakerPermit {
    fn drop(&mut self) {
        // After a report no trial is under way, and this changes nothing.
        if self.admission == Admission::Trial {
            self.report(Report::Returned, Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ModelId, ProviderName};

    const RULES: BreakerRules =
        BreakerRules { failure_threshold: 1, cooldown: Duration::from_secs(60) };

    fn target(model: &str) -> Target {
        Target::new(ProviderName::new("openai").unwrap(), ModelId::new(model).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_trial_that_is_dropped_lets_the_next_one_try() {
        let (targets, one) = (Targets::default(), target("m"));
        let admit = || targets.admit(&one, RULES, Instant::now());
        admit().unwrap().failed(None, Instant::now());
        assert_eq!(admit().unwrap_err(), Duration::from_secs(60));
        tokio::time::advance(Duration::from_secs(60)).await;
        let trial = admit().unwrap();
        assert!(admit().is_err(), "one trial");
        drop(trial);
        admit().unwrap().succeeded(Instant::now());
        assert!(targets.breakers().is_empty());
    }

    #[tokio::test]
    async fn threads_that_come_together_send_one_trial() {
        let (one, now) = (target("m"), Instant::now());
        let later = now + Duration::from_secs(60);
        for _ in 0..2_000 {
            let targets = Targets::default();
            targets.admit(&one, RULES, now).unwrap().failed(None, now);
            let barrier = std::sync::Barrier::new(4);
            let trials: usize = std::thread::scope(|scope| {
                let come = || {
                    barrier.wait();
                    targets.admit(&one, RULES, later).ok()
                };
                let threads: Vec<_> = (0..4).map(|_| scope.spawn(come)).collect();
                // The permits are kept until all threads are here: a dropped one lets the next try.
                let permits: Vec<_> = threads.into_iter().map(|it| it.join().unwrap()).collect();
                permits.iter().flatten().count()
            });
            assert_eq!(trials, 1);
        }
    }

    #[tokio::test]
    async fn a_trial_is_reported_once() {
        let (targets, one) = (Targets::default(), target("m"));
        let now = Instant::now();
        targets.admit(&one, RULES, now).unwrap().failed(None, now);
        let later = now + Duration::from_secs(61);
        targets.admit(&one, RULES, later).unwrap().failed(None, later);
        assert_eq!(targets.breaker(&one).cooldown_remaining(later), Duration::from_secs(60));
    }

    #[tokio::test]
    async fn made_up_models_do_not_fill_the_memory() {
        let (targets, now) = (Targets::default(), Instant::now());
        let known = target("known");
        let twice = BreakerRules { failure_threshold: 9, ..RULES };
        for _ in 0..2 {
            targets.admit(&known, twice, now).unwrap().failed(None, now);
        }
        for n in 0..2 * MOST_TARGETS {
            targets.admit(&target(&format!("m{n}")), twice, now).unwrap().failed(None, now);
        }
        assert_eq!(targets.breakers().len(), MOST_TARGETS);
        assert_eq!(targets.breaker(&known).consecutive_failures(), 2, "the worst is kept");
    }

    #[tokio::test]
    async fn a_target_that_is_well_is_forgotten() {
        let (targets, one, now) = (Targets::default(), target("m"), Instant::now());
        assert!(targets.take_retry(&one, now));
        assert_eq!(targets.lock().of.len(), 1);
        let later = now + Duration::from_secs(60);
        let slow = BreakerRules { failure_threshold: 2, ..RULES };
        targets.admit(&one, slow, later).unwrap().failed(None, later);
        targets.admit(&one, slow, later).unwrap().succeeded(later);
        assert_eq!(targets.lock().of.len(), 0);
    }
}
