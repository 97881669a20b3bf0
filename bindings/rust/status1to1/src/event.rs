//! Events and the iterator of them.

use std::time::Duration;

use serde::ser::SerializeStruct;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::Result;
use crate::event_data::EventData;
use crate::ffi::{self, Handle};
use crate::types::AckParams;

/// Defines the enum of what events say, by the names of their types.
macro_rules! event_data {
    ($($(#[$what:meta])* $name:literal => $variant:ident($data:ident),)*) => {
        /// What an event says. Each variant is the `data` of one type of event.
        #[derive(Clone, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum EventData {
            $($(#[$what])* $variant(Box<crate::types::$data>),)*
            /// An event that this version of the crate does not know or cannot read.
            Unknown {
                /// The name of its type in JSON.
                name: String,
                /// Its data.
                data: serde_json::Value,
            },
        }

        impl EventData {
            /// The name that the type of the event has in JSON.
            pub fn name(&self) -> &str {
                match self {
                    $(EventData::$variant(_) => $name,)*
                    EventData::Unknown { name, .. } => name,
                }
            }

            /// Reads the data of the event type called `name`.
            pub(crate) fn read(name: String, data: &str) -> serde_json::Result<Self> {
                let known = match name.as_str() {
                    $($name => serde_json::from_str(data).map(EventData::$variant).ok(),)*
                    _ => None,
                };
                match known {
                    Some(known) => Ok(known),
                    None => serde_json::from_str(data).map(|data| EventData::Unknown { name, data }),
                }
            }
        }

        impl serde::Serialize for EventData {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $(EventData::$variant(data) => data.serialize(serializer),)*
                    EventData::Unknown { data, .. } => data.serialize(serializer),
                }
            }
        }
    };
}
pub(crate) use event_data;

/// Something that has happened. It is stored until it is acknowledged, unless its
/// [`seq`](Event::seq) is 0.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Event {
    /// The number of the event, which rises; 0 if it is not stored.
    pub seq: u64,
    /// When it happened, in ms since 1970.
    pub at: i64,
    /// What has happened.
    pub data: EventData,
    handle: Handle,
}

/// An event in JSON.
#[derive(Deserialize)]
struct Raw {
    seq: u64,
    #[serde(rename = "type")]
    name: String,
    at: i64,
    data: Box<RawValue>,
}

impl Event {
    /// Acknowledges this event and all before it: they are not delivered again after the next open.
    /// It does nothing for an event that is not stored.
    pub fn ack(&self) -> Result<()> {
        if self.seq == 0 {
            return Ok(());
        }
        self.handle.run(c"events.ack", &AckParams::new(self.seq))
    }

    /// Whether it is the last event of its client.
    pub(crate) fn is_last(&self) -> bool {
        matches!(self.data, EventData::Closed(_))
    }

    /// Waits for the next event of a client.
    pub(crate) fn next(handle: Handle, timeout: Option<Duration>) -> Result<Option<Event>> {
        handle.next_event(milliseconds(timeout))?.map(|raw| Event::from_raw(handle, raw)).transpose()
    }

    /// Reads the envelope that a callback gets.
    pub(crate) fn from_json(handle: Handle, text: &[u8]) -> Result<Option<Event>> {
        ffi::open_envelope(text)?.map(|raw| Event::from_raw(handle, raw)).transpose()
    }

    fn from_raw(handle: Handle, raw: Raw) -> Result<Event> {
        let data =
            EventData::read(raw.name, raw.data.get()).map_err(|error| crate::Error::unreadable(&error))?;
        Ok(Event { seq: raw.seq, at: raw.at, data, handle })
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Event", 4)?;
        object.serialize_field("seq", &self.seq)?;
        object.serialize_field("type", self.data.name())?;
        object.serialize_field("at", &self.at)?;
        object.serialize_field("data", &self.data)?;
        object.end()
    }
}

/// A timeout as the library takes it: at least as long, and -1 for ever.
fn milliseconds(timeout: Option<Duration>) -> i32 {
    match timeout {
        None => -1,
        Some(time) => i32::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX),
    }
}

/// The events of a client, one after the other; see [`Client::events`](crate::Client::events).
#[derive(Clone, Debug)]
pub struct Events {
    pub(crate) handle: Handle,
    timeout: Option<Duration>,
    ended: bool,
}

impl Events {
    pub(crate) fn new(handle: Handle) -> Self {
        Events { handle, timeout: None, ended: false }
    }

    /// The same events, but `next` returns `None` if none came for this long. Iteration may go on
    /// after that.
    ///
    /// ```
    /// # use status1to1::{Client, Config, StoreConfig, NetworkConfig};
    /// # fn main() -> status1to1::Result<()> {
    /// # let client = Client::open(Config::new(StoreConfig::new().kind("memory")).network(NetworkConfig::new().kind("memory")))?;
    /// for event in client.events().timeout(std::time::Duration::from_millis(10)) {
    ///     println!("{:?}", event?.data);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }
}

impl Iterator for Events {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Result<Event>> {
        if self.ended {
            return None;
        }
        let next = Event::next(self.handle, self.timeout);
        self.ended = ends(&next);
        item(next)
    }
}

/// Whether nothing comes after this.
pub(crate) fn ends(next: &Result<Option<Event>>) -> bool {
    match next {
        Ok(event) => event.as_ref().is_some_and(Event::is_last),
        Err(_) => true,
    }
}

/// What an iterator or stream returns: that the client is closed is its end, no error.
pub(crate) fn item(next: Result<Option<Event>>) -> Option<Result<Event>> {
    match next {
        Err(error) if error.is_closed() => None,
        next => next.transpose(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Event {
        Event::from_json(Handle(1), text.as_bytes()).unwrap().unwrap()
    }

    #[test]
    fn timeouts_are_not_shorter() {
        assert_eq!(milliseconds(None), -1);
        assert_eq!(milliseconds(Some(Duration::ZERO)), 0);
        assert_eq!(milliseconds(Some(Duration::from_micros(1))), 1);
        assert_eq!(milliseconds(Some(Duration::MAX)), i32::MAX);
    }

    #[test]
    fn an_unknown_event_is_kept() {
        let text = r#"{"ok":true,"result":{"seq":7,"type":"of_tomorrow","at":1,"data":{"a":[1]},"more":0}}"#;
        let event = read(text);
        assert_eq!(
            event.data,
            EventData::Unknown { name: "of_tomorrow".into(), data: serde_json::json!({"a": [1]}) }
        );
        let again = serde_json::to_string(&event).unwrap();
        assert_eq!(again, r#"{"seq":7,"type":"of_tomorrow","at":1,"data":{"a":[1]}}"#);
    }

    #[test]
    fn an_event_with_data_of_tomorrow_is_kept() {
        let event = read(r#"{"ok":true,"result":{"seq":7,"type":"closed","at":1,"data":{"reason":[]}}}"#);
        assert_eq!(event.data.name(), "closed");
        assert!(matches!(event.data, EventData::Unknown { .. }));
        let event = read(
            r#"{"ok":true,"result":{"seq":7,"type":"closed","at":1,"data":{"reason":"flood","more":1}}}"#,
        );
        assert!(matches!(event.data, EventData::Closed(_)));
    }
}
