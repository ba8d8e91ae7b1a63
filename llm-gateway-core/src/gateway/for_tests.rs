//! The gateway of a test, which takes nothing from the machine that it runs on.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::FixedClock;
use crate::config::PolicyProblems;
use crate::environment::Environment;
use crate::transport::Scripted;

use super::{Gateway, GatewayBuilder};

/// The date of a gateway for tests: 1 January 2026, 00:00 UTC. No model of the built-in table is
/// retired then.
const TEST_DATE: Duration = Duration::from_secs(1_767_225_600);

impl Gateway {
    /// Builds a gateway for tests, which obeys the policy in the YAML text `policy` and answers
    /// from `script`.
    ///
    /// It takes nothing from the machine: no variable, no file, no network, no date and no
    /// randomness. Equal calls in an equal order therefore return equal results, run ids and
    /// receipts included, and their envelopes are the same to the byte, on every machine and in any
    /// thread. (On a runtime of several threads, panels at the same time may ask their members in
    /// another order, which their receipts show.) [`GatewayBuilder::for_tests`] says what stands in
    /// place of each part, and lets a test replace one.
    ///
    /// ```
    /// use llm_gateway_core::{Envelope, Gateway, Request, Scripted};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let policy = "
    /// defaults: {geography: {provider: openai, model: gpt-6-luna}}
    /// fallback: {geography: [{provider: anthropic, model: claude-haiku-5-5}]}
    /// ";
    /// let script = Scripted::new()
    ///     .target("openai/gpt-6-luna", Scripted::new().status(401))
    ///     .target("anthropic/claude-haiku-5-5", Scripted::new().answer("Canberra"))
    ///     .strict();
    /// let gateway = Gateway::for_tests(policy, script.clone())?;
    /// let answer = gateway.route(Request::new("geography", "Capital of Australia?")).await?;
    /// assert_eq!(answer.text(), "Canberra");
    /// // Every step was used, and nothing was asked beyond them.
    /// script.finish()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PolicyProblems`] lists everything that makes the policy unusable, and everything in the
    /// script that could never be played: too many steps, and targets that the policy does not
    /// have.
    pub fn for_tests(policy: impl Into<String>, script: Scripted) -> Result<Self, PolicyProblems> {
        Self::builder().policy_yaml(policy).for_tests(script).build()
    }
}

impl GatewayBuilder {
    /// Answers from `script`, and takes nothing from the machine.
    ///
    /// | part | in its place |
    /// |---|---|
    /// | the network | `script`, as with [`scripted`](Self::scripted) |
    /// | variables of the process | none, as with [`Environment::empty`] |
    /// | the date | 1 January 2026, 00:00 UTC |
    /// | randomness | a generator with the seed 0 |
    /// | the ledger's file | a ledger in memory, if the policy names one |
    /// | receipts on disk | none are written; the reply holds its receipt |
    /// | latencies and waits in results | zero |
    ///
    /// Methods that are called after this one replace a part again: a test with a ledger of its own
    /// calls [`ledger`](Self::ledger), one at another date [`clock`](Self::clock). Waits between
    /// retries run on tokio's clock, which a test can pause.
    pub fn for_tests(self, script: Scripted) -> Self {
        let mut hermetic = self
            .environment(Environment::empty())
            .clock(Arc::new(FixedClock::new(TEST_DATE)))
            .seed(0)
            .scripted(script);
        hermetic.is_hermetic = true;
        hermetic
    }
}
