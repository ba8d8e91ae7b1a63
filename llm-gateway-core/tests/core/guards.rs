//! Guards of money fail closed: a cap or a switch that cannot be read is an error and is never
//! ignored.

use std::path::{Path, PathBuf};

use llm_gateway_core::Environment;
use llm_gateway_core::config::{Diagnostic, LoadRequest, Loaded, PolicySource, Severity, load};
use llm_gateway_core::ledger::{Per, Scope};
use tempfile::TempDir;

use crate::support::{NOW, loaded_from};

const POLICY: &str = "defaults: {quick: {provider: openai, model: gpt-6-luna}}\n";
const TOTAL: &str = "LLM_GATEWAY_CAP_TOTAL_MONTHLY";

/// A policy file with `.env` beside it.
struct Place(TempDir);

impl Place {
    fn with_env(content: impl AsRef<[u8]>) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        std::fs::write(place.policy(), POLICY).unwrap();
        std::fs::write(place.env(), content).unwrap();
        place
    }

    fn policy(&self) -> PathBuf {
        self.0.path().join("routing.yaml")
    }

    fn env(&self) -> PathBuf {
        self.0.path().join(".env")
    }

    fn loaded(&self, env_file: Option<&Path>) -> Loaded {
        let source = PolicySource::File(self.policy());
        let environment = Environment::empty().with("HOME", "/home/a");
        let request = LoadRequest::new(&source, NOW).with_environment(environment);
        load(request.with_env_file(env_file))
    }

    /// Returns the errors about the `.env` beside the policy.
    #[track_caller]
    fn errors(&self) -> String {
        errors(&self.loaded(None))
    }
}

/// Loads a policy with these variables of the process.
fn with(variables: &[(&str, &str)]) -> Loaded {
    let home = Environment::empty().with("HOME", "/home/a");
    let environment = variables.iter().fold(home, |all, (name, value)| all.with(*name, *value));
    loaded_from(&PolicySource::Text(POLICY.to_owned()), environment)
}

fn told(loaded: &Loaded, severity: Severity) -> String {
    let wanted = |problem: &&Diagnostic| problem.severity == severity;
    loaded.problems.iter().filter(wanted).map(ToString::to_string).collect()
}

/// Returns the errors, of which there must be at least one.
#[track_caller]
fn errors(loaded: &Loaded) -> String {
    assert!(loaded.policy.is_err(), "nothing was refused: {}", told(loaded, Severity::Warning));
    told(loaded, Severity::Error)
}

#[track_caller]
fn total_cap(loaded: &Loaded) -> Option<u64> {
    let policy = loaded.policy.as_ref().unwrap();
    policy.spending().limit(&Scope::Total, Per::Month).map(|cap| cap.as_nanos())
}

#[test]
fn a_malformed_line_of_a_gateways_variable_is_an_error_and_no_value_is_shown() {
    for line in [
        "LLM_GATEWAY_CAP_TOTAL_MONTHLY=0.00177 USD",
        "LLM_GATEWAY_CAP_TOTAL_MONTHLY: 177",
        "LLM_GATEWAY_CAP_TOTAL_MONTHLY 177",
        "set LLM_GATEWAY_CAP_TOTAL_MONTHLY=177",
        "\u{200b}LLM_GATEWAY_CAP_TOTAL_MONTHLY=177",
        "LLM_GATEWAY_CAP_TOTAL_MONTHLY='177",
        "  export LLM_GATEWAY_CAP_TOTAL_MONTHLY = 177 a month",
    ] {
        let place = Place::with_env(format!("OPENAI_API_KEY=k\n{line}\n"));
        let errors = place.errors();
        let named = format!("{}:2: ", place.env().display());
        assert!(errors.contains(&named) && errors.contains(TOTAL), "{line}: {errors}");
        assert!(!errors.contains("177"), "{line}: {errors}");
    }
}

#[test]
fn a_malformed_line_that_is_about_something_else_stays_a_warning() {
    let place = Place::with_env("just some words\nLLM_GATEWAY_CAP_TOTAL_MONTHLY=25\n");
    let loaded = place.loaded(None);
    assert_eq!(total_cap(&loaded), Some(25_000_000_000));
    assert!(told(&loaded, Severity::Warning).contains(".env:1: "));
}

#[test]
fn a_malformed_line_that_holds_the_name_in_its_value_does_not_show_it() {
    let errors = Place::with_env("OPENAI_API_KEY=a LLM_GATEWAY_SECRET177 b\n").errors();
    assert!(errors.contains("LLM_GATEWAY_") && !errors.contains("177"), "{errors}");
}

#[test]
fn a_byte_order_mark_does_not_hide_the_first_line() {
    let place = Place::with_env("\u{feff}LLM_GATEWAY_CAP_TOTAL_MONTHLY=25\n");
    assert_eq!(total_cap(&place.loaded(None)), Some(25_000_000_000));
}

#[test]
fn an_env_file_that_was_named_and_cannot_be_read_is_an_error() {
    let place = Place::with_env("");
    for path in [Path::new("/nonexistent/my.env"), place.0.path()] {
        let errors = errors(&place.loaded(Some(path)));
        assert!(errors.contains(&path.display().to_string()), "{errors}");
        assert!(errors.contains("--env-file"), "{errors}");
    }
}

#[test]
fn an_env_file_beside_the_policy_that_is_no_utf_8_is_an_error() {
    let line = format!("{TOTAL}=25\n");
    let utf_16: Vec<u8> = line.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xff, 0xfe], utf_16.as_slice()].concat();
    for content in [marked, utf_16, b"A=\xff\n".to_vec()] {
        let place = Place::with_env(content);
        let errors = place.errors();
        assert!(errors.contains(&place.env().display().to_string()), "{errors}");
        assert!(errors.contains("UTF-8"), "{errors}");
    }
}

#[cfg(unix)]
#[test]
fn an_env_file_that_is_a_link_to_nowhere_is_an_error_and_a_directory_is_none() {
    let place = Place::with_env("");
    std::fs::remove_file(place.env()).unwrap();
    assert!(place.loaded(None).policy.is_ok(), "no file is no problem");
    std::os::unix::fs::symlink("/nonexistent/.env", place.env()).unwrap();
    assert!(place.errors().contains(".env cannot be read"));
    std::fs::remove_file(place.env()).unwrap();
    // Some people keep a Python environment there.
    std::fs::create_dir(place.env()).unwrap();
    assert!(place.loaded(None).policy.is_ok());
}

#[test]
fn an_amount_with_a_dollar_sign_is_not_taken_for_a_variable() {
    let loaded = with(&[(TOTAL, "$25")]);
    assert!(errors(&loaded).contains("is not an amount in US dollars"));
    let place = Place::with_env(format!("{TOTAL}=$25\n"));
    assert!(place.errors().contains("is not an amount in US dollars"));
}

#[test]
fn a_guard_that_was_never_expanded_is_an_error_and_an_empty_one_is_none() {
    let guards = [
        TOTAL,
        "LLM_GATEWAY_CAP_OPENAI_MONTHLY",
        "LLM_GATEWAY_CAP_TOTAL_DAILY",
        "LLM_GATEWAY_CAP_OPENAI_DAILY",
        "LLM_GATEWAY_CAP_SESSION",
        "LLM_GATEWAY_DISABLED",
        "LLM_GATEWAY_EXPENSIVE_DISABLED",
        "LLM_GATEWAY_LEDGER",
    ];
    for name in guards {
        for value in ["${CAP}", "$CAP", "${CAP:-25}", "${env:CAP}"] {
            let errors = errors(&with(&[(name, value)]));
            assert!(errors.contains(name), "{name}={value}: {errors}");
        }
        assert!(with(&[(name, " ")]).problems.is_empty(), "{name}");
    }
}

/// Loads a policy with `name=line` in its `.env` and `name` in the process.
fn in_both(name: &str, line: &str, process: &str) -> Loaded {
    let place = Place::with_env(format!("{name}={line}\n"));
    let environment = Environment::empty().with("HOME", "/home/a").with(name, process);
    loaded_from(&PolicySource::File(place.policy()), environment)
}

#[test]
fn a_guard_that_was_never_expanded_gives_way_to_a_value_of_the_env_file() {
    for name in [TOTAL, "LLM_GATEWAY_DISABLED", "LLM_GATEWAY_EXPENSIVE_DISABLED"] {
        let whole = format!("${{{name}}}");
        for left in [whole.as_str(), "${CAP:-}", "%CAP%", "{env:CAP}", "\"${CAP}\"", "<cap>", name]
        {
            let loaded = in_both(name, "1", left);
            assert_eq!(loaded.environment.get(name), Some("1"), "{name}={left}");
            let warnings = told(&loaded, Severity::Warning);
            let what = format!("{name} holds what somebody was to fill in");
            assert!(warnings.contains(&what) && warnings.contains(".env"), "{left}: {warnings}");
            let policy = loaded.policy.unwrap();
            let (switches, spending) = (policy.switches(), policy.spending());
            let is_in_force =
                switches.disabled || switches.expensive_disabled || spending.is_capped();
            assert!(is_in_force, "{name}={left}");
            // Nothing, or what is no value either, takes the place of nothing.
            for line in ["", " # nothing", "${CAP}", "maybe", "'\"1\"'"] {
                let loaded = in_both(name, line, left);
                assert!(errors(&loaded).contains(name), "{name}={left} and {line}");
                assert!(loaded.policy.is_err(), "{name}={left} and {line}");
            }
            let alone = errors(&with(&[(name, left)]));
            assert!(alone.contains(&what) && !alone.contains("neither"), "{left}: {alone}");
        }
    }
    let path = "LLM_GATEWAY_LEDGER_PATH";
    let loaded = in_both(path, "/var/ledger.db", "${LEDGER}");
    assert_eq!(loaded.environment.get(path), Some("/var/ledger.db"));
    let errors = errors(&with(&[(TOTAL, "25"), (path, "${LEDGER}")]));
    assert!(errors.contains("holds what somebody was to fill in"), "{errors}");
}

#[test]
fn a_guard_with_a_value_of_any_kind_does_not_give_way_to_the_env_file() {
    for value in ["25", "\"25\"", "25 USD", "$25", "0"] {
        let loaded = in_both(TOTAL, "1", value);
        assert_ne!(loaded.environment.get(TOTAL), Some("1"), "{value}");
        assert_eq!(loaded.policy.is_ok(), ["25", "0"].contains(&value), "{value}");
    }
    let loaded = in_both("LLM_GATEWAY_DISABLED", "0", "1");
    assert!(loaded.policy.unwrap().switches().disabled);
}

#[test]
fn a_switch_that_is_neither_on_nor_off_is_an_error() {
    for name in ["LLM_GATEWAY_DISABLED", "LLM_GATEWAY_EXPENSIVE_DISABLED", "LLM_GATEWAY_LEDGER"] {
        for value in ["2", "ture", "-", "onn", "\"1\"", "'off'", "<1>", "on/off"] {
            let errors = errors(&with(&[(name, value)]));
            assert!(errors.contains(name) && errors.contains("neither on nor off"), "{errors}");
            for word in ["1", "true", "yes", "on", "0", "false", "no", "off"] {
                assert!(errors.contains(&format!(" {word}")), "{word}: {errors}");
            }
        }
        for value in ["1", "TRUE", "Yes", "On", "0", "false", "NO", "off", ""] {
            assert!(with(&[(name, value)]).policy.is_ok(), "{name}={value}");
        }
    }
}

#[test]
fn an_unknown_name_says_what_was_meant_and_lets_nothing_run_if_it_means_a_limit() {
    let (warning, error) = (Severity::Warning, Severity::Error);
    for (name, meant, severity) in [
        ("LLM_GATEWAY_DISABLE", "LLM_GATEWAY_DISABLED", warning),
        ("LLM_GATEWAY_CAPS_TOTAL_MONTHLY", TOTAL, error),
        ("LLM_GATEWAY_MONTHLY_CAP", TOTAL, error),
        ("LLM_GATEWAY_CAP", TOTAL, error),
        ("llm_gateway_cap_total_monthly", TOTAL, error),
        ("LLM_GATEWAY_CAPS_OPENAI_MONTHLY", "LLM_GATEWAY_CAP_OPENAI_MONTHLY", error),
        ("LLM_GATEWAY_LEGDER", "LLM_GATEWAY_LEDGER", warning),
        ("LLM_GATEWAY_DAILY_CAP", "LLM_GATEWAY_CAP_TOTAL_DAILY", error),
        ("LLM_GATEWAY_CAPS_OPENAI_DAILY", "LLM_GATEWAY_CAP_OPENAI_DAILY", error),
        ("LLM_GATEWAY_SESSION_CAP", "LLM_GATEWAY_CAP_SESSION", error),
        ("LLM_GATEWAY_SESSION", "LLM_GATEWAY_CAP_SESSION", error),
        ("llm_gateway_cap_session", "LLM_GATEWAY_CAP_SESSION", error),
        ("LLM_GATEWAY_TOTAL_SESSION", "LLM_GATEWAY_CAP_SESSION", error),
        ("LLM_GATEWAY_BUDGET_TOTAL_DAILY", "LLM_GATEWAY_CAP_TOTAL_DAILY", error),
        // These begin as caps do, and are none.
        ("LLM_GATEWAY_CAP_TOTAL_SESSION", "LLM_GATEWAY_CAP_SESSION", error),
        ("LLM_GATEWAY_CAP_OPENAI_SESSION", "LLM_GATEWAY_CAP_SESSION", error),
        ("LLM_GATEWAY_CAP_SESSION_USD", "LLM_GATEWAY_CAP_SESSION", error),
        ("LLM_GATEWAY_CAP_DAILY", "LLM_GATEWAY_CAP_TOTAL_DAILY", error),
        ("LLM_GATEWAY_CAP_MONTHLY", TOTAL, error),
        ("LLM_GATEWAY_CAP_SESION", "LLM_GATEWAY_CAP_SESSION", error),
        ("LLM_GATEWAY_CAP_SESSION_DAILY", "LLM_GATEWAY_CAP_SESSION", error),
        ("LLM_GATEWAY_CAP_SESSION_MONTHLY", "LLM_GATEWAY_CAP_SESSION", error),
        ("LLM_GATEWAY_CAP_OPNAI_DAILY", "LLM_GATEWAY_CAP_OPENAI_DAILY", error),
        ("LLM_GATEWAY_CAP_TOTL_DAILY", "LLM_GATEWAY_CAP_TOTAL_DAILY", error),
        ("LLM_GATEWAY_CAP_TOTAL_DAYLY", "LLM_GATEWAY_CAP_TOTAL_DAILY", error),
        ("LLM_GATEWAY_CAP_TOTAL_DAY", "LLM_GATEWAY_CAP_TOTAL_DAILY", error),
        ("LLM_GATEWAY_CAP_OPENAI_MONTH", "LLM_GATEWAY_CAP_OPENAI_MONTHLY", error),
    ] {
        let in_file = Place::with_env(format!("{name}=1\n"));
        for loaded in [with(&[(name, "1")]), in_file.loaded(None)] {
            let said = told(&loaded, severity);
            assert_eq!(loaded.policy.is_ok(), severity == Severity::Warning, "{name}: {said}");
            assert!(said.contains(name), "{name}: {said}");
            assert!(said.contains(&format!("did you mean `{meant}`?")), "{name}: {said}");
        }
    }
    let warnings = told(&with(&[("LLM_GATEWAY_XYZ", "1")]), Severity::Warning);
    assert!(warnings.contains("LLM_GATEWAY_EXPENSIVE_DISABLED"), "all are named: {warnings}");
}

#[test]
fn a_variable_that_the_policy_names_is_not_unknown() {
    let policy = "providers: {local: {kind: openai, base_url: 'http://127.0.0.1:9/v1',
        api_key_env: LLM_GATEWAY_LOCAL_KEY, models: {m: {in: 0, out: 0}}}}
defaults: {quick: {provider: local, model: m}}\n";
    let environment = Environment::empty().with("LLM_GATEWAY_LOCAL_KEY", "a-key-0123456789");
    let environment = environment.with("LLM_GATEWAY_ROUTING", "/etc/routing.yaml");
    let loaded = loaded_from(&PolicySource::Text(policy.to_owned()), environment);
    assert!(loaded.problems.is_empty(), "{}", told(&loaded, Severity::Warning));
}

#[test]
fn a_ledger_that_each_directory_would_have_its_own_of_is_an_error() {
    for path in ["ledger.db", "./state/ledger.db", "~/ledger.db", "$HOME/ledger.db", "${LEDGER}"] {
        let errors = errors(&with(&[(TOTAL, "25"), ("LLM_GATEWAY_LEDGER_PATH", path)]));
        assert!(errors.contains("LLM_GATEWAY_LEDGER_PATH") && errors.contains("absolute path"));
    }
    for home in ["", ".", "home/a"] {
        let errors = errors(&with(&[("LLM_GATEWAY_LEDGER", "1"), ("HOME", home)]));
        assert!(errors.contains("HOME") && errors.contains("LLM_GATEWAY_LEDGER_PATH"), "{errors}");
    }
    // By the XDG specification a relative path is ignored, so the home is used, and there is still
    // one ledger.
    let loaded = with(&[("LLM_GATEWAY_LEDGER", "1"), ("XDG_STATE_HOME", "state")]);
    let ledger = loaded.policy.unwrap().spending().ledger.clone().unwrap();
    assert!(ledger.starts_with("/home/a"), "{}", ledger.display());
}

#[test]
fn a_place_for_a_ledger_that_is_off_is_a_warning() {
    let path = ("LLM_GATEWAY_LEDGER_PATH", "/var/ledger.db");
    let loaded = with(&[path]);
    assert!(loaded.policy.is_ok());
    assert!(told(&loaded, Severity::Warning).contains("LLM_GATEWAY_LEDGER_PATH"));
    assert!(with(&[path, ("LLM_GATEWAY_LEDGER", "1")]).problems.is_empty());
    assert!(with(&[path, (TOTAL, "25")]).problems.is_empty());
}

#[test]
fn a_cap_of_zero_for_a_provider_that_does_not_exist_is_an_error() {
    let errors = errors(&with(&[("LLM_GATEWAY_CAP_OPENIA_MONTHLY", "0")]));
    assert!(errors.contains("LLM_GATEWAY_CAP_OPENIA_MONTHLY names no provider"), "{errors}");
    assert!(with(&[("LLM_GATEWAY_CAP_OPENAI_MONTHLY", "0")]).problems.is_empty());
}

#[cfg(all(unix, not(target_os = "macos")))]
#[test]
fn a_relative_home_leads_to_no_policy_in_the_current_directory() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join(".config/llm-gateway");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("routing.yaml"), POLICY).unwrap();
    let discovered = |home: &Path| {
        let environment = Environment::empty().with("HOME", home.to_str().unwrap());
        PolicySource::discover(&environment)
    };
    assert_ne!(discovered(home.path()), PolicySource::Embedded);
    let here = std::env::current_dir().unwrap();
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let relative = up.join(home.path().strip_prefix("/").unwrap());
    assert!(relative.join(".config").is_dir(), "it leads there");
    assert_eq!(discovered(&relative), PolicySource::Embedded);
}

#[test]
fn a_cap_that_cannot_be_obeyed_is_an_error_whatever_its_length_of_time() {
    let names = ["CAP_TOTAL_DAILY", "CAP_OPENAI_DAILY", "CAP_SESSION", "CAP_TOTAL_MONTHLY"];
    for name in names.map(|name| format!("LLM_GATEWAY_{name}")) {
        for value in
            ["ten", "-1", "NaN", "1e3", "$5", "5 USD", "5,00", ".5", "\"5\"", "${CAP}", "<5>"]
        {
            let errors = errors(&with(&[(name.as_str(), value)]));
            assert!(errors.contains(&name), "{name}={value}: {errors}");
        }
        for (value, is_capped) in [("0", false), ("", false), ("0.000000001", true), (" 5 ", true)]
        {
            let policy = with(&[(name.as_str(), value)]).policy.unwrap();
            assert_eq!(policy.spending().is_capped(), is_capped, "{name}={value}");
        }
    }
}

#[test]
fn a_cap_of_a_session_alone_needs_no_ledger_and_any_other_does() {
    for (name, needs_ledger) in [
        ("LLM_GATEWAY_CAP_SESSION", false),
        ("LLM_GATEWAY_CAP_TOTAL_DAILY", true),
        ("LLM_GATEWAY_CAP_OPENAI_DAILY", true),
        (TOTAL, true),
    ] {
        let policy = with(&[(name, "5")]).policy.unwrap();
        assert_eq!(policy.spending().ledger.is_some(), needs_ledger, "{name}");
        assert_eq!(policy.spending().needs_ledger(), needs_ledger, "{name}");
    }
}
