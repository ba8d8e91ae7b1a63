//! Reads which variables the server's entry in a configuration file of Codex hands on.
//!
//! The file is TOML. This module reads as much of it as tells strings, lists and tables apart, and
//! passes over what it cannot read: Codex itself says what is wrong with a file.

use std::collections::BTreeSet;

use crate::client_config::SERVER;

/// The most lists and tables that may lie within each other.
const DEEPEST: usize = 32;

/// The number of parts of a key that are kept: one more than any key has that matters here.
const MOST_PARTS: usize = 5;

/// Returns the variables that the server's entry hands on: the texts of its `env_vars` and the keys
/// of its `env`. Returns `None` if the file has no such entry.
pub(super) fn handed_on(text: &str) -> Option<BTreeSet<String>> {
    let mut reader = Reader { rest: text.strip_prefix('\u{feff}').unwrap_or(text) };
    let (mut entry, mut table) = (None, Vec::new());
    loop {
        reader.skip_gaps();
        if reader.rest.is_empty() {
            return entry;
        }
        if reader.eat("[") {
            // A list of tables holds no server.
            let is_list = reader.eat("[");
            table = reader.key().filter(|_| !is_list).unwrap_or_else(|| vec![String::new()]);
            take(&table, &Value::Table(Vec::new()), &mut entry);
        } else if let Some((key, value)) = reader.member(0) {
            let path: Vec<String> = table.iter().cloned().chain(key).collect();
            take(&path, &value, &mut entry);
        }
        reader.skip_line();
    }
}

/// Takes into `entry` what a value at `path` hands on, if it belongs to the server's entry.
fn take(path: &[String], value: &Value, entry: &mut Option<BTreeSet<String>>) {
    let names: Vec<&str> = path.iter().map(String::as_str).collect();
    if let ["mcp_servers", SERVER, within @ ..] = names.as_slice() {
        let handed = entry.get_or_insert_default();
        match (within, value) {
            (["env_vars"], Value::List(values)) => {
                handed.extend(values.iter().filter_map(Value::variable).map(str::to_owned));
            }
            (["env", name], _) => {
                handed.insert((*name).to_owned());
            }
            _ => {}
        }
    }
    if let Value::Table(members) = value {
        for (key, value) in members {
            let path: Vec<String> = path.iter().chain(key).cloned().collect();
            take(&path, value, entry);
        }
    }
}

/// A value, as far as it matters here.
enum Value {
    Text(String),
    List(Vec<Value>),
    Table(Vec<Member>),
    Other,
}

/// A key, with dots between its parts, and its value.
type Member = (Vec<String>, Value);

impl Value {
    /// Returns the variable that a value of `env_vars` names: a text, or a table with a `name`,
    /// unless the variable is that of another machine.
    fn variable(&self) -> Option<&str> {
        let Self::Table(members) = self else { return self.text() };
        let member = |wanted: &str| {
            members.iter().find_map(|(key, value)| (*key == [wanted]).then(|| value.text())?)
        };
        member("name").filter(|_| member("source").is_none_or(|source| source == "local"))
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A reader of TOML. A method that returns `None` has met what is no TOML.
struct Reader<'t> {
    rest: &'t str,
}

impl<'t> Reader<'t> {
    /// Reads a key and its value, `depth` tables and lists deep.
    fn member(&mut self, depth: usize) -> Option<Member> {
        let key = self.key()?;
        self.eat("=").then_some(())?;
        Some((key, self.value(depth)?))
    }

    /// Reads a key, with the blanks around it.
    fn key(&mut self) -> Option<Vec<String>> {
        let mut key = Vec::new();
        loop {
            self.skip_blanks();
            let is_bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
            let part = match self.rest.starts_with(['"', '\'']) {
                true => self.text()?,
                false => Some(self.take_while(is_bare)).filter(|it| !it.is_empty())?.to_owned(),
            };
            if key.len() < MOST_PARTS {
                key.push(part);
            }
            self.skip_blanks();
            if !self.eat(".") {
                return Some(key);
            }
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip_blanks();
        if self.rest.starts_with(['"', '\'']) {
            return self.text().map(Value::Text);
        }
        if self.rest.starts_with(['[', '{']) && depth >= DEEPEST {
            return None;
        }
        if self.eat("[") {
            return self.items("]", |reader| reader.value(depth + 1)).map(Value::List);
        }
        if self.eat("{") {
            return self.items("}", |reader| reader.member(depth + 1)).map(Value::Table);
        }
        self.take_while(|c| !matches!(c, ',' | ']' | '}' | '#' | '\n'));
        Some(Value::Other)
    }

    /// Reads items with commas between them, up to `end`. Lines and comments may separate them.
    fn items<T>(
        &mut self,
        end: &str,
        mut item: impl FnMut(&mut Self) -> Option<T>,
    ) -> Option<Vec<T>> {
        let mut items = Vec::new();
        loop {
            self.skip_gaps();
            if self.eat(end) {
                return Some(items);
            }
            items.push(item(self)?);
            self.skip_gaps();
            if !self.eat(",") {
                return self.eat(end).then_some(items);
            }
        }
    }

    /// Reads a text in quotes of any of the four kinds.
    fn text(&mut self) -> Option<String> {
        let quotes = ["\"\"\"", "'''", "\"", "'"];
        let quote = quotes.into_iter().find(|quote| self.eat(quote))?;
        let (has_escapes, has_lines) = (quote.starts_with('"'), quote.len() > 1);
        if has_lines && !self.eat("\n") {
            self.eat("\r\n");
        }
        let mut text = String::new();
        while !self.eat(quote) {
            match self.next()? {
                '\\' if has_escapes => text.extend(self.escaped()?),
                '\n' if !has_lines => return None,
                other => text.push(other),
            }
        }
        // A text of several lines may end with a quote of its own.
        let own = self.rest.chars().take(2).take_while(|c| has_lines && quote.starts_with(*c));
        (0..own.count()).for_each(|_| text.extend(self.next()));
        Some(text)
    }

    /// Reads what stands behind a backslash. The end of a line stands for nothing.
    fn escaped(&mut self) -> Option<Option<char>> {
        let digits = match self.next()? {
            'n' => return Some(Some('\n')),
            't' => return Some(Some('\t')),
            'x' => 2,
            'u' => 4,
            'U' => 8,
            blank if blank.is_whitespace() => {
                self.take_while(char::is_whitespace);
                return Some(None);
            }
            itself => return Some(Some(itself)),
        };
        let (written, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        char::from_u32(u32::from_str_radix(written, 16).ok()?).map(Some)
    }

    /// Passes over blanks, ends of lines and comments.
    fn skip_gaps(&mut self) {
        loop {
            self.take_while(char::is_whitespace);
            if !self.rest.starts_with('#') {
                return;
            }
            self.skip_line();
        }
    }

    fn skip_blanks(&mut self) {
        self.take_while(|c| matches!(c, ' ' | '\t' | '\r'));
    }

    fn skip_line(&mut self) {
        self.take_while(|c| c != '\n');
    }

    /// Passes over `text` if it stands here. Returns whether it does.
    fn eat(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn next(&mut self) -> Option<char> {
        let mut rest = self.rest.chars();
        let next = rest.next();
        self.rest = rest.as_str();
        next
    }

    fn take_while(&mut self, is_part: impl Fn(char) -> bool) -> &'t str {
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the variables that are handed on; `None` if there is no entry.
    fn names(text: &str) -> Option<String> {
        handed_on(text).map(|names| Vec::from_iter(names).join(" "))
    }

    #[test]
    fn what_an_entry_hands_on_is_found_in_every_form() {
        for text in [
            "[mcp_servers.llm-gateway]\nenv_vars = [\"A_KEY\"]",
            "\u{feff}[mcp_servers.\"llm-gateway\"]\r\nenv_vars = ['A_KEY']\r\n",
            "[ mcp_servers . llm-gateway ] # here\nenv_vars=[\n  \"A_KEY\", # one, \"B\"\n# two\n]\n",
            "[mcp_servers.llm-gateway]\ncommand = \"x\"\n[mcp_servers.llm-gateway.env]\nA_KEY = \"1\"\n",
            "[mcp_servers.other]\nenv_vars = []\n[mcp_servers.llm-gateway]\nenv = { A_KEY = \"1\" }\n",
            "[mcp_servers.llm-gateway]\nenv.A_KEY = \"1\"\n",
            "[mcp_servers.llm-gateway.\"env\"]\n\"A_KEY\" = \"a # no comment\"\n",
            "[mcp_servers]\nllm-gateway = { command = \"x\", env_vars = [\"A_KEY\"] }",
            "[mcp_servers]\nllm-gateway = { env = { A_KEY = \"1\" }, args = [\"B\"] } # C",
            "[mcp_servers]\n\"llm-gateway\".env_vars = [\"A_KEY\"]",
            "mcp_servers = { \"llm-gateway\" = { env_vars = [\"A_KEY\"] } }",
            "mcp_servers.llm-gateway.env_vars = [\"A_KEY\"]",
            "mcp_servers.llm-gateway = {\n  env_vars = [\n\"A_KEY\",],\n}",
            "[mcp_servers.llm-gateway]\nargs = [\"#\", \"a ] b\"]\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\ncommand = '/a#b'\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\ncommand = \"a\\\"#[b]\"\nenv_vars = [\"A\\u005fKEY\"]",
            "[mcp_servers.llm-gateway]\nx = \"\"\"\n[other]\n\\\"\"\"\" \"\"\"\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\nx = '''\n[other]'''\nenv_vars = ['''A_KEY''', 5, true]",
            "[mcp_servers.llm-gateway]\nx = 2026-01-01T00:00:00Z\nenv_vars = [\"\"\"A_\\\n  KEY\"\"\"]",
            "[mcp_servers.llm-gateway]\nnot toml at all\n= 5\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\nenv_vars = [{ name = \"A_KEY\" }, { name = 'B', source = 'remote' }]",
            "[[profiles]]\nx = [[1], [2, [3]]]\n[mcp_servers.llm-gateway]\nenv_vars = [\"A_KEY\"]",
        ] {
            assert_eq!(names(text).as_deref(), Some("A_KEY"), "{text}");
        }
    }

    #[test]
    fn a_name_elsewhere_is_not_handed_on() {
        for text in [
            "[mcp_servers.llm-gateway]",
            "[mcp_servers.llm-gateway]\nargs = [\"--key\", \"A_KEY\"]\ncommand = \"A_KEY\"",
            "[mcp_servers.llm-gateway]\n# env_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\nx = \"\"\"\nenv_vars = ['A_KEY']\n\"\"\"",
            "[mcp_servers.llm-gateway]\nenv_vars = \"A_KEY\"",
            "[mcp_servers.llm-gateway]\nenv_vars = { A_KEY = 1 }",
            "[mcp_servers.llm-gateway]\nenv_vars = [[\"A_KEY\"]]",
            "[mcp_servers.llm-gateway]\nenv = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\n[mcp_servers.other]\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\n[features]\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\n[features . 'x,y']\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\n[[list]]\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway.tools]\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway]\nx = { env_vars = [\"A_KEY\"] }",
            "[mcp_servers]\nllm-gateway = {}",
        ] {
            assert_eq!(names(text).as_deref(), Some(""), "{text}");
        }
        for text in [
            "",
            "[",
            "[mcp_servers.llm-gateway",
            "[mcp_servers.other]\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.llm-gateway-2]\nenv_vars = [\"A_KEY\"]",
            "[mcp_servers.'llm-gateway.env']\nA_KEY = 1",
            "[profiles.mcp_servers.llm-gateway]\nenv_vars = [\"A_KEY\"]",
            "[[mcp_servers.llm-gateway]]\nenv_vars = [\"A_KEY\"]",
            "# [mcp_servers.llm-gateway]\nenv_vars = [\"A_KEY\"]",
            "x = '''\n[mcp_servers.llm-gateway]\nenv_vars = [\"A_KEY\"]",
        ] {
            assert!(names(text).is_none_or(|names| names.is_empty()), "{text}");
        }
    }

    #[test]
    fn a_hostile_file_is_read_in_little_time() {
        let units =
            ["[", "{", "{a=", "\"", "'''", "\\", "a.", "#", "[a]\n", "a=[", "a={b=1},", "é"];
        for unit in units {
            assert!(handed_on(&unit.repeat(300_000)).is_none(), "{unit}");
        }
        let key = vec!["a"; 100_000].join(".");
        let members = "b=1,".repeat(100_000);
        let lines = members.replace(',', "\n");
        assert!(handed_on(&format!("{key}={{{members}}}\n[{key}]\n{lines}")).is_none());
    }
}
