//! Counts the tokens of a receipt's attempts again, from the bytes of their responses.

use std::collections::BTreeMap;

use super::cost::Tokens;
use super::document::Receipt;
use super::subject::Subject;
use crate::certificate::readers;

/// The result of counting the tokens of a receipt's attempts again.
#[derive(Debug, Default)]
pub(super) struct Recount {
    /// Number of attempts whose responses confirm the token counts in the receipt.
    pub(super) agreed: usize,
    /// Attempts whose token counts in the receipt differ from their responses, one sentence each.
    pub(super) differences: Vec<String>,
}

/// Compares the token counts of each attempt for which both the receipt and the bytes have a count.
/// A count that is only in the receipt or only in the bytes cannot be contradicted.
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
