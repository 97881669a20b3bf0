//! Many calls: nothing grows. STATUS1TO1_CALLS sets how many (100,000 if it does not). It is a
//! program of its own, as it looks at the memory of the whole process.

mod common;

use std::time::Instant;

use common::{calls, in_memory, somebody};
use serde_json::Value;
use status1to1::{Client, ErrorCode, ListChatsParams};

const SOMEBODY: &str = "0x0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

/// What may grow without being a leak: Go gives memory back late, and keeps threads. A leak of one
/// small object in each of 100,000 calls would be 3 MB and more, of a million 30 MB.
const SLACK_BYTES: u64 = 16 << 20;
const SLACK_GOROUTINES: i64 = 4;

/// Calls until the heap has its size.
const BEFORE: u64 = 20_000;

/// What the process holds.
#[derive(Debug)]
struct Held {
    bytes: u64,
    descriptors: usize,
    strings: i64,
    goroutines: i64,
}

fn held(client: &Client) -> Held {
    const PAGE: u64 = 4096; // the kernel counts pages; a larger one only makes the test stricter
    let diagnostics = client.diagnostics().get().unwrap();
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0);
    Held {
        bytes: resident * PAGE,
        descriptors: std::fs::read_dir("/proc/self/fd").map(Iterator::count).unwrap_or(0),
        strings: diagnostics.strings_held,
        goroutines: diagnostics.goroutines,
    }
}

/// One of several calls, by number: some succeed, some fail, some have an answer of another form than asked for.
fn some_call(client: &Client, number: u64) {
    match number % 8 {
        0 => drop(client.identity().get().unwrap()),
        1 => drop(client.contacts().get(SOMEBODY).unwrap_err()),
        2 => drop(client.contacts().get("nobody").unwrap_err()),
        3 => drop(client.call::<Value>("no.such", &()).unwrap_err()),
        4 => drop(client.events().timeout(std::time::Duration::ZERO).next()),
        5 => drop(client.chats().list(ListChatsParams::new().limit(3)).unwrap()),
        6 => client.on_event(|_| ()).and_then(|()| client.remove_on_event()).unwrap(),
        _ => assert_eq!(*client.call::<u64>("identity.get", &()).unwrap_err().code(), ErrorCode::Internal),
    }
}

#[test]
fn calls_leave_nothing_behind() {
    let calls = u64::from(calls());
    let client = somebody(&in_memory());
    (0..BEFORE).for_each(|number| some_call(&client, number));
    let before = held(&client);
    let begun = Instant::now();
    (0..calls).for_each(|number| some_call(&client, number));
    let after = held(&client);
    println!("{calls} calls in {:.1} s: {before:?} -> {after:?}", begun.elapsed().as_secs_f64());
    assert_eq!(after.strings, before.strings);
    assert!(after.descriptors <= before.descriptors);
    assert!(after.goroutines <= before.goroutines + SLACK_GOROUTINES);
    assert!(after.bytes <= before.bytes + SLACK_BYTES);
}
