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
const KEY: &str = "OPENAI_API_KEY";
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
fn beside(env: &str, process: &[(&str, &str)]) -> Loaded {
    let place = Place::new();
    std::fs::write(place.path(".env"), env).unwrap();
    place.loaded(process)
}

fn told(loaded: &Loaded, severity: Severity) -> String {
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

/// Notes over several lines, with `§` where a line stands that would set a variable.
const NOTES: [&str; 24] = [
    "NOTE=\"\"\"\n§\n\"\"\"\n",
    "NOTE='''\n§\n'''\n",
    "NOTE=```\n§\n```\n",
    "NOTE=\"\"\"\n§\n\"\n",
    "NOTE='''it's\n§\n'''\n",
    "NOTE=\"\"\"say \"hi\" to\n§\nall\"\"\" # c\n",
    "NOTE=\"a\"\" b\n§\n\"\n",
    "NOTE=\"a\"' b\n§\n'\n",
    "NOTE='a'$' b\n§\n'\n",
    "NOTE=$'a\n§\n'\n",
    "NOTE=$'it\\'s\n§\n'\n",
    "NOTE=$\"a\n§\n\"\n",
    "NOTE: \"a\n§\n\"\n",
    "my.note-x: \"a\n§\n\"\n",
    "my.note-x: \"a=b\n§\n\"\n",
    "my.note-x:\t'''\n§\n''' # c\n",
    "export NOTE: `a\n§\n`\n",
    "my.note-x=\"a\n§\n\"\n",
    "\u{feff}NOTE: \"a\r\n§\r\n\"\r\n",
    "NOTE=\"a\r§\r\"\r",
    "declare -x NOTE=\"a\n§\n\"\n",
    "note+=\"a\n§\n\"\n",
    "1NOTE=\"a\n§\n\"\n",
    "NOTE = \"\"\n§\n",
];

#[test]
fn a_line_within_a_note_sets_nothing_however_the_note_is_quoted() {
    // The last one is no note, and its line counts.
    let (alone, notes) = NOTES.split_last().unwrap();
    for note in notes {
        let env = format!("{KEY}=sk-test-0001\n{}B=c\n", note.replace('§', "OPENAI_API_KEY=sk-in"));
        let loaded = beside(&env, &[]);
        assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"), "{env:?}");
        let warnings = told(&loaded, Severity::Warning);
        assert!(loaded.policy.is_ok(), "{env:?}: {}", told(&loaded, Severity::Error));
        assert!(warnings.contains(".env:2: the value") && warnings.contains(KEY), "{env:?}");
        assert!(!warnings.contains("sk-in"), "{env:?}: {warnings}");

        let env = note.replace('§', "LLM_GATEWAY_DISABLED=1");
        let policy = beside(&env, &[]).policy.unwrap_or_else(|why| panic!("{env:?}: {why}"));
        assert!(!policy.switches().disabled, "{env:?}");
    }
    let env = alone.replace('§', "OPENAI_API_KEY=sk-test-0001");
    assert_eq!(beside(&env, &[]).environment.get(KEY), Some("sk-test-0001"));
}

#[test]
fn a_quote_that_only_some_readers_take_for_one_is_refused_where_it_matters() {
    for note in [
        "NOTE=a\"\n§\n\"\n",
        "NOTE=a'\n§\n'\n",
        "NOTE=a \"b\n§\n\"\n",
        "NOTE=\"a\" \"b\n§\nc\"\n",
        "NOTE=\"a\"b\"c\n§\n\"\n",
        "NOTE=\"a\"b \"c\n§\n\" # d\n",
        "NOTE=it's\n§\n'\n",
        "NOTE='it\\'s\n§\n'\n",
        "NOTE='a\\'\n§\n'\n",
        "NOTE=x$'a\n§\n'\n",
        "NOTE=`a` `b\n§\n`\n",
        "NOTE=\n\"\n§\n\"\n",
        "NOTE \"a\n§\n\"\n",
        "set NOTE \"a\n§\n\"\n",
        "echo '\n§\n'\n",
        "note:\"a\n§\nb\" c\n",
        "NOTE: \"a\n§\nb\" c\n",
        "NOTE=\"\"\"\n§\n\"\"\" c\n",
    ] {
        for inner in ["OPENAI_API_KEY=sk-in", "LLM_GATEWAY_DISABLED=1"] {
            let env = format!("{KEY}=sk-test-0001\n{}", note.replace('§', inner));
            let loaded = beside(&env, &[]);
            let errors = told(&loaded, Severity::Error);
            assert!(loaded.policy.is_err(), "{env:?}");
            assert!(errors.contains("a quote in the line") && !errors.contains("sk-"), "{errors}");
            let name = inner.split('=').next().unwrap();
            assert!(errors.contains(name), "{env:?}: {errors}");
        }
        // Around a line that means nothing to the gateway it is passed over.
        let env = format!("{KEY}=sk-test-0001\n{}", note.replace('§', "OTHER=1"));
        let loaded = beside(&env, &[]);
        assert!(loaded.policy.is_ok(), "{env:?}: {}", told(&loaded, Severity::Error));
        assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"), "{env:?}");
    }
}

#[test]
fn a_quote_that_is_no_quote_costs_no_line() {
    for env in [
        "NAME=it's\n§",
        "NAME=it's\n§# don't\n",
        "NAME=it's\n§# 'quoted' words\n",
        "NAME=it's mine\n§OTHER=that's\n",
        "NAME=O'Brien\n§JSON='\n'\n",
        "SIZE=5\"\n§",
        "SIZE=5\"\n§# a 7\" one\n",
        "PASSWORD=$'x\n§",
        "WORDS: it's\n§",
        "TODO: 'tis open\n§",
        "TODO: \"open\n§",
        "DIR='C:\\dir\\'\n§",
        "DIR=C:\\dir\\\n§",
        "A=\"x\"\"\n§",
        "A=\"x\" it's\n§",
        "# it's\n§# '\n",
    ] {
        let env = env.replace('§', "OPENAI_API_KEY=sk-test-0001\n");
        for env in [env.clone(), env.replace('\n', "\r\n"), env.replace('\n', "\r")] {
            let loaded = beside(&env, &[]);
            assert!(loaded.policy.is_ok(), "{env:?}: {}", told(&loaded, Severity::Error));
            assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"), "{env:?}");
            let warnings = told(&loaded, Severity::Warning);
            assert!(!warnings.contains("is not closed"), "{env:?}: {warnings}");
        }
    }
    // Between two such passwords a shell reads nothing, and other readers read each line.
    let loaded = beside("A=x\"y\nOPENAI_API_KEY=sk-test-0001\nB=x\"y\n", &[]);
    assert_eq!(loaded.environment.get(KEY), Some("sk-test-0001"));
    let warnings = told(&loaded, Severity::Warning);
    assert!(loaded.policy.is_ok() && warnings.contains("line of A is not closed"), "{warnings}");
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
        "OPENAI_API_KEY",
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
