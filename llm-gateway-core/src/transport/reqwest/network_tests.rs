//! Requests through proxies, and with certificates that variables name. The proxies are small fakes
//! on this machine; the hosts behind them do not exist.

use std::net::Ipv4Addr;
use std::path::Path;

use http::HeaderMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::transport::Phase;

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn transport(variables: &[(&str, &str)]) -> ReqwestTransport {
    let environment = variables.iter().fold(Environment::empty(), |all, it| all.with(it.0, it.1));
    ReqwestTransport::within(Network::of(&environment))
}

async fn send(transport: &ReqwestTransport, url: &str) -> Result<HttpResponse, TransportError> {
    let request = HttpRequest::post(url.to_owned(), HeaderMap::new(), "{}");
    let sent = transport.send(&request, None);
    tokio::time::timeout(Duration::from_secs(20), sent).await.expect("an end in time")
}

/// Reads until what came ends with `end`.
async fn read_to(stream: &mut TcpStream, end: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "{bytes:?}");
    }
    bytes
}

async fn read_exactly(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.unwrap();
    bytes
}

/// Sends a request to `url` through a proxy of this machine, whose variable holds `proxy` with its
/// address in place of `*`. Returns the result, and what `serve` says of the connection.
async fn through<F: Future<Output = String> + Send + 'static>(
    proxy: &str,
    url: &str,
    serve: impl FnOnce(TcpStream) -> F,
) -> (Result<HttpResponse, TransportError>, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let proxy = proxy.replace('*', &listener.local_addr().unwrap().to_string());
    let transport = transport(&[("ALL_PROXY", &proxy)]);
    let accepted = async { listener.accept().await.unwrap().0 };
    let sending = send(&transport, url);
    let served = async { tokio::spawn(serve(accepted.await)).await.unwrap() };
    tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(sending, served) })
        .await
        .expect("a proxy that is asked")
}

async fn plain(mut stream: TcpStream) -> String {
    let head = read_to(&mut stream, b"{}").await;
    stream.write_all(OK.as_bytes()).await.unwrap();
    String::from_utf8(head).unwrap()
}

#[tokio::test]
async fn plain_http_goes_through_a_proxy_of_http() {
    for proxy in ["http://user:se%40cret@*", "user:se%40cret@*", "user:se@cret@*"] {
        let (response, head) = through(proxy, "http://remote.example/v1", plain).await;
        assert_eq!(response.unwrap().status, 200);
        assert!(head.starts_with("POST http://remote.example/v1 HTTP/1.1\r\n"), "{head}");
        let head = head.to_lowercase();
        assert!(head.contains("proxy-authorization: basic dxnlcjpzzubjcmv0"), "{head}");
    }
}

#[tokio::test]
async fn https_goes_through_a_tunnel() {
    let tunnel = |mut stream: TcpStream| async move {
        let head = read_to(&mut stream, b"\r\n\r\n").await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        // A handshake of TLS begins.
        assert_eq!(stream.read_u8().await.unwrap(), 22);
        String::from_utf8(head).unwrap()
    };
    let (response, head) = through("http://*", "https://remote.example/v1", tunnel).await;
    assert!(head.starts_with("CONNECT remote.example:443 HTTP/1.1\r\n"), "{head}");
    let error = response.unwrap_err();
    assert_eq!(error.phase, Phase::Connect);
    assert!(error.message.starts_with("through the proxy of ALL_PROXY: "), "{error}");
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named() {
    const PASSWORD: &str = "its proxy wants a user name and a password other than ALL_PROXY has";
    const ANOTHER: &str = "through the proxy of ALL_PROXY: ";
    for (refusal, phase, told) in [
        ("407 Proxy Authentication Required", Phase::Setting, PASSWORD),
        ("407 No", Phase::Setting, PASSWORD),
        ("403 Forbidden", Phase::Connect, ANOTHER),
        ("502 Bad Gateway", Phase::Connect, ANOTHER),
    ] {
        let refuse = move |mut stream: TcpStream| async move {
            read_to(&mut stream, b"\r\n\r\n").await;
            let answer = format!("HTTP/1.1 {refusal}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::new()
        };
        let (response, _) = through("http://user:secret@*", "https://remote.example", refuse).await;
        let error = response.unwrap_err();
        assert!(error.phase == phase && error.message.starts_with(told), "{refusal}: {error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
    }
}

/// A proxy of plain http refuses by an answer, which is not the provider's.
#[tokio::test]
async fn a_proxy_of_plain_http_that_wants_a_password_is_named() {
    let refuse = |mut stream: TcpStream| async move {
        read_to(&mut stream, b"{}").await;
        let answer = "HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        String::new()
    };
    let (response, _) = through("http://user:secret@*", "http://remote.example", refuse).await;
    let error = response.unwrap_err();
    assert_eq!(error.phase, Phase::Setting);
    let told = "its proxy wants a user name and a password other than ALL_PROXY has";
    assert_eq!(error.message, told);
    // A server that sends the same without a proxy is answered as any other.
    let (response, _) =
        super::tests::exchange("HTTP/1.1 407 No\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(response.unwrap().status, 407);
    // So is one behind a proxy that has no answers of its own.
    let pass_on = |mut stream: TcpStream| async move {
        let host = greeted(&mut stream, None).await;
        refuse(stream).await;
        host
    };
    let (response, _) = through("socks5h://*", "http://remote.example", pass_on).await;
    assert_eq!(response.unwrap().status, 407);
}

/// Serves SOCKS 5, with a password where one is asked for, and says which host was asked for.
async fn socks5(mut stream: TcpStream, password: Option<&str>) -> String {
    let host = greeted(&mut stream, password).await;
    let head = plain(stream).await;
    assert!(head.starts_with("POST /v1 HTTP/1.1\r\n"), "{head}");
    host
}

/// Connects a client of SOCKS 5, and returns the host that it asked for.
async fn greeted(stream: &mut TcpStream, password: Option<&str>) -> String {
    let count = read_exactly(stream, 2).await[1];
    let methods = read_exactly(stream, count.into()).await;
    let method = if password.is_some() { 2 } else { 0 };
    assert!(methods.contains(&method), "{methods:?}");
    stream.write_all(&[5, method]).await.unwrap();
    if let Some(password) = password {
        let mut said = Vec::new();
        read_exactly(stream, 1).await;
        for _ in 0..2 {
            let length = stream.read_u8().await.unwrap();
            said.push(String::from_utf8(read_exactly(stream, length.into()).await).unwrap());
        }
        assert_eq!(said.join(":"), password);
        stream.write_all(&[1, 0]).await.unwrap();
    }
    let kind = read_exactly(stream, 4).await[3];
    let host = match kind {
        1 => Ipv4Addr::from(stream.read_u32().await.unwrap()).to_string(),
        3 => {
            let length = stream.read_u8().await.unwrap();
            String::from_utf8(read_exactly(stream, length.into()).await).unwrap()
        }
        other => panic!("an address of the kind {other}"),
    };
    let port = stream.read_u16().await.unwrap();
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await.unwrap();
    format!("{host}:{port}")
}

#[tokio::test]
async fn a_socks_proxy_is_used() {
    for (proxy, url, asked) in [
        ("socks5h://*", "http://remote.example/v1", "remote.example:80"),
        ("SOCKS5H://*/", "http://remote.example:8080/v1", "remote.example:8080"),
        ("socks5://*", "http://10.1.2.3/v1", "10.1.2.3:80"),
    ] {
        let serve = |stream| socks5(stream, None);
        let (response, host) = through(proxy, url, serve).await;
        assert_eq!(response.unwrap().status, 200, "{proxy}");
        assert_eq!(host, asked, "{proxy}");
    }
    let serve = |stream| socks5(stream, Some("user:se@cret"));
    let proxy = "socks5h://user:se%40cret@*";
    let (response, host) = through(proxy, "http://remote.example/v1", serve).await;
    assert_eq!((response.unwrap().status.as_u16(), host.as_str()), (200, "remote.example:80"));
}

#[tokio::test]
async fn a_socks4a_proxy_is_used() {
    let serve = |mut stream: TcpStream| async move {
        let head = read_exactly(&mut stream, 8).await;
        assert_eq!(head[..4], [4, 1, 0, 80]);
        read_to(&mut stream, b"\0").await;
        stream.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).await.unwrap();
        plain(stream).await
    };
    let (response, _) = through("socks4a://*", "http://remote.example/v1", serve).await;
    assert_eq!(response.unwrap().status, 200);
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_named() {
    for scheme in ["http", "socks5h", "socks4a"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = format!("{scheme}://{}", listener.local_addr().unwrap());
        drop(listener);
        let transport = transport(&[("https_proxy", &proxy)]);
        let error = send(&transport, "https://remote.example").await.unwrap_err();
        assert_eq!(error.phase, Phase::Connect, "{error}");
        assert!(error.message.starts_with("through the proxy of https_proxy: "), "{error}");
        let is_plain = error.message.ends_with("connection refused");
        assert!(is_plain || scheme.starts_with("socks"), "{scheme}: {error}");
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_no_reason_to_go_around_it() {
    for (proxy, why) in [
        ("socks6://user:secret@proxy:1", "a proxy of the kind `socks6` cannot be used"),
        ("${PROXY}", "it holds what somebody was to fill in"),
        ("http://user:secret@", "it names no host"),
    ] {
        let transport = transport(&[("HTTPS_PROXY", proxy)]);
        let error = send(&transport, "https://remote.example").await.unwrap_err();
        assert_eq!(error.phase, Phase::Setting);
        assert_eq!(error.message, format!("its proxy cannot be used: HTTPS_PROXY: {why}"));
        assert!(error.hint.is_some_and(|hint| hint.contains("socks5h://")));
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        // This machine, hosts that are exempt and other schemes are reached all the same.
        let (listener, served) = answering().await;
        assert!(send(&transport, &format!("http://{listener}/v1")).await.is_ok());
        served.await.unwrap();
    }
}

/// Starts a server on this machine that answers once, and returns its address.
async fn answering() -> (std::net::SocketAddr, tokio::task::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move { plain(listener.accept().await.unwrap().0).await });
    (address, served)
}

#[tokio::test]
async fn every_lane_builds_and_only_plain_loopback_goes_without_roots() {
    let transport = ReqwestTransport::within(Network::default());
    transport.client(Lane::Loopback).await.unwrap();
    assert!(!transport.roots.were_read());
    for lane in [Lane::Remote, Lane::LoopbackTls] {
        transport.client(lane).await.unwrap();
    }
    assert!(!transport.roots.get(&transport.network).await.unwrap().is_empty());
}

/// A certificate that is no root of anything, in PEM.
pub(super) fn pem() -> String {
    use base64::Engine as _;
    let root = webpki_root_certs::TLS_SERVER_ROOT_CERTS.first().unwrap();
    let lines = base64::engine::general_purpose::STANDARD.encode(root);
    let lines: Vec<_> = lines.as_bytes().chunks(64).map(String::from_utf8_lossy).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}

/// Returns what becomes of these variables of certificates: how many roots are trusted or why none
/// are, and what `check` says.
async fn roots_of(variables: &[(&str, &str)]) -> (Result<usize, String>, Vec<String>) {
    let transport = transport(variables);
    let roots = transport.roots.get(&transport.network).await;
    let roots = roots.map(|roots| roots.len()).map_err(|error| {
        assert_eq!(error.phase, Phase::Setting);
        error.message
    });
    let remarks = certificate_remarks(&transport.network);
    (roots, remarks.into_iter().map(|it| it.message).collect())
}

fn written(place: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = place.join(name);
    std::fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_certificate_file_that_cannot_be_read_is_named() {
    let place = tempfile::tempdir().unwrap();
    let directory = place.path().to_str().unwrap().to_owned();
    let none = place.path().join("none.pem").to_str().unwrap().to_owned();
    let key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
    let broken = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let below_file = format!("{}/ca.pem", written(place.path(), "file", "x"));
    for (value, why) in [
        ("~/company-ca.pem", "nothing fills in its `~`"),
        ("certs/none.pem", "it is no absolute path"),
        ("${SSL_CERT_FILE}", "it holds what somebody was to fill in"),
        ("\"/etc/ca.pem\"", "its value is still in quotes"),
        (&none, "there is no such file"),
        (&directory, "it is a directory"),
        (&below_file, "not a directory"),
        (&written(place.path(), "empty.pem", ""), "it is empty"),
        (&written(place.path(), "blank.pem", "\n \n"), "it is empty"),
        (&written(place.path(), "junk.pem", "junk"), "it holds no certificate in PEM"),
        (&written(place.path(), "ca.der", [0x30, 0x82, 0, 0xff]), "it holds no certificate in PEM"),
        (&written(place.path(), "key.pem", key), "it holds no certificate in PEM"),
        (&written(place.path(), "broken.pem", broken), "no certificate in it can be read"),
    ] {
        let (roots, told) = roots_of(&[("SSL_CERT_FILE", value)]).await;
        let error = roots.expect_err(value);
        assert!(error.contains("SSL_CERT_FILE: ") && error.contains(why), "{value}: {error}");
        let [told] = told.as_slice() else { panic!("{told:?}") };
        assert!(told.contains("SSL_CERT_FILE: ") && told.contains(why), "{value}: {told}");
        // No other certificates stand in for it, not even those of a directory.
        let good = tempfile::tempdir().unwrap();
        written(good.path(), "ca.pem", pem());
        let beside = [("SSL_CERT_FILE", value), ("SSL_CERT_DIR", good.path().to_str().unwrap())];
        assert_eq!(roots_of(&beside).await.0, Err(error));
    }
}

#[tokio::test]
async fn good_certificates_are_read_however_they_are_written() {
    let place = tempfile::tempdir().unwrap();
    let pem = pem();
    for (name, text) in [
        ("plain.pem", pem.clone()),
        ("mark.pem", format!("\u{feff}{pem}")),
        ("crlf.pem", pem.replace('\n', "\r\n")),
        ("comments.crt", format!("# the root\nIssuer: us\n{pem}# end\n")),
        ("no end.pem", pem.trim_end().to_owned()),
    ] {
        let file = written(place.path(), name, text);
        assert_eq!(roots_of(&[("SSL_CERT_FILE", &file)]).await, (Ok(1), vec![]), "{name}");
    }
    let directory = place.path().to_str().unwrap();
    let missing = place.path().join("none").to_str().unwrap().to_owned();
    let both = std::env::join_paths([directory, &missing]).unwrap().into_string().unwrap();
    assert!(roots_of(&[("SSL_CERT_DIR", directory)]).await.0.is_ok());
    // A directory that cannot be read is left out beside what can, and told.
    let file = written(place.path(), "ca.pem", &pem);
    for variables in
        [&[("SSL_CERT_FILE", &*file), ("SSL_CERT_DIR", &*missing)][..], &[("SSL_CERT_DIR", &both)]]
    {
        let (roots, told) = roots_of(variables).await;
        assert!(roots.is_ok());
        let left_out =
            format!("SSL_CERT_DIR: {missing}: there is no such directory, so it is left out");
        assert_eq!(told, [left_out]);
    }
    let empty = tempfile::tempdir().unwrap();
    for (value, why) in [
        (&*missing, "there is no such directory"),
        (&file, "it is no directory"),
        (empty.path().to_str().unwrap(), "it holds no certificate in PEM"),
        ("~/certs", "nothing fills in its `~`"),
    ] {
        let (roots, told) = roots_of(&[("SSL_CERT_DIR", value)]).await;
        let error = roots.expect_err(value);
        assert!(error.contains("SSL_CERT_DIR: ") && error.contains(why), "{error}");
        assert_eq!(told.len(), 1);
    }
    // An empty value counts as missing.
    for emptied in [&[("SSL_CERT_FILE", "")][..], &[("SSL_CERT_DIR", " ")]] {
        let (roots, told) = roots_of(emptied).await;
        assert!(roots.is_ok_and(|roots| roots > 10) && told.is_empty(), "{told:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_pipe_is_read_once_and_waited_for() {
    let place = tempfile::tempdir().unwrap();
    let pipe = place.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status().unwrap();
    assert!(made.success());
    let path = pipe.to_str().unwrap().to_owned();
    let writing = std::thread::spawn(move || std::fs::write(pipe, pem()).unwrap());
    let transport = transport(&[("SSL_CERT_FILE", &path)]);
    let lanes = [Lane::Remote, Lane::LoopbackTls].map(|lane| transport.client(lane));
    for built in futures_util::future::join_all(lanes).await {
        built.unwrap();
    }
    writing.join().unwrap();
    let told = certificate_remarks(&transport.network);
    let [told] = told.as_slice() else { panic!("{told:?}") };
    let why = format!("SSL_CERT_FILE: {path}: it is a pipe, and nobody wrote into it for 5 s");
    assert!(told.message.starts_with(&why), "{told:?}");
}
