//! Two clients on a network in memory: messages, events, errors, closing.

mod common;

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use common::{PATIENCE, in_memory, next_text, send, somebody, two};
use serde_json::{Value, json};
use status1to1::*;

/// The base point of secp256k1: a valid key of nobody here.
const SOMEBODY: &str = "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

#[test]
fn a_message_arrives_and_is_acknowledged() {
    let (alice, bob, key) = two();
    let sent = send(&alice, &key, "Grüße 👋🏽 \u{0}");
    assert!(sent.outgoing && !sent.request && sent.attachments.is_empty());
    let received = bob
        .events()
        .timeout(PATIENCE)
        .find_map(|event| match event.unwrap().data {
            EventData::MessageReceived(received) => Some(received.message),
            _ => None,
        })
        .unwrap();
    assert_eq!(
        (received.message_id.as_str(), received.text.as_str()),
        (sent.message_id.as_str(), "Grüße 👋🏽 \u{0}")
    );
    let delivered =
        alice.events().timeout(PATIENCE).map(Result::unwrap).any(
            |event| matches!(event.data, EventData::MessageState(change) if change.state == DeliveryState::Delivered),
        );
    assert!(delivered);
    let listed = alice.messages().list(&key).unwrap();
    assert_eq!(listed.items.len(), 1);
    assert_eq!(alice.messages().list(ListMessagesParams::new(&key).limit(1)).unwrap().items, listed.items);
}

#[test]
fn events_not_acknowledged_come_again() {
    let directory = Directory::new("again");
    let config = in_memory();
    let mut file = config.clone();
    file.store = StoreConfig::new().path(directory.file("bob.db")).passphrase("correct horse");
    let (alice, bob) = (somebody(&config), somebody(&file));
    let key = bob.identity().get().unwrap().chat_key;
    send(&alice, &key, "first");
    assert_eq!(next_text(&bob), "first");
    drop(bob);

    let bob = Client::open(&file).unwrap();
    assert_eq!(bob.stored_identity().unwrap().chat_key, key);
    let event = bob
        .events()
        .timeout(PATIENCE)
        .map(Result::unwrap)
        .find(|event| matches!(event.data, EventData::MessageReceived(_)))
        .unwrap();
    event.ack().unwrap();
    drop(bob);
    event.ack().unwrap_err();

    let bob = Client::open(&file).unwrap();
    send(&alice, &key, "second");
    assert_eq!(next_text(&bob), "second");
}

#[test]
fn errors_have_a_code_and_more() {
    let error = Client::open(Config::new(StoreConfig::new().kind("paper"))).unwrap_err();
    assert_eq!(*error.code(), ErrorCode::BadConfig);
    assert_eq!(*error.category(), ErrorCategory::Request);
    assert_eq!(error.field(), Some("store.kind"));
    assert!(!error.is_retryable());
    assert_eq!(error.to_string(), format!("bad_config (store.kind): {}", error.message()));

    let client = somebody(&in_memory());
    let error = client.messages().send(SendParams::new("nobody").text("hello")).unwrap_err();
    assert_eq!((error.code(), error.field()), (&ErrorCode::BadKey, Some("to")));
    assert_eq!(error.details()["cause"], "other_text");
    let error = client.call::<Value>("messages.sent", &json!({})).unwrap_err();
    assert_eq!(*error.code(), ErrorCode::UnknownMethod);
    assert_eq!(error.details()["nearest"], "messages.send");
    assert_eq!(*client.call::<Value>("a\0b", &json!({})).unwrap_err().code(), ErrorCode::UnknownMethod);
    assert_eq!(
        *client.call::<Value>("events.ack", &json!({"up_to": 1, "x": 1})).unwrap_err().code(),
        ErrorCode::UnknownField
    );

    let boxed: Box<dyn std::error::Error + Send + Sync> = error.clone().into();
    assert_eq!(boxed.downcast_ref::<Error>(), Some(&error));
    assert_eq!(serde_json::from_str::<Error>(&serde_json::to_string(&error).unwrap()).unwrap(), error);
}

#[test]
fn an_answer_of_another_form_is_an_error_without_its_content() {
    let client = somebody(&in_memory());
    let phrase = client.identity().phrase(()).unwrap().phrase;
    let error = client.call::<BTreeMap<String, u64>>("identity.phrase", &json!({})).unwrap_err();
    assert_eq!(*error.code(), ErrorCode::Internal);
    assert!(!format!("{error} {error:?}").contains(phrase.expose()));
}

#[test]
fn secrets_do_not_show() {
    let config = Config::new(StoreConfig::new().path("x").passphrase("swordfish").key([7; 32]));
    let client = Client::open(in_memory()).unwrap();
    let created = client.identity().create(()).unwrap();
    let restore = RestoreIdentityParams::new(created.phrase.expose().as_str()).passphrase("swordfish");
    let import =
        ImportIdentityParams::new("0x00000000000000000000000000000000000000000000000000000000000000ab");
    let shown = format!("{config:?} {created:?} {restore:?} {import:?}");
    for secret in ["swordfish", "BwcH", "00ab"].into_iter().chain(created.phrase.expose().split(' ')) {
        assert!(!shown.contains(&format!("{secret} ")) && !shown.contains(&format!("{secret}\"")), "{shown}");
    }
    assert_eq!(shown.matches("[redacted]").count(), 6, "{shown}");
    // They still reach the library.
    let json = serde_json::to_value(&config).unwrap();
    assert_eq!(json["store"]["passphrase"], "swordfish");
    assert_eq!(json["store"]["key"], "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
    assert!(Client::open(in_memory()).unwrap().identity().restore(restore).is_ok());
}

#[test]
fn values_of_tomorrow_are_kept() {
    let code: ErrorCode = serde_json::from_str(r#""of_tomorrow""#).unwrap();
    assert_eq!(code, ErrorCode::Other("of_tomorrow".into()));
    assert_eq!(serde_json::to_string(&code).unwrap(), r#""of_tomorrow""#);
    for known in ErrorCode::KNOWN {
        assert_eq!(&ErrorCode::from(known.as_str()), known);
        assert_eq!(&ErrorCode::from(known.to_string()), known);
    }
    assert!(ErrorCode::KNOWN.len() > 50);
}

#[test]
fn one_required_parameter_may_stand_for_all() {
    let client = somebody(&in_memory());
    client.contacts().add(SOMEBODY).unwrap();
    let contact = client.contacts().get(SOMEBODY.to_owned()).unwrap();
    assert_eq!(client.contacts().get(&contact.chat_key).unwrap(), contact);
    assert_eq!(client.contacts().list(()).unwrap().items, std::slice::from_ref(&contact));
    assert_eq!(
        client.contacts().list(PageParams::new().limit(1)).unwrap().items,
        std::slice::from_ref(&contact)
    );
    client.presence().set(SetPresenceParams::new("off")).unwrap();
    assert_eq!(client.presence().get().unwrap().presence, None);
}

#[test]
fn times_in_nanoseconds_are_exact() {
    let network = NetworkConfig::new().kind("external");
    let external = Client::open(Config::new(StoreConfig::new().kind("memory")).network(network)).unwrap();
    external.identity().create(()).unwrap();
    external.contacts().add(SOMEBODY).unwrap();
    send(&external, SOMEBODY, "hello");
    let envelope = external
        .events()
        .timeout(PATIENCE)
        .find_map(|event| match event.unwrap().data {
            EventData::EnvelopeOutgoing(envelope) => Some(envelope),
            _ => None,
        })
        .unwrap();
    assert!(envelope.timestamp > Nanoseconds(1 << 60) && !envelope.payload.is_empty());
    let incoming = IncomingEnvelope::new(envelope.content_topic.as_str(), envelope.payload.clone())
        .timestamp(envelope.timestamp)
        .pubsub_topic(envelope.pubsub_topic.as_str());
    assert_eq!(external.network().deliver(DeliverParams::new([incoming])).unwrap().taken, 1);
    external.network().published(envelope.envelope_id.as_str()).unwrap();
}

#[test]
fn dropping_closes_while_another_thread_waits() {
    let (_alice, bob, _) = two();
    let events = bob.events();
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let events = events.clone();
            thread::spawn(move || events.map(Result::unwrap).filter(|e| e.data.name() == "closed").count())
        })
        .collect();
    thread::sleep(Duration::from_millis(200));
    drop(bob);
    let seen: usize = waiting.into_iter().map(|thread| thread.join().unwrap()).sum();
    assert_eq!(seen, 1);
    assert_eq!(events.count(), 0);
}

#[test]
fn a_closed_client_says_so() {
    let client = somebody(&in_memory());
    client.close().unwrap();
    client.close().unwrap();
    assert!(matches!(client.identity().get().unwrap_err().code(), ErrorCode::BadClient | ErrorCode::Closed));
    assert_eq!(client.event_fd(), None);
    client.on_event(|_| ()).unwrap_err();
}

#[test]
fn a_timeout_is_kept_and_iteration_goes_on() {
    let (alice, bob, key) = two();
    let mut events = bob.events().timeout(Duration::from_millis(50));
    while events.next().is_some() {}
    let begun = Instant::now();
    assert!(events.next().is_none());
    assert!(begun.elapsed() >= Duration::from_millis(50));
    send(&alice, &key, "hello");
    assert_eq!(next_text(&bob), "hello");
    assert!(bob.next_event(Some(Duration::ZERO)).unwrap().is_none_or(|event| event.seq > 0));
}

#[test]
fn closures_get_the_events() {
    let (alice, bob, key) = two();
    let (tell, told) = mpsc::channel();
    bob.on_event(move |event| {
        if let EventData::MessageReceived(received) = &event.data {
            event.ack().unwrap();
            tell.send(received.message.text.clone()).unwrap();
        }
    })
    .unwrap();
    send(&alice, &key, "to the closure");
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "to the closure");
    bob.remove_on_event().unwrap();
    assert!(told.recv().is_err(), "the closure is dropped");
    send(&alice, &key, "to the thread");
    assert_eq!(next_text(&bob), "to the thread");
}

#[test]
fn a_panic_in_a_closure_stays_in_it() {
    let (alice, bob, key) = two();
    let (tell, told) = mpsc::channel();
    bob.on_event(move |event| {
        if let EventData::MessageReceived(received) = event.data {
            tell.send(received.message.text.clone()).unwrap();
            assert_ne!(received.message.text, "first", "this panic is part of the test");
        }
    })
    .unwrap();
    send(&alice, &key, "first");
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "first");
    send(&alice, &key, "second");
    assert_eq!(told.recv_timeout(PATIENCE).unwrap(), "second");
    bob.close().unwrap();
    assert!(told.recv().is_err());
}

#[test]
fn a_closure_may_drop_its_client() {
    let (alice, bob, key) = two();
    let bob = Arc::new(Mutex::new(Some(bob)));
    let (tell, told) = mpsc::channel();
    let theirs = bob.clone();
    bob.lock()
        .unwrap()
        .as_ref()
        .unwrap()
        .on_event(move |event| {
            if event.data.name() == "message_received" {
                drop(theirs.lock().unwrap().take());
                tell.send(()).unwrap();
            }
        })
        .unwrap();
    send(&alice, &key, "goodbye");
    told.recv_timeout(PATIENCE).unwrap();
    assert!(bob.lock().unwrap().is_none());
}

#[test]
fn the_library_says_what_it_is() {
    let info = info().unwrap();
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));
    assert_eq!(i64::from(status1to1_sys::STATUS1TO1_ABI_VERSION), i64::from(info.abi_version as i32));
    assert_eq!(schema().unwrap()["info"]["title"], "libstatus1to1");
}

/// A directory that is removed at the end.
struct Directory(std::path::PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("status1to1-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Directory(path)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
