//! Tests of what no public function asks for yet: the text of an answer while it arrives, and the
//! place of a cache.

mod cache;
mod partial;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::environment::Environment;
use crate::event::Event;
use crate::model::Completion;
use crate::outcome::Reply;
use crate::provider::{Call, Prepared, Provider, SendContext};
use crate::stop::Stop;
use crate::stream::{self, Content, Delta};
use crate::transport::{Recorder, Scripted};

const POLICY: &str = "
providers:
  house: {models: {m: {in: 1, out: 10}}}
  openai: {models: {gpt-6-luna: {in: 1, out: 10}}}
defaults:
  one: {provider: house, model: m, max_tokens: 100}
  net: {provider: openai, model: gpt-6-luna, max_tokens: 100}
  three:
    members:
      - {provider: house, model: m}
      - {provider: openai, model: gpt-6-luna}
fallback: {one: [{provider: openai, model: gpt-6-luna}]}
reliability: {deadline_s: 60, retry: {max_retries: 1, base_delay_s: 0.1}}
";

/// What the provider of these tests does in one attempt: pieces that it passes on, and its result.
type Turn = (Vec<&'static str>, Result<&'static str, Category>);

/// A provider that streams what the test tells it to.
struct House {
    turns: Vec<Turn>,
    asked: AtomicUsize,
}

impl House {
    fn new(turns: impl IntoIterator<Item = Turn>) -> Arc<Self> {
        Arc::new(Self { turns: turns.into_iter().collect(), asked: AtomicUsize::new(0) })
    }
}

#[async_trait]
impl Provider for House {
    fn prepare(&self, call: Call) -> Result<Prepared, Error> {
        Ok(Prepared::unrecorded(call))
    }

    async fn send(&self, prepared: &Prepared, recorder: &Recorder) -> Result<Completion, Error> {
        self.send_with(prepared, &SendContext::new(recorder)).await
    }

    async fn send_with(
        &self,
        _: &Prepared,
        context: &SendContext<'_>,
    ) -> Result<Completion, Error> {
        let (pieces, result) = &self.turns[self.asked.fetch_add(1, Ordering::SeqCst)];
        assert_eq!(context.chars(), 0, "each attempt begins anew");
        for piece in pieces {
            context.heard(piece).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        let error = |category: &Category| Error::new(*category, "no");
        result.as_ref().map(|text| Completion::text(*text)).map_err(error)
    }
}

fn gateway(house: &Arc<House>, script: &Scripted) -> Gateway {
    let builder = Gateway::builder().policy_yaml(POLICY).environment(Environment::empty()).seed(7);
    builder.scripted(script.clone()).provider("house", house.clone()).build().unwrap()
}

async fn pieces(mut content: Content) -> Vec<String> {
    let mut pieces = Vec::new();
    while let Some(Delta::Text { text }) = content.next().await {
        pieces.push(text);
    }
    pieces
}

/// Returns a megabyte of text.
fn leaked(text: &str) -> &'static str {
    String::leak(text.repeat(1_000_000))
}

/// Asks a class, and returns the reply and the pieces that were heard.
async fn asked(gateway: &Gateway, class: &str) -> (Result<Reply, Failure>, Vec<String>) {
    let (sink, content) = stream::channel();
    let request = Request::new(class, "hi");
    let run = run::start_heard(&gateway.state, request, AcceptedReply::Anything, Some(sink));
    tokio::join!(run.outcome, pieces(content))
}

#[tokio::test(start_paused = true)]
async fn every_piece_is_heard_and_their_sum_is_the_answer() {
    for (said, whole) in [
        (vec!["Gr", "üße, ", "", "Welt"], "Grüße, Welt"),
        (vec!["Grüße"], "Grüße, Welt"),
        (vec![], "Grüße, Welt"),
    ] {
        let house = House::new([(said.clone(), Ok(whole))]);
        let (reply, heard) = asked(&gateway(&house, &Scripted::new()), "one").await;
        assert_eq!(reply.unwrap().text(), whole);
        assert_eq!(heard.concat(), whole);
        let said: Vec<_> = said.into_iter().filter(|piece| !piece.is_empty()).collect();
        assert_eq!(heard[..said.len()], said, "piece by piece");
    }
}

#[tokio::test(start_paused = true)]
async fn a_scripted_stream_is_heard_as_it_is_answered() {
    let text = "The capital of France is Paris, as everybody knows. ".repeat(40);
    let (house, script) = (House::new([]), Scripted::new().answer(text.clone()));
    let (reply, heard) = asked(&gateway(&house, &script), "net").await;
    assert_eq!((reply.unwrap().text(), heard.concat()), (text.clone(), text));
    assert!(heard.len() > 100, "{}", heard.len());
}

#[tokio::test(start_paused = true)]
async fn before_the_first_piece_retries_and_fallbacks_are_not_heard() {
    let fails = || (vec![], Err(Category::Overloaded));
    for (turns, script) in [
        (vec![fails(), (vec!["Par"], Ok("Paris"))], Scripted::new()),
        (vec![fails(), fails()], Scripted::new().answer("Paris")),
    ] {
        let house = House::new(turns);
        let (reply, heard) = asked(&gateway(&house, &script), "one").await;
        assert_eq!((reply.unwrap().text().as_str(), heard.concat().as_str()), ("Paris", "Paris"));
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_first_piece_no_other_answer_begins() {
    let house = House::new([(vec!["Par"], Err(Category::Overloaded))]);
    let script = Scripted::new().answer("Lyon");
    let gateway = gateway(&house, &script);
    let (reply, heard) = asked(&gateway, "one").await;
    let failure = reply.unwrap_err();
    assert_eq!((failure.category(), failure.attempts().len()), (Category::Overloaded, 1));
    assert_eq!(heard, ["Par"]);
    assert_eq!((house.asked.load(Ordering::SeqCst), script.requests().len()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn without_a_listener_a_failed_stream_is_tried_again() {
    let turns = [(vec!["Par"], Err(Category::Overloaded)), (vec!["Pa", "ris"], Ok("Paris"))];
    let house = House::new(turns);
    let answer = gateway(&house, &Scripted::new()).route(Request::new("one", "hi")).await.unwrap();
    assert_eq!((answer.text().as_str(), answer.attempts.len()), ("Paris", 2));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_or_leaves_keeps_no_answer_from_its_caller() {
    let many = vec!["word "; 100];
    let whole: &'static str = String::leak(many.concat());
    // It leaves.
    let house = House::new([(many.clone(), Ok(whole))]);
    let (sink, content) = stream::channel();
    drop(content);
    let request = Request::new("one", "hi");
    let gateway_of = |house| gateway(house, &Scripted::new());
    let state = gateway_of(&house).state;
    let run = run::start_heard(&state, request.clone(), AcceptedReply::Answer, Some(sink));
    // Each piece takes two seconds, so the deadline of a minute ends it.
    assert_eq!(run.outcome.await.unwrap_err().category(), Category::Timeout);

    // It stops reading, and its answer comes in one piece.
    let house = House::new([(vec![], Ok(leaked("x")))]);
    let (sink, content) = stream::channel();
    let state = gateway_of(&house).state;
    let run = run::start_heard(&state, request.clone(), AcceptedReply::Answer, Some(sink));
    let reply = run.outcome.await.unwrap();
    assert_eq!(reply.text().len(), 1_000_000);
    assert_eq!(pieces(content).await.concat().len(), 64 * 4 * 1024, "what is unread is bounded");

    // It stops reading in the middle, and its caller stops the request.
    let house = House::new([(vec![leaked("x")], Ok("x"))]);
    let (sink, _content) = stream::channel();
    let stop = Stop::new();
    let state = gateway_of(&house).state;
    let request = request.stopped_by(&stop);
    let run = run::start_heard(&state, request, AcceptedReply::Answer, Some(sink));
    let stopping = async {
        tokio::task::yield_now().await;
        stop.stop();
    };
    let (outcome, ()) = tokio::join!(run.outcome, stopping);
    assert_eq!(outcome.unwrap_err().category(), Category::Cancelled);
    let breakers = gateway_of(&house).describe().unwrap().circuit_breakers;
    assert!(breakers.values().all(|breaker| breaker.consecutive_failures == 0));
}

#[tokio::test(start_paused = true)]
async fn members_of_a_panel_are_not_heard() {
    let house = House::new([(vec!["Par", "is"], Ok("Paris"))]);
    let (reply, heard) = asked(&gateway(&house, &Scripted::new().answer("Paris")), "three").await;
    assert_eq!(reply.unwrap().into_panel().unwrap().answers().count(), 2);
    assert_eq!(heard, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_length_so_far_is_told_in_characters() {
    let house = House::new([(vec!["Grüße"; 5], Ok("GrüßeGrüßeGrüßeGrüßeGrüße"))]);
    let gateway = gateway(&house, &Scripted::new());
    let Run { mut events, outcome, .. } = gateway.start(Request::new("one", "hi"));
    outcome.await.unwrap();
    let mut told = Vec::new();
    while let Some(event) = events.next().await {
        if let Event::Writing { characters, .. } = event {
            told.push(characters);
        }
    }
    assert_eq!(told, [10, 15, 20, 25]);
}
