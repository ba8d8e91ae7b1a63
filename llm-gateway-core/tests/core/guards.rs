//! What guards money fails closed: a cap or a switch that cannot be read is an error, never
//! nothing.

use std::path::{Path, PathBuf};

use llm_gateway_core::config::{LoadRequest, Loaded, load};
use llm_gateway_core::{Diagnostic, Environment, PolicySource, Severity};
use tempfile::TempDir;

use crate::NOW;

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
        load(LoadRequest {
            source: &PolicySource::File(self.policy()),
            environment: Environment::empty().with("HOME", "/home/a"),
            env_file,
            own_providers: &[],
            now: NOW,
        })
    }

    /// The errors of the `.env` beside the policy.
    #[track_caller]
    fn errors(&self) -> String {
        errors(&self.loaded(None))
    }
}

fn told(loaded: &Loaded, severity: Severity) -> String {
    let wanted = |problem: &&Diagnostic| problem.severity == severity;
    loaded.problems.iter().filter(wanted).map(ToString::to_string).collect()
}

/// The errors, of which there must be some.
#[track_caller]
fn errors(loaded: &Loaded) -> String {
    assert!(loaded.policy.is_err(), "nothing was refused: {}", told(loaded, Severity::Warning));
    told(loaded, Severity::Error)
}

#[track_caller]
fn total_cap(loaded: &Loaded) -> Option<u64> {
    let policy = loaded.policy.as_ref().unwrap();
    policy.spending().total_cap.map(|cap| cap.as_nanos())
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
    // Where some keep a Python environment.
    std::fs::create_dir(place.env()).unwrap();
    assert!(place.loaded(None).policy.is_ok());
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
