//! Private one-to-one chat with the people of [Status](https://status.app), over Waku: the Rust
//! binding of libstatus1to1.
//!
//! ```
//! use status1to1::{Client, Config, EventData, MemoryNetworkConfig, NetworkConfig, SendParams, StoreConfig};
//! # fn main() -> status1to1::Result<()> {
//!
//! // Two clients that need neither files nor the Internet. To chat with people, give the store a
//! // path and a passphrase, and the network the preset "status.prod".
//! let network = NetworkConfig::new().kind("memory").memory(MemoryNetworkConfig::new().name("example"));
//! let config = Config::new(StoreConfig::new().kind("memory")).network(network);
//! let (alice, bob) = (Client::open(&config)?, Client::open(&config)?);
//! alice.identity().create(())?;
//! let created = bob.identity().create(())?;
//!
//! alice.messages().send(SendParams::new(created.identity.chat_key).text("Hello Bob"))?;
//! for event in bob.events() {
//!     let event = event?;
//!     if let EventData::MessageReceived(received) = &event.data {
//!         assert_eq!(received.message.text, "Hello Bob");
//!         event.ack()?; // else it comes again after the next open
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Methods and their parameters
//!
//! A method `noun.verb` of [the reference] is `client.noun().verb(parameters)`. The parameters are a
//! struct of [`types`]: `new` takes the required ones, a method for each sets an optional one. Where
//! only one is required, it may stand for the struct: `client.contacts().get("zQ3sh...")`; where none
//! is, `()` does. Structs and enums may get more members in later versions; what a newer library
//! answers can be read all the same: an unknown value of an enum is its variant `Other`, an unknown
//! event [`EventData::Unknown`], and an unknown field is passed over. A method that this version of
//! the crate does not know is called by [`Client::call`].
//!
//! Numbers of milliseconds count from 1970. Secrets, such as a passphrase, are [`Secret`] and do not
//! show in `Debug`.
//!
//! # Events
//!
//! An event stays stored until it, or a later one, is acknowledged: handle it, then call
//! [`Event::ack`]. There are several ways to receive events, and each event comes once, by one of them:
//! [`Client::events`] blocks, [`Client::event_stream`] is a [`Stream`](futures_core::Stream),
//! [`Client::event_fd`] is for event loops, and [`Client::on_event`] calls a closure.
//!
//! # Threads
//!
//! A [`Client`] can be used from all threads at once: share it by `Arc`, or borrow it. Calls return in
//! milliseconds, but those with a deadline, which wait for the network; in asynchronous programs
//! call these, and [`Client::open`] and [`Client::close`], where blocking is allowed.
//! A child of `fork` cannot use the library: start another program instead.
//!
//! # The library
//!
//! The crate is linked to libstatus1to1, which has to be there when it is built: installed and found
//! by pkg-config, or in the directory of the environment variable `STATUS1TO1_LIB_DIR`. See the README.
//!
//! [the reference]: crate::methods
#![cfg_attr(not(feature = "stream"), allow(rustdoc::broken_intra_doc_links))]

/// The examples of the README are tried as well.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[macro_use]
mod open_enum;
mod callback;
mod client;
mod error;
mod event;
mod event_data;
mod ffi;
pub mod methods;
#[cfg(all(unix, feature = "stream"))]
mod stream;
pub mod types;
mod values;

pub use client::{Client, info, schema};
pub use error::{Error, Result};
pub use event::{Event, Events};
pub use event_data::EventData;
#[cfg(all(unix, feature = "stream"))]
pub use stream::EventStream;
#[doc(no_inline)]
pub use types::*;
pub use values::{Bytes, Nanoseconds, Secret};
