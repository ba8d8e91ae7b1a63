//! What is left when a day or a month changes while a request is under way.

use std::sync::Arc;
use std::time::Duration;

use llm_gateway_core::clock::Clock;
use llm_gateway_core::ledger::{Day, Ledger, SpendBy};
use llm_gateway_core::{Envelope, Gateway, Request, Scripted};
use test_support::nanos;
use tokio::time::Instant;

use super::left::{TOTAL_DAILY, TOTAL_MONTHLY, budget, envelope, key};
use super::watched::{Watched, another_spends};
use super::{policy, usd, variables};
use crate::support::{WORST_CASE, obeying};

/// A clock that follows tokio's, and begins one second before December.
struct LastSecond(Instant);

impl Clock for LastSecond {
    fn now(&self) -> Duration {
        // 2026-11-30T23:59:59 UTC.
        Duration::from_secs(1_796_083_199) + self.0.elapsed()
    }
}

/// Builds a gateway at the last second of November.
fn gateway(script: Scripted, all: &[(&str, String)], ledger: Arc<Watched>) -> Gateway {
    let retrying = policy("").replace("max_retries: 0", "max_retries: 1");
    let builder = obeying(retrying).environment(variables(all)).scripted(script).ledger(ledger);
    builder.clock(Arc::new(LastSecond(Instant::now()))).build().unwrap()
}

fn december() -> Day {
    Day::parse("2026-12-01").unwrap()
}

/// Returns what a cap of this many nano-dollars on everything leaves on the first of December.
async fn left(ledger: &Watched, limit: u64) -> u64 {
    let spent = ledger.books.spent(december().into(), SpendBy::Provider).await.unwrap();
    assert_eq!(spent.held.as_nanos(), 0);
    limit - spent.settled.as_nanos()
}

#[tokio::test(start_paused = true)]
async fn what_began_before_midnight_gives_nothing_to_the_next_day() {
    let limit = 10 * WORST_CASE;
    for (variable, told) in [(TOTAL_DAILY, "total/day"), (TOTAL_MONTHLY, "total/month")] {
        let ledger = Arc::new(Watched::default());
        another_spends(&ledger.books, december(), 4 * WORST_CASE).await;
        // One member is cut off after midnight and tries again; the others answer after that.
        let script = Scripted::new().delay(Duration::from_secs(2)).cut();
        let script = script.delay(Duration::from_secs(30)).answer("late");
        let script = script.delay(Duration::from_secs(40)).answer("later").answer("again");
        let gateway = gateway(script, &[(variable, usd(limit))], Arc::clone(&ledger));
        let panel = envelope(&gateway, "three").await;
        assert!(!panel.is_error(), "{panel:?}");
        gateway.drain().await.unwrap();
        let said = budget(&panel);
        assert_eq!((key(&said).as_str(), said.2), (told, left(&ledger, limit).await));
        assert!(said.2 < 6 * WORST_CASE, "the retry belongs to December");
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_after_midnight_tells_of_the_new_day_and_warns_of_no_other() {
    // One call uses more than four fifths of the old day, and of the old month.
    let limit = WORST_CASE * 11 / 10;
    for (variable, told) in [(TOTAL_DAILY, "total/day"), (TOTAL_MONTHLY, "total/month")] {
        for is_readable in [true, false] {
            let ledger = Arc::new(Watched::default());
            // The answer counts no tokens, so that the call costs its whole hold.
            let uncounted =
                r#"{"choices": [{"message": {"content": "hi"}, "finish_reason": "stop"}]}"#;
            let script = Scripted::new().delay(Duration::from_secs(2)).raw(200, uncounted);
            let gateway = gateway(script, &[(variable, usd(limit))], Arc::clone(&ledger));
            if !is_readable {
                ledger.close();
            }
            let answered = envelope(&gateway, "quick").await;
            assert!(!answered.is_error(), "{answered:?}");
            assert_eq!(nanos(&answered.meta["cost_usd_approx"]), WORST_CASE);
            assert_eq!(answered.meta["preflight"].get("warning"), None, "{variable}");
            match is_readable {
                true => {
                    let said = budget(&answered);
                    assert_eq!((key(&said).as_str(), said.2), (told, limit));
                }
                false => assert_eq!(answered.meta.get("budget"), None, "nobody knows"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_before_midnight_is_followed_by_what_the_new_day_leaves() {
    let ledger = Arc::new(Watched::default());
    let limit = 2 * WORST_CASE;
    // A first call is cut after midnight and counts whole; another process uses up December, so
    // that the retry is refused there.
    let script = Scripted::new().delay(Duration::from_secs(2)).cut();
    let gateway = gateway(script, &[(TOTAL_DAILY, usd(limit))], Arc::clone(&ledger));
    another_spends(&ledger.books, december(), limit - 7).await;
    let failed = Envelope::from(&gateway.start(Request::new("quick", "hi")).await);
    assert!(failed.is_error());
    assert_eq!((budget(&failed).2, left(&ledger, limit).await), (7, 7));
    let warning = failed.meta["preflight"]["warning"].as_str().unwrap();
    assert!(warning.ends_with("on 2026-12-02 at 00:00 UTC"), "{warning}");
}
