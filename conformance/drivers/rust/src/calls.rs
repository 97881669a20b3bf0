//! How long calls into the library take from Rust, for `make bench-calls`. It prints one JSON object.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use status1to1::{Client, Config, NetworkConfig, StoreConfig};

/// Calls that are measured, and before them those that warm up.
const CALLS: usize = 20_000;
const WARM_UP: usize = 2_000;

/// The percentiles of what a call takes, in ns.
fn measure(mut call: impl FnMut()) -> Value {
    for _ in 0..WARM_UP {
        call();
    }
    let mut took: Vec<u128> = (0..CALLS)
        .map(|_| {
            let begin = Instant::now();
            call();
            begin.elapsed().as_nanos()
        })
        .collect();
    took.sort_unstable();
    json!({"median_ns": took[CALLS / 2] as u64, "p90_ns": took[CALLS * 9 / 10] as u64, "p99_ns": took[CALLS * 99 / 100] as u64})
}

fn main() -> status1to1::Result<()> {
    let config = Config::new(StoreConfig::new().kind("memory")).network(NetworkConfig::new().kind("memory"));
    let client = Client::open(config)?;
    client.identity().create(())?;
    let found = json!({
        "identity.get": measure(|| drop(client.identity().get().expect("an identity"))),
        "events.ack": measure(|| client.call::<Value>("events.ack", &json!({"up_to": 0})).map(drop).expect("acknowledged")),
        "next_event": measure(|| drop(client.next_event(Some(Duration::ZERO)).expect("an event or none"))),
    });
    println!("{found}");
    Ok(())
}
