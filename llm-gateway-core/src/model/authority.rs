//! Checks the host and port of an address as a person wrote it.
//!
//! URL parsers are lenient, so this module finds variables that nobody filled in, and hosts that
//! are incomplete, before an address is parsed.

/// Returns whether a part of an address is a variable or the words of an example. No URL may hold
/// brackets of these kinds, or a `%` without two digits.
pub(crate) fn has_variable(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let lonely = |at: usize| !digit(at + 1) || !digit(at + 2);
    let starts_name =
        |at: usize| bytes.get(at + 1).is_some_and(|c| c.is_ascii_alphabetic() || *c == b'_');
    bytes.iter().enumerate().any(|(at, byte)| match byte {
        b'{' | b'}' | b'<' | b'>' | b'`' | b'"' => true,
        b'%' => lonely(at),
        b'$' => starts_name(at) || bytes.get(at + 1) == Some(&b'('),
        _ => false,
    })
}

/// Returns what is wrong with a host and its port; `None` if nothing is.
pub(crate) fn host_fault(address: &str) -> Option<&'static str> {
    let (host, port) = match address.rsplit_once(']') {
        // An address of IPv6 stands in brackets, and has colons of its own.
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None => match address.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (address, None),
        },
    };
    if host.is_empty() {
        return Some("it names no host");
    }
    if port == Some("") {
        return Some("it has a colon for a port, and no port");
    }
    if host.starts_with('[') {
        return None;
    }
    let labels = host.strip_suffix('.').unwrap_or(host);
    if labels.split('.').any(str::is_empty) {
        return Some("a part of its host is empty");
    }
    let is_of_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_') || !c.is_ascii();
    if !host.chars().all(is_of_host) {
        return Some("its host holds a sign that no host has");
    }
    // A mark alone is what a variable left that was empty.
    let is_mark = |label: &str| label.chars().all(|c| matches!(c, '-' | '_'));
    labels.split('.').any(is_mark).then_some("a part of its host is a mark alone")
}
