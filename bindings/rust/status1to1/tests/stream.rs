//! Events as a stream, without any executor's help.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, next_text, send, two};
use futures_core::Stream;
use futures_executor::block_on;
use futures_util::{FutureExt, StreamExt, future};
use status1to1::{Client, EventData, EventStream};

/// The text of the next message of a stream.
async fn text_of(events: &mut EventStream) -> Option<String> {
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        event.ack().unwrap();
        if let EventData::MessageReceived(received) = event.data {
            return Some(received.message.text);
        }
    }
    None
}

#[test]
fn messages_wake_the_task() {
    let (alice, bob, key) = two();
    let mut events = bob.event_stream();
    let sender = thread::spawn(move || {
        for i in 0..20 {
            send(&alice, &key, &format!("message {i}"));
            thread::sleep(Duration::from_millis(if i % 2 == 0 { 0 } else { 20 }));
        }
        alice
    });
    block_on(async {
        for i in 0..20 {
            assert_eq!(text_of(&mut events).await.unwrap(), format!("message {i}"));
        }
    });
    sender.join().unwrap();
}

#[test]
fn two_streams_of_two_clients_share_a_task() {
    let (alice, bob, key) = two();
    let back = alice.identity().get().unwrap().chat_key;
    let (mut hers, mut his) = (alice.event_stream(), bob.event_stream());
    send(&alice, &key, "ping");
    send(&bob, &back, "pong");
    let (his, hers) = block_on(future::join(text_of(&mut his), text_of(&mut hers)));
    assert_eq!((his.unwrap(), hers.unwrap()), ("ping".into(), "pong".into()));
}

#[test]
fn a_dropped_stream_loses_nothing() {
    let (alice, bob, key) = two();
    for i in 0..5 {
        let mut events = bob.event_stream();
        while events.next().now_or_never().is_some() {} // until it waits, in its thread
        drop(events);
        let text = format!("message {i}");
        send(&alice, &key, &text);
        assert_eq!(next_text(&bob), text);
    }
}

#[test]
fn closing_ends_the_stream() {
    for dropped in [false, true] {
        let (_alice, bob, _) = two();
        let mut events = bob.event_stream();
        let waiting = thread::spawn(move || {
            block_on(async {
                let mut last = None;
                while let Some(event) = events.next().await {
                    last = Some(event.unwrap().data);
                }
                assert!(events.next().await.is_none());
                last
            })
        });
        thread::sleep(Duration::from_millis(100));
        if dropped {
            drop(bob)
        } else {
            bob.close().unwrap()
        }
        assert!(matches!(waiting.join().unwrap(), Some(EventData::Closed(_))));
    }
}

#[test]
fn a_stream_of_a_closed_client_ends() {
    let (_alice, bob, _) = two();
    bob.close().unwrap();
    let names: Vec<String> =
        block_on(bob.event_stream().map(|e| e.unwrap().data.name().to_owned()).collect());
    assert_eq!(names.last().map(String::as_str), Some("closed"));
    assert!(block_on(bob.event_stream().next()).is_none());
}

/// Counts how often it is woken.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls until the stream waits.
fn poll(client: &Client, events: &mut EventStream, waker: &Arc<Count>) {
    let waker = Waker::from(waker.clone());
    while let Poll::Ready(event) =
        std::pin::Pin::new(&mut *events).poll_next(&mut Context::from_waker(&waker))
    {
        assert!(event.is_some(), "{client:?} was closed");
    }
}

#[test]
fn only_the_last_task_is_woken_and_once() {
    let (alice, bob, key) = two();
    let (first, second) = (Arc::new(Count::default()), Arc::new(Count::default()));
    let mut events = bob.event_stream();
    thread::sleep(Duration::from_millis(200)); // what comes at the beginning
    poll(&bob, &mut events, &first);
    poll(&bob, &mut events, &second);
    send(&alice, &key, "hello");
    let end = Instant::now() + PATIENCE;
    while second.0.load(Ordering::SeqCst) == 0 && Instant::now() < end {
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(100));
    assert_eq!((first.0.load(Ordering::SeqCst), second.0.load(Ordering::SeqCst)), (0, 1));
}
