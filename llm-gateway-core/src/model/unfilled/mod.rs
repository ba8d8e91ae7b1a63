//! Distinguishes a value from a text that only stands in for one: a name that a client, a shell or
//! a template did not fill in, the words of an example, or a value that is still in quotes.
//!
//! Whether such a text counts as missing or is an error is decided where it is read. `embedded`
//! finds a variable within a longer text.

mod embedded;
#[cfg(test)]
mod tests;

use embedded::holds_variable;

/// A text that stands in for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StandIn {
    /// The text names a value that was to be put in its place, such as `${NAME}`.
    Unfilled,
    /// The text is a value with its quotes around it.
    Quoted,
}

impl StandIn {
    /// Returns what a variable with such a text holds, in words that go on after its name.
    pub(crate) fn what(self) -> &'static str {
        match self {
            Self::Unfilled => "holds what somebody was to fill in",
            Self::Quoted => "holds a value that is still in quotes",
        }
    }

    /// Returns why a variable with such a text has no value, in words that go on after its name.
    pub(crate) fn why_missing(self) -> &'static str {
        match self {
            Self::Unfilled => "holds what somebody was to fill in, and counts as missing",
            Self::Quoted => "holds a value that is still in quotes, and counts as missing",
        }
    }

    /// Returns what is wrong with such a text, as a sentence about its variable.
    pub(crate) fn fault(self) -> &'static str {
        match self {
            Self::Unfilled => "it holds what somebody was to fill in",
            Self::Quoted => "its value is still in quotes",
        }
    }

    /// Returns what to do about it.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Unfilled => "put the value itself where it is set, or take it away there",
            Self::Quoted => "take the quotes off where it is set",
        }
    }
}

/// Opening quotes, each with the closing quotes that match it.
const QUOTES: [(char, &str); 9] = [
    ('"', "\""),
    ('\'', "'"),
    ('`', "`'"),
    ('“', "”"),
    ('”', "”"),
    ('„', "“”"),
    ('‘', "’"),
    ('’', "’"),
    ('«', "»"),
];

/// The signs around a name in the templates of clients, shells and build tools: `{env:NAME}` in
/// opencode, `%NAME%` in Windows, `$(NAME)` in Azure Pipelines, `#{NAME}#` and `__NAME__` in tools
/// that replace tokens, `@NAME@` in CMake, `%(NAME)s` in Python, `((NAME))` in Concourse, `{$NAME}`
/// in Caddy. A `$` may stand before each of them.
const AROUND_A_NAME: [(&str, &str); 17] = [
    ("{", "}"),
    ("{$", "}"),
    ("%", "%"),
    ("@", "@"),
    ("!", "!"),
    ("#", "#"),
    ("__", "__"),
    ("%{", "}"),
    ("@{", "}"),
    ("#{", "}"),
    ("%(", ")s"),
    ("[[", "]]"),
    ("((", "))"),
    ("<<", ">>"),
    ("{%", "%}"),
    ("<%", "%>"),
    ("<%=", "%>"),
];

/// The beginnings of references to a value that is kept elsewhere, in LiteLLM, in programs, and in
/// the stores of 1Password, Vault, helm-secrets, AWS and Azure.
const REFERENCES: [&str; 21] = [
    "os.environ",
    "os.getenv(",
    "getenv(",
    "process.env.",
    "process.env[",
    "import.meta.env.",
    "Deno.env.get(",
    "ENV[",
    "ENV.fetch(",
    "env(",
    "%env(",
    "env:",
    "env.",
    "secrets.",
    "op://",
    "vault:",
    "secret://",
    "ref+",
    "arn:aws:secretsmanager:",
    "arn:aws:ssm:",
    "@Microsoft.KeyVault(",
];

/// The tags of YAML that stand for a value, in Home Assistant, pyaml-env and CloudFormation.
const YAML_TAGS: [&str; 8] =
    ["secret", "env", "env_var", "vault", "ref", "sub", "getatt", "importvalue"];

/// The words that a header has before a key.
const SCHEMES: [&str; 6] = ["bearer", "basic", "token", "key", "apikey", "api-key"];

/// The words with which examples name a key.
const THINGS: [&str; 6] = ["key", "apikey", "token", "secret", "api", "password"];

/// Returns the reason why a text is no value; `None` if it may be one.
pub(crate) fn unusable(value: &str) -> Option<StandIn> {
    let value = value.trim();
    let bare = without_quotes(value);
    match is_unfilled(bare) {
        true => Some(StandIn::Unfilled),
        false => (bare.len() < value.len()).then_some(StandIn::Quoted),
    }
}

/// Returns the reason why the text of the variable `name` is no key; `None` if it may be one. A key
/// has no variable within it, such as `Bearer ${NAME}`, and is not the variable's own name.
pub(crate) fn unusable_key(name: &str, value: &str) -> Option<StandIn> {
    let bare = without_scheme(without_quotes(value));
    let is_own_name = bare.eq_ignore_ascii_case(name);
    match is_own_name || is_unfilled(bare) || holds_variable(bare) {
        true => Some(StandIn::Unfilled),
        false => unusable(value),
    }
}

/// Returns a text without the word that a header has before a key.
fn without_scheme(text: &str) -> &str {
    let text = text.strip_prefix("Authorization:").unwrap_or(text).trim();
    match text.split_once(char::is_whitespace) {
        Some((word, key)) if SCHEMES.iter().any(|scheme| word.eq_ignore_ascii_case(scheme)) => {
            key.trim()
        }
        _ => text,
    }
}

/// Returns whether a text stands for a value that was to be put in its place.
pub(crate) fn is_unfilled(value: &str) -> bool {
    let value = value.trim();
    is_dollar(value)
        || is_wrapped_name(value)
        || is_yaml_tag(value)
        || is_wrapped_words(value, "<", ">")
        || is_wrapped_words(value, "[", "]")
        || REFERENCES.iter().any(|start| value.strip_prefix(start).is_some_and(is_path))
        || is_example(value)
}

/// Returns a text without the quotes around it, escaped or not, however many pairs there are.
fn without_quotes(text: &str) -> &str {
    let text = text.trim();
    // Without a quote behind them, backslashes begin a path of Windows.
    let unescaped = text.trim_start_matches('\\');
    let Some(first) = unescaped.chars().next() else { return text };
    let Some((open, closing)) = QUOTES.iter().find(|(open, _)| *open == first) else {
        return text;
    };
    let inner = unescaped.strip_prefix(*open).unwrap_or(unescaped);
    match inner.strip_suffix(|c| closing.contains(c)) {
        Some(inner) => without_quotes(inner.strip_suffix('\\').unwrap_or(inner)),
        None => text,
    }
}

/// Returns whether a text is a variable as shells and clients write one: `$NAME`, `$env:NAME`,
/// `${…}`, `$(…)` or `$[…]`, with one `$` or several.
fn is_dollar(value: &str) -> bool {
    let name = value.trim_start_matches('$');
    if name.len() == value.len() {
        return false;
    }
    let of_powershell = name.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("env:"));
    // The brace behind the name may be forgotten.
    let name = name.strip_prefix('{').filter(|rest| !rest.contains('}')).unwrap_or(name);
    // A name does not begin with a digit: `$25` is an amount.
    let is_name = name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
    let is_wrapped = |open, close| name.starts_with(open) && name.ends_with(close);
    is_name || of_powershell || is_wrapped('{', '}') || is_wrapped('(', ')') || is_wrapped('[', ']')
}

/// Returns whether a text is a name within one of the pairs of [`AROUND_A_NAME`].
fn is_wrapped_name(value: &str) -> bool {
    AROUND_A_NAME.iter().any(|(open, close)| {
        let inner = value.strip_prefix(open).and_then(|rest| {
            rest.strip_suffix(close).or_else(|| rest.strip_suffix(close)?.strip_suffix('#'))
        });
        let inner = inner.map(|inner| inner.trim_matches(['{', '}', '%', '#', ' ']));
        inner.is_some_and(|name| {
            let is_of_name = |c: char| c.is_ascii_alphanumeric() || "_.:/-~| ".contains(c);
            name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
                && name.chars().all(is_of_name)
        })
    })
}

/// Returns whether a text is a tag of YAML with what it stands for, such as `!secret name` in Home
/// Assistant.
fn is_yaml_tag(value: &str) -> bool {
    let tag = value.strip_prefix('!').and_then(|rest| rest.split_once(' '));
    tag.is_some_and(|(tag, _)| YAML_TAGS.iter().any(|known| tag.eq_ignore_ascii_case(known)))
}

/// Returns whether a text is words between two signs, such as `<your key>`.
fn is_wrapped_words(value: &str, open: &str, close: &str) -> bool {
    let inner = value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    inner.is_some_and(|words| {
        words.contains(char::is_alphabetic) && !words.contains(['<', '>', '[', ']', '"', '\'', '='])
    })
}

/// Returns whether a text has the form of a path or a name.
fn is_path(text: &str) -> bool {
    !text.is_empty() && !text.contains(char::is_whitespace)
}

/// Returns whether a text is what examples write for a key: `your-api-key`, `sk-...`, `changeme`,
/// `paste_key_here`, a row of `x`. Words that servers without keys document, such as `ollama`, are
/// not examples, and neither is an address, whatever its words: a base URL that counted as missing
/// would send prompt and key to another host.
fn is_example(value: &str) -> bool {
    if value.contains("://") {
        return false;
    }
    let lower = value.to_lowercase();
    let words: Vec<&str> =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let has = |wanted: &[&str]| words.iter().any(|word| wanted.contains(word));
    let is_only = |wanted: &[&str]| wanted.contains(&words.concat().as_str());
    let last = value.rsplit('-').next().unwrap_or(value);
    let is_row = |c: &str, least| last.len() >= least && last.replace(c, "").is_empty();
    let is_row =
        is_row("x", 8) || is_row("X", 8) || is_row("*", 3) || is_row("•", 3) || is_row(".", 3);
    (has(&["your"]) && has(&THINGS) && words.len() <= 8)
        || (words.len() > 1 && words.last() == Some(&"here") && has(&THINGS))
        || is_only(&[
            "changeme",
            "replaceme",
            "todo",
            "fixme",
            "tbd",
            "yourkey",
            "yourapikey",
            "undefined",
        ])
        || is_row
        || last.trim_matches('…').is_empty() && !last.is_empty()
}
