//! The leases of one attempt: what was leased for it, and how its source hears of the attempt's
//! end.

use crate::error::Error;
use crate::model::Target;

use super::{CredentialSource, LeaseEnd, LeasedKey};

/// The leases of one attempt. They live as long as the attempt, and their source hears exactly once
/// of each how the attempt ended, also if the attempt is dropped.
pub(crate) struct AttemptLeases<'a> {
    source: &'a dyn CredentialSource,
    target: &'a Target,
    leases: Vec<LeasedKey>,
}

impl<'a> AttemptLeases<'a> {
    /// Creates the empty leases of an attempt at `target`.
    pub(crate) fn new(source: &'a dyn CredentialSource, target: &'a Target) -> Self {
        Self { source, target, leases: Vec::new() }
    }

    /// Leases a key for `variable`: the one that is called `id`, or whichever the source chooses.
    ///
    /// # Cancel safety
    /// If the future is dropped, what was leased before is reported.
    pub(crate) async fn take(&mut self, variable: &str, id: Option<&str>) {
        let lease = self.source.lease_for(self.target, variable, id).await;
        let leased = |lease| LeasedKey { variable: variable.to_owned(), lease };
        self.leases.extend(lease.map(leased));
    }

    /// Returns what was leased so far.
    pub(crate) fn taken(&self) -> &[LeasedKey] {
        &self.leases
    }

    /// Returns the id of the key that was leased for `variable`, if one was.
    pub(crate) fn id(&self, variable: &str) -> Option<&str> {
        let leased = self.leases.iter().find(|leased| leased.variable == variable);
        leased.map(|leased| leased.lease.id.as_str())
    }

    /// Reports that the attempt has ended with this result.
    pub(crate) fn ended<T>(mut self, result: &Result<T, Error>) {
        match result {
            Ok(_) => self.report(LeaseEnd::Answered),
            Err(error) => self.report(LeaseEnd::Failed(error)),
        }
    }

    fn report(&mut self, end: LeaseEnd<'_>) {
        for LeasedKey { lease, .. } in self.leases.drain(..) {
            self.source.report(&lease, self.target, end);
        }
    }
}

impl Drop for AttemptLeases<'_> {
    fn drop(&mut self) {
        self.report(LeaseEnd::Dropped);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::credential::{Lease, Secret};
    use crate::error::Category;
    use crate::model::{ModelId, ProviderName};

    /// A source that counts what it lends, and fails to lend the variable `NONE`.
    #[derive(Default)]
    struct Counted(Mutex<Vec<String>>);

    impl Counted {
        fn note(&self, text: String) {
            self.0.lock().unwrap().push(text);
        }
    }

    #[async_trait]
    impl CredentialSource for Counted {
        async fn lease(&self, _: &ProviderName, variable: &str) -> Option<Lease> {
            if variable == "NEVER" {
                std::future::pending::<()>().await;
            }
            self.note(format!("+{variable}"));
            (variable != "NONE").then(|| Lease::new(variable, Secret::new("k".to_owned())))
        }

        fn has(&self, _: &ProviderName, _: &str) -> bool {
            true
        }

        fn known(&self) -> Vec<Secret> {
            Vec::new()
        }

        fn report(&self, lease: &Lease, target: &Target, end: LeaseEnd<'_>) {
            let end = match end {
                LeaseEnd::Answered => "answered",
                LeaseEnd::Failed(error) => error.category().as_str(),
                LeaseEnd::Dropped => "dropped",
            };
            self.note(format!("-{} {} {end}", lease.id, target.model));
        }
    }

    fn target() -> Target {
        Target::new(ProviderName::new("openai").unwrap(), ModelId::new("m").unwrap())
    }

    async fn noted(end: impl AsyncFnOnce(AttemptLeases<'_>)) -> Vec<String> {
        let (source, target) = (Counted::default(), target());
        let mut leases = AttemptLeases::new(&source, &target);
        for variable in ["A", "NONE", "B"] {
            leases.take(variable, None).await;
        }
        assert_eq!((leases.id("A"), leases.id("NONE")), (Some("A"), None));
        end(leases).await;
        source.0.into_inner().unwrap()
    }

    #[tokio::test]
    async fn each_lease_is_reported_once_however_the_attempt_ends() {
        let taken = ["+A", "+NONE", "+B"];
        let error = Error::new(Category::Auth, "no");
        for (noted, end) in [
            (noted(async |leases| leases.ended(&Ok(()))).await, "answered"),
            (noted(async |leases| leases.ended::<()>(&Err(error))).await, "auth"),
            (noted(async |leases| drop(leases)).await, "dropped"),
            (
                noted(async |mut leases| {
                    let waits = leases.take("NEVER", None);
                    let limit = std::time::Duration::ZERO;
                    assert!(tokio::time::timeout(limit, waits).await.is_err());
                })
                .await,
                "dropped",
            ),
        ] {
            let reported = ["A", "B"].map(|id| format!("-{id} m {end}"));
            assert_eq!(noted[..3], taken);
            assert_eq!(noted[3..], reported);
        }
    }
}
