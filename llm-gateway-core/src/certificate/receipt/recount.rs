//! The tokens of a receipt's calls, counted again from the bytes of their responses.

use std::collections::BTreeMap;

use super::document::Receipt;
use super::rows::Tokens;
use super::subject::Subject;
use crate::certificate::readers;

/// What came of counting again.
#[derive(Debug, Default)]
pub(super) struct Recount {
    /// The calls whose bytes bear out what the receipt counts.
    pub(super) agreed: usize,
    /// What does not agree, a sentence for each call.
    pub(super) differences: Vec<String>,
}

/// Counts the tokens of each call for which the receipt and the bytes both have a count. What
/// only one of them has, the other cannot contradict.
pub(super) fn recount<S: Subject>(receipt: &Receipt<S>, evidence: &S::Evidence) -> Recount {
    let stated = receipt.calls.iter().filter_map(|call| Some((call.sequence, call.spent?.tokens?)));
    let stated: BTreeMap<u64, Tokens> = stated.collect();
    let mut recount = Recount::default();
    for member in S::calls(evidence) {
        for exchange in &member.exchanges {
            let (Some(stated), Some(response)) = (stated.get(&exchange.sent), &exchange.response)
            else {
                continue;
            };
            let Some(counted) = readers::usage(member.dialect, response).map(Tokens::from) else {
                continue;
            };
            if counted == *stated {
                recount.agreed += 1;
            } else {
                let what = format!("tokens of call {}", exchange.sent);
                let difference = format!("{what}: stated {stated}, its response says {counted}");
                recount.differences.push(difference);
            }
        }
    }
    recount
}
