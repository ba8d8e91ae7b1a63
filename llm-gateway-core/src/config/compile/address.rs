//! Checks how a base URL is written, before it is parsed.
//!
//! URL parsers are lenient: they skip slashes, percent-encode invisible characters, and accept
//! `${HOST}` as a host. This module refuses such an address, because nothing fills it in.

use crate::config::visible::named;
use crate::model::{StandIn, has_variable, host_fault, is_blank, unusable};

/// A fault of an address: what is wrong, and what would be right.
type AddressFault = (String, &'static str);

/// Returns the text of a base URL without the blanks around it.
///
/// # Errors
/// Fails with what is wrong and what would be right. Neither shows the URL, whose user-info may be
/// a secret.
pub(super) fn checked_text(text: &str) -> Result<&str, AddressFault> {
    let text = text.trim_matches(is_blank);
    if let Some(c) = text.chars().find(|c| is_blank(*c)) {
        return Err((format!("it holds {}", named(c)), "delete it"));
    }
    let example = "write the address itself, such as https://api.example.com/v1: no variable is \
                   filled in here";
    if unusable(text) == Some(StandIn::Quoted) {
        return Err(("it is still in quotes".to_owned(), StandIn::Quoted.advice()));
    }
    if has_variable(text) {
        return Err(("it holds the name of a variable in place of its value".to_owned(), example));
    }
    // What is no URL at all is told by the parser.
    let Some((_, behind)) = text.split_once(':') else { return Ok(text) };
    let Some(behind) = behind.strip_prefix("//") else {
        return Err(("it has no // behind its scheme".to_owned(), example));
    };
    let authority = behind.split(['/', '\\', '?', '#']).next().unwrap_or_default();
    let address = authority.rsplit('@').next().unwrap_or_default();
    host_fault(address).map_or(Ok(text), |why| Err((why.to_owned(), example)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_was_to_be_put_together_is_refused() {
        for text in [
            "https://${HOST}/v1",
            "https://${TENANT}.example.com/v1",
            "https://$HOST/v1",
            "https:///v1",
            "https:////v1",
            "https://$(HOST)/v1",
            "https://%HOST%/v1",
            "https://{host}/v1",
            "https://{{host}}/v1",
            "https://<host>/v1",
            "https://{env:HOST}",
            "https://host:${PORT}/v1",
            "https://host:$PORT/v1",
            "https://host:/v1",
            "https://:8080",
            "https://.example.com/v1",
            "https://a..example.com",
            "https://.",
            "https://-/v1",
            "https://api.-.example.com",
            "https://%24HOST/v1",
            "https://",
            "https:/host/v1",
            "https:host/v1",
            "https:\\\\host\\v1",
            "https://host/${VERSION}",
            "https://host/v1/<account>",
            "https://host/{account}/v1",
            "https://host/%ACCOUNT%/v1",
            "https://#{HOST}#/v1",
            "https://host,other/v1",
            "https://*/v1",
            "https://(host)/v1",
            "https://your host/v1",
            "https://host/v\u{a0}1",
            "https://ho\u{200b}st/v1",
            "https://host/v1\n/x",
            "https://user:pw@/v1",
            "https://\"host\"/v1",
            "https://'host'/v1",
        ] {
            let (why, hint) = checked_text(text).expect_err(text);
            assert!(!why.contains("host/") && !hint.contains("pw"), "{why} {hint}");
        }
    }

    #[test]
    fn an_address_that_is_still_in_quotes_is_refused_as_such() {
        for text in ["\"https://host/v1\"", "'https://host/v1'", "“https://host/v1”"] {
            let (why, hint) = checked_text(text).expect_err(text);
            assert_eq!(why, "it is still in quotes", "{text}");
            assert!(hint.starts_with("take the quotes off"), "{hint}");
        }
    }

    #[test]
    fn an_address_that_can_be_reached_is_taken() {
        for text in [
            "https://api.openai.com/v1",
            "http://127.0.0.1:11434/v1",
            "http://[::1]:1",
            "https://h",
            "https://my_host/v1",
            "https://host./v1",
            "https://bücher.example/v1",
            "https://host/a%20b/v1",
            "https://host/v1/",
            "https://gateway.ai.cloudflare.com/v1/account/gateway/openai",
            "https://host/a(b)/v1",
            "https://resource.openai.azure.com/openai/v1",
            "https://host/v1beta/models/x:y",
            "http://localhost",
            "https://h/~user/v1",
            "https://h/@org/v1",
            "https://xn--bcher-kva.ex",
        ] {
            assert_eq!(checked_text(text), Ok(text));
        }
        for blank in [" ", "\t", "\n", "\u{a0}", "\u{200b}", "\u{feff}", "\r\n"] {
            let text = format!("{blank}https://host/v1{blank}");
            assert_eq!(checked_text(&text), Ok("https://host/v1"), "{blank:?}");
        }
    }
}
