//! What a ledger has set aside for several attempts at once.

use super::hold::Hold;
use super::scope::ScopeTotal;

/// Money that is set aside for several attempts, and the totals that it left behind.
#[derive(Debug, Default)]
#[must_use = "holds that are dropped give their money back"]
#[non_exhaustive]
pub struct Reserved {
    /// The holds of the attempts, one for each, in the same order.
    pub holds: Vec<Hold>,
    /// The totals that the caps limit, of every scope in which one of the attempts counts, with
    /// these holds in them. Callers are told by them what each cap leaves. A ledger that does not
    /// report totals leaves the list empty.
    pub totals: Vec<ScopeTotal>,
}

impl Reserved {
    /// Creates the reservation of `holds`, without totals.
    pub fn new(holds: Vec<Hold>) -> Self {
        Self { holds, totals: Vec::new() }
    }

    /// Sets the totals that the caps limit, with the holds in them.
    pub fn with_totals(self, totals: Vec<ScopeTotal>) -> Self {
        Self { totals, ..self }
    }
}
