//! Puts a new policy in force in a running program: a gateway with the new policy takes the place
//! of one with the old.
//!
//! This is the one place that says what becomes of what:
//!
//! | what | after a reload |
//! |---|---|
//! | policy, the variables of `.env`, switches, caps | those of the new files, for requests that begin from then on |
//! | a request under way | ends on the policy it began with |
//! | circuit breakers, retry budgets, recent answers, the counts of escalations | go on |
//! | rate limiters | go on under the new limits, for calls under way and in line too |
//! | the limiter of a provider that is gone | is forgotten, and begins anew if the provider returns |
//! | what a session has cost | goes on; a scope that gets its first cap per session begins counting then |
//! | the ledger | goes on; one that is first asked for is opened; a new path counts from the next start |
//! | keys | those of the new files; old and new ones are removed from all answers, of calls under way too |
//! | the process's own variables, proxies, certificates, connections | stay until the program ends |
//! | a policy that cannot be used | changes nothing, and shows as `policy_error` |
//! | a `.env` that is gone | is such a policy: it may have held a cap |
//! | pipes | are read once |

use std::sync::Arc;

use crate::config::{PolicyProblems, PolicySource};

use super::{Gateway, GatewayBuilder};

impl Gateway {
    /// Reads a policy and its `.env` anew, and returns the gateway that obeys them from now on.
    ///
    /// The new gateway has every part that this one was built with, and shares its state: circuit
    /// breakers, rate limits, the sums of the session, the ledger. The limits of the new policy
    /// count at once, for calls under way as well. Requests under way end on the policy with which
    /// they began. The old gateway works on, so a program replaces it wherever it keeps one.
    ///
    /// If the new policy cannot be used, and this gateway's can, the returned gateway obeys this
    /// one's policy, and [`policy_error`](Self::policy_error) says what is wrong. A `.env` beside
    /// the policy that was read before and is gone is such an error too, because it may have held a
    /// cap. Files are read, so that this may block; a pipe is read only once.
    ///
    /// ```
    /// use llm_gateway_core::config::PolicySource;
    /// use llm_gateway_core::{Gateway, Request};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let policy = |class| {
    ///     PolicySource::Text(format!("defaults: {{{class}: {{provider: openai, model: gpt-6-luna}}}}"))
    /// };
    /// let gateway = Gateway::builder().policy(policy("ask")).offline().build()?;
    /// let gateway = gateway.with_policy(policy("talk"));
    /// assert!(gateway.policy_error().is_none());
    /// gateway.route(Request::new("talk", "hello")).await?;
    ///
    /// let gateway = gateway.with_policy(PolicySource::Text("defaults: {ask: 5}".to_owned()));
    /// assert!(gateway.policy_error().is_some());
    /// gateway.route(Request::new("talk", "the last good policy is in force")).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "the old gateway obeys the old policy"]
    pub fn with_policy(&self, source: PolicySource) -> Self {
        let given = GatewayBuilder::clone(&self.given);
        let next = given.policy(source).taking_over(self.clone()).build_always();
        match (next.policy(), self.policy()) {
            (Err(problems), Ok(_)) => {
                Self { policy_error: Some(Arc::new(problems)), ..self.clone() }
            }
            _ => next,
        }
    }

    /// Returns what is wrong with the newest policy, if the one before it is therefore still in
    /// force. It is `None` where no policy is in force: [`policy`](Self::policy) says then what is
    /// wrong.
    pub fn policy_error(&self) -> Option<&PolicyProblems> {
        self.policy_error.as_deref()
    }
}
