//! Events as a stream. A small thread waits for the descriptor of the client and wakes the task; the
//! task itself fetches the events, so that none is lost when the stream is dropped.

use std::fmt;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures_core::{FusedStream, Stream};

use crate::error::{Error, Result};
use crate::event::{self, Event};
use crate::ffi::Handle;
use crate::types::{ErrorCategory, ErrorCode};

/// The events of a client; see [`Client::event_stream`](crate::Client::event_stream).
///
/// ```
/// use futures_util::StreamExt;
/// # use status1to1::{Client, Config, StoreConfig, NetworkConfig};
///
/// # fn main() -> status1to1::Result<()> {
/// # let client = Client::open(Config::new(StoreConfig::new().kind("memory")).network(NetworkConfig::new().kind("memory")))?;
/// # client.close()?;
/// # futures_executor::block_on(async {
/// let mut events = client.event_stream();
/// while let Some(event) = events.next().await {
///     let event = event?;
///     println!("{:?}", event.data);
///     event.ack()?;
/// }
/// # Ok(())
/// # })
/// # }
/// ```
#[must_use = "a stream does nothing unless it is polled"]
pub struct EventStream {
    handle: Handle,
    watcher: Option<Watcher>,
    ended: bool,
}

impl EventStream {
    pub(crate) fn new(handle: Handle) -> Self {
        EventStream { handle, watcher: None, ended: false }
    }

    /// Arranges that the task is woken when events wait; false if the client is closed.
    fn watch(&mut self, waker: &Waker) -> io::Result<bool> {
        if self.watcher.is_none() {
            self.watcher = Watcher::start(self.handle)?;
        }
        match &self.watcher {
            Some(watcher) => watcher.arm(waker).map(|()| true),
            None => Ok(false),
        }
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream").field("handle", &self.handle).field("ended", &self.ended).finish()
    }
}

impl Stream for EventStream {
    type Item = Result<Event>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Event>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut next = Event::next(self.handle, Some(Duration::ZERO));
        if matches!(next, Ok(None)) {
            match self.watch(context.waker()) {
                Ok(true) => return Poll::Pending,
                Ok(false) => next = Event::next(self.handle, Some(Duration::ZERO)), // it was closed in between
                Err(error) => next = Err(failed(&error)),
            }
        }
        self.ended = event::ends(&next) || matches!(next, Ok(None));
        Poll::Ready(event::item(next))
    }
}

impl FusedStream for EventStream {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

fn failed(error: &io::Error) -> Error {
    Error::own(ErrorCode::Internal, ErrorCategory::Internal, format!("events cannot be waited for: {error}"))
}

/// The thread that waits, and what it shares with the stream.
struct Watcher {
    /// The task to wake. While there is one, the thread waits for events.
    waker: Arc<Mutex<Option<Waker>>>,
    /// A byte asks the thread to wait for events; closing it ends the thread.
    control: UnixStream,
}

impl Watcher {
    /// Starts the thread; nothing if the client is closed.
    fn start(handle: Handle) -> io::Result<Option<Watcher>> {
        let Some(events) = duplicate(handle)? else { return Ok(None) };
        let (control, theirs) = UnixStream::pair()?;
        let waker = Arc::new(Mutex::new(None));
        let shared = waker.clone();
        thread::Builder::new()
            .name("status1to1-events".into())
            .spawn(move || watch(&events, &theirs, &shared))?;
        Ok(Some(Watcher { waker, control }))
    }

    /// Has the task woken when events wait, now or later.
    fn arm(&self, waker: &Waker) -> io::Result<()> {
        let before = self.waker.lock().unwrap_or_else(PoisonError::into_inner).replace(waker.clone());
        if before.is_none() { (&self.control).write_all(&[0]) } else { Ok(()) }
    }
}

/// A descriptor of our own for the events of a client: it stays valid when the client is closed, and
/// is readable then. Nothing if the client is closed.
fn duplicate(handle: Handle) -> io::Result<Option<OwnedFd>> {
    let fd = handle.event_fd();
    if fd < 0 {
        return Ok(None);
    }
    // SAFETY: fcntl takes any number.
    let own = unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, 0) };
    let error = io::Error::last_os_error();
    if handle.event_fd() != fd {
        // The client was closed meanwhile, and the number may have been another file's.
        if own >= 0 {
            // SAFETY: own was just made and is used nowhere else.
            drop(unsafe { OwnedFd::from_raw_fd(own) });
        }
        return Ok(None);
    }
    if own < 0 {
        return Err(error);
    }
    // SAFETY: own was just made and is used nowhere else.
    Ok(Some(unsafe { OwnedFd::from_raw_fd(own) }))
}

/// The thread: each time it is asked to, it waits for events and wakes the task.
fn watch(events: &OwnedFd, mut control: &UnixStream, waker: &Mutex<Option<Waker>>) {
    let mut asked = [0];
    while matches!(control.read(&mut asked), Ok(1)) {
        if !wait(events, control) {
            return;
        }
        let task = waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            task.wake();
        }
    }
}

/// Waits until events are there; false if the stream was dropped.
fn wait(events: &OwnedFd, control: &UnixStream) -> bool {
    let entry = |fd| libc::pollfd { fd, events: libc::POLLIN, revents: 0 };
    let mut watched = [entry(events.as_raw_fd()), entry(control.as_raw_fd())];
    loop {
        // SAFETY: watched is an array of that many entries.
        let ready = unsafe { libc::poll(watched.as_mut_ptr(), watched.len() as libc::nfds_t, -1) };
        if ready > 0 {
            return watched[1].revents == 0;
        }
        if io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return true; // the task finds out what is wrong
        }
    }
}
