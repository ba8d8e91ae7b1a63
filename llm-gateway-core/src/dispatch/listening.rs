//! Reports how long an answer is while it streams in.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::event::{Event, EventSender};
use crate::model::Target;
use crate::policy::PreflightRules;
use crate::transport::Recorder;

/// Returns a recorder for one call at `target` that reports the length of the answer to `events`,
/// at most once a second.
pub(super) fn recorder(events: &EventSender, rules: &PreflightRules, target: &Target) -> Recorder {
    let (events, rules, target) = (events.clone(), rules.clone(), target.clone());
    let (began, told) = (Instant::now(), AtomicU64::new(0));
    Recorder::new().with_listener(move |chars| {
        let second = began.elapsed().as_secs();
        if told.fetch_max(second, Ordering::Relaxed) < second {
            let tokens = rules.estimated_tokens(usize::try_from(chars).unwrap_or(usize::MAX));
            let (target, characters) = (target.clone(), chars);
            events.send_if_idle(Event::Writing { target, tokens, characters });
        }
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::event;
    use crate::model::{ModelId, ProviderName};

    #[tokio::test(start_paused = true)]
    async fn growth_is_told_once_a_second_and_never_in_place_of_a_step() {
        let (sender, mut events) = event::channel();
        let target = Target::new(ProviderName::new("openai").unwrap(), ModelId::new("m").unwrap());
        let recorder = recorder(&sender, &PreflightRules::default(), &target);
        let mut told = Vec::new();
        for second in 0..3 {
            recorder.heard(100 * second + 4);
            recorder.heard(100 * second + 8);
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        for _ in 0..160 {
            sender.send(Event::Waiting { target: target.clone(), wait: Duration::ZERO });
        }
        recorder.heard(1_000);
        drop((sender, recorder));
        while let Some(event) = events.next().await {
            if let Event::Writing { tokens, .. } = event {
                told.push(tokens);
            }
        }
        assert_eq!(told, [26, 51]);
    }
}
