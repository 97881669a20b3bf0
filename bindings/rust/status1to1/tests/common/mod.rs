//! Clients on a network in memory.
#![allow(dead_code)] // no test uses all of it

use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use status1to1::{
    Client, Config, EventData, MemoryNetworkConfig, Message, NetworkConfig, SendParams, StoreConfig,
};

/// For anything to happen, on a slow machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// For a whole program of tests with 100,000 calls: what waits in vain does not wait for ever.
const ALL_PATIENCE: Duration = Duration::from_secs(180);

/// How many calls the test of leaks makes.
pub fn calls() -> u32 {
    std::env::var("STATUS1TO1_CALLS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

/// Ends the program if it takes too long.
fn watch() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(|| {
        thread::spawn(|| {
            let patience = ALL_PATIENCE * (calls() / 100_000).max(1);
            thread::sleep(patience);
            eprintln!("the tests have not ended within {patience:?}");
            std::process::exit(1);
        });
    });
}

/// A configuration without files, on a network that nobody else has.
pub fn in_memory() -> Config {
    static NETWORKS: AtomicU32 = AtomicU32::new(0);
    watch();
    let name = format!("rust {}", NETWORKS.fetch_add(1, Ordering::Relaxed));
    let network = NetworkConfig::new().kind("memory").memory(MemoryNetworkConfig::new().name(name));
    Config::new(StoreConfig::new().kind("memory")).network(network)
}

/// Somebody with an identity.
pub fn somebody(config: &Config) -> Client {
    let client = Client::open(config).unwrap();
    client.identity().create(()).unwrap();
    client
}

/// Two people on one network, and the key of the second.
pub fn two() -> (Client, Client, String) {
    let config = in_memory();
    let (alice, bob) = (somebody(&config), somebody(&config));
    let key = bob.identity().get().unwrap().chat_key;
    (alice, bob, key)
}

/// Sends a text.
pub fn send(client: &Client, key: &str, text: &str) -> Message {
    client.messages().send(SendParams::new(key).text(text)).unwrap()
}

/// The text of the next message that arrives.
pub fn next_text(client: &Client) -> String {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let event = client.next_event(Some(PATIENCE)).unwrap().expect("an event");
        assert!(!matches!(event.data, EventData::Unknown { .. }), "{event:?} cannot be read");
        if let EventData::MessageReceived(received) = event.data {
            return received.message.text;
        }
    }
    panic!("no message in {PATIENCE:?}");
}
