//! Clients.

use std::borrow::Borrow;
use std::ffi::CString;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::callback;
use crate::error::{Error, Result};
use crate::event::{Event, Events};
use crate::ffi::{self, Handle};
use crate::types::{Config, ErrorCategory, ErrorCode, IdentityInfo, Info, OpenResult};

/// An identity with its store and its network. It can be used from all threads at once. Dropping it
/// closes it.
#[derive(Debug)]
pub struct Client {
    pub(crate) handle: Handle,
    stored_identity: Option<IdentityInfo>,
}

impl Client {
    /// Opens a client. The network starts, and what waits in the store is sent. Where a passphrase
    /// opens the store this takes a tenth of a second or more, which makes guessing slow.
    pub fn open(config: impl Borrow<Config>) -> Result<Client> {
        ffi::check_abi()?;
        let (handle, opened) = Handle::open::<OpenResult>(config.borrow());
        match opened {
            Ok(opened) => Ok(Client { handle, stored_identity: opened.identity }),
            Err(error) => {
                if handle.0 != 0 {
                    let _ = handle.close(); // it is open, but what it answered could not be read
                }
                Err(error)
            }
        }
    }

    /// The identity that was in the store when it was opened. If there was none, create, restore or
    /// import one by [`Client::identity`].
    pub fn stored_identity(&self) -> Option<&IdentityInfo> {
        self.stored_identity.as_ref()
    }

    /// Calls a method by its name, which need not be known to this version of the crate.
    ///
    /// ```
    /// # use status1to1::{Client, Config, StoreConfig, NetworkConfig};
    /// use serde_json::{Value, json};
    ///
    /// # fn main() -> status1to1::Result<()> {
    /// # let client = Client::open(Config::new(StoreConfig::new().kind("memory")).network(NetworkConfig::new().kind("memory")))?;
    /// let created: Value = client.call("identity.create", &json!({"display_name": "Alice"}))?;
    /// assert_eq!(created["identity"]["display_name"], "Alice");
    /// # Ok(())
    /// # }
    /// ```
    pub fn call<R: DeserializeOwned>(&self, method: &str, params: &(impl Serialize + ?Sized)) -> Result<R> {
        let method = CString::new(method).map_err(|_| {
            Error::own(ErrorCode::UnknownMethod, ErrorCategory::Request, "the name has a NUL in it".into())
        })?;
        self.handle.call(&method, params)
    }

    /// Waits for the next event: for ever, or until the timeout has passed, which gives `None`.
    pub fn next_event(&self, timeout: Option<Duration>) -> Result<Option<Event>> {
        Event::next(self.handle, timeout)
    }

    /// The events, one after the other; it blocks while there are none. It ends after the event
    /// [`Closed`](crate::EventData::Closed), which is the last one. It does not borrow the client, so that a
    /// thread can wait while another one drops the client.
    pub fn events(&self) -> Events {
        Events::new(self.handle)
    }

    /// The events for asynchronous programs, whatever their executor. The first time it has to wait,
    /// it starts a thread, which waits for the descriptor of [`event_fd`](Client::event_fd) and wakes
    /// the task. Dropping the stream loses no event: those that it has not returned are still there.
    #[cfg(all(unix, feature = "stream"))]
    pub fn event_stream(&self) -> crate::EventStream {
        crate::EventStream::new(self.handle)
    }

    /// Has `function` called with each event from now on, in a thread of the library, one at a time.
    /// It may use this client and others, also drop them. A panic in it is caught; the next event is
    /// passed to it all the same.
    ///
    /// This returns once no call of the function that was set before is running, unless it is called
    /// in such a function itself.
    pub fn on_event(&self, function: impl Fn(Event) + Send + Sync + 'static) -> Result<()> {
        callback::set(self.handle, function)
    }

    /// Ends what [`on_event`](Client::on_event) began.
    pub fn remove_on_event(&self) -> Result<()> {
        callback::remove(self.handle)
    }

    /// A descriptor that is readable while events wait, for event loops; `None` if the client is
    /// closed. It belongs to the library: do not read or close it, and stop watching it before the
    /// client is closed. When it is readable, call [`next_event`](Client::next_event) with a timeout of
    /// zero until there is none.
    #[cfg(unix)]
    pub fn event_fd(&self) -> Option<std::os::fd::RawFd> {
        Some(self.handle.event_fd()).filter(|fd| *fd >= 0)
    }

    /// Closes the client and waits until store and network are released. Running calls fail with the
    /// code `closed`, and threads that wait for events go on. Dropping the client does the same but
    /// does not tell of errors. Closing twice is not an error.
    pub fn close(&self) -> Result<()> {
        let closed = self.handle.close();
        callback::forget(self.handle);
        closed
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// The version and the build of the library, and the specifications it implements.
pub fn info() -> Result<Info> {
    ffi::info()
}

/// The OpenRPC document of all methods, events and error codes.
pub fn schema() -> Result<Value> {
    ffi::schema()
}
