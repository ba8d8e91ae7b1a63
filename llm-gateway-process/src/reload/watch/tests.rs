use std::fs;
use std::path::Path;

use llm_gateway_core::Request;
use tempfile::TempDir;

use super::*;

/// A user's configuration directory, a policy in another place, and looks at them, of which a test
/// takes as many as it wants.
struct Place {
    root: TempDir,
    watch: PolicyWatch,
}

fn policy(class: &str) -> String {
    format!("defaults: {{{class}: {{provider: openai, model: gpt-6-luna}}}}\n")
}

fn start(source: PolicySource, env_file: Option<PathBuf>, home: &Path) -> PolicyWatch {
    let environment = Environment::empty().with("HOME", home.to_str().unwrap());
    PolicyWatch::over(source, env_file.clone(), environment, |source, environment| {
        let builder = Gateway::builder().policy(source).environment(environment);
        match env_file {
            Some(path) => builder.env_file(path).offline().build_always(),
            None => builder.offline().build_always(),
        }
    })
}

impl Place {
    /// Watches a policy that has the class `one`.
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        let path = root.path().join("routing.yaml");
        fs::write(&path, policy("one")).unwrap();
        let watch = start(PolicySource::File(path), None, root.path());
        Self { root, watch }
    }

    /// Watches for a policy in the configuration directory of a user who has none.
    fn without_policy() -> Self {
        let root = TempDir::new().unwrap();
        let environment = Environment::empty().with("HOME", root.path().to_str().unwrap());
        let source = PolicySource::discover(&environment);
        assert!(matches!(source, PolicySource::EmbeddedInPlaceOf(_)), "{source:?}");
        let watch = start(source, None, root.path());
        Self { root, watch }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes a file, whose length must differ from before: two edits within one tick of the file
    /// system's clock are otherwise the same to it.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Looks until a change has settled, and returns the classes in force; at most as often as
    /// within two seconds.
    fn classes(&mut self) -> String {
        let _ = (0..3).any(|_| self.watch.look());
        let gateway = self.watch.live().now();
        let described = gateway.describe();
        let error = if gateway.policy_error().is_some() { " (refused)" } else { "" };
        let classes = described.map_or_else(
            |_| vec!["invalid".to_owned()],
            |it| it.task_classes.iter().map(|class| class.name.to_string()).collect(),
        );
        if classes.len() > 3 { format!("built in{error}") } else { classes.join(" ") + error }
    }
}

const AT_HOME: &str = ".config/llm-gateway/routing.yaml";

#[test]
fn an_edit_counts_however_it_is_saved() {
    let mut place = Place::new();
    assert_eq!(place.classes(), "one");
    place.write("routing.yaml", policy("other"));
    assert_eq!(place.classes(), "other");
    place.write("routing.yaml.swp", policy("three"));
    fs::rename(place.path("routing.yaml.swp"), place.path("routing.yaml")).unwrap();
    assert_eq!(place.classes(), "three");
    // Some editors move the old file away first.
    fs::rename(place.path("routing.yaml"), place.path("routing.yaml~")).unwrap();
    assert!(!place.watch.look(), "it may come back");
    place.write("routing.yaml", policy("four"));
    assert_eq!(place.classes(), "four");
    assert!(!(0..20).any(|_| place.watch.look()), "nothing changes any more");
}

#[test]
fn a_file_that_is_written_in_steps_is_read_whole() {
    let mut place = Place::new();
    place.write("routing.yaml", "defaults: {ha");
    assert!(!place.watch.look());
    place.write("routing.yaml", "defaults: {half: {provider: openai");
    assert!(!place.watch.look());
    assert_eq!(place.watch.live().now().policy_error(), None);
    place.write("routing.yaml", policy("whole"));
    assert_eq!(place.classes(), "whole");
}

#[test]
fn a_broken_edit_keeps_the_last_good_policy_until_it_is_mended() {
    let mut place = Place::new();
    place.write("routing.yaml", "defaults: [");
    assert_eq!(place.classes(), "one (refused)");
    fs::remove_file(place.path("routing.yaml")).unwrap();
    assert_eq!(place.classes(), "one (refused)");
    place.write("routing.yaml", policy("one"));
    assert_eq!(place.classes(), "one");
    place.write("routing.yaml", "# huge\n".repeat(1_000_000));
    assert_eq!(place.classes(), "one (refused)");
    place.write("routing.yaml", [0xff, 0xfe, 0xfd]);
    assert_eq!(place.classes(), "one (refused)");
    place.write("routing.yaml", policy("other"));
    assert_eq!(place.classes(), "other");
}

#[test]
fn a_policy_that_was_never_good_can_become_so() {
    let mut place = Place::new();
    place.write("routing.yaml", "defaults: [");
    place.watch = start(PolicySource::File(place.path("routing.yaml")), None, place.root.path());
    assert_eq!(place.classes(), "invalid");
    place.write("routing.yaml", "defaults: {{");
    assert_eq!(place.classes(), "invalid");
    place.write("routing.yaml", policy("one"));
    assert_eq!(place.classes(), "one");
}

#[test]
fn a_file_that_appears_in_the_configuration_directory_counts() {
    let mut place = Place::without_policy();
    assert_eq!(place.classes(), "built in");
    fs::create_dir_all(place.path(".config/llm-gateway")).unwrap();
    assert_eq!(place.classes(), "built in");
    place.write(AT_HOME, "defaults: [");
    assert_eq!(place.classes(), "built in (refused)");
    fs::remove_file(place.path(AT_HOME)).unwrap();
    assert_eq!(place.classes(), "built in", "it was never in force");
    place.write(AT_HOME, policy("mine"));
    assert_eq!(place.classes(), "mine");
    fs::remove_dir_all(place.path(".config")).unwrap();
    assert_eq!(place.classes(), "mine (refused)", "it may have held a cap");
}

#[cfg(unix)]
#[test]
fn a_link_that_is_set_elsewhere_counts() {
    use std::os::unix::fs::symlink;

    let mut place = Place::new();
    place.write("a/routing.yaml", policy("a"));
    place.write("b/routing.yaml", policy("b"));
    symlink(place.path("a"), place.path("current")).unwrap();
    let source = PolicySource::File(place.path("current/routing.yaml"));
    place.watch = start(source, None, place.root.path());
    assert_eq!(place.classes(), "a");
    symlink(place.path("b"), place.path("next")).unwrap();
    fs::rename(place.path("next"), place.path("current")).unwrap();
    assert_eq!(place.classes(), "b");
    fs::remove_file(place.path("current")).unwrap();
    assert_eq!(place.classes(), "b (refused)");
    // As a directory that is mounted later.
    fs::rename(place.path("a"), place.path("current")).unwrap();
    assert_eq!(place.classes(), "a");
}

#[test]
fn variables_count_when_they_appear_change_and_are_named() {
    let is_off = |watch: &PolicyWatch| {
        let gateway = watch.live().now();
        gateway.describe().is_ok_and(|it| it.switches.disabled)
    };
    let mut place = Place::new();
    place.write(".env", "LLM_GATEWAY_DISABLED=1\n");
    assert_eq!(place.classes(), "one");
    assert!(is_off(&place.watch));
    fs::remove_file(place.path(".env")).unwrap();
    assert_eq!(place.classes(), "one (refused)");
    assert!(is_off(&place.watch));
    place.write(".env", "LLM_GATEWAY_DISABLED=0\n");
    assert_eq!(place.classes(), "one");
    assert!(!is_off(&place.watch));
    place.write(".env", "LLM_GATEWAY_CAP_TOTAL_MONTHLY=much\n");
    assert_eq!(place.classes(), "one (refused)");

    place.write("keys", "LLM_GATEWAY_DISABLED=1\n");
    let source = PolicySource::File(place.path("routing.yaml"));
    place.watch = start(source, Some(place.path("keys")), place.root.path());
    assert!(is_off(&place.watch));
    place.write("keys", "");
    place.write(".env", "LLM_GATEWAY_DISABLED=1\n");
    assert_eq!(place.classes(), "one");
    assert!(!is_off(&place.watch), "the file that was named counts alone");
}

#[test]
fn a_file_that_changes_without_end_is_read_now_and_then() {
    let mut place = Place::new();
    let mut reads = 0;
    for number in 0..60 {
        place.write("routing.yaml", format!("{}{}", policy("one"), "#\n".repeat(number + 1)));
        reads += usize::from(place.watch.look());
    }
    assert_eq!(reads, 20);
}

#[tokio::test]
async fn a_front_is_told_of_each_gateway_and_keeps_the_one_it_has() {
    let mut place = Place::new();
    let mut live = place.watch.live();
    let old = live.now();
    place.write("routing.yaml", policy("other"));
    assert_eq!(place.classes(), "other");
    assert!(live.next().await.route(Request::new("other", "hi")).await.is_ok());
    assert!(old.route(Request::new("one", "hi")).await.is_ok());
    assert!(live.now().route(Request::new("one", "hi")).await.is_err());
    let mut fixed = LiveGateway::from(old);
    let never = tokio::time::timeout(Duration::from_millis(1), fixed.next()).await;
    assert!(never.is_err() && fixed.now().policy().is_ok());
}

#[tokio::test]
async fn the_watch_runs_by_itself() {
    let place = Place::new();
    let mut live = place.watch.live();
    let path = place.path("routing.yaml");
    let running = tokio::spawn(place.watch.run());
    fs::write(path, policy("other")).unwrap();
    let limit = Duration::from_secs(60);
    let next = tokio::time::timeout(limit, live.next()).await.expect("an edit counts");
    assert!(next.route(Request::new("other", "hi")).await.is_ok());
    running.abort();
}

#[tokio::test]
async fn what_has_no_file_is_not_looked_at() {
    let watch = start(PolicySource::Embedded, None, Path::new("/"));
    assert!(watch.paths.is_empty());
    let ended = tokio::time::timeout(Duration::from_millis(5), watch.run()).await;
    assert!(ended.is_err());
}
