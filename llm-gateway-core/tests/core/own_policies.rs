//! Checks that a user's own policy that exists but cannot be read is never replaced by the built-in
//! one.
#![cfg(all(unix, not(target_os = "macos")))]

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use llm_gateway_core::Environment;
use llm_gateway_core::config::{Loaded, PolicySource};
use tempfile::TempDir;

use crate::support::loaded_from;

/// Prepares a configuration directory and returns what is loaded with it.
fn with(prepare: impl FnOnce(&Path)) -> (TempDir, PolicySource, Loaded) {
    let config = tempfile::tempdir().unwrap();
    prepare(config.path());
    let environment = Environment::empty().with("XDG_CONFIG_HOME", config.path().to_str().unwrap());
    let source = PolicySource::discover(&environment);
    let loaded = loaded_from(&source, environment);
    (config, source, loaded)
}

fn directory(config: &Path) -> std::path::PathBuf {
    let directory = config.join("llm-gateway");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join(".env"), "LLM_GATEWAY_DISABLED=1\n").unwrap();
    directory
}

#[track_caller]
fn is_refused_by_name(prepare: impl FnOnce(&Path), why: &str) {
    let (config, source, loaded) = with(prepare);
    let path = config.path().join("llm-gateway/routing.yaml");
    assert_eq!(source, PolicySource::File(path.clone()));
    let problems = loaded.policy.expect_err(why).to_string();
    assert!(problems.contains(&path.display().to_string()), "{problems}");
    assert!(problems.contains(why), "{problems}");
}

#[test]
fn what_is_there_in_name_is_an_error_that_names_it() {
    is_refused_by_name(
        |config| {
            symlink("../dotfiles/routing.yaml", directory(config).join("routing.yaml")).unwrap()
        },
        "there is no such file",
    );
    is_refused_by_name(
        |config| std::fs::create_dir(directory(config).join("routing.yaml")).unwrap(),
        "it is a directory",
    );
    is_refused_by_name(
        |config| symlink("gone", config.join("llm-gateway")).unwrap(),
        "there is no such file",
    );
    is_refused_by_name(
        |config| symlink("routing.yaml", directory(config).join("routing.yaml")).unwrap(),
        "cannot be read",
    );
    is_refused_by_name(
        |config| symlink("llm-gateway", config.join("llm-gateway")).unwrap(),
        "cannot be read",
    );
    is_refused_by_name(
        |config| std::fs::write(config.join("llm-gateway"), "").unwrap(),
        "cannot be read",
    );
    is_refused_by_name(
        |config| std::fs::write(directory(config).join("routing.yaml"), b"\xff\xfe").unwrap(),
        "UTF-8",
    );
    is_refused_by_name(
        |config| std::fs::write(directory(config).join("routing.yaml"), "").unwrap(),
        "empty",
    );
}

#[test]
fn a_directory_above_it_that_leads_nowhere_is_an_error() {
    let root = tempfile::tempdir().unwrap();
    symlink("gone", root.path().join("home")).unwrap();
    let home = root.path().join("home");
    let environment = Environment::empty().with("HOME", home.to_str().unwrap());
    assert!(matches!(PolicySource::discover(&environment), PolicySource::File(_)));
}

#[test]
fn a_policy_that_may_not_be_read_is_an_error() {
    let (_config, source, loaded) = with(|config| {
        let path = directory(config).join("routing.yaml");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o000)).unwrap();
    });
    // The superuser may read it, and then it is empty.
    assert!(matches!(source, PolicySource::File(_)) && loaded.policy.is_err());
}

#[test]
fn only_where_nothing_is_the_built_in_policy_comes_in() {
    let (config, source, loaded) = with(|_| {});
    let path = config.path().join("llm-gateway/routing.yaml");
    assert_eq!(source, PolicySource::EmbeddedInPlaceOf(path));
    assert!(loaded.policy.is_ok() && loaded.problems.is_empty());
    // Accounts of services have no home, and a file or nothing for its path.
    for home in ["/dev/null", "/nonexistent"] {
        let environment = Environment::empty().with("HOME", home);
        let source = PolicySource::discover(&environment);
        assert!(matches!(source, PolicySource::EmbeddedInPlaceOf(_)), "{home}");
    }
}

#[test]
fn what_lies_beside_that_place_and_does_not_count_is_told() {
    for name in ["routing.yml", "routing.yaml.txt", "routing.json", ".env"] {
        let (config, _, loaded) = with(|config| {
            let other = config.join("llm-gateway");
            std::fs::create_dir_all(&other).unwrap();
            std::fs::write(other.join(name), "").unwrap();
        });
        let problem = loaded.problems.first().expect(name);
        let other = config.path().join("llm-gateway").join(name);
        assert!(problem.message.contains(&other.display().to_string()), "{problem}");
        assert!(loaded.policy.is_ok());
    }
    let source = PolicySource::File("/nonexistent/routing.yaml".into());
    assert!(loaded_from(&source, Environment::empty()).policy.is_err());
}

#[test]
fn a_path_that_was_named_is_never_passed_over() {
    for (named, taken) in [("'/etc/r.yaml'", true), ("/nonexistent", true), ("${ROUTING}", false)] {
        let environment = Environment::empty().with("LLM_GATEWAY_ROUTING", named);
        let is_taken = matches!(PolicySource::discover(&environment), PolicySource::File(_));
        assert_eq!(is_taken, taken, "{named}");
    }
}
