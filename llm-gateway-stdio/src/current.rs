//! What the server works with now: the gateway in force, and the tools that it shows by its policy.
//!
//! The policy may change while the server runs. A call asks for both once, at its beginning, and
//! ends with what it got. A client is told when the tools that it sees have changed, and of nothing
//! else: in the versions up to 2025-11-25 by a notification, in 2026-07-28 by a stream for which
//! the client asks.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use llm_gateway_core::Gateway;
use llm_gateway_process::LiveGateway;
use rmcp::RoleServer;
use rmcp::model::{SubscriptionFilter, Tool};
use rmcp::service::{NotificationContext, SubscriptionContext};
use tokio::sync::watch;

use crate::tools;

/// The most streams of one client that are told of changes. A client needs one; more would only
/// multiply what waits for a client that does not read.
const MOST_STREAMS: usize = 64;

/// The gateway in force, and its tools.
pub(crate) struct Shown {
    pub(crate) gateway: Gateway,
    pub(crate) tools: Arc<[Tool]>,
}

/// A handle to what is shown now. Clones show the same.
#[derive(Clone)]
pub(crate) struct Current {
    shown: watch::Sender<Arc<Shown>>,
    /// Whether the client of a session with a handshake is told of changes already.
    is_told: Arc<AtomicBool>,
    /// The number of streams that are told of changes.
    streams: Arc<AtomicUsize>,
}

impl Current {
    /// Begins with the gateway in force.
    pub(crate) fn of(live: &LiveGateway) -> Self {
        let gateway = live.now();
        let tools = tools::all(&gateway).into();
        let shown = watch::Sender::new(Arc::new(Shown { gateway, tools }));
        Self { shown, is_told: Arc::default(), streams: Arc::default() }
    }

    /// Returns what is shown now.
    pub(crate) fn now(&self) -> Arc<Shown> {
        Arc::clone(&self.shown.borrow())
    }

    /// Shows each gateway that comes into force.
    ///
    /// # Cancel safety
    /// Dropping the future leaves what is shown as it is.
    pub(crate) async fn follow(&self, mut live: LiveGateway) -> Infallible {
        loop {
            self.show(live.next().await);
        }
    }

    /// Shows a gateway. Tools that are the same as before stay what they are, and no client is told
    /// of them.
    fn show(&self, gateway: Gateway) {
        let new: Arc<[Tool]> = tools::all(&gateway).into();
        let old = Arc::clone(&self.now().tools);
        let tools = if *old == *new { old } else { new };
        self.shown.send_replace(Arc::new(Shown { gateway, tools }));
    }

    /// Tells a client that has completed the handshake of each change of the tools, for as long as
    /// the session lasts. A client that completes it again is not told twice.
    pub(crate) async fn tell_session(&self, context: NotificationContext<RoleServer>) {
        let has_handshake = context.peer.peer_info().is_some();
        if !has_handshake || self.is_told.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut tools = self.tools();
        loop {
            tools.changed().await;
            if let Err(error) = context.peer.notify_tool_list_changed().await {
                return tracing::debug!(%error, "the client is not told of new tools");
            }
        }
    }

    /// Tells the client of a stream of each change of the tools, until the client ends the stream.
    pub(crate) async fn tell_subscriber(&self, context: &SubscriptionContext) {
        if context.accepted().tools_list_changed != Some(true) {
            return context.cancelled().await;
        }
        let _counted = Counted::of(&self.streams);
        let mut tools = self.tools();
        loop {
            tokio::select! {
                () = tools.changed() => {}
                () = context.cancelled() => return,
            }
            if let Err(error) = context.sink().notify_tool_list_changed().await {
                tracing::debug!(%error, "a stream is not told of new tools");
            }
        }
    }

    /// Returns the kinds of changes of which another stream is told.
    pub(crate) fn changes_told(&self) -> SubscriptionFilter {
        match self.streams.load(Ordering::Acquire) < MOST_STREAMS {
            true => SubscriptionFilter::builder().tools_list_changed().build(),
            false => SubscriptionFilter::new(),
        }
    }

    fn tools(&self) -> ShownTools {
        let shown = self.shown.subscribe();
        let known = Arc::clone(&shown.borrow().tools);
        ShownTools { shown, known }
    }
}

/// One of the streams that are counted, until it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn of(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::AcqRel);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The tools that one client knows of.
struct ShownTools {
    shown: watch::Receiver<Arc<Shown>>,
    known: Arc<[Tool]>,
}

impl ShownTools {
    /// Waits until other tools are shown than the client knows of. Several changes at once count as
    /// one.
    async fn changed(&mut self) {
        loop {
            if self.shown.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
            let now = Arc::clone(&self.shown.borrow_and_update().tools);
            if !Arc::ptr_eq(&now, &self.known) {
                self.known = now;
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use llm_gateway_core::config::PolicySource;

    use super::*;

    fn policy(class: &str, rationale: &str) -> PolicySource {
        let target = "provider: openai, model: gpt-6-luna";
        PolicySource::Text(format!("defaults: {{{class}: {{{target}, rationale: {rationale}}}}}"))
    }

    /// Checks for a row of policies which of them change what a client sees.
    #[tokio::test]
    async fn a_change_of_the_tools_is_told_and_nothing_else() {
        let start = Gateway::builder().policy(policy("ask", "A")).offline().build().unwrap();
        let current = Current::of(&start.clone().into());
        let mut tools = current.tools();
        for (source, is_told) in [
            (policy("ask", "A # and a comment\n  "), false),
            (policy("ask", "B"), true),
            (policy("talk", "B"), true),
            (PolicySource::Text("defaults: [".to_owned()), false),
            (policy("talk", "B"), false),
            (PolicySource::Embedded, true),
        ] {
            let name = format!("{source:?}");
            let gateway = current.now().gateway.with_policy(source);
            current.show(gateway.clone());
            assert_eq!(tools.changed().now_or_never().is_some(), is_told, "{name}");
            let same = current.now().gateway.policy().unwrap().digest().to_owned();
            assert_eq!(same, gateway.policy().unwrap().digest(), "{name}");
        }
    }
}
