use super::*;

fn environment(variables: &[(&str, &str)]) -> Environment {
    variables.iter().fold(Environment::empty(), |all, (name, value)| all.with(*name, *value))
}

fn network(variables: &[(&str, &str)]) -> Network {
    Network::of(&environment(variables))
}

/// Returns what decides over a request: the variable, and the proxy as it is shown.
fn way(network: &Network, url: &str) -> Option<(&'static str, Result<String, String>)> {
    let variable = network.proxy_of(&Url::parse(url).unwrap())?;
    Some((variable.name, variable.url.as_ref().map(shown).map_err(Clone::clone)))
}

#[test]
fn a_proxy_is_read_however_it_is_written() {
    for (text, url) in [
        ("http://proxy:3128", "http://proxy:3128"),
        ("http://proxy", "http://proxy:80"),
        ("http://proxy:80/", "http://proxy:80"),
        ("https://proxy", "https://proxy:443"),
        ("HTTP://Proxy.Example.COM:3128/", "http://proxy.example.com:3128"),
        ("proxy:3128", "http://proxy:3128"),
        ("proxy", "http://proxy:80"),
        ("10.0.0.1:8080", "http://10.0.0.1:8080"),
        ("[fd00::1]:8080", "http://[fd00::1]:8080"),
        ("http://[fd00::1]", "http://[fd00::1]:80"),
        ("user:secret@proxy:3128", "http://proxy:3128"),
        ("http://user:secret@proxy:3128/path", "http://proxy:3128"),
        ("http://user:se%40cret@proxy:3128", "http://proxy:3128"),
        ("http://user:s@cret@proxy:3128", "http://proxy:3128"),
        ("http://user:pa$Secret@proxy", "http://proxy:80"),
        ("http://user:changeme@proxy", "http://proxy:80"),
        ("http://:@proxy", "http://proxy:80"),
        ("http://@proxy", "http://proxy:80"),
        ("http://secret@proxy", "http://proxy:80"),
        ("socks5://127.0.0.1", "socks5://127.0.0.1:1080"),
        ("socks5h://127.0.0.1:9050", "socks5h://127.0.0.1:9050"),
        ("SOCKS5H://Tor:80", "socks5h://tor:80"),
        ("socks5h://user:se%3Acret@[::1]:9050/", "socks5h://[::1]:9050"),
        ("socks4://host:1", "socks4://host:1"),
        ("socks4a://host", "socks4a://host:1080"),
        ("socks5://bücher.example", "socks5://xn--bcher-kva.example:1080"),
        ("http://bücher.example:8", "http://xn--bcher-kva.example:8"),
        ("http://proxy.:3128", "http://proxy.:3128"),
        ("http://my_proxy:3128", "http://my_proxy:3128"),
        (" http://proxy:3128\n", "http://proxy:3128"),
        (&format!("socks5://{}@proxy:1", "%53".repeat(255)), "socks5://proxy:1"),
        (&format!("http://user:{}@proxy:1", "s".repeat(2000)), "http://proxy:1"),
    ] {
        let network = network(&[("HTTPS_PROXY", text)]);
        let way = way(&network, "https://api.openai.com/v1");
        assert_eq!(way, Some(("HTTPS_PROXY", Ok(url.to_owned()))), "{text}");
        assert_eq!(network.remarks(), [], "{text}");
    }
}

#[test]
fn a_proxy_that_cannot_be_used_is_named_and_never_shown() {
    for text in [
        "${PROXY}",
        "$PROXY",
        "%HTTPS_PROXY%",
        "{env:SECRET}",
        "<your proxy>",
        "\"http://proxy:3128\"",
        "'proxy'",
        "http://${SECRET_HOST}:3128",
        "http://$HOST:3128",
        "http://proxy:${SECRET}",
        "http://proxy:$PORT",
        "http://${SECRET}@proxy",
        "http://user:${SECRET}@proxy:3128",
        "http://%USER%:%SECRET%@proxy:3128",
        "http://<user>:<secret>@proxy",
        "http://user:100%secret@proxy",
        "http://user:secret%ff@proxy",
        "http://user:secret%2@proxy",
        "http://user:sec ret@proxy",
        "http://user:sec\u{7}ret@proxy",
        "http://user:sec/ret@proxy:3128",
        "http://user:12/secret@proxy:3128",
        "http://user:12#secret@proxy:3128",
        "http://user:12?secret@proxy:3128",
        "http://user:12\\secret@proxy:3128",
        "user:12/secret@proxy",
        "ftp://user:secret@proxy",
        "socks://127.0.0.1:1080",
        "socks6://secret:1080",
        "quic://proxy",
        "file:///etc/proxy",
        "socks4://secret@proxy:1080",
        "socks4a://user:secret@proxy:1080",
        &format!("socks5://user:{}@proxy", "%53".repeat(256)),
        &format!("socks5h://{}:secret@proxy", "s".repeat(256)),
        "secretsecretsecret://proxy",
        "user:secret://proxy",
        "http:/proxy:3128",
        "http:proxy:3128",
        "socks5:secret:1080",
        "http://",
        "http:///",
        "http://:3128",
        "http://user:secret@",
        "http://user:secret@:3128",
        "http://proxy:",
        "http://proxy:0",
        "http://proxy:65536",
        "http://proxy:secret",
        "http://proxy:31 28",
        "http://pro xy:3128",
        "http://a..b",
        "http://secret,other:3128",
        "http://proxy:3128,http://other:3128",
        "http://proxy:3128;secret",
        "PROXY proxy:3128; DIRECT",
        "DIRECT",
        "://proxy",
        "http://[::1",
        "http://[secret]:3128",
        "http://pro\u{fffd}xy",
        "http://*:3128",
        "off",
    ] {
        let network = network(&[("https_proxy", text)]);
        let way = way(&network, "https://api.openai.com/v1");
        if ["DIRECT", "off"].contains(&text) {
            // A word is a host, as in curl; it fails by name when it does not resolve.
            assert!(matches!(way, Some(("https_proxy", Ok(_)))), "{text}");
            continue;
        }
        let Some(("https_proxy", Err(why))) = way else { panic!("{text}: {way:?}") };
        let told = format!("{:?}", network.remarks());
        assert!(told.contains("https_proxy: "), "{text}: {told}");
        assert_eq!(network.remarks().len(), 1, "{text}: {told}");
        for shown in [why, told] {
            let secrets = ["secret", "sec", "SECRET", "12", "ret", "proxy.", "proxy:3128"];
            let is_told = secrets.iter().find(|secret| shown.contains(*secret));
            assert_eq!(is_told, None, "{text}: {shown}");
        }
    }
}

#[test]
fn the_passwords_of_proxies_are_known() {
    for (text, known) in [
        ("http://user:p%40ss-w0rd@proxy", &["p@ss-w0rd", "user:p@ss-w0rd"][..]),
        ("http://user:s3cr3t-t%6Fken@proxy", &["s3cr3t-token", "user:s3cr3t-token"]),
        ("socks5h://t0ken-of-me@proxy", &["t0ken-of-me"]),
        ("http://:t0ken-of-me@proxy", &["t0ken-of-me", ":t0ken-of-me"]),
        // Answers have these words without a proxy's doing.
        ("http://user:company@proxy", &["user:company"]),
        ("http://company@proxy", &[]),
        ("http://proxy:3128", &[]),
        ("http://user:${SECRET}@proxy", &[]),
    ] {
        let network = network(&[("http_proxy", text)]);
        let secrets: Vec<_> = network.secrets().iter().map(|it| it.expose().to_owned()).collect();
        assert_eq!(secrets, known, "{text}");
    }
}

#[test]
fn variables_are_read_as_curl_reads_them() {
    const HTTPS: &str = "https://api.openai.com/v1";
    const HTTP: &str = "http://lab.example.com/v1";
    let proxy = |name: &str| ["http://", name].concat().to_ascii_lowercase().replace('_', "-");
    let all = |names: &[&str]| {
        names.iter().fold(Environment::empty(), |all, name| all.with(*name, proxy(name)))
    };
    for (names, https, http) in [
        (&["HTTPS_PROXY"][..], Some("HTTPS_PROXY"), None),
        (&["https_proxy"], Some("https_proxy"), None),
        (&["HTTP_PROXY"], None, Some("HTTP_PROXY")),
        (&["http_proxy"], None, Some("http_proxy")),
        (&["ALL_PROXY"], Some("ALL_PROXY"), Some("ALL_PROXY")),
        (&["all_proxy", "HTTPS_PROXY"], Some("HTTPS_PROXY"), Some("all_proxy")),
        (&["all_proxy", "http_proxy"], Some("all_proxy"), Some("http_proxy")),
        (&["Https_Proxy", "PROXY", "SOCKS_PROXY"], None, None),
        (&["REQUEST_METHOD", "HTTP_PROXY"], None, None),
        (&["REQUEST_METHOD", "HTTP_PROXY", "all_proxy"], Some("all_proxy"), Some("all_proxy")),
        (&["REQUEST_METHOD", "http_proxy"], None, Some("http_proxy")),
        (&["REQUEST_METHOD", "HTTPS_PROXY"], Some("HTTPS_PROXY"), None),
    ] {
        let network = Network::of(&all(names));
        let name = |url| way(&network, url).map(|(name, _)| name);
        assert_eq!((name(HTTPS), name(HTTP)), (https, http), "{names:?}");
        let is_forged = names.contains(&"REQUEST_METHOD") && names.contains(&"HTTP_PROXY");
        assert_eq!(network.remarks().len(), usize::from(is_forged), "{names:?}");
    }
}

#[test]
fn the_variable_in_lower_case_wins_and_a_difference_is_told() {
    for (lower, upper) in [
        ("http_proxy", "HTTP_PROXY"),
        ("https_proxy", "HTTPS_PROXY"),
        ("all_proxy", "ALL_PROXY"),
        ("no_proxy", "NO_PROXY"),
    ] {
        let both = network(&[(lower, "one"), (upper, "two")]);
        let told: Vec<_> = both.remarks().iter().map(|it| it.message.clone()).collect();
        assert_eq!(told, [format!("{lower} and {upper} differ: {lower} counts")]);
        assert_eq!(network(&[(lower, "one"), (upper, "one")]).remarks(), []);
        // A value that is empty counts as missing.
        let upper_only = network(&[(lower, " "), (upper, "two")]);
        assert_eq!(upper_only.remarks(), []);
        let names: Vec<_> = [&upper_only.http, &upper_only.https]
            .into_iter()
            .flatten()
            .map(|it| it.name)
            .chain(upper_only.exempt.as_ref().map(|it| it.name))
            .collect();
        assert!(!names.is_empty() && names.iter().all(|name| *name == upper), "{names:?}");
    }
    assert_eq!(network(&[("https_proxy", ""), ("NO_PROXY", "  ")]), Network::default());
}

#[test]
fn what_leads_to_this_machine_goes_through_no_proxy() {
    for text in ["http://proxy", "${PROXY}", "socks6://x"] {
        let network = network(&[("all_proxy", text)]);
        for url in
            ["http://localhost:11434", "https://127.0.0.1", "http://[::1]:1", "http://127.9.9.9"]
        {
            assert_eq!(way(&network, url), None, "{url}");
        }
    }
}

#[test]
fn hosts_of_no_proxy_are_reached_without_one() {
    for (entries, covered, others) in [
        ("*", &["https://a.b", "http://10.0.0.1:8", "https://[fd00::1]"][..], &[][..]),
        (
            "example.com",
            &["https://example.com", "https://a.example.com"],
            &["https://notexample.com"],
        ),
        (
            ".example.com",
            &["https://a.example.com", "https://example.com"],
            &["https://b-example.com"],
        ),
        ("*.example.com", &["https://a.b.example.com"], &["https://example.org"]),
        ("EXAMPLE.com.", &["https://Example.COM", "https://example.com."], &["https://com"]),
        (
            "a.com, b.com ,c.com",
            &["https://a.com", "https://b.com", "https://c.com"],
            &["https://d.com"],
        ),
        ("a.com b.com\tc.com", &["https://b.com", "https://c.com"], &["https://d.com"]),
        ("a.com\nb.com\r\n c.com\n", &["https://a.com", "https://b.com"], &["https://d.com"]),
        (",,a.com,,", &["https://a.com"], &["https://b.com"]),
        ("example.com:8443", &["https://example.com:8443"], &["https://example.com"]),
        ("example.com:443", &["https://example.com"], &["http://example.com"]),
        (
            "10.0.0.0/8",
            &["https://10.1.2.3", "http://10.255.0.1:8080"],
            &["https://11.0.0.1", "https://10.example"],
        ),
        ("10.1.2.3", &["https://10.1.2.3:9"], &["https://10.1.2.4"]),
        ("10.1.2.3:9", &["https://10.1.2.3:9"], &["https://10.1.2.3"]),
        ("0.0.0.0/0", &["https://1.2.3.4"], &["https://example.com", "https://[fd00::1]"]),
        ("192.168.1.7/24", &["https://192.168.1.200"], &["https://192.168.2.7"]),
        ("fd00::/8", &["https://[fd12::1]"], &["https://[fe80::1]", "https://1.2.3.4"]),
        ("[fd00::1]:8443", &["https://[fd00::1]:8443"], &["https://[fd00::1]"]),
        ("fd00::1", &["https://[fd00::1]"], &["https://[fd00::2]"]),
        ("10.1", &["https://10.0.0.1"], &["https://10.1.0.1"]),
        ("1.2.3.0/24", &["https://[::ffff:1.2.3.4]"], &["https://[::ffff:1.2.4.4]"]),
        ("bücher.example", &["https://xn--bcher-kva.example"], &["https://bucher.example"]),
        ("'a.com'", &["https://a.com"], &["https://b.com"]),
    ] {
        let network = network(&[("ALL_PROXY", "http://proxy"), ("NO_PROXY", entries)]);
        assert_eq!(network.remarks(), [], "{entries}");
        for url in covered {
            assert_eq!(way(&network, url), None, "{entries}: {url}");
        }
        for url in others {
            assert!(way(&network, url).is_some(), "{entries}: {url}");
        }
    }
}

#[test]
fn an_entry_that_no_host_can_fit_is_told() {
    for text in [
        "${NO_PROXY}",
        "$NO_PROXY",
        "a.com,https://b.com/",
        "10.0.0.0/33",
        "fd00::/129",
        "a.com:port",
        "a.com/path",
        "a.*.com",
        "{hosts}",
        "a.com:99999",
        "a.com:0",
        "user@a.com",
        "a.com|b.com",
    ] {
        let network = network(&[("https_proxy", "proxy"), ("no_proxy", text)]);
        let told: Vec<_> = network.remarks().iter().map(|it| it.message.as_str()).collect();
        assert_eq!(told, ["no_proxy has an entry that no host can fit"], "{text}");
        assert!(way(&network, "https://api.openai.com").is_some(), "{text}");
    }
}

#[test]
fn what_is_exempt_does_not_ask_what_the_proxy_is() {
    let network = network(&[("https_proxy", "${PROXY}"), ("no_proxy", "openai.com")]);
    assert_eq!(way(&network, "https://api.openai.com"), None);
    assert!(matches!(way(&network, "https://api.anthropic.com"), Some((_, Err(_)))));
}

#[test]
fn certificates_are_named_by_absolute_paths() {
    let absolute = if cfg!(windows) { "C:\\ca.pem" } else { "/ca.pem" };
    for (text, told) in [
        (absolute, None),
        ("~/company-ca.pem", Some("nothing fills in its `~`")),
        ("~", Some("nothing fills in its `~`")),
        ("~me/ca.pem", Some("it is no absolute path")),
        ("certs/none.pem", Some("it is no absolute path")),
        ("./ca.pem", Some("it is no absolute path")),
        ("-----BEGIN CERTIFICATE-----", Some("it is no absolute path")),
        #[cfg(unix)]
        ("/dev/stdin", Some("it is this program's stdin")),
        #[cfg(unix)]
        ("/dev/fd/0", Some("it is this program's stdin")),
        ("${SSL_CERT_FILE}", Some("it holds what somebody was to fill in")),
        ("$HOME", Some("it holds what somebody was to fill in")),
        ("%CA%", Some("it holds what somebody was to fill in")),
        ("\"/ca.pem\"", Some("its value is still in quotes")),
    ] {
        for variable in ["SSL_CERT_FILE", "SSL_CERT_DIR"] {
            let network = network(&[(variable, text)]);
            let places: Vec<_> = network.certificates.all().collect();
            assert_eq!(places.len(), 1, "{text}");
            assert_eq!(places[0].variable, variable);
            assert_eq!(places[0].path.as_ref().err().copied(), told, "{text}");
        }
    }
    for emptied in [("SSL_CERT_FILE", " "), ("SSL_CERT_DIR", ""), ("SSL_CERT_DIR", ":")] {
        let network = network(&[emptied]);
        let places = &network.certificates;
        assert!(places.all().next().is_none(), "{emptied:?}");
    }
}
