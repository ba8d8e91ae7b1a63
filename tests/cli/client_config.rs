//! `client-config`: the entry in the form of each client, and the file that it belongs to.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use crate::policies::SMALL;
use crate::program::{Ended, Home, PROGRAM, flowing};

/// Each JSON client: its name, the key that holds its servers, its syntax for a variable, and its
/// file.
const CLIENTS: [(&str, &str, &str, &str); 4] = [
    ("claude-code", "mcpServers", "${OPENAI_API_KEY:-}", ".mcp.json"),
    ("cursor", "mcpServers", "${env:OPENAI_API_KEY}", ".cursor/mcp.json"),
    ("gemini", "mcpServers", "$OPENAI_API_KEY", ".gemini/settings.json"),
    ("vscode", "servers", "${input:OPENAI_API_KEY}", ".vscode/mcp.json"),
];

fn sibling() -> String {
    Path::new(PROGRAM).with_file_name("llm-gateway-stdio").display().to_string()
}

/// Reads a Codex file of one section with one server. Its values are valid JSON.
fn codex(ended: &Ended) -> BTreeMap<String, Value> {
    let body = ended.stdout.strip_prefix("[mcp_servers.llm-gateway]\n").expect("a section");
    // An array may have a line for each of its texts, and then a comma behind the last one.
    let body = body.replace("[\n    ", "[").replace(",\n    ", ", ").replace(",\n]", "]");
    let entry = |line: &str| {
        let (key, value) = line.split_once(" = ").unwrap_or_else(|| panic!("no entry: {line}"));
        (key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| panic!("{line}")))
    };
    body.lines().map(entry).collect()
}

#[test]
fn each_client_gets_json_that_starts_the_sibling_with_the_keys_of_the_policy() {
    let home = Home::holding(SMALL);
    for (client, section, variable, _) in CLIENTS {
        let entry = home.with_policy(&["client-config", client]).ends().exits(0).document();
        let server = &entry[section]["llm-gateway"];
        assert_eq!(server["command"], sibling(), "{client}: {entry}");
        let policy = home.path().join("policy.yaml").display().to_string();
        assert_eq!(server["args"], serde_json::json!(["--routing", policy]), "{client}");
        assert_eq!(server["env"], serde_json::json!({"OPENAI_API_KEY": variable}), "{client}");
    }
}

#[test]
fn vs_code_asks_for_every_key_that_it_names() {
    let entry = Home::holding(SMALL).with_policy(&["client-config", "vscode"]).ends().document();
    let inputs = entry["inputs"].as_array().unwrap();
    assert_eq!(inputs.len(), 1);
    assert_eq!(inputs[0]["id"], "OPENAI_API_KEY");
    assert_eq!(inputs[0]["password"], true);
}

#[test]
fn codex_gets_toml_that_lets_the_keys_through() {
    let home = Home::holding(SMALL);
    let entry = codex(&home.with_policy(&["client-config", "codex"]).ends().exits(0));
    assert_eq!(entry["command"], sibling());
    assert_eq!(entry["env_vars"], serde_json::json!(["OPENAI_API_KEY"]));
    assert_eq!(entry["tool_timeout_sec"], 330, "a little more than the longest deadline");
}

#[test]
fn every_variable_of_the_built_in_policy_is_there() {
    let entry = codex(&Home::new().program(["client-config", "codex"]).ends().exits(0));
    let all = ["ANTHROPIC_API_KEY", "DEEPSEEK_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"];
    assert_eq!(entry["env_vars"], serde_json::json!(all));
    assert_eq!(entry["args"], serde_json::json!([]));
}

#[test]
fn the_variables_of_headers_and_of_hugging_face_are_let_through() {
    let policy = "defaults: {a: {provider: huggingface, model: x/y}, b: {provider: lab, model: m}}
providers:
  lab:
    kind: openai
    base_url: https://lab.example.com/v1
    api_key_env: LAB_KEY
    headers: {x-a: \"${LAB_A}-${LAB_B}\", x-c: plain}
";
    let home = Home::holding(policy);
    let entry = codex(&home.with_policy(&["client-config", "codex"]).ends().exits(0));
    assert_eq!(entry["env_vars"], serde_json::json!(["HF_TOKEN", "LAB_A", "LAB_B", "LAB_KEY"]));
    let checked = home.with_policy(&["check"]).ends().exits(0).stdout_anywhere();
    for variable in ["HF_TOKEN", "LAB_A", "LAB_B", "LAB_KEY"] {
        assert!(checked.contains(&format!("warning: {variable} is not set, for ")), "{checked}");
    }
}

#[test]
fn stderr_says_in_which_file_it_goes() {
    let home = Home::new();
    for (client, _, _, file) in CLIENTS {
        let ended = home.program(["client-config", client]).ends().exits(0);
        assert!(ended.stderr.contains(file), "{client}: {}", ended.stderr);
    }
    let ended = home.program(["client-config", "codex"]).ends().exits(0);
    assert!(ended.stderr.contains("~/.codex/config.toml"), "{}", ended.stderr);
}

#[test]
fn paths_in_the_entry_hold_wherever_the_client_starts_the_server() {
    let home = Home::holding(SMALL);
    home.write("my.env", "");
    let flags = ["--routing", "policy.yaml", "--env-file", "my.env", "--offline"];
    let run = home.program(flags.iter().chain(&["client-config", "cursor"]));
    let entry = run.ends().exits(0).document();
    let arguments = &entry["mcpServers"]["llm-gateway"]["args"];
    let paths: Vec<&str> = [1, 3].iter().map(|at| arguments[*at].as_str().unwrap()).collect();
    assert!(paths.iter().all(|path| Path::new(path).is_absolute()), "{arguments}");
    assert!(paths[0].ends_with("policy.yaml") && paths[1].ends_with("my.env"), "{arguments}");
    assert_eq!(arguments[4], "--offline");
}

#[test]
fn a_policy_of_the_environment_is_handed_on_because_the_client_may_not() {
    let home = Home::new();
    let policy = home.write("mine.yaml", SMALL);
    let run = home.program(["client-config", "codex"]).env("LLM_GATEWAY_ROUTING", &policy);
    let ended = run.ends().exits(0);
    assert!(ended.stdout.contains("mine.yaml"), "{}", ended.stdout);
}

#[cfg(unix)]
#[test]
fn without_the_sibling_it_says_how_to_build_it() {
    let home = Home::new();
    let moved = home.path().join("llm-gateway");
    if std::fs::hard_link(PROGRAM, &moved).is_err() {
        std::fs::copy(PROGRAM, &moved).expect("a copy of the program");
    }
    let mut command = std::process::Command::new(&moved);
    let output = command.args(["client-config", "cursor"]).env_clear().output().unwrap();
    assert!(output.status.success());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("cargo build --release --bin llm-gateway-stdio"), "{stderr}");
    let entry: Value = serde_json::from_slice(&output.stdout).expect("still one document");
    let command = entry["mcpServers"]["llm-gateway"]["command"].as_str().unwrap();
    assert!(command.ends_with("/llm-gateway-stdio"), "{command}");
}

#[test]
fn an_entry_for_a_broken_policy_comes_with_a_warning() {
    let home = Home::holding("defaults: {}\n");
    let ended = home.with_policy(&["client-config", "cursor"]).ends();
    assert!(ended.stderr.contains("policy"), "nobody was told: {}", ended.stderr);
}

#[test]
fn every_cap_and_switch_that_is_set_goes_along_by_name() {
    let home = Home::holding(SMALL);
    let set = [
        ("LLM_GATEWAY_CAP_OPENAI_DAILY", "5"),
        ("LLM_GATEWAY_CAP_SESSION", "1"),
        ("LLM_GATEWAY_CAP_TOTAL_DAILY", "10"),
        ("LLM_GATEWAY_CAP_TOTAL_MONTHLY", "25"),
        ("LLM_GATEWAY_EXPENSIVE_DISABLED", "1"),
        ("LLM_GATEWAY_LEDGER_PATH", "/var/lib/ann/ledger.db"),
    ];
    let program = home.with_policy(&["client-config", "claude-code"]);
    let program = program.env("LLM_GATEWAY_CAP_OPENAI_MONTHLY", "");
    let program = set.iter().fold(program, |program, (name, value)| program.env(name, *value));
    let entry = program.ends().exits(0).document();
    let passed = entry["mcpServers"]["llm-gateway"]["env"].as_object().unwrap();
    let names: Vec<&str> = passed.keys().map(String::as_str).collect();
    let expected: Vec<&str> = set.iter().map(|(name, _)| *name).chain(["OPENAI_API_KEY"]).collect();
    assert_eq!(names, expected);
    assert!(passed.iter().all(|(name, value)| *value == format!("${{{name}:-}}")), "{passed:?}");
}

#[test]
fn codex_gets_every_variable_in_force_by_name_and_the_policy_that_was_found() {
    let home = Home::new();
    let policy = home.write("config/llm-gateway/routing.yaml", SMALL);
    let set = [
        ("HTTPS_PROXY", "http://127.0.0.1:9".to_owned()),
        ("LLM_GATEWAY_CAP_SESSION", "1".to_owned()),
        ("LLM_GATEWAY_EXPENSIVE_DISABLED", "1".to_owned()),
        ("NO_PROXY", "localhost".to_owned()),
        ("OPENAI_API_KEY", "sk-0123456789abcdef0123".to_owned()),
        ("OPENAI_BASE_URL", "https://proxy.example.com/v1".to_owned()),
        ("XDG_CONFIG_HOME", home.path().join("config").display().to_string()),
        ("XDG_STATE_HOME", home.path().join("state").display().to_string()),
    ];
    let program = home.program(["client-config", "codex"]).env("UNRELATED", "x");
    let program = set.iter().fold(program, |program, (name, value)| program.env(name, value));
    let entry = codex(&program.ends().exits(0));
    let names: Vec<&str> = set.iter().map(|(name, _)| *name).collect();
    assert_eq!(entry["env_vars"], serde_json::json!(names));
    assert_eq!(entry["args"], serde_json::json!(["--routing", policy]));
    let routing = home.program(["client-config", "codex"]).env("LLM_GATEWAY_ROUTING", &policy);
    let entry = codex(&routing.ends().exits(0));
    assert_eq!(entry["env_vars"], serde_json::json!(["LLM_GATEWAY_ROUTING", "OPENAI_API_KEY"]));
}

#[test]
fn opencode_gets_one_command_and_more_time_than_the_longest_deadline() {
    let slow = format!("{SMALL}reliability: {{deadline_s: 900}}\n");
    let home = Home::holding(&slow);
    let entry = home.with_policy(&["client-config", "opencode"]).ends().exits(0).document();
    let server = &entry["mcp"]["llm-gateway"];
    let policy = home.path().join("policy.yaml").display().to_string();
    assert_eq!(server["command"], serde_json::json!([sibling(), "--routing", policy]));
    assert_eq!(server["environment"]["OPENAI_API_KEY"], "{env:OPENAI_API_KEY}");
    assert_eq!((&server["type"], &server["timeout"]), (&"local".into(), &930_000.into()));
    let gemini = home.with_policy(&["client-config", "gemini"]).ends().exits(0).document();
    assert_eq!(gemini["mcpServers"]["llm-gateway"]["timeout"], 930_000);
    let codex = codex(&home.with_policy(&["client-config", "codex"]).ends().exits(0));
    assert_eq!(codex["tool_timeout_sec"], 930);
    let quick = Home::holding(SMALL);
    let gemini = quick.with_policy(&["client-config", "gemini"]).ends().exits(0).document();
    assert_eq!(gemini["mcpServers"]["llm-gateway"].get("timeout"), None, "it waits long enough");
}

#[test]
fn vs_code_asks_for_the_keys_of_classes_that_can_run_and_for_no_cap() {
    let policy = "defaults:
  one: {provider: openai, model: gpt-6-luna}
  two: {provider: gemini, model: gemini-4-argon}
  three: {provider: lab, model: m}
providers:
  lab: {kind: openai, base_url: https://lab.example.com/v1, api_key_env: OPENAI_API_KEY}
";
    let asked = |set: &[(&str, &str)], dotenv: &str| {
        let home = Home::holding(policy);
        home.write(".env", dotenv);
        let program = home.with_policy(&["client-config", "vscode"]);
        let program = set.iter().fold(program, |program, (name, value)| program.env(name, value));
        let entry = program.ends().exits(0).document();
        let ids: Vec<String> = entry["inputs"]
            .as_array()
            .unwrap()
            .iter()
            .map(|input| input["id"].as_str().unwrap().to_owned())
            .collect();
        (ids, entry["servers"]["llm-gateway"]["env"].clone())
    };
    let key = "sk-0123456789abcdef0123";
    let all = ["GEMINI_API_KEY", "OPENAI_API_KEY"];
    assert_eq!(asked(&[], "").0, all, "no class can run yet");
    let (ids, env) = asked(&[("OPENAI_API_KEY", key), ("LLM_GATEWAY_CAP_SESSION", "1")], "");
    assert_eq!(ids, ["OPENAI_API_KEY"], "one question for two providers");
    assert_eq!(
        env,
        serde_json::json!({
            "LLM_GATEWAY_CAP_SESSION": "${env:LLM_GATEWAY_CAP_SESSION}",
            "OPENAI_API_KEY": "${input:OPENAI_API_KEY}",
        })
    );
    // The server reads its file by itself.
    let (ids, _) = asked(&[("OPENAI_API_KEY", key)], &format!("GEMINI_API_KEY={key}\n"));
    assert_eq!(ids, ["OPENAI_API_KEY"]);
    assert_eq!(asked(&[], &format!("GEMINI_API_KEY={key}\n")).0, [""; 0]);
}

/// Runs `check` for a client with two variables that the server reads, and returns the names that
/// would not reach it, and what a person is told.
fn unreached(home: &Home, client: &str) -> (Vec<String>, String) {
    let run = |json: &[&str]| {
        let arguments: Vec<&str> =
            json.iter().copied().chain(["check", "--client", client]).collect();
        let program = home.with_policy(&arguments).env("HOME", home.path());
        let program = program.env("OPENAI_API_KEY", "sk-0123456789abcdef0123");
        program.env("LLM_GATEWAY_CAP_SESSION", "1").ends().exits(0)
    };
    let document = run(&["--json"]).document();
    assert_eq!(document["data"]["client"]["name"], client);
    let names = document["data"]["client"]["unreached"].as_array().unwrap();
    let names = names.iter().map(|name| name.as_str().unwrap().to_owned()).collect();
    (names, flowing(&run(&[]).stdout))
}

#[test]
fn check_says_what_would_not_reach_the_server_in_a_client() {
    let home = Home::holding(SMALL);
    let both = ["LLM_GATEWAY_CAP_SESSION", "OPENAI_API_KEY"];
    for client in ["claude-code", "gemini", "opencode"] {
        let (names, told) = unreached(&home, client);
        assert_eq!(names, [""; 0]);
        assert!(told.contains(&format!("reaches the server in {client}")), "{told}");
    }
    for (client, way_out) in [("vscode", "start it by `code`"), ("cursor", "start it by `cursor`")]
    {
        let (names, told) = unreached(&home, client);
        assert_eq!(names, both);
        assert!(told.contains("warning: ") && told.contains(way_out), "{told}");
    }
    let (names, told) = unreached(&home, "codex");
    assert_eq!(names, both);
    assert!(
        told.contains("has no `llm-gateway`") && told.contains("client-config codex"),
        "{told}"
    );
    home.write(
        ".codex/config.toml",
        "[mcp_servers.llm-gateway]\nargs = [\"LLM_GATEWAY_CAP_SESSION\", \"#\"]\n\
         env_vars = [\"OPENAI_API_KEY\"]\n",
    );
    let (names, told) = unreached(&home, "codex");
    assert_eq!(names, both[..1]);
    assert!(told.contains("does not name LLM_GATEWAY_CAP_SESSION"), "{told}");
    // What `client-config` prints hands everything down.
    let program = home.with_policy(&["client-config", "codex"]);
    let program = program.env("OPENAI_API_KEY", "sk-0123456789abcdef0123");
    let entry = program.env("LLM_GATEWAY_CAP_SESSION", "1").ends().exits(0).stdout;
    home.write(".codex/config.toml", entry);
    assert_eq!(unreached(&home, "codex").0, [""; 0]);
    let strict = home.with_policy(&["check", "--strict", "--client", "vscode"]);
    strict.env("OPENAI_API_KEY", "sk-0123456789abcdef0123").ends().exits(1);
}
