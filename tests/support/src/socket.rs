//! A server on a bare socket that breaks the rules of HTTP.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::in_time;

/// The pause of a dripping server, which is well below any idle time limit.
const DRIP: Duration = Duration::from_millis(20);

/// The behaviour of a connection after its request has arrived.
#[derive(Clone)]
enum Manners {
    /// The connection gets nothing, until [`FakeSocket::release`] sends a response.
    Hang(watch::Receiver<Option<Vec<u8>>>),
    /// The connection gets these bytes, then its end.
    Send(Vec<u8>),
    /// The connection gets these bytes, then silence.
    Stall(Vec<u8>),
    /// The connection gets the head of a stream, then these bytes again and again.
    Drip(&'static str),
    /// The connection is reset.
    Reset,
}

/// A listener that reads each request and then misbehaves in one way.
pub struct FakeSocket {
    address: String,
    asked: watch::Receiver<usize>,
    left: watch::Receiver<usize>,
    release: watch::Sender<Option<Vec<u8>>>,
}

impl FakeSocket {
    /// Creates a server that accepts requests and never answers, until [`release`](Self::release)
    /// is called.
    pub async fn hanging() -> Self {
        Self::start(None).await
    }

    /// Creates a server that resets the connection after the request.
    pub async fn resetting() -> Self {
        Self::start(Some(Manners::Reset)).await
    }

    /// Creates a server that promises a body, sends the first half of it and closes the connection.
    pub async fn breaking_off(body: &str) -> Self {
        Self::start(Some(Manners::Send(half("application/json", body)))).await
    }

    /// Creates a server that sends the first half of a stream and closes the connection.
    pub async fn streaming_half(body: &str) -> Self {
        Self::start(Some(Manners::Send(half("text/event-stream", body)))).await
    }

    /// Creates a server that sends the first half of a stream and then nothing.
    pub async fn stalling(body: &str) -> Self {
        Self::start(Some(Manners::Stall(half("text/event-stream", body)))).await
    }

    /// Creates a server that sends exactly these bytes and then nothing.
    pub async fn sending(response: impl Into<Vec<u8>>) -> Self {
        Self::start(Some(Manners::Stall(response.into()))).await
    }

    /// Creates a server that begins a stream and sends `drop` again and again, with pauses.
    pub async fn dripping(drop: &'static str) -> Self {
        Self::start(Some(Manners::Drip(drop))).await
    }

    /// Creates a server that redirects to another URL.
    pub async fn redirecting(location: &str) -> Self {
        let response = format!(
            "HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        Self::start(Some(Manners::Send(response.into_bytes()))).await
    }

    /// Creates a server that answers 200 with a body of `bytes` bytes.
    pub async fn flooding(bytes: usize) -> Self {
        let mut response = response_head("application/json", bytes);
        response.resize(response.len() + bytes, b'x');
        Self::start(Some(Manners::Send(response))).await
    }

    /// Returns the scheme, host and port, without the path of a base URL.
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the base URL of the `openai` format.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.address())
    }

    /// Waits until `count` requests have arrived.
    ///
    /// # Panics
    /// Panics if they do not arrive.
    pub async fn asked(&self, count: usize) {
        let mut asked = self.asked.clone();
        in_time("requests at the socket", asked.wait_for(|asked| *asked >= count)).await.unwrap();
    }

    /// Returns how many requests have arrived so far.
    pub fn asked_so_far(&self) -> usize {
        *self.asked.borrow()
    }

    /// Returns how many clients have closed their connection before its end so far.
    pub fn left_so_far(&self) -> usize {
        *self.left.borrow()
    }

    /// Waits until `count` clients have closed their connection before its end.
    ///
    /// # Panics
    /// Panics if they do not.
    pub async fn left(&self, count: usize) {
        let mut left = self.left.clone();
        in_time("the client to hang up", left.wait_for(|left| *left >= count)).await.unwrap();
    }

    /// Answers 200 with `body` on every connection that is held open.
    pub fn release(&self, body: &str) {
        let mut response = response_head("application/json", body.len());
        response.extend_from_slice(body.as_bytes());
        self.release.send_replace(Some(response));
    }

    async fn start(manners: Option<Manners>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (release, released) = watch::channel(None);
        let manners = manners.unwrap_or(Manners::Hang(released));
        let (count_asked, asked) = watch::channel(0);
        let (count_left, left) = watch::channel(0);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (asked, left) = (count_asked.clone(), count_left.clone());
                tokio::spawn(serve(stream, manners.clone(), asked, left));
            }
        });
        Self { address, asked, left, release }
    }
}

async fn serve(
    mut stream: TcpStream,
    manners: Manners,
    asked: watch::Sender<usize>,
    left: watch::Sender<usize>,
) {
    if !read_request(&mut stream).await {
        return;
    }
    asked.send_modify(|count| *count += 1);
    match manners {
        Manners::Send(bytes) => {
            // The client may close the connection midway, as it should during a flood.
            let _ = stream.write_all(&bytes).await;
            let _ = stream.shutdown().await;
        }
        Manners::Stall(bytes) => {
            let _ = stream.write_all(&bytes).await;
            while stream.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
            left.send_modify(|count| *count += 1);
        }
        Manners::Drip(drop) => {
            let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
            let mut sent = stream.write_all(head.as_bytes()).await;
            while sent.is_ok() {
                tokio::time::sleep(DRIP).await;
                sent = stream.write_all(drop.as_bytes()).await;
            }
            left.send_modify(|count| *count += 1);
        }
        Manners::Reset => stream.set_zero_linger().unwrap(),
        Manners::Hang(mut released) => {
            let mut more = [0; 1];
            tokio::select! {
                _ = stream.read(&mut more) => return left.send_modify(|count| *count += 1),
                released = released.changed() => {
                    if released.is_err() {
                        return;
                    }
                }
            }
            let response = released.borrow().clone().unwrap_or_default();
            let _ = stream.write_all(&response).await;
            let _ = stream.shutdown().await;
        }
    }
}

/// Reads one request with its body. Returns false if the client leaves before its end.
async fn read_request(stream: &mut TcpStream) -> bool {
    let (mut request, mut chunk) = (Vec::new(), vec![0; 65_536]);
    loop {
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return false,
            Ok(read) => request.extend_from_slice(&chunk[..read]),
        }
        let Some(head) = request.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&request[..head]).to_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"));
        let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
        if request.len() >= head + 4 + length {
            return true;
        }
    }
}

/// Returns a head and half of the body that it promises.
fn half(content_type: &str, body: &str) -> Vec<u8> {
    let mut response = response_head(content_type, body.len());
    response.extend_from_slice(&body.as_bytes()[..body.len() / 2]);
    response
}

fn response_head(content_type: &str, length: usize) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    )
    .into_bytes()
}
