//! Computes what should happen in a cell: the table, applied to the course of its position.

use super::cell::Cell;
use super::faults::{MODEL, TEXT};
use super::story::{Bytes, Story, answered, failed, sent, tried};
use super::{REPORTED, Reply, STUMBLE, Told, Wait, Who, rows};

impl Cell<'_> {
    /// Returns what the table says about the request.
    pub(super) fn expected(&self) -> Story {
        let providers = self.chain().map(|who| self.provider(who));
        let mut story = Story {
            end: self.expected_end(),
            tries: Vec::new(),
            sent: Vec::new(),
            failures: providers.map(|name| (name, 0)).into(),
            spent: providers.map(|name| (name, 0)).into(),
            held: 0,
            time_adds_up: true,
        };
        let mut before: Option<(Who, Told)> = None;
        for &(who, reply) in self.course() {
            let (provider, told) = (self.provider(who), self.told(reply));
            let again = before.filter(|(same, _)| *same == who);
            let wait = again.map_or(Wait::No, |(_, told)| told.wait);
            let Told { outcome, billed, takes_s, .. } = told;
            story.tries.push(tried(provider, outcome, wait, takes_s, Some(billed)));
            let bytes = again.map_or(Bytes::New, |_| Bytes::Again);
            story.sent.push(sent(bytes, self.delivery));
            *story.spent.entry(provider).or_default() += billed;
            let failures = story.failures.entry(provider).or_default();
            *failures = if told.outcome == "ok" { 0 } else { *failures + u32::from(told.counts) };
            before = Some((who, told));
        }
        story
    }

    fn expected_end(&self) -> String {
        match self.course().last() {
            Some(&(who, reply)) if self.told(reply).outcome == "ok" => {
                let [first, _] = self.chain();
                let tries = self.course().iter().filter(|(asked, _)| *asked == who).count();
                let first = format!("{}/{MODEL}", self.provider(first));
                let by = format!("{}/{MODEL}", self.provider(who));
                answered(TEXT, &by, tries - 1, (by != first).then_some(&first))
            }
            _ => {
                let retry_after = match self.row.told.wait {
                    Wait::Exactly(asked) => Some(asked),
                    Wait::No | Wait::Backoff => None,
                };
                failed(self.row.told.outcome, retry_after)
            }
        }
    }

    /// Returns what the table says about one reply.
    fn told(&self, reply: Reply) -> Told {
        match reply {
            Reply::Fault => self.row.told,
            Reply::Stumble => rows().find(|row| row.fault == STUMBLE).expect("in the table").told,
            Reply::Good => {
                Told { outcome: "ok", counts: false, billed: REPORTED, wait: Wait::No, takes_s: 0 }
            }
        }
    }
}
