use std::collections::HashSet;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn rules(failure_threshold: u32, cooldown_s: u32) -> BreakerRules {
    BreakerRules { failure_threshold, cooldown: SECOND * cooldown_s }
}

const FAILED: Report = Report::Failed { retry_after: None };

/// Returns a breaker that opened at `now`.
fn opened(rules: &BreakerRules, now: Instant) -> Breaker {
    let fail = |state: Breaker, _| state.step(Admission::Normal, FAILED, rules, now);
    (0..rules.failure_threshold).fold(Breaker::default(), fail)
}

#[tokio::test]
async fn it_opens_at_the_threshold_and_a_success_before_it_starts_over() {
    let (rules, now) = (rules(3, 10), Instant::now());
    let step = |state: Breaker, report| state.step(Admission::Normal, report, &rules, now);
    let two = step(step(Breaker::default(), FAILED), FAILED);
    assert_eq!(two, Breaker::Closed { failures: 2 });
    assert_eq!(step(two, Report::Succeeded), Breaker::default());
    assert_eq!(step(two, Report::Returned), two, "a caller's fault says nothing");
    assert_eq!(step(two, FAILED).admission(now), Err(SECOND * 10));
    assert_eq!(step(two, FAILED).admission(now + SECOND * 10), Ok(Admission::Trial));
}

#[tokio::test]
async fn a_second_cooldown_never_shortens_the_first() {
    let (rules, now) = (rules(1, 10), Instant::now());
    let long = Report::Failed { retry_after: Some(SECOND * 90) };
    let state = Breaker::default().step(Admission::Normal, long, &rules, now);
    assert_eq!(state.cooldown_remaining(now), SECOND * 90);
    let late = state.step(Admission::Normal, FAILED, &rules, now + SECOND);
    assert_eq!(late.cooldown_remaining(now), SECOND * 90);
    let later = state.step(Admission::Normal, FAILED, &rules, now + SECOND * 85);
    assert_eq!(later.cooldown_remaining(now), SECOND * 95);
}

#[tokio::test]
async fn an_absurd_retry_after_does_not_shut_a_target_out() {
    let (rules, now) = (rules(1, 10), Instant::now());
    let absurd = Report::Failed { retry_after: Some(Duration::MAX) };
    let state = Breaker::default().step(Admission::Normal, absurd, &rules, now);
    assert_eq!(state.cooldown_remaining(now), LONGEST_RETRY_AFTER);
}

#[tokio::test]
async fn a_trial_decides() {
    let (rules, now) = (rules(2, 10), Instant::now());
    let later = now + SECOND * 10;
    let trial = opened(&rules, now).step(Admission::Trial, Report::Admitted, &rules, later);
    assert!(trial.admission(later).is_err(), "bystanders are refused");
    let end = |report| trial.step(Admission::Trial, report, &rules, later);
    assert_eq!(end(Report::Succeeded), Breaker::default());
    assert_eq!(end(FAILED).cooldown_remaining(later), SECOND * 10);
    assert_eq!(end(Report::Returned).admission(later), Ok(Admission::Trial));
}

/// A state of the exhaustive search: the breaker, the calls under way, and the time.
#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    breaker: Breaker,
    on_their_way: Vec<Admission>,
    second: u32,
}

/// The numbers of callers and of seconds: small, and large enough for two of everything to overlap.
const CALLERS: usize = 3;
const SECONDS: u32 = 7;

impl World {
    /// Returns every world that one move leads to.
    fn moves(&self, rules: &BreakerRules, start: Instant) -> Vec<Self> {
        let now = start + SECOND * self.second;
        let mut next = Vec::new();
        if self.second < SECONDS {
            next.push(Self { second: self.second + 1, ..self.clone() });
        }
        if let (true, Ok(admission)) =
            (self.on_their_way.len() < CALLERS, self.breaker.admission(now))
        {
            let mut world = self.clone();
            world.breaker = world.breaker.step(admission, Report::Admitted, rules, now);
            world.on_their_way.push(admission);
            next.push(world);
        }
        for (index, admission) in self.on_their_way.iter().enumerate() {
            for report in [Report::Succeeded, FAILED, Report::Returned] {
                let mut world = self.clone();
                world.on_their_way.remove(index);
                world.breaker = world.breaker.step(*admission, report, rules, now);
                next.push(world);
            }
        }
        next
    }

    fn check(&self, rules: &BreakerRules, start: Instant) {
        let now = start + SECOND * self.second;
        let trials = self.on_their_way.iter().filter(|it| **it == Admission::Trial).count();
        let half_open = matches!(self.breaker, Breaker::HalfOpen { .. });
        assert_eq!(trials, usize::from(half_open), "one trial, if and only if it is half-open");
        let wait = self.breaker.cooldown_remaining(now);
        if !wait.is_zero() {
            assert_eq!(self.breaker.admission(now), Err(wait), "nobody before the cooldown");
        }
        if trials == 0 {
            let admitted = self.breaker.admission(now + rules.cooldown * 2);
            assert!(admitted.is_ok(), "it never stays shut");
        }
    }
}

#[tokio::test]
async fn whatever_happens_in_whichever_order_there_is_one_trial() {
    for (threshold, cooldown) in [(1, 1), (1, 2), (2, 2), (3, 1)] {
        let (rules, start) = (rules(threshold, cooldown), Instant::now());
        let first = World { breaker: Breaker::default(), on_their_way: Vec::new(), second: 0 };
        let (mut seen, mut open) = (HashSet::new(), vec![first]);
        let mut half_open = 0;
        while let Some(world) = open.pop() {
            if seen.insert(world.clone()) {
                world.check(&rules, start);
                half_open += usize::from(matches!(world.breaker, Breaker::HalfOpen { .. }));
                open.extend(world.moves(&rules, start));
            }
        }
        assert!(half_open > 100, "the search saw {half_open} worlds with a trial");
    }
}
