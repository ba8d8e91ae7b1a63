//! What is known of the client of a session, by the name that it states: when it gives a call up,
//! and how it reads a result.
//!
//! The facts are in `data/clients.json`. A client that is not listed is taken for one that waits
//! and reads everything.

use std::time::Duration;

use llm_gateway_core::policy::HandOff;
use rmcp::RoleServer;
use rmcp::service::RequestContext;
use serde::Deserialize;

/// The table of clients.
const CLIENTS: &str = include_str!("../data/clients.json");

/// The time by which a call is handed off before its client gives it up: enough for the answer to
/// arrive on a machine under load.
const BEFORE_THE_CLOCK: Duration = Duration::from_secs(10);

/// The time for which a call of `llm_result` waits for a run unless the policy says otherwise: less
/// than the minute after which common clients give up.
const LONGEST_WAIT: Duration = Duration::from_secs(50);

/// The clients of which something is known.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clients {
    clients: Vec<ClientFacts>,
}

/// The facts about one client.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientFacts {
    /// The name in `clientInfo`, or its beginning up to a dash.
    name: String,
    /// The seconds after which the client gives a call up; null if it waits.
    clock_s: Option<f64>,
    /// Whether a notification of progress starts that clock anew.
    progress_resets: bool,
    /// Whether its model is shown the text and the structured content of a result, and pays for
    /// both.
    #[serde(default)]
    one_copy: bool,
    /// The most characters of a result that the client hands on whole, if that is fewer than usual.
    max_chars: Option<usize>,
    #[allow(dead_code)]
    as_of: String,
    #[allow(dead_code)]
    source: String,
}

/// The client of one call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    /// The name that the client states; empty if it states none.
    name: String,
    facts: ClientFacts,
    /// Whether the client is told of the progress of this call.
    is_told: bool,
}

impl Clients {
    /// Returns the clients of the table.
    pub(crate) fn known() -> Self {
        // A test reads the table, which is part of the binary.
        serde_json::from_str(CLIENTS).unwrap_or_default()
    }

    /// Returns the client that makes a call: the one that the call itself names, as newer versions
    /// of the protocol do, else the one that opened the session. A token that asks for progress may
    /// be unusable, so `is_told` says whether the client is really told of it.
    pub(crate) fn client_of(&self, context: &RequestContext<RoleServer>, is_told: bool) -> Client {
        let named = context.meta.client_info().map(|info| info.name);
        let opened = || Some(context.peer.peer_info()?.client_info.name.clone());
        let name = named.or_else(opened).unwrap_or_default();
        Client { facts: self.facts(&name), name, is_told }
    }

    /// Returns the facts about the client of a name.
    fn facts(&self, name: &str) -> ClientFacts {
        let mut clients = self.clients.iter();
        clients.find(|facts| is_called(name, &facts.name)).cloned().unwrap_or_default()
    }
}

/// Returns whether a client that states the name `stated` is the one that is called `known`. A
/// client may add a dash and more to its own name, such as the name of the server.
pub(crate) fn is_called(stated: &str, known: &str) -> bool {
    let stated = stated.trim().to_ascii_lowercase();
    let rest = stated.strip_prefix(known).map(str::trim_start);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

impl Client {
    /// Returns the time after which a call is handed off; `None` if never.
    pub(crate) fn hand_off_after(&self, rule: HandOff) -> Option<Duration> {
        match rule {
            HandOff::After(time) => Some(time),
            HandOff::Auto => Some(self.clock()?.saturating_sub(BEFORE_THE_CLOCK)),
            _ => None,
        }
    }

    /// Returns the time for which a call of `llm_result` waits for a run.
    pub(crate) fn waits(&self, rule: HandOff) -> Duration {
        match rule {
            HandOff::After(time) => time,
            rule => self.hand_off_after(rule).map_or(LONGEST_WAIT, |time| time.min(LONGEST_WAIT)),
        }
    }

    /// Returns the name that the client states; empty if it states none.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Returns whether the client's model pays for both copies of a result.
    pub(crate) fn wants_one_copy(&self) -> bool {
        self.facts.one_copy
    }

    /// Returns the most characters of a result that the client hands on whole, if that is fewer
    /// than usual.
    pub(crate) fn max_chars(&self) -> Option<usize> {
        self.facts.max_chars
    }

    /// Returns the time after which the client gives this call up, whatever it hears of it.
    fn clock(&self) -> Option<Duration> {
        let is_reset = self.facts.progress_resets && self.is_told;
        let seconds = self.facts.clock_s.filter(|_| !is_reset)?;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(name: &str, is_told: bool) -> Client {
        Client { name: name.to_owned(), facts: Clients::known().facts(name), is_told }
    }

    #[test]
    fn the_table_can_be_read_and_says_where_each_fact_is_from() {
        let table: Clients = serde_json::from_str(CLIENTS).unwrap();
        assert!(table.clients.len() >= 5);
        for facts in &table.clients {
            assert_eq!(facts.name, facts.name.trim().to_ascii_lowercase());
            assert!(facts.source.len() > 20 && facts.as_of.starts_with("20"), "{facts:?}");
            let clock = facts.clock_s.map(Duration::from_secs_f64);
            assert!(clock.is_none_or(|clock| clock > 2 * BEFORE_THE_CLOCK), "{facts:?}");
        }
    }

    #[test]
    fn a_call_is_handed_off_before_a_clock_that_nothing_resets() {
        let after = |name, progress| client(name, progress).hand_off_after(HandOff::Auto);
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for progress in [false, true] {
            assert_eq!(after("gemini-cli-mcp-client", progress), seconds(590));
            assert_eq!(after(" Gemini-CLI-mcp-client-llm-gateway", progress), seconds(590));
            for waits in ["claude-code", "somebody", "", "gemini-cli-mcp-clientele", "open"] {
                assert_eq!(after(waits, progress), None, "{waits}");
            }
        }
        assert_eq!(after("opencode", false), seconds(50));
        assert_eq!(after("opencode", true), None);
    }

    #[test]
    fn the_policy_says_when_for_every_client() {
        let time = Duration::from_millis(1_500);
        for name in ["opencode", "somebody"] {
            let client = client(name, false);
            assert_eq!(client.hand_off_after(HandOff::After(time)), Some(time));
            assert_eq!(client.waits(HandOff::After(time)), time);
            assert_eq!(client.hand_off_after(HandOff::Never), None);
            for rule in [HandOff::Never, HandOff::Auto] {
                assert_eq!(client.waits(rule), LONGEST_WAIT);
            }
        }
    }
}
