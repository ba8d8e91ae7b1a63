//! The rooms of core, and the rooms that each may name.

/// The rooms that each room may name, besides itself. A room that is not listed is an error, so
/// that a new room gets its rule with its first file.
pub(crate) const MAY_NAME: &[(&str, &[&str])] = &[
    // Rank 1: the words. They import nothing of ours but each other.
    ("model", &["error"]),
    ("error", &["model"]),
    ("environment", &["model", "error"]),
    ("network", &["model", "environment", "credential"]),
    // Pure decisions.
    // Of the ledger only the words for caps.
    ("policy", &["model", "error", "ledger"]),
    ("reliability", &["model", "error"]),
    // Of the policy only `Level`.
    ("certificate", &["model", "error", "policy"]),
    // Of the ledger only the words for caps.
    ("config", &["model", "error", "environment", "ledger", "policy", "user_file"]),
    // Ports import rank 1 and each other.
    ("clock", &["model", "error"]),
    ("random", &[]),
    ("stop", &[]),
    ("stream", &[]),
    ("private", &[]),
    ("user_file", &[]),
    ("credential", &["model", "error"]),
    ("transport", &["model", "error", "credential"]),
    ("provider", &["model", "error", "credential", "stream", "transport"]),
    ("ledger", &["model", "error"]),
    // Adapters import ports and rank 1, never another adapter.
    ("credential/environment", &["model", "error", "environment"]),
    ("transport/reqwest", &["model", "error", "credential", "environment", "network", "user_file"]),
    ("transport/scripted", &["model", "error", "credential"]),
    ("ledger/memory", &["model", "error"]),
    ("ledger/sqlite", &["model", "error", "private"]),
    ("provider/adapters", &["model", "error", "clock", "credential", "stream", "transport"]),
    // The way of a request.
    ("event", &["model", "error"]),
    ("progress", &["model", "event"]),
    (
        "dispatch",
        &[
            "model",
            "error",
            "clock",
            "credential",
            "event",
            "ledger",
            "policy",
            "random",
            "reliability",
            "provider",
            "stop",
            "stream",
            "transport",
        ],
    ),
    ("archive", &["model", "error", "certificate", "policy", "private"]),
    ("evidence", &["model", "certificate", "dispatch", "policy"]),
    ("panel", &["model", "error", "event", "certificate", "dispatch", "evidence", "policy"]),
    ("orchestrate", &["model", "error", "event", "certificate", "dispatch", "evidence", "policy"]),
    (
        "outcome",
        &[
            "model",
            "error",
            "ledger",
            "certificate",
            "config",
            "policy",
            "dispatch",
            "orchestrate",
            "panel",
        ],
    ),
    ("kept", &["model", "error", "envelope", "outcome"]),
    ("spend", &["model", "error", "ledger"]),
    // Of config only the problems of a policy.
    (
        "describe",
        &["model", "error", "config", "policy", "network", "reliability", "credential", "spend"],
    ),
    (
        "envelope",
        &["model", "error", "ledger", "certificate", "config", "describe", "outcome", "policy"],
    ),
    // From a request to its reply, over ports only.
    (
        "run",
        &[
            "archive",
            "certificate",
            "clock",
            "config",
            "credential",
            "describe",
            "dispatch",
            "error",
            "event",
            "ledger",
            "model",
            "orchestrate",
            "outcome",
            "panel",
            "policy",
            "provider",
            "random",
            "reliability",
            "stop",
            "stream",
        ],
    ),
    // The only place where adapters meet ports.
    (
        "gateway",
        &[
            "clock",
            "config",
            "credential",
            "describe",
            "dispatch",
            "environment",
            "error",
            "ledger",
            "model",
            "network",
            "outcome",
            "policy",
            "provider",
            "random",
            "reliability",
            "run",
            "spend",
            "transport",
        ],
    ),
    ("lib", &[]),
    ("tests", &[]),
];
