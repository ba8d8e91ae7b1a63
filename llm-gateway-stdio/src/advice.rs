//! Tells a client, by the name that it states, how it is given a missing key. An unknown client is
//! told the general words alone.

use llm_gateway_core::policy::Policy;
use llm_gateway_core::{Category, Envelope};
use serde_json::{Map, Value};

use crate::client::is_called;

/// A client, and how its user gives it a variable.
struct KnownClient {
    /// The name in its `clientInfo`, in small letters, or its beginning up to a dash.
    name: &'static str,
    /// The words that follow the advice to set a variable, which they call [`VARIABLE`].
    advice: &'static str,
}

/// The word that stands for the name of a variable.
const VARIABLE: &str = "NAME";

/// The known clients.
const CLIENTS: [KnownClient; 12] = [
    KnownClient { name: "claude-code", advice: CLAUDE_CODE },
    KnownClient { name: "claude-ai", advice: CLAUDE_DESKTOP },
    KnownClient { name: "codex", advice: CODEX },
    KnownClient { name: "gemini-cli", advice: GEMINI },
    KnownClient { name: "opencode", advice: OPENCODE },
    KnownClient { name: "visual studio code", advice: VS_CODE },
    KnownClient { name: "vscode", advice: VS_CODE },
    KnownClient { name: "cursor", advice: CURSOR },
    KnownClient { name: "windsurf", advice: JSON_ENTRY },
    KnownClient { name: "cline", advice: JSON_ENTRY },
    KnownClient { name: "inspector", advice: INSPECTOR },
    KnownClient { name: "mcp-inspector", advice: INSPECTOR },
];

const CLAUDE_CODE: &str = "in Claude Code, add \"NAME\": \"${NAME:-}\" to `env` of the server's entry in \
    .mcp.json or ~/.claude.json, and start it anew (`llm-gateway client-config claude-code` prints \
    the entry)";

const CLAUDE_DESKTOP: &str = "in Claude Desktop, add \"NAME\": \"the key\" to `env` of the server's \
    entry in claude_desktop_config.json, and start it anew";

const CODEX: &str = "Codex hands no variables down by itself: add \"NAME\" to `env_vars` of \
    [mcp_servers.llm-gateway] in ~/.codex/config.toml, and start it anew (`llm-gateway \
    client-config codex` prints the entry)";

const GEMINI: &str = "in Gemini CLI, add \"NAME\": \"$NAME\" to `env` of the server's entry in \
    .gemini/settings.json, and start it anew (`llm-gateway client-config gemini` prints the entry)";

const OPENCODE: &str = "in opencode, add \"NAME\": \"{env:NAME}\" to `environment` of the server's \
    entry in opencode.json, and start it anew (`llm-gateway client-config opencode` prints the entry)";

const VS_CODE: &str = "in VS Code, add \"NAME\": \"${input:NAME}\" to `env` of the server's entry in \
    .vscode/mcp.json, and an input of that id (`llm-gateway client-config vscode` prints both)";

const CURSOR: &str = "in Cursor, add \"NAME\": \"${env:NAME}\" to `env` of the server's entry in \
    .cursor/mcp.json, and start it anew (`llm-gateway client-config cursor` prints the entry)";

const JSON_ENTRY: &str = "in this client, add \"NAME\": \"the key\" to `env` of the server's entry, and \
    start it anew";

const INSPECTOR: &str = "in the Inspector, pass it with `-e NAME=the key`";

/// Adds to an error about a missing key how to give the key to the client called `name`, by the
/// policy's name of its variable. The name of an unknown client is empty.
pub(crate) fn with_advice(mut envelope: Envelope, name: &str, policy: Option<&Policy>) -> Envelope {
    let Some(client) = CLIENTS.iter().find(|client| is_called(name, client.name)) else {
        return envelope;
    };
    if !advised(&mut envelope.meta, client.advice, policy) {
        let members = envelope.data.as_mut().and_then(|data| data.get_mut("members"));
        let members = members.and_then(Value::as_array_mut).into_iter().flatten();
        // The advice is the same for all members, and one is enough.
        let mut metas = members.filter_map(|member| member.get_mut("meta")?.as_object_mut());
        metas.any(|meta| advised(meta, client.advice, policy));
    }
    envelope
}

/// Adds advice to the hint of an error about a missing key. Returns whether it is one.
fn advised(meta: &mut Map<String, Value>, advice: &str, policy: Option<&Policy>) -> bool {
    let is_missing_key =
        meta.get("error_category").is_some_and(|it| it == Category::MissingKey.as_str());
    match meta.get_mut("hint") {
        Some(Value::String(hint)) if is_missing_key => {
            let variable = policy.and_then(|policy| first_named(hint, policy)).unwrap_or(VARIABLE);
            let advice = advice.replace(VARIABLE, variable);
            hint.push_str("; ");
            hint.push_str(&advice);
            true
        }
        _ => false,
    }
}

/// Returns the variable that a hint names first, of those that the policy's providers read.
fn first_named<'p>(hint: &str, policy: &'p Policy) -> Option<&'p str> {
    let variables = || policy.providers().values().flat_map(|spec| spec.endpoint.variables());
    let mut words = hint.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.find_map(|word| variables().find(|variable| *variable == word))
}

#[cfg(test)]
mod tests {
    use llm_gateway_core::{Error, Gateway};
    use serde_json::json;

    use super::*;

    fn hint(name: &str) -> String {
        hint_of("set A_KEY", name)
    }

    fn hint_of(hint: &str, name: &str) -> String {
        let policy = "defaults: {ask: {provider: a, model: m}}\nproviders:\n  \
            a: {kind: openai, base_url: \"http://127.0.0.1:9\", api_key_env: A_KEY}\n  \
            b: {kind: openai, base_url: \"http://127.0.0.1:9\", api_key_env: A_KEY_2}\n";
        let gateway = Gateway::builder().policy_yaml(policy).offline().build().unwrap();
        let error = Error::new(Category::MissingKey, "no key").with_hint(hint);
        let envelope = with_advice(Envelope::from(&error), name, gateway.policy().ok());
        envelope.meta["hint"].as_str().unwrap().to_owned()
    }

    #[test]
    fn the_client_is_told_how_it_gets_a_variable() {
        for (name, told) in [
            ("claude-code", ".mcp.json"),
            ("claude-ai", "claude_desktop_config.json"),
            ("codex-mcp-client", "`env_vars`"),
            ("gemini-cli-mcp-client", ".gemini/settings.json"),
            ("gemini-cli-mcp-client-llm-gateway", ".gemini/settings.json"),
            ("opencode", "`environment`"),
            ("Visual Studio Code", ".vscode/mcp.json"),
            ("Visual Studio Code - Insiders", ".vscode/mcp.json"),
            ("cursor-vscode", ".cursor/mcp.json"),
            ("Cursor", ".cursor/mcp.json"),
            ("claude-code", "\"A_KEY\": \"${A_KEY:-}\""),
            ("claude-ai", "\"A_KEY\": \"the key\""),
            ("codex-mcp-client", "add \"A_KEY\" to"),
            ("CODEX", "client-config codex"),
            ("gemini-cli", "\"A_KEY\": \"$A_KEY\""),
            ("opencode", "\"A_KEY\": \"{env:A_KEY}\""),
            ("opencode", "`llm-gateway client-config opencode`"),
            ("vscode", "\"${input:A_KEY}\""),
            ("cursor", "\"${env:A_KEY}\""),
            ("windsurf-client", "\"A_KEY\": \"the key\""),
            ("mcp-inspector", "`-e A_KEY="),
            ("inspector-client", "`-e A_KEY="),
            ("inspector-cli", "`-e A_KEY="),
        ] {
            let hint = hint(name);
            assert!(hint.starts_with("set A_KEY; ") && hint.contains(told), "{name}: {hint}");
            assert!(!hint.contains(VARIABLE), "{name}: {hint}");
        }
        for unknown in ["", "a client", "c", "\u{1b}[31m", "codexfoo", "opencoder", "my-codex"] {
            assert_eq!(hint(unknown), "set A_KEY");
        }
    }

    #[test]
    fn the_advice_names_the_variable_that_the_hint_names_first() {
        for (hint, named) in [
            ("set A_KEY in the environment", "A_KEY"),
            ("one key is enough: set A_KEY_2 or A_KEY", "A_KEY_2"),
            ("set OTHER and A_KEY_2, or XA_KEY", "A_KEY_2"),
            ("set A_KEY_3", VARIABLE),
            ("", VARIABLE),
        ] {
            let told = hint_of(hint, "codex");
            assert!(told.contains(&format!("add \"{named}\" to")), "{told}");
        }
    }

    #[test]
    fn another_error_stays_and_of_a_panel_one_member_is_told() {
        let other = Envelope::from(&Error::new(Category::Auth, "no").with_hint("check A_KEY"));
        assert_eq!(with_advice(other.clone(), "cursor", None), other);
        let member = json!({ "status": "error", "meta": { "error_category": "missing_key", "hint": "set A" } });
        let panel = Envelope::success(json!({ "members": [{ "meta": {} }, member, member, 5] }));
        let told = with_advice(panel, "cursor", None).data.unwrap().to_string();
        assert_eq!(told.matches("in Cursor").count(), 1, "{told}");
        let odd = Envelope::success(json!({ "members": { "meta": 5 } }));
        assert_eq!(with_advice(odd.clone(), "cursor", None), odd);
    }
}
