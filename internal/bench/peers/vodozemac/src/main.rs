//! What a message takes in an Olm session of vodozemac, for `make bench-peers`. It prints its figures as
//! JSON; internal/bench/peers/README.md says what each is.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use vodozemac::olm::{Account, OlmMessage, Session, SessionConfig};

/// Bytes of a text, the same in all programs of the comparison.
const SIZES: [usize; 2] = [100, 1024];
/// Messages of one figure, and before them those that warm up.
const MESSAGES: usize = 5000;
const WARM_UP: usize = 500;
const PICKLE_KEY: [u8; 32] = [7; 32];

type Failure = Box<dyn Error>;

/// Sends a text in one session and reads it in the other, over the bytes that would be on the wire.
fn pass(from: &mut Session, to: &mut Session, text: &[u8]) -> Result<Vec<u8>, Failure> {
    let (kind, bytes) = from.encrypt(text)?.to_parts();
    Ok(to.decrypt(&OlmMessage::from_parts(kind, &bytes)?)?)
}

/// Two sessions in which both sides have written.
fn acquainted() -> Result<(Session, Session), Failure> {
    let (alice, mut bob) = (Account::new(), Account::new());
    bob.generate_one_time_keys(1);
    let one_time = *bob
        .one_time_keys()
        .values()
        .next()
        .ok_or("no one-time key")?;
    let config = SessionConfig::version_1();
    let mut from = alice.create_outbound_session(config, bob.curve25519_key(), one_time)?;
    let OlmMessage::PreKey(first) = from.encrypt("hello")? else {
        return Err("the first message begins no session".into());
    };
    let mut to = bob
        .create_inbound_session(config, alice.curve25519_key(), &first)?
        .session;
    pass(&mut to, &mut from, b"hello")?;
    Ok((from, to))
}

fn figure(name: &str, size: usize, mut took: Vec<Duration>) -> Value {
    took.sort();
    let at = |percent: usize| took[took.len() * percent / 100].as_nanos();
    json!({"subject": "vodozemac", "figure": name, "size": size, "samples": took.len(), "median_ns": at(50), "p90_ns": at(90), "p99_ns": at(99)})
}

fn measure(in_turn: bool, stored: bool, size: usize) -> Result<Value, Failure> {
    let (mut from, mut to) = acquainted()?;
    let text = vec![b'm'; size];
    let mut took = Vec::with_capacity(MESSAGES);
    for i in 0..WARM_UP + MESSAGES {
        let begin = Instant::now();
        let got = pass(&mut from, &mut to, &text)?;
        if stored {
            black_box(from.pickle().encrypt(&PICKLE_KEY));
            black_box(to.pickle().encrypt(&PICKLE_KEY));
        }
        let passed = begin.elapsed();
        if got != text {
            return Err("another text came".into());
        }
        if i >= WARM_UP {
            took.push(passed);
        }
        if in_turn {
            std::mem::swap(&mut from, &mut to);
        }
    }
    let name = format!(
        "{}{}",
        if in_turn { "ping-pong" } else { "one way" },
        if stored { ", stored" } else { "" }
    );
    Ok(figure(&name, size, took))
}

fn main() -> Result<(), Failure> {
    let mut figures = Vec::new();
    for size in SIZES {
        for stored in [false, true] {
            for in_turn in [false, true] {
                figures.push(measure(in_turn, stored, size)?);
            }
        }
    }
    println!("{}", Value::Array(figures));
    Ok(())
}
