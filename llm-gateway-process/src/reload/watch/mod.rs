//! Looks at the files of a policy from time to time, and puts a changed policy in force.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::time::Duration;

use llm_gateway_core::config::PolicySource;
use llm_gateway_core::{Environment, Gateway};
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use super::footprint::Footprint;
use super::live::LiveGateway;
use super::report::report_change;
use super::settling::Settling;

/// The time between two looks. An edit is read after two or three of them, and counts within two
/// seconds.
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// A watch over the files of a policy, which replaces the gateway in force when they change.
#[must_use = "nothing is watched until `run` is polled"]
pub struct PolicyWatch {
    source: PolicySource,
    environment: Environment,
    paths: Vec<PathBuf>,
    settling: Settling<Vec<Footprint>>,
    gateways: watch::Sender<Gateway>,
}

impl PolicyWatch {
    /// Begins to watch the files of `source`, before they are read first by `build`.
    pub(crate) fn over(
        source: PolicySource,
        env_file: Option<PathBuf>,
        environment: Environment,
        build: impl FnOnce(PolicySource, Environment) -> Gateway,
    ) -> Self {
        let paths = source.watched_paths(env_file.as_deref());
        let settling = Settling::new(footprints(&paths));
        let gateways = watch::Sender::new(build(source.clone(), environment.clone()));
        Self { source, environment, paths, settling, gateways }
    }

    /// Returns a handle to the gateway in force.
    pub fn live(&self) -> LiveGateway {
        LiveGateway::of(&self.gateways)
    }

    /// Watches the files for ever.
    ///
    /// Files are looked at and read by a thread that may block, because they may be on a machine
    /// that does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future ends the watch. The gateway in force stays.
    pub async fn run(mut self) {
        if self.paths.is_empty() {
            return std::future::pending().await;
        }
        let mut looks = interval(BETWEEN_LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            looks.tick().await;
            let look = spawn_blocking(move || {
                self.look();
                self
            });
            match look.await {
                Ok(watch) => self = watch,
                // The runtime ends.
                Err(_) => return std::future::pending().await,
            }
        }
    }

    /// Looks at the files once, and reads them if a change of them has settled. Returns whether
    /// they were read.
    pub(super) fn look(&mut self) -> bool {
        let now = footprints(&self.paths);
        let is_coarse = now.iter().any(Footprint::is_coarse);
        let is_due = self.settling.look(now, is_coarse);
        // A panic is told by its own line on stderr, and must not end the watch.
        if is_due && catch_unwind(AssertUnwindSafe(|| self.read())).is_err() {
            tracing::error!("the changed policy could not be read, because of a bug");
        }
        is_due
    }

    /// Reads the policy, and puts the gateway that obeys it in force.
    fn read(&mut self) {
        let before = self.gateways.borrow().clone();
        let source = match &self.source {
            // A file that was in force and is gone is an error, so that its caps are not lost.
            PolicySource::EmbeddedInPlaceOf(_) => PolicySource::discover(&self.environment),
            known => known.clone(),
        };
        let after = before.with_policy(source.clone());
        if after.policy_error().is_none() {
            self.source = source;
        }
        report_change(&before, &after);
        self.gateways.send_replace(after);
    }
}

/// Looks at each path.
fn footprints(paths: &[PathBuf]) -> Vec<Footprint> {
    paths.iter().map(|path| Footprint::of(path)).collect()
}

#[cfg(test)]
mod tests;
