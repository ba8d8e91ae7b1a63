//! No key of the environment is in any output, whatever goes wrong.

use std::path::Path;

use serde_json::json;
use test_support::BlockingProvider;
use wiremock::ResponseTemplate;

use crate::policies::{SMALL, served_by};
use crate::program::{Home, Run};

/// The keys to look for, one for each provider. Some look like keys, some do not.
const KEYS: [(&str, &str); 5] = [
    ("LOCAL_API_KEY", "canary+Local/5q8Zr1"),
    ("OPENAI_API_KEY", "sk-proj-canaryOpenai7Hd2"),
    ("ANTHROPIC_API_KEY", "sk-ant-canaryAnthropic9Kf4"),
    ("GEMINI_API_KEY", "AIzaCanaryGemini3Wm6"),
    ("DEEPSEEK_API_KEY", "zebra umbra canaryDeep8"),
];

fn with_keys(run: Run) -> Run {
    KEYS.into_iter().fold(run, |run, (name, key)| run.env(name, key))
}

/// Asserts that neither a key nor half of one is in the output.
#[track_caller]
fn silent(what: &str, said: &str) {
    for (name, key) in KEYS {
        let (head, tail) = key.split_at(key.len() / 2);
        for part in [key, head, tail] {
            assert!(!said.contains(part), "{what} shows {name}:\n{said}");
        }
    }
}

#[track_caller]
fn silent_everywhere(what: &str, run: Run, home: &Home) -> i32 {
    let ended = with_keys(run).ends();
    silent(what, &ended.everything());
    for file in files_below(home.path()) {
        silent(&file, &String::from_utf8_lossy(&std::fs::read(&file).expect("a file")));
    }
    ended.code
}

fn files_below(directory: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(directory).expect("a directory").map(|entry| entry.unwrap());
    let found = entries.flat_map(|entry| match entry.file_type().unwrap().is_dir() {
        true => files_below(&entry.path()),
        false => vec![entry.path().display().to_string()],
    });
    found.collect()
}

#[test]
fn no_command_shows_a_key() {
    let home = Home::holding(SMALL);
    let mut commands = vec![vec!["tour"], vec!["check"], vec!["info"], vec!["schema"]];
    for client in ["claude-code", "codex", "cursor", "vscode", "gemini"] {
        commands.push(vec!["client-config", client]);
    }
    commands.push(vec!["--offline", "route", "quick_answer", "hello"]);
    commands.push(vec!["route", "unknown", "hello"]);
    for command in commands {
        for flags in [&["--log", "trace"][..], &["--json"]] {
            let arguments: Vec<&str> = flags.iter().chain(&command).copied().collect();
            let what = format!("{arguments:?}");
            let code = silent_everywhere(&what, home.with_policy(&arguments), &home);
            assert_eq!(code, i32::from(command.contains(&"unknown")), "{what}");
        }
    }
}

/// Returns responses that contain the key, as some servers echo it in their errors.
fn echoes(key: &str) -> Vec<(&'static str, ResponseTemplate)> {
    let error = |status: u16| {
        let message =
            format!("Incorrect API key provided: {key}. Find yours at https://x/?key={key}");
        ResponseTemplate::new(status)
            .insert_header("x-echo", key)
            .set_body_json(json!({"error": {"message": message, "type": key, "code": key}}))
    };
    let mut replies: Vec<_> = [400, 401, 402, 403, 404, 422, 429, 500, 503, 529]
        .into_iter()
        .map(|status| ("an error that quotes the key", error(status)))
        .collect();
    let text = |status: u16, body: String| ResponseTemplate::new(status).set_body_string(body);
    replies.push(("a page of HTML", text(502, format!("<html>{key}</html>"))));
    replies.push(("no JSON", text(200, format!("not JSON: Bearer {key}"))));
    replies.push(("JSON of another kind", text(200, json!({"authorization": key}).to_string())));
    let location = format!("http://127.0.0.1:9/?key={}", key.replace(' ', "+"));
    let redirect = ResponseTemplate::new(302).insert_header("location", location.as_str());
    replies.push(("a redirect", redirect));
    replies
}

#[test]
fn no_failing_call_shows_the_key_that_the_server_echoes() {
    for (case, reply) in echoes(KEYS[0].1) {
        let provider = BlockingProvider::with(reply);
        let home = Home::holding(&served_by(&provider.address(), "http://127.0.0.1:9"));
        for flags in [&["--log", "trace"][..], &["--json"]] {
            let arguments: Vec<&str> =
                flags.iter().chain(&["route", "quick_answer", "hello"]).copied().collect();
            let code = silent_everywhere(case, home.with_policy(&arguments), &home);
            assert_eq!(code, 1, "{case} is a failure");
        }
        let sent = &provider.requests()[0].headers["authorization"];
        assert!(sent.to_str().unwrap().ends_with(KEYS[0].1), "the key was in play");
    }
}

#[test]
fn a_host_that_cannot_be_reached_is_told_without_the_key() {
    let home = Home::holding(&served_by("http://127.0.0.1:9", "http://127.0.0.1:9"));
    let run = home.with_policy(&["--log", "trace", "route", "quick_answer", "hello"]);
    assert_eq!(silent_everywhere("a refused connection", run, &home), 1);
}

#[test]
fn a_key_in_a_base_url_is_not_shown() {
    let home = Home::holding(SMALL);
    let key = KEYS[1].1;
    for url in [format!("https://{key}@h.example/v1"), format!("https://h.example/v1?key={key}")] {
        for command in ["check", "info"] {
            let run = home.with_policy(&[command]).env("OPENAI_BASE_URL", &url);
            assert_eq!(silent_everywhere(&url, run, &home), 1);
        }
    }
}

#[test]
fn a_key_of_an_env_file_is_not_shown() {
    let home = Home::holding(SMALL);
    for command in ["check", "info", "tour"] {
        let outside = Home::new();
        let file = outside.write("my.env", format!("OPENAI_API_KEY={}\n", KEYS[1].1));
        let flags = ["--env-file", file.to_str().unwrap(), "--log", "trace", command];
        let ended = home.with_policy(&flags).ends().exits(0);
        silent(command, &ended.everything());
    }
}
