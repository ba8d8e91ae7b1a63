//! The caps and switches that the embedding program sets in code, beside those of the environment
//! and the budgets of the policy.

use crate::ledger::{Cap, Per, Scope};
use crate::model::NanoUsd;

/// What the calls of a gateway may cost, set by the program that embeds it.
///
/// [`GatewayBuilder::caps`](crate::GatewayBuilder::caps) puts them in force, beside the caps of the
/// environment's variables and the budgets of the policy. Of several caps on the same calls in the
/// same length of time the lowest counts, and a switch is on if anybody has set it: so neither the
/// program nor its user can loosen what the other has set.
///
/// A cap per day or per month needs a ledger, as a cap of a variable does. A cap on a provider or a
/// task class that the policy does not have makes the policy unusable, because the money that it
/// should guard would be left unguarded.
///
/// ```
/// use llm_gateway_core::ledger::{MemoryLedger, Per};
/// use llm_gateway_core::model::NanoUsd;
/// use llm_gateway_core::policy::Caps;
/// use llm_gateway_core::{Category, Gateway, Request};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let caps = Caps::new().everything(Per::Month, NanoUsd::parse_usd("0.000001")?);
/// let ledger = std::sync::Arc::new(MemoryLedger::new());
/// let gateway = Gateway::builder().caps(caps).ledger(ledger).offline().build()?;
/// let failure = gateway.route(Request::new("quick_answer", "hello")).await.unwrap_err();
/// assert_eq!(failure.category(), Category::PolicyBlocked);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "caps limit nothing until a gateway is built with them"]
pub struct Caps {
    caps: Vec<Cap>,
    refuses_all: bool,
    refuses_expensive: bool,
}

impl Caps {
    /// Creates caps that limit nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a cap on the calls of one scope: everything, a provider or a task class.
    ///
    /// A limit of zero refuses every call that costs anything. (In a variable, zero means that
    /// there is no cap.)
    pub fn with(mut self, cap: Cap) -> Self {
        self.caps.push(cap);
        self
    }

    /// Adds a cap on the calls of all providers together.
    pub fn everything(self, per: Per, limit: NanoUsd) -> Self {
        self.with(Cap::new(Scope::Total, per, limit))
    }

    /// Refuses every call, as the variable `LLM_GATEWAY_DISABLED` does.
    pub fn refuse_all(self) -> Self {
        Self { refuses_all: true, ..self }
    }

    /// Refuses every call that may cost more than a dollar or whose price is unknown, as the
    /// variable `LLM_GATEWAY_EXPENSIVE_DISABLED` does.
    pub fn refuse_expensive(self) -> Self {
        Self { refuses_expensive: true, ..self }
    }

    /// Returns the caps, in the order in which they were added.
    pub fn caps(&self) -> &[Cap] {
        &self.caps
    }

    /// Returns each cap with the words by which hints name it.
    pub(crate) fn settings(&self) -> impl Iterator<Item = (Cap, String)> {
        self.caps.iter().map(|cap| (cap.clone(), format!("`{}` of the program", cap.key())))
    }

    /// Returns whether every call is refused.
    pub fn refuses_all(&self) -> bool {
        self.refuses_all
    }

    /// Returns whether every call is refused that may cost more than a dollar or whose price is
    /// unknown.
    pub fn refuses_expensive(&self) -> bool {
        self.refuses_expensive
    }
}
