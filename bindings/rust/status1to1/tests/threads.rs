//! One client in many threads, and many clients.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use common::{PATIENCE, in_memory, send, somebody, two};
use status1to1::{Client, Error, ErrorCode, Event, EventData, EventStream, Events};

const THREADS: u64 = 8;
const MESSAGES: u64 = 25;

#[test]
fn types_are_of_all_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Client>();
    shared::<Error>();
    shared::<Event>();
    shared::<Events>();
    shared::<EventStream>();
}

#[test]
fn many_threads_send_and_receive() {
    let (alice, bob, key) = two();
    let back = alice.identity().get().unwrap().chat_key;
    bob.contacts().add(&back).unwrap(); // of a stranger, only a hundred messages are kept
    let (received, end) = (AtomicU64::new(0), Instant::now() + PATIENCE);
    thread::scope(|scope| {
        for number in 0..THREADS {
            let (alice, key, bob, received) = (&alice, &key, &bob, &received);
            scope.spawn(move || (0..MESSAGES).for_each(|i| drop(send(alice, key, &format!("{number} {i}")))));
            scope.spawn(move || {
                while received.load(Ordering::SeqCst) < THREADS * MESSAGES && Instant::now() < end {
                    let event = bob.next_event(Some(PATIENCE / 600)).unwrap();
                    if event.is_some_and(|event| matches!(event.data, EventData::MessageReceived(_))) {
                        received.fetch_add(1, Ordering::SeqCst);
                    }
                }
            });
        }
    });
    assert_eq!(received.into_inner(), THREADS * MESSAGES);
    assert_eq!(bob.chats().get(back).unwrap().messages, THREADS * MESSAGES);
}

#[test]
fn closing_in_the_middle_of_calls() {
    let client = somebody(&in_memory());
    let closed = AtomicBool::new(false);
    let calls = AtomicU64::new(0);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Err(error) = client.messages().get(format!("0x{:064}", 1)) {
                    calls.fetch_add(1, Ordering::SeqCst);
                    if *error.code() != ErrorCode::NotFound {
                        assert!(closed.load(Ordering::SeqCst), "{error}");
                        assert!(matches!(error.code(), ErrorCode::Closed | ErrorCode::BadClient), "{error}");
                        return;
                    }
                }
            });
        }
        while calls.load(Ordering::SeqCst) < 1000 {
            thread::yield_now();
        }
        closed.store(true, Ordering::SeqCst);
        client.close().unwrap();
    });
}

#[test]
fn a_panic_closes_the_client_on_its_way() {
    let (tell, told) = std::sync::mpsc::channel();
    let panicking = thread::spawn(move || {
        let client = somebody(&in_memory());
        tell.send(client.events()).unwrap();
        panic!("this panic is part of the test, and drops {client:?}");
    });
    let events = told.recv().unwrap();
    assert!(events.map(Result::unwrap).any(|event| matches!(event.data, EventData::Closed(_))));
    panicking.join().unwrap_err();
}
