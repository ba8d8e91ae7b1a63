//! Distinguishes a value from a text that only stands in for one: a name that a client, a shell or
//! a template did not fill in, the words of an example, or a value that is still in quotes.
//!
//! Whether such a text counts as missing or is an error is decided where it is read.

/// A text that stands in for a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StandIn {
    /// The text names a value that was to be put in its place, such as `${NAME}`.
    Unfilled,
    /// The text is a value with its quotes around it.
    Quoted,
}

impl StandIn {
    /// Returns why a variable with such a text has no value, in words that go on after its name.
    pub(crate) fn why_missing(self) -> &'static str {
        match self {
            Self::Unfilled => "holds what somebody was to fill in, and counts as missing",
            Self::Quoted => "holds a value that is still in quotes, and counts as missing",
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
/// that replace tokens, `@NAME@` in CMake, `{$NAME}` in Caddy, `%(NAME)s` in Python. A `$` may stand before each of them.
const AROUND_A_NAME: [(&str, &str); 11] = [
    ("{", "}"),
    ("{$", "}"),
    ("%(", ")s"),
    ("%", "%"),
    ("@", "@"),
    ("!", "!"),
    ("#", "#"),
    ("__", "__"),
    ("%{", "}"),
    ("@{", "}"),
    ("#{", "}"),
];

/// The beginnings of references to a value that is kept elsewhere, in LiteLLM, JavaScript,
/// 1Password, Vault, vals and Azure.
const REFERENCES: [&str; 9] = [
    "os.environ/",
    "process.env.",
    "import.meta.env.",
    "op://",
    "vault:",
    "env:",
    "env://",
    "ref+",
    "@Microsoft.KeyVault(",
];

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

/// Returns whether a text stands for a value that was to be put in its place.
pub(crate) fn is_unfilled(value: &str) -> bool {
    let value = value.trim();
    is_dollar(value)
        || is_wrapped_name(value)
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
/// not examples.
fn is_example(value: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_somebody_was_to_fill_in_is_no_value() {
        for text in [
            "${OPENAI_API_KEY}",
            "${OPENAI_API_KEY:-}",
            "${OPENAI_API_KEY:-none}",
            "${A:-${B}}",
            "${env:OPENAI_API_KEY}",
            "${input:openai-key}",
            "${{ secrets.OPENAI_API_KEY }}",
            "$OPENAI_API_KEY",
            "$$OPENAI_API_KEY",
            "$env:OPENAI_API_KEY",
            "$Env:openai",
            "$(OPENAI_API_KEY)",
            "$(cat ~/.key)",
            "$[variables.key]",
            "$${OPENAI_API_KEY}",
            "{env:OPENAI_API_KEY}",
            "{file:~/.key}",
            "{OPENAI_API_KEY}",
            "{{OPENAI_API_KEY}}",
            "{{ openai.key }}",
            "%OPENAI_API_KEY%",
            "%%OPENAI_API_KEY%%",
            "%env:KEY%",
            "!OPENAI_API_KEY!",
            "@OPENAI_API_KEY@",
            "__OPENAI_API_KEY__",
            "#{OPENAI_API_KEY}#",
            "#{key}",
            "{$OPENAI_API_KEY}",
            "%(OPENAI_API_KEY)s",
            "${OPENAI_API_KEY",
            "%{KEY}",
            "@{KEY}",
            "<your key>",
            "<OPENAI_API_KEY>",
            "<sk-…>",
            "[your key]",
            "os.environ/OPENAI_API_KEY",
            "process.env.OPENAI_API_KEY",
            "op://vault/openai/key",
            "env:OPENAI_API_KEY",
            "ref+vault://openai#/key",
            "@Microsoft.KeyVault(SecretUri=https://us.vault.azure.net/secrets/key)",
            "your-api-key",
            "YOUR_API_KEY",
            "your_openai_api_key_here",
            "sk-your-key-here",
            "sk-...",
            "sk-…",
            "sk-proj-xxxxxxxxxxxx",
            "XXXXXXXXXXXX",
            "***",
            "sk-••••••••",
            "undefined",
            "changeme",
            "CHANGE_ME",
            "replace-me",
            "TODO",
            "paste-your-key-here",
            "put_key_here",
            " ${KEY} ",
            "\"${KEY}\"",
            "'<your key>'",
        ] {
            assert_eq!(unusable(text), Some(StandIn::Unfilled), "{text}");
        }
    }

    #[test]
    fn a_value_in_quotes_is_no_value() {
        for text in [
            "\"sk-test-0001\"",
            "'sk-test-0001'",
            "`sk-test-0001`",
            "“sk-test-0001”",
            "„sk-test-0001“",
            "‘sk-test-0001’",
            "«sk-test-0001»",
            "\\\"sk-test-0001\\\"",
            "\"'sk-test-0001'\"",
            " 'sk-test-0001' ",
            "\"\"",
        ] {
            assert_eq!(unusable(text), Some(StandIn::Quoted), "{text}");
        }
    }

    #[test]
    fn a_value_is_a_value() {
        for text in [
            "sk-test-0001",
            "sk-proj-AbC0$x{y}",
            "$25",
            "$ecret-key",
            "${",
            "a${HOME}b",
            "ollama",
            "lm-studio",
            "sk-no-key-required",
            "EMPTY",
            "none",
            "not-needed",
            "dummy",
            r"\\server\home\AppData",
            r"C:\Users\me",
            "anything",
            "{\"a\": \"b\"}",
            "[1, 2]",
            "[\"a\"]",
            "{}",
            "<>",
            "%",
            "%%",
            "100%",
            "@",
            "https://host/v1",
            "http://127.0.0.1:9002/v1",
            "xai-0123456789abcdef",
            "xxx",
            "token",
            "form; name=\"x\"",
            "/home/you/ledger.db",
            "key-of-openai",
            "my-key",
            "here",
            "-",
            "",
            "vault",
            "env:",
            "%41%42",
            "#1",
            "AIzaSyA0123456789abcdefghijklmnopqrstu",
        ] {
            assert_eq!(unusable(text), None, "{text}");
        }
    }
}
