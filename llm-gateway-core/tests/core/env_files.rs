//! Tests of `.env` files: they are read as other readers read them, and what cannot be read is
//! reported by name.

use std::path::PathBuf;

use llm_gateway_core::Environment;
use llm_gateway_core::config::{LoadRequest, Loaded, PolicySource, Severity, load};
use tempfile::TempDir;

use crate::support::NOW;

const POLICY: &str = "\
defaults: {quick: {provider: openai, model: gpt-4o-mini}}
providers:
  openai:
    base_url: http://127.0.0.1:9001/v1
    models: {gpt-4o-mini: {in: 0.15, out: 0.6}}
";
pub(crate) const KEY: &str = "OPENAI_API_KEY";
const TOTAL: &str = "LLM_GATEWAY_CAP_TOTAL_MONTHLY";

/// A policy file in a directory of its own.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::write(place.path("routing.yaml"), POLICY).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Loads the policy with variables of the process.
    fn loaded(&self, process: &[(&str, &str)]) -> Loaded {
        let source = PolicySource::File(self.path("routing.yaml"));
        let home = Environment::empty().with("HOME", "/home/a");
        let all = process.iter().fold(home, |all, (name, value)| all.with(*name, *value));
        load(LoadRequest::new(&source, NOW).with_environment(all))
    }
}

/// Loads the policy with this `.env` beside it and these variables of the process.
pub(crate) fn beside(env: &str, process: &[(&str, &str)]) -> Loaded {
    let place = Place::new();
    std::fs::write(place.path(".env"), env).unwrap();
    place.loaded(process)
}

pub(crate) fn told(loaded: &Loaded, severity: Severity) -> String {
    let wanted = loaded.problems.iter().filter(|problem| problem.severity == severity);
    wanted.map(|problem| format!("{}\n", problem.message)).collect()
}

#[test]
fn blanks_behind_a_key_are_no_part_of_it() {
    for (behind, end) in [(" ", "\n"), ("   ", "\n"), ("\t", "\n"), (" ", "\r\n"), (" ", "")] {
        for quote in ["", "\"", "'"] {
            let line = format!("{KEY}={quote}sk-test-0001{quote}{behind}{end}");
            let loaded = beside(&line, &[]);
            assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"), "{line:?}");
            assert!(loaded.problems.is_empty(), "{line:?}: {}", told(&loaded, Severity::Warning));
        }
    }
}

#[test]
fn a_blank_behind_a_base_url_sends_nothing_elsewhere() {
    for blank in [" ", "\t", "\u{a0}", "\u{200b}", "\u{feff}", " # it's ours"] {
        let env = format!("{KEY}=sk-test-0001\nOPENAI_BASE_URL=http://127.0.0.1:9002/v1{blank}\n");
        let policy = beside(&env, &[]).policy.unwrap();
        let openai = policy.providers().get("openai").unwrap();
        assert_eq!(openai.endpoint.base_url, "http://127.0.0.1:9002/v1", "{blank:?}");
    }
}

#[test]
fn lines_within_a_value_are_no_lines_of_their_own() {
    for (inner, name) in [
        ("OPENAI_API_KEY=sk-from-the-note", KEY),
        ("LLM_GATEWAY_DISABLED=1", "LLM_GATEWAY_DISABLED"),
    ] {
        let env = format!("NOTE=\"before the move\n{inner}\n\"\n{KEY}=sk-test-0001\n");
        let loaded = beside(&env, &[]);
        assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"));
        assert_eq!(loaded.environment.get("LLM_GATEWAY_DISABLED"), None);
        let warnings = told(&loaded, Severity::Warning);
        assert!(loaded.policy.is_ok() && warnings.contains(name), "{warnings}");
        assert!(!warnings.contains("sk-"), "{warnings}");
    }
}

#[test]
fn a_line_with_a_colon_does_not_count_and_is_told() {
    for line in ["OPENAI_API_KEY: sk-in", "OPENAI_API_KEY:sk-in", "export OPENAI_API_KEY: 'sk-in'"]
    {
        let loaded = beside(&format!("some words\n{KEY}=sk-test-0001\n{line}\n"), &[]);
        assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"), "{line}");
        let warnings = told(&loaded, Severity::Warning);
        let about = ".env:3: the line of OPENAI_API_KEY is not NAME=value";
        assert!(warnings.contains(about) && !warnings.contains("sk-in"), "{line}: {warnings}");
    }
    let loaded = beside("LLM_GATEWAY_DISABLED: 1\n", &[]);
    assert!(told(&loaded, Severity::Error).contains("LLM_GATEWAY_DISABLED is not NAME=value"));
}

#[test]
fn an_open_quote_is_refused_by_name() {
    for env in [
        format!("{KEY}=\"sk-test-0001\n{TOTAL}=5\n"),
        format!("{KEY}='sk-test-0001\n"),
        format!("{KEY}='it\n{TOTAL}='5'\n"),
    ] {
        let loaded = beside(&env, &[]);
        let errors = told(&loaded, Severity::Error);
        assert!(loaded.policy.is_err() && errors.contains(".env:1: "), "{env}: {errors}");
        assert!(errors.contains(KEY) && !errors.contains("sk-test"), "{env}: {errors}");
    }
}

#[test]
fn of_two_lines_for_one_name_the_last_counts_and_it_is_told() {
    let loaded = beside("OPENAI_API_KEY=sk-test-old\n# rotated\nOPENAI_API_KEY=sk-test-new\n", &[]);
    assert_eq!(loaded.environment.get(KEY), Some("sk-test-new"));
    let warnings = told(&loaded, Severity::Warning);
    assert!(warnings.contains(KEY) && warnings.contains("line 1") && warnings.contains('3'));
    assert!(!warnings.contains("sk-test"), "{warnings}");
    // A name that the process has is not read from the file at all.
    let loaded = beside("OPENAI_API_KEY=a\nOPENAI_API_KEY=b\n", &[(KEY, "sk-test-0001")]);
    assert!(loaded.problems.is_empty());
    // An emptied key is none, and a line that says the same again says nothing.
    assert_eq!(beside("OPENAI_API_KEY=a\nOPENAI_API_KEY=\n", &[]).environment.get(KEY), None);
    let same = beside("OPENAI_API_KEY=sk-test-0001\nexport OPENAI_API_KEY='sk-test-0001'\n", &[]);
    assert!(same.problems.is_empty());
}

#[test]
fn two_values_for_a_guard_are_refused_with_its_name_and_both_lines() {
    for (name, first, second) in [
        (TOTAL, "50", "0.05"),
        (TOTAL, "0.05", "50"),
        (TOTAL, "", "25"),
        (TOTAL, "25", ""),
        (TOTAL, "25", "${CAP}"),
        ("LLM_GATEWAY_CAP_OPENAI_MONTHLY", "25", "26"),
        ("LLM_GATEWAY_DISABLED", "1", "0"),
        ("LLM_GATEWAY_DISABLED", "0", "1"),
        ("LLM_GATEWAY_EXPENSIVE_DISABLED", "no", "yes"),
        ("LLM_GATEWAY_LEDGER", "1", "off"),
        ("LLM_GATEWAY_LEDGER_PATH", "/var/a.db", "/var/b.db"),
    ] {
        let env = format!("{name}={first}\n\nA=b\n{name}=\"{second}\"\n");
        let loaded = beside(&env, &[]);
        let errors = told(&loaded, Severity::Error);
        assert!(loaded.policy.is_err() && errors.contains(name), "{env}: {errors}");
        assert!(errors.contains("line 1") && errors.contains(" 4"), "{env}: {errors}");
    }
    let thrice =
        beside("LLM_GATEWAY_DISABLED=1\nLLM_GATEWAY_DISABLED=0\nLLM_GATEWAY_DISABLED=1\n", &[]);
    assert!(thrice.policy.is_err());
    let same = beside("LLM_GATEWAY_LEDGER=1\nexport LLM_GATEWAY_LEDGER='1'\n", &[]);
    assert!(same.policy.is_ok() && same.problems.is_empty());
}

#[test]
fn what_a_client_left_unfilled_gives_way_to_the_file() {
    for left in [
        "{env:OPENAI_API_KEY}",
        "%OPENAI_API_KEY%",
        "$(OPENAI_API_KEY)",
        "${input:openai-key}",
        "${OPENAI_API_KEY:-}",
        "${env:OPENAI_API_KEY}",
        "<your key>",
        "\"sk-process\"",
        "'sk-process'",
        "\"\"",
        "Bearer ${OPENAI_API_KEY}",
        "Bearer {env:X}",
        "${NAME}x",
        "x${NAME}",
        "${NAME",
        "%(NAME)s",
        "[[NAME]]",
        "!secret k",
    ] {
        let loaded = beside("OPENAI_API_KEY=sk-test-0001\n", &[(KEY, left)]);
        assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"), "{left}");
        assert!(loaded.problems.is_empty(), "{left}");
        // Without another value it is told for what it is, and not shown.
        let in_file = format!("OPENAI_API_KEY={left} # '\nA=b\n");
        let quoted_twice = format!("OPENAI_API_KEY=`{left}`\n");
        let everywhere = [beside("", &[(KEY, left)]), beside(&quoted_twice, &[])];
        let plain = Some(beside(&in_file, &[])).filter(|_| !left.contains(['"', '\'', ' ']));
        for loaded in everywhere.into_iter().chain(plain) {
            assert_eq!(loaded.environment.get(KEY), None, "{left}");
            let warnings = told(&loaded, Severity::Warning);
            assert!(warnings.contains("OPENAI_API_KEY holds"), "{left}: {warnings}");
            assert!(!warnings.contains(left), "{left}: {warnings}");
        }
    }
}

#[test]
fn a_key_that_is_its_own_name_gives_way_to_the_file() {
    let loaded = beside("OPENAI_API_KEY=sk-test-0001\n", &[(KEY, KEY)]);
    assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"));
    let alone = beside("", &[(KEY, KEY)]);
    assert_eq!(alone.environment.get(KEY), None);
    let what = "OPENAI_API_KEY holds what somebody was to fill in, and counts as missing";
    assert!(told(&alone, Severity::Warning).contains(what));
}

/// A base URL with a variable in it is an error, since another host would get the prompt.
#[test]
fn a_base_url_with_a_variable_in_it_is_not_missing() {
    for url in [
        "https://${HOST}/v1",
        "${HOST}:8080",
        "https://{env:HOST}/v1",
        "${HOST}/v1",
        "\"http://127.0.0.1:9/v1\"",
        "'https://proxy.example.com/v1'",
    ] {
        let loaded = beside("", &[(KEY, "sk-test-0001"), ("OPENAI_BASE_URL", url)]);
        assert!(told(&loaded, Severity::Error).contains("OPENAI_BASE_URL"), "{url}");
        if !url.starts_with("${") {
            assert!(!told(&loaded, Severity::Warning).contains("OPENAI_BASE_URL"), "{url}");
        }
    }
}

/// An address is used whatever its words, though they would make an example of a key.
#[test]
fn an_address_of_words_is_an_address() {
    for url in [
        "https://your.org/api/v1",
        "https://llm.corp.example/api/here",
        "https://secret.your-token.example/v1",
        "https://todo.example/...",
    ] {
        let loaded = beside("", &[(KEY, "sk-test-0001"), ("OPENAI_BASE_URL", url)]);
        let policy = loaded.policy.unwrap();
        let base_url = &policy.providers()["openai"].endpoint.base_url;
        assert_eq!(base_url, url);
    }
}

#[test]
fn a_guard_that_is_unfilled_or_in_quotes_is_never_missing() {
    for value in ["\"25\"", "<25>", "%CAP%", "{env:CAP}", "$(CAP)", "[your cap]", "your-cap-key"] {
        let loaded = beside("", &[(TOTAL, value)]);
        assert!(loaded.policy.is_err(), "{value}");
        assert!(told(&loaded, Severity::Error).contains(TOTAL), "{value}");
    }
}

#[test]
fn a_line_for_another_program_is_passed_over() {
    let env =
        "APP_NAME=My App\nGREETING=it's me\nDSN=postgres://a:b@h/d?x=\"y z\"\nOPENAI_API_KEY=k1\n";
    let loaded = beside(env, &[]);
    assert_eq!(loaded.environment.get(KEY), Some("k1"));
    let warnings = told(&loaded, Severity::Warning);
    assert!(!warnings.contains("is not NAME=value"), "{warnings}");
    // One for the gateway is not.
    let warnings = told(&beside("OPENAI_API_KEY=a b\n", &[]), Severity::Warning);
    assert!(
        warnings.contains(".env:1: the line of OPENAI_API_KEY is not NAME=value"),
        "{warnings}"
    );
}

#[cfg(unix)]
mod pipes {
    use std::os::unix::fs::OpenOptionsExt;
    use std::process::Command;

    use super::*;

    fn pipe(place: &Place, name: &str) -> PathBuf {
        let path = place.path(name);
        let _ = std::fs::remove_file(&path);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    }

    #[test]
    fn a_pipe_beside_the_policy_is_read() {
        let place = Place::new();
        let path = pipe(&place, ".env");
        let writer =
            std::thread::spawn(move || std::fs::write(path, "OPENAI_API_KEY=sk-test-0001\n"));
        assert_eq!(place.loaded(&[]).environment.get(KEY), Some("sk-test-0001"));
        writer.join().unwrap().unwrap();
    }

    #[test]
    fn a_pipe_that_nobody_writes_to_is_an_error_and_not_waited_for_for_ever() {
        let place = Place::new();
        let path = pipe(&place, ".env");
        let loaded = place.loaded(&[]);
        let errors = told(&loaded, Severity::Error);
        assert!(loaded.policy.is_err(), "a cap may be in it");
        assert!(errors.contains(".env cannot be read: it is a pipe"), "{errors}");
        // Nobody is left behind who would take what is written for the next reader.
        let at_once = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
        let writer = std::fs::File::options().write(true).custom_flags(at_once).open(path);
        let nobody_reads = rustix::io::Errno::NXIO.raw_os_error();
        assert_eq!(writer.unwrap_err().raw_os_error(), Some(nobody_reads));
    }

    #[test]
    fn a_device_without_an_end_is_an_error() {
        let place = Place::new();
        std::os::unix::fs::symlink("/dev/zero", place.path(".env")).unwrap();
        let errors = told(&place.loaded(&[]), Severity::Error);
        assert!(errors.contains(".env cannot be read: it has no end"), "{errors}");
    }
}

#[test]
fn a_directory_in_place_of_the_file_is_told() {
    let place = Place::new();
    std::fs::create_dir(place.path(".env")).unwrap();
    let loaded = place.loaded(&[]);
    assert!(loaded.policy.is_ok(), "it can hold no cap");
    let warnings = told(&loaded, Severity::Warning);
    assert!(warnings.contains(".env is a directory"), "{warnings}");
    // An environment of Python is meant to be one.
    std::fs::write(place.path(".env/pyvenv.cfg"), "home = /usr/bin\n").unwrap();
    assert!(place.loaded(&[]).problems.is_empty());
}

/// Variables of the network hold for every program of a machine, so a `.env` does not set them.
#[test]
fn a_line_about_the_network_does_not_count_and_is_told() {
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
        "no_proxy",
        "NO_PROXY",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ] {
        let line = format!("{KEY}=sk-test-0001\nexport {name}='http://u:canary@proxy'\n");
        let loaded = beside(&line, &[]);
        let told = told(&loaded, Severity::Warning);
        assert!(told.contains(&format!(".env:2: {name} is not read from here")), "{told}");
        assert!(!told.contains("canary"), "{told}");
        assert_eq!(loaded.environment.get(name), None);
        // What the process has already is no surprise, and an empty line sets nothing.
        let same = beside(&line, &[(name, "http://u:canary@proxy")]);
        assert_eq!(self::told(&same, Severity::Warning), "");
        assert_eq!(self::told(&beside(&format!("{name}=\n"), &[]), Severity::Warning), "");
        let other = beside(&line, &[(name, "http://other")]);
        assert!(self::told(&other, Severity::Warning).contains("is not read from here"));
        assert_eq!(other.environment.get(name), Some("http://other"));
    }
}
