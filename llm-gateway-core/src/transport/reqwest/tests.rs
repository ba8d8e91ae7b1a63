use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::future::join_all;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Barrier, oneshot};

use super::*;
use crate::credential::Secret;
use crate::transport::Phase;

const KEY: &str = "sk-canary-0123456789";
const BODY: &str = r#"{"prompt":"grüße"}"#;
const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-kind: fake\r\n\r\nhello";

async fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn request(url: String) -> HttpRequest {
    let headers = HeaderMap::from_iter([(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )]);
    HttpRequest::post(url, headers, BODY)
}

fn post_to(address: SocketAddr) -> HttpRequest {
    request(format!("http://{address}/v1/messages"))
}

fn credential(key: &str) -> Credential {
    Credential {
        header: header::AUTHORIZATION,
        prefix: "Bearer ",
        secret: Secret::new(key.to_owned()),
    }
}

/// Reads one request, head and body, as the bytes that arrived; `None` at the end.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(BODY.as_bytes()) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    String::from_utf8(bytes).ok()
}

/// Sends one request to a server that answers `answer` and hangs up.
pub(super) async fn exchange(
    answer: &'static str,
) -> (Result<HttpResponse, TransportError>, String) {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let seen = read_request(&mut stream).await.unwrap();
        stream.write_all(answer.as_bytes()).await.unwrap();
        seen
    });
    let transport = ReqwestTransport::new();
    let response = transport.send(&post_to(address), Some(&credential(KEY))).await;
    (response, server.await.unwrap())
}

async fn failure(request: &HttpRequest) -> TransportError {
    let sent = ReqwestTransport::new().send(request, Some(&credential(KEY))).await;
    let error = sent.expect_err("the request should fail");
    for secret in [KEY, &request.url, "127.0.0.1", "v1/messages"] {
        assert!(!format!("{error} {error:?}").contains(secret), "{secret} is in {error:?}");
    }
    error
}

async fn collect(body: super::super::Body) -> Result<Vec<u8>, TransportError> {
    body.into_stream().map_ok(|chunk: Bytes| chunk.to_vec()).try_concat().await
}

#[tokio::test]
async fn the_bytes_arrive_as_given_and_nothing_surprising_with_them() {
    let (response, seen) = exchange(OK).await;
    let response = response.unwrap();
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.headers["x-kind"], "fake");
    assert_eq!(collect(response.body).await.unwrap(), b"hello");

    let (head, body) = seen.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, BODY);
    let mut lines = head.lines();
    assert_eq!(lines.next(), Some("POST /v1/messages HTTP/1.1"));
    let mut headers: Vec<_> = lines.map(|line| line.split_once(": ").unwrap()).collect();
    headers.sort_unstable();
    let host = headers.iter().position(|(name, _)| *name == "host").unwrap();
    headers.remove(host);
    let length = BODY.len().to_string();
    assert_eq!(
        headers,
        [
            ("accept", "*/*"),
            ("authorization", "Bearer sk-canary-0123456789"),
            ("content-length", &*length),
            ("content-type", "application/json"),
            ("user-agent", USER_AGENT),
        ]
    );
}

#[tokio::test]
async fn a_redirect_is_handed_back() {
    let (response, _) = exchange(
        "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    assert_eq!(response.unwrap().status, StatusCode::FOUND);
}

#[tokio::test]
async fn compressed_bytes_stay_as_they_came() {
    let (response, _) =
        exchange("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nplain")
            .await;
    assert_eq!(collect(response.unwrap().body).await.unwrap(), b"plain");
}

#[tokio::test]
async fn a_refused_port_is_a_failed_connect() {
    let (listener, address) = listen().await;
    drop(listener);
    let error = failure(&post_to(address)).await;
    assert_eq!(error.phase, Phase::Connect);
    assert_eq!(error.message, "connection refused");
}

#[tokio::test]
async fn a_host_that_speaks_no_tls_is_a_failed_connect() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
    });
    let error = failure(&request(format!("https://{address}/v1/messages"))).await;
    server.await.unwrap();
    assert_eq!(error.phase, Phase::Connect);
    assert!(error.message.starts_with("TLS failed: "), "{error}");
}

#[tokio::test]
async fn a_reset_before_the_head_is_a_failed_send() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // Closing a socket with bytes unread resets the connection.
        stream.read_u8().await.unwrap();
    });
    let error = failure(&post_to(address)).await;
    server.await.unwrap();
    assert_eq!(error.phase, Phase::Send);
    assert!(error.message.contains("reset"), "{error}");
}

#[tokio::test]
async fn a_close_before_the_head_is_a_failed_send() {
    let (response, _) = exchange("").await;
    assert_eq!(response.err().map(|error| error.phase), Some(Phase::Send));
}

#[tokio::test]
async fn a_body_cut_in_half_fails_in_the_stream() {
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        let mut body = exchange(answer).await.0.unwrap().body;
        assert_eq!(body.next().await.unwrap().unwrap(), "hello");
        let error = body.next().await.unwrap().unwrap_err();
        assert_eq!(error.phase, Phase::Body);
        assert!(!error.message.is_empty());
        assert!(body.next().await.is_none());
    }
}

#[tokio::test]
async fn a_key_that_no_header_can_carry_is_not_shown() {
    let key = "sk-with\nnewline";
    let sent = ReqwestTransport::new()
        .send(&request("http://localhost:1/".to_owned()), Some(&credential(key)))
        .await;
    let error = sent.err().unwrap();
    assert_eq!(error.phase, Phase::Connect);
    assert!(!error.message.contains("sk-"), "{error}");
}

#[tokio::test]
async fn a_malformed_url_is_not_shown() {
    for url in ["http://", "not a url", "file:///v1/messages"] {
        assert_eq!(failure(&request(url.to_owned())).await.phase, Phase::Connect, "{url}");
    }
}

#[test]
fn the_credential_is_marked_sensitive() {
    let value = credential(KEY).header_value().unwrap();
    assert_eq!(format!("{value:?}"), "Sensitive");
}

#[test]
fn only_loopback_hosts_go_without_a_proxy() {
    for (host, loopback) in [
        ("localhost", true),
        ("LOCALHOST", true),
        ("127.0.0.1", true),
        ("127.9.9.9", true),
        ("[::1]", true),
        ("localhost.evil.com", false),
        ("128.0.0.1", false),
        ("example.com", false),
        ("0.0.0.0", false),
        ("[::]", false),
        ("127.0.0.1.evil.com", false),
        ("127.0.0.1@evil.com", false),
    ] {
        let lane = |scheme| Lane::to(&Url::parse(&format!("{scheme}://{host}:8080/v1")).unwrap());
        let expected = if loopback {
            [Lane::Loopback, Lane::LoopbackTls]
        } else {
            [Lane::Remote, Lane::Remote]
        };
        assert_eq!([lane("http"), lane("https")], expected, "{host}");
    }
}

/// Runs a server that reads one request, sends `head`, and reports when the client hung up.
async fn watch_for_hangup(
    head: &'static str,
) -> (SocketAddr, oneshot::Receiver<()>, tokio::task::JoinHandle<()>) {
    let (listener, address) = listen().await;
    let (asked, request_seen) = oneshot::channel();
    let hung_up = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let _ = asked.send(());
        // The end, or a reset where bytes of ours lay unread.
        assert!(matches!(stream.read(&mut [0; 64]).await, Ok(0) | Err(_)));
    });
    (address, request_seen, hung_up)
}

#[tokio::test]
async fn dropping_the_body_closes_the_connection() {
    let (address, _, hung_up) =
        watch_for_hangup("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n")
            .await;
    let transport = ReqwestTransport::new();
    let mut response = transport.send(&post_to(address), None).await.unwrap();
    assert_eq!(response.body.next().await.unwrap().unwrap(), "hello");
    drop(response);
    hung_up.await.unwrap();
}

#[tokio::test]
async fn dropping_the_future_closes_the_connection() {
    let (address, request_seen, hung_up) = watch_for_hangup("").await;
    let (transport, request) = (ReqwestTransport::new(), post_to(address));
    tokio::select! {
        _ = transport.send(&request, None) => panic!("nobody answered"),
        seen = request_seen => seen.unwrap(),
    }
    hung_up.await.unwrap();
}

#[tokio::test]
async fn a_second_round_of_requests_finds_its_connections_again() {
    const AT_ONCE: usize = 64;
    let (listener, address) = listen().await;
    let accepted = Arc::new(AtomicUsize::new(0));
    // Nobody is answered before everybody has asked, so that each needs a connection.
    let everybody = Arc::new(Barrier::new(AT_ONCE));
    tokio::spawn({
        let accepted = accepted.clone();
        async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                accepted.fetch_add(1, Ordering::SeqCst);
                let everybody = everybody.clone();
                tokio::spawn(async move {
                    while read_request(&mut stream).await.is_some() {
                        everybody.wait().await;
                        stream.write_all(OK.as_bytes()).await.unwrap();
                    }
                });
            }
        }
    });

    let transport = ReqwestTransport::new();
    let request = post_to(address);
    for round in 1..=2 {
        join_all((0..AT_ONCE).map(async |_| {
            let response = transport.send(&request, None).await.unwrap();
            assert_eq!(collect(response.body).await.unwrap(), b"hello");
        }))
        .await;
        assert_eq!(accepted.load(Ordering::SeqCst), AT_ONCE, "round {round}");
        // Each connection's own task puts it back once its body was read.
        for _ in 0..AT_ONCE {
            tokio::task::yield_now().await;
        }
    }
}

/// Sends one request over HTTP/2 to a server that answers these frames, and returns its failure.
async fn failure_over_http2(frames: &'static [u8]) -> TransportError {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut seen = Vec::new();
        while !seen.ends_with(BODY.as_bytes()) {
            assert_ne!(stream.read_buf(&mut seen).await.unwrap(), 0);
        }
        stream.write_all(frames).await.unwrap();
        let _ = stream.read(&mut [0; 64]).await;
    });
    let transport = ReqwestTransport::new();
    let client = builder(Lane::Loopback, Arc::new(RootCertStore::empty()), &transport.network)
        .unwrap()
        .http2_prior_knowledge()
        .build()
        .unwrap();
    let runtime = tokio::runtime::Handle::current().id();
    transport.clients.keep(runtime, Lane::Loopback, client);
    let error = transport.send(&post_to(address), None).await.err().unwrap();
    server.abort();
    error
}

/// An empty SETTINGS frame, with which a server begins.
const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];

#[tokio::test]
async fn what_a_server_sends_back_unread_costs_nothing() {
    // GOAWAY: no stream was looked at, without an error and for ENHANCE_YOUR_CALM.
    const GOAWAY: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const CALM: &[u8] = &[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 11];
    const REFUSED_STREAM: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 7];
    const INTERNAL_ERROR: &[u8] = &[0, 0, 4, 3, 0, 0, 0, 0, 1, 0, 0, 0, 2];
    for (frame, phase) in [
        (GOAWAY, Phase::Refused),
        (CALM, Phase::Refused),
        (REFUSED_STREAM, Phase::Refused),
        (INTERNAL_ERROR, Phase::Send),
    ] {
        let error = failure_over_http2([&SETTINGS, frame].concat().leak()).await;
        assert_eq!(error.phase, phase, "{error}");
    }
}

#[tokio::test]
async fn the_mark_is_set_when_a_request_leaves_and_not_before() {
    let (listener, address) = listen().await;
    let (transport, request) = (ReqwestTransport::new(), post_to(address));
    let tls = HttpRequest { url: request.url.replace("http:", "https:"), ..request.clone() };
    let mark = SentMark::new();
    {
        let mut sent = transport.send_marked(&tls, None, &mark);
        // The handshake of TLS has begun, and nobody answers it.
        let (mut stream, _) = tokio::select! {
            _ = &mut sent => panic!("nobody answered"),
            accepted = listener.accept() => accepted.unwrap(),
        };
        tokio::select! {
            _ = &mut sent => panic!("nobody answered"),
            read = stream.read_u8() => assert_eq!(read.unwrap(), 22, "a handshake"),
        }
        assert!(!mark.is_set());
    }
    let mut sent = transport.send_marked(&request, None, &mark);
    let asked = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_request(&mut stream).await.unwrap();
    };
    tokio::select! {
        _ = &mut sent => panic!("nobody answered"),
        () = asked => assert!(mark.is_set()),
    }
}
