use futures_util::FutureExt;

use super::*;

fn limits(requests: Option<u32>, tokens: Option<u32>, concurrent: Option<u32>) -> Limits {
    Limits { requests_per_minute: requests, tokens_per_minute: tokens, concurrent }
}

fn within(time: Duration) -> Deadline {
    Deadline::after(time, None, Instant::now())
}

/// Returns whether a call of ten tokens may begin at once.
fn enters(limiter: &Limiter) -> Option<LimiterPermit> {
    let admitted = tokio::task::unconstrained(limiter.admit(10, within(Duration::ZERO)));
    admitted.now_or_never().and_then(Result::ok)
}

/// Lets calls in until one has to wait.
fn fill(limiter: &Limiter) -> Vec<LimiterPermit> {
    let mut permits = Vec::new();
    while let Some(permit) = enters(limiter) {
        permits.push(permit);
        assert!(permits.len() <= 1000, "there is no limit");
    }
    permits
}

/// Checks for every pair of limits, `None` included, that the calls under way count under the
/// second, however many they are.
#[tokio::test(start_paused = true)]
async fn calls_under_way_count_under_whatever_limit_comes() {
    let all = [None, Some(1), Some(2), Some(5), Some(9)];
    for before in all {
        for after in all {
            for under_way in 0..=before.unwrap_or(7) as usize {
                let limiter = Limiter::new(limits(None, None, before));
                let mut held = Vec::new();
                for _ in 0..under_way {
                    held.push(enters(&limiter).unwrap());
                }
                limiter.change(limits(None, None, after));
                let case = format!("{before:?} -> {after:?} with {under_way}");
                let Some(after) = after.map(|after| after as usize) else {
                    assert!(enters(&limiter).is_some(), "{case}");
                    continue;
                };
                let room = after.saturating_sub(under_way);
                let more = fill(&limiter);
                assert_eq!(more.len(), room, "{case}");
                drop((held, more));
                assert_eq!(fill(&limiter).len(), after, "{case}: all have ended");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_comes_and_goes_loses_no_place_and_makes_none() {
    let limiter = Limiter::new(limits(None, None, Some(3)));
    let mut held = fill(&limiter);
    for limit in [Some(1), None, Some(2), Some(8), Some(1), None, Some(4)] {
        limiter.change(limits(None, None, limit));
    }
    assert_eq!(fill(&limiter).len(), 1, "3 of 4 are under way");
    limiter.change(limits(None, None, Some(1)));
    held.pop();
    held.pop();
    assert!(enters(&limiter).is_none(), "one is under way");
    held.pop();
    assert_eq!(fill(&limiter).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_last_minute_used_stays_used() {
    for (before, used, after, left) in
        [(10, 4, 20, 16), (10, 10, 20, 10), (20, 15, 10, 0), (10, 0, 5, 5), (10, 4, 10, 6)]
    {
        let limiter = Limiter::new(limits(Some(before), None, None));
        for _ in 0..used {
            drop(enters(&limiter).unwrap());
        }
        limiter.change(limits(Some(after), None, None));
        let case = format!("{used} of {before} -> {after}");
        assert_eq!(fill(&limiter).len(), left, "{case}");
        limiter.change(limits(None, None, None));
        assert!(enters(&limiter).is_some(), "{case}: no limit");
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_limits_again_change_nothing() {
    let same = limits(Some(6), Some(45), Some(3));
    let limiter = Limiter::new(same);
    for _ in 0..1000 {
        limiter.change(same);
    }
    let held = fill(&limiter);
    assert_eq!(held.len(), 3);
    drop(held);
    assert_eq!(fill(&limiter).len(), 1, "tokens for four");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_line_waits_for_the_new_limits() {
    let limiter = Arc::new(Limiter::new(limits(Some(1), None, None)));
    drop(enters(&limiter).unwrap());
    let waiting = tokio::spawn({
        let limiter = Arc::clone(&limiter);
        async move { limiter.admit(10, within(Duration::from_secs(3_600))).await.is_ok() }
    });
    tokio::task::yield_now().await;
    let began = Instant::now();
    limiter.change(limits(None, None, None));
    assert!(waiting.await.unwrap());
    assert_eq!(began.elapsed(), Duration::ZERO, "it did not wait for the old limit");
}

#[tokio::test(start_paused = true)]
async fn a_call_in_line_that_has_become_too_large_is_told_so() {
    let limiter = Arc::new(Limiter::new(limits(None, Some(100), None)));
    drop(limiter.admit(100, within(Duration::ZERO)).await.unwrap());
    let waiting = tokio::spawn({
        let limiter = Arc::clone(&limiter);
        async move { limiter.admit(60, within(Duration::from_secs(3_600))).await.err() }
    });
    tokio::task::yield_now().await;
    limiter.change(limits(None, Some(50), None));
    assert_eq!(waiting.await.unwrap(), Some(Overload::TooLarge { limit: 50 }));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_for_a_place_gets_one_that_is_added() {
    let limiter = Arc::new(Limiter::new(limits(None, None, Some(1))));
    let held = enters(&limiter).unwrap();
    let waiting = tokio::spawn({
        let limiter = Arc::clone(&limiter);
        async move { limiter.admit(10, within(Duration::from_secs(3_600))).await }
    });
    tokio::task::yield_now().await;
    limiter.change(limits(None, None, Some(2)));
    let second = waiting.await.unwrap().unwrap();
    assert!(enters(&limiter).is_none());
    drop((held, second));
}
