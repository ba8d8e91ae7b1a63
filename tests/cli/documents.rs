//! Checks the commands and flags in the documents against the program's own help.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::program::Home;

/// Flags in the documents that belong to other programs.
const OF_OTHER_PROGRAMS: &[&str] = &["--env"];

/// Returns the pages that people read, by name.
fn pages() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let names = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"];
    let mut open: Vec<_> = names.iter().map(|name| root.join(name)).collect();
    open.extend(["docs", "examples/clients"].map(|folder| root.join(folder)));
    let mut pages = BTreeMap::new();
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.extension().is_some_and(|extension| extension == "md") {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            pages.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
    assert!(pages.len() > 20);
    pages
}

/// Returns the texts between backticks and in blocks of code, line by line.
fn code(page: &str) -> Vec<String> {
    let mut code = Vec::new();
    for (index, part) in page.split("```").enumerate() {
        match index % 2 {
            0 => {
                code.extend(part.split('`').skip(1).step_by(2).map(|span| span.replace('\n', " ")))
            }
            _ => code.extend(part.lines().map(str::to_owned)),
        }
    }
    code
}

/// Returns the words of each call of `llm-gateway` in a line of code.
fn calls(line: &str) -> Vec<Vec<&str>> {
    let begins_a_word = |at: usize| line[..at].is_empty() || line[..at].ends_with(' ');
    let named = line.match_indices("llm-gateway ").filter(|(at, _)| begins_a_word(*at));
    let rests = named.map(|(at, name)| line[at + name.len()..].trim_start_matches("-- "));
    // A path after the name is a server that a client is told of.
    rests.filter(|rest| !rest.starts_with(['"', '/'])).map(call).collect()
}

/// Returns the words up to the end of a call.
fn call(rest: &str) -> Vec<&str> {
    let goes_on = |word: &&str| !matches!(*word, "#" | "|" | ">" | "--");
    rest.split_whitespace().take_while(goes_on).collect()
}

/// Returns the flags and subcommands that a help text lists.
fn listed(help: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let is_flag_end = |c: char| !c.is_ascii_alphanumeric() && c != '-';
    let flags = help.split_whitespace().filter(|word| word.starts_with("--"));
    let flags = flags.map(|flag| flag.split(is_flag_end).next().unwrap().to_owned()).collect();
    let commands = help.split("Commands:").nth(1).unwrap_or("").split("\n\n").next().unwrap();
    let names = commands.lines().filter_map(|line| line.strip_prefix("  "));
    let names = names.filter(|line| !line.starts_with(' '));
    (flags, names.filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

/// Returns the flags of each subcommand.
fn program() -> BTreeMap<String, BTreeSet<String>> {
    let help = |arguments: &[&str]| Home::new().program(arguments).ends().exits(0).stdout;
    let (_, commands) = listed(&help(&["--help"]));
    assert!(commands.contains("tour") && commands.contains("client-config"), "{commands:?}");
    let flags = |name: &str| listed(&help(&[name, "--help"])).0;
    let commands = commands.into_iter().filter(|name| name != "help");
    commands.map(|name| (name.clone(), flags(&name))).collect()
}

#[test]
fn every_command_that_a_page_shows_is_one_that_the_program_takes() {
    let program = program();
    let mut seen = BTreeSet::new();
    for (page, text) in pages() {
        for line in code(&text) {
            for call in calls(&line) {
                let Some(command) = call.iter().find(|word| program.contains_key(**word)) else {
                    panic!("{page}: `{line}` calls nothing that the program has");
                };
                let before = call.iter().take_while(|word| word != &command);
                let before = before.filter(|word| !word.starts_with('-')).count();
                assert_eq!(before, 0, "{page}: `{line}` has a word before the command");
                for flag in call.iter().filter(|word| word.starts_with("--")) {
                    assert!(program[*command].contains(*flag), "{page}: `{line}`: {flag}");
                }
                seen.insert((*command).to_owned());
            }
        }
    }
    assert_eq!(seen, program.keys().cloned().collect(), "the pages show every command");
}

#[test]
fn every_flag_that_a_page_names_is_one_that_the_program_takes() {
    let known: BTreeSet<String> = program().into_values().flatten().collect();
    let mut named = 0;
    for (page, text) in pages() {
        for flag in code(&text).iter().filter(|span| span.starts_with("--")) {
            let flag = flag.split([' ', '=']).next().unwrap();
            let is_known = known.contains(flag) || OF_OTHER_PROGRAMS.contains(&flag);
            assert!(is_known, "{page} names `{flag}`");
            named += 1;
        }
    }
    assert!(named > 30, "{named} flags are named");
}

#[test]
fn the_page_of_the_command_line_has_every_flag_at_its_command() {
    let program = program();
    let page = &pages()["docs/command-line.md"];
    let cells = |line: &str| line.trim_matches('|').split('|').map(code).collect::<Vec<_>>();
    let rows: Vec<Vec<Vec<String>>> =
        page.lines().filter(|line| line.starts_with("| `")).map(cells).collect();
    let flag_of = |cell: &[String]| cell.first()?.split(' ').next().map(str::to_owned);
    for (command, flags) in &program {
        let own = rows.iter().filter(|row| row[0].contains(command));
        let everywhere = rows.iter().filter(|row| row[0][0].starts_with("--"));
        let own = own.filter_map(|row| flag_of(&row[1]));
        let described: BTreeSet<String> =
            own.chain(everywhere.filter_map(|row| flag_of(&row[0]))).collect();
        let of_every_program = ["--help", "--version"];
        let taken = flags.iter().filter(|flag| !of_every_program.contains(&flag.as_str()));
        assert_eq!(described, taken.cloned().collect(), "{command}");
    }
}

#[test]
fn a_call_is_found_wherever_it_stands() {
    assert_eq!(calls("$ llm-gateway check --strict | less"), [["check", "--strict"]]);
    assert_eq!(calls("cargo run --bin llm-gateway -- tour"), [["tour"]]);
    assert_eq!(calls("llm-gateway route a > b"), [["route", "a"]]);
    assert_eq!(calls("cd llm-gateway-core; llm-gateway"), Vec::<Vec<&str>>::new());
    let help = "Commands:\n  a   does\n      more\n  b\n\nOptions:\n  -x, --yz <N>  as --w does";
    let (flags, commands) = listed(help);
    assert_eq!(commands, ["a", "b"].map(str::to_owned).into());
    assert_eq!(flags, ["--w", "--yz"].map(str::to_owned).into());
}
